#!/usr/bin/env python3
"""Where a request's allocations (or, with --kernel, its system calls) come from, in each sidecar of a pair; or, with
--connections, what idle connections hold.

usage: tests/cost/sites.py [--kernel] [--post] [--clients N] [--connections N]
"""

import argparse
import collections
import os
import re

import load

OURS = re.compile(r"/((?:lib|sidecar)/[^:]*\.(?:cc|h):\d+)")
PASSED_OVER = re.compile(r"interpose\.cc")


def frames_of(symbols, addresses):
    for address in addresses:
        for function, place in symbols[address]:
            if not PASSED_OVER.search(place):
                yield function, place


def describe(symbols, addresses):
    """The functions from the call outwards, up to the fourth of ours."""
    lines, ours = [], 0
    for function, place in frames_of(symbols, addresses):
        found = OURS.search(place)
        where = found.group(1) if found else os.path.basename(place)
        lines.append(f"{where if not where.startswith('??') else '-':<40} {function[:150]}")
        ours += bool(found)
        if ours == 4:
            break
    return "\n      ".join(lines)


def report(name, side, traces, per, unit):
    symbols = side.symbols()
    symbols.load(address for *_, addresses in traces for address in addresses)
    sites = collections.defaultdict(list)
    for kind, size, _, addresses in traces:
        sites[kind, describe(symbols, addresses)].append(size)
    total = sum(map(sum, sites.values()))
    print(f"== {name}: {len(traces) / per:.2f}, {total / per:.0f} bytes, per {unit}")
    for (kind, text), all_sizes in sorted(sites.items(), key=lambda site: (-sum(site[1]), -len(site[1]))):
        sizes = ",".join(map(str, sorted(set(all_sizes))[:6]))
        print(f"\n{len(all_sizes) / per:6.2f}  {kind} [{sizes}] {sum(all_sizes) / per:.0f} bytes\n      {text}")
    print()


def of_requests(options):
    request = load.POST if options.post else load.GET
    with load.Loaded(clients=options.clients, request=request, log_all=options.log) as loaded:
        loaded.make(400)
        for side in loaded.sides.values():
            side.trace(heap=not options.kernel, kernel=options.kernel)
        loaded.make(options.requests)
        for name, side in loaded.sides.items():
            traces = [trace for trace in side.traces() if trace[0] != "free"]
            report(name, side, traces, options.requests * options.clients, "request")


def of_connections(options):
    with load.Loaded() as loaded:
        loaded.make(100)
        for side in loaded.sides.values():
            side.trace()
        clients = load.Clients(loaded.pair.outbound, options.connections, load.GET)
        clients.make_in_turn()
        for name, side in loaded.sides.items():
            report(name, side, side.alive(), options.connections, "idle connection")
        clients.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", action="store_true", help="system calls instead of allocations")
    parser.add_argument("--post", action="store_true", help="1 KB up instead of 128 bytes down")
    parser.add_argument("--log", action="store_true", help="with an access log")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--requests", type=int, default=200, help="of each client")
    parser.add_argument("--connections", type=int, help="what so many idle connections hold, instead")
    options = parser.parse_args()
    (of_connections if options.connections else of_requests)(options)


if __name__ == "__main__":
    main()
