"""etcd, API server, controller manager and scheduler, on a machine of their own."""

import network
from machine import STATE, Machine
from shell import Failed, run, wait_until

MACHINE = Machine("tulle-control-plane")
ADMIN = STATE / "pki" / "admin.conf"


def start(pki, kubenode):
    start_etcd()
    start_api_server(pki, kubenode)
    pki.kubeconfig("admin", "/O=system:masters/CN=admin")
    wait_until("the API server is ready", 60, api_server_is_ready, log=MACHINE.log_path("api-server"))
    controllers = pki.kubeconfig("controllers", "/CN=system:kube-controller-manager")
    MACHINE.start("controllers", kubenode, "kube-controller-manager", f"--kubeconfig={controllers}",
                  f"--service-account-private-key-file={pki.token_key}", f"--root-ca-file={pki.ca}",
                  "--use-service-account-credentials", "--leader-elect=false")
    scheduler = pki.kubeconfig("scheduler", "/CN=system:kube-scheduler")
    MACHINE.start("scheduler", kubenode, "kube-scheduler", f"--kubeconfig={scheduler}", "--leader-elect=false")


def start_etcd():
    # A test cluster does not outlive its machine, so it need not wait for the disk.
    MACHINE.start("etcd", "etcd", "--data-dir", MACHINE.folder / "etcd", "--unsafe-no-fsync",
                  "--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379",
                  "--listen-peer-urls", "http://127.0.0.1:2380")


def start_api_server(pki, kubenode):
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    addresses = [network.CONTROL_PLANE, network.API_SERVICE, "127.0.0.1"]
    alternative_names = ",".join([f"DNS:{name}" for name in names] + [f"IP:{address}" for address in addresses])
    certificate, key = pki.certificate("api-server", "/CN=kube-apiserver", alternative_names)
    kubelet_certificate, kubelet_key = pki.certificate("kubelet-client", "/O=system:masters/CN=api-server")
    MACHINE.start("api-server", kubenode, "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
                  f"--advertise-address={network.CONTROL_PLANE}", f"--service-cluster-ip-range={network.SERVICES}",
                  f"--client-ca-file={pki.ca}", f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}",
                  f"--kubelet-client-certificate={kubelet_certificate}", f"--kubelet-client-key={kubelet_key}",
                  # Node names resolve nowhere here.
                  "--kubelet-preferred-address-types=InternalIP",
                  "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged",
                  "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                  f"--service-account-key-file={pki.token_public_key}",
                  f"--service-account-signing-key-file={pki.token_key}")


def client(*command):
    """The command line of a client of the API server, to be run by an ordinary process of the host."""
    return MACHINE.inside("env", f"KUBECONFIG={ADMIN}", *command, only_network=True)


def kubectl(*arguments):
    return client(STATE / "bin" / "kubectl", *arguments)


def api_server_is_ready():
    try:
        return run(*kubectl("get", "--raw", "/readyz")) == "ok"
    except Failed:
        return False
