"""The first mesh: installed with one kubectl apply, it secures, splits and survives, and leaves nothing behind."""

import concurrent.futures
import json
import pathlib
import time

from harness import INSTALL, condition, expect, is_ready, no_failures
from runner import needed
from shell import run

HERE = pathlib.Path(__file__).resolve().parent
OBJECTS = HERE / "first-mesh.yaml"
SHOP = ["deployment/web-v1", "deployment/web-v2", "deployment/files", "deployment/redis", "deployment/echo"]
WEB = "http://web.shop/"
OPERATOR = "https://tulle-operator.tulle-system.svc.cluster.local:15010"
WEBHOOK = "https://tulle-webhook.tulle-system.svc.cluster.local"
# Random bytes, a TLS hello that is cut off, an endless header and a request with two lengths; answers do not matter.
GARBAGE = """
import os, socket, sys
payloads = [os.urandom(4096), b"\\x16\\x03\\x01\\x02\\x00\\x01", b"GET / HTTP/1.1\\r\\nx: " + b"y" * 200000,
            b"POST / HTTP/1.1\\r\\nhost: a\\r\\ncontent-length: 5\\r\\ncontent-length: 7\\r\\n\\r\\nhello"]
for port in sys.argv[2:]:
    for payload in payloads:
        try:
            with socket.create_connection((sys.argv[1], int(port)), timeout=0.5) as connection:
                connection.sendall(payload)
                connection.recv(65536)
        except OSError:
            pass
"""
LATE_POD = """\
apiVersion: v1
kind: Pod
metadata: {name: late, namespace: front}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: shell, image: "localhost/tulle/workload:1", imagePullPolicy: Never, command: [sleep, infinity]}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: errand, namespace: front}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: curl
        image: localhost/tulle/workload:1
        imagePullPolicy: Never
        command: [curl, --silent, --show-error, --fail, "http://web.shop/"]
"""


def manifest(kind, name, spec):
    return json.dumps({"apiVersion": "tulle.dev/v1alpha1", "kind": kind, "spec": spec,
                       "metadata": {"name": name, "namespace": "shop"}}, indent=1)


def split(name, v1, v2, service="web"):
    return manifest("Split", name, {"service": service, "backends": [
        {"labels": {"version": "v1"}, "weight": v1}, {"labels": {"version": "v2"}, "weight": v2}]})


def pods_of(cluster, namespace, selector):
    """Those that are there to stay."""
    return [pod for pod in cluster.get(namespace, "pods", selector=selector)
            if "deletionTimestamp" not in pod["metadata"]]


def pod_names(cluster, namespace, selector):
    return [pod["metadata"]["name"] for pod in pods_of(cluster, namespace, selector)]


# --- the mesh comes ---


@needed
def installs_with_one_apply(cluster):
    cluster.install_mesh()
    for configuration in ("mutatingwebhookconfiguration", "validatingwebhookconfiguration"):
        webhooks = cluster.get(None, configuration, "tulle-webhook")["webhooks"]
        expect(all(webhook["clientConfig"].get("caBundle") for webhook in webhooks), f"{configuration}: no caBundle")


@needed
def pods_join_and_become_ready(cluster):
    cluster.apply(OBJECTS)
    cluster.rolled_out("shop", *SHOP)
    cluster.rolled_out("outside", "daemonset/hands")
    cluster.kubectl("wait", "-n", "front", "pod/client", "--for=condition=Ready", "--timeout=60s")
    cluster.kubectl("wait", "-n", "outside", "pod/stranger", "--for=condition=Ready", "--timeout=60s")


def every_pod_of_the_namespaces_has_a_sidecar(cluster):
    for pod in cluster.get("shop", "pods") + [cluster.get("front", "pod", "client")]:
        names = [container["name"] for container in pod["spec"].get("initContainers", [])]
        expect(names[:2] == ["tulle-init", "tulle-sidecar"], f"{pod['metadata']['name']}: init containers {names}")


def a_pod_that_opted_out_has_none(cluster):
    for namespace, name in (("front", "opted-out"), ("outside", "stranger")):
        pod = cluster.get(namespace, "pod", name)
        expect("initContainers" not in pod["spec"], f"{name}: {pod['spec'].get('initContainers')}")


# --- it secures ---


def a_service_is_called_over_mtls(cluster):
    status, headers, body = cluster.curl("front", "client", WEB)
    expect(status == 200 and body.strip() in ("v1", "v2"), f"{status} {headers} {body}")
    metrics = "".join(cluster.curl("outside", "stranger", f"http://{pod['status']['podIP']}:15020/metrics")[2]
                      for pod in cluster.get("shop", "pods", selector="app=web"))
    caller = "spiffe://cluster.local/ns/front/sa/default"
    secured = [line for line in metrics.splitlines() if line.startswith("tulle_requests_total{")
               and 'direction="inbound"' in line and 'mtls="true"' in line and caller in line]
    expect(secured, f"no inbound request over mTLS of {caller} in the servers' metrics:\n{metrics[:3000]}")


def strict_refuses_plaintext(cluster):
    address = cluster.get("shop", "pods", selector="app=web")[0]["status"]["podIP"]
    for url in (WEB, f"http://{address}/"):
        status, headers, body = cluster.curl("outside", "stranger", url)
        expect(status == 0 or status == 403, f"{url}: a caller without mTLS got {status} {headers} {body}")
        expect(body.strip() not in ("v1", "v2"), f"{url}: the app answered {body}")


def a_refusal_names_its_rule(cluster):
    status, headers, body = cluster.curl("front", "client", f"{WEB}admin/secrets")
    reason = headers.get("x-tulle-reason", "")
    expect(status == 403 and "access/deny shop/web#0" in reason, f"{status}, x-tulle-reason: {reason}, {body}")


def probes_are_rewritten(cluster):
    wanted = {"app=web": "/probe/nginx/readiness", "app=files": "/probe/python/readiness",
              "app=redis": "/probe/redis/readiness", "app=echo": "/probe/grpc/readiness"}
    for selector, path in wanted.items():
        probe = cluster.get("shop", "pods", selector=selector)[0]["spec"]["containers"][0]["readinessProbe"]
        got = probe.get("httpGet", {})
        expect(got.get("path") == path and got.get("port") == 15021, f"{selector}: {probe}")


def a_probe_says_what_the_app_says(cluster):
    name = pod_names(cluster, "shop", "app=files")[0]

    def becomes(ready):
        cluster.wait_until(f"{name} ready: {ready}", 30, lambda: is_ready(cluster.get("shop", "pod", name)) == ready)

    cluster.execute("shop", name, "rm", "/files/ready", container="python")
    becomes(False)
    cluster.execute("shop", name, "touch", "/files/ready", container="python")
    becomes(True)


def a_job_ends(cluster):
    cluster.apply(JOB)
    cluster.kubectl("wait", "-n", "front", "job/errand", "--for=condition=Complete", "--timeout=60s")


def redis_works(cluster):
    def redis(*command):
        return cluster.execute("front", "client", "redis-cli", "-h", "redis.shop", *command).strip()

    expect(redis("set", "thread", "silk") == "OK", "set did not answer OK")
    expect(redis("get", "thread") == "silk", "get did not answer what was set")
    expect("PONG" in redis("ping"), "ping did not answer PONG")


def grpc_works(cluster):
    said = cluster.execute("front", "client", "python3", "/opt/grpc_client.py", "echo.shop:9000", "calls", "50")
    expect(json.loads(said)["calls"] == 50, said)


# --- it refuses nonsense ---


def refused_with(cluster, text, *words):
    said = cluster.refusal(text)
    for word in words:
        expect(word in said, f"the refusal does not say {word!r}: {said}")


def a_malformed_manifest_is_refused(cluster):
    unclosed = "apiVersion: tulle.dev/v1alpha1\nkind: Split\nmetadata: {name: bad, namespace: shop\n"
    refused_with(cluster, unclosed, "line")
    refused_with(cluster, manifest("Split", "bad", {"service": 7, "backends": "all"}), "bad", "spec.service")


def an_unknown_field_is_refused(cluster):
    text = manifest("Split", "bad", {"service": "web", "backends": [{"service": "web", "wieght": 1}]})
    refused_with(cluster, text, "Split", "spec.backends[0].wieght")


def a_negative_weight_is_refused(cluster):
    refused_with(cluster, split("bad", -1, 2), "bad", "spec.backends[0].weight")


def a_bad_regex_is_refused(cluster):
    route = {"service": "web", "rules": [{"matches": [{"path": {"regex": "/(unclosed"}}], "timeout": "1s"}]}
    refused_with(cluster, manifest("Route", "bad", route), "bad", "spec.rules[0].matches[0].path.regex")


def a_split_to_a_missing_service_says_so(cluster):
    cluster.apply(manifest("Split", "lost", {"service": "redis", "backends": [{"service": "nowhere", "weight": 1}]}))

    def resolved_refs():
        found = condition(cluster.get("shop", "split", "lost"), "ResolvedRefs")
        return found if found.get("status") == "False" else None

    try:
        said = cluster.wait_until("ResolvedRefs is False", 20, resolved_refs)
        expect("nowhere" in said["message"], f"the condition does not name the Service: {said}")
    finally:
        cluster.kubectl("delete", "-n", "shop", "split/lost")


def a_foreign_token_gets_no_certificate(cluster):
    # Valid here, but made for the API server and not for the mesh.
    token = cluster.kubectl("create", "token", "default", "-n", "outside").strip()
    request = run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                  "-keyout", "/dev/null", "-subj", "/CN=nobody")
    for bearer in (token, "nonsense"):
        status, _, body = cluster.curl("outside", "stranger", f"{OPERATOR}/v1/certificate", "--insecure",
                                       "--header", f"Authorization: Bearer {bearer}",
                                       "--json", json.dumps({"csr": request}))
        expect(status in (401, 403) and "error" in body, f"a certificate for a foreign token: {status} {body}")


def a_huge_admission_review_is_refused(cluster):
    script = f"head -c 1048576 /dev/zero | tr '\\0' '[' | curl --insecure -s -o /dev/null -w '%{{http_code}}' " \
             f"--max-time 10 -H 'Content-Type: application/json' --data-binary @- {WEBHOOK}/validate"
    status = cluster.execute("outside", "stranger", "sh", "-c", script)
    expect(status.startswith("4"), f"1 MB of opening brackets got {status}")


def garbage_on_every_port_harms_nothing(cluster):
    pods = cluster.get("tulle-system", "pods") + pods_of(cluster, "shop", "version=v2")
    before = {pod["metadata"]["name"]: restarts_of(pod) for pod in pods}

    def bother(pod):
        ports = "15010 15014 15017" if pod["metadata"]["namespace"] == "tulle-system" else "80 15001 15006 15020 15021"
        cluster.execute("outside", "stranger", "python3", "-c", GARBAGE, pod["status"]["podIP"], *ports.split())

    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(bother, pods))
    for pod in pods:
        now = cluster.get(pod["metadata"]["namespace"], "pod", pod["metadata"]["name"])
        expect(restarts_of(now) == before[pod["metadata"]["name"]], f"{pod['metadata']['name']} was restarted")
        expect(is_ready(now), f"{pod['metadata']['name']} is not ready any more")


def restarts_of(pod):
    return sum(c["restartCount"] for kind in ("initContainerStatuses", "containerStatuses")
               for c in pod["status"].get(kind, []))


# --- it splits ---


def a_split_is_kept_within_three_points(cluster):
    cluster.wait_until_live("shop", "split", "web")
    counted = cluster.load("front", "client", WEB, count=2000, rps=400)
    no_failures(counted, "90/10")
    share = 100 * counted["body"].get("v1", 0) / counted["requests"]
    expect(87 <= share <= 93, f"v1 got {share:.1f} %: {counted['body']}")


def live_means_that_no_old_answer_comes(cluster):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        meanwhile = pool.submit(cluster.load, "front", "client", WEB, duration=8, rps=100)
        time.sleep(2)
        cluster.apply(split("web", 0, 100))
        began = time.monotonic()
        cluster.wait_until_live("shop", "split", "web")
        took = time.monotonic() - began
        after = cluster.load("front", "client", WEB, count=500, rps=500)
        no_failures(meanwhile.result(), "while the split changed")
    no_failures(after, "after the split changed")
    expect(after["body"] == {"v2": 500}, f"Live after {took:.1f} s, and then: {after['body']}")


# --- it survives ---


def a_backend_goes_and_no_request_fails(cluster):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        load = pool.submit(cluster.load, "front", "client", WEB, duration=12, rps=200)
        time.sleep(3)
        cluster.kubectl("delete", "-n", "shop", "pod", pod_names(cluster, "shop", "version=v2")[0])
        no_failures(load.result(), "while a backend pod was deleted")
    cluster.rolled_out("shop", "deployment/web-v2")


def the_operator_is_gone_for_a_minute(cluster):
    scale_operator(cluster, 0)
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            load = pool.submit(cluster.load, "front", "client", WEB, duration=60, rps=200)
            time.sleep(3)
            killed = pool.submit(a_killed_sidecar_serves_again, cluster)
            cluster.apply(LATE_POD)
            no_failures(load.result(), "while no operator ran")
            killed.result()
            expect(not is_ready(cluster.get("front", "pod", "late")), "a pod without a certificate says it is ready")
    finally:
        scale_operator(cluster, 2)
    cluster.kubectl("wait", "-n", "front", "pod/late", "--for=condition=Ready", "--timeout=10s")
    status, _, body = cluster.curl("front", "late", WEB)
    expect(status == 200 and body.strip() == "v2", f"the late pod got {status} {body}")


def a_killed_sidecar_serves_again(cluster):
    pod = pod_names(cluster, "shop", "version=v2")[0]

    def restarts():
        found = cluster.get("shop", "pod", pod)
        sidecar = next(c for c in found["status"]["initContainerStatuses"] if c["name"] == "tulle-sidecar")
        return sidecar["restartCount"] if is_ready(found) else -1

    before = restarts()
    cluster.kill_container("shop", pod, "tulle-sidecar")
    cluster.wait_until(f"{pod}: its sidecar comes back", 40, lambda: restarts() > before)

    def answers():
        counted = cluster.load("front", "client", WEB, count=100, rps=100, header="Host:pod")
        return pod in counted["body"]

    cluster.wait_until(f"{pod} serves again", 10, answers)


def scale_operator(cluster, replicas):
    cluster.kubectl("scale", "-n", "tulle-system", "deployment/tulle-operator", f"--replicas={replicas}")
    if replicas:
        cluster.rolled_out("tulle-system", "deployment/tulle-operator")
    else:
        cluster.wait_until("no operator runs", 60,
                           lambda: not cluster.get("tulle-system", "pods", selector="app=tulle-operator"))


# --- it goes ---


def uninstalling_leaves_nothing(cluster):
    cluster.kubectl("delete", "-f", INSTALL, "--timeout=80s")
    cluster.wait_until("nothing of the mesh is left", 40, lambda: nothing_left(cluster))


def nothing_left(cluster):
    kinds = ["customresourcedefinitions", "mutatingwebhookconfigurations", "validatingwebhookconfigurations",
             "clusterroles", "clusterrolebindings", "namespaces"]
    named = cluster.kubectl("get", ",".join(kinds), "-o", "name").split()
    named += cluster.kubectl("get", "configmaps,secrets,leases", "-A", "-o", "name",
                             "--field-selector=metadata.namespace!=kube-node-lease").split()
    left = [name for name in named if "tulle" in name]
    expect(not left, f"left behind: {' '.join(left)}")
    return True


def restarted_pods_are_as_before(cluster):
    cluster.kubectl("rollout", "restart", "-n", "shop", "deployment/web-v2")
    cluster.rolled_out("shop", "deployment/web-v2")
    pod = pods_of(cluster, "shop", "version=v2")[0]
    expect("initContainers" not in pod["spec"], "a pod made after the mesh was removed still gets its containers")
    status, _, body = cluster.curl("outside", "stranger", f"http://{pod['status']['podIP']}/")
    expect(status == 200 and body.strip() == "v2", f"{status} {body}")


def the_workloads_can_be_deleted(cluster):
    cluster.kubectl("delete", "namespace", "shop", "front", "outside", "--ignore-not-found", "--wait=false")


STORY = [
    [installs_with_one_apply],
    [pods_join_and_become_ready],
    [every_pod_of_the_namespaces_has_a_sidecar, a_pod_that_opted_out_has_none, a_service_is_called_over_mtls,
     strict_refuses_plaintext, a_refusal_names_its_rule, probes_are_rewritten, a_probe_says_what_the_app_says,
     a_job_ends, redis_works, grpc_works],
    [a_malformed_manifest_is_refused, an_unknown_field_is_refused, a_negative_weight_is_refused,
     a_bad_regex_is_refused,
     a_split_to_a_missing_service_says_so, a_foreign_token_gets_no_certificate, a_huge_admission_review_is_refused],
    [garbage_on_every_port_harms_nothing],
    [a_split_is_kept_within_three_points],
    [live_means_that_no_old_answer_comes],
    [a_backend_goes_and_no_request_fails],
    [the_operator_is_gone_for_a_minute],
    [uninstalling_leaves_nothing],
    [restarted_pods_are_as_before],
]
FINALLY = [the_workloads_can_be_deleted]
