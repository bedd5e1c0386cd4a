"""Protocols: what applications speak, by the servers and clients that speak it, over strict mutual TLS.

Every server here says who the mesh says has called it, or the metrics of its sidecar do: no check passes where traffic
went past the mesh.
"""

import concurrent.futures
import json
import pathlib
import re

from harness import INSTALL, expect
from runner import needed
from shell import Failed

HERE = pathlib.Path(__file__).resolve().parent
OBJECTS = HERE / "protocols.yaml"
NAMESPACES = ["talk", "data", "callers", "aside"]
CALLER = "spiffe://cluster.local/ns/callers/sa/default"
ECHO, ECHO_UNDECLARED, ECHO_HEADLESS = "echo.talk:9000", "echo.talk:9001", "echo-headless.talk:9000"
CHAT = "ws://chat.talk/"
PRIOR_KNOWLEDGE = "--http2-prior-knowledge"
REQUESTS = re.compile(r"^tulle_requests_total\{(.*)\} (\d+)", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')
MEGABYTES, MEGABYTES_HTTP2, MEGABYTES_PER_SECOND = 512, 32, 64
MOST_GROWTH_KIB = 16 << 10


def python(cluster, script, *arguments, pod="client", namespace="callers", timeout_seconds=90):
    """Runs one of workloads/ in a pod; returns what it says as JSON."""
    return json.loads(cluster.execute(namespace, pod, "python3", f"/opt/{script}.py", *map(str, arguments),
                                      timeout_seconds=timeout_seconds))


def logs(cluster, namespace, selector):
    return cluster.kubectl("logs", "-n", namespace, "-l", selector, "--tail=-1", "--prefix")


def requests(cluster, namespace, selector, **labels):
    """How many requests with these labels the sidecars of the chosen pods have counted."""
    found = 0
    for pod in cluster.get(namespace, "pods", selector=selector):
        text = cluster.curl("aside", "stranger", f"http://{pod['status']['podIP']}:15020/metrics")[2]
        for written, value in REQUESTS.findall(text):
            found += int(value) if labels.items() <= dict(LABEL.findall(written)).items() else 0
    return found


def counted(cluster, namespace, selector, **labels):
    """Waits for such a request, since it is counted when it is over for the sidecar."""
    cluster.wait_until(f"a request with {labels} in the metrics of {namespace} {selector}", 5,
                       lambda: requests(cluster, namespace, selector, **labels))


def of_caller(found):
    expect(found["sources"] == [CALLER], f"the app was not told who calls: {found}")


# --- the mesh comes ---


@needed
def the_mesh_is_installed(cluster):
    cluster.wait_until("what was there before is gone", 60, lambda: cluster.nothing_goes(*NAMESPACES))
    cluster.install_mesh()


@needed
def the_apps_become_ready(cluster):
    cluster.apply(OBJECTS)
    cluster.rolled_out("talk", *(f"deployment/{name}" for name in ("echo", "chat-v1", "chat-v2", "web", "store")))
    cluster.rolled_out("data", "deployment/declared", "deployment/undeclared")
    cluster.rolled_out("aside", "daemonset/hands")
    for namespace, pod in (("callers", "client"), ("callers", "reader"), ("callers", "banned"), ("aside", "stranger")):
        cluster.kubectl("wait", "-n", namespace, f"pod/{pod}", "--for=condition=Ready", "--timeout=60s")


# --- WebSocket ---


def websocket_messages_pass_both_ways(cluster):
    found = python(cluster, "websocket_client", CHAT, "talk", 100)
    expect((found["messages"], found["binary"], found["source"]) == (100, 50, CALLER), f"{found}")


def websocket_close_codes_pass(cluster):
    found = python(cluster, "websocket_client", CHAT, "close", 4001, "cut off")
    expect((found["code"], found["reason"]) == (4001, "cut off"), f"closed by the client: {found}")
    cluster.wait_until("the server says how it was closed", 5,
                       lambda: "closed 4001 cut off" in logs(cluster, "talk", "app=chat"))
    found = python(cluster, "websocket_client", CHAT, "be-closed", 4321, "end of thread")
    expect((found["code"], found["reason"]) == (4321, "end of thread"), f"closed by the server: {found}")


def websocket_outlives_a_change_of_config(cluster):
    folder = "/tmp/stay"

    def there(file):
        return cluster.execute("callers", "client", "sh", "-c", f"test -e {folder}/{file} && echo yes")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        staying = pool.submit(python, cluster, "websocket_client", CHAT, "stay", folder)
        try:
            cluster.wait_until("the connection is open", 20, lambda: there("open"))
            cluster.apply(json.dumps({
                "apiVersion": "tulle.dev/v1alpha1", "kind": "Split", "metadata": {"name": "chat", "namespace": "talk"},
                "spec": {"service": "chat", "backends": [{"labels": {"version": "v1"}, "weight": 0},
                                                         {"labels": {"version": "v2"}, "weight": 1}]}}, indent=1))
            cluster.wait_until_live("talk", "split", "chat")
            new = python(cluster, "websocket_client", CHAT, "close", 1000, "")
            expect(new["name"] == "v2", f"Live, and a new connection goes to {new['name']}")
        finally:
            cluster.execute("callers", "client", "touch", f"{folder}/go")
        stayed = staying.result()
    expect(stayed["name"] == "v1" and stayed["messages"] > 20, f"the connection from before: {stayed}")


# --- gRPC ---


def grpc_calls_of_all_four_kinds(cluster):
    of_caller(python(cluster, "grpc_client", ECHO, "kinds"))


def grpc_on_a_port_that_says_nothing(cluster):
    of_caller(python(cluster, "grpc_client", ECHO_UNDECLARED, "kinds"))


def grpc_to_a_headless_service(cluster):
    found = python(cluster, "grpc_client", ECHO_HEADLESS, "calls", 100)
    of_caller(found)
    expect(len(found["pods"]) == 2, f"its client knows both pods, and only these answered: {found['pods']}")
    of_caller(python(cluster, "grpc_client", ECHO_HEADLESS, "kinds"))


def grpc_calls_of_one_channel_are_spread(cluster):
    found = python(cluster, "grpc_client", ECHO, "calls", 400)
    of_caller(found)
    shares = sorted(found["pods"].values())
    expect(len(shares) == 2 and shares[0] >= 100, f"400 calls on one connection went to {found['pods']}")


def grpc_a_thousand_streams_at_once(cluster):
    found = python(cluster, "grpc_client", ECHO, "crowd", 10, 100, timeout_seconds=120)
    of_caller(found)
    expect(found["calls"] == 1000 and len(found["pods"]) == 2, f"{found}")


def grpc_deadlines_pass(cluster):
    found = python(cluster, "grpc_client", ECHO, "deadline", "late", 3)
    expect(found["code"] == "DEADLINE_EXCEEDED" and found["seconds"] < 5, f"{found}")
    is_given_up(cluster, "late")


def grpc_cancellation_reaches_the_app(cluster):
    found = python(cluster, "grpc_client", ECHO, "cancel", "unwanted")
    expect(found["code"] == "CANCELLED", f"{found}")
    is_given_up(cluster, "unwanted")


def is_given_up(cluster, name):
    """Whether the server has heard that nobody wants this call's answer any more."""
    cluster.wait_until(f"the app ends its work on {name}", 5,
                       lambda: f"{name} cancelled" in logs(cluster, "talk", "app=echo"))


def grpc_status_and_trailers_are_the_apps(cluster):
    found = python(cluster, "grpc_client", ECHO, "status", "ABORTED der Faden reißt")
    expect((found["code"], found["details"]) == ("ABORTED", "der Faden reißt"), f"{found}")
    metadata = found["metadata"]
    expect((metadata.get("thread-bin"), metadata.get("source")) == ("00ff", CALLER), f"trailers: {found}")
    expect("x-tulle-reason" not in metadata, f"the mesh takes the blame for what the app said: {found}")


def grpc_a_refusal_names_its_rule(cluster):
    found = python(cluster, "grpc_client", ECHO, "status", "ABORTED never", pod="banned")
    reason = found["metadata"].get("x-tulle-reason", "")
    expect(found["code"] == "PERMISSION_DENIED" and "access/deny talk/echo#0" in reason, f"{found}")
    expect("access/deny talk/echo#0" in found["details"], f"the message does not say why: {found}")


def grpc_a_service_without_pods_is_unavailable(cluster):
    found = python(cluster, "grpc_client", "nobody.talk:9000", "status", "ABORTED never")
    reason = found["metadata"].get("x-tulle-reason", "")
    expect(found["code"] == "UNAVAILABLE" and reason == "upstream/no-endpoint", f"{found}")


def grpc_from_outside_is_refused(cluster):
    found = python(cluster, "grpc_client", ECHO, "status", "ABORTED reached", pod="stranger", namespace="aside")
    expect(found["code"] in ("UNAVAILABLE", "PERMISSION_DENIED"), f"a caller without mTLS got {found}")


# --- HTTP/2 ---


def http2_with_prior_knowledge(cluster):
    for url in ("http://web.talk/", "http://web.talk:81/"):
        answers_in_http2(cluster, url, PRIOR_KNOWLEDGE)


def http2_app_has_http1_clients(cluster):
    answers_in_http2(cluster, "http://web.talk/", "--http1.1")


def answers_in_http2(cluster, url, *options):
    status, headers, body = cluster.curl("callers", "client", url, *options)
    expect(status == 200 and body.strip() == f"HTTP/2.0 {CALLER}", f"{url} {options}: {status} {headers} {body}")


def http2_requests_side_by_side(cluster):
    said = cluster.execute("callers", "client", "h2load", "--requests=5000", "--clients=2",
                           "--max-concurrent-streams=50", "http://web.talk/")
    expect("5000 succeeded, 0 failed" in said and "5000 2xx" in said, said)


# --- a large answer, and who reads it takes his time ---


def a_slow_reader_costs_no_memory(cluster):
    store = cluster.get("talk", "pods", selector="app=store")[0]["metadata"]["name"]
    ends = [("callers", "reader"), ("talk", store)]
    before = [cluster.memory_kib(*end, "tulle-sidecar") for end in ends]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        reads = [pool.submit(read_slowly, cluster, "http://store.talk/large", MEGABYTES),
                 pool.submit(read_slowly, cluster, "http://store.talk:81/large", MEGABYTES_HTTP2, PRIOR_KNOWLEDGE)]
        for read in reads:
            read.result()
    after = [cluster.memory_kib(*end, "tulle-sidecar") for end in ends]
    for (namespace, pod), (resident, _), (_, most) in zip(ends, before, after):
        expect(most - resident < MOST_GROWTH_KIB,
               f"{pod}: its sidecar had {resident} KiB before, and {most} KiB while it carried two large answers")
        sidecar = next(c for c in cluster.get(namespace, "pod", pod)["status"]["initContainerStatuses"]
                       if c["name"] == "tulle-sidecar")
        expect(sidecar["restartCount"] == 0, f"{pod}: its sidecar was restarted")
    expect(requests(cluster, "talk", "app=store", direction="inbound", source=CALLER, mtls="true") >= 2,
           "the downloads did not go through the mesh")


def read_slowly(cluster, url, megabytes, *options):
    read = f"curl --silent --show-error --range 0-{(megabytes << 20) - 1} {' '.join(options)} {url}"
    check = f"python3 /opt/blocks.py check {megabytes} --rate {MEGABYTES_PER_SECOND}"
    said = cluster.execute("callers", "reader", "sh", "-c", f"{read} | {check}", timeout_seconds=120)
    expect(f"{megabytes} megabytes" in said, f"{url}: {said}")


# --- databases: one is spoken to first, one speaks first, one is asked whether it speaks TLS ---


def on_both_ports(check, cluster, name):
    """check(cluster, name, host, app) where the port is declared and where it is not, at the same time."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        checks = [pool.submit(check, cluster, name, f"{name}.data", "declared"),
                  pool.submit(check, cluster, name, f"{name}-undeclared.data", "undeclared")]
        for each in checks:
            each.result()


def takes_both_kinds_of_clients(cluster, name, host, app):
    python(cluster, "database", name, host)
    counted(cluster, "data", f"app={app}", direction="inbound", protocol="tcp", source=CALLER, mtls="true")
    found = python(cluster, "database", name, host, pod="stranger", namespace="aside")
    expect(found["let_in_seconds"] < 5, f"{host}: a client without mTLS waits: {found}")
    counted(cluster, "data", f"app={app}", direction="inbound", protocol="tcp", source="unknown", mtls="false")


def takes_the_mesh_only(cluster, name, host, _app):
    python(cluster, "database", name, host)
    try:
        found = python(cluster, "database", name, host, pod="stranger", namespace="aside")
    except Failed:
        return
    raise Failed(f"{host}: a client without mTLS was let in: {found}")


def redis_when_permissive(cluster):
    on_both_ports(takes_both_kinds_of_clients, cluster, "redis")


def postgresql_when_permissive(cluster):
    on_both_ports(takes_both_kinds_of_clients, cluster, "postgresql")


def mariadb_when_permissive(cluster):
    on_both_ports(takes_both_kinds_of_clients, cluster, "mariadb")


@needed
def strict_becomes_live(cluster):
    cluster.kubectl("patch", "-n", "data", "accesspolicy/mode", "--type=merge", "-p", '{"spec": {"mtls": "Strict"}}')
    cluster.wait_until_live("data", "accesspolicy", "mode")


def redis_when_strict(cluster):
    on_both_ports(takes_the_mesh_only, cluster, "redis")


def postgresql_when_strict(cluster):
    on_both_ports(takes_the_mesh_only, cluster, "postgresql")


def mariadb_when_strict(cluster):
    on_both_ports(takes_the_mesh_only, cluster, "mariadb")


# --- what is written down of all that ---


def metrics_of_both_sides_name_the_protocol(cluster):
    pods = {"talk/echo": ("talk", "app=echo", "http2"), "talk/web": ("talk", "app=web", "http2"),
            "talk/chat": ("talk", "app=chat", "http"), "data/redis": ("data", "app=declared", "tcp"),
            "data/mariadb-undeclared": ("data", "app=undeclared", "tcp")}
    for service, (namespace, selector, protocol) in pods.items():
        counted(cluster, "callers", "", direction="outbound", protocol=protocol, destination=service, mtls="true")
        counted(cluster, namespace, selector, direction="inbound", protocol=protocol, source=CALLER, mtls="true")


# --- it goes ---


def the_workloads_and_the_mesh_are_deleted(cluster):
    cluster.kubectl("delete", "namespace", *NAMESPACES, "--ignore-not-found", "--wait=false")
    cluster.kubectl("delete", "-f", INSTALL, "--ignore-not-found", "--wait=false")


STORY = [
    [the_mesh_is_installed],
    [the_apps_become_ready],
    [websocket_messages_pass_both_ways, websocket_close_codes_pass, websocket_outlives_a_change_of_config,
     grpc_calls_of_all_four_kinds, grpc_on_a_port_that_says_nothing, grpc_to_a_headless_service,
     grpc_calls_of_one_channel_are_spread, grpc_deadlines_pass, grpc_cancellation_reaches_the_app,
     grpc_status_and_trailers_are_the_apps, grpc_a_refusal_names_its_rule, grpc_a_service_without_pods_is_unavailable,
     grpc_from_outside_is_refused, http2_with_prior_knowledge, http2_app_has_http1_clients],
    [grpc_a_thousand_streams_at_once, http2_requests_side_by_side, a_slow_reader_costs_no_memory,
     redis_when_permissive, postgresql_when_permissive, mariadb_when_permissive],
    [strict_becomes_live],
    [redis_when_strict, postgresql_when_strict, mariadb_when_strict],
    [metrics_of_both_sides_name_the_protocol],
]
FINALLY = [the_workloads_and_the_mesh_are_deleted]
