"""What sidecars hold in memory: fresh, for each connection that waits, and after the rush."""

import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

import load
from pair import SIDECAR, Pair

KIB, MIB = 1 << 10, 1 << 20
IDLE_CONNECTIONS = 2000
WAVE = 500  # connections


class Memory(unittest.TestCase):
    def setUp(self):
        self.app = load.App()
        self.addCleanup(self.app.close)
        self.pair = Pair(self.app.port, log_all=False)
        self.addCleanup(self.pair.close)
        self.before = self.resident()

    def resident(self):
        return {"A": self.pair.a.resident_bytes(), "B": self.pair.b.resident_bytes()}

    def note(self, what, sizes):
        print(f"\n  {self._testMethodName}: {what} " +
              ", ".join(f"{name} {size / KIB:.1f} KiB" for name, size in sizes.items()), file=sys.stderr, flush=True)

    def clients(self, count, prompt=False):
        clients = load.Clients(self.pair.outbound, count, load.GET, prompt)
        self.addCleanup(clients.close)
        return clients

    def warm_up(self):
        """The session between the sidecars, and what they keep for the next requests."""
        clients = self.clients(20)
        clients.make(100)
        self.before = self.resident()

    def grown(self):
        grown = {name: size - self.before[name] for name, size in self.resident().items()}
        self.note("grown by", grown)
        return grown

    def test_fresh(self):
        self.note("resident", self.before)
        self.assertLessEqual(max(self.before.values()), 8 * MIB)

    def test_after_work(self):
        """With all the code that requests need, and what is kept for the next ones."""
        clients = self.clients(20)
        clients.make(2000)
        clients.close()
        sizes = self.resident()
        self.note("resident", sizes)
        self.assertLessEqual(max(sizes.values()), 10 * MIB)

    def private(self, sidecar):
        """Bytes that no other process shares: what each further sidecar of a node costs it. Pages of a program count
        as such until the disk has them."""
        with open(SIDECAR, "rb") as program:
            os.fsync(program.fileno())
        with open(f"/proc/{sidecar.process.pid}/smaps_rollup", encoding="ascii") as file:
            return sum(int(line.split()[1]) * KIB for line in file if line.startswith("Private_Dirty:"))

    def test_fresh_without_what_sidecars_of_a_node_share(self):
        sizes = {"A": self.private(self.pair.a), "B": self.private(self.pair.b)}
        self.note("private", sizes)
        self.assertLessEqual(max(sizes.values()), 1.75 * MIB)

    def test_image(self):
        """The program as the Dockerfile strips it, and the libraries that it needs: what an image adds to its base."""
        with tempfile.TemporaryDirectory() as directory:
            stripped = os.path.join(directory, "sidecar")
            subprocess.run(["strip", "--strip-debug", "-o", stripped, SIDECAR], check=True)
            listed = subprocess.run(["ldd", stripped], check=True, capture_output=True, text=True).stdout
            sizes = {path: os.path.getsize(path) for path in [stripped, *re.findall(r"/\S+", listed)]}
        self.note("sizes", {os.path.basename(path): size for path, size in sizes.items()})
        self.assertLessEqual(sum(sizes.values()), 25 * MIB)

    def test_connection_that_waits(self):
        self.warm_up()
        for _ in range(IDLE_CONNECTIONS):
            self.clients(1).make_in_turn()
        time.sleep(0.5)
        grown = self.grown()
        self.assertLessEqual(sum(grown.values()) / IDLE_CONNECTIONS, 4 * KIB, grown)

    def test_connections_that_came_and_went(self):
        """They leave memory behind that the next ones use. How many are there at once differs from wave to wave, so it
        is the second ten waves that may add nothing: far less, for each connection, than a forgotten one would hold."""
        self.warm_up()
        self.waves(10)
        after_ten = self.grown()
        self.waves(10)
        after_twenty = self.grown()
        for name in after_twenty:
            self.assertLessEqual(after_twenty[name], 12 * MIB)
            self.assertLessEqual((after_twenty[name] - after_ten[name]) / (10 * WAVE), 0.5 * KIB)

    def waves(self, count):
        for _ in range(count):
            clients = self.clients(WAVE, prompt=True)
            clients.make(2)
            clients.close()

    def test_large_answer_to_a_slow_reader(self):
        self.warm_up()
        client = self.clients(1).sockets[0]
        client.sendall(load.GET_LARGE)
        most = {"A": 0, "B": 0}
        left = load.LARGE
        while left > 0:
            if left % (8 * MIB) < 64 * KIB:
                time.sleep(0.05)
                most = {name: max(size, most[name]) for name, size in self.resident().items()}
            left -= len(client.recv(64 * KIB))
        grown = {name: size - self.before[name] for name, size in most.items()}
        self.note("grown by at most", grown)
        self.assertLessEqual(max(grown.values()), 4 * MIB, grown)


if __name__ == "__main__":
    unittest.main()
