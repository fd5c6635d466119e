"""The three databases, read (and for faults, disturbed) with psycopg."""

import contextlib
import dataclasses

import psycopg


# What orders leave behind, in each database.
TABLES = {
    "order": "orders, order_items, order_history, idempotency_keys",
    "stock": "stock, stock_reservations, stock_movements",
    "notification": "notifications",
}
MESSAGES = "outbox, inbox"
GIVEN_UP = "outbox_parked, dead_letters, letter_edits"


@dataclasses.dataclass(frozen=True)
class DeadLetter:
    queue: str
    message_id: str
    body: bytes  # the beginning of it
    reason: str
    attempts: int

    @property
    def text(self):
        return bytes(self.body).decode(errors="replace")

    def is_of(self, marker):
        """Whether it is the message with this id, or with this text at the beginning of its body."""
        return self.message_id == marker or marker in self.text


class Reader:
    """What can be asked, of the databases as they are or of a snapshot of them."""

    def rows(self, service, sql, parameters=None):
        raise NotImplementedError

    def value(self, service, sql, parameters=None):
        rows = self.rows(service, sql, parameters)
        return rows[0][0] if rows else None

    def outbox_pending(self, service):
        return self.value(service, "SELECT count(*) FROM outbox")


class Snapshot(Reader):
    """The databases as one repeatable read transaction each sees them; a context manager."""

    def __init__(self, urls):
        self._stack = contextlib.ExitStack()
        self._connections = {}
        for service, url in urls.items():
            connection = self._stack.enter_context(psycopg.connect(url))
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute("SELECT 1")  # takes the snapshot
            self._connections[service] = connection

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def rows(self, service, sql, parameters=None):
        return self._connections[service].execute(sql, parameters).fetchall()


class Databases(Reader):
    """Short-lived connections by service name, so that a server restart cannot leave a dead one."""

    def __init__(self, urls, superuser_urls):
        self._urls = urls
        self.superuser_urls = superuser_urls  # one for each server: the services may share one or not

    def url(self, service):
        return self._urls[service]

    @contextlib.contextmanager
    def connect(self, service, autocommit=True):
        with psycopg.connect(self._urls[service], autocommit=autocommit, connect_timeout=5) as connection:
            yield connection

    @contextlib.contextmanager
    def superuser(self, server=0):
        with psycopg.connect(self.superuser_urls[server], autocommit=True, connect_timeout=5) as connection:
            yield connection

    def rows(self, service, sql, parameters=None):
        with self.connect(service) as connection:
            return connection.execute(sql, parameters).fetchall()

    def snapshot(self):
        return Snapshot(self._urls)

    def execute(self, service, sql, parameters=None):
        with self.connect(service) as connection:
            return connection.execute(sql, parameters).rowcount

    def dead_letters(self, service, since):
        """Those that died after @since (of now()), as DeadLetter."""
        return [DeadLetter(*row) for row in self.rows(
            service, "SELECT queue, message_id, substr(body, 1, 600), reason, attempts FROM dead_letters"
            " WHERE died_at > %s ORDER BY died_at", (since,))]

    def now(self, service):
        return self.value(service, "SELECT clock_timestamp()")

    def deadlocks(self):
        """Ended by the servers since they started, as far as their sessions have reported them."""
        found = 0
        for server in range(len(self.superuser_urls)):
            with self.superuser(server) as connection:
                found += connection.execute("SELECT coalesce(sum(deadlocks), 0)::int FROM pg_stat_database").fetchone()[0]
        return found
