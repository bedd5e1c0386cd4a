"""What a scenario can do with the cluster. Everything that can fail raises Failed with the command and its error."""

import base64
import json
import subprocess
import time

import artifacts  # noqa: F401  (makes cluster/ importable)
import backend
from shell import Failed


def expect(holds, otherwise):
    if not holds:
        raise Failed(otherwise)


class Cluster:
    def __init__(self):
        self.backend = backend.chosen()

    def kubectl(self, *arguments, stdin=None, timeout_seconds=90):
        """Standard output of kubectl."""
        command = self.backend.kubectl(*arguments)
        try:
            done = subprocess.run(command, input=stdin, text=True, capture_output=True, timeout=timeout_seconds)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"kubectl {' '.join(map(str, arguments))}: nothing after {timeout_seconds} s") from late
        if done.returncode != 0:
            said = (done.stderr.strip() + "\n" + done.stdout.strip()).strip()
            raise Failed(f"kubectl {' '.join(map(str, arguments))}: {said}")
        return done.stdout

    def apply(self, manifest):
        """manifest: a path, or the text itself."""
        if "\n" in str(manifest):
            return self.kubectl("apply", "-f", "-", stdin=manifest)
        return self.kubectl("apply", "-f", manifest)

    def refusal(self, manifest):
        """What kubectl says when it applies a manifest that must not be taken."""
        try:
            self.apply(manifest)
        except Failed as failure:
            return str(failure)
        raise Failed(f"this was taken, and should have been refused:\n{manifest}")

    def get(self, namespace, kind, name=None, selector=None, everywhere=False):
        """An object, or a list of objects where there is no name."""
        where = ["-n", namespace] if namespace else ["-A"] if everywhere else []
        which = [name] if name else ["-l", selector] if selector else []
        found = json.loads(self.kubectl("get", kind, "-o", "json", *where, *which))
        return found if name else found["items"]

    def rolled_out(self, namespace, *names, timeout_seconds=90):
        for name in names:
            self.kubectl("rollout", "status", "-n", namespace, name, f"--timeout={timeout_seconds}s",
                         timeout_seconds=timeout_seconds + 10)

    def execute(self, namespace, pod, *command, container=None, timeout_seconds=60):
        where = ["-n", namespace, pod, *(["-c", container] if container else [])]
        return self.kubectl("exec", *where, "--", *command, timeout_seconds=timeout_seconds)

    def load(self, namespace, pod, url, **options):
        """Runs workloads/load.py in a pod, options as its flags; returns what it counted."""
        flags = [f"--{name}={value}" for name, value in options.items()]
        limit = options.get("duration", 0) + 90
        return json.loads(self.execute(namespace, pod, "python3", "/opt/load.py", f"--url={url}", *flags,
                                       timeout_seconds=limit))

    def curl(self, namespace, pod, url, *options):
        """Status, lower-case headers and body of one request; status 0 where there was no HTTP answer."""
        script = ["curl", "--silent", "--show-error", "--max-time", "10", "--include", *options, url]
        try:
            text = self.execute(namespace, pod, *script)
        except Failed as failure:
            return 0, {}, str(failure)
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        first, *lines = head.split("\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(first.split()[1]), headers, body

    def wait_until(self, what, timeout_seconds, condition):
        """Polls; condition returns what was waited for, or nothing, or raises Failed while it is not so yet."""
        deadline, last = time.monotonic() + timeout_seconds, ""
        while time.monotonic() < deadline:
            try:
                if found := condition():
                    return found
            except Failed as failure:
                last = f": {failure}"
            time.sleep(0.25)
        raise Failed(f"{what}: not so after {timeout_seconds} s{last}")

    def kill_container(self, namespace, pod, container):
        """Kills a container's processes as a crash would, by the hands (a privileged pod) on its node."""
        status = self.get(namespace, "pod", pod)["status"]
        found = status["containerStatuses"] + status.get("initContainerStatuses", [])
        identifier = next(c for c in found if c["name"] == container)["containerID"].rpartition("/")[2]
        node = self.get(namespace, "pod", pod)["spec"]["nodeName"]
        hands = next(p for p in self.get("outside", "pod", selector="app=hands") if p["spec"]["nodeName"] == node)
        script = f"kill -9 $(grep -ls {identifier} /proc/[0-9]*/cgroup | cut -d/ -f3)"
        self.execute("outside", hands["metadata"]["name"], "sh", "-c", script)


def is_ready(pod):
    conditions = {c["type"]: c["status"] for c in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True"


def condition(thing, kind):
    """A condition of an object's status, {} where it has none of that kind yet."""
    found = thing.get("status", {}).get("conditions", [])
    return next((c for c in found if c["type"] == kind), {})


def no_failures(load, what):
    expect(load["requests"] > 0, f"{what}: no requests were sent: {load}")
    expect(load["failed"] == 0, f"{what}: {load['failed']} of {load['requests']} requests failed: {json.dumps(load)}")


def text_of_secret(secret, key):
    return base64.b64decode(secret["data"][key]).decode()
