"""A pair of nginx: proxy_pass with a pool of kept connections; grpc_pass where HTTP/2 has to reach the origin."""

import os

from peers import B_NAME, Running, free_address
from processes import Program

MODULES = "/usr/lib/nginx/modules"
HEAD = """
daemon off; worker_processes 1; pid {directory}/pid; error_log stderr error;
events {{ worker_connections 8192; }}
"""
HTTP = """
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; tcp_nodelay on;
  client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
  uwsgi_temp_path {directory}; scgi_temp_path {directory};
  upstream next {{ server {next}; keepalive 512; keepalive_requests 1000000000; keepalive_timeout 1h; }}
  server {{
    listen {listen}; {server}
    http2_max_concurrent_streams 1000;
    location / {{ {location} }}
  }}
}}
"""
STREAM = """
load_module {modules}/ngx_stream_module.so;
stream {{ server {{ listen {listen}; {server} proxy_pass {next}; {location} }} }}
"""
# Buffers that take a large answer without a detour over a file.
TO_NEXT = """proxy_pass {scheme}://next; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffers 16 64k;
    proxy_set_header Host $host; proxy_max_temp_file_size 0; """
GRPC_TO_NEXT = "grpc_pass {scheme}://next; "
TLS_CLIENT = """{0}_ssl_certificate {leaf.certificate}; {0}_ssl_certificate_key {leaf.key}; {0}_ssl_verify on;
    {0}_ssl_trusted_certificate {leaf.root}; {0}_ssl_name {name}; {0}_ssl_server_name on; {0}_ssl_protocols TLSv1.3;
    {0}_ssl_session_reuse on; {0}_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;"""
TLS_SERVER = """ssl_certificate {leaf.certificate}; ssl_certificate_key {leaf.key}; ssl_verify_client on;
    ssl_client_certificate {leaf.root}; ssl_protocols TLSv1.3; ssl_session_cache shared:tls:1m;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;"""


def start(directory, name, config):
    home = os.path.join(directory, name)
    os.makedirs(home, exist_ok=True)
    os.chmod(home, 0o755)
    path = os.path.join(home, "nginx.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(config(home))
    return Program(["nginx", "-p", home, "-c", path], os.path.join(home, "log"))


def http_config(listen, following, server, location):
    return lambda home: (HEAD + HTTP).format(directory=home, listen=listen, next=following, server=server,
                                             location=location)


def stream_config(listen, following, server, location):
    def config(home):
        load, rest = STREAM.format(modules=MODULES, listen=listen, next=following, server=server,
                                   location=location).strip().split("\n", 1)
        return load + HEAD.format(directory=home) + rest
    return config


class Nginx:
    name = "nginx"

    def start(self, mode, origin, certificates, directory):
        outbound, inbound = free_address(), free_address()
        client, server = certificates.a, TLS_SERVER.format(leaf=certificates.b)
        if mode == "tcp":
            to_b = "proxy_ssl on; " + TLS_CLIENT.format("proxy", leaf=client, name=B_NAME)
            a = stream_config(outbound, inbound, "", to_b)
            b = stream_config(inbound + " ssl", origin.address(mode), server, "")
        else:
            http2 = "" if mode == "h1" else " http2"
            to_next, kind = (TO_NEXT, "proxy") if mode == "h1" else (GRPC_TO_NEXT, "grpc")
            secure, plain = ("https", "http") if mode == "h1" else ("grpcs", "grpc")
            a = http_config(outbound + http2, inbound, "",
                            to_next.format(scheme=secure) + TLS_CLIENT.format(kind, leaf=client, name=B_NAME))
            b = http_config(inbound + " ssl" + http2, origin.address(mode), server, to_next.format(scheme=plain))
        programs = [start(directory, "a", a), start(directory, "b", b)]
        return Running(outbound, inbound, programs)
