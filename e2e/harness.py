"""What a scenario can do with the cluster. Everything that can fail raises Failed with the command and its error."""

import base64
import json
import re
import subprocess
import time

import artifacts  # makes cluster/ importable
import backend
from shell import Failed

INSTALL = artifacts.ROOT / "manifests" / "install.yaml"


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

    def install_mesh(self):
        self.wait_until("a mesh that is being removed is gone", 60, lambda: self.nothing_goes("tulle-system"))
        self.apply(INSTALL)
        self.rolled_out("tulle-system", "deployment/tulle-operator", "deployment/tulle-webhook")

    def nothing_goes(self, *namespaces, suffix=".tulle.dev"):
        """Whether none of them is being deleted, and no kind whose name ends in suffix."""
        going = [thing["metadata"]["name"] for thing in self.get(None, "namespaces,customresourcedefinitions")
                 if "deletionTimestamp" in thing["metadata"]]
        return not any(name in namespaces or name.endswith(suffix) for name in going)

    def wait_until_live(self, namespace, kind, name):
        """Until every sidecar acts by the newest generation of an object."""
        self.kubectl("wait", "-n", namespace, f"{kind}/{name}", "--for=condition=Live", "--timeout=30s")
        found = self.get(namespace, kind, name)
        seen, generation = condition(found, "Live").get("observedGeneration"), found["metadata"]["generation"]
        expect(seen == generation, f"{kind} {name}: Live is about generation {seen}, it is at {generation}")

    def beside_processes(self, namespace, pod, container, script):
        """Runs a shell script by the hands (a privileged pod) on a pod's node, with the container's processes as $@."""
        found = self.get(namespace, "pod", pod)
        states = found["status"]["containerStatuses"] + found["status"].get("initContainerStatuses", [])
        identifier = next(c for c in states if c["name"] == container)["containerID"].rpartition("/")[2]
        hands = next(p["metadata"] for p in self.get(None, "pod", selector="app=hands", everywhere=True)
                     if p["spec"]["nodeName"] == found["spec"]["nodeName"] and "deletionTimestamp" not in p["metadata"])
        processes = f"set -- $(grep -ls {identifier} /proc/[0-9]*/cgroup | cut -d/ -f3)"
        return self.execute(hands["namespace"], hands["name"], "sh", "-c", f"{processes}; {script}")

    def kill_container(self, namespace, pod, container):
        """As a crash would."""
        self.beside_processes(namespace, pod, container, 'kill -9 "$@"')

    def memory_kib(self, namespace, pod, container):
        """Of the container's only process: resident now, and at most since it began."""
        said = self.beside_processes(namespace, pod, container, "cat /proc/$1/status")
        sizes = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB$", said, re.MULTILINE))
        return int(sizes["VmRSS"]), int(sizes["VmHWM"])


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
