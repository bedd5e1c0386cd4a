#!/usr/bin/env python3
"""Checks that every header compiles alone. One that its own .cc includes first is proven by every build; the others
are compiled here, through ccache, so that an unchanged header costs nothing.

usage: tools/check_headers.py
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys

import sources

BUILD = sources.ROOT / "build" / "headers"
FLAGS = ["-std=c++20", "-O0", "-Wall", "-Wextra", "-Wshadow", "-Werror", f"-I{sources.ROOT}"]


def package_flags():
    packages = ["openssl", "libcurl", "yaml-cpp", "spdlog", "cpp-httplib", "re2", "libnghttp2"]
    found = subprocess.run(["pkg-config", "--cflags", *packages], capture_output=True, text=True, check=True)
    return found.stdout.split()


def proven_by_build(header):
    source = sources.ROOT / header.with_suffix(".cc")
    return source.exists() and comes_first(source.read_text(), header)


def comes_first(text, header):
    """Whether no other include, of the system or of the project, stands before that of `header`."""
    includes = [line for line in text.splitlines() if line.startswith("#include")]
    return includes[:1] == [f'#include "{header}"']


def compiles_alone(header, flags):
    stub = BUILD / header.with_suffix(".cc")
    stub.parent.mkdir(parents=True, exist_ok=True)
    text = f'#include "{header}"\n'
    if not stub.exists() or stub.read_text() != text:
        stub.write_text(text)
    launcher = ["ccache"] if shutil.which("ccache") else []
    done = subprocess.run([*launcher, "c++", *FLAGS, *flags, "-c", stub, "-o", stub.with_suffix(".o")],
                          capture_output=True, text=True)
    if done.returncode == 0:
        return []
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    return [f"{header}: does not compile alone: {line}" for line in errors[:1] or [done.stderr[-300:]]]


def main():
    flags = package_flags()
    headers = [header for header in sources.cpp_files(suffixes=(".h",)) if not proven_by_build(header)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        findings = [line for lines in pool.map(lambda header: compiles_alone(header, flags), headers) for line in lines]
    return sources.report(findings)


if __name__ == "__main__":
    sys.exit(main())
