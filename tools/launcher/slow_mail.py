"""The slow mail server of ./cartwheel break slow-mail (tools/slow_mail_server.py), beside the system."""

import os
import socket
import sys

from . import processes
from .component import Component

SECONDS = 7  # that a mail takes: more than CartwheelSendingSlow bears, less than the 10 of NOTIFICATION_SEND_TIMEOUT_MS
PROBE_SECONDS = 2


class SlowMail(Component):
    name = "slow-mail"

    def port_names(self):
        return ["slow_mail"]

    def address(self):
        return f"smtp://{super().address()}"

    def launch(self, progress):
        program = self.layout.root / "tools" / "slow_mail_server.py"
        command = [sys.executable, "-E", "-s", str(program), str(self.settings.port("slow_mail")), str(SECONDS)]
        return processes.spawn(self.layout, self.name, command, dict(os.environ), background=True)

    def probe(self):
        try:
            with socket.create_connection(("127.0.0.1", self.settings.port("slow_mail")), PROBE_SECONDS) as connection:
                return None if connection.recv(4) == b"220 " else "starting"
        except OSError:
            return "starting"

    def told_to(self, environ):
        """Makes a notification worker that gets this environment send its mail here."""
        if not self.runs():
            return
        for name in [name for name in environ if name.startswith("SMTP_")]:
            del environ[name]
        environ |= {"EMAIL_CHANNEL": "smtp", "SMTP_URL": self.address()}
        if not environ.get("CUSTOMER_SERVICE_URL"):
            environ["MADE_UP_ADDRESSES"] = "send"
