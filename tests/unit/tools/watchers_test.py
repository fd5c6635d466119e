"""./cartwheel up --observe: what Prometheus is told to look at, and what is said when it is not installed."""

import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from launcher import watchers  # noqa: E402
from launcher.layout import Layout  # noqa: E402
from launcher.system import System  # noqa: E402

PLAIN = {"order-api": "http://127.0.0.1:1", "order-worker": "http://127.0.0.1:2"}


class Jobs(unittest.TestCase):
    def test_every_process_is_looked_at_under_its_name(self):
        job, = watchers.jobs(PLAIN, None, None)
        self.assertEqual(job, {"job_name": "cartwheel", "static_configs": [
            {"targets": ["127.0.0.1:1"], "labels": {"process": "order-api"}},
            {"targets": ["127.0.0.1:2"], "labels": {"process": "order-worker"}}]})

    def test_over_tls_the_certificate_does_not_matter(self):
        job, = watchers.jobs({"order-api": "https://127.0.0.1:1"}, None, None)
        self.assertEqual((job["scheme"], job["tls_config"]), ("https", {"insecure_skip_verify": True}))

    def test_servers_of_ours_are_looked_at_too(self):
        targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in watchers.jobs(PLAIN, "b:3", "p:4")[1:]}
        self.assertEqual(targets, {"rabbitmq": ["b:3"], "rabbitmq-queues": ["b:3"], "postgres": ["p:4"]})


class NotInstalled(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "bin").mkdir()
        self.notes, self.started = [], []
        programs = mock.patch.object(watchers, "PROGRAMS", self.folder / "bin")
        programs.start()
        self.addCleanup(programs.stop)
        self.system = System(Layout({"CARTWHEEL_HOME": str(self.folder / "home")}))

    def start(self):
        said = mock.Mock()
        said.note = self.notes.append
        self.system._start_watchers(said, lambda component, may_move: self.started.append(component.name))

    def test_what_is_missing_is_named_with_its_packages(self):
        self.start()
        self.assertEqual(self.started, [])
        self.assertEqual(self.notes, ["without prometheus and alertmanager, not installed here "
                                      "(as root: apt-get install --no-install-recommends prometheus prometheus-alertmanager)"])

    def test_what_is_there_is_started_all_the_same(self):
        for name in ("prometheus", "prometheus-postgres-exporter"):
            (self.folder / "bin" / name).touch()
        self.start()
        self.assertEqual(self.started, ["postgres-exporter", "prometheus"])
        self.assertEqual([note.partition(",")[0] for note in self.notes], ["without alertmanager"])

    def test_databases_of_others_get_no_exporter(self):
        (self.folder / "bin" / "prometheus-postgres-exporter").touch()
        self.system.settings.given = {f"{one}_DATABASE_URL": "postgresql://db/x" for one in ("ORDER", "STOCK", "NOTIFICATION")}
        self.system = System(self.system.layout)
        self.start()
        self.assertEqual(self.started, [])


if __name__ == "__main__":
    unittest.main()
