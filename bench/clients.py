"""The clients that make load, each behind run(case, address, seconds, directory) -> Load, and what they print, read."""

import base64
import dataclasses
import json
import os
import re
import subprocess

import downloads

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
BYTES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


@dataclasses.dataclass
class Load:
    """One run. Latencies are in microseconds; `answered` counts good answers, `errors` everything else."""

    answered: int
    errors: int
    rps: float
    p50: float
    p99: float
    bytes_per_second: float = 0.0


class LoadFailed(Exception):
    pass


def run_tool(arguments, seconds):
    """What a load tool says; it is ended when it takes much longer than it was told to."""
    try:
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=seconds + 20)
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"{arguments[0]} did not end") from error
    if done.returncode != 0:
        raise LoadFailed(f"{arguments[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-300:]}")
    return done.stdout


def quantity(text, units):
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()
    return float(number) * units[unit]


def percentile(ordered, share):
    """The smallest value that `share` of all values do not exceed. `ordered` is ascending."""
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


def wrk(case, address, seconds, _directory):
    arguments = ["wrk", "--threads=1", f"--connections={case.connections}", f"--duration={seconds}s", "--latency",
                 "--timeout=10s"]
    if case.close:
        arguments.append("--header=Connection: close")
    return read_wrk(run_tool([*arguments, f"http://{address}{case.path}"], seconds))


def read_wrk(text):
    def find(pattern, otherwise=None):
        found = re.search(pattern, text)
        if not found and otherwise is None:
            raise LoadFailed(f"wrk says nothing like '{pattern}': {text[-300:]}")
        return found.groups() if found else otherwise
    requests, duration = find(r"(\d+) requests in ([\d.]+\w+),")
    bad = int(find(r"Non-2xx or 3xx responses: (\d+)", ("0",))[0])
    sockets = find(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", ("0",))
    answered = int(requests) - bad
    if not answered:
        raise LoadFailed(f"no good answer; {bad} bad ones, socket errors {' '.join(sockets)}")
    latency = {share: quantity(find(rf"\s{share}%\s+([\d.]+\w+)")[0], SECONDS) * 1e6 for share in (50, 99)}
    return Load(answered=answered, errors=bad + sum(map(int, sockets)),
                rps=answered / quantity(duration, SECONDS), p50=latency[50], p99=latency[99],
                bytes_per_second=quantity(find(r"Transfer/sec:\s+([\d.]+\w+)")[0], BYTES))


def h2load(case, address, seconds, directory):
    """At a rate, connections start evenly spaced, so that their requests do not come in bursts."""
    log = os.path.join(directory, "h2load.log")
    with open(log, "w", encoding="ascii"):  # h2load would append
        pass
    arguments = ["h2load", "--threads=1", f"--clients={case.connections}", f"--max-concurrent-streams={case.streams}",
                 f"--log-file={log}", "--connection-inactivity-timeout=15"]
    if case.mode in ("h1", "tcp"):
        arguments.append("--h1")
    if case.rate:
        spacing_ms = max(1, round(1000 / case.rate))
        arguments += [f"--requests={int(case.rate * seconds)}", f"--rps={case.rate / case.connections}", "--rate=1",
                      f"--rate-period={spacing_ms}ms"]
    else:
        arguments.append(f"--duration={seconds}")
    said = run_tool([*arguments, f"http://{address}{case.path}"], seconds)
    with open(log, encoding="ascii") as file:
        return read_h2load(said, file)


def read_h2load(said, log):
    """`log` has a line of start (us), status and time (us) for each request."""
    seconds, unit = re.search(r"finished in ([\d.]+)(\w+),", said).groups()
    done, failed = map(int, re.search(r"requests: .* (\d+) done, .* (\d+) failed", said).groups())
    times, bad = [], 0
    for line in log:
        _, status, microseconds = line.split("\t")[:3]
        if status.startswith("2"):
            times.append(int(microseconds))
        else:
            bad += 1
    if not times:
        raise LoadFailed(f"no good answer; {max(bad, failed)} bad ones")
    times.sort()
    moved = re.search(r"finished in .*, ([\d.]+\w+)/s", said).group(1)
    return Load(answered=len(times), errors=max(bad, failed, done - len(times)),
                rps=len(times) / (float(seconds) * SECONDS[unit]), p50=percentile(times, 0.5),
                p99=percentile(times, 0.99), bytes_per_second=quantity(moved, BYTES))


def ghz(case, address, seconds, _directory):
    text = base64.b64encode(b"x" * 128).decode()
    arguments = [downloads.ghz(), "--insecure", "--proto", os.path.join(HERE, "grpc_echo", "echo.proto"), "--call",
                 "bench.Echo.Say", "--data", json.dumps({"text": text}), f"--connections={case.connections}",
                 f"--concurrency={case.connections * case.streams}", f"--duration={seconds}s", "--duration-stop=wait",
                 f"--rps={case.rate}", "--format=json", "--timeout=10s"]
    return read_ghz(run_tool([*arguments, address], seconds))


def read_ghz(text):
    said = json.loads(text)
    answered = said.get("statusCodeDistribution", {}).get("OK", 0)
    if not answered:
        raise LoadFailed(f"no good answer; {said.get('errorDistribution')}")
    latency = {row["percentage"]: row["latency"] / 1e3 for row in said["latencyDistribution"]}
    return Load(answered=answered, errors=said["count"] - answered, rps=answered / (said["total"] / 1e9),
                p50=latency[50], p99=latency[99])


def tool_for(case):
    if case.mode == "grpc":
        return ghz
    if case.mode == "h2" or case.rate:
        return h2load
    return wrk
