"""A client of raw bytes, and the fixture that most wire tests share: one backend behind one pair of sidecars."""

import socket
import unittest

from backend import Backend
from pair import Pair
from stream import Message, Stream


class Response(Message):
    def __init__(self, head):
        super().__init__(head)
        self.version, code, *reason = self.start.split(b" ", 2)
        self.status = int(code)
        self.reason = b" ".join(reason)

    def header(self, name):
        return next(iter(self.all(name)), None)

    @property
    def why(self):
        """The refusal in the words of x-tulle-reason."""
        return (self.header(b"x-tulle-reason") or b"").decode()


class Client(Stream):
    def __init__(self, address, timeout=10):
        super().__init__(address if isinstance(address, socket.socket) else
                         socket.create_connection(address, timeout=timeout))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        super().send(data)
        return self

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

    def get(self, path, extra=b"", method=b"GET", body=None):
        if body is not None:
            extra += b"Content-Length: %d\r\n" % len(body)
        self.send(b"%s %s HTTP/1.1\r\nHost: web\r\n%s\r\n" % (method, path, extra) + (body or b""))
        return self.response(method.decode())


class WireTest(unittest.TestCase):
    """Tests that share one backend and one pair; `options` are arguments of Pair."""

    options = {}
    make_app = Backend

    @classmethod
    def make_options(cls):
        return cls.options

    @classmethod
    def setUpClass(cls):
        cls.backend = cls.make_app()
        cls.addClassCleanup(cls.backend.close)
        cls.pair = Pair(cls.backend.port, **cls.make_options())
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
