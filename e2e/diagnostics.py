"""What a person wants to see after a failed check, collected before the cluster is gone."""

import concurrent.futures

from shell import Failed

OVERVIEWS = {
    "pods.txt": ["get", "pods", "-A", "-o", "wide"],
    "events.txt": ["get", "events", "-A", "--sort-by=.lastTimestamp"],
    "services.txt": ["get", "services,endpointslices", "-A", "-o", "wide"],
    "mesh-resources.yaml": ["get", "routes,splits,trafficpolicies,accesspolicies", "-A", "-o", "yaml"],
    "gateway-routes.yaml": ["get", "httproutes,grpcroutes,referencegrants", "-A", "-o", "yaml"],
    "mesh-configmaps.yaml": ["get", "configmaps", "-A", "-l", "tulle.dev/managed-by=tulle-operator", "-o", "yaml"],
    "describe.txt": ["describe", "pods", "-A"],
}


def collect(cluster, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tasks = list(OVERVIEWS.items())
    for namespace, pod, container, restarts in mesh_containers(cluster):
        file, logs = f"{namespace}.{pod}.{container}", ["logs", "-n", namespace, pod, "-c", container, "--tail=400"]
        tasks.append((f"{file}.log", logs))
        if restarts:
            tasks.append((f"{file}.before.log", [*logs, "--previous"]))
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda task: (folder / task[0]).write_text(said(cluster, task[1])), tasks))


def said(cluster, arguments):
    try:
        return cluster.kubectl(*arguments, timeout_seconds=20)
    except Failed as failure:
        return str(failure)


def mesh_containers(cluster):
    """(namespace, pod, container, restarts) of all in tulle-system and of what the mesh put into other pods."""
    try:
        pods = cluster.get(None, "pods", everywhere=True)
    except Failed:
        return []
    return [(pod["metadata"]["namespace"], pod["metadata"]["name"], container["name"], container["restartCount"])
            for pod in pods for kind in ("initContainerStatuses", "containerStatuses")
            for container in pod["status"].get(kind, [])
            if pod["metadata"]["namespace"] == "tulle-system" or container["name"].startswith("tulle-")]
