"""What the rendered NetworkPolicies allow, worked out as a cluster does.

A pod that no policy selects for a direction may do everything in it; one that is selected may do what any of
its policies allows. A connection needs the leave of both ends. Outside parties are namespaces of others and
addresses; they have no policies that we know of.
"""

import dataclasses
import ipaddress

from rendering import NAMESPACE, selects

NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclasses.dataclass(frozen=True)
class Party:
    """One end of a connection."""

    name: str
    labels: dict
    ports: dict
    namespace: str | None  # None: an address outside
    address: str | None


def inside(pod):
    return Party(pod.name, pod.labels, pod.ports, NAMESPACE, None)


def neighbour(namespace, labels=None):
    return Party(namespace, labels or {}, {}, namespace, None)


def outside(name, address):
    return Party(name, {}, {}, None, address)


def allowed(policies, source, target, port, protocol="TCP"):
    return _direction(policies, "Egress", source, target, port, protocol) and _direction(
        policies, "Ingress", target, source, port, protocol
    )


def _direction(policies, direction, party, peer, port, protocol):
    """Whether the policies of one end let it talk with the other."""
    if party.namespace != NAMESPACE:
        return True
    mine = [
        policy["spec"]
        for policy in policies
        if direction in policy["spec"]["policyTypes"] and selects(policy["spec"]["podSelector"], party.labels)
    ]
    if not mine:
        return True
    target = party if direction == "Ingress" else peer
    side = "from" if direction == "Ingress" else "to"
    rules = [rule for spec in mine for rule in spec.get(direction.lower(), [])]
    return any(
        any(_is_peer(one, peer) for one in rule[side])
        and any(_is_port(one, target, port, protocol) for one in rule["ports"])
        for rule in rules
    )


def _is_peer(rule, peer):
    if "ipBlock" in rule:
        if peer.address is None:
            # Pods have addresses too: those of a private network, as far as anybody can tell here.
            return _covers(rule["ipBlock"], "10.244.1.2")
        return _covers(rule["ipBlock"], peer.address)
    if peer.namespace is None:
        return False
    if "namespaceSelector" in rule:
        if not selects(rule["namespaceSelector"], {NAMESPACE_LABEL: peer.namespace}):
            return False
    elif peer.namespace != NAMESPACE:
        return False
    return selects(rule.get("podSelector", {}), peer.labels)


def _covers(block, address):
    address = ipaddress.ip_address(address)
    inside_block = address in ipaddress.ip_network(block["cidr"])
    return inside_block and not any(address in ipaddress.ip_network(one) for one in block.get("except", []))


def _is_port(rule, target, port, protocol):
    if rule["protocol"] != protocol:
        return False
    if isinstance(rule["port"], str):
        return target.ports.get(rule["port"]) == port
    return rule["port"] <= port <= rule.get("endPort", rule["port"])
