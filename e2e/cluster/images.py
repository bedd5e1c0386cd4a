"""Images without a registry and without Docker: buildah on a base that debootstrap makes, both from this machine's
own package sources, so nothing here has to know where packages come from."""

import hashlib
import json
import os
import shutil

import cache
from shell import Failed, retry, run, step

SUITE = "bookworm"
BASE = "localhost/tulle/base:12"
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What a program needs to be in the base is less than what Debian thinks a person needs.
UNUSED = ["usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "var/lib/apt/lists", "var/cache/apt"]


def buildah(*arguments, log=None):
    store = cache.root() / "buildah"
    # TMPDIR is where buildah keeps the folders of RUN --mount=type=cache.
    scratch = cache.root() / "buildah-tmp"
    scratch.mkdir(exist_ok=True)
    env = dict(os.environ, BUILDAH_ISOLATION="chroot", STORAGE_DRIVER=storage_driver(store), TMPDIR=str(scratch))
    return run("buildah", "--root", store, "--runroot", "/run/tulle-buildah", *arguments, env=env, log=log)


def storage_driver(store):
    """overlay keeps one copy of each layer; vfs, a copy per image, works where there is no overlay file system."""
    chosen = store / "driver"
    if not chosen.exists():
        store.mkdir(parents=True, exist_ok=True)
        chosen.write_text("overlay" if overlay_works(store) else "vfs")
    return chosen.read_text()


def overlay_works(folder):
    trial = folder / "trial"
    for part in ("lower", "upper", "work", "merged"):
        (trial / part).mkdir(parents=True, exist_ok=True)
    options = ",".join(f"{part}dir={trial / part}" for part in ("lower", "upper", "work"))
    try:
        run("mount", "-t", "overlay", "overlay", "-o", options, trial / "merged")
        run("umount", trial / "merged")
        return True
    except Failed:
        return False
    finally:
        shutil.rmtree(trial)


def base():
    """The name of the Debian base image, made first where buildah does not have it yet."""
    rootfs = cache.cached("rootfs", cache.key(SUITE, SEARCH_PATH, *UNUSED), debootstrap)
    name = f"{BASE}-{rootfs.name.removeprefix('rootfs-')}"
    if not exists(name):
        commit(name, "scratch", folder=rootfs)
    return name


def commit(name, parent, folder=None, program=None, entry_point=None):
    """An image of one layer on parent: the contents of a folder, or a program that is its entry point."""
    container = buildah("from", "--pull-never", parent).strip()
    if folder:
        buildah("add", "--quiet", container, folder, "/")
        buildah("config", "--env", f"PATH={SEARCH_PATH}", "--cmd", '["sleep", "infinity"]', container)
    if program:
        buildah("copy", "--quiet", container, program, "/program")
        entry_point = "/program"
    if entry_point:
        buildah("config", "--cmd", "", "--entrypoint", json.dumps([entry_point]), container)
    buildah("commit", "--quiet", "--rm", container, name)


def debootstrap(path):
    step("images: debootstrap a Debian base (half a minute, once)")
    log = cache.root() / "log" / "debootstrap.log"

    def attempt():
        shutil.rmtree(path, ignore_errors=True)
        run("debootstrap", "--variant=minbase", SUITE, path, mirror(), log=log)

    retry("debootstrap", 3, attempt)
    for unused in UNUSED:
        shutil.rmtree(path / unused, ignore_errors=True)
    # apt refuses to start without these two; the sources come from this machine at build time, see build().
    (path / "var/lib/apt/lists/partial").mkdir(parents=True)
    (path / "var/cache/apt/archives/partial").mkdir(parents=True)
    (path / "etc/apt/sources.list").write_text("")


def mirror():
    found = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {SUITE}")
    if not found:
        raise Failed(f"apt on this machine has no source for {SUITE}; see `apt-get indextargets`")
    return found.split()[0]


def exists(name):
    try:
        buildah("inspect", "--type", "image", name)
        return True
    except Failed:
        return False


def build(name, dockerfile, context, target=None, arguments=(), volumes=()):
    """Builds one image on the base; apt in it uses this machine's sources. Unchanged layers are not built again."""
    options = ["--layers", "--network", "host", "--pull-never", "--volume", f"{copy_of_apt()}:/etc/apt"]
    options += [f"--volume={host}:{inside}" for host, inside in volumes]
    options += [f"--build-arg={argument}" for argument in (f"BASE={base()}", *arguments)]
    options += ["--target", target] if target else []
    log = cache.root() / "log" / f"image-{name.split('/')[-1].split(':')[0]}.log"
    log.unlink(missing_ok=True)
    buildah("rm", "--all")  # what an interrupted build left mounted
    buildah("bud", *options, "--tag", name, "--file", dockerfile, context, log=log)


def copy_of_apt():
    """This machine's sources of packages. Some packages write there when they are installed."""
    folder = cache.root() / "apt"
    shutil.rmtree(folder, ignore_errors=True)
    return shutil.copytree("/etc/apt", folder)


def archive(names, path):
    """Writes images to one OCI archive: layers uncompressed (they travel from one folder to another), each once."""
    layout = path.with_suffix(".layout")
    shutil.rmtree(layout, ignore_errors=True)
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifests = [add_to_layout(name, layout, blobs) for name in names]
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    run("tar", "-C", layout, "-cf", path, ".")
    shutil.rmtree(layout)


def add_to_layout(name, layout, blobs):
    """Adds one image; returns its entry in the index."""
    image = layout / "image"
    buildah("push", "--quiet", "--disable-compression", name, f"dir:{image}")
    (image / "version").unlink()
    manifest = (image / "manifest.json").read_bytes()
    digest = hashlib.sha256(manifest).hexdigest()
    (image / "manifest.json").rename(image / digest)
    for blob in image.iterdir():
        blob.replace(blobs / blob.name)
    image.rmdir()
    return {"mediaType": json.loads(manifest)["mediaType"], "digest": f"sha256:{digest}", "size": len(manifest),
            "annotations": {"org.opencontainers.image.ref.name": name}}
