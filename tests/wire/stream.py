"""HTTP/1 messages as raw bytes on a socket, for both ends of a wire test: the client and the app."""

import socket
import struct


class Truncated(EOFError):
    """The other side ended the connection while more was expected of it: "reset" or "end of stream"."""


class Message:
    """The head of a message, and what follows it as far as it was read."""

    def __init__(self, head):
        self.raw_head = head
        self.start, *self.lines = head[:-4].split(b"\r\n")
        self.headers = [tuple(part.strip() for part in line.split(b":", 1)) for line in self.lines]
        self.body = b""
        self.trailers = b""

    def all(self, name):
        """All values of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Stream:
    """A connection, and what was read from it and not yet used."""

    def __init__(self, sock):
        self.sock = sock
        self.held = bytearray()

    def send(self, data):
        self.sock.sendall(data)

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
        data = bytes(self.held[:size])
        del self.held[:size]
        return data

    def take_until(self, mark):
        while mark not in self.held:
            self.fill()
        return self.take(self.held.index(mark) + len(mark))

    def take_chunks(self, message):
        pieces = []
        while size := int(self.take_until(b"\r\n").split(b";")[0], 16):
            pieces.append(self.take(size + 2)[:-2])
        while (line := self.take_until(b"\r\n")) != b"\r\n":
            message.trailers += line
        message.body = b"".join(pieces)

    def rest(self):
        """All bytes until a clean end; a reset is Truncated."""
        while True:
            try:
                self.fill()
            except Truncated as end:
                if str(end) == "reset":
                    raise
                return self.take(len(self.held))

    def closed(self, within=3):
        """The other side has ended the connection, one way or the other, and said nothing more."""
        self.sock.settimeout(within)
        try:
            return not self.held and self.sock.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
