"""The app behind the mesh in wire tests: a raw socket server that writes down what reaches it and answers by script."""

import socket
import threading
import time

from stream import Message, Stream


class Request(Message):
    """One request as it reached the app. `complete` becomes true when the last byte of its body is there."""

    def __init__(self, head):
        super().__init__(head)
        self.method, self.target, self.version = self.start.split(b" ", 2)
        self.complete = False

    header = Message.all


class Wire(Stream):
    """One accepted connection."""

    def read_body(self, request):
        if b"chunked" in [value.lower() for value in request.header(b"transfer-encoding")]:
            self.take_chunks(request)
        else:
            request.body = self.take(int((request.header(b"content-length") or [b"0"])[0]))
        request.complete = True
        return request.body


def reply(body=b"", status=b"200 OK", extra=b""):
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), extra, body)


def echo(wire, request):
    wire.send(reply(wire.read_body(request)))


def says(data, stay=False):
    """A script that answers with these bytes, and then stays silent or leaves."""
    def script(wire, _):
        wire.send(data)
        if stay:
            wire.sock.recv(1)
        return False
    return script


class Waiting:
    """A script that never answers and notes that the client has gone."""

    def __init__(self):
        self.gone = threading.Event()

    def __call__(self, wire, _):
        try:
            while True:
                wire.fill()
        except (EOFError, OSError):
            self.gone.set()
        return False


class Backend:
    """Answers by `scripts[path]`, a function of (wire, request) that reads the body itself, or by `default`. A script
    that returns False ends the connection."""

    def __init__(self, host="127.0.0.1", port=0, default=echo):
        self.scripts = {}
        self.default = default
        self.lock = threading.Lock()
        self.requests = []
        self.connections = 0
        self.open = set()
        self.raw = None
        self.listener = socket.create_server((host, port), backlog=1024)
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def on(self, path, script):
        self.scripts[path] = script
        return path

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(sock)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        wire = Wire(sock)
        try:
            if self.raw:
                self.raw(wire)
            else:
                self.serve_http(wire)
        except (EOFError, OSError, ValueError):
            pass
        with self.lock:
            self.open.discard(sock)
        sock.close()

    def serve_http(self, wire):
        while True:
            request = Request(wire.take_until(b"\r\n\r\n"))
            with self.lock:
                self.requests.append(request)
            script = self.scripts.get(request.target.split(b"?")[0], self.default)
            if script(wire, request) is False:
                return

    def seen(self, path):
        with self.lock:
            return [request for request in self.requests if request.target.split(b"?")[0] == path]

    def forget(self):
        with self.lock:
            self.requests.clear()

    def drop_connections(self):
        """Every connection ends, as if the app had been restarted."""
        with self.lock:
            for sock in self.open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)  # close alone would leave it to the thread that accepts
            self.listener.close()
        self.drop_connections()


class Returning:
    """Within the block an app comes to `port` after a moment, which was down until then."""

    def __init__(self, port):
        self.port = port
        self.thread = threading.Thread(target=self.come_back)

    def come_back(self):
        time.sleep(0.1)
        self.backend = Backend(port=self.port)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join()
