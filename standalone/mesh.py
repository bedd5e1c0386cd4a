"""All namespaces of the demo, and who is in them."""

import pods
import registry
from netns import Switch

SERVICE_ADDRESS, SERVICE_PORT, SERVICE_NAME = "10.96.0.80", 80, "web"


class Mesh:
    """A with statement around everything that runs: leaving it stops every program, and with the last of them the
    namespaces are gone."""

    def __init__(self, folder, logs, programs):
        missing = [name for name in ("tulle-operator", "tulle-sidecar", "tulle-init") if not (programs / name).exists()]
        if missing:
            raise RuntimeError(f"{programs} lacks {', '.join(missing)}: ./dev build release")
        self._place = pods.Place(folder, logs, programs)
        self._pods, self.operator = {}, None

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        processes = [process for pod in self._pods.values() for process in pod.processes]
        pods.stop(processes + ([self.operator.process] if self.operator else []))

    def _build(self):
        self.switch = Switch("10.77.0.1")
        self.client = self._add("client", 21, "client")
        self.intruder = self._add("intruder", 22, "intruder")
        self.web = [self._add("web-v1-a", 31, "web", "v1"), self._add("web-v1-b", 32, "web", "v1"),
                    self._add("web-v2", 33, "web", "v2")]
        self.registry = registry.Registry(self._place.folder / "registry")

    def _add(self, name, number, service_account, version=None):
        self._pods[name] = pods.Pod(self._place, self.switch, name, f"10.77.0.{number}", service_account, version)
        return self._pods[name]

    @property
    def pods(self):
        return list(self._pods.values())

    def play_kube_proxy(self):
        self.switch.balance(SERVICE_ADDRESS, SERVICE_PORT, [f"{pod.address}:{pods.APP_PORT}" for pod in self.web])

    def install(self):
        """Writes the registry, starts the operator, gives every pod its sidecar, and waits until all are ready."""
        self.switch.stop_balancing()
        self.registry.put("namespace", registry.namespace())
        self.registry.put("service", registry.service(SERVICE_NAME, SERVICE_ADDRESS, SERVICE_PORT, pods.APP_PORT))
        self.registry.put("traffic-policy", registry.traffic_policy(SERVICE_NAME))
        for pod in self.pods:
            self.registry.put(pod.name, pod.manifest())
        self.operator = pods.Operator(self._place, self.switch, "10.77.0.10", self.registry.folder, self.pods)
        for pod in self.pods:
            pod.join_mesh(self.operator.address, self.operator.trust_bundle())
        for pod in self.pods:
            pod.wait_until_ready(self.switch)
