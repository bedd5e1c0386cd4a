"""Large bodies: a slow reader costs time, not memory."""

import os
import threading
import time
import unittest
import unittest.mock

from pair import SIDECAR
from talk import WireTest

SIZE = 256 << 20
PIECE = bytes(range(256)) * 256
# A sanitizer keeps what was freed for a while, and its own books.
SANITIZED = any(name in SIDECAR for name in ("asan", "tsan"))
MOST_GROWTH = (64 if SANITIZED else 24) << 20


class LargeBodies(WireTest):
    options = {"log_all": False}

    @classmethod
    def setUpClass(cls):
        with unittest.mock.patch.dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=8"):
            super().setUpClass()

    def setUp(self):
        super().setUp()
        self.backend.on(b"/down", self.pour)
        self.backend.on(b"/up", self.drink)
        self.ask(b"/warm")
        self.before = [s.resident_bytes() for s in (self.pair.a, self.pair.b)]

    @staticmethod
    def pour(wire, _):
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for _ in range(SIZE // len(PIECE)):
            wire.send(PIECE)

    @staticmethod
    def drink(wire, request):
        time.sleep(0.5)
        left, right = SIZE, 0
        while left > 0:
            data = wire.take(min(left, len(PIECE)))
            right += data == PIECE[:len(data)]
            left -= len(data)
        request.complete = True
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Right: %d\r\n\r\nx" % right)

    def check_memory(self):
        for sidecar, before in zip((self.pair.a, self.pair.b), self.before):
            self.assertLess(sidecar.resident_bytes() - before, MOST_GROWTH)

    def others_go_on(self):
        began = time.monotonic()
        for _ in range(5):
            self.assertEqual(self.ask(b"/other", method=b"PUT", body=b"x" * 10000).status, 200)
        self.assertLess(time.monotonic() - began, 3)

    def test_down_to_a_slow_reader(self):
        client = self.client(timeout=60)
        client.send(b"GET /down HTTP/1.1\r\nHost: web\r\n\r\n").head()
        self.others_go_on()
        self.check_memory()
        for number in range(SIZE // len(PIECE)):
            self.assertEqual(client.take(len(PIECE)), PIECE)
            if number % 1000 == 0:
                self.others_go_on()
                self.check_memory()
        self.check_memory()

    def test_up_to_a_slow_app(self):
        client = self.client(timeout=60)
        client.send(b"POST /up HTTP/1.1\r\nHost: web\r\nContent-Length: %d\r\n\r\n" % SIZE)

        def feed():
            for _ in range(SIZE // len(PIECE)):
                client.send(PIECE)
        feeder = threading.Thread(target=feed)
        feeder.start()
        time.sleep(0.4)
        self.others_go_on()
        self.check_memory()
        response = client.response()
        feeder.join()
        self.assertEqual(response.header(b"x-right"), b"%d" % (SIZE // len(PIECE)))
        self.check_memory()


if __name__ == "__main__":
    unittest.main()
