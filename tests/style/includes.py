#!/usr/bin/env python3
"""Who may include whom.

The chassis has floors, and an arrow only ever points down; the layers of a service look inwards, and
foreign libraries stay behind the chassis. What a file reaches through the files it includes counts
as included: there is no way around, and there are no exceptions.
"""

import pathlib
import re
import sys

import sources

SERVICES = set(pathlib.Path("services/services.list").read_text(encoding="ascii").split())
GENERATED = {f"{service}_{what}.h" for service in SERVICES for what in ("migrations", "document")}  # by the build

# Room of the chassis, from the ground up -> rooms whose headers it may include, besides its own.
# client, postgres and rabbitmq do not know each other.
CHASSIS = {
    "core": set(),
    "json": {"core"},
    "telemetry": {"core", "json"},
    "client": {"core", "json", "telemetry"},
    "identity": {"core", "json", "telemetry", "client"},
    "http": {"core", "json", "telemetry", "identity"},
    "postgres": {"core", "json", "telemetry"},
    "rabbitmq": {"core", "json", "telemetry"},
    "audit": {"core", "json", "telemetry", "postgres"},
    "messaging": {"core", "json", "telemetry", "postgres", "rabbitmq", "audit"},
    "runtime": {"core", "json", "telemetry", "http", "client", "identity", "postgres", "rabbitmq", "audit",
                "messaging"},
}

# Layer of a service -> layers of the same service, besides its own. All but `application` may use
# the whole chassis.
LAYERS = {
    "application": set(),
    "infrastructure": {"application"},
    "api": {"application"},
    "worker": {"application"},
    "migrator": set(),
}
APPLICATION_CHASSIS_ROOMS = {"core"}

# Foreign header -> the one folder that may include it.
FOREIGN = [
    (re.compile(r"libpq|pg_|postgres|catalog/"), "chassis/postgres"),
    (re.compile(r"amqp|rabbitmq-c/|openssl/(?!evp)"), "chassis/rabbitmq"),
    (re.compile(r"microhttpd|gnutls/"), "chassis/http"),
    (re.compile(r"cjose/|openssl/evp"), "chassis/identity"),
    (re.compile(r"curl/|idn2"), "chassis/client"),
    (re.compile(r"jansson"), "tests"),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def check_foreign(path, header):
    for pattern, home in FOREIGN:
        if pattern.match(header) and not path.startswith(home + "/"):
            return f"<{header}> is included in {home}/ only"
    return None


def check_from_chassis(path, room, header):
    target = header.split("/")
    if target[0] != "chassis":
        return f"the chassis knows no service: {header}"
    allowed = CHASSIS.get(room, set()) | {room}
    if target[1] not in allowed:
        return f"chassis/{room} may not include chassis/{target[1]}: {header}"
    return None


def check_from_service(service, layer, is_main, header):
    target = header.split("/")
    if header == f"{service}_migrations.h":
        # Made by the build; the schema belongs to the infrastructure.
        return None if is_main or layer == "infrastructure" else f"only a main.c knows {header}"
    if header == f"{service}_document.h":
        return None if is_main and layer == "api" else f"only the main.c of an API knows {header}"
    if target[0] == "chassis":
        if layer == "application" and target[1] not in APPLICATION_CHASSIS_ROOMS:
            return f"the application layer uses chassis/core alone: {header}"
        return None
    if target[0] != service:
        return f"services do not include each other: {header}"
    allowed = LAYERS.get(layer, set()) | {layer} | ({"infrastructure", "application"} if is_main else set())
    if is_main and layer == "api":
        allowed |= {"worker"}  # what it consumes: by that the dead letters are judged
    if target[1] not in allowed:
        return f"{layer} may not include {target[1]}: {header}"
    return None


def check(path, quote, header):
    """What is wrong with @path including @header, itself or through others, or None."""
    parts = path.split("/")
    if quote == "<":
        return check_foreign(path, header)
    if header not in GENERATED and (header.split("/")[0] not in {*SERVICES, "chassis"} or ".." in header):
        return f"an include names its room, as chassis/core/log.h: {header}"
    if parts[0] == "chassis":
        return check_from_chassis(path, parts[1], header)
    return check_from_service(parts[1], parts[2], parts[-1] == "main.c", header)


class Reach:
    """What a file includes, and what it reaches through that."""

    def __init__(self, read):
        self._read = read
        self._direct = {}

    def direct(self, path):
        """(quote, header, line) of each include of the file @path; none of one that does not exist."""
        if path not in self._direct:
            text = self._read(path)
            self._direct[path] = [
                (match[1], match[2], sources.line_of(text, match.start())) for match in INCLUDE.finditer(text)
            ]
        return self._direct[path]

    def all(self, path):
        """(quote, header, line, way) of everything reached; way: the headers in between."""
        seen = set()
        waiting = [(quote, header, line, ()) for quote, header, line in self.direct(path)]
        while waiting:
            quote, header, line, way = waiting.pop()
            if (quote, header) in seen:
                continue
            seen.add((quote, header))
            yield quote, header, line, way
            if quote == '"':
                place = header if header.startswith("chassis/") else f"services/{header}"
                waiting += [(q, h, line, (*way, header)) for q, h, _ in self.direct(place)]


def check_file(path, reach):
    for quote, header, line, way in reach.all(path):
        if quote == "<" and way:
            continue  # a room may show a foreign type to nobody else: its own header is checked by itself
        complaint = check(path, quote, header)
        if complaint is not None:
            yield path, line, complaint + "".join(f" through {step}" for step in way[-1:])


ALLOWED_ARROWS = [
    ("services/order/api/main.c", '"', "order/worker/handlers.h"),
    ("chassis/core/log.c", '"', "chassis/core/time.h"),
    ("chassis/core/log.c", "<", "glib.h"),
    ("chassis/http/server.c", "<", "microhttpd.h"),
    ("chassis/http/server.c", '"', "chassis/telemetry/metrics.h"),
    ("chassis/runtime/admin.c", '"', "chassis/http/server.h"),
    ("chassis/postgres/libpq.h", "<", "libpq-fe.h"),
    ("chassis/messaging/outbox.c", '"', "chassis/postgres/statement.h"),
    ("services/order/api/routes.c", '"', "order/application/orders.h"),
    ("services/order/api/routes.c", '"', "chassis/json/json.h"),
    ("services/order/api/main.c", '"', "order/infrastructure/store.h"),
    ("services/order/migrator/main.c", '"', "order_migrations.h"),
    ("services/order/api/main.c", '"', "order_document.h"),
    ("services/order/infrastructure/store.c", '"', "order/application/ports.h"),
    ("services/order/application/orders.c", '"', "chassis/core/uuid.h"),
]

FORBIDDEN_ARROWS = [
    ("services/order/migrator/main.c", '"', "order/worker/handlers.h"),
    ("services/order/worker/main.c", '"', "order/api/routes.h"),
    ("chassis/core/log.c", '"', "chassis/http/server.h"),
    ("chassis/core/log.c", '"', "chassis/telemetry/metrics.h"),
    ("chassis/core/log.c", '"', "order/application/orders.h"),
    ("chassis/core/log.c", '"', "time.h"),
    ("chassis/core/log.c", '"', "../core/time.h"),
    ("chassis/postgres/rows.c", '"', "chassis/rabbitmq/consumer.h"),
    ("chassis/rabbitmq/consumer.c", '"', "chassis/postgres/rows.h"),
    ("chassis/postgres/rows.c", '"', "chassis/messaging/outbox.h"),
    ("chassis/telemetry/metrics.c", '"', "chassis/http/server.h"),
    ("chassis/messaging/outbox.c", '"', "chassis/client/client.h"),
    ("chassis/messaging/outbox.c", "<", "libpq-fe.h"),
    ("chassis/messaging/outbox.c", "<", "amqp_framing.h"),
    ("chassis/runtime/admin.c", "<", "microhttpd.h"),
    ("services/order/infrastructure/store.c", "<", "libpq-fe.h"),
    ("services/notification/infrastructure/mail.c", "<", "curl/curl.h"),
    ("services/order/application/orders.c", '"', "chassis/postgres/rows.h"),
    ("services/order/application/orders.c", '"', "chassis/json/json.h"),
    ("services/order/application/orders.c", "<", "jansson.h"),
    ("services/order/application/orders.c", '"', "order/infrastructure/store.h"),
    ("services/order/application/orders.c", '"', "order/api/routes.h"),
    ("services/order/api/routes.c", '"', "order/infrastructure/store.h"),
    ("services/order/api/routes.c", '"', "order/worker/handlers.h"),
    ("services/order/worker/handlers.c", '"', "order/api/routes.h"),
    ("services/order/worker/handlers.c", '"', "order_migrations.h"),
    ("services/order/worker/main.c", '"', "order_document.h"),
    ("services/order/api/routes.c", '"', "order_document.h"),
    ("services/order/worker/main.c", '"', "stock/application/stocks.h"),
    ("services/order/infrastructure/store.c", '"', "order/api/routes.h"),
]


WAYS_AROUND = {
    "chassis/core/log.c": '#include "chassis/core/log.h"',
    "chassis/core/log.h": '#include "chassis/core/time.h"',
    "chassis/core/time.h": '#include "chassis/json/json.h"',
}


def self_test():
    complaints = [
        (arrow[0], 1, f"self-test: {arrow[2]} should be {word}")
        for arrows, word in ((ALLOWED_ARROWS, "allowed"), (FORBIDDEN_ARROWS, "forbidden"))
        for arrow in arrows
        if (check(*arrow) is None) != (word == "allowed")
    ]
    if not list(check_file("chassis/core/log.c", Reach(lambda path: WAYS_AROUND.get(path, "")))):
        complaints.append(("chassis/core/log.c", 1, "self-test: an arrow through others was not seen"))
    return sources.report(complaints)


def read_if_there(path):
    """Headers that the build makes are not there."""
    return sources.read(path) if (sources.ROOT / path).exists() else ""


def main():
    complaints = []
    reach = Reach(read_if_there)
    for path in sources.files("chassis", "services", suffixes={".c", ".h"}):
        complaints.extend(check_file(str(pathlib.PurePosixPath(path)), reach))
    return sources.report(complaints)


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else main())
