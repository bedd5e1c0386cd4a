"""The app behind the mesh in wire tests: a raw socket server that writes down what reaches it and answers by script."""

import socket
import threading


class Request:
    """One request as it reached the app. `complete` becomes true when the last byte of its body is there."""

    def __init__(self, head):
        self.raw_head = head
        lines = head[:-4].split(b"\r\n")
        self.method, self.target, self.version = lines[0].split(b" ", 2)
        self.lines = lines[1:]
        self.headers = [tuple(part.strip() for part in line.split(b":", 1)) for line in self.lines]
        self.body = b""
        self.trailers = b""
        self.complete = False

    def header(self, name):
        """All values of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Wire:
    """One accepted connection with what was read from it and not yet used."""

    def __init__(self, sock):
        self.sock = sock
        self.held = b""

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
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

    def send(self, data):
        self.sock.sendall(data)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def read_body(self, request):
        if b"chunked" in request.header(b"transfer-encoding"):
            self.read_chunks(request)
        else:
            length = int((request.header(b"content-length") or [b"0"])[0])
            request.body = self.take(length)
        request.complete = True
        return request.body

    def read_chunks(self, request):
        pieces = []
        while True:
            size = int(self.take_until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            pieces.append(self.take(size))
            self.take(2)
        while (line := self.take_until(b"\r\n")) != b"\r\n":
            request.trailers += line
        request.body = b"".join(pieces)


def reply(body=b"", status=b"200 OK", extra=b""):
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), extra, body)


def echo(wire, request):
    wire.send(reply(wire.read_body(request)))


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
