"""What the rules of a Service make of requests: whom they are for, and what becomes of them."""

import collections
import time
import unittest

from backend import Backend, reply
from patience import eventually
from retry_test import endpoints
from talk import WireTest


def to(name, weight=1, **more):
    return {"source": f"split/shop/{name}", "endpoints": f"endpoints/shop/{name}", "port": 80, "weight": weight, **more}


def rule(path, **more):
    return {"name": "route/shop" + path, "matches": [{"path": {"prefix": path}}], "backends": [to("one")], **more}


class Rules(WireTest):
    @classmethod
    def setUpClass(cls):
        cls.second = Backend(default=lambda wire, request: wire.send(reply(b"second " + wire.read_body(request))))
        cls.addClassCleanup(cls.second.close)
        cls.options = {"rules": cls.rules(), "extra": lambda pair: {
            **endpoints("one", ("127.0.0.1", cls.backend.port)), **endpoints("two", ("127.0.0.1", cls.second.port))}}
        super().setUpClass()

    @staticmethod
    def rules():
        return []

    def setUp(self):
        super().setUp()
        self.second.forget()

    def backend_of(self, path, extra=b"", **more):
        return "two" if self.ask(path, extra, **more).body.startswith(b"second") else "one"

    def ask(self, path, extra=b"", method=b"GET", body=None):
        with self.client() as client:
            return client.get(path, extra, method, body)


class Matches(Rules):
    @staticmethod
    def rules():
        def special(match):
            return {"name": "route/shop/special", "matches": [match], "backends": [to("two")]}
        return [special({"query": [{"name": "beta", "exact": "1"}]}),
                special({"cookies": [{"name": "group", "regex": "test.*"}]}),
                special({"grpc": {"service": "shop.Cart", "method": "Add"}}),
                special({"grpc": {"method": "Pay"}}),
                special({"path": {"prefix": "/mine"}, "source": {"namespace": "shop", "workload": "client"}}),
                special({"path": {"prefix": "/theirs"}, "source": {"namespace": "shop", "workload": "other"}}),
                special({"path": {"prefix": "/near"}, "source": {"namespace": "sho"}}),
                {"name": "service/shop/web", "backends": [to("one")]}]

    def test_query_parameters(self):
        self.assertEqual(self.backend_of(b"/?beta=1"), "two")
        self.assertEqual(self.backend_of(b"/?a=b&beta=1&c"), "two")
        for other in (b"/?beta=2", b"/?xbeta=1", b"/?beta", b"/beta=1", b"/?beta=2&beta=1", b"/?betas=1"):
            self.assertEqual(self.backend_of(other), "one", other)

    def test_cookies(self):
        self.assertEqual(self.backend_of(b"/", b"Cookie: a=b; group=tester\r\n"), "two")
        self.assertEqual(self.backend_of(b"/", b"cookie: x=y\r\nCookie: group=test\r\n"), "two")
        for other in (b"Cookie: group=users\r\n", b"Cookie: my-group=test\r\n", b"Cookie: group\r\n"):
            self.assertEqual(self.backend_of(b"/", other), "one", other)

    def test_grpc_methods(self):
        self.assertEqual(self.backend_of(b"/shop.Cart/Add", method=b"POST", body=b""), "two")
        self.assertEqual(self.backend_of(b"/bank.Account/Pay", method=b"POST", body=b""), "two")
        for other in (b"/shop.Cart/Adds", b"/shop.Carts/Add", b"/shop.Cart/Add/x", b"/a/b/Pay"):
            self.assertEqual(self.backend_of(other, method=b"POST", body=b""), "one", other)

    def test_callers(self):
        self.assertEqual(self.backend_of(b"/mine"), "two")
        self.assertEqual(self.backend_of(b"/theirs"), "one")
        self.assertEqual(self.backend_of(b"/near"), "one")


class Edits(Rules):
    @staticmethod
    def rules():
        return [
            rule("/headers",
                 requestHeaders={"set": {"X-Set": "new", "x-both": "rule"}, "add": {"x-add": "added"},
                                 "remove": ["X-Gone"]},
                 responseHeaders={"set": {"server": "tulle"}, "remove": ["x-secret"]},
                 backends=[to("one", requestHeaders={"set": {"x-both": "backend"}},
                              responseHeaders={"add": {"x-from": "one"}})]),
            rule("/old/api", rewrite={"path": {"replacePrefix": "/new"}, "host": "other.example"}),
            rule("/all", rewrite={"path": {"replace": "/one/page"}}),
            rule("/top", rewrite={"path": {"replacePrefix": "/"}}),
            rule("/", backends=[to("one")])]

    def test_request_headers(self):
        self.ask(b"/headers", b"x-set: 1\r\nX-SET: 2\r\nx-add: own\r\nx-gone: 1\r\nX-Both: 0\r\nX-Stays: 1\r\n")
        request = self.backend.seen(b"/headers")[0]
        self.assertEqual(request.header(b"x-set"), [b"new"])
        self.assertEqual(request.header(b"x-add"), [b"own", b"added"])
        self.assertEqual(request.header(b"x-gone"), [])
        self.assertEqual(request.header(b"x-both"), [b"backend"])
        self.assertEqual(request.header(b"x-stays"), [b"1"])

    def test_response_headers(self):
        self.backend.on(b"/headers", lambda wire, _: wire.send(
            reply(b"x", extra=b"Server: apache\r\nX-Secret: 1\r\nX-Stays: 1\r\n")))
        response = self.ask(b"/headers")
        self.assertEqual(response.all(b"server"), [b"tulle"])
        self.assertEqual(response.all(b"x-secret"), [])
        self.assertEqual(response.all(b"x-from"), [b"one"])
        self.assertEqual(response.all(b"x-stays"), [b"1"])

    def test_rewrites(self):
        for asked, got in ((b"/old/api/x?q=/old", b"/new/x?q=/old"), (b"/old/api", b"/new"), (b"/old/api/", b"/new/"),
                           (b"/all/of/it?a", b"/one/page?a"), (b"/top/x", b"/x"), (b"/top", b"/")):
            self.backend.forget()
            self.assertEqual(self.ask(asked).status, 200)
            self.assertEqual([request.target for request in self.backend.requests], [got])

    def test_host(self):
        self.ask(b"/old/api")
        self.assertEqual(self.backend.requests[0].header(b"host"), [b"other.example"])


class Answers(Rules):
    @staticmethod
    def rules():
        return [
            rule("/moved", redirect={"path": {"replacePrefix": "/here"}, "status": 301}, backends=[]),
            rule("/secure", redirect={"scheme": "https", "host": "shop.example", "status": 308}, backends=[]),
            rule("/port", redirect={"port": 8443}, backends=[]),
            rule("/teapot", respond={"status": 418, "body": "short", "contentType": "text/x-tea"}, backends=[]),
            rule("/empty", respond={"status": 204}, backends=[]),
            rule("/slow", fault={"delay": {"duration": "300ms"}}),
            rule("/broken", fault={"abort": {"status": 507}}),
            rule("/half", fault={"abort": {"status": 503, "percent": 50}})]

    def test_redirects(self):
        for asked, status, location in ((b"/moved/x?q=1", 301, b"http://web/here/x?q=1"),
                                        (b"/secure/y", 308, b"https://shop.example/secure/y"),
                                        (b"/port", 302, b"http://web:8443/port")):
            response = self.ask(asked)
            self.assertEqual((response.status, response.header(b"location")), (status, location))
            self.assertTrue(response.why.startswith("route/redirect route/shop/"), response.why)
        self.assertEqual(self.backend.requests, [])

    def test_answers(self):
        response = self.ask(b"/teapot")
        self.assertEqual((response.status, response.body, response.header(b"content-type")),
                         (418, b"short", b"text/x-tea"))
        self.assertEqual(response.why, "route/respond route/shop/teapot")
        with self.client() as client:
            self.assertEqual(client.get(b"/empty").status, 204)
            self.assertEqual(client.get(b"/teapot", method=b"HEAD").body, b"")
            self.assertEqual(client.get(b"/teapot", method=b"POST", body=b"unread").status, 418)

    def test_delay(self):
        begun = time.monotonic()
        self.assertEqual(self.ask(b"/slow").status, 200)
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)

    def test_abort(self):
        response = self.ask(b"/broken")
        self.assertEqual((response.status, response.why), (507, "fault/abort route/shop/broken"))
        self.assertEqual(self.backend.requests, [])
        seen = collections.Counter(self.ask(b"/half").status for _ in range(100))
        self.assertGreater(min(seen[200], seen[503]), 20)


class Copies(Rules):
    @staticmethod
    def rules():
        return [rule("/copied", mirrors=[{"backend": to("two"), "partsPerMillion": 1000000}]),
                rule("/partly", mirrors=[{"backend": to("two"), "partsPerMillion": 300000}])]

    def test_copies_are_the_same_and_their_answers_are_dropped(self):
        response = self.ask(b"/copied/same?x", b"x-a: 1\r\n", method=b"POST", body=b"content")
        self.assertEqual(response.body, b"content")
        eventually(lambda: self.second.seen(b"/copied/same"))
        copy = self.second.seen(b"/copied/same")[0]
        eventually(lambda: copy.complete)
        self.assertEqual((copy.method, copy.body, copy.header(b"x-a")), (b"POST", b"content", [b"1"]))

    def test_a_body_that_comes_late_is_copied_too(self):
        with self.client() as client:
            client.send(b"POST /copied/late HTTP/1.1\r\nHost: web\r\nContent-Length: 6\r\n\r\nabc")
            time.sleep(0.2)
            client.send(b"def")
            self.assertEqual(client.response().body, b"abcdef")
        self.assertTrue(eventually(lambda: [copy.body for copy in self.second.seen(b"/copied/late")] == [b"abcdef"]))

    def test_a_large_body_is_not(self):
        self.assertEqual(self.ask(b"/copied/large", method=b"POST", body=b"x" * 200000).status, 200)
        time.sleep(0.2)
        self.assertEqual(self.second.seen(b"/copied/large"), [])

    def test_a_share_is_copied(self):
        for _ in range(100):
            self.ask(b"/partly")
        eventually(lambda: len(self.second.seen(b"/partly")) > 10)
        self.assertLess(len(self.second.seen(b"/partly")), 60)

    def test_who_gets_copies_may_be_down(self):
        self.second.on(b"/copied/down", lambda wire, _: False)
        for _ in range(20):
            self.assertEqual(self.ask(b"/copied/down").status, 200)


class Stays(Rules):
    @staticmethod
    def rules():
        both = [to("one"), to("two")]
        return [rule("/header", backends=both, sticky={"header": "x-user"}),
                rule("/cookie", backends=both, sticky={"cookie": "place"})]

    def test_by_header(self):
        where = collections.Counter()
        for user in range(30):
            first = {self.backend_of(b"/header", b"x-user: u%d\r\n" % user) for _ in range(4)}
            self.assertEqual(len(first), 1)
            where.update(first)
        self.assertGreater(min(where["one"], where["two"]), 5)

    def test_by_a_cookie_that_is_given(self):
        where = collections.Counter()
        for _ in range(30):
            response = self.ask(b"/cookie")
            here = response.body.startswith(b"second")
            cookie = response.header(b"set-cookie").split(b";")[0]
            self.assertTrue(cookie.startswith(b"place="))
            for _ in range(3):
                again = self.ask(b"/cookie", b"Cookie: a=b; " + cookie + b"\r\n")
                self.assertEqual(again.body.startswith(b"second"), here)
                self.assertIsNone(again.header(b"set-cookie"))
            where[here] += 1
        self.assertGreater(min(where.values()), 5)


if __name__ == "__main__":
    unittest.main()
