"""What a Service gets from one caller at a time, and how many retries it is asked for."""

import threading
import unittest

from admission_test import limited
from backend import Backend, reply
from patience import eventually, together
from talk import WireTest


def both(*backends):
    """Endpoints outside of the mesh."""
    return {"endpoints/shop/web": {"name": "shop/web", "endpoints": [
        {"address": "127.0.0.1", "pod": "shop/web", "ports": [{"port": 80, "target": backend.port}]}
        for backend in backends]}}


class Holding(WireTest):
    """An app that keeps requests for /hold until it is told to let go."""

    def setUp(self):
        super().setUp()
        self.let_go = threading.Event()
        self.addCleanup(self.let_go.set)

        def hold(wire, request):
            wire.read_body(request)
            self.let_go.wait(10)
            wire.send(reply(b"held"))
        self.backend.on(b"/hold", hold)

    def hold(self, count):
        """So many requests in flight."""
        clients = [self.client().send(b"GET /hold HTTP/1.1\r\nHost: web\r\n\r\n") for _ in range(count)]
        self.assertTrue(eventually(lambda: len(self.backend.seen(b"/hold")) == count))
        return clients


class Requests(Holding):
    options = {"policy": {"source": "shop/web-calls", "limits": {"requests": 3}}}

    def test_one_too_many_is_refused_at_once_and_room_comes_back(self):
        before = limited(self.pair.a, "requests", "shop/web-calls")
        held = self.hold(3)
        refused = self.ask(b"/more")  # answered while the others are still held
        self.assertEqual((refused.status, refused.why), (503, "limit/requests shop/web-calls"))
        self.assertEqual(self.backend.seen(b"/more"), [])
        self.assertTrue(eventually(lambda: limited(self.pair.a, "requests", "shop/web-calls") == before + 1))
        self.let_go.set()
        self.assertEqual([client.response().status for client in held], [200] * 3)
        self.assertTrue(eventually(lambda: self.ask(b"/more").status == 200))

    def test_a_client_that_leaves_makes_room(self):
        held = self.hold(3)
        for client in held:
            client.reset()
        self.assertTrue(eventually(lambda: self.ask(b"/more").status == 200))


class RequestsInShadow(Holding):
    options = {"policy": {"source": "shop/web-calls", "limits": {"requests": 3, "mode": "Shadow"}}}

    def test_a_shadow_counts_and_refuses_nothing(self):
        self.hold(3)
        self.assertEqual(self.ask(b"/more").status, 200)
        self.assertTrue(eventually(lambda: limited(self.pair.a, "requests", "shop/web-calls", "shadow") == 1))


class PerEndpoint(Holding):
    """Two endpoints, the second of which has an app of its own."""

    @classmethod
    def setUpClass(cls):
        cls.second = Backend()
        cls.addClassCleanup(cls.second.close)
        cls.options = {"endpoints": [("127.0.0.1", 0, "")], "extra": cls.resources,
                       "policy": {"source": "shop/web-calls", "limits": {"endpoint": {"requests": 2}},
                                  "loadBalancing": "RoundRobin"}}
        super().setUpClass()

    resources = classmethod(lambda cls, _: both(cls.backend, cls.second))

    def test_the_other_endpoint_takes_over_and_when_all_are_full_it_is_said(self):
        self.second.on(b"/hold", self.backend.scripts[b"/hold"])
        held = [self.client().send(b"GET /hold HTTP/1.1\r\nHost: web\r\n\r\n") for _ in range(4)]
        self.assertTrue(eventually(lambda: len(self.backend.seen(b"/hold")) == len(self.second.seen(b"/hold")) == 2))
        refused = self.ask(b"/more")
        self.assertEqual((refused.status, refused.why), (503, "limit/endpoint-requests shop/web-calls"))
        self.assertTrue(eventually(lambda: limited(self.pair.a, "endpoint-requests", "shop/web-calls") == 1))
        self.let_go.set()
        self.assertEqual([client.response().status for client in held], [200] * 4)
        self.assertTrue(eventually(lambda: self.ask(b"/more").status == 200))


class Connections(WireTest):
    options = {"protocol": "TCP", "policy": {"source": "shop/web-calls", "limits": {"connections": 2}}}

    def test_one_too_many_is_reset(self):
        clients = [self.client() for _ in range(2)]
        for client in clients:
            self.assertEqual(client.get(b"/open").status, 200)
        with self.assertRaises((EOFError, OSError)):
            self.ask(b"/third")
        self.pair.a.logged(reason="limit/connections shop/web-calls")
        clients[0].sock.close()

        def room():
            try:
                return self.ask(b"/again").status == 200
            except (EOFError, OSError):
                return False
        self.assertTrue(eventually(room))


class Budget(WireTest):
    """Two endpoints that break every request off."""

    budget = {"percent": 20, "minimumPerSecond": 0}

    @classmethod
    def setUpClass(cls):
        cls.second = Backend()
        cls.addClassCleanup(cls.second.close)
        cls.options = {"endpoints": [("127.0.0.1", 0, "")], "extra": cls.resources, "log_all": False,
                       "policy": {"retry": {"attempts": 3, "budget": cls.budget},
                                  "outlierDetection": {"mode": "Shadow"}}}
        super().setUpClass()

    resources = classmethod(lambda cls, _: both(cls.backend, cls.second))

    def test_retries_are_a_fifth_of_the_requests_and_the_reason_stays(self):
        for backend in (self.backend, self.second):
            backend.default = lambda wire, request: (wire.read_body(request), False)[1]
        reasons = set()

        def ask(_):
            for _ in range(50):
                response = self.ask(b"/")
                self.assertEqual(response.status, 502)
                reasons.add(response.why)
        self.assertEqual(together(4, ask), [])
        seen = len(self.backend.seen(b"/")) + len(self.second.seen(b"/"))
        self.assertLessEqual(seen, 200 * 1.2 + 1)
        self.assertGreaterEqual(seen, 200 * 1.05)
        self.assertLessEqual(reasons, {"upstream/closed", "upstream/reset"})
        self.assertTrue(eventually(lambda: limited(self.pair.a, "retry-budget", "") >= 160))


if __name__ == "__main__":
    unittest.main()
