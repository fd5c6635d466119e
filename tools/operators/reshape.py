"""./cartwheel reshape: makes the queues of the contract anew in another shape, one service after the other, while orders
flow."""

import contextlib
import os
import ssl

from launcher import catalogue, terminal
from launcher.layout import LauncherError
from launcher.system import System
from launcher.usage import count

SHAPES = ("cartwheel", "dotnet")
TYPES = ("quorum", "classic")
SETTLE_SECONDS = 30  # a worker that stops settles what it has within SHUTDOWN_TIMEOUT, 20 s
SETTLED_SECONDS = 2  # of one that was seen to end: the broker has to notice too
DELIVERY_LIMIT = 1000  # as in chassis/rabbitmq/declare.c
RETRIES = 2


def add_arguments(command):
    command.add_argument("shape", choices=SHAPES, metavar="SHAPE", help="what they become: " + " or ".join(SHAPES))
    command.add_argument("--service", action="append", choices=tuple(catalogue.read()), metavar="SERVICE",
                         help="only the queues of this one; repeatable")
    command.add_argument("--type", choices=TYPES, default="quorum", help="of the queues of cartwheel (%(default)s)")
    command.add_argument("--url", help="amqp[s] URL of a broker elsewhere, of a user with all rights in its virtual host; "
                         "you stop the workers")
    command.add_argument("--ca-file", help="amqps: PEM file of the broker's CA")
    command.add_argument("--settle", type=count, default=SETTLE_SECONDS, metavar="SECONDS",
                         help="with --url: how long a worker may take to settle what it has (%(default)s)")
    command.add_argument("--dry-run", action="store_true", help="say which queues differ, and change nothing")


def arguments_of(shape, kind, queue, exchange):
    """{queue: its arguments} of a queue and its dead letter queue."""
    if shape == "dotnet":
        return {queue: {}, f"{queue}.dlq": {}}
    common = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT} if kind == "quorum" else {}
    kept = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"} if kind == "quorum" else {}
    return {
        queue: {**common, **kept, "x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": queue},
        f"{queue}.dlq": {**common, **kept, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{queue}.unread"},
    }


def plan(service, shape, kind):
    """What Mover.move() takes, for each queue of a service."""
    steps = []
    for queue, (exchange, event) in service.queues.items():
        letters = f"{service.name}.dlq"
        arguments = arguments_of(shape, kind, queue, letters)
        keys = [(letters, queue), (letters, f"{queue}.dlq")]
        retries = [f"{queue}.retry.{n}" for n in range(1, RETRIES + 1)]
        steps.append((f"{queue}.dlq", arguments[f"{queue}.dlq"], keys if shape == "dotnet" else keys[:1], keys, []))
        steps.append((queue, arguments[queue], [(exchange, event)], [(exchange, event)], retries))
    return steps


def run(layout, options):
    """The command; exit code 0 when every queue has the shape."""
    from pika.exceptions import AMQPError

    mover = _mover(layout, options)
    try:
        for service in catalogue.read().values():
            if not options.service or service.name in options.service:
                _reshape(layout, options, mover, service)
    except AMQPError as error:
        raise LauncherError(f"the broker ended it ({error!r}); nothing is lost: run the same command again") from error
    finally:
        mover.close()
    return 0


def _mover(layout, options):
    import pika  # installed by ./cartwheel; only this and the demo need it

    from .moving import Mover

    from_here = {} if options.url else layout.endpoints()
    url, ca_file = options.url or from_here.get("amqp_url"), options.ca_file or from_here.get("ca_file")
    if url is None:
        raise LauncherError("nothing was started here; ./cartwheel up does it, --url names a broker elsewhere")
    parameters = pika.URLParameters(url)
    parameters.heartbeat = 60
    if url.startswith("amqps://"):
        trust = ssl.create_default_context(cafile=ca_file)
        parameters.ssl_options = pika.SSLOptions(trust, parameters.host)
    try:
        return Mover(parameters, lambda text: terminal.say(f"  {text}"))
    except (pika.exceptions.AMQPError, OSError) as error:
        raise LauncherError(f"the broker cannot be reached: {error or type(error).__name__}") from error


@contextlib.contextmanager
def _stopped(layout, options, name):
    """Our own worker does not run, and does again at the end. One elsewhere is yours to stop."""
    if options.url:
        yield
        return
    system = System(layout)
    with layout.lock(terminal.say):
        with terminal.Progress() as progress:
            ran = system.stop(progress, name)
        try:
            yield
        finally:
            os.environ["BROKER_SHAPE"] = options.shape
            if ran:
                with terminal.Progress() as progress:
                    system.start(progress, name)


def _reshape(layout, options, mover, service):
    steps = plan(service, options.shape, options.type)
    wanted = [step for step in steps if mover.differs(*step[:2])]
    if options.dry_run or not wanted:
        for step in steps:
            terminal.say(f"  {step[0]}: {'would be made anew' if step in wanted else 'is as it should be'}")
        return
    with _stopped(layout, options, f"{service.name}-worker"):
        mover.wait_alone([step[0] for step in wanted], options.settle if options.url else SETTLED_SECONDS)
        for step in wanted:
            mover.move(*step)
            terminal.say(f"  {step[0]}: has the shape {options.shape}")
