"""Results of tests: one file of JSON lines per stage in build/results, written by many, added up by tally.py."""

import json
import pathlib
import sys
import xml.etree.ElementTree as xml

import sources

FOLDER = sources.ROOT / "build" / "results"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def record(stage, name, outcome, reason=""):
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / f"{stage}.jsonl", "a") as file:
        file.write(json.dumps({"stage": stage, "name": name, "outcome": outcome, "reason": reason}) + "\n")


def read_all():
    return [json.loads(line) for path in sorted(FOLDER.glob("*.jsonl")) for line in path.read_text().splitlines()]


def gtest_cases(path):
    """(name, outcome, reason) of every case in a GoogleTest XML file."""
    for case in xml.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        failure, skipped = case.find("failure"), case.find("skipped")
        if case.get("status") == "notrun":
            yield name, SKIPPED, "disabled"
        elif failure is not None:
            yield name, FAILED, failure.get("message", "")
        elif skipped is not None:
            yield name, SKIPPED, skipped.get("message", "").split("\n", 1)[-1].strip()
        else:
            yield name, PASSED, ""


def record_broken(stage):
    """For a stage that failed: if none of its tests said so, the stage itself is the failure."""
    if not any(result["outcome"] == FAILED for result in read_all() if result["stage"] == stage):
        record(stage, "(the stage itself)", FAILED, f"ended with an error: build/log/{stage}*.log")


if __name__ == "__main__":
    # How a shell script records: results.py STAGE NAME OUTCOME [REASON], or results.py broken STAGE
    if sys.argv[1] == "broken":
        record_broken(sys.argv[2])
    else:
        record(*sys.argv[1:])
