"""Rows 19 to 21: the network between our processes and the servers, by a proxy of our own."""

from support.proxy import DOWN, UP
from support.waits import eventually

from faults.rows import row

DETECTED_S = 30


def unready(run, name, seconds=DETECTED_S):
    eventually(lambda: not run.fleet.is_ready(name), f"{name} to notice within {seconds} s", seconds)


@row("19", "half-open connections to the broker: frozen both ways, nothing closed", quick=True, proxied=("rabbitmq",))
def half_open_broker(run):
    run.proxies["rabbitmq"].freeze()
    unready(run, "order-worker")
    run.load.grow(20)  # the API needs no broker
    run.proxies["rabbitmq"].clear()


@row("19b", "half-open connections to the database", proxied=("postgres",))
def half_open_database(run):
    run.proxies["postgres"].freeze()
    unready(run, "order-api")
    unready(run, "stock-worker")
    run.proxies["postgres"].clear()


@row("20", "latency 200 ms with jitter, slices of one byte, connections reset in mid-frame", quick=True,
     proxied=("rabbitmq", "postgres"), rate=40)
def bad_weather(run):
    for proxy in run.proxies.values():
        proxy.slice(run.random.choice([1, 2, 7]))
    run.pause(2)
    for proxy in run.proxies.values():
        proxy.delay(0.02, 0.02)
    for _ in range(4):
        run.pause(0.3, 1.0)
        run.random.choice(list(run.proxies.values())).cut(share=0.5)
    for proxy in run.proxies.values():
        proxy.slice(None)
        proxy.delay(0.2, 0.1)
    run.pause(3)
    for proxy in run.proxies.values():
        proxy.clear()


@row("21", "one way lost: to the broker only, then from it only", quick=True, proxied=("rabbitmq",))
def one_way(run):
    for direction in run.random.sample([UP, DOWN], 2):
        run.proxies["rabbitmq"].lose(direction)
        unready(run, "order-worker")
        run.proxies["rabbitmq"].clear()
        eventually(lambda: run.fleet.is_ready("order-worker"), "order-worker to be ready again", 60)
