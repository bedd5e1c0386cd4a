#!/usr/bin/env python3
"""Style as a test: what a formatter cannot see. Prints file:line: what, and why it matters where that is not plain.

usage: tools/check_style.py [ROOT]
"""

import pathlib
import re
import sys

import cpp_text
import sources

COLUMNS = {".cc": 110, ".h": 110}
OTHER_COLUMNS = 120
LINES = 450
# The ratchet: files that are longer today, with their length. A file may leave this list or shrink, never grow.
LONGER = {}
NOT_CODE = (".md", ".json", ".sum", ".mod", ".go", ".yaml", ".txt", ".csr", ".pem")
VAGUE_ROOMS = {"util", "utils", "common", "misc", "helpers", "core"}
RAW_STRING = re.compile(r'R"([^\s()\\]{0,16})\(.*?\)\1"', re.DOTALL)
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}/])/(wo" r"rk|ro" r"ot|ho" r"me)(?=[/\"'\s:]|$)")
HOSTS = ("registry.k8s" ".io", "ghcr" ".io", "quay" ".io", "gcr" ".io", "pypi" ".org", "pythonhosted" ".org",
         "proxy.golang" ".org", "deb.debian" ".org", "registry.npmjs" ".org", "index.docker" ".io")


def text_of(path):
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def check_size(path, text):
    lines = text.splitlines()
    limit = LONGER.get(str(path), LINES)
    if path.suffix not in (".md", ".json", ".sum", ".yaml") and len(lines) > limit:
        yield f"{path}: {len(lines)} lines, allowed are {limit}: what are the two things in it?"
    if str(path) in LONGER and len(lines) < limit:
        yield f"{path}: now {len(lines)} lines: write that down in tools/check_style.py, so that it stays"
    if path.suffix not in NOT_CODE:
        columns = COLUMNS.get(path.suffix, OTHER_COLUMNS)
        data = raw_string_lines(text) if path.suffix in (".cc", ".h") else set()
        for number, line in enumerate(lines, 1):
            if len(line) > columns and number not in data:
                yield f"{path}:{number}: {len(line)} columns, allowed are {columns}"


def raw_string_lines(text):
    """Numbers of the lines that a raw string stands on: documents in their own notation, which nobody can wrap."""
    lines = set()
    for found in RAW_STRING.finditer(text):
        first = text.count("\n", 0, found.start()) + 1
        lines.update(range(first, first + found.group().count("\n") + 1))
    return lines


def check_words(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if UNFINISHED.search(line):
            yield f"{path}:{number}: unfinished work belongs in an issue, not in the code"
        if MACHINE_PATH.search(line):
            yield f"{path}:{number}: a path of one machine"
        for host in HOSTS:
            if host in line:
                yield f"{path}:{number}: names the registry {host}; whoever builds says where packages come from"


def check_room_names(path):
    vague = VAGUE_ROOMS.intersection(path.parent.parts)
    if vague and path.name == "CMakeLists.txt":
        yield f"{path}: no room is named {vague.pop()}: a name says what a thing is for"


def check_coroutines(path, text):
    code = cpp_text.blank(text)
    every_lambda = list(cpp_text.lambdas(code))
    for captures, start, end in every_lambda:
        inner = [(s, e) for _, s, e in every_lambda if start < s and e < end]
        own = [m.start() for m in re.finditer(r"\bco_(await|return|yield)\b", code[:end]) if m.start() > start]
        if captures and any(not any(s < at < e for s, e in inner) for at in own):
            yield (f"{path}:{cpp_text.line_of(code, start)}: a coroutine lambda with captures: they die with the "
                   "lambda, before the coroutine ends; make it a function with parameters")
    for start, end in cpp_text.awaited(code):
        if re.search(r"[{?]", without_lambdas(code, start, end, every_lambda)):
            yield (f"{path}:{cpp_text.line_of(code, start)}: a {{}} or ?: temporary inside co_await, which g++ 12 "
                   "destroys twice; give it a name in the line before")


def without_lambdas(code, start, end, every_lambda):
    """The operand of a co_await, bodies of lambdas in it blanked: what is in there runs elsewhere."""
    operand = code[start:end]
    for _, opening, closing in every_lambda:
        if start <= opening < end:
            operand = operand[:opening - start] + " " * (closing + 1 - opening) + operand[closing + 1 - start:]
    return operand


def check(root):
    findings = []
    for path in sources.project_files(root):
        text = text_of(root / path)
        findings += [*check_size(path, text), *check_words(path, text), *check_room_names(path)]
        if path.suffix in (".cc", ".h"):
            findings += check_coroutines(path, text)
    return findings


if __name__ == "__main__":
    sys.exit(sources.report(check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else sources.ROOT)))
