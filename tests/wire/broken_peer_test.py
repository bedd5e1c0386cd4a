"""A peer sidecar that takes requests and breaks off: what was sent once is not sent for ever, what is left of a body is
not a request."""

import collections
import socket
import ssl
import struct
import threading
import unittest

from backend import Backend
from pair import B_IDENTITY, NET, Pair
from patience import eventually

DATA, RESET = 0, 3
UNIT = b"GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n"


def frame(kind, stream, payload):
    return struct.pack(">II", kind << 24 | len(payload), stream) + payload


class BreakingPeer:
    """Speaks the mux with B's certificate. `on_data(send, close, stream, content so far)` is called for each frame of
    content."""

    def __init__(self, on_data):
        self.on_data = on_data
        self.listener = socket.create_server((NET + ".7", 0), backlog=256)

    def endpoints(self, pair):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pair.certificates["b"])
        self.context.set_alpn_protocols(["tulle/mux"])
        threading.Thread(target=self.accept, daemon=True).start()
        return [(NET + ".7", self.listener.getsockname()[1], B_IDENTITY)]

    def accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        streams, lock = collections.defaultdict(bytes), threading.Lock()
        try:
            with self.context.wrap_socket(raw, server_side=True) as secure, secure.makefile("rb") as reader:
                def send(kind, stream, payload):
                    with lock:
                        secure.sendall(frame(kind, stream, payload))
                while head := reader.read(8):
                    word, stream = struct.unpack(">II", head)
                    payload = reader.read(word & 0xffffff)
                    if word >> 24 == DATA:
                        streams[stream] += payload
                        self.on_data(send, lambda: secure.shutdown(socket.SHUT_RDWR), stream, streams)
        except (OSError, ValueError):
            pass


class BrokenPeers(unittest.TestCase):
    def pair(self, on_data):
        backend = Backend()
        self.addCleanup(backend.close)
        peer = BreakingPeer(on_data)
        self.addCleanup(peer.listener.close)
        pair = Pair(backend.port, endpoints=peer.endpoints)
        self.addCleanup(pair.close)
        return pair

    def test_a_request_whose_connection_is_lost_is_not_sent_for_ever(self):
        sent = []

        def lose(_, close, stream, streams):
            sent.append(streams[stream])
            close()
        pair = self.pair(lose)
        for method, most in (b"GET", 4), (b"POST", 1):
            sent.clear()
            with pair.connect() as client:
                client.sendall(method + b" / HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\n\r\n")
                self.assertIn(b" 502 ", client.recv(4096))
            self.assertLessEqual(len(sent), most, method)

    def test_what_is_left_of_a_body_is_no_request(self):
        requests = []

        def break_off(send, _, stream, streams):
            content = streams[stream]
            if content.startswith(b"POST /stuck") and len(content) >= 128 << 10:
                streams[stream] = b"done"
                threading.Timer(0.3, send, (RESET, stream, b"\0")).start()
            elif content.startswith(b"GET"):
                requests.append(content)
                send(DATA, stream, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nSMUGGLED\n")
        pair = self.pair(break_off)

        def upload(number):
            body = b"x" * (number % len(UNIT)) + UNIT * (150000 // len(UNIT) + number % 3)
            with pair.connect() as client:
                client.sendall(b"POST /stuck HTTP/1.1\r\nHost: web\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                answer = b""
                try:
                    while piece := client.recv(65536):
                        answer += piece
                except OSError:
                    pass
                answers.append(answer)
        answers = []
        uploads = [threading.Thread(target=upload, args=(number,)) for number in range(20)]
        for thread in uploads:
            thread.start()
        self.assertTrue(eventually(lambda: len(answers) == len(uploads)))
        self.assertEqual([answer for answer in answers if answer.count(b"HTTP/1.1 ") > 1], [])
        self.assertEqual(requests, [])


if __name__ == "__main__":
    unittest.main()
