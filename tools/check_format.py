#!/usr/bin/env python3
"""Checks that clang-format would change nothing; `--fix` lets it.

usage: tools/check_format.py [--fix]
"""

import subprocess
import sys

import sources


def main():
    files = sources.cpp_files()
    if not files:
        return 0
    how = ["-i"] if "--fix" in sys.argv[1:] else ["--dry-run", "-Werror", "--ferror-limit=1"]
    done = subprocess.run(["clang-format", *how, *files], cwd=sources.ROOT, capture_output=True, text=True)
    return sources.report(sorted({line.split(": error:")[0] + ": not formatted: ./dev fmt"
                                  for line in done.stderr.splitlines() if ": error:" in line}))


if __name__ == "__main__":
    sys.exit(main())
