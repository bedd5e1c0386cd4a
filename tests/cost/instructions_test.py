"""Instructions of the data plane per request, counted by valgrind: a ratchet, whose numbers are in ratchet.json.

Unlike time they hardly depend on the machine or on what else it does.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import load
import pair
from counts import HERE, started_by

WARM_UP, MEASURED = 300, 1000
MARGIN = 0.03  # compilers and libraries get better and worse
LOWER = 0.06   # so much better is not to be lost again
REQUESTS = {"GET": load.GET, "POST": load.POST}


def dump(folder, sidecar):
    """Instructions since the last dump of the thread that ran the most of them."""
    number = len(glob.glob(f"{folder}/out.{sidecar.process.pid}.*-01")) + 1
    subprocess.run(["callgrind_control", "--dump", str(sidecar.process.pid)], check=True, capture_output=True)
    totals = [0]
    for path in glob.glob(f"{folder}/out.{sidecar.process.pid}.{number}-*"):
        with open(path, encoding="utf-8", errors="replace") as file:
            totals += map(int, re.findall(r"^(?:summary|totals): (\d+)", file.read(), re.MULTILINE))
    return max(totals)


def instructions(folder, request):
    """Of A and of B, for so many requests of one client."""
    app = load.App()
    try:
        with started_by(folder, f"""
            exec valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file={folder}/out.%p \\
                {pair.SIDECAR} "$@" """), pair.Pair(app.port, log_all=False) as both:
            clients = load.Clients(both.outbound, 1, request)
            clients.make(WARM_UP)
            sides = {"A": both.a, "B": both.b}
            for sidecar in sides.values():
                dump(folder, sidecar)
            clients.make(MEASURED)
            counted = {name: dump(folder, sidecar) for name, sidecar in sides.items()}
            clients.close()
            return counted
    finally:
        app.close()


class Instructions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(HERE, "ratchet.json"), encoding="ascii") as file:
            cls.allowed = json.load(file)["instructions per request"]

    def check(self, name):
        folder = tempfile.mkdtemp(prefix="tulle-cost-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, folder)
        for side, total in instructions(folder, REQUESTS[name]).items():
            measured, allowed = round(total / MEASURED), self.allowed[name][side]
            print(f"\n  {name} in {side}: {measured} instructions, {allowed} in ratchet.json", file=sys.stderr,
                  flush=True)
            with self.subTest(side):
                self.assertLessEqual(measured, allowed * (1 + MARGIN))
                self.assertGreaterEqual(measured, allowed * (1 - LOWER), "better: write that down in ratchet.json")

    def test_get(self):
        self.check("GET")

    def test_post(self):
        self.check("POST")


if __name__ == "__main__":
    unittest.main()
