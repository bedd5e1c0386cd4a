"""The server behind all pairs: one nginx worker with small and large answers, over HTTP/1.1 and over HTTP/2."""

import os

from peers import free_address
from peers.nginx import HEAD, start

CONFIG = """
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; tcp_nodelay on; sendfile on;
  default_type text/plain; open_file_cache max=16;
  client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
  uwsgi_temp_path {directory}; scgi_temp_path {directory};
  server {{
    listen {h1}; listen {h2} http2;
    http2_max_concurrent_streams 1000;
    root {directory};
    location = / {{ return 200 "{small}"; }}
  }}
}}
"""
SIZES = {"1k": 1024, "1m": 1024 * 1024}
SMALL = "x" * 128


class Origin:
    def __init__(self, directory):
        self.addresses = {"h1": free_address(), "h2": free_address()}
        self.program = start(directory, "origin", self.config)
        for address in self.addresses.values():
            self.program.wait_for(address)

    def config(self, home):
        for name, size in SIZES.items():
            with open(os.path.join(home, name), "wb") as file:
                file.write(b"x" * size)
        return (HEAD + CONFIG).format(directory=home, small=SMALL, **self.addresses)

    def address(self, mode):
        """Where pairs of `mode` forward to; opaque connections carry HTTP/1.1 that the proxies do not look at."""
        return self.addresses["h1" if mode == "tcp" else mode]

    def stop(self):
        self.program.stop()
