#!/usr/bin/env python3
"""usage: grpc_client.py HOST:PORT COUNT: calls /tulle.Echo/Echo so many times, each with another text."""

import sys

import grpc

target, count = sys.argv[1], int(sys.argv[2])
with grpc.insecure_channel(target) as channel:
    echo = channel.unary_unary("/tulle.Echo/Echo")
    for number in range(count):
        sent = f"call {number}".encode()
        received = echo(sent, timeout=5)
        if received != sent:
            sys.exit(f"{target}: sent {sent}, received {received}")
print(f"{count} calls answered")
