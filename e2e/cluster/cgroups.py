"""One cgroup per machine, named like it, in which its kubelet puts all pods; version 1 and version 2."""

import errno
import os
import pathlib

from shell import wait_until

ROOT = pathlib.Path("/sys/fs/cgroup")


def make(name):
    for hierarchy in hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for file in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group of version 1, and then no process can join
            if is_version_1() and (group / file).exists():
                (group / file).write_text((hierarchy / file).read_text())


def remove(name):
    for hierarchy in hierarchies():
        # A process that is dead already may stay in its group for a moment.
        wait_until(f"cgroup {hierarchy / name} is empty", 10, lambda: try_remove(hierarchy / name))


def try_remove(group):
    try:
        for folder, _, _ in os.walk(group, topdown=False):
            os.rmdir(folder)
        return True
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False


def hierarchies():
    if not is_version_1():
        return [ROOT]
    return [part for part in ROOT.iterdir() if part.is_dir() and not part.is_symlink()]


def is_version_1():
    return not (ROOT / "cgroup.controllers").exists()
