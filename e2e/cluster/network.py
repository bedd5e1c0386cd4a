"""Addresses, and the wires between machines: one bridge on the control plane, one link and one pod range per node.

Nothing leads out: the default route of a node, which the kubelet wants to see, ends at the control plane.
"""

from shell import run

CONTROL_PLANE = "10.250.0.1"
SERVICES = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
PODS = "10.244.0.0/16"


def node_address(index):
    return f"10.250.0.{10 + index}"


def pod_range(index):
    return f"10.244.{index}.0/24"


def connect(control_plane, nodes):
    """nodes: machines, numbered from 1."""
    control_plane.run("ip", "link", "add", "switch", "type", "bridge")
    control_plane.run("ip", "address", "add", f"{CONTROL_PLANE}/24", "dev", "switch")
    control_plane.run("ip", "link", "set", "switch", "up")
    for index, node in enumerate(nodes, 1):
        plug_in(control_plane, node, index)
    for machine in (control_plane, *nodes):
        machine.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        for index, node in enumerate(nodes, 1):
            if node is not machine:
                machine.run("ip", "route", "add", pod_range(index), "via", node_address(index))
    # The API server calls webhooks by their Service addresses, which only the nodes' kube-proxies know.
    hops = [word for index in range(1, len(nodes) + 1) for word in ("nexthop", "via", node_address(index))]
    control_plane.run("ip", "route", "add", SERVICES, *hops)


def plug_in(control_plane, node, index):
    port = f"port{index}"
    control_plane.run("ip", "link", "add", port, "type", "veth", "peer", "name", f"uplink{index}")
    # Process ids mean something else inside a machine, so the far end is handed over from out here.
    run(*control_plane.inside("ip", "link", "set", f"uplink{index}", "netns", node.pid(), only_network=True))
    control_plane.run("ip", "link", "set", port, "master", "switch", "up")
    node.run("ip", "link", "set", f"uplink{index}", "name", "eth0")
    node.run("ip", "address", "add", f"{node_address(index)}/24", "dev", "eth0")
    node.run("ip", "link", "set", "eth0", "up")
    node.run("ip", "route", "add", "default", "via", CONTROL_PLANE)
