"""The backend for a machine where Docker and `kind` work already."""

import json
import pathlib
import shutil
import subprocess
import tempfile

import cache
from shell import run, step

NAME = "tulle-e2e"


def kubeconfig():
    return cache.root() / "kind.conf"


def up(node_count):
    down()
    step(f"cluster: kind with {node_count} nodes")
    roles = [{"role": "control-plane"}] + [{"role": "worker"}] * node_count
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({"apiVersion": "kind.x-k8s.io/v1alpha4", "kind": "Cluster", "nodes": roles}, config)
        config.flush()
        run("kind", "create", "cluster", "--quiet", "--name", NAME, "--config", config.name,
            "--kubeconfig", kubeconfig(), "--wait", "180s")


def down():
    if shutil.which("kind"):
        subprocess.run(["kind", "delete", "cluster", "--name", NAME], capture_output=True)
    kubeconfig().unlink(missing_ok=True)


def running():
    return kubeconfig().exists()


def client(*command):
    return ["env", f"KUBECONFIG={kubeconfig()}", *map(str, command)]


def kubectl(*arguments):
    return client("kubectl", *arguments)


def load(archives):
    for archive in archives:
        run("kind", "load", "image-archive", "--name", NAME, pathlib.Path(archive))
