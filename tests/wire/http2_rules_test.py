"""Requests of HTTP/2 that must not become anything else on their way through HTTP/1 and back: streams are refused one
by one, and the app sees none of them."""

import unittest

import hpack

from frames import (CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PUSH_PROMISE, RST_STREAM,
                    SETTINGS, WINDOW_UPDATE, block, frame, request_fields, request_head)
from http2 import Http2Test


def with_header(name, value=b"x"):
    return request_fields(b"/bad", b"GET", (name, value))


def instead(name, *values):
    """The usual request with pseudo header `name` replaced by these, or left out."""
    return [field for key, value in request_fields(b"/bad")
            for field in ([(name, other) for other in values] if key == name else [(key, value)])]


def long_head(number, fields):
    """HEADERS and as many CONTINUATION frames as it takes."""
    coded = block(*fields)
    pieces = [coded[at:at + 16000] for at in range(0, len(coded), 16000)]
    last = len(pieces) - 1
    return [frame(CONTINUATION if at else HEADERS, piece, END_HEADERS * (at == last) | END_STREAM * (at == 0), number)
            for at, piece in enumerate(pieces)]


class Heads(Http2Test):
    options = {"log_all": False}

    def refused(self, cases, end=True, body=b""):
        """Each of the cases (name, fields) is answered by a refusal or a reset, and the app saw none of it."""
        for name, fields in cases:
            with self.subTest(name):
                raw = self.raw()
                raw.send(request_head(1, *fields, end=end), body)
                answer = raw.answer(1)
                self.assertIn(answer, ("reset", "connection ended", 400, 413, 421, 431, 501))
                raw.stream.sock.close()
        self.assertEqual([request.headers for request in self.backend.requests], [])
        self.assertEqual(self.http2().get(b"/good").status, 200)
        self.backend.forget()

    def test_names(self):
        self.refused([(name, with_header(name)) for name in (
            b"", b"x y", b"x\r\ny", b"x\ny: z", b"x\0", b"X-Upper", b"x:y", b"x\xc3\xbc", b"x\x7f", b":x", b"x ", b" x",
            b"x\t", b"x(y)", b"x,y", b"x\r\n\r\nGET /poison HTTP/1.1\r\nhost: web\r\n\r\n")])

    def test_values(self):
        self.refused([(value, with_header(b"x-a", value)) for value in (
            b"a\r\nb: c", b"a\nb", b"a\rb", b"a\0b", b"a\r\n\r\nGET /poison HTTP/1.1\r\n\r\n", b"\r\n", b"a\x0bb")])

    def test_pseudo_headers_that_are_not_what_they_should_be(self):
        injected = b"\r\nx: y"
        self.refused([(b"%s %r" % (name, value), instead(name, value)) for name, values in [
            (b":path", (b"", b"x", b"*", b"/a b", b"/a\tb", b"/\0", b"/a#b", b"/\xc3\xbc", b"/" + injected,
                        b"/ HTTP/1.1" + injected, b"http://web/", b"/\x7f")),
            (b":method", (b"", b"GE T", b"GET /x", b"G\0", b"GET" + injected, b"G\xc3\xbc", b"G" * 100, b"CONNECT")),
            (b":authority", (b"a b", b"me@a", b"a/b", b"a,b", b"a\0", b"a" + injected, b"a\xc3\xbc", b"a\\b", b'a"b')),
            (b":scheme", (b"", b"ht tp", b"http" + injected, b"\0")),
        ] for value in values])

    def test_pseudo_headers_missing_twice_late_or_made_up(self):
        usual = request_fields(b"/bad")
        self.refused([
            ("no path", instead(b":path")), ("no method", instead(b":method")), ("no scheme", instead(b":scheme")),
            ("nothing", [(b"x-a", b"b")]), ("two paths", instead(b":path", b"/a", b"/b")),
            ("two methods", instead(b":method", b"GET", b"POST")),
            ("two schemes", instead(b":scheme", b"http", b"http")),
            ("two authorities", instead(b":authority", b"web", b"web")),
            ("late", [*usual[:3], (b"x-a", b"b"), usual[3]]), ("status", [*usual, (b":status", b"200")]),
            ("made up", [*usual, (b":made-up", b"x")]), ("protocol", [*usual, (b":protocol", b"websocket")]),
        ])

    def test_hosts_that_contradict_the_authority(self):
        self.refused([
            ("other", with_header(b"host", b"other")), ("empty", with_header(b"host", b"")),
            ("two", request_fields(b"/bad", b"GET", (b"host", b"web"), (b"host", b"web"))),
            ("two without authority", [*instead(b":authority"), (b"host", b"a"), (b"host", b"b")]),
            ("injected", [*instead(b":authority"), (b"host", b"a\r\nx: y")]),
        ])

    def test_headers_of_a_connection(self):
        self.refused([(name, with_header(name, value)) for name, value in (
            (b"connection", b"close"), (b"keep-alive", b"timeout=5"), (b"proxy-connection", b"keep-alive"),
            (b"transfer-encoding", b"chunked"), (b"upgrade", b"websocket"), (b"te", b"gzip"))])

    def test_lengths(self):
        values = (b"+5", b"-1", b"0x5", b"5 5", b"5,5", b"", b"five", b"18446744073709551616", b"5\r\n", b"1_0")
        self.refused([(value, with_header(b"content-length", value)) for value in values], end=False,
                     body=frame(DATA, b"hello", END_STREAM, 1))
        self.refused([("twice", [*with_header(b"content-length", b"5"), (b"content-length", b"6")])], end=False,
                     body=frame(DATA, b"hello", END_STREAM, 1))
        self.refused([("no body", with_header(b"content-length", b"5"))])

    def test_sizes(self):
        for name, fields in [
                ("value", with_header(b"x-a", b"a" * 100000)), ("path", instead(b":path", b"/" + b"a" * 100000)),
                ("sum", [*with_header(b"x-a"), *[(b"x-%d" % n, b"a" * 1000) for n in range(90)]]),
                ("count", [*with_header(b"x-a"), *[(b"x-a", b"b")] * 500])]:
            with self.subTest(name):
                raw = self.raw()
                raw.send(*long_head(1, fields))
                self.assertIn(raw.answer(1), ("reset", "connection ended", 431))
        self.assertEqual(self.backend.requests, [])

    def test_one_refused_stream_leaves_the_others_alone(self):
        raw = self.raw()
        raw.send(request_head(1, *request_fields(b"/one")), request_head(3, *with_header(b"X-Upper")),
                 request_head(5, *request_fields(b"/five")))
        self.assertEqual(self.answers(raw, 1, 5), {1: 200, 5: 200})
        self.assertEqual(self.backend.seen(b"/bad"), [])

    @staticmethod
    def answers(raw, *numbers):
        """Status of each stream, in whatever order they are answered."""
        decoder, statuses = hpack.Decoder(), {}
        while len(statuses) < len(numbers):
            kind, _, stream, payload = raw.next()
            if kind == HEADERS:
                fields = dict(decoder.decode(payload, raw=True))
                if stream in numbers:
                    statuses[stream] = int(fields[b":status"])
        return statuses


class Bodies(Http2Test):
    """The head may have gone on before the rest turns out bad: the app then never sees a whole request."""

    options = {"log_all": False}

    def broken(self, *frames):
        self.backend.forget()
        raw = self.raw()
        raw.send(*frames)
        self.assertIn(raw.answer(1), ("reset", "connection ended", 400, 502))
        self.assertEqual([r for r in self.backend.requests if r.ended and r.code is None], [])
        raw.stream.sock.close()

    def test_lengths_that_do_not_match(self):
        head = request_head(1, *request_fields(b"/x", b"POST", (b"content-length", b"5")), end=False)
        self.broken(head, frame(DATA, b"four", END_STREAM, 1))
        self.broken(head, frame(DATA, b"longer", END_STREAM, 1))
        self.broken(head, frame(DATA, b"hello", 0, 1), frame(DATA, b"!", END_STREAM, 1))
        self.broken(head, frame(DATA, b"", END_STREAM, 1))
        self.broken(head, frame(HEADERS, block((b"x-t", b"1")), END_HEADERS | END_STREAM, 1))

    def test_trailers_that_are_none(self):
        head = request_head(1, *request_fields(b"/x", b"POST"), end=False) + frame(DATA, b"hello", 0, 1)
        for name, value in ((b":path", b"/other"), (b"X-Upper", b"a"), (b"x-a", b"b\r\nc: d"), (b"", b"x"),
                            (b"connection", b"close")):
            with self.subTest(name):
                self.broken(head, frame(HEADERS, block((name, value)), END_HEADERS | END_STREAM, 1))
        not_the_end = frame(HEADERS, block((b"x-a", b"b")), END_HEADERS, 1)
        self.broken(head, not_the_end, frame(DATA, b"", END_STREAM, 1))

    def test_trailers_that_belong_into_a_head_are_not_believed(self):
        names = (b"host", b"content-length", b"authorization", b"x-tulle-source", b"x_tulle_source", b"cookie")
        for name in names:
            with self.subTest(name):
                self.backend.forget()
                raw = self.raw()
                raw.send(request_head(1, *request_fields(b"/x", b"POST"), end=False), frame(DATA, b"hello", 0, 1),
                         frame(HEADERS, block((name, b"5"), (b"x-kept", b"1")), END_HEADERS | END_STREAM, 1))
                raw.answer(1)
                for request in self.backend.requests:
                    self.assertNotIn(name, [key for key, _ in request.trailers])


class Framing(Http2Test):
    """Errors of a connection (RFC 9113 section 5.4.1): it ends with GOAWAY, and only it."""

    options = {"log_all": False}
    PROTOCOL, FLOW, STREAM_CLOSED, SIZE, COMPRESSION = 1, 3, 5, 6, 9

    def check(self, cases):
        for name, codes, frames in cases:
            with self.subTest(name):
                raw = self.raw()
                raw.send(*frames)
                self.assertIn(raw.ending()[0], codes)
        self.assertEqual(self.http2().get(b"/good").status, 200)

    def test_frames_that_end_a_connection(self):
        request = request_head(1)
        open_request = request_head(1, end=False)
        self.check([
            ("data on stream 0", [self.PROTOCOL], [frame(DATA, b"x", 0, 0)]),
            ("data on an idle stream", [self.PROTOCOL, self.STREAM_CLOSED], [frame(DATA, b"x", 0, 1)]),
            ("headers on stream 0", [self.PROTOCOL], [request_head(0)]),
            ("headers on an even stream", [self.PROTOCOL], [request_head(2)]),
            ("frame too large", [self.SIZE], [open_request, frame(DATA, bytes(16385), 0, 1)]),
            ("SETTINGS on a stream", [self.PROTOCOL], [frame(SETTINGS, b"", 0, 1)]),
            ("SETTINGS of odd size", [self.SIZE], [frame(SETTINGS, b"12345")]),
            ("SETTINGS ACK with content", [self.SIZE], [frame(SETTINGS, bytes(6), 1)]),
            ("window too large", [self.FLOW, self.PROTOCOL], [frame(SETTINGS, b"\0\4\xff\xff\xff\xff")]),
            ("frame size too small", [self.PROTOCOL], [frame(SETTINGS, b"\0\5\0\0\0\1")]),
            ("PING of odd size", [self.SIZE], [frame(PING, b"1234567")]),
            ("PING on a stream", [self.PROTOCOL], [frame(PING, bytes(8), 0, 1)]),
            ("RST_STREAM on an idle stream", [self.PROTOCOL], [frame(RST_STREAM, bytes(4), 0, 1)]),
            ("RST_STREAM on stream 0", [self.PROTOCOL], [frame(RST_STREAM, bytes(4))]),
            ("RST_STREAM of odd size", [self.SIZE], [request, frame(RST_STREAM, bytes(3), 0, 1)]),
            ("PUSH_PROMISE", [self.PROTOCOL], [open_request, frame(PUSH_PROMISE, bytes(4) + block(), END_HEADERS, 1)]),
            ("WINDOW_UPDATE of 0", [self.PROTOCOL], [frame(WINDOW_UPDATE, bytes(4))]),
            ("WINDOW_UPDATE on an idle stream", [self.PROTOCOL], [frame(WINDOW_UPDATE, b"\0\0\0\1", 0, 1)]),
            ("window overflow", [self.FLOW], [frame(WINDOW_UPDATE, b"\x7f\xff\xff\xff")] * 2),
            ("CONTINUATION alone", [self.PROTOCOL], [frame(CONTINUATION, block((b"a", b"b")), END_HEADERS, 1)]),
            ("a frame between HEADERS and CONTINUATION", [self.PROTOCOL],
             [frame(HEADERS, block(*request_fields()), 0, 1), frame(PING, bytes(8))]),
            ("CONTINUATION of another stream", [self.PROTOCOL],
             [frame(HEADERS, block(*request_fields()), 0, 1), frame(CONTINUATION, b"", END_HEADERS, 3)]),
            ("HPACK index out of range", [self.COMPRESSION], [frame(HEADERS, b"\xff\xff\xff\xff\x0f", END_HEADERS, 1)]),
            ("HPACK that breaks off", [self.COMPRESSION], [frame(HEADERS, b"\0\x7f", END_HEADERS, 1)]),
            ("HPACK table too large", [self.COMPRESSION], [frame(HEADERS, b"\x3f\xff\xff\xff\x07", END_HEADERS, 1)]),
            ("padding longer than the frame", [self.PROTOCOL, self.SIZE], [open_request, frame(DATA, b"\xffx", 8, 1)]),
            ("text", [self.SIZE, self.PROTOCOL], [b"GET / HTTP/1.1\r\n\r\n"]),
        ])

    def test_frames_of_unknown_types_are_ignored(self):
        raw = self.raw()
        raw.send(frame(0xfa, b"whatever", 0xff, 0), request_head(1, *request_fields(b"/known")), frame(0xfb, b"", 0, 1))
        self.assertEqual(raw.answer(1), 200)

    def test_a_smaller_stream_number_is_no_request(self):
        raw = self.raw()
        raw.send(request_head(5, *request_fields(b"/five")), request_head(3, *request_fields(b"/three")),
                 request_head(7, *request_fields(b"/seven")))
        self.assertIn(raw.answer(7), (200, "connection ended"))
        self.assertEqual(self.backend.seen(b"/three"), [])

    def test_the_end_of_the_client_is_taken_for_what_it_is(self):
        raw = self.raw()
        raw.send(frame(GOAWAY, bytes(8)))
        raw.stream.sock.shutdown(1)
        self.assertIn(raw.ending()[0], (None, 0))


if __name__ == "__main__":
    unittest.main()
