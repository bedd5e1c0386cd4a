"""Endpoints that fail: left alone, tried again by one request, and never all of them."""

import itertools
import threading
import time
import unittest

import http2
from backend import Backend, reply
from patience import eventually
from talk import Client, WireTest

DOWN = b"503 Service Unavailable"


class Many(WireTest):
    """Service shop/web has endpoints outside of the mesh, of which the first can be made to fail."""

    count = 10
    policy = {}

    @classmethod
    def setUpClass(cls):
        cls.many = [Backend() for _ in range(cls.count)]
        for backend in cls.many:
            cls.addClassCleanup(backend.close)
        cls.options = {"endpoints": [("127.0.0.1", 0, "")], "extra": cls.resources, "policy": cls.policy}
        super().setUpClass()

    @classmethod
    def resources(cls, _):
        return {"endpoints/shop/web": {"name": "shop/web", "endpoints": [
            {"address": "127.0.0.1", "pod": f"shop/web-{number}", "ports": [{"port": 80, "target": backend.port}]}
            for number, backend in enumerate(cls.many)]}}

    def setUp(self):
        super().setUp()
        for backend in self.many:
            backend.forget()

    def asked(self, backend):
        with backend.lock:
            return len(backend.requests)

    def ejections(self, backend, outcome="ejected"):
        """How often it was ejected, by cause."""
        found = {}
        for line in self.pair.a.metrics().splitlines():
            if line.startswith("tulle_outliers_total{") and f'endpoint="127.0.0.1:{backend.port}"' in line \
                    and f'outcome="{outcome}"' in line:
                cause = line.split('cause="')[1].split('"')[0]
                found[cause] = found.get(cause, 0) + int(line.rsplit(" ", 1)[1])
        return found


class OneOfTen(Many):
    policy = {"retry": {"attempts": 0}}

    def test_one_that_fails_half_of_its_requests_is_hardly_noticed(self):
        turns = itertools.count()

        def half(wire, request):
            wire.read_body(request)
            wire.send(reply(b"", DOWN) if next(turns) % 2 else reply(b"well"))
        self.many[0].default = half
        first, later, stop = [], [], time.monotonic() + 10

        def ask():
            with Client(self.pair.outbound) as client:
                while time.monotonic() < stop:
                    (first if time.monotonic() < stop - 5 else later).append(client.get(b"/").status)
                    time.sleep(0.005)
        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        share = later.count(200) / len(later)
        print(f"first 5 s: {first.count(503)} of {len(first)} failed; next 5 s: {later.count(503)} of {len(later)}")
        # Half a tenth would fail without; what a quiet machine reaches is printed.
        self.assertGreater(len(later), 100)
        self.assertGreaterEqual(share, 0.99)
        self.assertTrue(self.ejections(self.many[0]))


class OneOfTwo(Many):
    count = 2
    policy = {"outlierDetection": {"baseEjection": "400ms"}, "retry": {"attempts": 0},
              "loadBalancing": "RoundRobin"}

    def ask_many(self, times):
        client = self.client()
        return [client.get(b"/").status for _ in range(times)]

    def test_ejected_probed_by_one_request_and_back(self):
        bad, good = self.many
        bad.default = lambda wire, request: (wire.read_body(request), wire.send(reply(b"", DOWN)))[1]
        statuses = self.ask_many(40)
        self.assertEqual(statuses.count(503), 5)
        self.assertEqual(self.ejections(bad), {"consecutive-5xx": 1})
        time.sleep(0.5)
        statuses = self.ask_many(40)
        self.assertEqual(statuses.count(503), 1)
        self.assertEqual(self.ejections(bad), {"consecutive-5xx": 1, "probe": 1})
        bad.default = good.default
        self.assertEqual(self.ask_many(10).count(200), 10)
        self.assertEqual(self.asked(bad), 6)
        time.sleep(1)
        self.assertEqual(self.ask_many(40).count(200), 40)
        self.assertAlmostEqual(self.asked(bad), 26, delta=2)


class AllOfTwo(Many):
    count = 2
    policy = {"retry": {"attempts": 0}, "loadBalancing": "RoundRobin"}

    def test_one_always_stays(self):
        for backend in self.many:
            backend.default = lambda wire, request: (wire.read_body(request), wire.send(reply(b"", DOWN)))[1]
        client = self.client()
        for _ in range(50):
            self.assertEqual(client.get(b"/").status, 503)
        causes = [self.ejections(backend) for backend in self.many]
        self.assertEqual(sorted(len(found) for found in causes), [0, 1])
        self.assertEqual(sum(self.asked(backend) for backend in self.many), 50)


class InShadow(Many):
    count = 2
    policy = {"outlierDetection": {"mode": "Shadow"}, "retry": {"attempts": 0}, "loadBalancing": "RoundRobin"}

    def test_nobody_is_ejected_and_it_is_counted(self):
        bad = self.many[0]
        bad.default = lambda wire, request: (wire.read_body(request), wire.send(reply(b"", DOWN)))[1]
        client = self.client()
        self.assertEqual([client.get(b"/").status for _ in range(40)].count(503), 20)
        self.assertTrue(eventually(lambda: self.ejections(bad, "spared") == {"consecutive-5xx": 4}))


class Grpc(http2.Http2Test):
    """Two replicas behind their sidecars, one of which is unavailable in the words of gRPC."""

    @classmethod
    def setUpClass(cls):
        cls.bad = http2.App()
        cls.addClassCleanup(cls.bad.close)
        super().setUpClass()

    @classmethod
    def make_app(cls):
        app = http2.App(default=lambda exchange: cls.answer(exchange, b"0"))
        cls.bad.default = lambda exchange: cls.answer(exchange, b"14")
        return Both(app, cls.bad)

    options = {"policy": {"loadBalancing": "RoundRobin", "retry": {"attempts": 0}}}

    @staticmethod
    def answer(exchange, status):
        exchange.whole()
        exchange.respond(fields=[(b"content-type", b"application/grpc"), (b"grpc-status", status)])

    def test_an_error_that_comes_without_content_counts(self):
        client = self.http2()
        fields = [(b"content-type", b"application/grpc"), (b"te", b"trailers")]
        answers = [client.get(b"/shop.Echo/Unary", body=b"\0\0\0\0\0", fields=fields) for _ in range(40)]
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertEqual([answer.header(b"grpc-status") for answer in answers].count(b"14"), 5)


class Both:
    """Two apps, as one for a fixture: each is behind a sidecar of its own."""

    def __init__(self, *apps):
        self.apps = apps
        self.port = [app.port for app in apps]

    def forget(self):
        for app in self.apps:
            app.forget()

    def close(self):
        self.apps[0].close()


if __name__ == "__main__":
    unittest.main()
