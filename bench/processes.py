"""Programs that a benchmark starts: their processor time, their memory, and their end."""

import ctypes
import os
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Program:
    """One program in a session of its own, so that a Ctrl-C on the terminal reaches the benchmark alone, which stops
    its programs in order. What it says goes to `log`."""

    def __init__(self, arguments, log, **environment):
        self.log = log
        with open(log, "ab") as file:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                            start_new_session=True, preexec_fn=die_with_parent,
                                            env={**os.environ, **environment})
        self.pid = self.process.pid

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def wait_for(self, address, seconds=15):
        """Returns when `address` ("host:port") takes connections."""
        host, port = address.rsplit(":", 1)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection((host, int(port)), timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        with open(self.log, encoding="utf-8", errors="replace") as file:
            raise RuntimeError(f"{self.process.args[0]} does not listen on {address}: {file.read()[-2000:]}")


def family(pid):
    """A process and everything below it: a proxy that forks is all of these."""
    pids = [pid]
    for task in listing(f"/proc/{pid}/task"):
        for child in text(f"/proc/{pid}/task/{task}/children").split():
            pids += family(int(child))
    return pids


def cpu_seconds(pids):
    """User and system time so far. What /proc/PID/stat says in ticks of 10 ms, schedstat says in nanoseconds."""
    return sum(int(text(f"/proc/{pid}/task/{task}/schedstat").split()[0])
               for pid in pids for task in listing(f"/proc/{pid}/task")) / 1e9


def resident_bytes(pids):
    return sum(int(text(f"/proc/{pid}/statm").split()[1]) for pid in pids) * os.sysconf("SC_PAGESIZE")


def listing(path):
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def text(path):
    with open(path, encoding="ascii") as file:
        return file.read()
