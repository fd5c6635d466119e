"""Making a queue anew with other arguments while messages come: a queue beside it takes them meanwhile.

What there is on the broker says how far a move has come, so that one that was cut off is gone on with by the next. A
message may come twice (it is published, and confirmed, before it is acknowledged; for a moment both queues are bound):
consumers drop duplicates. None is lost.
"""

import contextlib

import pika
import pika.exceptions

SUFFIX = ".moving"  # of the queue beside it; classic and durable, for it lives for seconds
WINDOW = 500  # messages under way
FIRST = {"x-priority": 100}  # of consumers we come first: a worker that starts meanwhile gets nothing
MISSING, DIFFERS = 404, 406
PAUSE_SECONDS = 0.2


class Mover:
    """One connection to a broker. The queues that it moves have no other consumer: see wait_alone()."""

    def __init__(self, parameters, say):
        self._connection = pika.BlockingConnection(parameters)
        self._say = say
        self._out = self._connection.channel()
        self._out.confirm_delivery()

    def close(self):
        with contextlib.suppress(pika.exceptions.AMQPError):
            self._connection.close()

    def move(self, name, arguments, bindings, unbindings, retries):
        """Makes queue @name have @arguments and @bindings [(exchange, key)]; True when it had to be made anew.
        @unbindings: those that it may have now. @retries: the queues from which messages come back to it."""
        beside = name + SUFFIX
        moved = False
        while not self._declare(name, arguments):
            moved = True
            self._declare(beside, {})
            self._bind(beside, bindings)
            for exchange, key in unbindings:
                self._out.queue_unbind(name, exchange, key)
            with self._held(retries):
                self._drain(name, beside)
                if self._declare(name, arguments):
                    break
        self._bind(name, bindings)
        if self._find(beside) is None:
            return moved
        for exchange, key in unbindings:
            self._out.queue_unbind(beside, exchange, key)
        self._drain(beside, name)
        return True

    def differs(self, name, arguments):
        """Whether there is such a queue with other arguments, or what a move that was cut off left."""
        if self._find(name + SUFFIX) is not None:
            return True
        return self._find(name) is not None and not self._declare(name, arguments)

    def _bind(self, name, bindings):
        for exchange, key in bindings:
            self._out.exchange_declare(exchange, "topic", durable=True)
            self._out.queue_bind(name, exchange, key)

    def _asked(self, *arguments, **options):
        """queue.declare on a channel of its own, which the broker closes when it refuses."""
        channel = self._connection.channel()
        answer = channel.queue_declare(*arguments, **options).method
        channel.close()
        return answer

    def _declare(self, name, arguments):
        """False when it is there with other arguments."""
        try:
            self._asked(name, durable=True, arguments=arguments)
            return True
        except pika.exceptions.ChannelClosedByBroker as closed:
            if closed.reply_code != DIFFERS:
                raise
            return False

    def _find(self, name):
        """(messages ready, consumers) of the queue; None when there is none."""
        try:
            found = self._asked(name, passive=True)
            return found.message_count, found.consumer_count
        except pika.exceptions.ChannelClosedByBroker as closed:
            if closed.reply_code != MISSING:
                raise
            return None

    @contextlib.contextmanager
    def _held(self, retries):
        """No message leaves these queues, for its way back leads nowhere: all are ours, unsettled, and theirs again."""
        channel = self._connection.channel()
        for queue in retries:
            if self._find(queue) is not None:
                channel.basic_consume(queue, lambda *_: None)
        try:
            yield
        finally:
            channel.close()

    def wait_alone(self, names, settle):
        """Until nobody consumes these queues, and @settle seconds more, after which whoever did has settled or given back
        what it had: nobody can ask the broker for that over AMQP."""
        for name in names:
            self._wait_until_ours(name, 0)
        self._connection.sleep(settle)

    def _wait_until_ours(self, name, consumers):
        """Until it has that many consumers, ours."""
        said = False
        while (found := self._find(name)) is not None and found[1] > consumers:
            if not said:
                self._say(f"{name}: waiting until its consumers are stopped")
                said = True
            self._connection.sleep(PAUSE_SECONDS)

    def _drain(self, source, target):
        """Moves all that is in @source, and all that comes, and deletes it: what came in that moment is moved too."""
        channel = self._connection.channel()
        channel.basic_qos(prefetch_count=WINDOW)
        count, deleted = 0, False
        for method, properties, body in channel.consume(source, arguments=FIRST, inactivity_timeout=PAUSE_SECONDS):
            if method is not None:
                self._publish(target, properties, body)
                count += 1
                if not deleted:
                    channel.basic_ack(method.delivery_tag)
            elif deleted:
                break
            else:  # nothing came for a while
                self._wait_until_ours(source, 1)
                if self._find(source)[0] == 0:
                    self._out.queue_delete(source)
                    deleted = True
        if channel.is_open:
            channel.close()
        self._say(f"{source}: {count} messages moved to {target}")

    def _publish(self, queue, properties, body):
        properties.user_id = None  # the broker lets nobody publish in another's name
        self._out.basic_publish("", queue, body, properties, mandatory=True)
