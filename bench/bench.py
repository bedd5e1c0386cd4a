#!/usr/bin/env python3
"""Benchmarks on loopback; ./dev bench starts it.

bench.py pair --serve [--backend HOST:PORT] [--workers N]   only our pair, until a signal; one line of JSON says where
bench.py peers [--quick] [--json|--markdown] [--only NAME,..] [--case NAME,..]   our pair beside others, same load
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path += [os.path.join(ROOT, "tests", "wire")]
os.environ.setdefault("TULLE_SIDECAR", os.path.join(ROOT, "build", "release", "bin", "tulle-sidecar"))

import cases  # noqa: E402
import contest  # noqa: E402
import report  # noqa: E402
from downloads import say  # noqa: E402
from origin import Origin  # noqa: E402
from peers import Certificates  # noqa: E402
from peers.tulle import Tulle  # noqa: E402


@contextlib.contextmanager
def workshop():
    """A directory in memory that everything of one run is in. nginx's worker, another user, must get through it."""
    directory = tempfile.mkdtemp(prefix="tulle-bench-", dir="/dev/shm")
    os.chmod(directory, 0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def serve_pair(options):
    with workshop() as directory, contextlib.ExitStack() as stack:
        backend = options.backend
        if not backend:
            origin = Origin(directory)
            stack.callback(origin.stop)
            backend = origin.address("h1")
        running = Tulle(options.workers).start_before(backend, "h1", Certificates(os.path.join(directory, "ca")),
                                                      directory)
        stack.callback(running.stop)
        print(json.dumps({"outbound": running.outbound, "inbound": running.inbound, "pids": running.pids()}),
              flush=True)
        signal.pause()


def chosen(text, known, what):
    names = text.split(",") if text else known
    for name in names:
        if name not in known:
            raise SystemExit(f"bench: no {what} '{name}'; there are: {', '.join(known)}")
    return names


def compare_peers(options):
    names = chosen(options.case, list(cases.BY_NAME), "case")
    if options.quick and not options.case:
        names = cases.QUICK
    peers = chosen(options.only, list(contest.PEERS), "peer")
    rounds = options.rounds or (1 if options.quick else 3)
    seconds = options.seconds or (2 if options.quick else 5)
    with workshop() as directory:
        runs = contest.run([cases.BY_NAME[name] for name in names], peers, rounds, seconds, directory)
    results = report.digest(runs)
    titles = {case.name: case.what for case in cases.CASES}
    if options.json:
        print(json.dumps({"rounds": rounds, "seconds": seconds, "machine": contest.machine(), "results": results}))
    elif options.markdown:
        print(report.markdown(results, titles))
    else:
        print(report.terminal(results, titles))


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench")
    commands = parser.add_subparsers(dest="command", required=True)
    pair = commands.add_parser("pair", help="starts our pair and stays")
    pair.add_argument("--serve", action="store_true", required=True)
    pair.add_argument("--backend", metavar="HOST:PORT")
    pair.add_argument("--workers", type=int, default=1)
    peers = commands.add_parser("peers", help="our pair beside others")
    peers.add_argument("--quick", action="store_true", help="one short round of a few cases: a smoke test")
    peers.add_argument("--json", action="store_true")
    peers.add_argument("--markdown", action="store_true")
    peers.add_argument("--only", metavar="NAME,..", help=", ".join(contest.PEERS))
    peers.add_argument("--case", metavar="NAME,..", help=", ".join(cases.BY_NAME))
    peers.add_argument("--rounds", type=int)
    peers.add_argument("--seconds", type=int)
    return parser.parse_args()


def main():
    options = arguments()
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell in the background has SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        {"pair": serve_pair, "peers": compare_peers}[options.command](options)
    except KeyboardInterrupt:
        return 0 if options.command == "pair" else 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
