"""The servers behind all pairs: one nginx worker with small and large answers, over HTTP/1.1 and over HTTP/2, and a
gRPC server where one is needed."""

import os

import downloads
from peers import free_address
from peers.nginx import HEAD, start
from processes import Program

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
    def __init__(self, directory, grpc=False):
        self.addresses = {"h1": free_address(), "h2": free_address()}
        nginx = start(directory, "origin", self.config)
        self.programs = [nginx]
        for address in self.addresses.values():
            nginx.wait_for(address)
        if grpc:
            self.start_grpc(directory)

    def start_grpc(self, directory):
        address = free_address()
        program = Program([downloads.grpc_echo(), address], os.path.join(directory, "grpc.log"), GOMAXPROCS="1")
        self.programs.append(program)
        program.wait_for(address)
        self.addresses["grpc"] = address

    def config(self, home):
        for name, size in SIZES.items():
            with open(os.path.join(home, name), "wb") as file:
                file.write(b"x" * size)
        return (HEAD + CONFIG).format(directory=home, small=SMALL, **self.addresses)

    def address(self, mode):
        """Where pairs of `mode` forward to; opaque connections carry HTTP/1.1 that the proxies do not look at."""
        return self.addresses["h1" if mode == "tcp" else mode]

    def stop(self):
        for program in self.programs:
            program.stop()
