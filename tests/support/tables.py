"""Header tables as bytes: every kind of field and every shape that a frame holds, whole and broken."""

import functools
import struct

# Not x-death: it is the broker's own, which trips over one of another shape when it dead-letters the message.
NAMES = (b"", b"h", b"x" * 255, b"x-retry-count", b"x-delivery-count", b"x-failed-queue", b"traceparent", b"\xff\xfe", b"a\0b")
UNKNOWN = (b"L", b"Z", b"\0", b"\xff")


def _bytes(count):
    return lambda random: random.randbytes(count)


def _long(random):
    return _sized(random.randbytes(random.choice((0, 1, 40, 2000))))


def _sized(content):
    return struct.pack(">I", len(content)) + content


# Kind -> a value of it.
SCALARS = {
    b"t": _bytes(1), b"b": _bytes(1), b"B": _bytes(1), b"s": _bytes(2), b"u": _bytes(2), b"I": _bytes(4), b"i": _bytes(4),
    b"l": _bytes(8), b"f": _bytes(4), b"d": _bytes(8), b"D": _bytes(5), b"T": _bytes(8), b"V": _bytes(0), b"S": _long,
    b"x": _long,
}  # fmt: skip


def _named(name, field):
    return bytes([len(name)]) + name + field


def _scalar(random):
    kind = random.choice(list(SCALARS))
    return kind + SCALARS[kind](random)


def _field(random, depth):
    """A value with its kind; tables and arrays hold others, @depth of them in one another at most."""
    if depth == 0 or random.random() < 0.6:
        return _scalar(random)
    if random.random() < 0.5:
        return b"F" + _sized(_tree(random, depth - 1))
    return b"A" + _sized(b"".join(_field(random, depth - 1) for _ in range(random.randint(0, 4))))


def _tree(random, depth=6):
    return b"".join(_named(random.choice(NAMES), _field(random, depth)) for _ in range(random.randint(0, 6)))


def _every_kind(random):
    return b"".join(_named(b"k", kind + make(random)) for kind, make in random.sample(list(SCALARS.items()), len(SCALARS)))


def _deep(random, most=1000):
    """Tables and arrays in one another, on both sides of what a library takes; RabbitMQ 4 takes minutes for 10,000."""
    field = _scalar(random)
    for _ in range(random.choice((1, 60, 97, 98, 99, 100, 101, 102, 103, 130, most))):
        field = b"F" + _sized(_named(b"d", field)) if random.random() < 0.8 else b"A" + _sized(field)
    return _named(b"d", field)


def _many(random):
    return b"".join(_named(b"h%d" % n, _scalar(random)) for n in range(random.choice((300, 1000))))


def _big(random):
    return _named(b"big", b"S" + _sized(b"x" * random.choice((4000, 65_535, 65_536, 120_000))))


def _with_unknown(random):
    return _tree(random) + _named(b"u", random.choice(UNKNOWN) + random.randbytes(8))


def _cut(random):
    """The end of it is missing, and whoever reads it by the lengths inside reads beyond it."""
    whole = random.choice((_every_kind, _tree, functools.partial(_deep, most=300)))(random)
    return whole[:random.randint(0, max(len(whole) - 1, 0))]


def _disturbed(random):
    changed = bytearray(_every_kind(random))
    for _ in range(random.randint(1, 4)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


SHAPES = (_every_kind, _tree, _deep, _many, _big, _with_unknown, _cut, _disturbed)


def tables(random, count):
    """That many, of every shape in turn."""
    return [SHAPES[n % len(SHAPES)](random) for n in range(count)]
