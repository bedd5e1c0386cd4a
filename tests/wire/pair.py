"""A pair of real sidecars on loopback, without an operator: certificates and config are laid into their folders.

    with Pair(backend_port) as pair:
        pair.request(b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")

A client talks to pair.outbound as an app would after the redirect; sidecar A carries it over mutual TLS to sidecar B,
which forwards to the backend. All listen on loopback addresses that only this process uses: sidecars share ports with
whoever listens on the same one, so two runs at a time must not meet.
"""

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import urllib.request

from patience import eventually

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SIDECAR = os.environ.get("TULLE_SIDECAR", os.path.join(ROOT, "build", "dev", "bin", "tulle-sidecar"))
NO_OPERATOR = "127.0.0.1:9"  # nobody listens there
WORKERS = os.environ.get("TULLE_WORKERS", "1")
NET = f"127.{1 + os.getpid() // 250 % 250}.{os.getpid() % 250}"
A_IP, B_IP = f"{NET}.250", f"{NET}.1"
A_IDENTITY = "spiffe://cluster.local/ns/shop/sa/client"
B_IDENTITY = "spiffe://cluster.local/ns/shop/sa/web"


def free_port(host="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def openssl(*arguments, stdin=None):
    subprocess.run(["openssl", *arguments], input=stdin, check=True, capture_output=True)


class Authority:
    """A root, and leaves for identities, as files in `directory`."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=test root", "-keyout", f"{directory}/root.key", "-out", f"{directory}/root.crt",
                "-addext", "keyUsage=critical,keyCertSign", "-addext", "basicConstraints=critical,CA:TRUE")
        with open(f"{directory}/root.crt", encoding="ascii") as file:
            self.root = file.read()

    def issue(self, name, san, days="1", extensions=None):
        base = f"{self.directory}/{name}"
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/",
                "-keyout", f"{base}.key", "-out", f"{base}.csr")
        text = extensions or (f"subjectAltName=critical,{san}\nkeyUsage=critical,digitalSignature\n"
                              "extendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=critical,CA:FALSE\n")
        with open(f"{base}.ext", "w", encoding="ascii") as file:
            file.write(text)
        openssl("x509", "-req", "-in", f"{base}.csr", "-CA", f"{self.directory}/root.crt",
                "-CAkey", f"{self.directory}/root.key", "-days", days, "-extfile", f"{base}.ext", "-out", f"{base}.crt")
        return f"{base}.crt", f"{base}.key"


def peer_context(certificate=None, alpn=("tulle/http1",), newest=ssl.TLSVersion.TLSv1_3):
    """TLS of a client that says it is a sidecar, and trusts everybody."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.maximum_version = newest
    made.set_alpn_protocols(list(alpn))
    if certificate:
        made.load_cert_chain(*certificate)
    return made


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def service_resources(endpoints, port=80, policy=None, rules=None, protocol="Detect", address="10.9.9.9"):
    """Config of a caller of Service shop/web at `address`. Endpoints are (ip, port, identity)."""
    default_rule = {"name": "service/shop/web",
            "backends": [{"source": "service/shop/web", "endpoints": "endpoints/shop/web", "port": port}]}
    return {
        f"address/{address}": {"address": address, "service": "shop/web"},
        "service/shop/web": {"name": "shop/web",
            "ports": [{"port": port, "protocol": protocol, "rules": rules or [default_rule]}],
                             "policy": policy or {}},
        "endpoints/shop/web": {"name": "shop/web", "endpoints": [
            {"address": ip, "pod": "shop/web-1", "identity": identity, "ports": [{"port": port, "target": target}]}
            for ip, target, identity in endpoints]},
    }


def document(trust_bundle, workload, resources):
    body = {"mesh": {"trustDomain": "cluster.local", "trustBundle": trust_bundle},
            f"workload/{workload['name']}": workload, **resources}
    return {"format": "tulle.dev/meshconfig/v1",
            "resources": [{"name": name, "version": "test", "body": value} for name, value in body.items()]}


class Sidecar:
    """One tulle-sidecar process on `ip` with everything it needs in a memory-backed state directory."""

    def __init__(self, directory, ip, certificate, key, root, config, log_all=True, **flags):
        self.ip = ip
        self.state = os.path.join(directory, ip)
        os.makedirs(self.state, exist_ok=True)
        for name, content in {"key.pem": read(key), "certificate.pem": read(certificate), "roots.pem": root,
                "config.json": json.dumps(config)}.items():
            with open(os.path.join(self.state, name), "w", encoding="ascii") as file:
                file.write(content)
        self.ports = {name: free_port(ip) for name in ("outbound", "inbound", "metrics", "ready")}
        arguments = [SIDECAR, "--pod-name=p", "--pod-namespace=shop", f"--pod-ip={flags.pop('pod_ip', ip)}",
                     "--workload=" + flags.pop("workload", "w"),
                     f"--listen={ip}", f"--state-dir={self.state}", "--config-file=/nonexistent",
                     f"--workers={flags.pop('workers', WORKERS)}", "--operator=" + flags.pop("operator", NO_OPERATOR),
                     "--admin-port=0", "--access-log=" + ("all" if log_all else "off")]
        arguments += [f"--{name}-port={port}" for name, port in self.ports.items()]
        arguments += [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        self.log_path = os.path.join(directory, ip + ".log")
        self.access_path = os.path.join(directory, ip + ".access")
        with open(self.log_path, "wb") as log, open(self.access_path, "wb") as access:
            self.process = subprocess.Popen(arguments, stdout=access, stderr=log)
        self.expected_status = 0
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def wait_ready(self):
        if not eventually(lambda: self.process.poll() is not None or self.ready(), within=20) or not self.ready():
            raise RuntimeError("sidecar not ready:\n" + read(self.log_path))

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://{self.ip}:{self.ports['ready']}/ready", timeout=1) as reply:
                return reply.status == 200
        except OSError:
            return False

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.ip}:{self.ports['metrics']}/metrics", timeout=5) as reply:
            return reply.read().decode()

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def counts(self, text):
        """Waits for `text` in the metrics, which are written after the reply has left."""
        return eventually(lambda: text in self.metrics())

    def access(self, **wanted):
        """Whole lines of the access log, as they are now, whose members have these values."""
        text = read(self.access_path)
        lines = [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]
        return [line for line in lines if all(line.get(key) == value for key, value in wanted.items())]

    def logged(self, count=1, **wanted):
        """As access(), but waits for `count` lines: a line is written after the reply has left."""
        def enough():
            lines = self.access(**wanted)
            return lines if len(lines) >= count else None
        if lines := eventually(enough):
            return lines
        raise AssertionError(f"no {count} lines with {wanted} in " + read(self.access_path)[-4000:])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.expected_status = -9

    def stop(self):
        """The exit status after SIGTERM, 0 if it was the expected one; a sanitizer's finding makes it another."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return 0 if status == self.expected_status else status


class Pair:
    """Sidecar A of a client, and sidecar B of each replica of Service shop/web. `endpoints` is a list, or a function
    that makes one of the pair; `extra` are further resources of A's config."""

    def __init__(self, backend_port, workload=None, policy=None, rules=None, protocol="Detect", endpoints=None,
                 extra=None, replicas=1, log_all=True, operator=NO_OPERATOR, workers=WORKERS):
        self.common = {"log_all": log_all, "operator": operator, "workers": workers}
        self.directory = tempfile.mkdtemp(prefix="tulle-wire-", dir="/dev/shm")
        self.a, self.bs = None, []
        with contextlib.ExitStack() as undo:
            undo.callback(self.end)
            self.start_bs(backend_port if isinstance(backend_port, list) else [backend_port] * replicas,
                          workload or {"name": "shop/web", "mtls": "Strict"})
            self.backend_port, self.b = backend_port, self.bs[0]
            where = endpoints(self) if callable(endpoints) else endpoints or self.endpoints()
            resources = service_resources(where, policy=policy, rules=rules, protocol=protocol)
            resources.update(extra(self) if callable(extra) else extra or {})
            self.a = Sidecar(self.directory, A_IP, *self.certificates["a"], self.authority.root,
                             document(self.authority.root, {"name": "shop/client"}, resources),
                             workload="client", outbound_to="10.9.9.9:80", **self.common)
            self.outbound = (self.a.ip, self.a.ports["outbound"])
            undo.pop_all()

    def start_bs(self, backends, workload):
        self.authority = Authority(os.path.join(self.directory, "ca"))
        self.certificates = {name: self.authority.issue(name, "URI:" + identity)
                             for name, identity in (("a", A_IDENTITY), ("b", B_IDENTITY))}
        for number, port in enumerate(backends, 1):
            self.bs.append(Sidecar(self.directory, f"{NET}.{number}", *self.certificates["b"], self.authority.root,
                                   document(self.authority.root, workload, {}), workload="web",
                                   inbound_to=f"127.0.0.1:{port}", **self.common))

    def endpoints(self):
        return [(b.ip, b.ports["inbound"], B_IDENTITY) for b in self.bs]

    def inbound(self):
        return self.b.ip, self.b.ports["inbound"]

    def end(self):
        """Leaves nothing behind; what is not to be: the exit statuses and the logs, if any status is wrong."""
        sidecars = [sidecar for sidecar in (self.a, *self.bs) if sidecar]
        statuses = [sidecar.stop() for sidecar in sidecars]
        logs = [read(sidecar.log_path)[-4000:] for sidecar in sidecars]
        shutil.rmtree(self.directory)
        return (statuses, logs) if any(statuses) else None

    def close(self):
        if wrong := self.end():
            statuses, logs = wrong
            raise AssertionError(f"sidecars ended with {statuses}\n" + "\n".join(logs))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def connect(self, timeout=5):
        return socket.create_connection(self.outbound, timeout=timeout)
