#!/usr/bin/env python3
"""Runs the tests of one build tree through ctest and records every GoogleTest case in them.

usage: tools/run_ctest.py STAGE PRESET [REGEX]
Exit status: 0 all passed, 1 some failed, 3 no test has such a name.
"""

import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml

import results
import sources

TIMEOUT_SECONDS = 600
NO_TESTS = 3


def run(build, regex):
    reports = build / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    junit = reports / "ctest.xml"
    # One at a time: the machine is small, and tests of time should not wait for each other.
    subprocess.run(["env", f"GTEST_OUTPUT=xml:{reports}/", "ctest", "--test-dir", build, "--output-junit", junit,
                    "--timeout", str(TIMEOUT_SECONDS), "--output-on-failure", *(["-R", regex] if regex else [])])
    return junit


def cases_of(program, reports):
    """(name, outcome, reason) for each case of one ctest test, which may or may not be a GoogleTest program."""
    name, status = program.get("name"), program.get("status")
    report = reports / f"{name}_test.xml"
    cases = list(results.gtest_cases(report)) if report.exists() else []
    outcomes = {outcome for _, outcome, _ in cases}
    if status != "run" and results.FAILED not in outcomes and status != "notrun":
        output = (program.findtext("system-out") or "").strip()
        cases.append(("(whole program)", results.FAILED, f"crashed, timed out or a sanitizer spoke: {output[-1500:]}"))
    elif not cases:
        reason = (program.findtext("system-out") or "").strip().splitlines()[-1:]
        cases = [("", results.SKIPPED if status == "notrun" else results.PASSED, "".join(reason))]
    return [(f"{name} {case}".strip(), outcome, reason) for case, outcome, reason in cases]


def main(stage, preset, regex=""):
    build = sources.ROOT / "build" / preset
    junit = run(build, regex)
    programs = list(xml.parse(junit).iter("testcase")) if junit.exists() else []
    if not programs:
        return NO_TESTS
    cases = [case for program in programs for case in cases_of(program, junit.parent)]
    for name, outcome, reason in cases:
        results.record(stage, name, outcome, reason)
    return 1 if any(outcome == results.FAILED for _, outcome, _ in cases) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
