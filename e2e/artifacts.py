"""The images that the scenarios run, built from this checkout: the mesh's own and the workloads'."""

import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "e2e" / "cluster"))

import cache  # noqa: E402
import images  # noqa: E402
from shell import run, step  # noqa: E402

VERSION = "0.1.0"
MESH_IMAGES = {part: f"docker.io/tulle/{part}:{VERSION}" for part in ("operator", "webhook", "sidecar", "init")}
WORKLOAD_IMAGE = "localhost/tulle/workload:1"
WORKLOADS = ROOT / "e2e" / "workloads"
SOURCES = ["CMakeLists.txt", "CMakePresets.json", "Dockerfile", "cmake", "lib", "operator", "webhook", "sidecar"]


def mesh_archive():
    """All of the mesh's images, by the Dockerfile that users build from."""
    def build(path):
        sources = snapshot()
        for part, name in MESH_IMAGES.items():
            step(f"images: {part}")
            images.build(name, sources / "Dockerfile", sources, target=part, volumes=compiler_cache())
        images.archive(MESH_IMAGES.values(), path)

    return cache.cached("mesh-images", cache.key(images.base(), *(ROOT / source for source in SOURCES)), build)


def snapshot():
    """What is edited while the images are built, which takes minutes, is in none of them, and not compiled twice."""
    folder = cache.root() / "sources"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for source in SOURCES:
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy2
        copy(ROOT / source, folder / source)
    return folder


def compiler_cache():
    """This machine's own: the same sources compiled here by the release preset are not compiled again."""
    folder = pathlib.Path(run("ccache", "--get-config", "cache_dir").strip())
    folder.mkdir(parents=True, exist_ok=True)
    return [(folder, "/ccache")]


def workload_archive():
    def build(path):
        step("images: workloads (nginx, databases, Python, gRPC, curl)")
        images.build(WORKLOAD_IMAGE, WORKLOADS / "Dockerfile", WORKLOADS)
        images.archive([WORKLOAD_IMAGE], path)

    return cache.cached("workload-image", cache.key(WORKLOADS, images.base()), build)
