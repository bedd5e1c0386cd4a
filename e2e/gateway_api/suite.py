"""The public conformance suite of the Gateway API and what it puts into a cluster, built from their Go modules.

One folder holds it: program, the suite; crds/, the definitions of the same version, which it insists on; image, the
name of the image that its pods run.
"""

import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))

import cache  # noqa: E402
import golang  # noqa: E402
import images  # noqa: E402
from shell import run  # noqa: E402

MODULE = "sigs.k8s.io/gateway-api"


def folder():
    def build(go, path):
        path.mkdir()
        go("test", "-c", "-trimpath", "-ldflags", "-s -w", "-o", path / "program", ".")
        shutil.copytree(folder_of(go, MODULE) / "config/crd/standard", path / "crds")
        pods = (folder_of(go, f"{MODULE}/conformance") / "mesh/manifests.yaml").read_text()
        (image,) = set(re.findall(r"image: (\S+)", pods))
        (path / "image").write_text(image)

    return golang.built("gateway-api-suite", HERE / "conformance", 4, build)


def folder_of(go, module):
    return pathlib.Path(go("list", "-m", "-f", "{{.Dir}}", module, log=None).strip())


def echo():
    """The root of the image that the suite's pods run: Istio's echo application, with a certificate of its own."""
    def build(go, path):
        programs = path / "usr/local/bin"
        programs.mkdir(parents=True)
        go("build", "-trimpath", "-ldflags", "-s -w", "-o", f"{programs}/", "tool")
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=echo",
            "-keyout", path / "cert.key", "-out", path / "cert.crt")

    return golang.built("gateway-api-echo", HERE / "echo", 3, build)


def archive():
    image, root = (folder() / "image").read_text(), echo()

    def build(path):
        images.commit(image, "scratch", folder=root, entry_point="/usr/local/bin/server")
        images.archive([image], path)

    return cache.cached("gateway-api-image", cache.key(image, root.name), build)
