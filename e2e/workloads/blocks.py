#!/usr/bin/env python3
"""Megabytes of which each is another one, so that what is lost, doubled or out of order on the way is seen.

usage: blocks.py make COUNT              writes them
       blocks.py check COUNT [--rate N]  reads them, at most N a second, and fails at the first that is not as made
"""

import argparse
import random
import sys
import time

SIZE = 1 << 20


def block(number):
    return random.Random(number).randbytes(SIZE)


def check(count, rate):
    began = time.monotonic()
    for number in range(count):
        if rate:
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
        got = sys.stdin.buffer.read(SIZE)
        if got != block(number):
            sys.exit(f"megabyte {number} of {count} is not as it was made; {len(got)} bytes of it came")
    if sys.stdin.buffer.read(1):
        sys.exit(f"there is more than {count} megabytes")
    print(f"{count} megabytes in {time.monotonic() - began:.1f} s")


options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("what", choices=["make", "check"])
options.add_argument("count", type=int)
options.add_argument("--rate", type=float, default=0)
chosen = options.parse_args()
if chosen.what == "make":
    for each in range(chosen.count):
        sys.stdout.buffer.write(block(each))
else:
    check(chosen.count, chosen.rate)
