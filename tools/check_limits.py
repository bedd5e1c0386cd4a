#!/usr/bin/env python3
"""Checks that docs/reference/limits.md says what the limits.h files say; `--fix` writes it anew.

usage: tools/check_limits.py [--fix]
"""

import pathlib
import re
import sys

import sources

PAGE = "docs/reference/limits.md"
FOLDERS = ("sidecar", "lib", "operator")
CONSTANT = re.compile(
    r"inline constexpr (\S+) (k\w+)(?: = |(?=\{))(.*?)"
    r";[ \t]*(?://[ \t]*(.*))?$", re.DOTALL)
UNITS = {"milliseconds": "ms", "seconds": "s", "minutes": "min", "hours": "h"}
BYTES = re.compile(r"Bytes|Payload|Window|Backlog")
PREFACE = """<!-- Generated from the limits.h files by tools/check_limits.py --fix, and checked. -->
# Limits

Every queue, size, count and time has a limit with a name. Hitting one is counted in
`tulle_limits_total{limit="…"}`, and once in ten seconds a line of the log says which were hit. A request that is
refused for want of something gets 503 and the reason in `x-tulle-reason`:

| reason | what is short | what else happens |
|---|---|---|
| `overload/connections` | connections that come in | inbound and beyond the first few: reset |
| `overload/descriptors` | file descriptors to reach the endpoint | not tried again here; another sidecar may |
| `overload/dials` | connections that are being made | |
| `overload/requests` | requests in flight | |
| `overload/memory` | memory, at level critical, or full for new connections | |

The level, `tulle_overload_level`, follows the memory of the cgroup (version 1 or 2), or of `--memory-limit`:

| level | from | what it does |
|---|---|---|
| 0 normal | | |
| 1 tight | 85 % | what is idle goes: all waiting for an idle or a slow client is 20 times shorter |
| 2 full | 92 % | answers say `Connection: close`, shared connections are left one after the other, new ones are \
refused; waiting is 60 times shorter |
| 3 critical | 95 % | requests are refused at once; waiting is 300 times shorter |

File descriptors take the level to tight and no further; the cap on connections is half of what they allow, and the
soft limit is raised to the hard one at start. With fewer than 256 of them the sidecar does not call itself ready.
"""


def value_text(kind, name, value):
    value = " ".join(value.split())
    if found := re.fullmatch(r"(?:std::chrono::(\w+))?[({](\d+)[)}]", value):
        return f"{found[2]} {UNITS[found[1] or kind.rpartition(':')[2]]}"
    if found := re.fullmatch(r"(\d+) << (10|20)", value):
        number, shift = int(found[1]), int(found[2])
        return f"{number} {'KiB' if shift == 10 else 'MiB'}" if BYTES.search(name) else f"{number << shift:,}"
    if found := re.fullmatch(r"\d+", value):
        return f"{int(value):,}"
    return f"`{value}`"


def groups(text):
    """Constants that stand together, with the comment above them: (comment, [(name, value, remark)])."""
    comment, members = [], []
    statement = ""
    for line in [*text.splitlines(), ""]:
        stripped = line.strip()
        if not statement and stripped.startswith("//"):
            if members:
                yield " ".join(comment), members
                comment, members = [], []
            comment.append(stripped.lstrip("/ "))
            continue
        if statement or stripped.startswith("inline constexpr"):
            statement += stripped + " "
            if ";" not in stripped:
                continue
            if found := CONSTANT.search(statement.strip()):
                members.append((found[2], value_text(found[1], found[2], found[3]), found[4] or ""))
            statement = ""
            continue
        if members:
            yield " ".join(comment), members
        comment, members = [], []


def page(root):
    parts = [PREFACE]
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("limits.h")):
            rows = []
            for comment, members in groups(path.read_text()):
                for number, (name, value, remark) in enumerate(members):
                    meaning = remark or (comment if number == 0 or not comment else "〃")
                    if remark and number == 0 and comment:
                        meaning = f"{comment} This one: {remark}"
                    rows.append(f"| `{name}` | {value} | {meaning} |")
            name = path.relative_to(root).parent
            parts.append("\n".join([f"## {name}", "", "| name | value | meaning |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def check(root):
    path = root / PAGE
    if not path.exists() or path.read_text() != page(root):
        yield f"{PAGE}: not what the limits.h files say: tools/check_limits.py --fix"


def main():
    root = pathlib.Path(sources.ROOT)
    if "--fix" in sys.argv[1:]:
        (root / PAGE).write_text(page(root))
        return 0
    return sources.report(list(check(root)))


if __name__ == "__main__":
    sys.exit(main())
