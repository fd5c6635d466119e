"""The three databases, read (and for faults, disturbed) with psycopg."""

import contextlib
import dataclasses

import psycopg


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


class Databases:
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

    def value(self, service, sql, parameters=None):
        rows = self.rows(service, sql, parameters)
        return rows[0][0] if rows else None

    def execute(self, service, sql, parameters=None):
        with self.connect(service) as connection:
            return connection.execute(sql, parameters).rowcount

    def outbox_pending(self, service):
        return self.value(service, "SELECT count(*) FROM outbox")

    def dead_letters(self, service, since):
        """Those that died after @since (of now()), as DeadLetter."""
        return [DeadLetter(*row) for row in self.rows(
            service, "SELECT queue, message_id, substr(body, 1, 600), reason, attempts FROM dead_letters"
            " WHERE died_at > %s ORDER BY died_at", (since,))]

    def now(self, service):
        return self.value(service, "SELECT clock_timestamp()")
