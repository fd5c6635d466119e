"""The receiver of spans, which ./cartwheel up --observe starts beside the system: nothing of the system needs it, and down
stops it with the rest."""

import http.client
import os
import sys

from . import processes
from .component import Component

PROBE_SECONDS = 2
SAMPLER = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG")


def answers(port, path):
    """None when GET @path is answered by a 200, else "starting", as a component's probe says it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", path)
        return None if connection.getresponse().status == 200 else "starting"
    except (OSError, http.client.HTTPException):
        return "starting"
    finally:
        connection.close()


class Spans(Component):
    """The receiver of spans (tools/span_receiver.py)."""

    name = "spans"

    def __init__(self, layout, settings, registry, data_folder):
        super().__init__(layout, settings, registry)
        self._data_folder = data_folder  # function: the folder that holds the servers' data

    def port_names(self):
        return [self.name]

    def address(self):
        return f"http://{super().address()}"

    def folder(self):
        return self._data_folder() / self.name

    def launch(self, progress):
        program = self.layout.root / "tools" / "span_receiver.py"
        command = [sys.executable, "-E", "-s", str(program), str(self.settings.port(self.name)), str(self.folder())]
        return processes.spawn(self.layout, self.name, command, dict(os.environ), background=True)

    def probe(self):
        return answers(self.settings.port(self.name), "/v1/traces")

    def told_to(self, environ):
        """Makes a process that gets this environment send its spans here, all of them unless the reader says another share."""
        if not self.runs():
            return
        for name in [name for name in environ if name.startswith("OTEL_EXPORTER_OTLP_")]:
            del environ[name]
        environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = self.address()
        if not any(environ.get(name) for name in SAMPLER):
            environ["OTEL_TRACES_SAMPLER_ARG"] = "1"
