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
        parts = [item.encode()] if isinstance(item, str) else contents(item)
        digest.update(b"\0".join(parts) + b"\0")
    return digest.hexdigest()[:12]


def contents(path):
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    return [str(file.relative_to(path.parent)).encode() + b"\0" + file.read_bytes()
            for file in files if file.is_file() and "__pycache__" not in file.parts]


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
