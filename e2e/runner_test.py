import pathlib
import sys
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "cluster"))

import runner  # noqa: E402
from shell import Failed  # noqa: E402


def passes(cluster):
    pass


def fails(cluster):
    raise Failed("because")


@runner.needed
def the_ground(cluster):
    raise Failed("it shook")


def told(*stages, finally_=()):
    found = []
    runner.tell(types.SimpleNamespace(STORY=list(stages), FINALLY=list(finally_)), None, found.append)
    return [(result.check, result.outcome, result.reason) for result in found]


class Runner(unittest.TestCase):
    def test_a_failed_check_does_not_stop_the_story(self):
        self.assertEqual(told([fails], [passes]), [("fails", "failed", "because"), ("passes", "passed", "")])

    def test_what_comes_after_a_needed_check_that_failed_is_not_reached(self):
        self.assertEqual(told([the_ground], [passes]), [("the-ground", "failed", "it shook"),
                                                        ("passes", "failed", "not reached: the-ground failed")])

    def test_the_end_is_told_in_any_case(self):
        self.assertEqual(told([the_ground], finally_=[passes])[-1], ("passes", "passed", ""))

    def test_a_mistake_in_a_check_is_a_failure_with_its_place(self):
        def mistaken(cluster):
            return cluster["nothing"]

        (result,) = told([mistaken])
        self.assertEqual(result[1], "failed")
        self.assertIn("TypeError", result[2])

    def test_skipping_names_every_check(self):
        found = []
        scenario = types.SimpleNamespace(STORY=[[passes, fails]], FINALLY=[passes])
        runner.skip_all(scenario, "needs root", found.append)
        self.assertEqual([result.outcome for result in found], ["skipped"] * 3)


if __name__ == "__main__":
    unittest.main()
