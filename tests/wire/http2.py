"""HTTP/2 in wire tests: a client and a counting app on the h2 library, and the fixtures of their tests.

Both ends are a Connection, whose thread sorts what comes into Exchanges. Field lists are pairs of bytes.
"""

import socket
import struct
import threading
import time
import unittest

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from frames import GOAWAY, CANCEL, NO_ERROR, PREFACE, Raw, frame
from stream import Stream
from talk import WireTest

INITIAL_WINDOW_SIZE = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
MAX_CONCURRENT_STREAMS = h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS


class Reset(Exception):
    """The stream ended by RST_STREAM with this code, or with the connection."""

    def __init__(self, code):
        super().__init__(f"stream reset: {code}")
        self.code = code


class Exchange:
    """One stream: what came on it so far, and what can be sent on it."""

    def __init__(self, connection, number):
        self.connection, self.number = connection, number
        self.headers, self.interims, self.trailers = None, [], []
        self.body = bytearray()
        self.ended, self.code = False, None  # of RST_STREAM, or "end of connection"
        self.reading = True  # else the sender's window stays closed once it is full

    def all(self, name):
        return [value for key, value in self.headers or [] if key == name]

    def header(self, name):
        return next(iter(self.all(name)), None)

    @property
    def path(self):
        return self.header(b":path")

    @property
    def status(self):
        return int(self.header(b":status"))

    @property
    def why(self):
        return (self.header(b"x-tulle-reason") or b"").decode()

    def wait(self, what, within=20):
        """Waits until what() is true; Reset if the stream breaks before."""
        with self.connection.changed:
            self.connection.changed.wait_for(lambda: what() or self.code is not None, within)
            if what():
                return self
        if self.code is not None:
            raise Reset(self.code)
        raise TimeoutError(f"stream {self.number}: headers {self.headers}, {len(self.body)} bytes")

    def whole(self, within=20):
        """Waits for the end of the message."""
        return self.wait(lambda: self.ended, within)

    def head(self, within=20):
        return self.wait(lambda: self.headers is not None, within)

    def broken(self, within=20):
        """Waits until the stream is reset; with which code."""
        try:
            self.wait(lambda: False, within)
        except Reset as reset:
            return reset.code

    def send_headers(self, fields, end=False):
        self.connection.act(lambda c: c.send_headers(self.number, fields, end_stream=end))

    def send(self, data, end=False, within=20):
        """Waits for room in the window."""
        data, deadline = memoryview(data), time.monotonic() + within
        while data or end:
            with self.connection.changed:
                room = self.connection.room(self.number)
                if data and room <= 0:
                    if self.code is not None:
                        raise Reset(self.code)
                    if not self.connection.changed.wait(max(0, deadline - time.monotonic())):
                        raise TimeoutError("no room in the window")
                    continue
                piece, data = data[:room], data[room:]
                last = end and not data
                self.connection.act(lambda c: c.send_data(self.number, bytes(piece), end_stream=last))
                end = end and not last

    def cancel(self, code=CANCEL):
        try:
            self.connection.act(lambda c: c.reset_stream(self.number, code))
        except Reset:
            pass  # it has ended already

    def respond(self, body=b"", status=200, fields=(), trailers=None):
        self.send_headers([(b":status", b"%d" % status), *fields], end=not body and trailers is None)
        if body:
            self.send(body, end=trailers is None)
        if trailers is not None:
            self.send_headers(trailers, end=True)


class Connection:
    """Speaks as a client, or as a server that calls `serve` with each request in a thread of its own, as soon as its
    head is there."""

    def __init__(self, sock, serve=None, settings=None, strict=True):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = Stream(sock)
        self.serve = serve
        self.changed = threading.Condition(threading.RLock())
        self.exchanges = {}
        self.closed = False
        self.goaway = None  # (last stream, code) of the peer
        self.last = 1 << 31  # the last stream that we take, once we have said so
        self.settled = False  # the peer has said its settings
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=serve is None, header_encoding=None, validate_outbound_headers=strict,
            normalize_outbound_headers=strict))
        said = {MAX_CONCURRENT_STREAMS: 100, **(settings or {})}
        self.h2.local_settings = h2.settings.Settings(serve is None, said)
        with self.changed:
            self.h2.initiate_connection()
            self.h2.increment_flow_control_window(1 << 24)  # a stream that is not read stops no other
            self.flush()
        self.reader = threading.Thread(target=self.run, daemon=True)
        self.reader.start()

    def flush(self):
        data = self.h2.data_to_send()
        if data and not self.closed:
            try:
                self.stream.send(data)
            except OSError:
                pass  # the reader finds out

    def act(self, what):
        """Runs what(h2 connection) and sends what comes of it."""
        with self.changed:
            if self.closed:
                raise Reset("end of connection")
            try:
                what(self.h2)
            except h2.exceptions.StreamClosedError as error:
                raise Reset(error.error_code) from error
            finally:
                self.flush()

    def room(self, number):
        try:
            return min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
        except h2.exceptions.ProtocolError as error:
            raise Reset(getattr(error, "error_code", "closed")) from error

    def run(self):
        try:
            if self.serve:
                self.feed(self.stream.take(len(PREFACE)))
            while True:
                head = self.stream.take(9)
                payload = self.stream.take(int.from_bytes(head[:3], "big"))
                if head[3] == GOAWAY:  # after which h2 would take no more, though streams go on
                    with self.changed:
                        self.goaway = struct.unpack(">II", payload[:8])
                        self.changed.notify_all()
                else:
                    self.feed(head + payload)
        except (EOFError, OSError, h2.exceptions.ProtocolError) as error:
            self.end(error)

    def end(self, error):
        with self.changed:
            self.flush()
            self.closed = True
            self.error = error
            for exchange in self.exchanges.values():
                exchange.code = exchange.code or "end of connection"
            self.changed.notify_all()
        self.stream.sock.close()

    def feed(self, data):
        with self.changed:
            for event in self.h2.receive_data(data):
                self.take(event)
            self.flush()
            self.changed.notify_all()

    def take(self, event):
        exchange = self.exchanges.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            if event.stream_id > self.last:
                return
            exchange = self.exchanges[event.stream_id] = Exchange(self, event.stream_id)
            exchange.headers = event.headers
            threading.Thread(target=self.answer, args=(exchange,), daemon=True).start()
        elif isinstance(event, h2.events.RemoteSettingsChanged):
            self.settled = True
        elif exchange is None:
            return
        elif isinstance(event, h2.events.ResponseReceived):
            exchange.headers = event.headers
        elif isinstance(event, h2.events.InformationalResponseReceived):
            exchange.interims.append(event.headers)
        elif isinstance(event, h2.events.TrailersReceived):
            exchange.trailers = event.headers
        elif isinstance(event, h2.events.DataReceived):
            exchange.body += event.data
            if exchange.reading:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            exchange.ended = True
        elif isinstance(event, h2.events.StreamReset):
            exchange.code = event.error_code

    def answer(self, exchange):
        try:
            self.serve(exchange)
        except (Reset, TimeoutError, OSError, h2.exceptions.ProtocolError):
            pass  # the client has gone

    def wait(self, what, within=10):
        with self.changed:
            return self.changed.wait_for(what, within)

    def send_goaway(self, last, code=NO_ERROR):
        with self.changed:
            self.last = last
            self.stream.send(frame(GOAWAY, struct.pack(">II", last, code)))

    def close(self):
        with self.changed:
            try:
                self.stream.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Client(Connection):
    """A client with prior knowledge."""

    def __init__(self, address, silent_seconds=0, **options):
        sock = socket.create_connection(address, timeout=60)
        time.sleep(silent_seconds)
        super().__init__(sock, **options)
        if not self.wait(lambda: self.settled or self.closed):
            raise TimeoutError("no SETTINGS from the server")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start(self, path=b"/", method=b"GET", fields=(), end=False, pseudo=None):
        """A request without its body; with `pseudo`, these instead of the usual pseudo headers."""
        pseudo = pseudo or [(b":method", method), (b":scheme", b"http"), (b":authority", b"web"), (b":path", path)]
        with self.changed:
            number = self.h2.get_next_available_stream_id()
            exchange = self.exchanges[number] = Exchange(self, number)
            exchange.send_headers([*pseudo, *fields], end)
        return exchange

    def ask(self, path=b"/", body=None, method=None, fields=(), trailers=None):
        """A whole request; the exchange to wait on."""
        method = method or (b"GET" if body is None else b"POST")
        exchange = self.start(path, method, fields, end=body is None and trailers is None)
        try:
            if body is not None:
                exchange.send(body, end=trailers is None)
            if trailers is not None:
                exchange.send_headers(trailers, end=True)
        except Reset:
            pass  # it was answered before its end, or broke: whoever waits finds out
        return exchange

    def get(self, path=b"/", **more):
        return self.ask(path, **more).whole()


def echo(exchange):
    exchange.whole()
    exchange.respond(bytes(exchange.body))


class App:
    """Answers by `scripts[path]`, a function of the exchange, or by `default`; keeps every request that reached it."""

    def __init__(self, port=0, default=echo, settings=None):
        self.scripts, self.default, self.settings = {}, default, settings or {}
        self.lock = threading.Lock()
        self.requests, self.connections = [], []
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port = self.listener.getsockname()[1]
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
                self.connections.append(Connection(sock, self.serve, self.settings, strict=False))

    def serve(self, exchange):
        with self.lock:
            self.requests.append(exchange)
        self.scripts.get((exchange.path or b"").split(b"?")[0], self.default)(exchange)

    def seen(self, path):
        with self.lock:
            return [request for request in self.requests if (request.path or b"").split(b"?")[0] == path]

    def forget(self):
        with self.lock:
            self.requests.clear()

    def drop_connections(self):
        with self.lock:
            for connection in self.connections:
                connection.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop_connections()


class Http2Test(WireTest):
    """Tests of clients that speak HTTP/2 to an app that speaks it too."""

    make_app = App

    def http2(self, **options):
        client = Client(self.pair.outbound, **options)
        self.addCleanup(client.close)
        return client

    def raw(self, **options):
        raw = Raw(self.pair.outbound, **options)
        self.addCleanup(raw.stream.sock.close)
        return raw


class DeclaredHttp2(Http2Test):
    """The same where the app's port is declared to speak HTTP/2, whatever its clients speak."""

    @classmethod
    def make_options(cls):
        ports = [{"port": cls.backend.port, "protocol": "HTTP2"}]
        return {**cls.options, "protocol": "HTTP2",
                "workload": {"name": "shop/web", "mtls": "Strict", "ports": ports, **cls.options.get("workload", {})}}
