"""Requests through a counted pair: always the same ones, one after the other on each client's connection."""

import contextlib
import os
import selectors
import socket
import traceback

import counts
from pair import Pair

GET = b"GET /128 HTTP/1.1\r\nHost: web\r\nUser-Agent: cost/1\r\nAccept: */*\r\n\r\n"
POST = (b"POST /1k HTTP/1.1\r\nHost: web\r\nUser-Agent: cost/1\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 1024\r\n\r\n" + b"x" * 1024)
LARGE = 256 << 20
GET_LARGE = b"GET /large HTTP/1.1\r\nHost: web\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 128\r\n\r\n" + b"y" * 128
END = b"y" * 128


def pour(sock):
    sock.settimeout(None)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
    piece = bytes(1 << 20)
    for _ in range(LARGE // len(piece)):
        sock.sendall(piece)


class App:
    """The app: one process that answers each request with one send, however many connections there are."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.child = os.fork()
        if self.child == 0:
            try:
                self.serve()
            except Exception:
                traceback.print_exc()
            os._exit(1)
        self.listener.close()

    def serve(self):
        chosen = selectors.DefaultSelector()
        chosen.register(self.listener, selectors.EVENT_READ)
        held = {}
        while True:
            for key, _ in chosen.select():
                if key.fileobj is self.listener:
                    sock, _ = self.listener.accept()
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    chosen.register(sock, selectors.EVENT_READ)
                    held[sock] = b""
                else:
                    self.take(chosen, held, key.fileobj)

    @staticmethod
    def take(chosen, held, sock):
        try:
            data = sock.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            chosen.unregister(sock)
            del held[sock]
            sock.close()
            return
        text = held[sock] + data
        end = text.find(b"\r\n\r\n")
        size = end + 4 + (1024 if text.startswith(b"POST") else 0)
        if end < 0 or len(text) < size:
            held[sock] = text
            return
        held[sock] = text[size:]
        if text.startswith(b"GET /large"):
            pour(sock)
        else:
            sock.sendall(ANSWER)

    def close(self):
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)


class Clients:
    """Connections that stay, each with one request under way at a time. With `prompt` each makes its first request at
    once: one that is silent at first may be of a protocol in which the app speaks first, which costs more."""

    def __init__(self, address, count, request, prompt=False):
        self.request = request
        self.asked = prompt
        self.sockets = []
        self.chosen = selectors.DefaultSelector()
        for _ in range(count):
            sock = socket.create_connection(address, timeout=20)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets.append(sock)
            if prompt:
                sock.sendall(request)

    def make(self, requests):
        """`requests` of each, all clients at once."""
        left = {sock: requests for sock in self.sockets}
        held = dict.fromkeys(self.sockets, b"")
        for sock in self.sockets:
            self.chosen.register(sock, selectors.EVENT_READ)
            if not self.asked:
                sock.sendall(self.request)
        self.asked = False
        while left:
            ready = self.chosen.select(20)
            if not ready:
                raise TimeoutError(f"{len(left)} of {len(self.sockets)} clients wait for an answer")
            for key, _ in ready:
                self.take(key.fileobj, left, held)

    def make_in_turn(self):
        """One request of each, one after the other."""
        for sock in self.sockets:
            sock.sendall(self.request)
            answer = b""
            while not answer.endswith(END):
                data = sock.recv(65536)
                answer += data
                if not data or not answer.startswith(b"HTTP/1.1 200"[:len(answer)]):
                    raise AssertionError(f"no answer of the app: {answer[:200]}")

    def take(self, sock, left, held):
        data = sock.recv(65536)
        held[sock] += data
        if not data or not held[sock].startswith(b"HTTP/1.1 200"[:len(held[sock])]):
            raise AssertionError(f"no answer of the app: {held[sock][:200]}")
        if not held[sock].endswith(END):
            return
        held[sock] = b""
        left[sock] -= 1
        if left[sock]:
            sock.sendall(self.request)
        else:
            del left[sock]
            self.chosen.unregister(sock)

    def close(self):
        for sock in self.sockets:
            sock.close()


class Loaded(contextlib.ExitStack):
    """An app, a counted pair before it, and clients. `sides` are the Counts of A and of B."""

    def __init__(self, clients=1, request=GET, log_all=False):
        super().__init__()
        with contextlib.ExitStack() as made:
            self.app = App()
            made.callback(self.app.close)
            folder = made.enter_context(counts.counted())
            self.pair = made.enter_context(Pair(self.app.port, log_all=log_all))
            self.sides = {"A": counts.Counts(folder, self.pair.a), "B": counts.Counts(folder, self.pair.b)}
            self.clients = Clients(self.pair.outbound, clients, request)
            made.callback(self.clients.close)
            self.enter_context(made.pop_all())

    def make(self, requests):
        self.clients.make(requests)

    def cost(self, requests):
        """What so many requests of each client cost, by side and kind."""
        before = {name: side.now() for name, side in self.sides.items()}
        self.make(requests)
        return {name: side.since(before[name]) for name, side in self.sides.items()}
