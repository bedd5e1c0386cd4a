"""Bytes that are not HTTP: carried both ways as they are, ends and breaks included."""

import os
import threading
import time
import unittest

from patience import eventually, together
from stream import Truncated
from talk import Client, WireTest


class Raw(WireTest):
    """The backend plays `self.play(wire)` on every connection."""

    def play(self, script):
        self.backend.raw = script


class DeclaredTcp(Raw):
    options = {"protocol": "TCP", "workload": {"name": "shop/web", "mtls": "Strict", "ports": []}}

    def test_server_that_speaks_first_is_heard_at_once(self):
        self.play(lambda wire: (wire.send(b"220 ready\r\n"), wire.sock.recv(1)))
        began = time.monotonic()
        client = self.client()
        self.assertEqual(client.take(11), b"220 ready\r\n")
        self.assertLess(time.monotonic() - began, 1)

    def test_half_close_is_passed_on_both_ways(self):
        def count(wire):
            total = 0
            while data := wire.sock.recv(65536):
                total += len(data)
            wire.send(b"%d" % total)
        self.play(count)
        client = self.client(timeout=30)
        for _ in range(100):
            client.send(bytes(100000))
        client.sock.shutdown(1)
        self.assertEqual(client.rest(), b"10000000")

    def test_half_close_of_the_app_leaves_the_other_direction_open(self):
        got = []

        def listen(wire):
            wire.send(b"go on")
            wire.sock.shutdown(1)
            while data := wire.sock.recv(65536):
                got.append(data)
        self.play(listen)
        client = self.client()
        self.assertEqual(client.rest(), b"go on")
        client.send(b"I do")
        client.sock.close()
        self.assertTrue(eventually(lambda: b"".join(got) == b"I do"))

    def test_half_close_behind_a_full_pipe(self):
        """The end waits for its turn when nobody reads, and still arrives."""
        total = []

        def slow(wire):
            time.sleep(0.5)
            size = 0
            while data := wire.sock.recv(65536):
                size += len(data)
            total.append(size)
        self.play(slow)
        client = self.client(timeout=30)
        client.send(bytes(20 << 20))
        client.sock.shutdown(1)
        self.assertEqual(client.rest(), b"")
        self.assertEqual(total, [20 << 20])

    def test_both_directions_at_once(self):
        def mirror(wire):
            while data := wire.sock.recv(65536):
                wire.send(data)
        self.play(mirror)
        data = os.urandom(5 << 20)
        client = self.client(timeout=30)
        feeder = threading.Thread(target=lambda: (client.send(data), client.sock.shutdown(1)))
        feeder.start()
        self.assertEqual(client.rest(), data)
        feeder.join()

    def test_a_reset_of_the_app_is_a_reset_for_the_client(self):
        self.play(lambda wire: (wire.send(b"half"), time.sleep(0.1), wire.reset()))
        client = self.client()
        self.assertEqual(client.take(4), b"half")
        with self.assertRaises(Truncated) as end:
            client.fill()
        self.assertEqual(str(end.exception), "reset")

    def test_a_reset_of_the_client_is_a_reset_for_the_app(self):
        ends = []

        def wait(wire):
            try:
                while True:
                    wire.fill()
            except Truncated as end:
                ends.append(str(end))
        self.play(wait)
        client = self.client().send(b"half")
        time.sleep(0.2)
        client.reset()
        self.assertTrue(eventually(lambda: ends))
        self.assertEqual(ends, ["reset"])

    def test_http_on_a_port_declared_tcp_is_left_alone(self):
        got = []
        self.play(lambda wire: (got.append(wire.take_until(b"\r\n\r\n")), wire.send(b"as it was")))
        text = b"get;  /x HTTP/1.1\r\nweird\r\n\r\n"
        client = self.client().send(text)
        self.assertEqual(client.take(9), b"as it was")
        self.assertEqual(got, [text])


class Detected(Raw):
    options = {"policy": {"connectTimeout": "20s"}}

    def test_a_server_that_speaks_first_is_heard_within_a_second(self):
        self.play(lambda wire: (wire.send(b"220 ready\r\n"), wire.sock.recv(1)))
        began = time.monotonic()
        self.assertEqual(self.client().take(11), b"220 ready\r\n")
        self.assertLess(time.monotonic() - began, 1)

    def test_a_client_that_speaks_something_else_first_is_carried(self):
        self.play(lambda wire: wire.send(wire.take(5)[::-1]))
        for word in (b"\0\1\2\3\4", b"ping\n", b"hello", b"\x16\3\1\0\1", b"PING\n", b"\xff" * 5):
            client = self.client().send(word)
            self.assertEqual(client.take(5), word[::-1])

    def test_a_word_that_becomes_a_request_after_all_goes_no_further(self):
        """A policy for HTTP is not skipped because the client paused behind the method."""
        got = []
        self.play(lambda wire: (got.append(wire.sock.recv(100)), got.append(wire.sock.recv(100))))
        client = self.client().send(b"get")
        self.assertTrue(eventually(lambda: got == [b"get"]))
        client.send(b" /x HTTP/1.1\r\nHost: web\r\nX-Tulle-Source: spiffe://cluster.local/ns/a/sa/b\r\n\r\n")
        with self.assertRaises(Truncated) as end:
            client.fill()
        self.assertEqual(str(end.exception), "reset")
        self.pair.a.logged(protocol="tcp", reason="http/late-request")
        self.assertEqual(got, [b"get"])

    def test_a_word_that_stays_one_is_carried_on(self):
        self.play(lambda wire: (wire.send(wire.take(4)[::-1]), wire.send(wire.take(12)[::-1])))
        client = self.client().send(b"ruok")
        self.assertEqual(client.take(4), b"kour")
        self.assertEqual(client.send(b" / HTTPS/1.1").take(12), b"1.1/SPTTH / ")

    def test_ends_without_a_word_are_passed_on(self):
        ends = []
        self.play(lambda wire: ends.append(wire.sock.recv(1)))
        with self.client() as client:
            time.sleep(0.3)
            client.sock.shutdown(1)
            self.assertTrue(client.closed())
        self.assertEqual(ends, [b""])

    def test_many_at_once_are_not_mixed_up(self):
        self.play(lambda wire: wire.send(wire.take(1004)))

        def one(number):
            word = b"\0%03d" % number * 251
            self.assertEqual(self.client(timeout=30).send(word).take(1004), word)
        self.assertEqual(together(100, one), [])


class Strangers(Raw):
    """Plaintext straight to the sidecar of an app that takes nothing but mutual TLS."""

    def test_one_that_waits_for_the_server_to_speak_is_told_soon(self):
        self.play(lambda wire: wire.send(b"220 ready\r\n"))
        began = time.monotonic()
        with Client(self.pair.inbound(), timeout=20) as client, self.assertRaises(Truncated) as end:
            client.fill()
        self.assertEqual(str(end.exception), "reset")
        self.assertLess(time.monotonic() - began, 8)
        self.pair.b.logged(protocol="tcp", source="unknown", reason="mtls/strict ")

    def test_one_that_is_slow_to_ask_gets_its_answer(self):
        with Client(self.pair.inbound()) as client:
            time.sleep(1.5)
            self.assertEqual(client.get(b"/slow").status, 403)


if __name__ == "__main__":
    unittest.main()
