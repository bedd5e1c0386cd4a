#!/usr/bin/env python3
"""The fatal clang-tidy list (.clang-tidy), on what changed since the main branch; `--all` takes every file.

A file that passed is remembered by the content of itself and all it includes, outside the checkout, so that asking
again costs nothing.

usage: tools/check_tidy.py [--all] [--preset NAME]
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

import sources

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tulle" / "tidy"
# clang 14 has coroutines but does not say so in the way that libstdc++ 12 asks.
COROUTINES = ["--extra-arg=-D__cpp_impl_coroutine=201902L", "--extra-arg=-Wno-unknown-warning-option"]


def git(*arguments):
    done = subprocess.run(["git", "-c", f"safe.directory={sources.ROOT}", *arguments], cwd=sources.ROOT,
                          capture_output=True, text=True)
    return done.stdout.split() if done.returncode == 0 else []


def changed_files():
    """What differs from the main branch; on the main branch itself, from the commit before."""
    base = git("merge-base", "HEAD", "origin/main") or git("rev-parse", "HEAD")
    if base == git("rev-parse", "HEAD"):
        base = git("rev-parse", "HEAD~1")
    names = git("diff", "--name-only", *base[:1]) + git("ls-files", "--others", "--exclude-standard")
    return {pathlib.Path(name) for name in names}


@functools.cache
def closure(path):
    """The file and every header of the project that it includes, directly or not."""
    found, queue = set(), [path]
    while queue:
        current = queue.pop()
        if current not in found and (sources.ROOT / current).is_file():
            found.add(current)
            queue += [pathlib.Path(name) for _, name in sources.included((sources.ROOT / current).read_text())]
    return found


def key(path):
    digest = hashlib.sha256((sources.ROOT / ".clang-tidy").read_bytes())
    for name in sorted(closure(path)):
        digest.update(str(name).encode() + b"\0" + (sources.ROOT / name).read_bytes())
    return digest.hexdigest()


def findings_of(path, build):
    passed = CACHE / key(path)
    if passed.exists():
        return []
    done = subprocess.run(["clang-tidy", "--quiet", "-p", build, *COROUTINES, path], cwd=sources.ROOT,
                          capture_output=True, text=True)
    if done.returncode == 0:
        passed.touch()
        return []
    # What compiles is for g++ to say: clang 14 does not know all of libstdc++ 12.
    lines = [line.replace(f"{sources.ROOT}/", "") for line in done.stdout.splitlines()
             if re.search(r": (error|warning):", line) and "[clang-diagnostic" not in line]
    if not lines:
        passed.touch()
    return lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--preset", default="dev")
    arguments = parser.parse_args()
    build = sources.ROOT / "build" / arguments.preset
    known = {pathlib.Path(entry["file"]) for entry in json.loads((build / "compile_commands.json").read_text())}
    wanted = None if arguments.all else changed_files()
    files = [path for path in sources.cpp_files(suffixes=(".cc",))
             if sources.ROOT / path in known and (wanted is None or path in wanted)]
    CACHE.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = {line for lines in pool.map(lambda path: findings_of(path, build), files) for line in lines}
    return sources.report(sorted(found))


if __name__ == "__main__":
    sys.exit(main())
