"""What a running sidecar asks of the heap and of the kernel, read from the file that interpose.cc writes.

    with counted() as folder, Pair(port) as pair:
        counts = Counts(folder, pair.a)
        before = counts.now()
        ...
        counts.since(before)   # {"recv": 2000, "send": 2000}
"""

import contextlib
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
import sys
import unittest.mock

HERE = os.path.dirname(os.path.abspath(__file__))
RELEASE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "release")
# What a build for debugging costs is of no interest.
os.environ.setdefault("TULLE_SIDECAR", os.path.join(RELEASE, "bin", "tulle-sidecar"))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "wire"))
import pair  # noqa: E402: only now

INTERPOSE = os.path.join(os.path.dirname(os.path.dirname(pair.SIDECAR)), "lib", "libtulle_interpose.so")
HEAP = ("malloc", "calloc", "realloc", "aligned")
HEADER = struct.Struct("=QIIQ")
SLOT = struct.Struct("=16sQQ")
TRACE = struct.Struct("=IIQQ30Q")


@contextlib.contextmanager
def counted():
    """Sidecars started in the block are counted; the folder in which each has its file, named by its process."""
    folder = tempfile.mkdtemp(prefix="tulle-cost-", dir="/dev/shm")
    try:
        with started_by(folder, f"""
            : > {folder}/$$
            export TULLE_COUNTS={folder}/$$ LD_PRELOAD={INTERPOSE}
            exec {pair.SIDECAR} "$@" """):
            yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def started_by(folder, script):
    """Sidecars are started by this script, which must become the sidecar."""
    path = os.path.join(folder, "start")
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    with unittest.mock.patch.object(pair, "SIDECAR", path):
        yield


class Counts:
    """The counters of one sidecar, and the call stacks behind them."""

    def __init__(self, folder, sidecar):
        self.sidecar = sidecar
        with open(os.path.join(folder, str(sidecar.process.pid)), "r+b") as file:
            self.area = mmap.mmap(file.fileno(), 0)
        self.kinds = HEADER.unpack_from(self.area)[0]

    def slots(self):
        for index in range(self.kinds):
            name, data_plane, elsewhere = SLOT.unpack_from(self.area, HEADER.size + index * SLOT.size)
            yield name.rstrip(b"\0").decode(), data_plane, elsewhere

    def now(self):
        """What the data plane's threads have done so far, by kind."""
        return {name: data_plane for name, data_plane, _ in self.slots()}

    def since(self, before):
        return {name: count - before[name] for name, count in self.now().items() if count != before[name]}

    def trace(self, heap=True, kernel=False):
        """From now on call stacks are kept, as many as there is room for."""
        struct.pack_into("=IIQ", self.area, 8, heap, kernel, 0)

    def traces(self):
        """(kind, bytes, block, addresses) of what was kept, in order; ends the keeping."""
        kept = HEADER.unpack_from(self.area)[3]
        struct.pack_into("=II", self.area, 8, 0, 0)
        names = [name for name, _, _ in self.slots()]
        start = HEADER.size + self.kinds * SLOT.size
        room = (len(self.area) - start) // TRACE.size
        for index in range(min(kept, room)):
            kind, depth, size, block, *frames = TRACE.unpack_from(self.area, start + index * TRACE.size)
            yield names[kind], size, block, tuple(frames[:depth])

    def alive(self):
        """Of traces(), the allocations whose blocks were not freed since."""
        blocks = {}
        for kind, size, block, frames in self.traces():
            if kind == "free":
                blocks.pop(block, None)
            elif kind in HEAP:
                blocks[block] = (kind, size, block, frames)
        return list(blocks.values())

    def symbols(self):
        return Symbols(self.sidecar.process.pid)


class Symbols:
    """Names of the addresses in a running process."""

    def __init__(self, pid):
        self.maps = []
        with open(f"/proc/{pid}/maps", encoding="ascii") as file:
            for line in file:
                fields = line.split()
                if len(fields) < 6 or not fields[5].startswith("/"):
                    continue
                start, end = (int(part, 16) for part in fields[0].split("-"))
                self.maps.append((start, end, int(fields[2], 16), fields[5]))
        self.known = {}

    def load(self, addresses):
        """Looks up many at once: the tool reads all of its file each time."""
        by_file = {}
        for address in set(addresses) - self.known.keys():
            for start, end, offset, path in self.maps:
                if start <= address < end:
                    by_file.setdefault(path, []).append((address, address - start + offset))
                    break
            else:
                self.known[address] = [("?", "")]
        for path, found in by_file.items():
            self.look_up(path, found)

    def look_up(self, path, found):
        # One less: the address is where the call returns to.
        asked = "\n".join(hex(offset - 1) for _, offset in found)
        lines = subprocess.run(["addr2line", "-e", path, "-a", "-f", "-i", "-C"], input=asked, text=True, check=True,
                               capture_output=True).stdout.splitlines()
        answers = []
        for line in lines:
            if line.startswith("0x"):
                answers.append([])
            else:
                answers[-1].append(line)
        for (address, _), answer in zip(found, answers):
            pairs = zip(answer[::2], answer[1::2])
            self.known[address] = [(name if name != "??" else os.path.basename(path), place.split(" (")[0])
                                   for name, place in pairs]

    def __getitem__(self, address):
        """[(function, file:line)], the innermost inlined one first."""
        return self.known[address]
