"""./cartwheel demo: real orders on the real system, each step shown as it happens.

Nothing is shown that was not seen: every line comes from an answer of an API or a row of a database.
"""

import contextlib
import http.client
import json
import time
import uuid

from . import failures, poison, terminal, web
from .layout import LauncherError, read_json
from .system import System

STEP_SECONDS = 20
POLL_SECONDS = 0.01
REQUEST_SECONDS = 10


def run(layout, options):
    """The command; exit code 0 when every scene was really seen. Stops only what it started."""
    system = System(layout)
    started = []
    with layout.lock(terminal.say), terminal.Progress() as progress:
        if not system.runs_whole():
            terminal.say(f"Starting what does not run, in {layout.home}")
            started = system.up(progress)
    try:
        with terminal.Progress() as progress:
            demo = Demo(read_json(layout.endpoints_file), system.issuer, progress)
            if options.failures:
                failures.of(system)  # which refuses servers that are given
            demo.play()
            if options.failures:
                demo.play_failures(system)
    finally:
        if started:
            terminal.say("Stopping what the demo started")
            with layout.lock(terminal.say), terminal.Progress() as progress:
                system.down(progress, started)
    terminal.say(terminal.paint("Everything was seen: the saga works.", "green"))
    return 0


class Demo:
    """Six scenes on two products made for this run."""

    def __init__(self, endpoints, issuer, progress):
        self._endpoints = endpoints
        self._issuer = issuer
        self._progress = progress
        self._trust = web.holder_of(endpoints.get("certificate_file"))
        self._orders = self._api("order", endpoints["token"])
        self._stocks = self._api("stock", endpoints["token"])
        self._notifications = self._api("notification", endpoints["token"])
        self._plenty = str(uuid.uuid4())
        self._scarce = str(uuid.uuid4())
        self._names = {self._plenty: "product A", self._scarce: "product B"}
        self._customer = str(uuid.uuid4())

    def _api(self, service, token):
        return Api(self._endpoints[f"{service}_api"], token, self._trust)

    def play(self):
        self._scene("Two products", self._make_products)
        confirmed = self._scene("An order that is confirmed", self._confirmed)
        refused = self._scene("An order that asks for more than there is", self._refused)
        returned = self._scene("An order that is confirmed, then cancelled by the customer", self._returned)
        self._scene("Who may not", lambda: self._refused_access(confirmed))
        self._scene("A message that nobody can read", self._dead_letter)
        expected = {confirmed: 1, refused: 1, returned: 2}
        self._scene("What the customers were told", lambda: self._told(expected))

    def play_failures(self, system):
        """What ./cartwheel break does, and that no order is lost over it."""
        self._scene("The stock worker is dead", lambda: self._waits_for(system, "stock-worker"))
        self._scene("The broker is cut off", lambda: self._waits_for(system, "broker-off"))
        self._scene("The database takes no writes", lambda: self._answered_503(system))

    @contextlib.contextmanager
    def _broken(self, system, name):
        """Mended at the end, also when something went wrong."""
        def turn(broken):
            with system.layout.lock(terminal.say):
                failures.turn(failures.of(system), name, broken, self._progress)

        try:
            turn(True)
            yield
        finally:
            self._progress.restart()
            turn(False)

    def _waits_for(self, system, name):
        with self._broken(system, name):
            order = self._place([(self._plenty, 1)])
            answer = self._orders.call("GET", f"/api/orders/{order.id}", None, 200)
            if answer["status"] != "Created":
                raise LauncherError(f"order {order.id} is {answer['status']} although {name} is broken")
            order.tell("accepted, and waits")
        order.follow("Confirmed")

    def _answered_503(self, system):
        wanted = self._wanted([(self._plenty, 1)])
        with self._broken(system, "database-read-only"):
            self._wait("an order to be refused", lambda: self._orders.answer("POST", "/api/orders", wanted)[0] == 503 or None)
            self._progress.note("POST /api/orders: 503, nothing is promised that could not be kept")
        self._wait("orders to be taken again", lambda: self._orders.answer("POST", "/api/orders", wanted)[0] == 201 or None)
        self._progress.note("POST /api/orders: 201")

    def _scene(self, title, play):
        terminal.say()
        self._progress.note(terminal.paint(title, "bold"))
        return play()

    def _make_products(self):
        for product, quantity in ((self._plenty, 100), (self._scarce, 1)):
            self._stocks.call("POST", "/api/stocks", {"productId": product, "quantity": quantity}, 201)
            self._progress.note(f"{self._names[product]} ({product}): {quantity} in stock")

    def _confirmed(self):
        order = self._place([(self._plenty, 2)])
        order.follow("Confirmed")
        self._expect_stock(order, self._plenty, 98)
        return order.id

    def _refused(self):
        order = self._place([(self._plenty, 1), (self._scarce, 5)])
        answer = order.follow("Cancelled")
        if answer.get("reason") != "InsufficientStockException":
            raise LauncherError(f"order {order.id} was cancelled for another reason: {answer.get('reason')}")
        self._expect_stock(order, self._plenty, 98)
        self._expect_stock(order, self._scarce, 1)
        return order.id

    def _returned(self):
        order = self._place([(self._plenty, 10)])
        order.follow("Confirmed")
        self._expect_stock(order, self._plenty, 88)
        self._orders.call("POST", f"/api/orders/{order.id}/cancel", {"reason": "changed my mind"}, 202)
        order.tell("the customer asks to cancel")
        order.follow("Cancelled")
        self._expect_stock(order, self._plenty, 98)
        return order.id

    def _wanted(self, items):
        wanted = [{"productId": product, "quantity": quantity, "unitPrice": 19.99} for product, quantity in items]
        return {"customerId": self._customer, "items": wanted}

    def _place(self, items):
        started = time.monotonic()
        answer = self._orders.call("POST", "/api/orders", self._wanted(items), 201)
        order = Order(answer["id"], started, self._orders, self._progress, self._wait)
        text = ", ".join(f"{quantity} of {self._names[product]}" for product, quantity in items)
        self._progress.note(f"order {order.id}: {text}")
        return order

    def _expect_stock(self, order, product, quantity):
        def level():
            found = self._stocks.call("GET", f"/api/stocks/{product}", None, 200)["quantity"]
            return found if found == quantity else None

        self._wait(f"the stock of {self._names[product]} to be {quantity}", level)
        order.tell(f"stock of {self._names[product]} is {quantity}")

    def _refused_access(self, order):
        """Nobody, a customer on what is the shop's, and a customer on another's order."""
        path = f"/api/orders/{order}"
        if self._api("order", None).answer("GET", path, None)[0] == 200:
            self._progress.note("authentication is off (AUTH): whoever reaches the APIs may do anything")
            return
        own, stranger = (self._issuer.token(one, ["customer"]) for one in (self._customer, str(uuid.uuid4())))
        stock = {"productId": self._plenty, "quantity": 1_000_000}
        self._api("order", own).call("GET", path, None, 200)
        self._progress.note(f"GET {path} with its customer's token: 200")
        for who, service, token, method, asked, body, status in (
            ("without a token", "order", None, "GET", path, None, 401),
            ("with another customer's", "order", stranger, "GET", path, None, 404),
            ("with a customer's", "stock", own, "POST", "/api/stocks", stock, 403),
        ):
            said = self._api(service, token).call(method, asked, body, status)
            self._progress.note(f"{method} {asked} {who}: {status}, {said['detail']}")

    def _dead_letter(self):
        import psycopg  # installed by ./cartwheel; only the demo needs it

        message_id = str(uuid.uuid4())
        poison.publish(self._endpoints, message_id)
        self._progress.note(f"published half an OrderCreatedEvent as message {message_id}")
        query = "select queue, reason, attempts from dead_letters where message_id = %s"
        with psycopg.connect(self._endpoints["stock_database_url"], autocommit=True) as database:
            row = self._wait(
                f"message {message_id} among the stock service's dead letters",
                lambda: database.execute(query, (message_id,)).fetchone(),
            )
        self._progress.note(f"dead letter of queue {row[0]}, attempts: {row[2]}, reason: {row[1]}")

    def _told(self, expected):
        for order, count in expected.items():
            for entry in self._wait(f"{count} notifications of order {order}", lambda: self._sent(order, count)):
                self._progress.note(
                    f"order {order}: {entry['event']} to {entry['destination']} "
                    f"by {entry['channel']}, {entry['status']}"
                )

    def _sent(self, order, count):
        """The order's notifications once exactly so many were sent."""
        found = self._notifications.call("GET", f"/api/notifications?orderId={order}", None, 200)["items"]
        if len(found) > count:
            raise LauncherError(f"order {order} has {len(found)} notifications, not {count}")
        sent = [entry for entry in found if entry["status"] == "Sent"]
        return sent if len(sent) == count else None

    def _wait(self, what, check):
        """Polls until check() gives something; says on screen and at the deadline what it waits for."""
        deadline = time.monotonic() + STEP_SECONDS
        self._progress.begin("waiting for", what)
        try:
            while (found := check()) is None:
                if time.monotonic() > deadline:
                    raise LauncherError(f"waited {STEP_SECONDS} s in vain for {what}; see ./cartwheel logs")
                time.sleep(POLL_SECONDS)
            return found
        finally:
            self._progress.restart()


class Order:
    """One order's timeline, in seconds since it was placed."""

    def __init__(self, order_id, started, api, progress, wait):
        self.id = order_id
        self._started = started
        self._api = api
        self._progress = progress
        self._wait = wait
        self._shown = 0

    def tell(self, text):
        self._progress.note(f"  {time.monotonic() - self._started:7.3f} s {text}")

    def follow(self, status):
        """Shows each entry of the order's history as it appears, until the order has that status."""

        def reached():
            history = self._api.call("GET", f"/api/orders/{self.id}/history", None, 200)
            for entry in history[self._shown :]:
                cause = f" ({entry['cause']})" if entry.get("cause") else ""
                self.tell(f"{entry['status']}{cause}")
            self._shown = max(self._shown, len(history))
            answer = self._api.call("GET", f"/api/orders/{self.id}", None, 200)
            return answer if answer["status"] == status and history[-1]["status"] == status else None

        return self._wait(f"order {self.id} to be {status}", reached)


class Api:
    """JSON over HTTP to one of our APIs. @trust: whom over TLS, see web.py."""

    def __init__(self, url, token, trust=None):
        self._url, self._trust = url, trust
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def call(self, method, path, body, expected):
        status, answer = self.answer(method, path, body)
        if status != expected:
            raise LauncherError(f"{method} {self._url}{path} answered {status}: {answer}")
        return json.loads(answer) if answer else None

    def answer(self, method, path, body):
        """(status, text)"""
        connection = web.connection(self._url, REQUEST_SECONDS, self._trust)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, self._headers)
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise LauncherError(f"{method} {self._url}{path}: {error}") from error
        finally:
            connection.close()
