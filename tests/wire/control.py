"""An operator that says what a test tells it to, in the words of lib/meshconfig/stream.h."""

import json
import socket
import ssl
import threading

from patience import eventually
from stream import Stream

NAME = "tulle-operator.tulle-system.svc"


class ConfigStream(Stream):
    """The stream of one sidecar. `workload` is whose it says it is."""

    def __init__(self, sock):
        super().__init__(sock)
        self.take_until(b"\r\n\r\n")
        self.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tulle-config/1\r\n\r\n")
        self.workload = self.message()["hello"]["workload"]
        self.updates = 0

    def message(self):
        return json.loads(self.take_until(b"\n"))

    def update(self, resources):
        """Sends {name: body} as a new version of each; what was rejected of it, once the rest is in force."""
        self.updates += 1
        sent = [{"name": name, "version": str(self.updates), "body": body} for name, body in resources.items()]
        message = {"update": {"id": self.updates, "resources": sent, "removed": []}}
        self.send(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        while (ack := self.message().get("ack")) is None:
            pass  # it subscribes to what it was asked for
        if ack["id"] != self.updates:
            raise AssertionError(f"update {self.updates} is acknowledged as {ack}")
        return ack.get("rejected", [])


class Operator:
    """Listens from the start; takes in sidecars when it has its certificate."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.streams = []

    def serve(self, authority):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*authority.issue("operator", "DNS:" + NAME))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                secure = self.context.wrap_socket(self.listener.accept()[0], server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            self.streams.append(ConfigStream(secure))

    def open_streams(self, workload, count):
        """The streams of so many sidecars of that workload, when they are open."""
        def found():
            streams = [stream for stream in self.streams if stream.workload == workload]
            return streams if len(streams) == count else None
        if streams := eventually(found, within=10):
            return streams
        raise AssertionError(f"no {count} sidecars of {workload} ask for config")

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for stream in self.streams:
            stream.sock.close()
