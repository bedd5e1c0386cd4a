"""Apps that answer badly: the client gets an error with a reason, or sees that the answer broke off."""

import time
import unittest

from backend import reply, says
from stream import Truncated
from talk import Client, WireTest


class BadHeads(WireTest):
    def check(self, answers, reason):
        for name, answer in answers:
            with self.subTest(name):
                self.backend.on(b"/bad", says(answer))
                with Client(self.pair.outbound) as client:
                    response = client.get(b"/bad", method=b"POST", body=b"x")
                    self.assertEqual(response.status, 502)
                    self.assertRegex(response.why, reason)
                    self.assertEqual(client.get(b"/good").status, 200)

    def test_heads_that_are_none(self):
        self.check([
            ("garbage", b"\x80\x90garbage\r\n\r\n"), ("text", b"hello world\r\n\r\n"),
                    ("other version", b"HTTP/2.0 200 OK\r\n\r\n"),
            ("no status", b"HTTP/1.1 OK\r\n\r\n"), ("short status", b"HTTP/1.1 20 OK\r\n\r\n"),
                ("letters", b"HTTP/1.1 2xx OK\r\n\r\n"),
            ("status below 100", b"HTTP/1.1 099 OK\r\n\r\n"), ("bare LF", b"HTTP/1.1 200 OK\nX: y\n\n"),
            ("bare CR", b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n\r\n"),
            ("CR in reason", b"HTTP/1.1 200 O\rK\r\n\r\n"), ("no colon", b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"),
            ("space in name", b"HTTP/1.1 200 OK\r\nX Y: a\r\n\r\n"), ("letters behind", b"HTTP/1.1 200OK\r\n\r\n"),
            ("empty name", b"HTTP/1.1 200 OK\r\n: a\r\n\r\n"), ("empty line first", b"\r\nHTTP/1.1 200 OK\r\n\r\n"),
            ("bad interim", b"HTTP/1.1 103 Early\r\nX Y: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
            ("NUL", b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"), ("folded", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"),
        ], "^(upstream|http)/")

    def test_framing_that_can_be_read_in_two_ways(self):
        ok = b"HTTP/1.1 200 OK\r\n"
        self.check([
            ("CL and TE", ok + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ("two CL", ok + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
            ("CL list", ok + b"Content-Length: 5, 5\r\n\r\nhello"),
            ("two CL, the same", ok + b"Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello"),
            ("CL with sign", ok + b"Content-Length: +5\r\n\r\nhello"), ("empty CL", ok + b"Content-Length:\r\n\r\n"),
            ("CL beyond all", ok + b"Content-Length: 18446744073709551621\r\n\r\nhello"),
            ("TE in 1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ("TE identity", ok + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi"),
            ("TE space before colon", ok + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
            ("negative CL", ok + b"Content-Length: -1\r\n\r\n"), ("TE gzip", ok + b"Transfer-Encoding: gzip\r\n\r\n"),
            ("TE twice", ok + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ], "^(upstream|http)/")

    def test_nothing_at_all(self):
        self.check([("close", b"")], "^upstream/closed")

    def test_endless_head(self):
        self.check([("headers", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100000),
                ("line", b"HTTP/1.1 200 " + b"a" * 200000)],
                   "^(upstream|http)/(head-too-large|too-many-headers)")

    def test_flood_of_interim_responses(self):
        self.check([("103", b"HTTP/1.1 103 Early\r\n\r\n" * 100000)], "^upstream/too-many-interims")


class BrokenBodies(WireTest):
    def broken(self, path):
        """The response to a GET is seen to be broken off."""
        with Client(self.pair.outbound) as client:
            with self.assertRaises((Truncated, ValueError)):
                client.get(path)

    def test_truncated_bodies_are_seen_to_be_truncated(self):
        self.backend.on(b"/length", says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
        self.backend.on(b"/chunked", says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf"))
        self.backend.on(b"/last", says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"))
        for path in (b"/length", b"/chunked", b"/last"):
            with self.subTest(path):
                self.broken(path)

    def test_reset_within_a_body_until_close_is_not_a_clean_end(self):
        def reset(wire, _):
            wire.send(b"HTTP/1.0 200 OK\r\n\r\nhalf")
            time.sleep(0.1)
            wire.reset()
            return False
        self.backend.on(b"/reset", reset)
        self.broken(b"/reset")

    def test_reset_within_a_chunked_body_is_not_a_clean_end_for_an_old_client(self):
        def reset(wire, _):
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf")
            time.sleep(0.1)
            wire.reset()
            return False
        self.backend.on(b"/reset10", reset)
        with Client(self.pair.outbound) as client, self.assertRaises(Truncated):
            client.send(b"GET /reset10 HTTP/1.0\r\nHost: web\r\n\r\n").response()

    def test_bad_chunks_break_the_response(self):
        for chunks in (b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhello!!\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n",
                b"-5\r\nhello\r\n"):
            with self.subTest(chunks):
                self.backend.on(b"/chunks",
                        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, stay=True))
                with Client(self.pair.outbound) as client:
                    try:
                        self.assertEqual(client.get(b"/chunks").status, 502)
                    except (Truncated, ValueError):
                        pass  # the answer had begun already

    def test_bytes_after_the_end_belong_to_nobody(self):
        """Poison after a whole response must not answer the next request."""
        poison = reply(b"poison")
        for name, answer, method in [
                ("longer than said", reply(b"four") + poison, b"GET"),
                        ("204", b"HTTP/1.1 204 No Content\r\n\r\n" + poison, b"GET"),
                ("304", b"HTTP/1.1 304 Not Modified\r\n\r\n" + poison, b"GET"), ("HEAD", reply(b"") + poison, b"HEAD"),
                ("HEAD with its body", reply(poison), b"HEAD"), ("204 with a length", b"HTTP/1.1 204 No Content\r\n"
                 b"Content-Length: %d\r\n\r\n" % len(poison) + poison, b"GET"),
                ("HEAD in chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"HEAD"),
                ("304 in chunks", b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"GET"),
                ("103 with a length", b"HTTP/1.1 103 Early\r\nContent-Length: 4\r\n\r\n" + reply(b"four") + poison,
                 b"GET"),
                ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + poison, b"GET")]:
            for later in (False, True):
                with self.subTest(name, later=later):
                    def answers(wire, _, data=answer):
                        end = data.index(b"\r\n\r\n") + 4
                        wire.send(data[:end] if later else data)
                        if later:
                            time.sleep(0.02)
                            wire.send(data[end:])
                    self.backend.on(b"/more", answers)
                    client = self.client()
                    client.get(b"/more", method=method)
                    time.sleep(0.06 * later)
                    for _ in range(3):
                        self.assertEqual(client.get(b"/next", method=b"PUT", body=b"mine").body, b"mine")

    def test_connection_that_broke_a_rule_is_not_used_again(self):
        """The app keeps it open and would answer on it."""
        for name, answer in [("chunk", b"5\r\nhello!!\r\n0\r\n\r\n"), ("trailer", b"0\r\nContent-Length: 5\r\n\r\n")]:
            with self.subTest(name):
                self.backend.on(b"/rule", lambda wire, _, answer=answer: wire.send(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + answer))
                self.assertEqual(self.ask(b"/before").status, 200)
                before = self.backend.connections
                with Client(self.pair.outbound) as client:
                    try:
                        self.assertEqual(client.get(b"/rule", method=b"POST", body=b"").status, 502)
                    except (Truncated, ValueError):
                        pass  # the answer had begun already
                self.assertEqual(self.ask(b"/after", method=b"PUT", body=b"mine").body, b"mine")
                self.assertEqual(self.backend.connections, before + 1)

    def test_reset_of_the_app_reaches_the_log(self):
        self.broken(self.backend.on(b"/log", says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")))
        line = self.pair.b.logged(path="/log", code=200)[0]
        self.assertRegex(line["reason"], "^upstream/")


if __name__ == "__main__":
    unittest.main()
