"""Our own pair, with everything on that a mesh has: metrics, identities checked, an access rule that names the caller,
retries and timeouts. The access log is off, as it is in the peers."""

import os

import pair
from peers import ADDRESS, Running

ALLOW = {"name": "shop/bench#0", "action": "Allow", "from": [{"identities": [pair.A_IDENTITY]}], "to": []}
WEB = {"name": "shop/web", "mtls": "Strict", "rules": [ALLOW]}
POLICY = {"connectTimeout": "1s", "requestTimeout": "30s", "retry": {"attempts": 2, "perTryTimeout": "10s"}}
SERVICE = "10.9.9.9:80"
# A sidecar calls an endpoint on its own pod without TLS, so the two are different pods that listen on one address.
POD_IPS = {"a": "10.9.0.1", "b": "10.9.0.2"}


class Sidecar(pair.Sidecar):
    @property
    def pid(self):
        return self.process.pid


class Tulle:
    name = "tulle"

    def __init__(self, workers=1):
        self.workers = workers

    def start(self, mode, origin, certificates, directory):
        return self.start_before(origin.address(mode), mode, certificates, directory)

    def start_before(self, backend, mode, certificates, directory):
        """Both sidecars with loopback in place of redirect rules: what reaches A is taken to go to SERVICE, whose one
        endpoint is B; what reaches B is taken to go to `backend`."""
        root = certificates.authority.root
        protocol = "TCP" if mode == "tcp" else "Detect"
        port = {"port": int(backend.rsplit(":", 1)[1]), "protocol": protocol}
        b = self.sidecar(directory, "b", certificates.of_mesh["b"],
                         pair.document(root, {**WEB, "ports": [port]}, {}), inbound_to=backend)
        endpoints = [(ADDRESS, b.ports["inbound"], pair.B_IDENTITY)]
        resources = pair.service_resources(endpoints, policy=POLICY, protocol=protocol)
        try:
            a = self.sidecar(directory, "a", certificates.of_mesh["a"],
                             pair.document(root, {"name": "shop/client"}, resources), outbound_to=SERVICE)
        except BaseException:
            b.stop()
            raise
        return Running(f"{ADDRESS}:{a.ports['outbound']}", f"{ADDRESS}:{b.ports['inbound']}", [a, b])

    def sidecar(self, directory, name, leaf, document, **flags):
        home = os.path.join(directory, name)
        with open(leaf.root, encoding="ascii") as file:
            root = file.read()
        return Sidecar(home, ADDRESS, leaf.certificate, leaf.key, root, document, log_all=False,
                       workload={"a": "client", "b": "web"}[name], workers=self.workers,
                       pod_ip=POD_IPS[name], **flags)
