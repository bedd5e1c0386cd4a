"""What somebody sees who listens on the wire between the namespaces."""

import collections
import socket
import struct
import threading

ETH_P_ALL = 3
ETHERTYPE_IPV4 = 0x0800
TCP = 6
TLS_RECORDS = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data"}
FIRST_BYTES = 80

Segment = collections.namedtuple("Segment", "source destination payload")


def parse(frame):
    """The TCP segment in an Ethernet frame, or None; (address, port) pairs and what was carried."""
    if len(frame) < 34 or struct.unpack_from("!H", frame, 12)[0] != ETHERTYPE_IPV4 or frame[23] != TCP:
        return None
    header = 14 + (frame[14] & 15) * 4
    end = 14 + struct.unpack_from("!H", frame, 16)[0]
    source, destination = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    source_port, destination_port = struct.unpack_from("!HH", frame, header)
    payload = frame[header + (frame[header + 12] >> 4) * 4:end]
    return Segment((source, source_port), (destination, destination_port), payload)


def is_tls_start(payload):
    """Whether bytes begin with the header of a TLS record."""
    return len(payload) >= 5 and payload[0] in TLS_RECORDS and payload[1] == 3 and payload[2] <= 4


def readable(payload):
    """Bytes as a person would see them in a packet dump."""
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in payload[:FIRST_BYTES])


class Capture:
    """Records what crosses the switch while a with statement runs. `ignored_ports` are those that health checks
    from outside the mesh use."""

    def __init__(self, switch, ignored_ports=()):
        self._ignored = set(ignored_ports)
        with switch.inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self._socket.settimeout(0.1)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self.segments = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()
        self._socket.close()

    def _listen(self):
        while True:
            try:
                segment = parse(self._socket.recv(1 << 17))
            except TimeoutError:
                if self._done.is_set():
                    return
                continue
            if segment and segment.payload and not self._ignored & {segment.source[1], segment.destination[1]}:
                self.segments.append(segment)

    def showing(self, words):
        """The segments in which any of `words` can be read."""
        return [segment for segment in self.segments if any(word in segment.payload for word in words)]

    def first_words(self, port):
        """What each side of each connection to a port said first."""
        first = {}
        for segment in self.segments:
            if port in (segment.source[1], segment.destination[1]):
                first.setdefault((segment.source, segment.destination), segment.payload)
        return list(first.values())

    def sample(self):
        """One typical segment: the last that carried something of the size of a request."""
        return next((segment for segment in reversed(self.segments) if len(segment.payload) > 40), None)
