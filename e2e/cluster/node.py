"""A node: containerd, kubelet and kube-proxy on a machine of their own."""

import json
import textwrap

import cgroups
import network
from machine import Machine
from shell import wait_until

PAUSE_IMAGE = "localhost/tulle/pause:1"


def named(index):
    return Machine(f"tulle-node-{index}")


def socket(machine):
    return machine.folder / "containerd.sock"


def start(machine, index, pki, kubenode, proxy_kubeconfig):
    cgroups.make(machine.name)
    start_containerd(machine, index)
    start_kubelet(machine, index, pki, kubenode)
    machine.start("kube-proxy", kubenode, "kube-proxy", f"--kubeconfig={proxy_kubeconfig}",
                  f"--hostname-override={machine.name}", f"--cluster-cidr={network.PODS}", "--proxy-mode=iptables",
                  "--conntrack-max-per-core=0")


def start_containerd(machine, index):
    cni = machine.folder / "cni"
    cni.mkdir()
    (cni / "10-pods.conflist").write_text(json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [{
        "type": "bridge", "bridge": "pods", "isGateway": True, "hairpinMode": True,
        "ipam": {"type": "host-local", "dataDir": str(machine.folder / "addresses"), "routes": [{"dst": "0.0.0.0/0"}],
                 "ranges": [[{"subnet": network.pod_range(index)}]]}}]}))
    config = machine.folder / "containerd.toml"
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE no process may be made less likely to be killed than its parent.
    config.write_text(textwrap.dedent(f"""\
        version = 2
        root = "{machine.folder}/containerd"
        state = "/run/containerd"
        [grpc]
          address = "{socket(machine)}"
        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = "{PAUSE_IMAGE}"
          restrict_oom_score_adj = true
          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "/usr/lib/cni"
            conf_dir = "{cni}"
        """))
    machine.start("containerd", "containerd", "--config", config)
    # The kubelet gives up where nothing listens yet.
    wait_until(f"{machine.name}: containerd listens", 30, socket(machine).exists, log=machine.log_path("containerd"))


def start_kubelet(machine, index, pki, kubenode):
    address = network.node_address(index)
    subject = f"/O=system:nodes/CN=system:node:{machine.name}"
    kubeconfig = pki.kubeconfig(machine.name, subject)
    certificate, key = pki.certificate(f"{machine.name}-server", subject, f"IP:{address},DNS:{machine.name}")
    config = machine.folder / "kubelet.json"
    config.write_text(json.dumps({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{socket(machine)}",
        "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{machine.name}", "failCgroupV1": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False, "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%"},
        "authentication": {"x509": {"clientCAFile": str(pki.ca)}, "webhook": {"enabled": True},
                           "anonymous": {"enabled": False}},
        "authorization": {"mode": "Webhook"}, "tlsCertFile": str(certificate), "tlsPrivateKeyFile": str(key),
        "clusterDNS": [network.DNS_SERVICE], "clusterDomain": "cluster.local", "resolvConf": "",
        # ConfigMaps reach pods when they change, not a minute later.
        "configMapAndSecretChangeDetectionStrategy": "Watch", "syncFrequency": "10s",
        "imageGCHighThresholdPercent": 100,
    }))
    machine.start("kubelet", kubenode, "kubelet", f"--config={config}", f"--kubeconfig={kubeconfig}",
                  f"--hostname-override={machine.name}", f"--node-ip={address}",
                  f"--root-dir={machine.folder / 'kubelet'}")
