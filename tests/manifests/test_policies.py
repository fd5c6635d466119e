"""The network policies against the design: the table "Who may talk to whom" of docs/deployment.md."""

import copy

import pytest

from documents import for_services, names, table
from policies import allowed, inside, neighbour, outside
from rendering import OURS, SERVICES, selects

DNS = neighbour("kube-system", {"k8s-app": "kube-dns"})
NEIGHBOURS = {name: neighbour(name) for name in ("ingress-nginx", "monitoring", "keda", "cnpg-system", "default")}
OUTSIDE = {
    "internet": outside("internet", "203.0.113.10"),
    "private network": outside("private network", "10.20.30.40"),
    "metadata": outside("metadata", "169.254.169.254"),
}
# What "outside" in the table means: everything but our own pods and the metadata service of clouds.
BEYOND = (*NEIGHBOURS, "DNS", "internet", "private network")
# Every port that a table or a policy names, and some that none does.
PORTS = (22, 25, 53, 80, 443, 465, 587, 4318, 4369, 5432, 5671, 5672, 6443, 8000, 8080, 9090, 9187, 15671, 15672, 15691,
         15692, 25672, 35672, 50000)  # fmt: skip


def parties(overlay):
    found = {pod.name: inside(pod) for pod in overlay.pods}
    return {**found, **NEIGHBOURS, **OUTSIDE, "DNS": DNS}


def design(overlay):
    """(from, to, port) of every arrow that the table has for an overlay."""
    groups = {"every pod": [pod.name for pod in overlay.pods], "outside": BEYOND}
    arrows = set()
    for sources, targets, ports, where, _ in table("### Who may talk to whom"):
        if where not in ("both", overlay.name):
            continue
        for cells in for_services([sources, targets]):
            froms, tos = (groups.get(cell) or names(cell) for cell in cells)
            arrows |= {(one, other, int(port)) for one in froms for other in tos for port in names(ports)}
    return arrows


def reachable(overlay, policies):
    everyone = parties(overlay)
    ours = {pod.name for pod in overlay.pods}
    return {
        (one, other, port)
        for one in everyone
        for other in everyone
        if one in ours or other in ours
        for port in PORTS
        if allowed(policies, everyone[one], everyone[other], port)
    }


def test_exactly_the_arrows_of_the_design_are_allowed(overlay):
    arrows = design(overlay)
    found = reachable(overlay, overlay.of("NetworkPolicy"))
    assert sorted(found - arrows) == [], "allowed, but not in the table"
    assert sorted(arrows - found) == [], "in the table, but not allowed"


def test_the_table_speaks_of_parties_that_there_are(production):
    assert {end for arrow in design(production) for end in arrow[:2]} <= set(parties(production))


def test_dns_is_asked_by_udp_too(overlay):
    policies = overlay.of("NetworkPolicy")
    for pod in overlay.pods:
        assert allowed(policies, inside(pod), DNS, 53, "UDP"), pod.name
        assert not allowed(policies, inside(pod), NEIGHBOURS["default"], 53, "UDP"), pod.name


@pytest.mark.parametrize("service", SERVICES)
def test_no_other_database_is_reached(overlay, service):
    policies = overlay.of("NetworkPolicy")
    for name in OURS:
        reaches = allowed(policies, inside(overlay.pod(name)), inside(overlay.pod(f"{service}-db")), 5432)
        assert reaches == name.startswith(f"{service}-"), name


def test_every_policy_selects_a_pod(overlay):
    for policy in overlay.of("NetworkPolicy"):
        selector = policy["spec"]["podSelector"]
        assert any(selects(selector, pod.labels) for pod in overlay.pods), policy["metadata"]["name"]


def test_every_named_port_is_one_of_the_pods(overlay):
    for policy in overlay.of("NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            for port in (one["port"] for one in rule["ports"] if isinstance(one["port"], str)):
                selected = [pod for pod in overlay.pods if selects(policy["spec"]["podSelector"], pod.labels)]
                assert all(port in pod.ports for pod in selected), policy["metadata"]["name"]


def test_no_policy_is_in_vain(production):
    policies = production.of("NetworkPolicy")
    everyone = parties(production)
    arrows = design(production)
    for missing in policies:
        # Without deny-all no pod of ours loses or gains an arrow: it is for those that nobody speaks of (below).
        if missing["metadata"]["name"] == "deny-all":
            continue
        rest = [policy for policy in policies if policy is not missing]
        kept = [one for one in arrows if allowed(rest, everyone[one[0]], everyone[one[1]], one[2])]
        assert len(kept) < len(arrows), f"without {missing['metadata']['name']} all arrows are there"


def test_a_policy_too_many_is_found(production):
    wider = copy.deepcopy(production.get("NetworkPolicy", "from-clients"))
    wider["spec"]["podSelector"] = {}
    wider["spec"]["ingress"][0]["ports"][0]["port"] = 5432
    assert reachable(production, [*production.of("NetworkPolicy"), wider]) - design(production)


def test_a_pod_of_nobody_is_shut_off(overlay):
    """deny-all: what no other policy speaks of can neither call nor be called."""
    stranger = inside(overlay.pods[0])
    stranger = type(stranger)("stranger", {"app": "stranger"}, {}, stranger.namespace, None)
    everyone = parties(overlay)
    for party in everyone.values():
        for port in PORTS:
            assert not allowed(overlay.of("NetworkPolicy"), party, stranger, port)
            if party.name != DNS.name:
                assert not allowed(overlay.of("NetworkPolicy"), stranger, party, port)
