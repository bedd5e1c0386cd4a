"""Requests that two parsers could read differently never reach the app; each gets an answer and a close."""

import select
import time
import unittest

from backend import reply
from patience import eventually
from stream import Truncated
from talk import Client, WireTest

HEAD = b"POST /x HTTP/1.1\r\nHost: web\r\n"
POISON = b"GET /poison HTTP/1.1\r\nHost: web\r\n\r\n"


def with_headers(*lines):
    return HEAD + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


class Refusals(WireTest):
    def refused(self, cases, *statuses):
        """Each of the cases (name, bytes) is answered with one of the statuses and closed; the app saw none of it."""
        for name, data in cases:
            with self.subTest(name):
                client = self.client()
                try:
                    client.send(data)
                except OSError:
                    pass  # it was refused before all of it was sent
                response = client.response()
                self.assertIn(response.status, statuses)
                self.assertRegex(response.why, "^http/")
                self.assertTrue(client.closed())
        self.assertEqual([request.raw_head for request in self.backend.requests], [])

    def test_both_length_and_chunked(self):
        self.refused([
            ("CL.TE", with_headers(b"Content-Length: 6", b"Transfer-Encoding: chunked") + b"0\r\n\r\nG"),
            ("TE.CL", with_headers(b"Transfer-Encoding: chunked", b"Content-Length: 4") + b"5c\r\nGPOST"),
        ], 400)

    def test_lengths(self):
        values = [b"+5", b"-1", b"-0", b"0x5", b"0200", b"1_0", b"5 5", b"5, 6", b"5,5", b"18446744073709551616",
                  b"99999999999999999999", b"", b"5;", b"5.0", b"1e1", b"\x0b5", b"five"]
        self.refused([(value, with_headers(b"Content-Length: " + value) + b"hello" + POISON) for value in values], 400)
        self.refused([("twice", with_headers(b"Content-Length: 5", b"Content-Length: 6") + b"hello"),
                      ("twice the same", with_headers(b"Content-Length: 5", b"content-length: 5") + b"hello")], 400)

    def test_codings(self):
        values = [b"xchunked", b"chunked,", b",chunked", b"identity", b"gzip", b"chunked, gzip", b"gzip, chunked",
                b"chunked, chunked",
                  b"\x0bchunked", b"\x0cchunked", b"chunked\x00", b"\"chunked\"", b"chunked;q=1", b""]
        self.refused([(value, with_headers(b"Transfer-Encoding: " + value) + b"0\r\n\r\n" +
                POISON) for value in values], 400, 501)
        self.refused([
            ("twice", with_headers(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity") + b"0\r\n\r\n"),
            ("folded", with_headers(b"Transfer-Encoding:", b" chunked") + b"0\r\n\r\n"),
            ("space before colon", with_headers(b"Transfer-Encoding : chunked") + b"0\r\n\r\n"),
            ("tab before colon", with_headers(b"Transfer-Encoding\t: chunked") + b"0\r\n\r\n"),
            ("in 1.0", b"POST / HTTP/1.0\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ], 400, 501)

    def test_lines_and_names(self):
        self.refused([
            ("bare LF in request line", b"GET / HTTP/1.1\nHost: web\r\n\r\n"),
            ("bare LF in header", b"GET / HTTP/1.1\r\nHost: web\nX: y\r\n\r\n"),
            ("bare CR in header", with_headers(b"X: a\rb")),
            ("bare CR in target", b"GET /a\rb HTTP/1.1\r\nHost: web\r\n\r\n"),
            ("NUL in target", b"GET /a\0b HTTP/1.1\r\nHost: web\r\n\r\n"),
            ("NUL in value", with_headers(b"X: a\0b")),
            ("NUL in name", with_headers(b"X\0Y: a")),
            ("name beyond ASCII", with_headers(b"X\xc3\xbc: a")),
            ("target beyond ASCII", b"GET /\xc3\xbc HTTP/1.1\r\nHost: web\r\n\r\n"),
            ("empty name", with_headers(b": a")),
            ("no colon", with_headers(b"nonsense")),
            ("space before colon", with_headers(b"Host : web")),
            ("space in name", with_headers(b"X Y: a")),
            ("folded header", with_headers(b"X: a", b" b")),
            ("space before first header", b"GET / HTTP/1.1\r\n Host: web\r\n\r\n"),
            ("fragment", b"GET /public#/../admin HTTP/1.1\r\nHost: web\r\n\r\n"),
            ("three spaces", b"GET / a HTTP/1.1\r\nHost: web\r\n\r\n"),
            ("tab for space", b"GET /\tHTTP/1.1\r\nHost: web\r\n\r\n"),
            ("no version", b"GET /\r\nHost: web\r\n\r\n"),
            ("tab before version", b"GET /\tHTTP/1.1\r\nHost: web\r\n\r\n"),
            ("CR CR LF", with_headers(b"X: a\r")),
            ("LF in name", with_headers(b"X\nY: a")),
            ("control in value", with_headers(b"X: a\x0bb")),
            ("DEL in value", with_headers(b"X: a\x7fb")),
            ("bracket in name", with_headers(b"X[: a")),
            ("folded first header", HEAD + b"\tX: a\r\n\r\n"),
            ("folded length", with_headers(b"Content-Length: 5", b"\t0") + b"hello"),
        ], 400)

    def test_targets(self):
        self.refused([(target, b"GET " + target + b" HTTP/1.1\r\nHost: web\r\n\r\n") for target in (
            b"*", b"*/x", b"http:/web/", b"http://", b"https://", b"http://?x", b"html", b"http://[::1 /")], 400)

    def test_what_only_a_lenient_app_takes_for_a_request(self):
        """An opaque connection is not looked into: such bytes must not become one, with an identity made up in them."""
        rest = b"HTTP/1.1\r\nHost: web\r\nx-tulle-source: spiffe://cluster.local/ns/shop/sa/forged\r\n\r\n"
        self.refused([(start, start + rest) for start in
                      (b"\r\n\r\nGET / ", b"\nGET / ", b"\n\nGET / ", b"GET  / ", b"GET\t/ ", b"GET \t/ ")], 400)

    def test_versions(self):
        versions = (b"HTTP/2.0", b"HTTP/1.2", b"HTTP/0.9", b"http/1.1", b"HTTP/1.1x", b"HTTP/01.1", b"HTTP/1.1 ",
                    b"HTTP/1.1\t", b"HTTP/1,1", b"")
        self.refused([(version, b"GET / " + version + b"\r\nHost: web\r\n\r\n") for version in versions], 400, 505)

    def test_hosts(self):
        self.refused([
            ("missing", b"GET / HTTP/1.1\r\n\r\n"),
            ("twice", b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
            ("comma", b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
            ("user", b"GET / HTTP/1.1\r\nHost: me@a\r\n\r\n"),
            ("path", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
            ("space", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
            ("other than target", b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
            ("empty authority", b"GET http:///x HTTP/1.1\r\nHost: b\r\n\r\n"),
            ("user in target", b"GET http://me@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("port other than in target", b"GET http://a:80/ HTTP/1.1\r\nHost: a:81\r\n\r\n"),
            ("twice in different cases", b"GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n"),
            ("slash behind", b"GET / HTTP/1.1\r\nHost: a/\r\n\r\n"),
            ("backslash", b"GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n"),
            ("quote", b"GET / HTTP/1.1\r\nHost: a\"b\r\n\r\n"),
            ("beyond ASCII", b"GET / HTTP/1.1\r\nHost: \xc3\xbc\r\n\r\n"),
            ("missing with absolute target", b"GET http://a/ HTTP/1.1\r\n\r\n"),
        ], 400)

    def test_sizes(self):
        many = [b"X-%d: a" % number for number in range(10000)]
        self.refused([
            ("target", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: web\r\n\r\n"),
            ("name", with_headers(b"x" * 100000 + b": a")),
            ("value", with_headers(b"X: " + b"a" * 100000)),
            ("count", with_headers(*many)),
            ("sum", with_headers(*[b"X-%d: " % number + b"a" * 1000 for number in range(90)])),
        ], 431)

    def test_connect_and_unknown_targets(self):
        self.refused([("connect", b"CONNECT web:80 HTTP/1.1\r\nHost: web\r\n\r\n")], 400, 501)

    def test_what_is_refused_on_a_kept_connection_ends_it(self):
        client = self.client()
        self.assertEqual(client.get(b"/fine").status, 200)
        client.send(with_headers(b"Content-Length: 5", b"Content-Length: 6") + b"hello" + POISON)
        self.assertEqual(client.response().status, 400)
        self.assertTrue(client.closed())
        self.assertEqual(len(self.backend.requests), 1)


class DeclaredRefusals(Refusals):
    """On a port that is declared HTTP nothing passes unseen: no form of first bytes is left alone."""

    @classmethod
    def make_options(cls):
        ports = [{"port": cls.backend.port, "protocol": "HTTP"}]
        return {"protocol": "HTTP", "workload": {"name": "shop/web", "mtls": "Strict", "ports": ports}}

    def test_what_a_port_of_unknown_protocol_would_pass_as_bytes(self):
        rest = b" HTTP/1.1\r\nHost: web\r\nx-tulle-source: forged\r\n\r\n"
        self.refused([(start[:20], start + rest) for start in (
            b"GET web:80", b"GET web", b"GET ftp://web/", b"GET ?a=b", b"GET ../x", b"GE:T /", b"G[T /", b" GET /",
            b"\0GET /", b"\x80 /", b"G" * 100000 + b" /", b"CONNECT web:80", b"PRI *", b"{}", b"220 ready")],
            400, 431, 501)


class Lookalikes(WireTest):
    """What passes as opaque bytes although an app could read it as a request must not carry an identity that the mesh
    did not give."""

    def forged(self, start):
        client = self.client().send(start + b" HTTP/1.1\r\nHost: web\r\nx-tulle-source: forged\r\n\r\n")
        try:
            client.response()
        except Truncated:
            pass  # so may the sidecar answer what it does not know
        self.assertEqual([r.raw_head for r in self.backend.requests if b"forged" in r.raw_head], [])

    def test_methods_that_are_tokens(self):
        for method in (b"get", b"Get", b"M-SEARCH", b"VERSION-CONTROL", b"G3T", b"_"):
            with self.subTest(method):
                self.forged(method + b" /")

    def test_long_methods(self):
        for size in (25, 64, 1000, 100000):
            with self.subTest(size):
                self.forged(b"G" * size + b" /")

    def test_targets_of_other_forms(self):
        for target in (b"ftp://web/", b"web:80", b"web", b"?a=b", b"../x"):
            with self.subTest(target):
                self.forged(b"GET " + target)


class Taken(WireTest):
    """What is odd and still has one reading only reaches the app once, with the framing that was meant."""

    def test_odd_requests_are_forwarded_once(self):
        chunks = b"5\r\nhello\r\n0\r\n\r\n"
        for name, data in [
                ("space after chunked", with_headers(b"Transfer-Encoding: chunked \t") + chunks),
                ("tab before chunked", with_headers(b"Transfer-Encoding:\tchunked") + chunks),
                ("no space at all", with_headers(b"Transfer-Encoding:chunked") + chunks),
                ("capitals", with_headers(b"TRANSFER-ENCODING: CHUNKED") + chunks),
                ("zeros before a size", with_headers(b"Transfer-Encoding: chunked") + b"0000" + chunks),
                ("extensions", with_headers(b"Transfer-Encoding: chunked") +
                 b'5;a;b=c;d="e f"\r\nhello\r\n0;x\r\nX: y\r\n\r\n'),
                ("length with spaces", with_headers(b"Content-Length:   5  ") + b"hello"),
                ("length that is not one", with_headers(b"Content_Length: 9", b"Content-Length: 5") + b"hello"),
                ("coding that is none", with_headers(b"Transfer_Encoding: chunked", b"Content-Length: 5") + b"hello"),
                ("other coding", with_headers(b"X-Transfer-Encoding: chunked", b"Content-Length: 5") + b"hello"),
                ("empty line before", b"\r\n" + with_headers(b"Content-Length: 5") + b"hello"),
                ("host in capitals", b"POST http://WEB/x HTTP/1.1\r\nhost: Web\r\ncontent-length: 5\r\n\r\nhello")]:
            with self.subTest(name):
                self.backend.forget()
                client = self.client().send(data + b"GET /next HTTP/1.1\r\nHost: web\r\n\r\n")
                self.assertEqual([client.response().body, client.response().status], [b"hello", 200])
                self.assertEqual([request.method for request in self.backend.requests], [b"POST", b"GET"])
                request = self.backend.requests[0]
                self.assertEqual(len(request.header(b"content-length") + request.header(b"transfer-encoding")), 1)

    def test_nothing_is_read_after_the_last_request_of_a_connection(self):
        for last in (b"GET /last HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n", b"GET /last HTTP/1.0\r\n\r\n"):
            with self.subTest(last):
                client = self.client().send(last + POISON)
                self.assertEqual(client.response().status, 200)
                self.assertTrue(client.closed())
                self.assertEqual(self.backend.seen(b"/poison"), [])


class BadChunks(WireTest):
    """The head may have gone on before the body turns out bad: the app then never sees a whole request."""

    def check(self, name, body):
        with self.subTest(name):
            self.backend.forget()
            client = self.client()
            client.send(with_headers(b"Transfer-Encoding: chunked"))
            time.sleep(0.03)
            try:
                client.send(body + POISON)
            except OSError:
                pass
            response = client.response()
            self.assertEqual((response.status, response.why), (400, "http/body"))
            self.assertTrue(client.closed())
            self.assertEqual([r.target for r in self.backend.requests if r.complete or r.target == b"/poison"], [])

    def test_bad_chunks(self):
        for name, body in [
                ("0x", b"0x5\r\nhello\r\n0\r\n\r\n"), ("plus", b"+5\r\nhello\r\n0\r\n\r\n"),
                        ("minus", b"-1\r\nhello\r\n0\r\n\r\n"),
                ("underscore", b"1_0\r\nhello\r\n0\r\n\r\n"), ("leading space", b" 5\r\nhello\r\n0\r\n\r\n"),
                ("trailing space", b"5 \r\nhello\r\n0\r\n\r\n"),
                    ("overflow", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
                ("no size", b"\r\nhello\r\n0\r\n\r\n"), ("bare semicolon", b"5;\r\nhello\r\n0\r\n\r\n"),
                ("NUL in extension", b"5;a=\0\r\nhello\r\n0\r\n\r\n"),
                    ("CR in extension", b"5;a=\rb\r\nhello\r\n0\r\n\r\n"),
                ("LF in extension", b"5;a=\nb\r\nhello\r\n0\r\n\r\n"),
                    ("long extension", b"5;" + b"a" * 100000 + b"\r\nhello\r\n0\r\n\r\n"),
                ("no CRLF after data", b"5\r\nhello0\r\n\r\n"), ("spill", b"5\r\nhello!!\r\n0\r\n\r\n"),
                ("LF after size", b"5\nhello\r\n0\r\n\r\n"), ("LF after data", b"5\r\nhello\n0\r\n\r\n"),
                ("LF trailer", b"0\r\nX: y\n\r\n"), ("trailer without colon", b"0\r\nnonsense\r\n\r\n"),
                ("folded trailer", b"0\r\nX: y\r\n z\r\n\r\n"),
                    ("endless trailers", b"0\r\n" + b"X: y\r\n" * 10000 + b"\r\n")]:
            self.check(name, body)

    def test_trailers_that_belong_into_a_head(self):
        for trailer in (b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: other", b"Authorization: me",
                        b"x-tulle-source: forged", b"X_Tulle_Source: forged", b"Connection: close", b"Cookie: a"):
            self.check(trailer, b"0\r\n" + trailer + b"\r\n\r\n")


class Desync(WireTest):
    def test_bodies_of_get_head_and_options_are_bodies(self):
        for method in (b"GET", b"HEAD", b"OPTIONS", b"DELETE"):
            self.backend.forget()
            client = self.client()
            client.send(b"%s /x HTTP/1.1\r\nHost: web\r\nContent-Length: %d\r\n\r\n%s" % (method, len(POISON), POISON))
            self.assertEqual(client.response(method.decode()).status, 200)
            self.assertEqual([(r.target, r.body) for r in self.backend.requests], [(b"/x", POISON)])

    def test_length_zero_leaves_the_rest_to_the_next_request(self):
        client = self.client()
        client.send(with_headers(b"Content-Length: 0") + b"GET /next HTTP/1.1\r\nHost: web\r\n\r\n")
        self.assertEqual([client.response().status, client.response().status], [200, 200])
        self.assertEqual([r.target for r in self.backend.requests], [b"/x", b"/next"])

    def test_refused_expectation_does_not_turn_the_body_into_a_request(self):
        self.backend.on(b"/refuse", lambda wire, _: wire.send(reply(b"no", b"417 No")))
        client = self.client()
        expecting = b"POST /refuse HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        client.send(expecting % len(POISON))
        self.assertEqual(client.response().status, 417)
        try:
            client.send(POISON)
        except OSError:
            pass
        self.assertTrue(client.closed())
        time.sleep(0.1)
        self.assertEqual(self.backend.seen(b"/poison"), [])

    def test_a_head_that_takes_too_long_is_refused_with_a_reason(self):
        """Neither silence nor a byte now and then holds a connection."""
        silent, dripping = self.client(timeout=15), self.client(timeout=15)
        silent.send(b"GET /half HTTP/1.1\r\nHost: w")
        dripping.send(b"GET /drip HTTP/1.1\r\nHost: web\r\nX: ")
        while not select.select([silent.sock, dripping.sock], [], [], 0.3)[0]:
            dripping.send(b"x")
        for client in silent, dripping:
            response = client.response()
            self.assertEqual((response.status, response.why), (408, "timeout/request-head"))
            self.assertTrue(client.closed())
        self.assertEqual(self.backend.requests, [])

    def test_client_that_leaves_within_a_body_never_completes_a_request(self):
        for body in (b"Content-Length: 100\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
                     b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"Transfer-Encoding: chunked\r\n\r\n0\r\n"):
            for leave in (Client.reset, lambda client: client.sock.shutdown(1)):
                client = self.client()
                client.send(HEAD + body)
                self.assertTrue(eventually(lambda: self.backend.requests))
                leave(client)
                self.assertTrue(eventually(lambda: not self.backend.open))
                self.assertEqual([r for r in self.backend.requests if r.complete], [])
                self.backend.forget()


if __name__ == "__main__":
    unittest.main()
