"""A pair of Envoy, with HTTP/1.1 or HTTP/2 between the two. No filters but the router, no tracing."""

import json
import os

import downloads
from pair import A_IDENTITY, B_IDENTITY
from peers import B_NAME, Running, free_address
from processes import Program

TYPES = "type.googleapis.com/envoy.extensions."
TLS = "transport_sockets.tls.v3."
UNLIMITED = {"max_connections": 100000, "max_pending_requests": 100000, "max_requests": 100000, "max_retries": 1000}


def typed(kind, **fields):
    return {"@type": TYPES + kind, **fields}


def address_of(address):
    host, port = address.rsplit(":", 1)
    return {"socket_address": {"address": host, "port_value": int(port)}}


def tls(leaf, peer_identity, alpn):
    context = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificates": [{"certificate_chain": {"filename": leaf.certificate},
                              "private_key": {"filename": leaf.key}}],
        "validation_context": {"trusted_ca": {"filename": leaf.root}, "match_typed_subject_alt_names": [
            {"san_type": "URI", "matcher": {"exact": peer_identity}}]}}
    return {**context, "alpn_protocols": alpn} if alpn else context


def upstream_tls(leaf, alpn):
    return {"name": "tls", "typed_config": typed(TLS + "UpstreamTlsContext", sni=B_NAME,
                                                 common_tls_context=tls(leaf, B_IDENTITY, alpn))}


def downstream_tls(leaf, alpn):
    return {"name": "tls", "typed_config": typed(TLS + "DownstreamTlsContext", require_client_certificate=True,
                                                 common_tls_context=tls(leaf, A_IDENTITY, alpn))}


def http_filter():
    router = {"name": "router", "typed_config": typed("filters.http.router.v3.Router")}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "next", "timeout": "0s"}}
    return {"name": "http", "typed_config": typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager", stat_prefix="bench", codec_type="AUTO",
        http_filters=[router],
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]})}


def tcp_filter():
    return {"name": "tcp", "typed_config": typed("filters.network.tcp_proxy.v3.TcpProxy", stat_prefix="bench",
                                                 cluster="next")}


def config(listen, following, mode, version, listener_tls=None, cluster_tls=None):
    """`version` is "h1" or "h2": what is spoken to the next hop."""
    protocol = {"h1": "http_protocol_options", "h2": "http2_protocol_options"}[version]
    chain = {"filters": [tcp_filter() if mode == "tcp" else http_filter()]}
    cluster = {
        "name": "next", "type": "STATIC", "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [UNLIMITED]},
        "load_assignment": {"cluster_name": "next", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": address_of(following)}}]}]}}
    if mode != "tcp":
        options = typed("upstreams.http.v3.HttpProtocolOptions", explicit_http_config={protocol: {}})
        cluster["typed_extension_protocol_options"] = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}
    if listener_tls:
        chain["transport_socket"] = listener_tls
    if cluster_tls:
        cluster["transport_socket"] = cluster_tls
    listener = {"name": "in", "address": address_of(listen), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def start(directory, name, content):
    path = os.path.join(directory, name + ".json")
    with open(path, "w", encoding="ascii") as file:
        json.dump(content, file)
    return Program([downloads.envoy(), "-c", path, "--concurrency", "1", "--disable-hot-restart", "-l", "error"],
                   os.path.join(directory, name + ".log"))


class Envoy:
    """Where client and origin speak HTTP/2, HTTP/2 is spoken between the two as well, whatever `between` says."""

    def __init__(self, between):
        self.between = between
        self.name = "envoy" if between == "h1" else "envoy-h2"

    def start(self, mode, origin, certificates, directory):
        outbound, inbound = free_address(), free_address()
        between = "h2" if mode in ("h2", "grpc") else self.between
        last = "h2" if mode in ("h2", "grpc") else "h1"
        alpn = {"h1": ["http/1.1"], "h2": ["h2"]}[between] if mode != "tcp" else None
        programs = [
            start(directory, "a", config(outbound, inbound, mode, between,
                                         cluster_tls=upstream_tls(certificates.a, alpn))),
            start(directory, "b", config(inbound, origin.address(mode), mode, last,
                                         listener_tls=downstream_tls(certificates.b, alpn)))]
        return Running(outbound, inbound, programs)
