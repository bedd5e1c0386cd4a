#!/usr/bin/env python3
"""Where a request's allocations (or, with --kernel, its system calls) come from, in each sidecar of a pair.

usage: tests/cost/sites.py [--kernel] [--post] [--clients N] [--stacks]
"""

import argparse
import collections
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "wire"))
import counts  # noqa: E402: after the path to what it imports
import load  # noqa: E402

OURS = re.compile(r"/((?:lib|sidecar)/[^:]*\.(?:cc|h):\d+)")
PASSED_OVER = re.compile(r"interpose\.cc")


def frames_of(symbols, addresses):
    for address in addresses:
        for function, place in symbols[address]:
            if not PASSED_OVER.search(place):
                yield function, place


def describe(symbols, addresses, whole):
    """The functions from the call outwards up to and with the third of ours, or all of them."""
    lines, ours = [], 0
    for function, place in frames_of(symbols, addresses):
        found = OURS.search(place)
        where = found.group(1) if found else os.path.basename(place)
        lines.append(f"{where if not where.startswith('??') else '-':<40} {function[:150]}")
        ours += bool(found)
        if ours == 4 and not whole:
            break
    return "\n      ".join(lines)


def report(name, counted, requests, whole):
    traces = list(counted.traces())
    symbols = counted.symbols()
    symbols.load(address for _, _, addresses in traces for address in addresses)
    sites = collections.Counter()
    sizes = collections.defaultdict(set)
    for kind, size, addresses in traces:
        site = kind, describe(symbols, addresses, whole)
        sites[site] += 1
        sizes[site].add(size)
    print(f"== {name}: {len(traces) / requests:.2f} per request")
    for (kind, text), count in sites.most_common():
        of = ",".join(map(str, sorted(sizes[kind, text])[:6]))
        print(f"\n{count / requests:6.2f}  {kind} [{of}]\n      {text}")
    print()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", action="store_true", help="system calls instead of allocations")
    parser.add_argument("--post", action="store_true", help="1 KB up instead of 128 bytes down")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--requests", type=int, default=200, help="of each client")
    parser.add_argument("--stacks", action="store_true", help="whole call stacks")
    options = parser.parse_args()
    with load.Loaded(clients=options.clients, request=load.POST if options.post else load.GET) as loaded:
        loaded.make(400)
        for side in loaded.sides.values():
            side.trace(heap=not options.kernel, kernel=options.kernel)
        loaded.make(options.requests)
        for name, side in loaded.sides.items():
            report(name, side, options.requests * options.clients, options.stacks)


if __name__ == "__main__":
    main()
