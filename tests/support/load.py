"""Many clients at once, who note what each was told."""

import concurrent.futures
import itertools
import random
import threading

import requests

from support.api import OrderApi, items_of, new_id
from support.history import ACCEPTED, FAIL, INFO, UNKNOWN, Attempt, History
from support.waits import eventually


def place(orders: OrderApi, attempt, **options):
    """Sends the attempt's request, which may be its first or a repetition."""
    body = {"customerId": attempt.customer, "items": items_of(*attempt.items, price=1.25)}
    return orders.post("/api/orders", body, headers={"Idempotency-Key": attempt.key}, **options)


def attempt_order(orders: OrderApi, pairs, timeout=30):
    """Places one order and notes the answer; never raises for a fault of the other side."""
    attempt = Attempt(new_id(), new_id(), pairs)
    try:
        answer = place(orders, attempt, timeout=timeout)
    except requests.RequestException as error:
        attempt.placed, attempt.detail = [INFO], type(error).__name__
        return attempt
    if answer.status_code == 201:
        return attempt.accepted(answer.json()["id"])
    attempt.placed = [FAIL if 400 <= answer.status_code < 500 else INFO]
    attempt.detail = str(answer.status_code)
    return attempt


def place_many(base, choices, clients=32):
    """Places one order for each entry of @choices ([(product, quantity)] each); returns the History."""
    orders, history = OrderApi(base), History()
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        for attempt in pool.map(lambda pairs: attempt_order(orders, pairs), choices):
            history.add(attempt)
    return history


def random_choices(count, products, seed, most_lines=3, most_units=3):
    """@count orders over @products, the same for the same seed."""
    rng = random.Random(seed)
    return [[(p, rng.randint(1, most_units)) for p in rng.sample(products, rng.randint(1, most_lines))]
            for _ in range(count)]


class SteadyLoad:
    """Clients that place orders without pause until told to stop (a context manager)."""

    def __init__(self, base, products, clients=4, seed=1, pause_s=0.01):
        self.history = History()
        self._orders = OrderApi(base)
        self._stop = threading.Event()
        self._pause_s = pause_s
        self._threads = [threading.Thread(target=self._run, args=(products, f"{seed}-{n}"), daemon=True)
                         for n in range(clients)]

    def _run(self, products, seed):
        rng = random.Random(seed)
        for _ in itertools.count():
            if self._stop.wait(self._pause_s):
                return
            lines = rng.sample(products, rng.randint(1, min(3, len(products))))
            attempt = attempt_order(self._orders, [(p, rng.randint(1, 3)) for p in lines])
            self.history.add(attempt)
            if attempt.outcome == UNKNOWN and self._stop.wait(0.05):
                return

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client never got an answer (30 s time-out)"
        return self.history


def grow(load, count, what):
    """Waits until @count more orders have been accepted, so that each fault meets work in flight."""
    goal = load.history.counts().get(ACCEPTED, 0) + count
    eventually(lambda: load.history.counts().get(ACCEPTED, 0) >= goal, f"{count} more orders {what}", 60)


def retry_unknown(base, history):
    """Repeats each unknown attempt with its key: the client then knows, and there is one order."""
    orders = OrderApi(base)
    for attempt in history.having(UNKNOWN):
        answer = place(orders, attempt)
        assert answer.status_code == 201, answer.text
        attempt.accepted(answer.json()["id"])
