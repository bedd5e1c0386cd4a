#!/usr/bin/env python3
"""Records the checks in a JSON document {"checks": [{"name", "held", "detail"}]} as results of a stage.

usage: tools/record_checks.py STAGE FILE
"""

import json
import pathlib
import sys

import results


def main(stage, path):
    try:
        checks = json.loads(pathlib.Path(path).read_text())["checks"]
    except (OSError, ValueError, KeyError) as error:
        checks = [{"name": "printed its checks", "held": False, "detail": f"{path}: {error}"}]
    for check in checks:
        results.record(stage, check["name"], results.PASSED if check["held"] else results.FAILED, check["detail"])


if __name__ == "__main__":
    main(*sys.argv[1:])
