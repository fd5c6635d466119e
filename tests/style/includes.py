#!/usr/bin/env python3
"""Who may include whom.

The rooms of chassis/ and the layers of services/ depend on each other in one direction only, and
foreign libraries stay behind the chassis. Any include that is not allowed here is an error.
"""

import pathlib
import re
import sys

import sources

SERVICES = {"order", "stock", "notification"}

# Room of the chassis -> rooms whose headers it may include, besides its own.
CHASSIS = {
    "core": set(),
    "telemetry": {"core"},
    "http": {"core", "telemetry"},
    "postgres": {"core", "telemetry"},
    "rabbitmq": {"core", "telemetry"},
    "messaging": {"core", "telemetry", "postgres", "rabbitmq"},
}

# Files that know one room more than their neighbours.
CHASSIS_EXCEPTIONS = {
    "chassis/runtime/admin.c": {"http"},  # the admin listener is an HTTP server
    "chassis/runtime/admin.h": {"http"},
    "chassis/runtime/dead_letter_api.c": {"http"},  # what operators do about dead letters
    "chassis/runtime/dead_letter_api.h": {"http"},
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

# JSON is for the edges: the application layer sees structs.
NOT_IN_APPLICATION = re.compile(r"chassis/json/json|jansson\.h")

# Foreign header -> the one folder that may include it.
FOREIGN = [
    (re.compile(r"libpq|pg_|postgres|catalog/"), "chassis/postgres"),
    (re.compile(r"amqp|rabbitmq-c/|openssl/"), "chassis/rabbitmq"),
    (re.compile(r"microhttpd|curl/|jwt\.h"), "chassis/http"),
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
    allowed = CHASSIS.get(room, set()) | {room} | CHASSIS_EXCEPTIONS.get(path, set())
    if target[1] not in allowed:
        return f"chassis/{room} may not include chassis/{target[1]}: {header}"
    return None


def check_from_service(service, layer, is_main, header):
    target = header.split("/")
    if target[0] == "chassis":
        if layer == "application" and target[1] not in APPLICATION_CHASSIS_ROOMS:
            return f"the application layer uses chassis/core alone: {header}"
        return None
    if target[0] != service:
        return f"services do not include each other: {header}"
    if header == f"{service}/{service}_migrations.h":
        # Made by the build; the schema belongs to the infrastructure.
        return None if is_main or layer == "infrastructure" else f"only a main.c knows {header}"
    allowed = LAYERS.get(layer, set()) | {layer} | ({"infrastructure", "application"} if is_main else set())
    if target[1] not in allowed:
        return f"{layer} may not include {target[1]}: {header}"
    return None


def check(path, quote, header):
    """What is wrong with @path including @header, or None."""
    parts = path.split("/")
    if NOT_IN_APPLICATION.match(header) and parts[0] == "services" and parts[2] == "application":
        return f"JSON is for the edges, not for the application layer: {header}"
    if quote == "<":
        return check_foreign(path, header)
    if header.split("/")[0] not in SERVICES | {"chassis"} or header.count("/") < 1 or ".." in header:
        return f"an include names its room, as chassis/core/log.h: {header}"
    if parts[0] == "chassis":
        return check_from_chassis(path, parts[1], header)
    return check_from_service(parts[1], parts[2], parts[-1] == "main.c", header)


def check_file(path):
    text = sources.read(path)
    for match in INCLUDE.finditer(text):
        complaint = check(str(pathlib.PurePosixPath(path)), match[1], match[2])
        if complaint is not None:
            yield path, sources.line_of(text, match.start()), complaint


ALLOWED_ARROWS = [
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
    ("services/order/migrator/main.c", '"', "order/order_migrations.h"),
    ("services/order/infrastructure/store.c", '"', "order/application/ports.h"),
    ("services/order/application/orders.c", '"', "chassis/core/uuid.h"),
]

FORBIDDEN_ARROWS = [
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
    ("services/order/worker/handlers.c", '"', "order/order_migrations.h"),
    ("services/order/worker/main.c", '"', "stock/application/stocks.h"),
    ("services/order/infrastructure/store.c", '"', "order/api/routes.h"),
]


def self_test():
    complaints = [
        (arrow[0], 1, f"self-test: {arrow[2]} should be {word}")
        for arrows, word in ((ALLOWED_ARROWS, "allowed"), (FORBIDDEN_ARROWS, "forbidden"))
        for arrow in arrows
        if (check(*arrow) is None) != (word == "allowed")
    ]
    return sources.report(complaints)


def main():
    complaints = []
    for path in sources.files("chassis", "services", suffixes={".c", ".h"}):
        complaints.extend(check_file(path))
    return sources.report(complaints)


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else main())
