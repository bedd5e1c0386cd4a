"""A pair of HAProxy: one thread, connections to servers shared by all clients."""

import os

from peers import B_NAME, Running, free_address
from processes import Program

CONFIG = """
global
  nbthread 1
  maxconn 8192
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  mode {mode}
  timeout connect 5s
  timeout client 1h
  timeout server 1h
{reuse}
frontend f
  bind {listen}
  default_backend next
backend next
  server next {next}
"""
REUSE = """  http-reuse always
  option http-keep-alive
  timeout http-keep-alive 1h"""


def start(directory, name, **parts):
    path = os.path.join(directory, name + ".cfg")
    with open(path, "w", encoding="ascii") as file:
        file.write(CONFIG.format(**parts))
    return Program(["haproxy", "-db", "-f", path], os.path.join(directory, name + ".log"))


class Haproxy:
    name = "haproxy"

    def start(self, mode, origin, certificates, directory):
        outbound, inbound = free_address(), free_address()
        shared = {"mode": "tcp", "reuse": ""} if mode == "tcp" else {"mode": "http", "reuse": REUSE}
        pooled = "" if mode == "tcp" else " pool-purge-delay 1h"
        alpn, proto = (" alpn h2", " proto h2") if mode in ("h2", "grpc") else ("", "")
        client, server, root = certificates.a.joined(), certificates.b.joined(), certificates.a.root
        tls = f" ssl verify required verifyhost {B_NAME} sni str({B_NAME}) ca-file {root} crt {client}"
        programs = [
            start(directory, "a", listen=outbound + proto, next=inbound + tls + alpn + pooled, **shared),
            start(directory, "b", listen=f"{inbound} ssl crt {server} ca-file {root} verify required{alpn}",
                  next=origin.address(mode) + proto + pooled, **shared)]
        return Running(outbound, inbound, programs)
