"""The Gateway API: what its own conformance suite says, each of whose tests for meshes is one check here, and what that
suite does not look at: where a redirect leads, what a backend is asked for, statuses, grants."""

import json
import pathlib
import re
import shutil
import subprocess
import sys

import artifacts
from harness import INSTALL, expect
from runner import needed

sys.path.insert(0, str(artifacts.ROOT / "e2e" / "gateway_api"))

import suite  # noqa: E402

LOGS = artifacts.ROOT / "build" / "e2e" / "gateway-api-suite"
LOG, REPORT = LOGS / "log.txt", LOGS / "report.yaml"
KEPT = artifacts.ROOT / "docs" / "conformance" / f"standard-{artifacts.VERSION}-default-report.yaml"
OBJECTS = pathlib.Path(__file__).resolve().with_suffix(".yaml")
CONTROLLER = "tulle.dev/controller"
GROUP = ".gateway.networking.k8s.io"
NAMESPACES = ["gateway-conformance-mesh", "gateway-conformance-mesh-consumer", "standard", "vault"]
PROFILES = ["MESH-HTTP", "MESH-GRPC"]
FEATURES = [
    "Mesh", "MeshClusterIPMatching", "MeshConsumerRoute", "MeshHTTPRouteBackendRequestHeaderModification",
    "MeshHTTPRouteNamedRouteRule", "MeshHTTPRouteQueryParamMatching", "MeshHTTPRouteRedirectPath",
    "MeshHTTPRouteRedirectPort", "MeshHTTPRouteRewritePath", "MeshHTTPRouteSchemeRedirect", "HTTPRoute",
    "HTTPRouteParentRefPort", "HTTPRouteResponseHeaderModification", "HTTPRoute303RedirectStatusCode",
    "HTTPRoute307RedirectStatusCode", "HTTPRoute308RedirectStatusCode", "GRPCRoute", "ReferenceGrant"]
TESTS = [
    "MeshBasic", "MeshConsumerRoute", "MeshFrontend", "MeshFrontendHostname", "MeshGRPCRouteWeight",
    "MeshHTTPRoute303Redirect", "MeshHTTPRoute307Redirect", "MeshHTTPRoute308Redirect",
    "MeshHTTPRouteBackendRequestHeaderModifier", "MeshHTTPRouteMatching", "MeshHTTPRouteNamedRule",
    "MeshHTTPRouteQueryParamMatching", "MeshHTTPRouteRedirectHostAndStatus", "MeshHTTPRouteRedirectPath",
    "MeshHTTPRouteRedirectPort", "MeshHTTPRouteRequestHeaderModifier", "MeshHTTPRouteRewritePath",
    "MeshHTTPRouteSchemeRedirect", "MeshHTTPRouteSimpleSameNamespace", "MeshHTTPRouteWeight", "MeshPorts",
    "MeshTrafficSplit"]
GRANT = """\
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: standard, namespace: vault}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: standard}]
  to: [{group: "", kind: Service}]
"""
RAN = re.compile(r"^ +--- (PASS|FAIL): TestGatewayAPI/(\w+) ", re.MULTILINE)


def archives():
    return [suite.archive()]


def keep_report():
    KEPT.parent.mkdir(exist_ok=True)
    shutil.copy(REPORT, KEPT)
    return KEPT


@needed
def the_mesh_is_installed(cluster):
    cluster.wait_until("what was there before is gone", 60, lambda: cluster.nothing_goes(*NAMESPACES, suffix=GROUP))
    cluster.install_mesh()


@needed
def the_gateway_api_is_installed_after_the_mesh(cluster):
    cluster.kubectl("apply", "--server-side", "-f", suite.folder() / "crds")
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/httproutes{GROUP}",
                    f"crd/grpcroutes{GROUP}", f"crd/referencegrants{GROUP}")


@needed
def the_suite_runs(cluster):
    LOGS.mkdir(parents=True, exist_ok=True)
    REPORT.unlink(missing_ok=True)
    program = cluster.backend.client(
        suite.folder() / "program", "-test.v", "-test.timeout=20m", f"-supported-features={','.join(FEATURES)}",
        f"-conformance-profiles={','.join(PROFILES)}", "-namespace-labels=tulle.dev/inject=enabled",
        "-organization=tulle", "-project=tulle", "-url=https://tulle.dev", f"-version={artifacts.VERSION}",
        "-contact=@tulle/maintainers", f"-report-output={REPORT}")
    with open(LOG, "w") as log:
        subprocess.run(program, stdout=log, stderr=subprocess.STDOUT)
    expect(REPORT.exists(), f"it ended without a report: {LOG}\n{LOG.read_text()[-2000:]}")


def outcomes():
    return {test: outcome for outcome, test in RAN.findall(LOG.read_text())}


def conforms(test):
    def check(_cluster):
        expect(outcomes().get(test) == "PASS", f"{outcomes().get(test, 'not run')}: {LOG}\n{words_of(test)[-1500:]}")

    check.__name__ = test
    return check


def words_of(test):
    """What the suite logged while it ran a test."""
    begin = f"=== RUN   TestGatewayAPI/{test}\n"
    found = re.search(re.escape(begin) + r".*?(?==== RUN   TestGatewayAPI/\w+\n|\Z)", LOG.read_text(), re.DOTALL)
    return found.group() if found else ""


def no_test_is_without_a_check(_cluster):
    expect(set(outcomes()) == set(TESTS), f"the suite ran {sorted(set(outcomes()) ^ set(TESTS))} or did not")


def the_report_says_success(_cluster):
    results = re.findall(r"^    result: (\w+)$", REPORT.read_text(), re.MULTILINE)
    expect(results and set(results) == {"success"}, REPORT.read_text())


# --- what the suite does not look at ---


@needed
def a_route_of_our_own_is_live(cluster):
    cluster.apply(OBJECTS)
    for namespace, pod in (("standard", "app"), ("vault", "app"), ("standard", "client")):
        cluster.kubectl("wait", "-n", namespace, f"pod/{pod}", "--for=condition=Ready", "--timeout=60s")
    ask(cluster, "/")
    cluster.wait_until("HTTPRoute app is live", 30, lambda: conditions(cluster)["Live"][0] == "True")


def ask(cluster, path):
    return cluster.curl("standard", "client", f"http://app{path}")


def conditions(cluster):
    """Status and reason of what we say of the route, by type; for the newest generation only."""
    route = cluster.get("standard", "httproute", "app")
    ours = [parent for parent in route["status"]["parents"] if parent["controllerName"] == CONTROLLER]
    expect([parent["parentRef"]["name"] for parent in ours] == ["app"], f"ours are {ours}")
    generation = route["metadata"]["generation"]
    expect(all(c["observedGeneration"] == generation for c in ours[0]["conditions"]), f"not {generation}: {ours}")
    return {c["type"]: (c["status"], c["reason"]) for c in ours[0]["conditions"]}


def a_redirect_leads_there(cluster):
    for path, status, location in (("/old/page?q=1", 301, "http://app/new/page?q=1"),
                                   ("/moved?q=1", 302, "https://example.org:8443/moved?q=1")):
        found, headers, _ = ask(cluster, path)
        expect((found, headers.get("location")) == (status, location), f"{path}: {found} {headers}")


def a_backend_is_asked_for_what_the_rewrite_says(cluster):
    for path, seen in (("/api/x?q=1", "/v2/x?q=1"), ("/api", "/v2")):
        body = ask(cluster, path)[2]
        expect(body.split() == ["app", seen, "api.example"], f"{path}: {body}")


def what_no_rule_takes_is_not_found(cluster):
    status, headers, _ = ask(cluster, "/elsewhere")
    expect(status == 404 and "httproute/standard/app#no-match" in headers.get("x-tulle-reason", ""),
           f"{status} {headers}")


def a_missing_backend_without_weight_does_not_hurt(cluster):
    said = {ask(cluster, "/half")[0] for _ in range(20)}
    expect(said == {200}, f"{said}")


def a_missing_backend_is_an_error(cluster):
    status, headers, _ = ask(cluster, "/gone")
    expect(status == 500 and "httproute/standard/app#5" in headers.get("x-tulle-reason", ""), f"{status} {headers}")


def another_namespace_is_open_with_a_grant_only(cluster):
    status, headers, _ = ask(cluster, "/vault")
    expect(status == 500, f"without a grant: {status} {headers}")
    cluster.apply(GRANT)
    cluster.wait_until("the grant opens it", 10, lambda: ask(cluster, "/vault")[2].startswith("vault /vault"))


def the_status_says_what_is_wrong_and_others_keep_their_part(cluster):
    expect(conditions(cluster)["Accepted"] == ("True", "Accepted"), f"{conditions(cluster)}")
    status, reason = conditions(cluster)["ResolvedRefs"]
    expect(status == "False" and reason in ("RefNotPermitted", "BackendNotFound"), f"{reason}")
    theirs = {"controllerName": "example.org/gateway", "parentRef": {"name": "elsewhere"}, "conditions": [
        {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "observedGeneration": 1,
         "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
    cluster.kubectl("patch", "-n", "standard", "httproute", "app", "--subresource=status", "--type=json",
                    "--patch", json.dumps([{"op": "add", "path": "/status/parents/-", "value": theirs}]))
    cluster.kubectl("patch", "-n", "standard", "httproute", "app", "--type=json", "--patch", json.dumps(
        [{"op": "add", "path": "/spec/rules/0/filters/-", "value": {
            "type": "ExtensionRef", "extensionRef": {"group": "example.org", "kind": "Any", "name": "any"}}}]))
    cluster.wait_until("what the mesh does not have is refused", 10,
                       lambda: conditions(cluster)["Accepted"] == ("False", "UnsupportedValue"))
    parents = cluster.get("standard", "httproute", "app")["status"]["parents"]
    expect([p["controllerName"] for p in parents if p["controllerName"] != CONTROLLER] == ["example.org/gateway"],
           f"{parents}")
    expect(ask(cluster, "/old/page")[0] == 301, "the last valid version is not in force")


def everything_is_deleted(cluster):
    cluster.kubectl("delete", "namespace", *NAMESPACES, "--ignore-not-found", "--wait=false")
    cluster.kubectl("delete", "-f", suite.folder() / "crds", "--ignore-not-found", "--wait=false")
    cluster.kubectl("delete", "-f", INSTALL, "--ignore-not-found", "--wait=false")


STORY = [
    [the_mesh_is_installed],
    [the_gateway_api_is_installed_after_the_mesh],
    [the_suite_runs],
    [*map(conforms, TESTS), no_test_is_without_a_check, the_report_says_success],
    [a_route_of_our_own_is_live],
    [a_redirect_leads_there, a_backend_is_asked_for_what_the_rewrite_says, what_no_rule_takes_is_not_found,
     a_missing_backend_without_weight_does_not_hurt, a_missing_backend_is_an_error],
    [another_namespace_is_open_with_a_grant_only],
    [the_status_says_what_is_wrong_and_others_keep_their_part],
]
FINALLY = [everything_is_deleted]
