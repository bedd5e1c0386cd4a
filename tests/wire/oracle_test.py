"""The mesh does not show: a request sent to the app directly and the same through the pair have the same effect on
both ends, but for what is documented (headers of one hop, the version of the hop, and x-tulle-source)."""

import unittest

from backend import reply
from stream import Truncated
from talk import Client, WireTest

ONE_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"x-tulle-source"}


def head(status, *lines):
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


CHUNKED = b"Transfer-Encoding: chunked"
RESPONSES = {
    "empty": reply(),
    "no reason": head(b"200 ", b"Content-Length: 0"),
    "no reason, no space": head(b"200", b"Content-Length: 0"),
    "reason in another tongue": head(b"200 Tr\xc3\xa8s bien \xff", b"Content-Length: 0"),
    "created": reply(b"made", b"201 Created", b"Location: /made?x=1#part\r\n"),
    "odd status": reply(b"?", b"299 Odd"),
    "last status": reply(b"?", b"599 Last"),
    "status beyond": reply(b"?", b"799 Beyond"),
    "no content": head(b"204 No Content", b"X: y"),
    "reset content": reply(b"", b"205 Reset Content"),
    "part": reply(b"cd", b"206 Partial Content", b"Content-Range: bytes 2-3/10\r\n"),
    "found": reply(b"", b"302 Found", b"Location: http://elsewhere/?a=b\r\n"),
    "not modified": head(b"304 Not Modified", b'ETag: W/"x"', b"Content-Length: 1000"),
    "unauthorized": reply(b"", b"401 No", b"WWW-Authenticate: Basic\r\nWWW-Authenticate: Bearer a=\"b,c\"\r\n"),
    "not found": reply(b"nothing", b"404 Not Found"),
    "error": reply(b"broken", b"500 Internal Server Error"),
    "own 503": reply(b"later", b"503 Service Unavailable", b"Retry-After: 7\r\n"),
    "own 502": reply(b"bad", b"502 Bad Gateway"),
    "cookies": reply(b"", extra=b"Set-Cookie: a=b; Expires=Thu, 01 Jan 2026 00:00:00 GMT\r\nset-cookie: c=d\r\n"),
    "same name, many cases": reply(b"", extra=b"X-a: 1\r\nx-A: 2\r\nX-B: 3\r\nX-A: 4\r\n"),
    "strange values": head(b"200 OK", b"Content-Length: 0", b"X-Empty:", b"X-Tab: a\tb", b"X-Bytes: \x80\xff",
                           b"X-Wide:    a   b   ", b"X-Colon: a:b"),
    "strange names": reply(b"", extra=b"!#$%&'*+-.^_`|~09: 1\r\nX_Under: 2\r\nx: 3\r\n"),
    "wide": reply(b"", extra=b"X-Wide: " + b"a" * 30000 + b"\r\n"),
    "many": reply(b"", extra=b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(90))),
    "zeros": reply(bytes(1000)),
    "looks like a head": reply(b"HTTP/1.1 200 OK\r\n\r\n"),
    "large": reply(bytes(range(256)) * 4096),
    "encoded": reply(b"\x1f\x8b\x08not really", extra=b"Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"),
    "chunked": head(b"200 OK", CHUNKED) + b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
    "chunked and empty": head(b"200 OK", CHUNKED) + b"0\r\n\r\n",
    "chunked in capitals": head(b"200 OK", b"TRANSFER-ENCODING: chunked") + b"00A;x\r\n0123456789\r\n000\r\n\r\n",
    "trailers": head(b"200 OK", CHUNKED, b"Trailer: X-A, X-B") + b"2\r\nhi\r\n0\r\nX-A: 1\r\nx-b: 2, 3\r\n\r\n",
    "until close": head(b"200 OK", b"X: y") + b"until the end",
    "until close, 1.0": b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nuntil the end",
    "said close": reply(b"bye", extra=b"Connection: close\r\n"),
    "hints first": head(b"103 Early Hints", b"Link: </a>; rel=preload") + head(b"103 Early Hints") + reply(b"then"),
    "broken off": head(b"200 OK", b"Content-Length: 10") + b"half",
    "chunked, broken off": head(b"200 OK", CHUNKED) + b"a\r\nhalf",
}
REQUESTS = {
    "get": b"GET /o HTTP/1.1\r\nHost: web\r\n\r\n",
    "head": b"HEAD /o HTTP/1.1\r\nHost: web\r\n\r\n",
    "query": b"GET /o?a=b&c=%00%zz;\"<>|^`{}\\[]? HTTP/1.1\r\nHost: web:80\r\n\r\n",
    "headers": b"GET /o HTTP/1.1\r\nuser-AGENT: me\r\nHOST: Web.Shop\r\nAccept:\r\ncookie: a=b; c=d\r\nCookie: e\r\n"
               b"X-T: a\tb \r\n\r\n",
    "absolute": b"GET http://WEB/o HTTP/1.1\r\nHost: web\r\n\r\n",
    "one hop": b"GET /o HTTP/1.1\r\nHost: web\r\nConnection: keep-alive, TE\r\nTE: trailers\r\nKeep-Alive: a=1\r\n\r\n",
    "post": b"POST /o HTTP/1.1\r\nHost: web\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nh\r\n\r\n",
    "put chunked": b"PUT /o HTTP/1.1\r\nHost: web\r\ntransfer-encoding: chunked\r\nTrailer: X-S\r\n\r\n"
                   b"3\r\nabc\r\n1;q\r\nd\r\n0\r\nX-S: 1\r\n\r\n",
    "delete with body": b"DELETE /o HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\n\r\nxy",
    "own method": b"pUrGe /o HTTP/1.1\r\nHost: web\r\n\r\n",
    "old": b"GET /o HTTP/1.0\r\n\r\n",
    "old with body": b"POST /o HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
}


def headers(message, *without):
    """Without those of one hop, and without the empty Host that a request of HTTP/1.0 is given."""
    return [(name, value) for name, value in message.headers
            if name.lower() not in ONE_HOP.union(without) and (name, value) != (b"Host", b"")]


def without_body(response):
    """The response up to the end of its last head."""
    end = response.index(b"\r\n\r\n") + 4
    return response[:end] + (without_body(response[end:]) if response.startswith(b"HTTP/1.1 1") else b"")


class Transparency(WireTest):
    def exchange(self, address, request):
        """What client and app saw of one exchange."""
        self.backend.forget()
        old = b"HTTP/1.0" in request
        interims = []
        with Client(address) as client:
            try:
                answer = client.send(request).response(request.split(b" ")[0].decode(), interims)
                hidden = [b"transfer-encoding", b"trailer"] if old else []
                heard = [answer.status, answer.reason, headers(answer, *hidden), answer.body]
                heard += [] if old else [answer.trailers]
            except (Truncated, ValueError):
                heard = "broken off"
        seen = [(r.method, r.target, headers(r), r.body, r.trailers) for r in self.backend.requests]
        if not old:
            heard = heard, [(interim.status, headers(interim)) for interim in interims]
        return heard, seen

    def check(self, request, response):
        def answer(wire, got):
            wire.read_body(got)
            wire.send(response)
            return False
        self.backend.default = answer
        direct = self.exchange(("127.0.0.1", self.backend.port), request)
        self.assertEqual(self.exchange(self.pair.outbound, request), direct)

    def test_every_response(self):
        for name, response in RESPONSES.items():
            for method in ("get", "head", "post"):
                with self.subTest(response=name, request=method):
                    self.check(REQUESTS[method], without_body(response) if method == "head" else response)

    def test_every_request(self):
        for name, request in REQUESTS.items():
            for answer in ("looks like a head", "cookies", "trailers", "until close"):
                with self.subTest(request=name, response=answer):
                    self.check(request, RESPONSES[answer])


if __name__ == "__main__":
    unittest.main()
