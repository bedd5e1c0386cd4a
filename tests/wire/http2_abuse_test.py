"""Clients of HTTP/2 that make the sidecar work for nothing: their connection ends, memory stays bounded, and the others
go on (CVE-2023-44487, CVE-2024-27919 and the family of 2019)."""

import os
import struct
import threading
import time
import unittest

from frames import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, NO_ERROR, PING, PRIORITY,
                    REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, integer, request_fields,
                    request_head)
from http2 import INITIAL_WINDOW_SIZE, Http2Test
from pair import SIDECAR
from patience import eventually
from stream import Truncated

SANITIZED = any(name in SIDECAR for name in ("asan", "tsan"))
MOST_GROWTH = (96 if SANITIZED else 24) << 20
HPACK_TABLE_INDEX = b"\xbe"  # the newest entry of the dynamic table, 62


class Meanwhile(Http2Test):
    """A well-behaved client works all the while, and memory is looked at in the end."""

    options = {"log_all": False}
    most_growth = MOST_GROWTH

    def setUp(self):
        super().setUp()
        self.good = self.http2()
        self.good.get(b"/warm")
        self.before = [sidecar.resident_bytes() for sidecar in (self.pair.a, self.pair.b)]
        self.slowest, self.over = 0, threading.Event()
        self.watcher = threading.Thread(target=self.go_on, daemon=True)
        self.watcher.start()

    def go_on(self):
        while not self.over.is_set():
            began = time.monotonic()
            self.good.get(b"/good", body=b"x" * 1000)
            self.slowest = max(self.slowest, time.monotonic() - began)

    def tearDown(self):
        self.over.set()
        self.watcher.join(20)
        self.assertFalse(self.watcher.is_alive())
        self.assertLess(self.slowest, 3)
        self.assertEqual(self.good.get(b"/after", body=b"fine").body, b"fine")
        self.check_memory()

    def check_memory(self):
        for sidecar, before in zip((self.pair.a, self.pair.b), self.before):
            self.assertLess(sidecar.resident_bytes() - before, self.most_growth)


class Floods(Meanwhile):
    def flood(self, frames, start=b"", seconds=10):
        """Sends what frames(n) gives for n = 0, 1… until the peer ends the connection; the code it gives."""
        raw = self.raw(timeout=seconds)
        raw.send(start)
        heard = []
        reader = threading.Thread(target=lambda: heard.append(self.listen(raw)))
        reader.start()
        deadline, number = time.monotonic() + seconds, 0
        while reader.is_alive() and time.monotonic() < deadline:
            if not raw.send(*(frames(n) for n in range(number, number + 100))):
                break
            number += 100
        reader.join(seconds)
        self.assertTrue(heard, f"the connection took {number} frames and lives")
        return heard[0]

    @staticmethod
    def listen(raw):
        try:
            return raw.ending()[0]
        except (TimeoutError, Truncated):
            return "silence"

    def calmed(self, code):
        """Which error it is may differ; GOAWAY may get lost when what we sent was not read any more."""
        self.assertNotIn(code, ("silence", NO_ERROR))

    def test_rapid_reset(self):
        cancel = struct.pack(">I", 8)
        self.calmed(self.flood(lambda n: request_head(2 * n + 1, *request_fields(b"/rapid")) +
                               frame(RST_STREAM, cancel, 0, 2 * n + 1)))
        self.assertLess(len(self.backend.seen(b"/rapid")), 2000)

    def test_rapid_reset_by_rules_that_are_broken(self):
        """The client resets nothing: it makes the sidecar do so."""
        bad = block(*request_fields(), (b"X-Upper", b"a"))
        self.calmed(self.flood(lambda n: frame(HEADERS, bad, END_HEADERS | END_STREAM, 2 * n + 1)))

    def test_rapid_reset_by_windows(self):
        overflow = struct.pack(">I", 0x7fffffff)
        self.calmed(self.flood(lambda n: request_head(2 * n + 1, end=False) +
                               frame(WINDOW_UPDATE, overflow, 0, 2 * n + 1)))

    def test_rapid_reset_within_the_limit_of_streams(self):
        """A slow trickle of resets for the sake of the work behind them."""
        raw = self.raw()
        for number in range(1, 200, 2):
            raw.send(request_head(number, *request_fields(b"/few")), frame(RST_STREAM, bytes(4), 0, number))
        raw.send(request_head(201, *request_fields(b"/last")))
        self.assertEqual(raw.answer(201), 200)

    def test_a_head_without_end(self):
        head = frame(HEADERS, block(*request_fields()), END_STREAM, 1)
        for piece in (block((b"x", b"a" * 16000)), block((b"x", b"a")), b""):
            with self.subTest(len(piece)):
                self.calmed(self.flood(lambda n, piece=piece: frame(CONTINUATION, piece, 0, 1), head))
        self.assertEqual(self.backend.seen(b"/"), [])

    # 4,000 bytes for the table; each further byte of a block can mean it once more.
    ENTRY = b"\x40" + integer(3, 7) + b"x-a" + integer(4000, 7) + b"a" * 4000

    def test_hpack_bomb(self):
        bomb = block(*request_fields()) + HPACK_TABLE_INDEX * 16000
        raw = self.raw()
        raw.send(frame(HEADERS, block(*request_fields()) + self.ENTRY, END_HEADERS | END_STREAM, 1))
        self.assertEqual(raw.answer(1), 200)
        self.backend.forget()
        raw.send(frame(HEADERS, bomb, END_HEADERS | END_STREAM, 3))
        self.assertIn(raw.answer(3), ("reset", "connection ended", 431))
        self.assertEqual(self.backend.seen(b"/"), [])

    def test_hpack_bombs_one_after_the_other(self):
        """64 MB of fields in each 16 KB: whoever sends such a thing is not listened to for long."""
        raw = self.raw()
        raw.send(frame(HEADERS, block(*request_fields()) + self.ENTRY, END_HEADERS | END_STREAM, 1))
        self.assertEqual(raw.answer(1), 200)
        bomb = frame(HEADERS, block(*request_fields()) + HPACK_TABLE_INDEX * 16000, END_HEADERS | END_STREAM, 0)
        spent = self.cpu_seconds()
        raw.send(*(bomb[:5] + struct.pack(">I", number) + bomb[9:] for number in range(3, 103, 2)))
        self.calmed(raw.ending()[0])
        self.assertLess(self.cpu_seconds() - spent, 1)

    def cpu_seconds(self):
        with open(f"/proc/{self.pair.a.process.pid}/stat", encoding="ascii") as file:
            return sum(map(int, file.read().split()[13:15])) / os.sysconf("SC_CLK_TCK")

    def test_table_that_is_resized_all_the_time(self):
        thrash = b"\x20\x3f\xe1\x1f" + block(*request_fields(b"/thrash"))
        raw = self.raw()
        for number in range(1, 101, 2):
            raw.send(frame(HEADERS, thrash, END_HEADERS | END_STREAM, number))
        self.assertEqual(raw.answer(99), 200)
        raw = self.raw()
        raw.send(frame(HEADERS, b"\x20\x3f\xe1\x1f" * 4000 + block(*request_fields()), END_HEADERS | END_STREAM, 1))
        raw.answer(1)  # whatever it is, it comes soon

    def test_floods_of_frames_that_carry_nothing(self):
        head = request_head(1, end=False)
        for name, one, start in [
                ("PING", frame(PING, bytes(8)), b""), ("SETTINGS", frame(SETTINGS), b""),
                ("SETTINGS with an entry", frame(SETTINGS, b"\0\3\0\0\0\1"), b""),
                ("empty DATA", frame(DATA, b"", 0, 1), head), ("DATA of padding", frame(DATA, b"\0", 8, 1), head),
                ("WINDOW_UPDATE", frame(WINDOW_UPDATE, b"\0\0\0\1"), b""),
                ("WINDOW_UPDATE of a stream", frame(WINDOW_UPDATE, b"\0\0\0\1", 0, 1), head),
                ("PRIORITY", frame(PRIORITY, b"\0\0\0\0\x10", 0, 3), b""),
                ("unknown", frame(0xfa, b"whatever"), b"")]:
            with self.subTest(name):
                self.calmed(self.flood(lambda n, one=one: one, start))

    def test_too_many_settings_in_one_frame(self):
        raw = self.raw()
        raw.send(frame(SETTINGS, b"\0\3\0\0\0\1" * 2000))
        self.calmed(raw.ending()[0])

    def test_pings_whose_answers_nobody_reads(self):
        raw = self.raw(timeout=3)
        sent = 0
        try:
            while sent < 400000 and raw.send(frame(PING, bytes(8)) * 1000):
                sent += 1000
        except TimeoutError:
            pass  # not read any more: that will do
        self.assertLess(sent, 400000)


class Windows(Meanwhile):
    """Clients that take answers slowly or not at all: a window's worth is held for each stream, and no more."""

    most_growth = MOST_GROWTH + 100 * (384 << 10)

    def test_hundred_answers_that_are_not_taken(self):
        self.backend.on(b"/big", lambda exchange: exchange.respond(bytes(1 << 20)))
        client = self.http2(settings={INITIAL_WINDOW_SIZE: 0})
        held = [client.start(b"/big", end=True) for _ in range(100)]
        for exchange in held:
            exchange.head()
        self.check_memory()
        for exchange in held[::33]:
            client.act(lambda c, number=exchange.number: c.increment_flow_control_window(1 << 20, number))
            self.assertEqual(len(exchange.whole().body), 1 << 20)
        client.close()

    def test_windows_of_one_byte(self):
        """Each byte would cost a frame of its own."""
        self.backend.on(b"/big", lambda exchange: exchange.respond(bytes(1 << 20)))
        raw = self.raw(settings=b"\0\4\0\0\0\1")
        raw.send(request_head(1, *request_fields(b"/big")))
        raw.until(HEADERS)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and raw.send(frame(WINDOW_UPDATE, b"\0\0\0\1", 0, 1) * 100):
            pass
        self.assertLess(time.monotonic(), deadline)

    def test_more_streams_than_are_allowed(self):
        """By a client that has not heard yet how many are; one that has may be sent away."""
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.backend.on(b"/held", lambda exchange: go_on.wait(20) and exchange.respond(b"x"))
        raw = self.raw(knows_settings=False)
        raw.send(*(request_head(number, *request_fields(b"/held")) for number in range(1, 2401, 2)))
        refused = {}
        while len(refused) < 200:
            kind, _, number, payload = raw.next()
            if kind == RST_STREAM:
                refused[number] = struct.unpack(">I", payload)[0]
        self.assertEqual(set(refused.values()), {REFUSED_STREAM})
        self.assertEqual(min(refused), 2001)
        self.assertTrue(eventually(lambda: len(self.backend.seen(b"/held")) >= 100))
        go_on.set()

    def test_uploads_that_nobody_reads(self):
        def ignore(exchange):
            exchange.reading = False
            exchange.broken(30)
        self.backend.on(b"/ignore", ignore)
        client = self.http2()
        stuck = [client.start(b"/ignore", b"POST") for _ in range(50)]
        for exchange in stuck:
            try:
                exchange.send(bytes(1 << 20), within=0.02)
            except TimeoutError:
                pass
        self.assertEqual(client.get(b"/free", body=b"x" * 10000).body, b"x" * 10000)
        client.close()


if __name__ == "__main__":
    unittest.main()
