import pathlib
import tempfile
import unittest

import results
import tally

GTEST_XML = """<testsuites><testsuite name="S">
<testcase name="Works" status="run" result="completed" classname="S"/>
<testcase name="Breaks" status="run" result="completed" classname="S"><failure message="1 != 2"/></testcase>
<testcase name="Waits" status="run" classname="S"><skipped message="x.cc:3&#x0A;needs root"/></testcase>
<testcase name="Sleeps" status="notrun" result="suppressed" classname="S"/>
</testsuite></testsuites>"""


def result(outcome, reason=""):
    return {"stage": "unit", "name": "S.A", "outcome": outcome, "reason": reason}


class Results(unittest.TestCase):
    def test_reads_every_kind_of_case(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x.xml"
            path.write_text(GTEST_XML)
            self.assertEqual(list(results.gtest_cases(path)), [
                ("S.Works", "passed", ""), ("S.Breaks", "failed", "1 != 2"),
                ("S.Waits", "skipped", "needs root"), ("S.Sleeps", "skipped", "disabled")])

    def test_last_line_has_the_three_numbers(self):
        text = tally.summary([result("passed"), result("failed", "why"), result("skipped", "because")])
        self.assertEqual(text.splitlines()[-1], "1 passed, 1 failed, 1 skipped")
        self.assertIn("because", text)
        self.assertIn("why", text)

    def test_a_skip_that_could_have_run_is_a_failure(self):
        (strict,) = tally.judged([result("skipped", "no mood")], skip_is_failure=True)
        self.assertEqual(strict["outcome"], "failed")
        (lax,) = tally.judged([result("skipped", "no mood")], skip_is_failure=False)
        self.assertEqual(lax["outcome"], "skipped")


if __name__ == "__main__":
    unittest.main()
