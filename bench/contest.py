"""Peers against each other: rounds are interleaved, so that a slow minute of the machine hits all of them."""

import os
import platform
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import clients
import downloads
import processes
from downloads import say
from origin import Origin
from peers import Certificates
from peers.direct import Direct
from peers.envoy import Envoy
from peers.haproxy import Haproxy
from peers.nginx import Nginx
from peers.tulle import Tulle

PEERS = {peer.name: peer for peer in (Direct(), Tulle(), Envoy("h1"), Envoy("h2"), Haproxy(), Nginx())}
WARM_SECONDS = 1
BETWEEN_IS_FIXED = ("h2", "grpc", "tcp")  # modes in which both kinds of Envoy would be the same


def run(chosen_cases, names, rounds, seconds, directory):
    """{case: {peer: [one run per round]}}; a run that failed says why."""
    if any(case.rate for case in chosen_cases) and "direct" not in names:
        names = ["direct", *names]
    certificates = Certificates(os.path.join(directory, "ca"))
    origin = Origin(directory, grpc=any(case.mode == "grpc" for case in chosen_cases))
    runs = {case.name: {} for case in chosen_cases}
    try:
        for number in range(1, rounds + 1):
            for case in chosen_cases:
                for name in names:
                    if name == "envoy-h2" and case.mode in BETWEEN_IS_FIXED:
                        continue
                    result = attempt(case, PEERS[name], origin, certificates, directory, seconds)
                    runs[case.name].setdefault(name, []).append(result)
                    say(f"round {number}/{rounds} {case.name} {name}: {line(result)}")
    finally:
        origin.stop()
    return runs


def attempt(case, peer, origin, certificates, directory, seconds):
    """Whatever goes wrong with one peer is a result of that peer; the others go on."""
    with tempfile.TemporaryDirectory(dir=directory) as home:
        os.chmod(home, 0o755)
        try:
            running = peer.start(case.mode, origin, certificates, home)
        except Exception as error:  # pylint: disable=broad-except
            return {"failed": f"{peer.name} does not start: {error}"}
        try:
            return measure(case, running, seconds, home)
        except Exception as error:  # pylint: disable=broad-except
            return {"failed": str(error)}
        finally:
            running.stop()


def measure(case, running, seconds, home):
    for program in running.programs:
        if isinstance(program, processes.Program):
            program.wait_for(running.inbound if program is running.programs[-1] else running.outbound)
    if case.mode in ("h1", "tcp"):
        wait_for_answer(f"http://{running.outbound}/")
    idle = running.pids_of_each()
    result = {"idle_mb": megabytes(idle)}
    tool = clients.tool_for(case)
    tool(case, running.outbound, WARM_SECONDS, home)
    pids = running.pids()
    before = processes.cpu_seconds(pids)
    made = tool(case, running.outbound, seconds, home)
    spent = processes.cpu_seconds(pids) - before
    result.update(rps=made.rps, p50=made.p50, p99=made.p99, errors=made.errors, answered=made.answered,
                  megabytes_per_second=made.bytes_per_second / 1e6 if case.path == "/1m" else None,
                  cpu_us=spent * 1e6 / made.answered if pids else None,
                  resident_mb=megabytes(running.pids_of_each()))
    return result


def wait_for_answer(url, seconds=10):
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                reply.read()
                return
        except urllib.error.HTTPError as error:
            raise clients.LoadFailed(f"{error}: {error.headers.get('x-tulle-reason', '')}") from error
        except OSError as error:
            if time.monotonic() > deadline:
                raise clients.LoadFailed(f"no good answer within {seconds} s: {error}") from error
            time.sleep(0.05)


def megabytes(pids_of_each):
    """Memory of one proxy: the mean over the pair."""
    if not pids_of_each:
        return None
    return sum(processes.resident_bytes(pids) for pids in pids_of_each) / len(pids_of_each) / 1e6


def line(result):
    if "failed" in result:
        return "failed: " + " ".join(result["failed"].split())[:200]
    cpu = f", {result['cpu_us']:.1f} us CPU per request" if result["cpu_us"] else ""
    return f"{result['rps']:,.0f}/s, p50 {result['p50']:.0f} us, p99 {result['p99']:.0f} us{cpu}, " \
           f"{result['errors']} errors"


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = next((row.split(":", 1)[1].strip() for row in file if row.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()[0],
            "nginx": version("nginx", "-v"), "haproxy": version("haproxy", "-v"), "envoy": downloads.ENVOY}


def version(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return re.search(r"\d+\.[\w.+-]+", done.stdout + done.stderr).group()
