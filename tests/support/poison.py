"""Messages that no consumer can use: bodies of every bad kind, and properties of every bad kind."""

import functools
import json
import struct

import pika

from support import events
from support.api import new_id
from support.names import QUEUES

BIG_BYTES = 15 * 1024 * 1024


def good_event(event_type):
    """An event that would be processed, had it not been damaged."""
    return events.envelope(event_type, {
        "OrderId": new_id(), "CustomerId": new_id(), "OrderTotal": 1.5, "Currency": "USD", "Reason": "poison",
        "EventId": new_id(), "ErrorMessage": "Unexpected", "Items": events.items((new_id(), 1))})


def _text(change):
    """A kind whose body is the JSON text of a good event, passed through @change."""
    return lambda event: change(json.dumps(event)).encode()


def _member(name, text):
    """A kind that puts raw JSON @text in place of a member of Data."""
    def build(event):
        event["Data"][name] = "@@"
        return json.dumps(event).replace('"@@"', text).encode()
    return build


def _without(*path):
    def build(event):
        holder = event
        for name in path[:-1]:
            holder = holder[name]
        del holder[path[-1]]
        return json.dumps(event).encode()
    return build


def _data(value):
    return lambda event: json.dumps({**event, "Data": value}).encode()


DEEP = "[" * 3000 + "]" * 3000

# Bad in every queue. Each takes a good event and gives the bytes of the body.
BODIES = {
    "empty": lambda event: b"",
    "not-utf-8": lambda event: b"\xff\xfe" + json.dumps(event).encode(),
    "not-utf-8-inside": lambda event: json.dumps(event).encode().replace(b"Event", b"Ev\xc3\x28nt", 1),
    "not-json": lambda event: b"hello",
    "cut-off": _text(lambda text: text[:-10]),
    "trailing": _text(lambda text: text + "}"),
    "an-array": lambda event: b"[]",
    "a-number": lambda event: b"7",
    "null": lambda event: b"null",
    "deep": lambda event: DEEP.encode(),
    "deep-inside": _member("OrderId", DEEP),
    "duplicate-names": _text(lambda text: text[:-1] + ', "EventId": "%s"}' % new_id()),
    "no-data": _without("Data"),
    "no-order-id": _without("Data", "OrderId"),
    "data-is-a-number": _data(7),
    "data-is-a-list": _data([]),
    "data-is-bad-text": _data("{not json"),
    "order-id-is-a-number": _member("OrderId", "5"),
    "order-id-is-null": _member("OrderId", "null"),
    "order-id-is-no-uuid": _member("OrderId", '"123e4567-e89b-12d3-a456-42661417400g"'),
    "event-id-is-no-uuid": lambda event: json.dumps({**event, "EventId": "42"}).encode(),
    "another-type": lambda event: json.dumps({**event, "EventType": "OrderExplodedEvent"}).encode(),
    "nan": _member("OrderTotal", "NaN"),
    "nul": _member("OrderId", '"\\u0000"'),
    "raw-nul": _text(lambda text: text.replace("Event", "Ev\0ent", 1)),
    "lone-surrogate": _member("OrderId", '"\\ud800"'),
}


def _items(text):
    return _member("Items", text)


def _line(quantity):
    return _items('[{"ProductId": "%s", "Quantity": %s}]' % (new_id(), quantity))


# Bad where the total is read; elsewhere it is a member that nobody looks at.
TOTAL_BODIES = {
    "total-1e400": _member("OrderTotal", "1e400"),
    "total-beyond-int64": _member("OrderTotal", "9" * 40),
    "total-text": _member("OrderTotal", '"1.5"'),
    "total-negative": _member("OrderTotal", "-0.0001"),
}

# Bad where the items are read.
ITEM_BODIES = {
    "no-items": _without("Data", "Items"),
    "zero-items": _items("[]"),
    "items-is-a-number": _items("7"),
    "item-is-null": _items("[null]"),
    "quantity-zero": _line(0),
    "quantity-negative": _line(-5),
    "quantity-text": _line('"5"'),
    "quantity-fraction": _line(1.5),
    "quantity-beyond-int64": _line(2**63),
    "quantity-1e400": _line("1e400"),
    "quantity-huge": _line(2**63 - 1),
    "product-no-uuid": _items('[{"ProductId": "x", "Quantity": 1}]'),
    "million-items": _items("[" + "{}," * 100_000 + "{}]"),
}


MORE_BODIES = {"stock.ordercreated": ITEM_BODIES, "order.confirmed.queue": TOTAL_BODIES}


class RawHeaders(pika.BasicProperties):
    """Properties whose header table is given as bytes: what pika would never encode."""

    def __init__(self, table, message_id):
        super().__init__(delivery_mode=2, message_id=message_id)
        self._table = table

    def encode(self):
        headers, delivery_mode, message_id = 0x2000, 0x1000, 0x0080
        name = self.message_id.encode()
        return [struct.pack(">H", headers | delivery_mode | message_id),
                struct.pack(">I", len(self._table)), self._table,
                bytes([self.delivery_mode]), bytes([len(name)]), name]


def nested_table(depth):
    """A table in a table, @depth times: 7 bytes a level, so that 17,000 fit one 128 KiB frame."""
    levels = []
    size = 0
    for _ in range(depth):
        levels.append(b"\x01aF" + struct.pack(">I", size))
        size += 7
    return b"".join(reversed(levels))


def many_headers(count):
    return b"".join(b"\x06h%05dI" % n + struct.pack(">i", n) for n in range(count))


def swelling(message_id):
    """Headers that fill a frame. Sent to a retry queue they come out with those that the broker adds: a header frame
    larger than the consumer agreed to, which no version of the library reads."""
    bytes_ = 130_800
    return RawHeaders(b"\x01pS" + struct.pack(">I", bytes_) + b"x" * bytes_, message_id)


def nameless_header(message_id):
    """A header whose name is empty: the library reads it, and then fails to copy it."""
    return RawHeaders(b"\x00I" + struct.pack(">i", 7), message_id)


def deepest(message_id):
    """As many tables in a table as a frame takes: librabbitmq 0.11 reads them, 0.15 does not."""
    return RawHeaders(nested_table(17_000), message_id)


def deep(message_id):
    """More than librabbitmq 0.15 reads, and few enough for RabbitMQ 4, which takes minutes for the deepest."""
    return RawHeaders(nested_table(500), message_id)


# Properties that are bad or odd; each takes the message id.
PROPERTIES = {
    "nested-headers": lambda message_id: RawHeaders(nested_table(90), message_id),  # librabbitmq 0.15 takes 100
    "ten-thousand-headers": lambda message_id: RawHeaders(many_headers(9_000), message_id),
    "retry-count-text": lambda message_id: _headers(message_id, {"x-retry-count": "soon"}),
    "retry-count-negative": lambda message_id: _headers(message_id, {"x-retry-count": -7}),
    "retry-count-huge": lambda message_id: _headers(message_id, {"x-retry-count": 2**63 - 1}),
    "retry-count-list": lambda message_id: _headers(message_id, {"x-retry-count": [1, {"a": None}]}),
    "bad-traceparent": lambda message_id: _headers(message_id, {"traceparent": "00-" + "z" * 300}),
    "traceparent-number": lambda message_id: _headers(message_id, {"traceparent": 7}),
    "message-id-not-utf-8": lambda message_id: pika.BasicProperties(message_id=b"\xff" * 255, delivery_mode=2),
    "message-id-with-nul": lambda message_id: pika.BasicProperties(message_id=b"a\0b", delivery_mode=2),
    "type-not-utf-8": lambda message_id: pika.BasicProperties(message_id=message_id, type=b"\xc3" * 255),
    "odd-content": lambda message_id: pika.BasicProperties(
        message_id=message_id, content_type="image/png", content_encoding="gzip", delivery_mode=2, timestamp=2**63,
        type="x" * 255, app_id="\u00fc", priority=255, expiration="600000"),
}


def _headers(message_id, headers):
    return pika.BasicProperties(message_id=message_id, headers=headers, delivery_mode=2)


def storm(count):
    """@count messages over all queues: [(kind, queue, marker, body, properties)].

    Everything in it has to end in the dead letters. The marker is the message id, or stands in the body.
    """
    queues = [_makers(queue, event_type) for queue, (_, event_type, _, _) in QUEUES.items()]
    messages, turn = [], 0
    while len(messages) < count:
        messages += [makers[turn % len(makers)]() for makers in queues]
        turn += 1
    return messages


def every_kind():
    """One message of each kind for each queue where it is bad."""
    return [make() for queue, (_, event_type, _, _) in QUEUES.items() for make in _makers(queue, event_type)]


def _makers(queue, event_type):
    """One maker of a fresh message for each kind that is bad in @queue."""
    kinds = {**BODIES, **MORE_BODIES.get(queue, {})}
    return [*(functools.partial(_message, kind, build, queue, event_type) for kind, build in kinds.items()),
            *(functools.partial(_dressed, kind, build, queue) for kind, build in PROPERTIES.items()),
            functools.partial(_nameless, queue), functools.partial(_big, queue)]


def _message(kind, build, queue, event_type):
    event = good_event(event_type)
    return kind, queue, event["EventId"], build(event), events.properties(event)


def _dressed(kind, build, queue):
    marker = new_id()
    return kind, queue, marker, b"{odd properties " + marker.encode(), build(marker)


def _nameless(queue):
    marker = new_id()
    return "no-properties", queue, marker, b"{no properties " + marker.encode(), pika.BasicProperties()


def _big(queue):
    message_id = new_id()
    return "15-mib", queue, message_id, b"[" + b" " * BIG_BYTES, pika.BasicProperties(
        message_id=message_id, delivery_mode=2)
