"""Garbage and silence on every port: what is established goes on, and nothing falls over."""

import os
import random
import socket
import time
import unittest
import urllib.request

from stream import Truncated
from talk import Client, WireTest

SHAPES = [
    b"\0" * 1000, b"\xff" * 100000, b"\r\n" * 5000, b"GET " * 1000, b"A" * 100000, b"\x16\x03\x01\xff\xff" +
            b"\0" * 1000,
    b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x16\x03\x03\x40\x00\x01\x00\x3f\xfc" + b"\xff" * 16380, b"\x16\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1000,
        b"GET / HTTP/1.1\r\n\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\nx", b"\x80\x2e\x01\x03\x01", b"%s%n" * 1000,
        b"{}" * 1000,
]


class Garbage(WireTest):
    def doors(self):
        for sidecar in (self.pair.a, self.pair.b):
            for port in sidecar.ports.values():
                yield sidecar.ip, port

    def healthy(self, established):
        self.assertEqual(established.get(b"/ok", method=b"PUT", body=b"fine").body, b"fine")
        for sidecar in (self.pair.a, self.pair.b):
            self.assertIsNone(sidecar.process.poll())
            self.assertIn("tulle_", sidecar.metrics())
            with urllib.request.urlopen(f"http://{sidecar.ip}:{sidecar.ports['ready']}/ready", timeout=5) as reply:
                self.assertEqual(reply.status, 200)

    def test_garbage_on_every_port(self):
        established = self.client()
        rng = random.Random(1)
        for door in self.doors():
            for shape in SHAPES + [rng.randbytes(rng.randrange(1, 5000)) for _ in range(20)]:
                with socket.create_connection(door, timeout=5) as sock:
                    try:
                        sock.sendall(shape)
                        if rng.random() < 0.5:
                            sock.shutdown(1)
                    except OSError:
                        pass
        self.healthy(established)
        poison = [r for r in self.backend.requests if r.complete and r.target not in (b"/ok", b"*")]
        self.assertEqual([r.raw_head for r in poison], [])

    def test_connections_that_come_and_go(self):
        established = self.client()
        for door in self.doors():
            for number in range(25):
                sock = socket.create_connection(door, timeout=5)
                if number % 2:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.close()
        self.healthy(established)

    def test_silent_and_dripping_clients_hold_nobody_up(self):
        established = self.client()
        held = []
        for door in self.doors():
            for number in range(40):
                sock = socket.create_connection(door, timeout=5)
                held.append(sock)
                if number % 3:
                    sock.sendall((b"GET / HTTP/1.1\r\nHost: w", b"\x16\x03\x01\x01\x00\x01\x00")[number % 3 - 1])
        time.sleep(0.5)
        began = time.monotonic()
        self.healthy(established)
        with Client(self.pair.outbound) as fresh:
            self.assertEqual(fresh.get(b"/ok").status, 200)
        self.assertLess(time.monotonic() - began, 8)
        for sock in held:
            sock.close()

    def test_reader_that_never_reads_holds_nobody_up(self):
        self.backend.on(b"/big", lambda wire,
                _: wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n" + bytes(50000000)))
        stuck = [self.client().send(b"GET /big HTTP/1.1\r\nHost: web\r\n\r\n") for _ in range(10)]
        time.sleep(0.3)
        self.healthy(self.client())
        for client in stuck:
            client.reset()

    def test_bits_flipped_in_a_tls_stream_break_only_that_stream(self):
        """A relay between A and B is not in the way here, so B's door gets a TLS hello with noise behind it."""
        established = self.client()
        for _ in range(20):
            with socket.create_connection(self.pair.inbound(), timeout=5) as sock:
                sock.sendall(b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + os.urandom(32) + b"\0\0\2\x13\x01\1\0" +
                        os.urandom(200))
        self.healthy(established)

    def test_a_flood_of_pipelined_requests_is_served_in_turn(self):
        client = self.client(timeout=30)
        client.send(b"GET /n HTTP/1.1\r\nHost: web\r\n\r\n" * 2000)
        try:
            for _ in range(2000):
                self.assertEqual(client.response().status, 200)
        except Truncated:
            self.fail("the connection broke")


if __name__ == "__main__":
    unittest.main()
