"""Connections that stop being HTTP/1: who may switch, what passes then, and what never becomes a request."""

import base64
import hashlib
import os
import struct
import unittest

from backend import reply
from stream import Truncated
from talk import WireTest


class Upgrades(WireTest):
    def setUp(self):
        super().setUp()
        self.backend.on(b"/ws", self.switch)

    @staticmethod
    def switch(wire, request):
        wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  b"Sec-X: 1\r\n\r\nhello")
        while data := wire.take(len(wire.held)) or wire.sock.recv(65536):
            wire.send(data.upper())
        wire.send(b"bye")
        return False

    ASK = b"GET /ws HTTP/1.1\r\nHost: web\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"

    def test_bytes_flow_both_ways_after_101(self):
        client = self.client().send(self.ASK + b"early")
        response = client.head()
        self.assertEqual((response.status, response.header(b"upgrade"), response.header(b"sec-x")),
                (101, b"websocket", b"1"))
        self.assertEqual(client.take(10), b"helloEARLY")
        for word in (b"a", b"b" * 100000):
            self.assertEqual(client.send(word).take(len(word)), word.upper())
        client.sock.shutdown(1)
        self.assertEqual(client.rest(), b"bye")
        self.assertEqual(self.backend.seen(b"/ws")[0].header(b"upgrade"), [b"websocket"])

    def test_upgraded_connection_is_not_used_again(self):
        with self.client().send(self.ASK) as client:
            client.head()
        before = len(self.backend.requests)
        self.assertEqual(self.ask(b"/plain").status, 200)
        self.assertEqual(len(self.backend.requests) - before, 1)

    def test_an_upgrade_answered_200_stays_http(self):
        self.backend.on(b"/no", lambda wire, _: wire.send(reply(b"no")))
        client = self.client().send(self.ASK.replace(b"/ws", b"/no") + b"GET /second HTTP/1.1\r\nHost: web\r\n\r\n")
        self.assertEqual([client.response().body, client.response().status], [b"no", 200])
        self.assertEqual(len(self.backend.seen(b"/second")), 1)

    def test_upgrade_to_http2_is_not_offered_to_the_app(self):
        client = self.client()
        response = client.get(b"/h2c",
                b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n")
        self.assertEqual(response.status, 200)
        self.assertEqual(self.backend.seen(b"/h2c")[0].header(b"upgrade"), [])

    def test_101_that_nobody_asked_for_is_an_error(self):
        self.backend.on(b"/unasked", self.switch)
        response = self.ask(b"/unasked")
        self.assertEqual((response.status, response.why), (502, "upstream/unasked-upgrade"))


class Refused(WireTest):
    """Bytes sent too early after a switch that did not happen must not become somebody's request."""

    FRAME = b"\x82\x85\1\2\3\4" + bytes(5)
    POISON = b"GET /poison HTTP/1.1\r\nHost: web\r\n\r\n"

    def test_early_frames_after_a_refused_upgrade_reach_nobody(self):
        self.backend.on(b"/no", lambda wire, _: wire.send(reply(b"no", b"403 Forbidden")))
        client = self.client().send(Upgrades.ASK.replace(b"/ws", b"/no") + self.FRAME + b"\r\n\r\n")
        self.assertEqual((client.response().body, client.response().status), (b"no", 400))
        self.assertTrue(client.closed())
        self.assertEqual(len(self.backend.requests), 1)

    def test_refusal_names_what_the_app_wants(self):
        wants = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        self.backend.on(b"/426", lambda wire, _: wire.send(reply(b"", b"426 Upgrade Required", wants)))
        client = self.client()
        response = client.get(b"/426")
        self.assertEqual((response.status, response.header(b"sec-websocket-version")), (426, b"13"))
        self.assertEqual(client.get(b"/after").status, 200)

    def test_nothing_after_connect_is_looked_at(self):
        client = self.client().send(b"CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n" + self.POISON)
        self.assertEqual(client.response().status, 501)
        self.assertTrue(client.closed())
        self.assertEqual(self.backend.requests, [])

    def test_200_to_an_upgrade_with_early_data_opens_no_tunnel(self):
        """A proxy that takes any answer for the switch would pass the rest unseen, as whatever it says it is."""
        self.backend.on(b"/yes", lambda wire, _: wire.send(reply(b"yes")))
        forged = b"GET /second HTTP/1.1\r\nHost: web\r\nx-tulle-source: forged\r\n\r\n"
        client = self.client().send(Upgrades.ASK.replace(b"/ws", b"/yes") + forged)
        self.assertEqual([client.response().body, client.response().status], [b"yes", 200])
        self.assertNotIn(b"forged", self.backend.seen(b"/second")[0].raw_head)

    def test_app_that_leaves_before_it_switched(self):
        self.backend.on(b"/gone", lambda wire, _: False)
        client = self.client().send(Upgrades.ASK.replace(b"/ws", b"/gone"))
        self.assertEqual(client.response().status, 502)

    def test_upgrade_with_a_body_switches_after_it(self):
        def switch(wire, request):
            body = wire.read_body(request)
            wire.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n" + body)
            wire.send(wire.take(3))
            return False
        self.backend.on(b"/body", switch)
        client = self.client().send(b"POST /body HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"
                                    b"Content-Length: 4\r\n\r\nbody" b"and")
        self.assertEqual(client.head().status, 101)
        self.assertEqual(client.take(7), b"bodyand")

    def test_old_clients_cannot_upgrade(self):
        self.backend.on(b"/old", lambda wire, _: wire.send(reply(b"plain")))
        client = self.client().send(Upgrades.ASK.replace(b"/ws", b"/old").replace(b"1.1", b"1.0", 1))
        self.assertEqual(client.response().body, b"plain")
        self.assertEqual(self.backend.seen(b"/old")[0].header(b"upgrade"), [])


def frame(opcode, payload, mask=b"", final=True):
    """One WebSocket frame (RFC 6455 section 5.2)."""
    size, masked = len(payload), 0x80 if mask else 0
    head = bytes([opcode | 0x80 * final])
    if size < 126:
        head += bytes([masked | size])
    else:
        head += bytes([masked | (126 if size < 1 << 16 else 127)]) + struct.pack(">H" if size < 1 << 16 else ">Q", size)
    return head + mask + (xor(payload, mask) if mask else payload)


def xor(data, mask):
    key = (mask * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(len(data), "big")


def take_frame(stream):
    """Opcode and payload of the next frame."""
    opcode, size = stream.take(2)
    masked, size = size & 0x80, size & 0x7f
    if size > 125:
        size, = struct.unpack(">H" if size == 126 else ">Q", stream.take(2 if size == 126 else 8))
    mask = stream.take(4) if masked else b""
    payload = stream.take(size)
    return opcode, xor(payload, mask) if mask else payload


class WebSocket(WireTest):
    TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8a

    def setUp(self):
        super().setUp()
        self.backend.on(b"/chat", self.chat)

    @staticmethod
    def accept(key):
        return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())

    @classmethod
    def chat(cls, wire, request):
        """Greets, sends everything back, answers pings, and closes when it is asked to."""
        wire.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
                  % cls.accept(request.header(b"sec-websocket-key")[0]) + frame(1, b"welcome"))
        while True:
            opcode, payload = take_frame(wire)
            wire.send(frame(10 if opcode == cls.PING else opcode & 15, payload))
            if opcode == cls.CLOSE:
                return False

    def open(self):
        key = base64.b64encode(os.urandom(16))
        client = self.client().send(b"GET /chat HTTP/1.1\r\nHost: web\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                    b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
                                    b"Sec-WebSocket-Protocol: chat, superchat\r\n\r\n" % key)
        head = client.head()
        self.assertEqual((head.status, head.header(b"sec-websocket-accept"), head.header(b"sec-websocket-protocol")),
                         (101, self.accept(key), b"chat"))
        self.assertEqual(take_frame(client), (self.TEXT, b"welcome"))
        return client

    def test_messages_of_all_sizes_and_kinds(self):
        client = self.open()
        for opcode, answer, payload in [
                (1, self.TEXT, b"hello"), (2, self.BINARY, b""), (9, self.PONG, b"are you there"),
                (2, self.BINARY, os.urandom(126)), (2, self.BINARY, os.urandom(1 << 16)),
                (2, self.BINARY, os.urandom(1 << 20))]:
            client.send(frame(opcode, payload, os.urandom(4)))
            self.assertEqual(take_frame(client), (answer, payload))
        client.send(frame(8, struct.pack(">H", 1000), os.urandom(4)))
        self.assertEqual(take_frame(client), (self.CLOSE, struct.pack(">H", 1000)))
        self.assertEqual(client.rest(), b"")

    def test_a_frame_in_crumbs_of_one_byte(self):
        client = self.open()
        for byte in frame(1, b"drop by drop", b"mask"):
            client.send(bytes([byte]))
        self.assertEqual(take_frame(client), (self.TEXT, b"drop by drop"))

    def test_many_sockets_at_once_are_not_mixed_up(self):
        clients = [self.open() for _ in range(30)]
        for turn in range(3):
            for number, client in enumerate(clients):
                client.send(frame(1, b"%d/%d" % (number, turn), os.urandom(4)))
        for turn in range(3):
            for number, client in enumerate(clients):
                self.assertEqual(take_frame(client), (self.TEXT, b"%d/%d" % (number, turn)))

    def test_the_end_of_one_side_is_heard_by_the_other(self):
        client = self.open()
        self.backend.drop_connections()
        with self.assertRaises(Truncated):
            take_frame(client)


if __name__ == "__main__":
    unittest.main()
