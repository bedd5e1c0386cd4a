"""What is repeated and what is not, how long anything may take, and how requests are shared out."""

import collections
import socket
import threading
import time
import unittest

from backend import Backend, Returning, Waiting, reply
from pair import free_port, peer_context
from patience import eventually, together
from stream import Truncated
from talk import Client, WireTest


def endpoints(name, *ports):
    """Endpoints resource of plain endpoints on loopback."""
    return {f"endpoints/shop/{name}": {"name": f"shop/{name}", "endpoints": [
        {"address": ip, "pod": f"shop/{name}", "identity": "", "ports": [{"port": 80, "target": port}]} for ip,
                port in ports]}}


def rule(path, *backends, **more):
    """Requests under `path` go to backends (name, weight)."""
    return {"name": "route/shop" + path, "matches": [{"path": {"prefix": path}}], **more, "backends": [
        {"source": name, "endpoints": f"endpoints/shop/{name}", "port": 80, "weight": weight} for name,
                weight in backends]}


class Retries(WireTest):
    """Plain endpoints, so that sidecar A alone decides."""

    @classmethod
    def setUpClass(cls):
        cls.dead = free_port()
        cls.second = Backend()
        cls.addClassCleanup(cls.second.close)
        cls.options = {
            "rules": [rule("/half-dead", ("half-dead", 1)), rule("/dead", ("dead", 1)), rule("/two", ("two", 1)),
                      rule("/once", ("two", 1), retry={"attempts": 0}), rule("/none", ("none", 1)),
                      rule("/try", ("two", 1), retry={"attempts": 2, "perTryTimeout": "150ms"}),
                      rule("/timeout", ("one", 1), timeout="300ms"), rule("/black", ("black", 1)),
                      rule("/half-black", ("half-black", 1)),
                      {"name": "route/shop/broken", "matches": [{"path": {"prefix": "/broken"}}], "backends": [
                          {"source": "x", "endpoints": "endpoints/shop/none", "port": 80,
                                  "error": "Service shop/x does not exist"}]},
                      {"name": "route/shop/get", "matches": [{"method": "GET"}], "backends": [
                          {"source": "one", "endpoints": "endpoints/shop/one", "port": 80}]}],
            "policy": {"connectTimeout": "200ms"},
            "extra": cls.resources}
        super().setUpClass()

    @classmethod
    def resources(cls, pair):
        one, two, dead = (("127.0.0.1", port) for port in (cls.backend.port, cls.second.port, cls.dead))
        black = cls.black_hole()
        return {**endpoints("one", one), **endpoints("two", one, two), **endpoints("dead", dead),
                **endpoints("half-dead", dead, one),
                **endpoints("none"), **endpoints("black", black), **endpoints("half-black", black, one)}

    @classmethod
    def black_hole(cls):
        """An address that takes no connection and refuses none: its queue is full."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)
        cls.kept = (listener, fillers)
        time.sleep(0.1)
        return address

    def setUp(self):
        super().setUp()
        self.second.forget()

    def all_seen(self, path):
        return self.backend.seen(path) + self.second.seen(path)

    def fail_once(self, path, how):
        """The first request for `path`, at whichever backend, fails; later ones are answered."""
        failed = threading.Lock()

        def script(wire, request):
            wire.read_body(request)
            if failed.acquire(blocking=False):
                return how(wire)
            return wire.send(reply(b"second time"))
        self.backend.on(path, script)
        self.second.on(path, script)

    def test_another_endpoint_takes_over_from_one_that_refuses(self):
        for method in (b"GET", b"POST"):
            for _ in range(10):
                self.assertEqual(self.ask(b"/half-dead", method=method, body=b"").status, 200)
        self.assertEqual(len(self.backend.seen(b"/half-dead")), 20)

    def test_another_endpoint_takes_over_from_one_that_does_not_answer_at_all(self):
        for _ in range(4):
            self.assertEqual(self.ask(b"/half-black").status, 200)

    def test_nobody_there_is_an_error_with_a_reason(self):
        response = self.ask(b"/dead")
        self.assertEqual((response.status, response.why), (503, "upstream/connect-refused"))
        response = self.ask(b"/none")
        self.assertEqual((response.status, response.why), (503, "upstream/no-endpoint"))
        response = self.ask(b"/black")
        self.assertEqual((response.status, response.why), (503, "upstream/connect-timeout"))

    def test_backend_that_cannot_be_served_is_an_error_that_says_why(self):
        response = self.ask(b"/broken")
        self.assertEqual((response.status, response.why), (500, "route/no-backend x"))
        self.assertIn(b"Service shop/x does not exist", response.body)
        response = self.ask(b"/nobody", method=b"PATCH")
        self.assertEqual((response.status, response.why), (404, "route/no-rule shop/web"))

    def test_backend_down_for_a_moment_costs_no_request(self):
        with Returning(self.dead) as returning:
            status = self.ask(b"/dead", method=b"POST", body=b"x").status
        returning.backend.close()
        self.assertEqual(status, 200)

    def test_get_is_repeated_when_the_connection_breaks(self):
        for number, how in enumerate((lambda wire: False, lambda wire: wire.reset() or False)):
            path = b"/two/get%d" % number
            self.fail_once(path, how)
            self.assertEqual(self.ask(path).body, b"second time")
            self.assertEqual(len(self.all_seen(path)), 2)

    def test_post_that_may_have_reached_the_app_is_not_repeated(self):
        for number, how in enumerate((lambda wire: False, lambda wire: wire.reset() or False)):
            path = b"/two/post%d" % number
            self.fail_once(path, how)
            response = self.ask(path, method=b"POST", body=b"pay")
            self.assertEqual(response.status, 502)
            self.assertRegex(response.why, "^upstream/(closed|reset)$")
            self.assertEqual(len(self.all_seen(path)), 1)

    def test_zero_attempts_switch_retries_off(self):
        self.fail_once(b"/once", lambda wire: False)
        self.ask(b"/two/warm")
        self.backend.drop_connections()
        self.second.drop_connections()
        time.sleep(0.1)
        self.assertEqual(self.ask(b"/once").status, 502)
        self.assertEqual(len(self.all_seen(b"/once")), 1)

    def test_nothing_is_repeated_after_the_answer_began(self):
        self.fail_once(b"/two/begun",
                lambda wire: wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") or False)
        with self.assertRaises(Truncated):
            self.ask(b"/two/begun")
        self.assertEqual(len(self.all_seen(b"/two/begun")), 1)

    def test_request_timeout_has_a_reason(self):
        self.backend.on(b"/timeout", lambda wire, _: time.sleep(1))
        began = time.monotonic()
        response = self.ask(b"/timeout")
        self.assertEqual((response.status, response.why), (504, "timeout/request"))
        self.assertLess(time.monotonic() - began, 0.9)
        self.assertEqual(len(self.backend.seen(b"/timeout")), 1)

    def test_request_timeout_covers_the_upload(self):
        client = self.client()
        client.send(b"POST /timeout/up HTTP/1.1\r\nHost: web\r\nContent-Length: 10\r\n\r\nhalf")
        response = client.response()
        self.assertEqual((response.status, response.why), (504, "timeout/request"))
        self.assertTrue(client.closed())

    def test_request_timeout_breaks_off_an_answer(self):
        def drip(wire, _):
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            for _ in range(100):
                wire.send(b"x")
                time.sleep(0.02)
        self.backend.on(b"/timeout/drip", drip)
        with self.assertRaises(Truncated):
            self.ask(b"/timeout/drip")

    def test_a_slow_try_is_given_up_for_another(self):
        self.fail_once(b"/try", lambda wire: time.sleep(1) or False)
        began = time.monotonic()
        self.assertEqual(self.ask(b"/try").body, b"second time")
        self.assertLess(time.monotonic() - began, 0.9)

    def test_a_slow_try_of_a_post_is_not_repeated(self):
        self.fail_once(b"/try/post", lambda wire: time.sleep(1) or False)
        response = self.ask(b"/try/post", method=b"POST", body=b"pay")
        self.assertEqual((response.status, response.why), (504, "timeout/try"))
        self.assertEqual(len(self.all_seen(b"/try/post")), 1)

    def test_client_that_resets_takes_its_request_with_it(self):
        waiting = Waiting()
        self.backend.on(b"/gone", waiting)
        client = self.client().send(b"GET /gone HTTP/1.1\r\nHost: web\r\n\r\n")
        self.assertTrue(eventually(lambda: self.backend.seen(b"/gone")))
        client.reset()
        self.assertTrue(waiting.gone.wait(3))
        self.pair.a.logged(path="/gone", reason="downstream/closed")

    def test_headers_of_the_mesh_from_outside_the_mesh_are_not_believed(self):
        self.backend.on(b"/forged", lambda wire,
                _: wire.send(reply(b"", b"503 No", b"x-tulle-unsent: 1\r\nx-tulle-reason: forged\r\n")))
        response = self.ask(b"/forged")
        self.assertEqual((response.status, response.why), (503, ""))
        self.assertEqual(len(self.backend.seen(b"/forged")), 1)


class BehindSidecar(WireTest):
    """The app behind sidecar B is the one that fails."""

    options = {"replicas": 1}

    def test_post_reaches_an_app_that_was_down_for_a_moment(self):
        port = self.backend.port
        self.backend.close()
        time.sleep(0.05)
        with Returning(port) as returning:
            response = self.ask(b"/x", method=b"POST", body=b"x")
        type(self).backend = returning.backend
        self.addClassCleanup(self.backend.close)
        self.assertEqual(response.status, 200)

    def test_post_is_not_repeated_through_two_sidecars(self):
        self.backend.on(b"/pay", lambda wire, request: wire.read_body(request) and False)
        response = self.ask(b"/pay", method=b"POST", body=b"pay")
        self.assertEqual((response.status, response.why), (502, "upstream/closed"))
        self.assertEqual(len(self.backend.seen(b"/pay")), 1)

    def test_client_that_resets_takes_its_request_with_it_through_both(self):
        waiting = Waiting()
        self.backend.on(b"/gone", waiting)
        client = self.client().send(b"GET /gone HTTP/1.1\r\nHost: web\r\n\r\n")
        self.assertTrue(eventually(lambda: self.backend.seen(b"/gone")))
        client.reset()
        self.assertTrue(waiting.gone.wait(3))


class Shares(WireTest):
    @classmethod
    def setUpClass(cls):
        cls.many = [Backend() for _ in range(4)]
        cls.counts = collections.Counter()
        for number, backend in enumerate(cls.many):
            cls.addClassCleanup(backend.close)
            backend.default = lambda wire, _, number=number: (cls.counts.update([number]),
                    wire.send(reply(b"%d" % number)))[1]
        cls.options = {"log_all": False,
                "rules": [rule("/split", ("v1", 90), ("v2", 10), ("v3", 0)), rule("/all", ("all", 1))],
                       "policy": cls.policy, "extra": cls.resources}
        super().setUpClass()

    policy = {"loadBalancing": "RoundRobin"}

    @classmethod
    def resources(cls, _):
        where = [("127.0.0.1", backend.port) for backend in cls.many]
        return {**endpoints("v1", where[0]), **endpoints("v2", where[1]), **endpoints("v3", where[2]),
                **endpoints("all", *where)}

    def count(self, path, requests):
        self.counts.clear()
        client = self.client()
        for _ in range(requests):
            client.get(path)
        return [self.counts[number] for number in range(4)]

    def test_weights_are_kept(self):
        counts = self.count(b"/split", 2000)
        self.assertAlmostEqual(counts[1] / 2000, 0.1, delta=0.03)
        self.assertEqual((sum(counts), counts[2], counts[3]), (2000, 0, 0))

    def test_round_robin_is_even(self):
        self.assertEqual(self.count(b"/all", 400), [100] * 4)


class LeastRequest(Shares):
    policy = {"loadBalancing": "LeastRequest"}

    def test_round_robin_is_even(self):
        for number in self.count(b"/all", 800):
            self.assertAlmostEqual(number, 200, delta=80)

    def test_the_busy_one_gets_less(self):
        def slow(wire, _):
            self.counts.update([0])
            time.sleep(0.1)
            wire.send(reply(b"0"))
        self.many[0].on(b"/all/busy", slow)
        self.counts.clear()

        def ask(_):
            client = self.client()
            for _ in range(30):
                client.get(b"/all/busy")
        self.assertEqual(together(8, ask), [])
        self.assertEqual(sum(self.counts.values()), 240)
        self.assertLess(self.counts[0], min(self.counts[n] for n in (1, 2, 3)))


class TimeLeft(WireTest):
    """What the caller's sidecar says of its deadline is kept by the one that is called."""

    def test_nobody_works_for_a_caller_that_has_given_up(self):
        waiting = Waiting()
        self.backend.on(b"/", waiting)
        leaf = self.pair.authority.issue("caller", "URI:spiffe://cluster.local/ns/shop/sa/client")
        raw = socket.create_connection(self.pair.inbound(), timeout=5)
        with peer_context(certificate=leaf).wrap_socket(raw) as secure:
            response = Client(secure).get(b"/", b"x-tulle-time-left: 200\r\n")
        self.assertEqual((response.status, response.why), (504, "timeout/request"))
        self.assertTrue(waiting.gone.wait(5))

    def test_apps_cannot_say_it(self):
        response = self.client().get(b"/", b"x-tulle-time-left: 0\r\n")
        self.assertEqual(response.status, 200)
        self.assertEqual(self.backend.seen(b"/")[0].header(b"x-tulle-time-left"), [])


if __name__ == "__main__":
    unittest.main()
