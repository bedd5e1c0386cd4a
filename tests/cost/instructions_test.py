"""Instructions of the data plane per request, counted by valgrind: a ratchet, whose numbers are in ratchet.json.

Unlike time they hardly depend on the machine or on what else it does.
"""

import glob
import json
import os
import re
import shutil
import sys
import tempfile
import unittest

import load
import pair
from counts import HERE, started_by

FEW, MANY = 300, 1300
MARGIN = 0.05  # compilers and libraries get better and worse
LOWER = 0.10   # so much better is not to be lost again
REQUESTS = {"GET": load.GET, "POST": load.POST}


def by_thread(folder, sidecar):
    """Instructions of each thread since it began; threads have the same numbers in every run."""
    totals = {}
    for path in glob.glob(f"{folder}/out.{sidecar.process.pid}-*"):
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.findall(r"^(?:summary|totals): (\d+)", file.read(), re.MULTILINE)
        totals[path.rsplit("-", 1)[1]] = max(map(int, found))
    return totals


def instructions(request, count):
    """Of A and of B by thread, from start to end of processes that carried so many requests."""
    folder = tempfile.mkdtemp(prefix="tulle-cost-", dir="/dev/shm")
    app = load.App()
    try:
        with started_by(folder, f"""
            exec valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file={folder}/out.%p \\
                {pair.SIDECAR} "$@" """):
            with pair.Pair(app.port, log_all=False) as both:
                clients = load.Clients(both.outbound, 1, request)
                clients.make(count)
                clients.close()
            return {name: by_thread(folder, side) for name, side in (("A", both.a), ("B", both.b))}
    finally:
        app.close()
        shutil.rmtree(folder)


class Instructions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(HERE, "ratchet.json"), encoding="ascii") as file:
            cls.allowed = json.load(file)["instructions per request"]

    def check(self, name):
        few, many = (instructions(REQUESTS[name], count) for count in (FEW, MANY))
        for side in few:
            # The thread that has more to do for more requests.
            more = max(total - few[side][thread] for thread, total in many[side].items())
            measured = round(more / (MANY - FEW))
            allowed = self.allowed[name][side]
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
