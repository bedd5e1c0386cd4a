import unittest

import report


def run(**figures):
    return {"rps": 100, "p50": 10, "p99": 20, "cpu_us": 5, "resident_mb": 8, "errors": 0, **figures}


FAILED = {"failed": "no good answer"}


class Summary(unittest.TestCase):
    def test_medians_of_runs_and_the_sum_of_their_errors(self):
        made = report.summary([run(rps=1, errors=1), run(rps=9), run(rps=2, errors=2)])
        self.assertEqual((made["rps"], made["errors"], made["failed_runs"]), (2, 3, 0))

    def test_failed_runs_are_counted_and_leave_the_medians_alone(self):
        made = report.summary([FAILED, run(rps=3), run(rps=5)])
        self.assertEqual((made["rps"], made["failed_runs"]), (4, 1))

    def test_no_good_run_is_a_failure(self):
        self.assertEqual(report.summary([FAILED, FAILED]), FAILED)

    def test_a_figure_that_a_run_does_not_have_is_left_out(self):
        self.assertNotIn("cpu_us", report.summary([run(cpu_us=None), run()]))


class Digest(unittest.TestCase):
    def test_ratios_are_those_of_the_same_case(self):
        results = report.digest({"a": {"tulle": [run(rps=300)], "envoy": [run()], "nginx": [run(rps=200)]},
                                 "b": {"tulle": [run()], "envoy": [FAILED]}})
        of_tulle = results["a"]["tulle"]["ratios"]
        self.assertEqual((of_tulle["envoy"]["rps"], of_tulle["nginx"]["rps"]), (3, 1.5))
        self.assertEqual(results["b"]["tulle"]["ratios"], {})

    def test_latency_is_compared_with_no_proxy_in_the_same_round(self):
        results = report.digest({"a": {"direct": [run(p50=1), run(p50=5), FAILED],
                                       "tulle": [run(p50=11), run(p50=25), run(p50=1000)]}})
        self.assertEqual([made.get("added_p50") for made in results["a"]["tulle"]["runs"]], [10, 20, None])


class Tables(unittest.TestCase):
    RESULTS = report.digest({"h1": {"tulle": [run(rps=12345)], "envoy": [run(rps=1000)], "nginx": [FAILED]}})

    def test_terminal(self):
        text = report.terminal(self.RESULTS, {"h1": "a title"})
        self.assertIn("h1: a title", text)
        self.assertRegex(text, r"tulle +12,345 \(12\.35\) ")
        self.assertRegex(text, r"nginx +failed: no good answer")

    def test_every_row_of_the_markdown_has_all_columns(self):
        table = [line for line in report.markdown(self.RESULTS, {}).splitlines() if line.startswith("|")]
        self.assertEqual(len(table), 5)
        self.assertEqual({line.count("|") for line in table}, {len(report.HEADINGS) + 1})


if __name__ == "__main__":
    unittest.main()
