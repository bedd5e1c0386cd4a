"""Process 1 of a machine: prepares its mounts, then reaps what its programs leave behind, for as long as it lives.

usage: machine_init.py NAME READY_FILE
"""

import os
import signal
import subprocess
import sys

signal.signal(signal.SIGTERM, signal.SIG_DFL)
# A /run of its own keeps container sockets, lock files and network namespaces of pods inside the machine.
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
os.makedirs("/run/netns")
# Volumes of pods are mounted into containers that run already, which needs shared mounts.
subprocess.run(["mount", "--make-rshared", "/"], check=True)
subprocess.run(["hostname", sys.argv[1]], check=True)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
open(sys.argv[2], "w").close()
while True:
    try:
        os.waitpid(-1, 0)
    except ChildProcessError:
        signal.pause()
