"""The three databases, read (and for faults, disturbed) with psycopg."""

import contextlib

import psycopg


class Databases:
    """Short-lived connections by service name, so that a server restart cannot leave a dead one."""

    def __init__(self, urls, superuser_url):
        self._urls = urls
        self.superuser_url = superuser_url

    def url(self, service):
        return self._urls[service]

    @contextlib.contextmanager
    def connect(self, service, autocommit=True):
        with psycopg.connect(self._urls[service], autocommit=autocommit, connect_timeout=5) as connection:
            yield connection

    @contextlib.contextmanager
    def superuser(self):
        with psycopg.connect(self.superuser_url, autocommit=True, connect_timeout=5) as connection:
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

    def dead_letters(self, service, since_id=0):
        """[(id, queue, message_id, reason, attempts)] above @since_id."""
        return self.rows(service,
                         "SELECT id, queue, message_id, reason, attempts FROM dead_letters"
                         " WHERE id > %s ORDER BY id", (since_id,))

    def last_dead_letter(self, service):
        return self.value(service, "SELECT coalesce(max(id), 0) FROM dead_letters")
