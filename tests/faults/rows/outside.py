"""Rows 28b to 28e: the servers that notifications and webhooks go to answer late, without end, elsewhere, or not at all."""

import pathlib
import tempfile
import threading

from launcher.certificates import Authority

from support.api import NotificationApi
from support.fakes import MADE_UP, FakeHttp, FakeSmtp
from support.listeners import Listener, tls_context
from support.system import free_port
from support.waits import TookTooLong, eventually

from faults.rows import row

SENT, FAILED = 3, 4  # notifications.status
DEALT_S = 120        # for every fault to happen: a sender whose circuit breaker opened is away for 30 s
GIGABYTE = 1 << 30
PEAK_KIB = 64 * 1024
CHUNK = b"x" * (1 << 20)


class Deck:
    """Faults, each so many times in an order of the seed's, that a server deals out between good answers."""

    def __init__(self, random_, faults, times):
        self._random = random_
        self._lock = threading.Lock()
        self._cards = list(faults) * times
        self._open = False
        random_.shuffle(self._cards)

    def deal(self, fits=lambda card: True):
        """The next fault that @fits, or None: this time all is well."""
        with self._lock:
            card = next(filter(fits, self._cards), None)
            if not self._open or card is None or self._random.random() < 0.5:
                return None
            self._cards.remove(card)
            return card

    def deal_all(self):
        self._open = True
        eventually(lambda: not self._cards, "every fault to happen", DEALT_S)


def _with_status(run, status):
    return {event for event, in run.databases.rows(
        "notification", "select event_id::text from notifications where status = %s", (status,))}


def _bounded(run):
    """I8: nothing that came from outside was kept."""
    peak = run.fleet.memory_kib("notification-worker", "VmHWM")
    run.note("peak of notification-worker KiB", peak)
    if run.system.is_sanitized or peak <= PEAK_KIB:
        return []
    return [f"I8: notification-worker had {peak} KiB resident"]


# --- 28b: what a webhook may answer ---------------------------------------------------------------


class Hostile:
    """A webhook that keeps the ids of what it took, and of what it sent elsewhere."""

    def __init__(self, random_):
        self.taken, self.redirected = set(), set()
        self.inside = FakeHttp(lambda *_: (200, {}))  # where nobody outside may lead us
        self.deck = Deck(random_, (_hang, _drip, _gigabyte, _endless_head, self._redirect), 4)
        self.http = FakeHttp(lambda *_: (200, self.deck.deal() or self._take))

    def _take(self, handler):
        self.taken.add(handler.headers["Idempotency-Key"])
        _begin(handler, 200, {"Content-Length": 0})

    def _redirect(self, handler):
        self.redirected.add(handler.headers["Idempotency-Key"])
        _begin(handler, 307, {"Content-Length": 0, "Location": self.inside.url})


def _begin(handler, status, headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, str(value))
    handler.end_headers()


def _is_gone(handler, seconds):
    """Whether the client hangs up within that time."""
    handler.connection.settimeout(seconds)
    try:
        return not handler.connection.recv(1)
    except TimeoutError:
        return False


def _hang(handler):
    _is_gone(handler, 30)


def _drip(handler):
    """A byte each 200 ms: the connection is never idle."""
    _begin(handler, 200, {"Content-Length": 1000})
    while not _is_gone(handler, 0.2):
        handler.wfile.write(b"x")


def _gigabyte(handler):
    _begin(handler, 200, {"Content-Length": GIGABYTE})
    for _ in range(GIGABYTE // len(CHUNK)):
        handler.wfile.write(CHUNK)


def _endless_head(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(GIGABYTE // 8192):
        handler.wfile.write(b"X-More: " + b"x" * 8182 + b"\r\n")


def _hostile(run, stack):
    run.webhook = Hostile(run.random)
    stack.enter_context(run.webhook.inside)
    stack.enter_context(run.webhook.http)
    return {"notification-worker": MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": run.webhook.http.url}}


def _taken_once_said(run, history):
    """I5: what is Sent was taken; what was redirected is Failed and nothing else; nobody followed."""
    webhook, sent, failed = run.webhook, _with_status(run, SENT), _with_status(run, FAILED)
    wrong = [f"I5: {event} is Sent, but was not taken" for event in sorted(sent - webhook.taken)[:3]]
    wrong += [f"I5: {event} is Failed or redirected, not both" for event in sorted(failed ^ webhook.redirected)[:3]]
    if webhook.inside.requests:
        wrong.append(f"a redirection was followed: {webhook.inside.requests[0]}")
    return wrong + _bounded(run)


@row("28b", "webhook: hangs, drips, a gigabyte, a head without end, a redirection to 127.0.0.1", environment=_hostile,
     rate=40, more_files=48, check=_taken_once_said)
def hostile(run):
    run.webhook.deck.deal_all()


# --- 28c: a webhook that cannot be trusted --------------------------------------------------------


def _https(run, stack):
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cartwheel-stranger-")))
    stranger = Authority(folder)
    stranger.create()
    kind = run.random.choice(("nobody vouches for it", "expired", "of another host", "no TLS at all"))
    run.note("certificate", kind)
    certificate = stranger.issue("webhook", names="DNS:elsewhere" if kind == "of another host" else "DNS:localhost",
                                 days=-1 if kind == "expired" else 1)
    run.listener = stack.enter_context(Listener(None if kind == "no TLS at all" else tls_context(*certificate)))
    run.webhook = Hostile(run.random)
    stack.enter_context(run.webhook.inside)
    stack.enter_context(run.webhook.http)
    return {"notification-worker": MADE_UP | {"EMAIL_CHANNEL": "http", "EMAIL_HTTP_URL": run.webhook.http.url}}


def _nothing_told(run, history):
    run.listener.assert_told_nothing_in_the_clear()
    inside = [f"a server without a good certificate was told {told}" for told in run.listener.inside if told]
    return inside + _taken_once_said(run, history)


@row("28c", "webhook over TLS whose certificate is no good", environment=_https, rate=40, more_files=48,
     check=_nothing_told)
def distrusted(run):
    run.fleet.restart("notification-worker", {"EMAIL_HTTP_URL": f"https://localhost:{run.listener.port}/send"})
    eventually(lambda: len(run.listener.outside) >= 5, "tries to send", 30)
    run.load.grow(40)
    run.fleet.restart("notification-worker")


# --- 28d: mail ------------------------------------------------------------------------------------

HANG, DROP = "hang", "drop"
MAIL_FAULTS = (
    *[(step, fault) for step in ("greeting", "text") for fault in (HANG, DROP)],
    ("greeting", "421 4.3.2 too busy"), ("greeting", "554 5.3.2 closed"),
    *[(step, answer) for step in ("MAIL", "RCPT", "DATA", "text") for answer in ("451 4.3.0 later", "550 5.1.1 no")],
)
HANGS_S = 15  # longer than a mail may take


class MoodyMail:
    """A mail server by the deck; keeps the Message-IDs of what it took, and of what it took without saying so."""

    def __init__(self, random_):
        self.taken, self.unsaid = [], []
        self.refused = 0  # mails refused for good
        self.deck = Deck(random_, MAIL_FAULTS, 2)
        self.port = free_port()
        self._down = threading.Event()
        self._server = None

    def open(self):
        self._down.clear()
        self._server = FakeSmtp(instead=self._answer, port=self.port)

    def close(self):
        """Nobody listens there any more."""
        self._down.set()
        self._server.__exit__()

    def _answer(self, step, message):
        if self._down.is_set():
            raise ConnectionAbortedError
        event = message["Message-ID"].strip("<>").removesuffix("@cartwheel") if message is not None else None
        _, answer = self.deck.deal(lambda card: card[0] == step) or (step, None)
        if answer is None and step == "text":
            self.taken.append(event)
        if answer in (HANG, DROP):
            self.unsaid += [] if event is None else [event]
            self._down.wait(HANGS_S if answer == HANG else 0)
            raise ConnectionAbortedError
        self.refused += answer is not None and answer[0] == "5" and step != "greeting"
        return answer


def _mail(run, stack):
    run.mail = MoodyMail(run.random)
    run.mail.open()
    stack.callback(run.mail.close)
    return {"notification-worker": MADE_UP | {"EMAIL_CHANNEL": "smtp", "SMTP_URL": f"smtp://127.0.0.1:{run.mail.port}"}}


def _mailed(run, history):
    """I5: Sent was taken; what was taken without an answer came again; only what was refused for good is Failed."""
    mail, sent, failed = run.mail, _with_status(run, SENT), _with_status(run, FAILED)
    run.note("mails taken more than once", len(mail.taken) + len(mail.unsaid) - len({*mail.taken, *mail.unsaid}))
    wrong = [f"I5: {event} is Sent, but no mail was taken" for event in sorted(sent - set(mail.taken))[:3]]
    wrong += [f"I5: mail {event} was taken, no notification says so" for event in sorted(set(mail.taken) - sent)[:3]]
    wrong += [f"I5: {event} got no answer and was not sent again" for event in set(mail.unsaid) - sent - failed]
    if len(failed) != mail.refused:
        wrong.append(f"I5: {mail.refused} mails were refused for good, {len(failed)} notifications are Failed")
    return wrong + _bounded(run)


@row("28d", "mail: refused connections, hangs, 4xx and 5xx at each step, dropped after the text before its answer",
     environment=_mail, rate=40, more_files=24, check=_mailed)
def mail(run):
    run.mail.deck.deal_all()
    run.mail.close()
    run.load.grow(60)
    run.mail.open()


# --- 28e: who has subscribed ----------------------------------------------------------------------

PATH = "/api/subscriptions"
TOLD_S = 60         # a receiver's pause after a failure, and the lease of a sender that was killed
NOT_BLOCKED_S = 20  # the same lease: some of its webhooks may have been in the hands of that sender


class Subscriber(FakeHttp):
    """A receiver of webhooks that does @fault(handler) once, when it is told to; keeps the ids of what it took."""

    def __init__(self, fault, context):
        self.taken = []
        self._fault, self._due = fault, threading.Event()
        self.failed = threading.Event()
        super().__init__(lambda *_: (200, self._answer), context=context)

    def fail_once(self):
        self._due.set()

    def _answer(self, handler):
        if self._due.is_set() and not self.failed.is_set():
            self.failed.set()
            self._fault(handler)
            return
        self.taken.append(handler.headers["webhook-id"])
        _begin(handler, 204, {"Content-Length": 0})


def _answer_500(handler):
    _begin(handler, 500, {"Content-Length": 0})


def _subscribers(run, stack):
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cartwheel-subscribers-")))
    folder.chmod(0o755)
    authority = Authority(folder)
    authority.create()
    context = tls_context(*authority.issue("receiver"))
    run.inside = stack.enter_context(FakeHttp(lambda *_: (200, {}), context=context))  # where no redirection may lead

    def redirect(handler):
        _begin(handler, 307, {"Content-Length": 0, "Location": f"https://localhost:{run.inside.port}/"})

    faults = {"hangs": _hang, "answers 500": _answer_500, "redirects": redirect, "is well": None}
    run.subscribers = {name: stack.enter_context(Subscriber(fault, context)) for name, fault in faults.items()}
    return {"notification-worker": MADE_UP | {"WEBHOOK_ADDRESSES": "any", "WEBHOOK_CA_FILE": str(authority.file)}}


def _subscribe(run):
    api = NotificationApi(run.fleet.base("notification-api"))
    for receiver in run.subscribers.values():
        answer = api.post(PATH, {"url": f"https://localhost:{receiver.port}/", "events": ["order.confirmed", "order.cancelled"]})
        receiver.id = answer.json()["id"]
    yield
    run.databases.execute("notification", "truncate subscriptions, webhooks")


def _each_was_told(run, history):
    """I5: every notification was posted to every subscriber, and is Sent because it was taken."""
    noted = {event for event, in run.databases.rows("notification", "select event_id::text from notifications")}
    wrong = []
    for name, receiver in run.subscribers.items():
        def untold(one=receiver):
            return noted - {event for event, in run.databases.rows(
                "notification", "select n.event_id::text from webhooks w join notifications n on n.id = w.notification_id"
                " where w.subscription_id = %s and w.status = %s", (one.id, SENT))}
        try:
            eventually(lambda u=untold: not u(), f"every webhook of the one that {name}", TOLD_S)
        except TookTooLong:
            wrong += [f"I5: the one that {name} was not told of {event}" for event in sorted(untold())[:3]]
        wrong += [f"I5: {event} is Sent, but the one that {name} did not take it" for event in sorted(noted - set(receiver.taken))[:3]]
        run.note("webhooks taken more than once", len(receiver.taken) - len(set(receiver.taken)))
    if run.inside.requests:
        wrong.append("a redirection was followed")
    return wrong + _bounded(run)


@row("28e", "webhooks: kill -9 of their sender; receivers that hang, answer 500, redirect", quick=True, rate=30, more_files=48,
     environment=_subscribers, prepare=_subscribe, check=_each_was_told)
def subscribers(run):
    run.at_points("notification-worker", [f"after_send@webhooks:{run.nth(5)}"])
    failing = [receiver for name, receiver in run.subscribers.items() if name != "is well"]
    for receiver in failing:
        receiver.fail_once()
    for receiver in failing:
        eventually(receiver.failed.is_set, "each fault to happen", DEALT_S)
    run.fleet.kill("notification-worker")
    well, before = run.subscribers["is well"], len(run.subscribers["is well"].taken)
    run.fleet.start("notification-worker")
    eventually(lambda: len(well.taken) > before + 10, "I5: the one that is well to be told of more meanwhile", NOT_BLOCKED_S)
