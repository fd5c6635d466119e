"""Who can be asked about the broker: its management API, rabbitmqctl where it is the launcher's own, or AMQP, which tells least."""

import base64
import contextlib
import email.utils
import http.client
import json
import ssl
from urllib.parse import quote, unquote, urlsplit

from launcher import web
from launcher.layout import LauncherError

from .checks import NotChecked, Unreachable
from .server import offset

CALL_SECONDS = 10
MISSING, DIFFERS = 404, 406
STATES = "name messages messages_ready messages_unacknowledged consumers".split()
NODE_ALARMS = {"mem_alarm": "it has too little memory left", "disk_free_alarm": "it has too little disk left"}


class Nowhere:
    """Nobody can be asked."""

    def __getattr__(self, what):
        raise NotChecked("set RABBITMQ_MANAGEMENT_URL to the broker's management API, http(s)://user:password@host:15672")


class Management:
    """The broker's own HTTP API, as a user who is an administrator."""

    def __init__(self, url, vhost, ca_file=None):
        self._url, self._vhost = url, vhost
        self._trust = ssl.create_default_context(cafile=ca_file) if url.startswith("https:") else None
        self._date = None

    def definitions(self):
        return self._get("/api/definitions")

    def queue_states(self):
        return self._get(f"/api/queues/{quote(self._vhost, safe='')}?columns={','.join(STATES)}")

    def alarms(self):
        """{node: [what is wrong with it]}"""
        found = {}
        for node in self._get("/api/nodes"):
            said = [text for name, text in NODE_ALARMS.items() if node.get(name)]
            said += [] if node.get("running", True) else ["it does not run"]
            found[node["name"]] = said + [f"it is cut off from {other}" for other in node.get("partitions", [])]
        return found

    def clock(self):
        """(ahead, unsure): the header has whole seconds."""
        def ask():
            self._get("/api/overview")
            if self._date is None:
                raise NotChecked("it does not tell its clock")
            return email.utils.parsedate_to_datetime(self._date).timestamp() + 0.5

        ahead, unsure = offset(ask)
        return ahead, unsure + 0.5

    def _get(self, path):
        parts = urlsplit(self._url)
        login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
        where = f"the management API at {parts.hostname}:{parts.port}"
        try:
            with contextlib.closing(web.connection(self._url, CALL_SECONDS, self._trust)) as connection:
                connection.request("GET", parts.path.rstrip("/") + path, headers=headers)
                response = connection.getresponse()
                text, self._date = response.read(), response.headers["Date"]
        except (OSError, http.client.HTTPException) as error:
            raise NotChecked(f"{where} does not answer: {error or type(error).__name__}") from error
        if response.status in (401, 403):
            raise NotChecked(f"{where} refuses its user, who has to be an administrator")
        try:
            return json.loads(text) if response.status == 200 else self._refused(where, path, response.status)
        except ValueError as error:
            raise NotChecked(f"{where} is none: it answers no JSON") from error

    def _refused(self, where, path, status):
        raise NotChecked(f"{where} answers {status} to {path}")


class Control:
    """rabbitmqctl, on a broker of the launcher's own."""

    def __init__(self, rabbitmq, vhost):
        self._rabbitmq, self._vhost = rabbitmq, vhost

    def definitions(self):
        return self._asked("export_definitions", "-", "--format", "json")

    def queue_states(self):
        return self._asked("list_queues", "-p", self._vhost, *STATES, "--formatter", "json")

    def alarms(self):
        said = self._asked("status", "--formatter", "json")
        return {self._rabbitmq.node: [f"alarm: {json.dumps(alarm)}" for alarm in said["alarms"]]}

    def clock(self):
        """It runs on this very machine."""
        return 0, 0

    def _asked(self, *arguments):
        try:
            return json.loads(self._rabbitmq.asked(arguments))
        except (LauncherError, ValueError) as error:
            raise NotChecked(f"rabbitmqctl {arguments[0]}: {error}") from error


class Amqp:
    """A connection, which tells of queues whether they are there and whether they have certain arguments."""

    def __init__(self, url, ca_file=None):
        import pika  # the other commands do without
        import pika.exceptions

        parameters = pika.URLParameters(url)
        parameters.socket_timeout = parameters.blocked_connection_timeout = CALL_SECONDS
        if url.startswith("amqps://"):
            parameters.ssl_options = pika.SSLOptions(ssl.create_default_context(cafile=ca_file), parameters.host)
        self._refused = pika.exceptions.ChannelClosedByBroker
        try:
            self._connection = pika.BlockingConnection(parameters)
        except (pika.exceptions.AMQPError, OSError) as error:
            raise Unreachable("the broker", str(error) or repr(error)) from error

    def close(self):
        if self._connection.is_open:
            self._connection.close()

    def has_queue(self, name):
        return self._declares(MISSING, name, passive=True)

    def is_queue(self, name, arguments):
        """Of one that is there: whether it was declared so. The broker makes nothing, then."""
        return self._declares(DIFFERS, name, durable=True, arguments=arguments)

    def _declares(self, code, name, **options):
        channel = self._connection.channel()
        try:
            channel.queue_declare(name, **options)
            channel.close()
            return True
        except self._refused as closed:
            if closed.reply_code != code:
                raise NotChecked(f"the broker refuses to tell of {name}: {closed.reply_text}") from closed
            return False
