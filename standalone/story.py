"""The acts. Each says in plain words what happens, does it, and checks what came out."""

import contextlib
import time

import change
import load
import mesh as topology
import pods
import registry
import screen as show
import wire

SECRETS = (b"HTTP/1.1", b"GET /", b"web-v")
HEALTH_PORTS = (15020, 15021)
LIVE_INTERVAL_SECONDS = 0.25
SHARE_TOLERANCE = 0.03
POLICY_SECONDS = 5


class Story:
    def __init__(self, mesh, screen):
        self._mesh, self._screen = mesh, screen
        self.checks, self.figures = [], {}

    def tell(self):
        for act in (self._before, self._install, self._encrypted, self._split, self._edit, self._kill, self._strict,
                    self._refuse):
            act()

    def _check(self, name, held, detail):
        self.checks.append({"name": name, "held": bool(held), "detail": detail})
        self._screen.held(name, held, detail)

    def _call(self, pod, host=topology.SERVICE_NAME):
        return load.call(pod.namespace, topology.SERVICE_ADDRESS, topology.SERVICE_PORT, host)

    def _load(self, **options):
        return load.Load(self._mesh.client.namespace, topology.SERVICE_ADDRESS, topology.SERVICE_PORT,
                         topology.SERVICE_NAME, **options)

    def _table(self, answers, live=False):
        self._screen.table(show.ANSWER_HEADER, show.answer_rows(answers, [pod.name for pod in self._mesh.web]), live)

    def _watch(self, running_load, until):
        """Shows the load's live table until a condition holds."""
        while not until():
            self._table(running_load.answers, live=True)
            time.sleep(LIVE_INTERVAL_SECONDS)

    def _watch_for(self, running_load, seconds):
        end = time.monotonic() + seconds
        self._watch(running_load, lambda: time.monotonic() > end)

    # --- the acts ---

    def _before(self):
        self._screen.title("Before the mesh: client calls http://web, nginx answers, and the wire can be read")
        self._mesh.play_kube_proxy()
        with wire.Capture(self._mesh.switch, HEALTH_PORTS) as capture:
            answers = [self._call(self._mesh.client) for _ in range(20)]
        seen = capture.showing(SECRETS)
        for line in (b"GET /", b"HTTP/1.1 200"):
            for segment in capture.showing([line])[:1]:
                self._screen.say(f"on the wire: {wire.readable(segment.payload)}")
        self.figures["plaintext_segments_before"] = len(seen)
        self._check("call before the mesh", all(answer.status == 200 for answer in answers),
                    f"{sum(answer.status == 200 for answer in answers)} of {len(answers)} calls answered")
        self._check("readable before the mesh", seen, f"{len(seen)} packets show what was asked and answered")

    def _install(self):
        self._screen.title("The mesh: an operator, and a sidecar beside every app; no app is changed or restarted")
        began = time.monotonic()
        self._mesh.install()
        self.figures["install_seconds"] = round(time.monotonic() - began, 3)
        self._screen.say(f"{len(self._mesh.pods)} sidecars have a certificate and are ready "
                         f"after {self.figures['install_seconds']:.2f} s")

    def _encrypted(self):
        self._screen.title("The same call in the mesh: mutual TLS between the sidecars, and nothing left to read")
        with wire.Capture(self._mesh.switch, HEALTH_PORTS) as capture:
            answers = [self._call(self._mesh.client) for _ in range(50)]
        good = sum(answer.status == 200 for answer in answers)
        seen = capture.showing(SECRETS)
        bare = [first for first in capture.first_words(pods.APP_PORT) if not wire.is_tls_start(first)]
        sample = capture.sample()
        if sample:
            self._screen.say(f"on the wire: {wire.readable(sample.payload)}")
            record = wire.TLS_RECORDS.get(sample.payload[0], "data")
            self._screen.say(f"which is     TLS {record}, {len(sample.payload)} bytes")
        self.figures.update(calls_in_mesh=good, segments_after=len(capture.segments),
                            plaintext_segments_after=len(seen))
        self._check("call in the mesh", good == len(answers), f"{good} of {len(answers)} calls answered"
                    + self._first_failure(answers))
        self._check("TLS on the wire", capture.segments and not seen and not bare,
                    f"{len(capture.segments)} packets, {len(seen)} readable, "
                    f"{len(bare)} connections between pods without TLS")

    def _split(self):
        self._screen.title("A Split: 90 of 100 requests to v1, 10 to v2")
        self._put_split(90, 10)
        self._await_share(lambda share: share < 0.3)
        answers = self._count(3000)
        self._check_share("split 90/10", answers, 0.10)

    def _edit(self):
        self._screen.title("The Split edited to 50/50 while requests flow")
        with self._load(connections=4, per_second=500) as running:
            self._watch_for(running, 1)
            edited_at = time.monotonic()
            self._put_split(50, 50)
            self._watch_for(running, 3)
        after_edit = [answer for answer in running.answers if answer.status == 200 and answer.at >= edited_at]
        after_edit.sort(key=lambda answer: answer.at)
        first = change.moment(["v2" in answer.body for answer in after_edit], before=0.1, after=0.5)
        took = after_edit[first].at - edited_at if first < len(after_edit) else float("inf")
        self.figures["split_edit_seconds"] = round(took, 3)
        self._check("edit takes effect", took < 2 and not running.failed,
                    f"{took:.2f} s after the file was saved; {len(running.failed)} of {len(running.answers)} requests "
                    f"failed" + self._first_failure(running.answers))
        self._check_share("split 50/50", self._count(5000), 0.50)

    def _kill(self):
        victim = self._mesh.web[1]
        self._screen.title(f"{victim.name} is killed under load: its nginx and its sidecar, without a goodbye")
        with self._load(connections=16, per_second=400) as running:
            self._watch_for(running, 1.5)
            before = len(running.answers)
            victim.kill()
            # As long as a cluster takes to notice; until then the operator names a pod that is gone.
            self._watch_for(running, 2)
            self._mesh.registry.remove(victim.name)
            self._watch_for(running, 2)
        self._table(running.answers)
        failed = running.failed
        self.figures.update(kill_requests=len(running.answers), kill_failed=len(failed))
        self._check("no request fails when a backend dies", not failed and len(running.answers) > before,
                    f"{len(failed)} of {len(running.answers)} failed, {len(running.answers) - before} of them sent "
                    f"after the kill" + self._first_failure(running.answers))

    def _strict(self):
        self._screen.title("An AccessPolicy with mtls: Strict: who is not in the mesh is not served any more")
        before = self._call_from_outside()
        self._mesh.registry.put("access-policy", registry.access_policy("web"))
        refusal = self._await_refusal(self._call_from_outside)
        self.figures["plaintext_caller"] = refusal.reason or refusal.failure
        self._check("plaintext caller refused", before.status == 200 and refusal.status != 200,
                    f"status {before.status} before, then {self._words(refusal)}")

    def _refuse(self):
        self._screen.title("Another rule in it: web may be called by the service account client, and by nobody else")
        self._check("intruder before the policy", self._call(self._mesh.intruder).status == 200,
                    "a sidecar with another identity is served while nothing forbids it")
        written_at = time.monotonic()
        self._mesh.registry.put("access-policy", registry.access_policy("web", "client"))
        refusal = self._await_refusal(lambda: self._call(self._mesh.intruder))
        self.figures["policy_seconds"] = round(refusal.at - written_at, 3)
        self.figures["refusal_reason"] = refusal.reason
        self._check("intruder refused", refusal.status == 403 and (refusal.reason or "").startswith("access/"),
                    f"{refusal.status} with x-tulle-reason: {refusal.reason}, "
                    f"{self.figures['policy_seconds']:.2f} s after the policy was saved")
        allowed = [self._call(self._mesh.client) for _ in range(20)]
        self._check("client still served", all(answer.status == 200 for answer in allowed),
                    f"{sum(answer.status == 200 for answer in allowed)} of {len(allowed)}"
                    + self._first_failure(allowed))

    # --- what several acts need ---

    def _put_split(self, v1, v2):
        self._mesh.registry.put("split", registry.split(topology.SERVICE_NAME, {"v1": v1, "v2": v2}))

    def _count(self, count):
        with self._load(count=count) as running:
            self._watch(running, lambda: not running.running)
        self._table(running.answers)
        return running.answers

    def _await_share(self, reached, seconds=5):
        """Sends small batches until the share of v2 looks right; the count afterwards is what is judged."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._load(connections=2, count=60) as running:
                running.wait()
            if reached(load.share(running.answers, "v2")):
                return

    def _call_from_outside(self):
        return load.call(self._mesh.switch, self._mesh.web[0].address, pods.APP_PORT, topology.SERVICE_NAME)

    @staticmethod
    def _await_refusal(call):
        deadline = time.monotonic() + POLICY_SECONDS
        while True:
            answer = call()
            if answer.status != 200 or time.monotonic() > deadline:
                return answer

    def _check_share(self, name, answers, wanted):
        share = load.share(answers, "v2")
        failed = sum(answer.status != 200 for answer in answers)
        self.figures[name.replace(" ", "_").replace("/", "_") + "_v2_percent"] = round(100 * share, 2)
        self._check(name, abs(share - wanted) <= SHARE_TOLERANCE and not failed,
                    f"v2 answered {100 * share:.1f} % of {len(answers)} requests, {failed} failed"
                    + self._first_failure(answers))

    @staticmethod
    def _words(answer):
        return answer.failure or f"status {answer.status}, x-tulle-reason: {answer.reason}"

    @classmethod
    def _first_failure(cls, answers):
        bad = next((answer for answer in answers if answer.status != 200), None)
        return f" (the first: {cls._words(bad)})" if bad else ""

    def stay(self):
        """Keeps calling, so that a person can edit the registry and watch."""
        self._screen.title("The mesh stays up: edit these files and watch; Ctrl-C ends it")
        self._screen.say(str(self._mesh.registry.folder))
        with self._load(connections=4, per_second=100) as running, contextlib.suppress(SystemExit):
            while True:
                recent = time.monotonic() - 10
                running.answers[:] = [answer for answer in running.answers if answer.at > recent]
                self._table(running.answers, live=True)
                time.sleep(LIVE_INTERVAL_SECONDS)
