"""Network namespaces that stand for pods. They have no name: they live as long as this process and the programs in
them, and the programs die with this process, so that nothing is left behind however it ends."""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
OWN = "/proc/thread-self/ns/net"
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


class Namespace:
    def __init__(self, name):
        self.name = name
        home = os.open(OWN, os.O_RDONLY)
        _check(_libc.unshare(CLONE_NEWNET), "unshare a network namespace")
        self._fd = os.open(OWN, os.O_RDONLY)
        _check(_libc.setns(home, CLONE_NEWNET), "setns")
        os.close(home)
        self.run("ip", "link", "set", "lo", "up")

    @property
    def path(self):
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    def enter(self):
        """Moves the calling thread, and no other, into this namespace for good."""
        _check(_libc.setns(self._fd, CLONE_NEWNET), f"enter the namespace of {self.name}")

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in here for the length of a with statement; sockets made there stay there."""
        home = os.open(OWN, os.O_RDONLY)
        self.enter()
        try:
            yield
        finally:
            _check(_libc.setns(home, CLONE_NEWNET), "setns")
            os.close(home)

    def command(self, *arguments):
        return ["nsenter", f"--net={self.path}", *map(str, arguments)]

    def run(self, *arguments, **options):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, arguments))}: {(done.stderr or done.stdout).strip()}")
        return done

    def start(self, log, *arguments, uid=0, environment=None):
        """A program that runs until it is told to stop or this process is gone."""
        who = ["--reuid", uid, "--regid", uid, "--clear-groups", "--bounding-set=-all", "--no-new-privs"] if uid else []
        command = self.command("setpriv", *who, "setpriv", "--pdeathsig", "KILL", *arguments)
        with open(log, "ab") as output:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                    start_new_session=True, env={"PATH": os.environ["PATH"], **(environment or {})})


class Switch(Namespace):
    """The namespace with the bridge that all others are plugged into; it is also their gateway."""

    def __init__(self, address):
        super().__init__("switch")
        self.address = address
        self.run("ip", "link", "add", "sw0", "type", "bridge")
        self.run("ip", "addr", "add", f"{address}/24", "dev", "sw0")
        self.run("ip", "link", "set", "sw0", "up")

    def plug(self, namespace, address):
        # Interface names have at most 15 letters.
        port = "p-" + namespace.name[-13:]
        self.run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace.path)
        self.run("ip", "link", "set", port, "master", "sw0", "up")
        namespace.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        namespace.run("ip", "link", "set", "eth0", "up")
        namespace.run("ip", "route", "add", "default", "via", self.address)

    def balance(self, address, port, targets):
        """Plays kube-proxy: connections to address:port go to one of `targets` ("address:port") at random."""
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        for i, target in enumerate(targets):
            self.run("iptables", "-t", "nat", "-A", "PREROUTING", "-d", address, "-p", "tcp", "--dport", port,
                     "-m", "statistic", "--mode", "random", "--probability", f"{1 / (len(targets) - i):.6f}",
                     "-j", "DNAT", "--to-destination", target)
        self.run("iptables", "-t", "nat", "-A", "POSTROUTING", "-m", "conntrack", "--ctstate", "DNAT",
                 "-j", "MASQUERADE")

    def stop_balancing(self):
        self.run("iptables", "-t", "nat", "-F")
        self.run("sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward")
