"""What is measured. `mode` is what the client and the origin speak: h1, h2, grpc, or tcp (HTTP/1.1 that the pair is
told to carry unread). Without a rate the client asks again as soon as it is answered."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    mode: str
    what: str
    connections: int
    streams: int = 1  # requests in flight on one connection
    path: str = "/"
    rate: int = 0  # requests per second, all connections together
    close: bool = False  # a new connection for every request


SATURATED = "128-byte answers, as fast as they come, {} connections"
CASES = [
    *[Case(f"h1-sat-{n}", "h1", "HTTP/1.1, " + SATURATED.format(n), n) for n in (1, 16, 64, 256)],
    Case("h1-1000", "h1", "HTTP/1.1, 128-byte answers, 1,000 requests/s on 16 connections", 16, rate=1000),
    Case("h1-1k", "h1", "HTTP/1.1, 1 KB answers, as fast as they come, 16 connections", 16, path="/1k"),
    Case("h1-1m", "h1", "HTTP/1.1, 1 MB answers, as fast as they come, 4 connections", 4, path="/1m"),
    Case("h1-new", "h1", "HTTP/1.1, a new connection from the client for each request, 16 at a time", 16, close=True),
    Case("h2-sat-16", "h2", "HTTP/2, " + SATURATED.format("16") + ", one stream on each", 16),
    Case("h2-sat-4x16", "h2", "HTTP/2, " + SATURATED.format("4") + ", 16 streams on each", 4, streams=16),
    Case("h2-1000", "h2", "HTTP/2, 128-byte answers, 1,000 requests/s on 16 connections", 16, rate=1000),
    Case("h2-1m", "h2", "HTTP/2, 1 MB answers, as fast as they come, 4 connections", 4, path="/1m"),
    Case("grpc-sat", "grpc", "gRPC unary, 128 bytes, as fast as they come, 4 connections, 16 calls on each", 4,
         streams=16),
    Case("grpc-1000", "grpc", "gRPC unary, 128 bytes, 1,000 calls/s on 16 connections", 16, rate=1000),
    Case("tcp-sat-16", "tcp", "opaque TCP, 128-byte answers, as fast as they come, 16 connections", 16),
    Case("tcp-1m", "tcp", "opaque TCP, 1 MB at a time, as fast as it comes, 4 connections", 4, path="/1m"),
    Case("tcp-new", "tcp", "opaque TCP, a new connection and so a new TLS handshake for each request", 16, close=True),
]
BY_NAME = {case.name: case for case in CASES}
QUICK = ["h1-sat-16", "h1-sat-64", "h1-1000", "h2-sat-4x16", "grpc-1000", "tcp-1m"]
