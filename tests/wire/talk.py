"""A client of raw bytes, and the fixture that most wire tests share: one backend behind one pair of sidecars."""

import socket
import struct
import time
import unittest

from backend import Backend
from pair import Pair


class Response:
    def __init__(self, head):
        self.raw_head = head
        lines = head[:-4].split(b"\r\n")
        self.version, code, *reason = lines[0].split(b" ", 2)
        self.status = int(code)
        self.reason = b" ".join(reason)
        self.lines = lines[1:]
        self.headers = [tuple(part.strip() for part in line.split(b":", 1)) for line in self.lines]
        self.body = b""
        self.trailers = b""

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[0] if values else None

    @property
    def why(self):
        """The refusal in the words of x-tulle-reason."""
        return (self.header(b"x-tulle-reason") or b"").decode()


class Truncated(Exception):
    """The connection ended in the middle of a response."""


class Client:
    def __init__(self, address, timeout=10):
        self.sock = socket.create_connection(address, timeout=timeout)
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)
        return self

    def fill(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionError as error:
            raise Truncated("reset") from error
        if not data:
            raise Truncated("end of stream")
        self.held += data

    def take(self, size):
        while len(self.held) < size:
            self.fill()
        data, self.held = self.held[:size], self.held[size:]
        return data

    def take_until(self, mark):
        while mark not in self.held:
            self.fill()
        return self.take(self.held.index(mark) + len(mark))

    def head(self):
        return Response(self.take_until(b"\r\n\r\n"))

    def response(self, method="GET", interims=None):
        """The next final response with its body; 1xx before it go to `interims`."""
        response = self.head()
        while 100 <= response.status < 200 and response.status != 101:
            if interims is not None:
                interims.append(response)
            response = self.head()
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        if response.header(b"transfer-encoding") == b"chunked":
            self.take_chunks(response)
        elif response.header(b"content-length") is not None:
            response.body = self.take(int(response.header(b"content-length")))
        else:
            response.body = self.rest()
        return response

    def take_chunks(self, response):
        while size := int(self.take_until(b"\r\n").split(b";")[0], 16):
            response.body += self.take(size)
            self.take(2)
        while (line := self.take_until(b"\r\n")) != b"\r\n":
            response.trailers += line

    def rest(self):
        """All bytes until a clean end; a reset is Truncated."""
        while True:
            try:
                self.fill()
            except Truncated as end:
                if str(end) == "reset":
                    raise
                data, self.held = self.held, b""
                return data

    def get(self, path, extra=b"", method=b"GET", body=None):
        if body is not None:
            extra += b"Content-Length: %d\r\n" % len(body)
        self.send(b"%s %s HTTP/1.1\r\nHost: web\r\n%s\r\n" % (method, path, extra) + (body or b""))
        return self.response(method.decode())

    def closed(self, within=3):
        """The other side has ended the connection, one way or the other, and said nothing more."""
        self.sock.settimeout(within)
        try:
            return self.sock.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def eventually(what, within=5):
    """Waits until what() is true; its last value."""
    deadline = time.monotonic() + within
    while not (value := what()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


class WireTest(unittest.TestCase):
    """Tests that share one backend and one pair; `options` are arguments of Pair."""

    options = {}

    @classmethod
    def setUpClass(cls):
        cls.backend = Backend()
        cls.pair = Pair(cls.backend.port, **cls.options)
        cls.addClassCleanup(cls.backend.close)
        cls.addClassCleanup(cls.pair.close)

    def setUp(self):
        self.backend.forget()

    def client(self, timeout=10):
        client = Client(self.pair.outbound, timeout)
        self.addCleanup(client.sock.close)
        return client

    def ask(self, path, **more):
        """One request on a connection of its own."""
        with Client(self.pair.outbound) as client:
            return client.get(path, **more)
