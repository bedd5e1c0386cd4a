#!/usr/bin/env python3
"""Adds up build/results: what failed, what was skipped and why, and one last line with three numbers.

With CI=true a skip is a failure where the machine could have run the test: as root, with network namespaces.
Exit status: 0 if nothing failed and something passed.

usage: tools/tally.py
"""

import collections
import os
import subprocess
import sys

import results

REASON_LINES = 12


def machine_can_run_all():
    if os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0


def judged(found, skip_is_failure):
    for result in found:
        if result["outcome"] == results.SKIPPED and skip_is_failure:
            reason = f"skipped, though this machine can run it: {result['reason']}"
            yield {**result, "outcome": results.FAILED, "reason": reason}
        else:
            yield result


def indented(reason):
    lines = reason.strip().splitlines()
    return "".join(f"      {line}\n" for line in lines[-REASON_LINES:])


def summary(found):
    """The text that a person reads, the numbers last."""
    by_outcome = collections.defaultdict(list)
    for result in found:
        by_outcome[result["outcome"]].append(result)
    text = ""
    for outcome in (results.SKIPPED, results.FAILED):
        if by_outcome[outcome]:
            text += f"{outcome}:\n"
        reasons = collections.defaultdict(list)
        for result in by_outcome[outcome]:
            reasons[(result["stage"], result["reason"])].append(result["name"])
        for (stage, reason), names in reasons.items():
            text += "".join(f"  {stage}: {name}\n" for name in names) + indented(reason)
    counts = [len(by_outcome[outcome]) for outcome in (results.PASSED, results.FAILED, results.SKIPPED)]
    return text + "{} passed, {} failed, {} skipped".format(*counts)


def main():
    found = list(judged(results.read_all(), os.environ.get("CI") == "true" and machine_can_run_all()))
    print(summary(found))
    outcomes = {result["outcome"] for result in found}
    return 0 if results.PASSED in outcomes and results.FAILED not in outcomes else 1


if __name__ == "__main__":
    sys.exit(main())
