"""The one place that knows that there are two kinds of cluster: `kind`, where it and Docker work, else namespaces.

A backend is a module with up(node_count), down(), running(), load(archives), and two that make command lines:
kubectl(*arguments), and client(*command) for another program that finds the cluster by KUBECONFIG.
"""

import os
import shutil
import subprocess

import kind
import namespaces


def chosen():
    """The backend of the running cluster; where none runs, the one that TULLE_CLUSTER names, or the best one here."""
    for backend in (namespaces, kind):
        if backend.running():
            return backend
    wanted = os.environ.get("TULLE_CLUSTER") or ("kind" if kind_works() else "namespaces")
    return {"kind": kind, "namespaces": namespaces}[wanted]


def kind_works():
    if not shutil.which("kind") or not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
