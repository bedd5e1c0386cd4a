import io
import json
import unittest

import clients

WRK = """Running 1s test @ http://127.0.0.1:18080/
  1 threads and 2 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   621.41us    1.61ms  18.35ms   95.07%
    Req/Sec     9.54k     6.93k   26.89k    90.91%
  Latency Distribution
     50%  127.00us
     75%  547.00us
     90%    1.33ms
     99%    9.70ms
  11000 requests in 1.10s, 1.76MB read
Requests/sec:  10000.00
Transfer/sec:      1.60MB
"""
H2LOAD = """finished in 2.00s, 1000.13 req/s, 183.62KB/s
requests: 2000 total, 2000 started, 2000 done, 1998 succeeded, 2 failed, 1 errored, 0 timeout
status codes: 1998 2xx, 0 3xx, 0 4xx, 1 5xx
"""


def log_of(*rows):
    return io.StringIO("".join(f"1795346300744473\t{status}\t{time}\n" for status, time in rows))


class Wrk(unittest.TestCase):
    def test_figures(self):
        self.assertEqual(clients.read_wrk(WRK), clients.Load(answered=11000, errors=0, rps=10000, p50=127.0, p99=9700.0,
                                                       bytes_per_second=1.6 * (1 << 20)))

    def test_bad_answers_and_broken_connections_are_errors_and_no_answers(self):
        text = WRK + "  Non-2xx or 3xx responses: 1000\n  Socket errors: connect 1, read 2, write 3, timeout 4\n"
        made = clients.read_wrk(text)
        self.assertEqual((made.answered, made.errors), (10000, 1010))

    def test_nothing_but_bad_answers_is_a_failure(self):
        with self.assertRaisesRegex(clients.LoadFailed, "11000 bad"):
            clients.read_wrk(WRK + "  Non-2xx or 3xx responses: 11000\n")

    def test_an_unknown_text_is_a_failure(self):
        with self.assertRaises(clients.LoadFailed):
            clients.read_wrk("unable to connect")


class H2load(unittest.TestCase):
    def test_percentiles_come_from_good_answers_alone(self):
        rows = [(200, time) for time in range(100, 0, -1)] + [(503, 7_000_000), (-1, 9_000_000)]
        made = clients.read_h2load(H2LOAD, log_of(*rows))
        self.assertEqual((made.answered, made.errors, made.p50, made.p99), (100, 1900, 50, 99))
        self.assertEqual(made.rps, 50)

    def test_what_the_log_leaves_out_is_an_error(self):
        made = clients.read_h2load(H2LOAD, log_of(*[(200, 5)] * 1998))
        self.assertEqual((made.answered, made.errors), (1998, 2))

    def test_nothing_but_bad_answers_is_a_failure(self):
        with self.assertRaises(clients.LoadFailed):
            clients.read_h2load(H2LOAD, log_of((503, 10)))


class Ghz(unittest.TestCase):
    SAID = {"count": 1000, "total": 2_000_000_000, "statusCodeDistribution": {"OK": 990, "Unavailable": 10},
            "latencyDistribution": [{"percentage": 50, "latency": 250_000}, {"percentage": 99, "latency": 1_500_000}]}

    def test_figures(self):
        self.assertEqual(clients.read_ghz(json.dumps(self.SAID)), clients.Load(990, 10, 495.0, 250.0, 1500.0))

    def test_nothing_but_errors_is_a_failure(self):
        with self.assertRaisesRegex(clients.LoadFailed, "refused"):
            clients.read_ghz(json.dumps({"count": 3, "errorDistribution": {"refused": 3}}))


class Percentiles(unittest.TestCase):
    def test_smallest_value_that_the_share_does_not_exceed(self):
        self.assertEqual(clients.percentile([7], 0.5), 7)
        self.assertEqual(clients.percentile([1, 2], 0.5), 1)
        self.assertEqual(clients.percentile([1, 2, 3], 0.5), 2)
        self.assertEqual(clients.percentile(range(1, 101), 0.99), 99)
        self.assertEqual(clients.percentile(range(1, 102), 0.99), 100)


class Tools(unittest.TestCase):
    def test_a_tool_that_fails_says_why(self):
        with self.assertRaisesRegex(clients.LoadFailed, "sh ended with 3: why"):
            clients.run_tool(["sh", "-c", "echo why >&2; exit 3"], 1)


if __name__ == "__main__":
    unittest.main()
