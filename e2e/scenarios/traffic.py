"""Traffic management: what Routes, Splits and TrafficPolicies make of requests, on a real cluster."""

import collections
import concurrent.futures
import json
import pathlib
import time

from harness import INSTALL, condition, expect, no_failures
from runner import needed

OBJECTS = pathlib.Path(__file__).resolve().parent / "traffic.yaml"
NAMESPACES = ["store", "buyers"]
APP = "http://app.store"


def manifest(kind, name, spec):
    return json.dumps({"apiVersion": "tulle.dev/v1alpha1", "kind": kind, "spec": spec,
                       "metadata": {"name": name, "namespace": "store"}}, indent=1)


def ask(cluster, path, *options, pod="client"):
    return cluster.curl("buyers", pod, APP + path, *options)


@needed
def the_mesh_and_its_workloads_come(cluster):
    cluster.wait_until("what is being removed is gone", 90, lambda: cluster.nothing_goes(*NAMESPACES))
    cluster.install_mesh()
    cluster.apply(OBJECTS)
    cluster.rolled_out("store", "deployment/app-v1", "deployment/app-v2", "deployment/copies")
    cluster.kubectl("wait", "-n", "buyers", "pod/client", "pod/tester", "--for=condition=Ready", "--timeout=60s")


@needed
def route_and_split_are_live(cluster):
    ask(cluster, "/")
    ask(cluster, "/", pod="tester")
    cluster.wait_until_live("store", "route", "app")
    cluster.wait_until_live("store", "split", "app")


def a_query_leads_to_the_other_version_and_edits_are_made(cluster):
    status, headers, body = ask(cluster, "/api/x?beta=1", "--header", "x-debug: 1")
    expect(status == 200 and body.strip() == "v2 /v2/api/x?beta=1 beta.example channel=beta debug=", body)
    expect(headers.get("x-served-by") == "v2", f"{headers}")
    status, headers, body = ask(cluster, "/api/x?beta=0", "--header", "x-debug: 1")
    expect(body.strip() == "v1 /api/x?beta=0 app.store channel= debug=1", body)


def a_tester_gets_the_version_without_weight(cluster):
    for pod, version in (("tester", "v2"), ("client", "v1")):
        said = {ask(cluster, "/", pod=pod)[2].split()[0] for _ in range(5)}
        expect(said == {version}, f"{pod}: {said}")


def a_redirect_sends_elsewhere(cluster):
    status, headers, _ = ask(cluster, "/old/page?q=1")
    expect((status, headers.get("location")) == (308, "http://app.store/new/page?q=1"), f"{status} {headers}")
    expect(headers.get("x-tulle-reason") == "route/redirect route/store/app#1", f"{headers}")


def the_mesh_answers_itself(cluster):
    status, headers, body = ask(cluster, "/ping")
    expect((status, body) == (200, "pong"), f"{status} {body}")
    expect(headers.get("x-tulle-reason") == "route/respond route/store/app#2", f"{headers}")


def copies_arrive(cluster):
    def arrived():
        pod = cluster.get("store", "pods", selector="app=copies")[0]["metadata"]["name"]
        metrics = cluster.execute("store", pod, "curl", "--silent", "http://127.0.0.1:15020/metrics", container="nginx")
        lines = [line for line in metrics.splitlines() if line.startswith("tulle_requests_total{")
                 and 'direction="inbound"' in line and "ns/buyers" in line]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    before = arrived()
    for _ in range(10):
        expect(ask(cluster, "/copied")[2].startswith("v1 /copied"), "the app itself did not answer")
    cluster.wait_until("ten copies", 10, lambda: arrived() == before + 10)


def faults_are_made(cluster):
    began = time.monotonic()
    status, _, _ = ask(cluster, "/slow")
    expect(status == 200 and time.monotonic() - began >= 0.7, f"{status} after {time.monotonic() - began:.2f} s")
    status, headers, _ = ask(cluster, "/broken")
    expect((status, headers.get("x-tulle-reason")) == (507, "fault/abort route/store/app#5"), f"{status} {headers}")


def a_cookie_keeps_a_client_with_its_version(cluster):
    places = collections.Counter()
    for _ in range(12):
        _, headers, body = ask(cluster, "/sticky")
        version, cookie = body.split()[0], headers["set-cookie"].partition(";")[0]
        for _ in range(2):
            again = ask(cluster, "/sticky", "--cookie", cookie)[2].split()[0]
            expect(again == version, f"{cookie} was with {version}, and then with {again}")
        places[version] += 1
    expect(len(places) == 2, f"all of twelve clients are with one version: {places}")


def weights_change_under_load_without_a_failure(cluster):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        load = pool.submit(cluster.load, "buyers", "client", APP + "/", duration=8, rps=200)
        for v1 in (50, 0, 100):
            time.sleep(2)
            cluster.kubectl("patch", "-n", "store", "split", "app", "--type=merge", "--patch", json.dumps(
                {"spec": {"backends": [{"labels": {"version": "v1"}, "weight": v1},
                                       {"labels": {"version": "v2"}, "weight": 100 - v1 if v1 < 100 else 0}]}}))
        no_failures(load.result(), "while weights changed")


def nonsense_is_refused_by_name(cluster):
    rule = {"matches": [{"path": {"prefix": "/x"}, "grpc": {"method": "Add"}}]}
    for words, kind, spec in (
            ("spec.rules[0].matches[0]", "Route", {"service": "app", "rules": [rule]}),
            ("exclude each other", "Route", {"service": "app", "rules": [
                {"redirect": {"status": 301}, "backends": [{"service": "app"}]}]}),
            ("cannot be edited", "Route", {"service": "app", "rules": [{"requestHeaders": {"set": {"Host": "x"}}}]}),
            ("spec.rules[0].redirect", "Route", {"service": "app", "rules": [{"redirect": {"status": 305}}]}),
            ("header and cookie", "Split", {"service": "app", "backends": [{"service": "app"}],
                                            "sticky": {"header": "a", "cookie": "b"}}),
            ("weight", "Split", {"service": "app", "backends": [{"service": "app", "weight": 0}]})):
        said = cluster.refusal(manifest(kind, "bad", spec))
        expect(words in said, f"the refusal does not say {words!r}: {said}")


def a_mirror_to_nowhere_is_told_and_harms_nothing(cluster):
    cluster.apply(manifest("Route", "lost", {"service": "copies", "rules": [{"mirrors": [{"service": "nowhere"}]}]}))

    def resolved_refs():
        found = condition(cluster.get("store", "route", "lost"), "ResolvedRefs")
        return found if found.get("status") == "False" else None

    said = cluster.wait_until("ResolvedRefs is False", 20, resolved_refs)
    expect("spec.rules[0].mirrors[0]" in said["message"] and "nowhere" in said["message"], f"{said}")
    status, _, body = cluster.curl("buyers", "client", "http://copies.store/")
    expect(status == 200 and body.startswith("v1"), f"{status} {body}")


def the_workloads_and_the_mesh_are_deleted(cluster):
    cluster.kubectl("delete", "namespace", *NAMESPACES, "--ignore-not-found", "--wait=false")
    cluster.kubectl("delete", "-f", INSTALL, "--ignore-not-found", "--wait=false")


STORY = [
    [the_mesh_and_its_workloads_come],
    [route_and_split_are_live],
    [a_query_leads_to_the_other_version_and_edits_are_made, a_tester_gets_the_version_without_weight,
     a_redirect_sends_elsewhere, the_mesh_answers_itself, copies_arrive, faults_are_made,
     a_cookie_keeps_a_client_with_its_version, nonsense_is_refused_by_name],
    [a_mirror_to_nowhere_is_told_and_harms_nothing],  # it calls those whose calls are counted above
    [weights_change_under_load_without_a_failure],
]
FINALLY = [the_workloads_and_the_mesh_are_deleted]
