#!/usr/bin/env python3
"""The mesh without Kubernetes, told in acts, each of which must hold.

                     switch 10.77.0.1 (a bridge; listens to the wire, and plays kube-proxy before there is a mesh)
      ________________________|_________________________________________
     |          |           |            |            |                 |
  operator    client     intruder     web-v1-a     web-v1-b          web-v2      one network namespace each
   .10         .21         .22          .31          .32               .33
  tulle-operator           tulle-init and tulle-sidecar (uid 1337) everywhere; nginx in web-*

usage: standalone/demo.py [--once] [--json] [--bin FOLDER]
  --once  ends after the story; without it the mesh stays up to play with, until Ctrl-C
  --json  prints the figures as JSON and nothing else
Exit status: 0 only if everything held.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import traceback

from mesh import Mesh
from screen import Screen
from story import Story

ROOT = pathlib.Path(__file__).resolve().parent.parent


def parse_arguments():
    parser = argparse.ArgumentParser(description="The mesh without Kubernetes.")
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON and nothing else")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin", help="folder of the programs")
    return parser.parse_args()


def end_on_signal(*_):
    raise SystemExit(130)


def perform(arguments, folder, screen):
    """Tells the story in a mesh that is gone afterwards, however it ends. Returns the checks and the figures."""
    story = None
    try:
        with Mesh(folder, ROOT / "build/log/demo", arguments.bin) as mesh:
            story = Story(mesh, screen)
            story.tell()
            if not arguments.once and not arguments.json:
                story.stay()
    except (RuntimeError, OSError) as error:
        checks = story.checks if story else []
        checks.append({"name": "the story could be told to its end", "held": False, "detail": str(error)})
        print(f"demo: {error}\nlogs: {ROOT / 'build/log/demo'}", file=sys.stderr)
        if not isinstance(error, RuntimeError):
            traceback.print_exc()
        return checks, story.figures if story else {}
    return story.checks, story.figures


def main():
    arguments = parse_arguments()
    if os.geteuid() != 0:
        sys.exit("demo: needs root to make network namespaces: sudo ./dev demo")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end_on_signal)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tulle-demo-"))
    try:
        checks, figures = perform(arguments, folder, Screen(quiet=arguments.json))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    held = bool(checks) and all(check["held"] for check in checks)
    if arguments.json:
        print(json.dumps({"held": held, "checks": checks, "figures": figures}, indent=2))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
