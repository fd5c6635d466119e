"""A stand-in as a test has it: its database, and its process, which can be killed."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import psycopg

HERE = pathlib.Path(__file__).resolve().parent
LOG_SHOWN = 2000


def lay_out(url, service):
    """Makes the tables of @service in an empty database, as its own migrations leave them."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((HERE / f"{service}.sql").read_text())


class Standin:
    """The worker of one service."""

    def __init__(self, service, database_url, amqp_url, sender_url=None, idle_s=1):
        self.service, self.database_url = service, database_url
        self._environment = {
            **os.environ, "DATABASE_URL": database_url, "AMQP_URL": amqp_url, "STANDIN_IDLE_S": str(idle_s),
            "STANDIN_SENDER_URL": sender_url or "", "PYTHONPATH": str(HERE.parents[1]),
        }
        self._log = tempfile.NamedTemporaryFile(prefix=f"standin-{service}-", suffix=".log")
        self.process = None

    def start(self, crash=""):
        """@crash: a step and a count ("begun:3") at which it is to be killed."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.standins", self.service], env={**self._environment, "STANDIN_CRASH": crash},
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        return self

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def log_end(self):
        return pathlib.Path(self._log.name).read_text(errors="replace")[-LOG_SHOWN:]

    def wait_killed(self, timeout=60):
        """Until it came to the step that it was to be killed at."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the {self.service} stand-in was not killed in {timeout} s: {self.log_end}") from None
        assert code == -signal.SIGKILL, f"the {self.service} stand-in ended with {code}: {self.log_end}"

    def assert_runs(self):
        assert self.is_running, f"the {self.service} stand-in ended: {self.log_end}"

    def stop(self):
        """At once: what it has in hand it has at the next start."""
        if self.is_running:
            self.process.kill()
            self.process.wait()

    def rows(self, sql, parameters=None):
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(sql, parameters).fetchall()

    def discard(self):
        self.stop()
        self._log.close()
