"""The backend that needs nothing but this machine: a real Kubernetes whose machines are sets of namespaces."""

import json
import os
import shutil
import subprocess
import threading

import cache
import control_plane
import golang
import images
import network
import node
from machine import STATE, Machine
from pki import Pki
from shell import Failed, run, step, wait_until

DNS_IMAGE = "localhost/tulle/coredns:1"
DNS = golang.HERE / "dns.yaml"


def up(node_count):
    if os.geteuid() != 0:
        raise Failed("network namespaces and mounts need root")
    down()
    kubenode, system_images = golang.kubenode(), system_image_archive()
    step(f"cluster: start the control plane and {node_count} nodes")
    (STATE / "bin").mkdir(parents=True)
    (STATE / "bin" / "kubectl").symlink_to(kubenode)
    nodes = [node.named(index) for index in range(1, node_count + 1)]
    for machine in (control_plane.MACHINE, *nodes):
        machine.switch_on()
    network.connect(control_plane.MACHINE, nodes)
    pki = Pki(STATE / "pki")
    control_plane.start(pki, kubenode)
    proxy = pki.kubeconfig("proxy", "/CN=system:kube-proxy")
    for index, machine in enumerate(nodes, 1):
        node.start(machine, index, pki, kubenode, proxy)
    load([system_images])
    wait_until("all nodes are ready", 90, lambda: ready_nodes() == node_count, log=nodes[0].log_path("kubelet"))
    step("cluster: start DNS")
    run(*kubectl("apply", "-f", DNS))
    run(*kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=90s"))


def down():
    for machine in machines():
        machine.switch_off()
    if STATE.exists():
        shutil.rmtree(STATE)


def machines():
    """Those of the cluster that runs, or of one that was left behind."""
    return [Machine(folder.name) for folder in sorted(STATE.glob("tulle-*"))]


def running():
    return control_plane.MACHINE.pid() is not None


def client(*command):
    return control_plane.client(*command)


def kubectl(*arguments):
    return control_plane.kubectl(*arguments)


def load(archives):
    nodes = [machine for machine in machines() if machine != control_plane.MACHINE and node.socket(machine).exists()]
    failures = []

    def load_into(machine):
        for archive in archives:
            try:
                run("ctr", "--address", node.socket(machine), "--namespace", "k8s.io", "images", "import", archive)
            except Failed as failure:
                failures.append(failure)

    threads = [threading.Thread(target=load_into, args=[machine]) for machine in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def ready_nodes():
    listed = json.loads(run(*kubectl("get", "nodes", "-o", "json")))["items"]
    return sum(condition["type"] == "Ready" and condition["status"] == "True"
               for item in listed for condition in item["status"].get("conditions", []))


def system_image_archive():
    """What every cluster needs: the pods' sandbox and DNS."""
    coredns, base = golang.coredns(), images.base()

    def build(path):
        images.commit(node.PAUSE_IMAGE, base)
        images.commit(DNS_IMAGE, "scratch", program=coredns)
        images.archive([node.PAUSE_IMAGE, DNS_IMAGE], path)

    return cache.cached("system-images", cache.key(base, coredns.name), build)
