"""The pods of the demo: a namespace each, a real nginx where there is an app, and the mesh's own programs as a
cluster would start them: tulle-init with the rights to redirect, tulle-sidecar as uid 1337 with none."""

import os
import secrets
import shutil
import signal
import time

import load
import registry
from netns import Namespace

SIDECAR_UID = 1337
READY_PORT = 15021
CONFIG_PORT = 15010
APP_PORT = 8080
TRUST_DOMAIN = "cluster.local"
START_SECONDS = 15

NGINX_CONF = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path .;
  server {{
    listen 8080;
    location / {{ default_type text/plain; return 200 "{version} {name}\\n"; }}
  }}
}}
"""


class Place:
    """Where a run keeps its files: `folder` is readable for the sidecars' uid, `logs` outlive the run."""

    def __init__(self, folder, logs, programs):
        self.folder, self.logs = folder, logs
        os.chmod(folder, 0o755)
        logs.mkdir(parents=True, exist_ok=True)
        for log in logs.glob("*.log"):
            log.unlink()
        self.bin = folder / "bin"
        self.bin.mkdir()
        # Copies, because the checkout may be where only root can read.
        for name in ("tulle-operator", "tulle-sidecar", "tulle-init"):
            shutil.copy(programs / name, self.bin / name)

    def log(self, name):
        return self.logs / f"{name}.log"

    def directory(self, *names, owner=0, mode=0o755):
        path = self.folder.joinpath(*names)
        path.mkdir(parents=True)
        os.chown(path, owner, owner)
        os.chmod(path, mode)
        return path


class Pod:
    def __init__(self, place, switch, name, address, service_account, version=None):
        self.name, self.address, self.service_account, self.version = name, address, service_account, version
        self.token = secrets.token_urlsafe(24)
        self.namespace = Namespace(name)
        self.processes = []
        self._place = place
        switch.plug(self.namespace, address)
        if version:
            self._start_app()

    @property
    def app(self):
        return "web" if self.version else self.name

    @property
    def workload(self):
        return f"web-{self.version}" if self.version else self.name

    def _start_app(self):
        folder = self._place.directory("pods", self.name, "app")
        (folder / "nginx.conf").write_text(NGINX_CONF.format(version=self.version, name=self.name))
        self._start("app", "nginx", "-e", "stderr", "-p", folder, "-c", "nginx.conf")
        wait_until(lambda: load.call(self.namespace, self.address, APP_PORT, "app").status == 200,
                   f"nginx of {self.name}", self.processes[-1], self._place.log(f"{self.name}-app"))

    def _start(self, program, *arguments, **options):
        log = self._place.log(f"{self.name}-{program}")
        self.processes.append(self.namespace.start(log, *map(str, arguments), **options))

    def manifest(self):
        labels = {"app": self.app, **({"version": self.version} if self.version else {})}
        return registry.pod(self.name, self.workload, self.address, self.service_account, labels,
                            APP_PORT if self.version else None)

    def join_mesh(self, operator_address, trust_bundle):
        """What the webhook makes of a pod: first the redirect rules, then the sidecar."""
        folder = self._place.directory("pods", self.name, "mesh", owner=SIDECAR_UID, mode=0o700)
        (folder / "token").write_text(self.token)
        (folder / "state").mkdir()
        for path in (folder / "token", folder / "state"):
            os.chown(path, SIDECAR_UID, SIDECAR_UID)
        self.namespace.run(self._place.bin / "tulle-init")
        self._start("sidecar", self._place.bin / "tulle-sidecar", uid=SIDECAR_UID, environment={
            "TULLE_POD_NAME": self.name, "TULLE_POD_NAMESPACE": registry.NAMESPACE, "TULLE_POD_IP": self.address,
            "TULLE_NODE_NAME": "demo", "TULLE_SERVICE_ACCOUNT": self.service_account,
            "TULLE_WORKLOAD": self.workload, "TULLE_TRUST_DOMAIN": TRUST_DOMAIN,
            "TULLE_OPERATOR": f"{operator_address}:{CONFIG_PORT}", "TULLE_TRUST_BUNDLE": trust_bundle,
            "TULLE_TOKEN_FILE": str(folder / "token"), "TULLE_CONFIG_FILE": str(folder / "config.json"),
            "TULLE_STATE_DIR": str(folder / "state"), "TULLE_PROBES": "{}",
        })

    def wait_until_ready(self, caller):
        """Asks as the kubelet does: from outside the pod."""
        wait_until(lambda: load.call(caller, self.address, READY_PORT, "probe", "/ready").status == 200,
                   f"the sidecar of {self.name}", self.processes[-1], self._place.log(f"{self.name}-sidecar"))

    def kill(self):
        """As when the machine takes it away: no goodbye, not even from the app."""
        stop(self.processes, signal.SIGKILL)


class Operator:
    def __init__(self, place, switch, address, registry_folder, pods):
        self.address = address
        self.namespace = Namespace("operator")
        self._place = place
        switch.plug(self.namespace, address)
        self._ca = place.directory("ca", mode=0o700)
        tokens = place.folder / "tokens"
        lines = [f"{pod.token} {registry.NAMESPACE} {pod.service_account} {pod.name}\n" for pod in pods]
        tokens.write_text("".join(lines))
        tokens.chmod(0o600)
        self.process = self.namespace.start(
            place.log("operator"), place.bin / "tulle-operator", f"--registry=dir:{registry_folder}",
            f"--tokens={tokens}", f"--ca-dir={self._ca}", f"--trust-domain={TRUST_DOMAIN}")
        wait_until(self.trust_bundle, "the operator's certificate authority", self.process, place.log("operator"))

    def trust_bundle(self):
        certificate = self._ca / "ca.crt"
        return certificate.read_text() if certificate.exists() else ""


def wait_until(condition, what, process, log):
    """Waits for something that `process` brings about, and says what its log says if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        ended = process.poll()
        if ended is not None or time.monotonic() > deadline:
            why = f"did not come up in {START_SECONDS} s" if ended is None else f"ended with status {ended}"
            tail = log.read_text(errors="replace").splitlines()[-15:]
            raise RuntimeError("\n  ".join([f"{what}: {why}; {log} ends with:", *tail]))
        time.sleep(0.02)


def stop(processes, how=signal.SIGTERM):
    for process in processes:
        if process.poll() is None:
            process.send_signal(how)
    for process in processes:
        try:
            process.wait(timeout=5)
        except Exception:
            process.kill()
            process.wait()
