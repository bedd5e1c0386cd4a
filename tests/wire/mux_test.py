"""A peer with a good certificate that breaks the rules of the connection between sidecars: it is thrown out, and no
other peer notices. Frames as in lib/mux/frame.h."""

import random
import socket
import struct
import time
import unittest

from backend import Waiting
from pair import SIDECAR, peer_context
from patience import eventually
from talk import Client, WireTest

DATA, OPEN, END, RESET, CREDIT, LEAVE = range(6)
HTTP1 = b"\1"
ASK = b"GET /mux HTTP/1.1\r\nHost: web\r\n\r\n"
SANITIZED = any(name in SIDECAR for name in ("asan", "tsan"))
MOST_GROWTH = (96 if SANITIZED else 24) << 20


def frame(kind, stream, payload=b""):
    return struct.pack(">II", kind << 24 | len(payload), stream) + payload


class BadPeers(WireTest):
    options = {"log_all": False}

    def peer(self):
        raw = socket.create_connection(self.pair.inbound(), timeout=10)
        secure = peer_context(certificate=self.pair.certificates["a"], alpn=("tulle/mux",))
        peer = Client(secure.wrap_socket(raw))
        self.addCleanup(peer.sock.close)
        return peer

    def setUp(self):
        super().setUp()
        self.good = self.client()
        self.good.get(b"/warm")
        self.before = self.pair.b.resident_bytes()

    def tearDown(self):
        self.assertEqual(self.good.get(b"/after", method=b"PUT", body=b"fine").body, b"fine")
        self.assertLess(self.pair.b.resident_bytes() - self.before, MOST_GROWTH)

    def answer(self, peer, stream):
        """What came as content of one stream until it ended or was reset."""
        content = b""
        while True:
            head, number = struct.unpack(">II", peer.take(8))
            payload = peer.take(head & 0xffffff)
            if number == stream and head >> 24 == DATA:
                content += payload
                if b"\r\n\r\n" in content:
                    return content
            elif number == stream and head >> 24 in (END, RESET):
                return content or (head >> 24, payload)

    def thrown_out(self, *frames):
        peer = self.peer()
        try:
            peer.send(b"".join(frames))
            peer.sock.settimeout(5)
            while peer.sock.recv(65536):
                pass
        except (ConnectionError, EOFError, OSError) as error:
            self.assertNotIsInstance(error, TimeoutError)

    def test_a_good_peer_is_served(self):
        peer = self.peer()
        peer.send(frame(OPEN, 1, HTTP1) + frame(DATA, 1, ASK) + frame(OPEN, 2, HTTP1))
        peer.send(b"".join(frame(DATA, 2, bytes([byte])) for byte in ASK))
        self.assertTrue(self.answer(peer, 1).startswith(b"HTTP/1.1 200"))
        self.assertTrue(eventually(lambda: len(self.backend.seen(b"/mux")) == 2))

    def test_frames_that_no_peer_sends(self):
        opened = frame(OPEN, 1, HTTP1)
        for name, frames in [
                ("unknown type", [frame(77, 0)]), ("too large", [opened, frame(DATA, 1, bytes(1 << 20))]),
                ("longer than all", [b"\0\xff\xff\xff\0\0\0\1"]), ("open out of order", [frame(OPEN, 2, HTTP1)]),
                ("open twice", [opened, opened]), ("open stream 0", [frame(OPEN, 0, HTTP1)]),
                ("unknown kind", [frame(OPEN, 1, b"\x09")]), ("kind of two bytes", [frame(OPEN, 1, b"\1\1")]),
                ("content of no stream", [frame(DATA, 1, b"x")]), ("content of stream 0", [frame(DATA, 0, b"x")]),
                ("credit without end", [opened, *[frame(CREDIT, 1, b"\xff\xff\xff\xff")] * 3]),
                ("credit of odd size", [opened, frame(CREDIT, 1, b"1")]),
                ("reset without a reason", [opened, frame(RESET, 1)])]:
            with self.subTest(name):
                self.thrown_out(*frames)
        self.assertEqual(self.backend.seen(b"/mux"), [])

    def test_noise(self):
        rng = random.Random(7)
        for _ in range(30):
            self.thrown_out(rng.randbytes(rng.randrange(8, 3000)) + b"\xff" * 8)

    def test_more_than_the_window(self):
        """The app does not read, the peer goes on sending."""
        self.backend.on(b"/stuck", lambda wire, _: wire.sock.shutdown(0) or time.sleep(3))
        head = b"POST /stuck HTTP/1.1\r\nHost: web\r\nContent-Length: 100000000\r\n\r\n"
        piece = frame(DATA, 1, bytes(15000))
        self.thrown_out(frame(OPEN, 1, HTTP1), frame(DATA, 1, head), *[piece] * 2000)

    def test_floods_of_frames_without_content(self):
        opened = frame(OPEN, 1, HTTP1)
        for idle in frame(END, 1), frame(LEAVE, 0), frame(CREDIT, 1, bytes(4)):
            with self.subTest(idle):
                self.thrown_out(opened, idle * 100000)
        self.thrown_out(*(frame(OPEN, number, HTTP1) + frame(RESET, number, b"\0") for number in range(1, 50000)))

    def test_streams_beyond_the_limit_are_refused_one_by_one(self):
        peer = self.peer()
        peer.send(b"".join(frame(OPEN, number, HTTP1) for number in range(1, 1501)))
        self.assertEqual(self.answer(peer, 1500), (RESET, b"\1"))
        peer.send(frame(DATA, 1, ASK))
        self.assertTrue(self.answer(peer, 1).startswith(b"HTTP/1.1 200"))

    def test_peer_that_vanishes_leaves_nothing_behind(self):
        waits = [Waiting() for _ in range(100)]
        peer = self.peer()
        for number, wait in enumerate(waits, 1):
            self.backend.on(b"/wait%d" % number, wait)
            peer.send(frame(OPEN, number, HTTP1) + frame(DATA, number, ASK.replace(b"/mux", b"/wait%d" % number)))
        self.assertTrue(eventually(lambda: len(self.backend.requests) == 101))  # one of them is the good peer's
        peer.sock.close()
        self.assertTrue(all(wait.gone.wait(5) for wait in waits))


if __name__ == "__main__":
    unittest.main()
