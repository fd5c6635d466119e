"""A private RabbitMQ node on 127.0.0.1, with its own name, cookie, data and users."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from . import broker_users, catalogue, processes
from .accounts import Account, belongs_to, set_aside
from .amqp_probe import login_problem
from .certificates import Authority
from .component import Component
from .layout import LauncherError

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CONTROL = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
EPMD = Path("/usr/bin/epmd")
USER = "cartwheel"  # of operators and tests, with all rights in the virtual host; each service has a user of its own
VHOST = broker_users.VHOST
METRICS = "rabbitmq_prometheus"  # the plugin, and its port
INSTANCE = "instance"  # file beside the data, written after the first log-in: the settings of then

CORE = "rabbit-[0-9]*"  # of the plugins, what the broker insists on finding

# Erlang terms, not the newer "key = value" form, which takes the broker another second to read.
CONFIGURATION = """\
%% Written by ./cartwheel at every start.
[
 {{rabbit, [
   {listeners},
   {{load_definitions, "{definitions}"}},
   {{disk_free_limit, "256MB"}},
   {{max_message_size, 16777216}}, %% a larger one closes its publisher's channel
   {{dead_letter_worker_publisher_confirm_timeout, 10000}}, %% not 3 minutes: see decision 10
   {{log, [
     {{file, [{{file, false}}]}},
     {{console, [{{enabled, true}}, {{level, info}}]}},
     {{categories, [{{connection, [{{level, warning}}]}}]}}
   ]}}
 ]}},
 {{rabbitmq_prometheus, [{{tcp_config, [{{ip, "127.0.0.1"}}, {{port, {metrics}}}]}}]}},
 {{ra, [{{wal_max_size_bytes, 67108864}}]}}
].
"""


LISTENERS = """{{tcp_listeners, [{{"127.0.0.1", {port}}}]}}"""
TLS_LISTENERS = """\
{{tcp_listeners, []}},
   {{ssl_listeners, [{{"127.0.0.1", {port}}}]}},
   {{ssl_options, [{{cacertfile, "{folder}/ca.crt"}}, {{certfile, "{folder}/server.crt"}},
                  {{keyfile, "{folder}/server.key"}}, {{verify, verify_peer}}, {{fail_if_no_peer_cert, false}},
                  {{versions, ['tlsv1.3', 'tlsv1.2']}}]}}"""


class Rabbitmq(Component):
    name = "rabbitmq"
    stop_seconds = 40
    ready_seconds = 120
    leftover_program = "beam.smp"  # its helpers carry the same tag, and end with it

    def __init__(self, layout, settings, registry, data_folder, observed):
        super().__init__(layout, settings, registry)
        self._data_folder = data_folder  # function: the folder that holds the servers' data
        self._observed = observed  # function: whether somebody wants its metrics
        self.node = f"cartwheel-{layout.hash}@localhost"

    def port_names(self):
        return ["rabbitmq", "rabbitmq_dist", METRICS]

    def metrics_address(self):
        """Of its plugin for Prometheus, where it is observed."""
        return f"127.0.0.1:{self.settings.port(METRICS)}"

    def url(self):
        """For operators and tests."""
        return self._url(USER)

    def service_url(self, service):
        return self._url(service)

    def _password(self, user):
        return self.settings.password("rabbitmq" if user == USER else f"rabbitmq_{user}")

    def _url(self, user):
        credentials = f"{user}:{self._password(user)}"
        if self.settings.tls:
            return f"amqps://{credentials}@localhost:{self.settings.port('rabbitmq')}/{VHOST}"
        return f"amqp://{credentials}@{self.address()}/{VHOST}"

    def launch(self, progress):
        if not SERVER.exists():
            raise LauncherError(f"{SERVER} is not there (Debian package rabbitmq-server)")
        account = Account("rabbitmq")
        self._settle_data(progress)
        folder = self._folder()
        for path in (folder, folder / "home", folder / "mnesia", folder / "log", folder / "plugins"):
            account.own(path)
        account.write(folder / "home" / ".erlang.cookie", self.settings.password("erlang_cookie"))
        (folder / "home" / ".erlang.cookie").chmod(0o400)
        plugins = [METRICS] if self._observed() else []
        account.write(folder / "enabled_plugins", f"[{','.join(plugins)}].\n")
        account.write(folder / "rabbitmq-env.conf", "")
        definitions = folder / "definitions.json"
        account.write(definitions, json.dumps(self._definitions(), indent=2) + "\n")
        account.write(
            folder / "rabbitmq.config",
            CONFIGURATION.format(
                listeners=self._listeners(account), definitions=definitions, metrics=self.settings.port(METRICS)
            ),
        )
        _offer_plugins(folder / "plugins", "*" if plugins else CORE)
        _start_epmd(account)
        return processes.spawn(
            self.layout, self.name, [str(SERVER)], self._environ(), account, folder, background=True
        )

    def _definitions(self):
        """The users and their rights, which the broker brings up to date at every start."""
        passwords = {user: self._password(user) for user in (USER, *catalogue.read())}
        return broker_users.definitions(passwords, {USER: broker_users.EVERYTHING}, {})

    def _listeners(self, account):
        """The part of the configuration that says where to listen, and how."""
        folder = self._folder()
        if not self.settings.tls:
            return LISTENERS.format(port=self.settings.port("rabbitmq"))
        authority = Authority(self.layout.tls)
        certificate, key = authority.issue(self.name)
        for path, source in (("ca.crt", authority.file), ("server.crt", certificate), ("server.key", key)):
            account.write(folder / path, source.read_text(encoding="ascii"))
        return TLS_LISTENERS.format(port=self.settings.port("rabbitmq"), folder=folder)

    def _folder(self):
        return self._data_folder() / "rabbitmq"

    def _settle_data(self, progress):
        """Data without a finished first start may be half made; that of settings that are lost belongs to databases
        that are put aside too."""
        folder = self._folder()
        if not (folder / "mnesia").exists():
            return
        if not (folder / INSTANCE).exists():
            shutil.rmtree(folder / "mnesia")
        elif not belongs_to(folder / INSTANCE, self.settings):
            (folder / INSTANCE).unlink()
            set_aside(folder / "mnesia", "the settings of this RabbitMQ data are lost", progress.note)

    def _environ(self):
        folder = self._folder()
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder / "home"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_PORT": str(self.settings.port("rabbitmq")),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self.settings.port("rabbitmq_dist")),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.config"),
            "RABBITMQ_PLUGINS_DIR": str(folder / "plugins"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            # Makes the start script become the broker, not stay as its parent: the pid we know is
            # the broker's, and a signal reaches it.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def probe(self):
        ca_file = Authority(self.layout.tls).file if self.settings.tls else None
        port = self.settings.port("rabbitmq")
        return login_problem(port, USER, self.settings.password("rabbitmq"), VHOST, ca_file)

    def complete(self):
        Account("rabbitmq").write(self._folder() / INSTANCE, self.settings.instance)

    def control(self, arguments):
        """Runs rabbitmqctl on this node as its user; its exit code."""
        return self._run(arguments).returncode

    def asked(self, arguments):
        """The same; what it says."""
        done = self._run(["--quiet", *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise LauncherError(" ".join((done.stderr or done.stdout).split()))
        return done.stdout

    def load_definitions(self):
        """The users and their rights once more, as at a start."""
        self.asked(["import_definitions", str(self._folder() / "definitions.json")])

    def _run(self, arguments, **options):
        account = Account("rabbitmq")
        command = [str(CONTROL), "--node", self.node, *arguments]
        return subprocess.run(
            command, env=self._environ(), cwd=self._folder(), check=False, **options, **account.popen_arguments()
        )


def _offer_plugins(folder, which):
    """The broker loads every plugin it finds, enabled or not, only to look for settings of theirs.
    A folder with nothing but its own core saves 1.5 of 7 seconds."""
    for link in folder.iterdir():
        link.unlink()
    for found in (SERVER.resolve().parents[1] / "plugins").glob(which):
        (folder / found.name).symlink_to(found)


def _start_epmd(account):
    """Erlang's name server, one for all nodes of the machine: started when there is none, bound to
    127.0.0.1, and never ended, since others may use it too."""
    if not EPMD.exists():
        return
    environ = {"PATH": os.defpath, "ERL_EPMD_ADDRESS": "127.0.0.1"}
    subprocess.run(
        [str(EPMD), "-daemon"],
        env=environ,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        **account.popen_arguments(),
    )
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if subprocess.run([str(EPMD), "-names"], env=environ, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.02)
