"""Many exchanges at once between the same two sidecars, however these carry them: none disturbs another."""

import os
import threading
import time
import unittest

from backend import Backend, Waiting, reply
from pair import Pair
from patience import eventually, together
from stream import Truncated
from talk import Client, WireTest

# All handshakes come at once, on a machine that may be busy: not what is tested here.
PATIENT = {"log_all": False, "policy": {"connectTimeout": "20s"}}


class Gate:
    """A script that holds every request back until `waiting` of them are there, or until it is opened."""

    def __init__(self, waiting=0):
        self.waiting = waiting
        self.arrived = 0
        self.lock = threading.Lock()
        self.open = threading.Event()

    def __call__(self, wire, request):
        body = wire.read_body(request)
        with self.lock:
            self.arrived += 1
            if self.arrived == self.waiting:
                self.open.set()
        self.open.wait(60)
        wire.send(reply(body))


class Crowd(WireTest):
    options = PATIENT

    def test_hundreds_of_connections_get_their_own_answers(self):
        def one(number):
            with Client(self.pair.outbound, timeout=30) as client:
                for turn in range(5):
                    body = b"%d/%d " % (number, turn) * (1 + number * 7 % 2000)
                    response = client.get(b"/echo", method=b"POST", body=body)
                    self.assertEqual((response.status, response.why, response.body == body), (200, "", True))
        self.assertEqual(together(300, one), [])
        self.assertTrue(self.pair.a.counts("tulle_downstream_connections"))

    def test_a_thousand_requests_in_flight_get_their_own_answers(self):
        """The app answers none of them before all have arrived."""
        gate = Gate(1000)
        self.backend.on(b"/gate", gate)
        bodies = [b"%d/" % number + os.urandom(number * 13 % 5000) for number in range(1000)]
        clients = [self.client(timeout=60) for _ in bodies]
        for client, body in zip(clients, bodies):
            client.send(b"POST /gate HTTP/1.1\r\nHost: web\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answers = [client.response() for client in clients]
        self.assertEqual({(answer.status, answer.why, answer.body == body) for answer, body in zip(answers, bodies)},
                         {(200, "", True)})
        self.assertEqual(len(self.backend.seen(b"/gate")), 1000)

    def test_one_silent_exchange_holds_no_other_up(self):
        gate = Gate()
        self.backend.on(b"/held", gate)
        held = [self.client().send(b"GET /held HTTP/1.1\r\nHost: web\r\n\r\n") for _ in range(20)]
        self.assertTrue(eventually(lambda: gate.arrived == 20))
        client = self.client()
        for number in range(100):
            self.assertEqual(client.get(b"/free", method=b"PUT", body=b"%d" % number).body, b"%d" % number)
        gate.open.set()
        self.assertEqual({client.response().status for client in held}, {200})

    def test_clients_that_vanish_disturb_nobody_and_leave_nothing_at_the_app(self):
        waits = [Waiting() for _ in range(20)]
        leaving = []
        for number, wait in enumerate(waits):
            path = self.backend.on(b"/leave%d" % number, wait)
            method = (b"GET", b"POST")[number % 2]
            leaving.append(self.client().send(b"%s %s HTTP/1.1\r\nHost: web\r\n\r\n" % (method, path)))
        self.assertTrue(eventually(lambda: len(self.backend.requests) == 20))
        staying = self.client()
        for client in leaving:
            client.reset()
            self.assertEqual(staying.get(b"/stay", method=b"PUT", body=b"mine").body, b"mine")
        self.assertTrue(all(wait.gone.wait(5) for wait in waits))

    def test_client_that_vanishes_within_an_answer_stops_the_app(self):
        stopped = threading.Event()

        def pour(wire, _):
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                while True:
                    wire.send(b"400\r\n" + bytes(1024) + b"\r\n")
            except OSError:
                stopped.set()
            return False
        self.backend.on(b"/pour", pour)
        client = self.client().send(b"GET /pour HTTP/1.1\r\nHost: web\r\n\r\n")
        client.take(100000)
        client.reset()
        self.assertTrue(stopped.wait(5))

    def test_client_that_vanishes_within_its_body_stops_the_app(self):
        waiting = Waiting()
        self.backend.on(b"/upload", waiting)
        client = self.client().send(b"POST /upload HTTP/1.1\r\nHost: web\r\nContent-Length: 1000000\r\n\r\nhalf")
        self.assertTrue(eventually(lambda: self.backend.seen(b"/upload")))
        client.reset()
        self.assertTrue(waiting.gone.wait(5))


class Cold(WireTest):
    options = PATIENT

    def test_hundreds_of_first_requests_at_once(self):
        def one(number):
            response = self.ask(b"/cold", method=b"POST", body=b"%d" % number)
            self.assertEqual((response.status, response.why, response.body), (200, "", b"%d" % number))
        self.assertEqual(together(300, one), [])
        self.assertEqual(len(self.backend.seen(b"/cold")), 300)


class KilledPeer(unittest.TestCase):
    """One of two sidecars before the app is killed with requests in flight on it."""

    def setUp(self):
        self.apps = [Backend(), Backend()]
        self.gate = Gate()
        for app in self.apps:
            self.addCleanup(app.close)
            app.default = self.gate
        self.pair = Pair([app.port for app in self.apps], **PATIENT)
        self.addCleanup(self.pair.close)
        self.addCleanup(self.gate.open.set)

    def send(self, method, number):
        client = Client(self.pair.outbound, timeout=20)
        self.addCleanup(client.sock.close)
        head = b"%s /%d HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\n%03d"
        return client.send(head % (method, number, number))

    def test_every_exchange_is_repeated_or_fails_with_a_reason(self):
        clients = [self.send(b"POST" if number % 2 else b"GET", number) for number in range(200)]
        self.assertTrue(eventually(lambda: self.gate.arrived == 200, within=20))
        lost = {int(request.target[1:]) for request in self.apps[0].requests}
        self.pair.bs[0].kill()
        gets = sum(number % 2 == 0 for number in lost)
        self.assertTrue(eventually(lambda: self.gate.arrived == 200 + gets, within=20))
        self.gate.open.set()
        self.assertGreater(len(lost), 20)
        for number, client in enumerate(clients):
            response = client.response()
            if number in lost and number % 2:
                self.assertEqual(response.status, 502)
                self.assertRegex(response.why, "^upstream/(closed|reset|connection-lost)$")
            else:
                self.assertEqual((response.status, response.body), (200, b"%03d" % number))
        self.assertEqual(len(self.apps[0].requests) + len(self.apps[1].requests), 200 + gets)

    def test_answers_that_had_begun_are_seen_to_break_off(self):
        def begin(wire, _):
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            self.gate.open.wait(20)
            return False
        for app in self.apps:
            app.default = begin
        clients = [self.send(b"GET", number) for number in range(40)]
        for client in clients:
            client.head()
        lost = {int(request.target[1:]) for request in self.apps[0].requests}
        self.pair.bs[0].kill()
        self.assertGreater(len(lost), 5)
        for number in lost:
            with self.assertRaises(Truncated):
                clients[number].take(10)

    def test_the_next_requests_find_the_other_one(self):
        self.gate.open.set()
        client = Client(self.pair.outbound)
        self.addCleanup(client.sock.close)
        for _ in range(10):
            client.get(b"/before")
        self.pair.bs[0].kill()
        began = time.monotonic()
        for number in range(50):
            self.assertEqual(client.get(b"/after", method=b"POST", body=b"%d" % number).body, b"%d" % number)
        self.assertLess(time.monotonic() - began, 3)


if __name__ == "__main__":
    unittest.main()
