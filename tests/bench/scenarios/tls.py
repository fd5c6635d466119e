"""What TLS on the listener costs: reading one order over https against http, from two APIs in turn."""

from launcher.certificates import Authority

from .. import exact
from ..figures import Bar, Result, ratios
from ..load import read_orders
from ..replicas import Replica
from .reads import CLIENTS, orders_to_read

NAME = "tls"
TITLE = "TLS: GET of one order by 64 connections over https, against http"
LEAST_KEPT = Bar(least=0.5)


class Secure(Replica):
    """An API with a certificate."""

    _scheme = "https"


def steps(plan):
    return 1 + 4 * plan.rounds


def run(rig):
    result = Result()
    rig.step("tls, orders to read")
    ids = orders_to_read(rig)
    authority = Authority(rig.folder / "tls")
    authority.create()
    certificate, key = authority.issue("bench", names="DNS:localhost,IP:127.0.0.1")
    files = {"HTTP_TLS_CERT_FILE": str(certificate), "HTTP_TLS_KEY_FILE": str(key)}
    secure = Secure(rig, "order-api", "tls", files)
    secure.start(rig.quiet)
    try:
        addresses = {"http": rig.address("order-api"), "https": secure.http_url}
        for kind, words in (("kept connections", ()), ("a connection each", ("close",))):
            measure(rig, result, ids, kind, words, addresses)
    finally:
        secure.stop(rig.quiet)
    return result


def measure(rig, result, ids, kind, words, addresses):
    runs = {scheme: [] for scheme in addresses}
    for number in range(rig.plan.rounds):
        for scheme, address in addresses.items():
            rig.step(f"tls, {scheme}, {kind}, round {number + 1}")
            read_orders(rig, address, ids, CLIENTS, rig.plan.warm_up, words)
            runs[scheme].append(read_orders(rig, address, ids, CLIENTS, rig.plan.seconds, words))
    exact.no_refusals(result, f"tls, {kind}", [one for some in runs.values() for one in some])
    rates = {scheme: [one.rate for one in some] for scheme, some in runs.items()}
    for scheme, values in rates.items():
        result.add(f"reads/s over {scheme}, {kind}", "1/s", values)
    bar = LEAST_KEPT if not words else None
    result.add(f"https / http, {kind}", "x", ratios(rates["https"], rates["http"]), bar)
