#!/usr/bin/env python3
"""Runs the tests of our own Python programs (*_test.py beside them) and records each.

usage: tools/run_unittests.py STAGE FOLDER_OR_FILE...
"""

import pathlib
import sys
import unittest

import results
import sources


class Recorder(unittest.TextTestResult):
    stage = ""

    def keep(self, test, outcome, reason=""):
        results.record(self.stage, test.id(), outcome, reason)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.keep(test, results.PASSED)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.keep(test, results.FAILED, self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.keep(subtest, results.FAILED, self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.keep(test, results.SKIPPED, reason)


def main(stage, *folders):
    Recorder.stage = stage
    suite = unittest.TestSuite()
    for folder in folders:
        place = sources.ROOT / folder
        sys.path.insert(0, str(place))
        for path in [place] if place.is_file() else sorted(place.rglob("*_test.py")):
            sys.path.insert(0, str(path.parent))
            suite.addTests(unittest.defaultTestLoader.loadTestsFromName(path.stem))
    return 0 if unittest.TextTestRunner(resultclass=Recorder).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
