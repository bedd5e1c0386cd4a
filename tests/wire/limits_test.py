"""Limits that take many to reach: each is met, said, and left behind again."""

import contextlib
import socket
import struct
import threading
import time
import unittest

from backend import Backend
from frames import SETTINGS, Raw, request_fields, request_head
from http2 import MAX_CONCURRENT_STREAMS, Http2Test
from mux_test import LEAVE, OPEN, RESET, frame
from overload_test import B, SANITIZED, OverloadTest, counted, started_with
from pair import B_IDENTITY, Pair, peer_context
from patience import eventually
from talk import Client, WireTest

MOST_REQUESTS = 10000
MOST_STREAMS = 1000
MOST_REQUESTS_OF_ONE = 100000


class Streams(Http2Test):
    def test_an_app_may_have_a_thousand_on_one_connection(self):
        raw = self.raw()
        settings = raw.until(SETTINGS)[3]
        said = dict(struct.unpack(">HI", settings[at:at + 6]) for at in range(0, len(settings), 6))
        self.assertEqual(said[MAX_CONCURRENT_STREAMS], MOST_STREAMS)


class Requests(unittest.TestCase):
    def test_more_than_a_worker_takes_at_a_time_are_refused_until_some_have_gone(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            here = silent.getsockname()
            rules = [{"name": "route/silent", "matches": [{"path": {"prefix": "/silent"}}],
                      "backends": [{"source": "a", "endpoints": "endpoints/shop/silent", "port": 80}]},
                     {"name": "service/shop/web",
                      "backends": [{"source": "b", "endpoints": "endpoints/shop/web", "port": 80}]}]
            endpoint = {"address": here[0], "pod": "shop/silent-1", "identity": B_IDENTITY,
                        "ports": [{"port": 80, "target": here[1]}]}
            extra = {"endpoints/shop/silent": {"name": "shop/silent", "endpoints": [endpoint]}}
            self.fill(rules, extra)

    def fill(self, rules, extra):
        backend = Backend()
        self.addCleanup(backend.close)
        with Pair(backend.port, rules=rules, extra=extra, log_all=False, policy={"connectTimeout": "60s"}) as pair:
            with contextlib.ExitStack() as crowd:
                for _ in range(MOST_REQUESTS // MOST_STREAMS):
                    raw = crowd.enter_context(Raw(pair.outbound, timeout=60))
                    raw.send(b"".join(request_head(2 * n + 1, *request_fields(b"/silent"))
                                      for n in range(MOST_STREAMS)))
                with Client(pair.outbound, timeout=60) as client:
                    def refused():
                        answer = client.get(b"/fine")
                        return answer if answer.status == 503 else None
                    answer = eventually(refused, within=60)
                    self.assertEqual((answer.why, answer.header(b"connection")), ("overload/requests", b"close"))
                self.assertGreaterEqual(counted(pair.a, "requests"), 1)

            def served():
                with Client(pair.outbound) as client:
                    return client.get(b"/fine").status == 200
            self.assertTrue(eventually(served, within=20))


class OneConnection(WireTest):
    options = {"log_all": False}

    def test_a_connection_ends_after_very_many_requests(self):
        ask = b"GET / HTTP/1.1\r\nHost: web\r\n\r\n"  # in plaintext, and so refused one by one
        with socket.create_connection(self.pair.inbound(), timeout=60) as sock:
            def send():
                with contextlib.suppress(OSError):
                    for _ in range(MOST_REQUESTS_OF_ONE // 1000 + 1):
                        sock.sendall(ask * 1000)
            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            answers, closing, tail = 0, 0, b""
            with contextlib.suppress(ConnectionError):
                while data := sock.recv(1 << 20):
                    seen = tail + data
                    answers += seen.count(b"HTTP/1.1 403") - tail.count(b"HTTP/1.1 403")
                    closing += seen.lower().count(b"connection: close") - tail.lower().count(b"connection: close")
                    tail = seen[-40:]
            sender.join(30)
        self.assertEqual((answers, closing), (MOST_REQUESTS_OF_ONE, 1))
        self.assertEqual(counted(self.pair.b, "requests-per-connection"), 1)


class Refusals(WireTest):
    options = {"log_all": False}

    def peer(self):
        raw = socket.create_connection(self.pair.inbound(), timeout=10)
        peer = Client(peer_context(certificate=self.pair.certificates["a"], alpn=("tulle/mux",)).wrap_socket(raw))
        self.addCleanup(peer.sock.close)
        return peer

    def test_streams_beyond_the_limit_are_counted(self):
        self.peer().send(b"".join(frame(OPEN, number, b"\1") for number in range(1, 1101)))
        self.assertTrue(eventually(lambda: counted(self.pair.b, "streams") == 76), self.pair.b.metrics())

    def test_a_peer_that_is_thrown_out_is_named(self):
        self.peer().send(frame(77, 0))
        self.assertTrue(self.pair.b.counts('protocol="mux",source="%s"' % "spiffe://cluster.local/ns/shop/sa/client"))
        self.assertIn('reason="mux/frame"', self.pair.b.metrics())


class Memory(OverloadTest):
    """B with little memory beyond what it needs at rest; strangers fill it with heads that do not end."""

    def start_with_room_for(self, room):
        self.start()
        self.assertTrue(self.served())
        at_rest = self.pair.b.resident_bytes()
        for sidecar in self.pair.a, self.pair.b:
            sidecar.stop()
        with started_with(B, flags=f"--memory-limit={at_rest + room}"):
            self.start()
        self.limit = at_rest + room

    def level(self):
        for line in self.pair.b.metrics().splitlines():
            if line.startswith("tulle_overload_level"):
                return float(line.split()[-1])
        return None

    def peer(self):
        raw = self.connect(self.pair.inbound())
        peer = Client(peer_context(certificate=self.pair.certificates["a"], alpn=("tulle/mux",)).wrap_socket(raw))
        self.sockets.append(peer.sock)
        return peer

    def fill(self, level):
        fillers = [Client(self.connect(self.pair.inbound())) for _ in range(400)]
        for filler in fillers:
            if self.level() >= level:
                break
            filler.send(b"GET / HTTP/1.1\r\nHost: web\r\nX-Long: " + b"a" * 50000)
        self.assertTrue(eventually(lambda: self.level() >= level))

    def heard(self, peer, kind):
        """The next frame of that kind."""
        while True:
            head, number = struct.unpack(">II", peer.take(8))
            payload = peer.take(head & 0xffffff)
            if head >> 24 == kind:
                return number, payload

    def test_full_asks_peers_to_leave(self):
        self.start_with_room_for(12 << 20)
        peer = self.peer()
        self.fill(2)
        self.assertEqual(self.heard(peer, LEAVE), (0, b""))

    def test_critical_refuses_opaque_streams_of_peers(self):
        self.start_with_room_for(12 << 20)
        peer = self.peer()
        self.fill(3)
        peer.send(frame(OPEN, 1, b"\3"))
        self.assertEqual(self.heard(peer, RESET)[0], 1)
        self.assertIn('reason="overload/memory"', self.pair.b.metrics())


if SANITIZED:
    del Memory  # a sanitizer keeps what was freed


if __name__ == "__main__":
    unittest.main()
