"""HTTP/2 frames written by hand, for what no library would say (RFC 9113 section 6, RFC 7541 section 6.2)."""

import socket
import struct

import hpack

from stream import Stream

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 7, 8, 11


def frame(kind, payload=b"", flags=0, stream=0):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def integer(value, prefix_bits):
    """An HPACK integer (RFC 7541 section 5.1) whose first byte has nothing else in it."""
    most = (1 << prefix_bits) - 1
    if value < most:
        return bytes([value])
    coded, value = bytes([most]), value - most
    while value > 127:
        coded, value = coded + bytes([value & 127 | 128]), value >> 7
    return coded + bytes([value])


def block(*fields):
    """Field lines as HPACK literals that are not indexed: any bytes, nothing kept."""
    return b"".join(b"\0" + integer(len(name), 7) + name + integer(len(value), 7) + value for name, value in fields)


def request_fields(path=b"/", method=b"GET", *more):
    return [(b":method", method), (b":scheme", b"http"), (b":authority", b"web"), (b":path", path), *more]


def request_head(number, *fields, end=True):
    return frame(HEADERS, block(*(fields or request_fields())), END_HEADERS | END_STREAM * end, number)


class Raw:
    """A client that writes frames by hand. It acknowledges the first SETTINGS, unseen, and answers nothing else."""

    def __init__(self, address, settings=b"", timeout=10, knows_settings=True):
        self.stream = Stream(socket.create_connection(address, timeout=timeout))
        self.stream.send(PREFACE + frame(SETTINGS, settings) + frame(SETTINGS, flags=ACK) * knows_settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.sock.close()

    def send(self, *frames):
        """False: the peer takes no more."""
        try:
            self.stream.send(b"".join(frames))
            return True
        except OSError:
            return False

    def next(self):
        """The next frame: (kind, flags, stream, payload)."""
        head = self.stream.take(9)
        size, kind, flags, number = struct.unpack(">IBBI", b"\0" + head)
        return kind, flags, number, self.stream.take(size)

    def until(self, *kinds):
        while (got := self.next())[0] not in kinds:
            pass
        return got

    def answer(self, number):
        """What becomes of a stream first: its status, or that it or the connection is broken off."""
        decoder = hpack.Decoder()
        try:
            while True:
                kind, _, stream, payload = self.next()
                if kind == GOAWAY:
                    return "connection ended"
                if kind == HEADERS:
                    fields = dict(decoder.decode(payload, raw=True))
                    if stream == number:
                        return int(fields[b":status"])
                if kind == RST_STREAM and stream == number:
                    return "reset"
        except EOFError:
            return "connection ended"

    def ending(self):
        """Reads until the connection ends: the code of GOAWAY and the codes of streams that were reset."""
        code, resets = None, {}
        try:
            while True:
                kind, _, number, payload = self.next()
                if kind == GOAWAY:
                    code = struct.unpack(">I", payload[4:8])[0]
                elif kind == RST_STREAM:
                    resets[number] = struct.unpack(">I", payload)[0]
        except EOFError:
            return code, resets
