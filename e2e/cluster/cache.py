"""What is built once and kept outside the checkout, under a key made of everything that it was built from."""

import fcntl
import hashlib
import os
import pathlib
import shutil


def root():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    path = pathlib.Path(base) / "tulle"
    path.mkdir(parents=True, exist_ok=True)
    return path


def key(*inputs):
    """Twelve hex digits for strings and for the contents of files and folders (pathlib.Path)."""
    digest = hashlib.sha256()
    for item in inputs:
        files = [item] if isinstance(item, str) or item.is_file() else sorted(f for f in item.rglob("*") if f.is_file())
        for file in files:
            digest.update(file.encode() if isinstance(file, str) else file.name.encode() + b"\0" + file.read_bytes())
            digest.update(b"\0")
    return digest.hexdigest()[:12]


def cached(name, key_text, build):
    """The path of `name` for this key; build(path) makes it first where it is missing.

    build writes to a path of its own that is renamed when it is whole, so an interrupted build leaves nothing that
    looks finished. Two processes never build the same thing twice: the second waits. Older keys are removed.
    """
    path = root() / f"{name}-{key_text}"
    with open(root() / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return path
        unfinished = root() / f".{name}.unfinished"
        remove(unfinished)
        build(unfinished)
        for old in root().glob(f"{name}-" + "?" * 12):
            remove(old)
        unfinished.rename(path)
        return path


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
