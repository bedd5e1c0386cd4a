"""The directory of YAML that the operator reads instead of a cluster: the same objects that kubectl would apply."""

import os
import pathlib
import textwrap

NAMESPACE = "shop"


class Registry:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)

    def put(self, name, text):
        """Writes one file so that nobody can read half of it."""
        draft = self.folder / f".{name}.draft"
        draft.write_text(textwrap.dedent(text))
        os.replace(draft, self.folder / f"{name}.yaml")

    def remove(self, name):
        (self.folder / f"{name}.yaml").unlink()


def namespace():
    return f"""\
        apiVersion: v1
        kind: Namespace
        metadata: {{name: {NAMESPACE}, labels: {{tulle.dev/inject: enabled}}}}
        """


def service(name, address, port, target_port):
    return f"""\
        apiVersion: v1
        kind: Service
        metadata: {{name: {name}, namespace: {NAMESPACE}}}
        spec:
          clusterIP: {address}
          selector: {{app: {name}}}
          ports:
          - {{name: http, port: {port}, targetPort: {target_port}}}
        """


def pod(name, workload, address, service_account, labels, port):
    """A pod as it stands in a cluster after the webhook and the kubelet did their work."""
    label_text = ", ".join(f"{key}: {value}" for key, value in {**labels, "tulle.dev/injected": '"true"'}.items())
    ports = f", ports: [{{name: http, containerPort: {port}}}]" if port else ""
    return f"""\
        apiVersion: v1
        kind: Pod
        metadata:
          name: {name}
          namespace: {NAMESPACE}
          labels: {{{label_text}}}
          annotations: {{tulle.dev/workload: {workload}}}
        spec:
          serviceAccountName: {service_account}
          initContainers:
          - {{name: tulle-init, image: tulle/init}}
          - {{name: tulle-sidecar, image: tulle/sidecar, restartPolicy: Always}}
          containers:
          - {{name: app, image: nginx{ports}}}
        status:
          phase: Running
          podIP: {address}
          conditions:
          - {{type: Ready, status: "True"}}
          initContainerStatuses:
          - {{name: tulle-sidecar, started: true, ready: true}}
        """


def split(service_name, weights):
    """`weights` maps a version label to its weight."""
    backends = "".join(f"\n          - {{labels: {{version: {version}}}, weight: {weight}}}"
                       for version, weight in weights.items())
    return f"""\
        apiVersion: tulle.dev/v1alpha1
        kind: Split
        metadata: {{name: {service_name}, namespace: {NAMESPACE}}}
        spec:
          service: {service_name}
          backends:{backends}
        """


def traffic_policy(service_name):
    return f"""\
        apiVersion: tulle.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {{name: {service_name}, namespace: {NAMESPACE}}}
        spec:
          service: {service_name}
          loadBalancing: RoundRobin
          retry: {{attempts: 2}}
        """


def access_policy(app, allowed_service_account=None):
    rules = f"""
          rules:
          - action: Allow
            from:
            - {{serviceAccounts: [{NAMESPACE}/{allowed_service_account}]}}"""
    return f"""\
        apiVersion: tulle.dev/v1alpha1
        kind: AccessPolicy
        metadata: {{name: {app}, namespace: {NAMESPACE}}}
        spec:
          selector: {{app: {app}}}
          mtls: Strict{rules if allowed_service_account else ""}
        """
