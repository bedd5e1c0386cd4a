"""A machine is a set of namespaces (network, mount, process, host name) held by its process 1, machine_init.py.

Killing process 1 kills everything in it, and then its mounts, links and pods' namespaces are gone by themselves: that
is how a machine is switched off, and also how a crashed run is cleaned up.
"""

import os
import pathlib
import signal
import subprocess
import sys

import cgroups
from shell import run, wait_until

INIT = pathlib.Path(__file__).resolve().with_name("machine_init.py")
STATE = pathlib.Path(os.environ.get("TULLE_CLUSTER_STATE", "/var/lib/tulle-cluster"))


class Machine:
    def __init__(self, name):
        self.name = name
        self.folder = STATE / name
        self.pid_file = self.folder / "pid"

    def switch_on(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        ready = self.folder / "ready"
        namespaces = ["unshare", "--mount", "--net", "--pid", "--uts", "--fork", "--mount-proc"]
        holder = subprocess.Popen([*namespaces, sys.executable, INIT, self.name, ready], start_new_session=True,
                                  stdin=subprocess.DEVNULL, stdout=self.log("init"), stderr=subprocess.STDOUT)
        wait_until(f"{self.name} starts", 20, ready.exists, log=self.log_path("init"))
        children = pathlib.Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text()
        self.pid_file.write_text(children.split()[0])

    def switch_off(self):
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGKILL)
            # Process 1 is the last to go: the kernel waits for all others in its namespace.
            wait_until(f"{self.name} stops", 20, lambda: is_gone(pid))
        cgroups.remove(self.name)

    def pid(self):
        """Process 1 as the host numbers it; None where the machine is off."""
        try:
            pid = int(self.pid_file.read_text())
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if str(INIT.name).encode() in b" ".join(command) and self.name.encode() in command else None

    def inside(self, *command, only_network=False):
        """The command line that runs command in this machine."""
        namespaces = ["--net"] if only_network else ["--mount", "--net", "--pid", "--uts"]
        return ["nsenter", f"--target={self.pid()}", *namespaces, "--", *map(str, command)]

    def run(self, *command):
        return run(*self.inside(*command))

    def start(self, name, *command):
        """Starts a program that runs until the machine is switched off; its output goes to log_path(name)."""
        subprocess.Popen(self.inside(*command), start_new_session=True, cwd="/", stdin=subprocess.DEVNULL,
                         stdout=self.log(name), stderr=subprocess.STDOUT)

    def log_path(self, name):
        return self.folder / f"{name}.log"

    def log(self, name):
        return open(self.log_path(name), "ab")


def is_gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True
