"""./cartwheel as its reader types it: what is asked for wrongly does nothing, is exit 2, and says what was meant."""

import contextlib
import http.server
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
LAUNCHER = ROOT / "cartwheel"
sys.path.insert(0, str(ROOT / "tools"))

from launcher import accounts, demo, given, suites, web  # noqa: E402
from launcher.beside import Beside  # noqa: E402
from launcher.certificates import Authority  # noqa: E402
from launcher.layout import Layout, LauncherError  # noqa: E402
from launcher.services import Process  # noqa: E402
from launcher.settings import Settings  # noqa: E402

WRONG = {
    ("sttus",): "did you mean status?",
    ("test", "nosuch"): "there is no suite nosuch",
    ("test", "unitt"): "did you mean unit?",
    ("test", "--all", "unit"): "--all is for a run without names",
    ("test", "13"): "./cartwheel test release 13",
    ("test", "fuzz", "--target", "jsn"): "did you mean json?",
    ("test", "fuzz", "--seconds", "0"): "must be 1 or more",
    ("up", "--detatch"): "did you mean --detach?",
    ("up", "order-api"): "has no order-api",
    ("install", "wrk"): "has no wrk",
    ("start", "stok-api"): "did you mean stock-api?",
    ("break", "poisn"): "did you mean poison?",
    ("psql", "oder"): "did you mean order?",
    ("logs", "-n", "-5"): "must be 1 or more",
    ("logs", "-n", "0"): "must be 1 or more",
    ("logs", "order-wrker"): "did you mean order-worker?",
    ("bench", "--only", "intak"): "did you mean intake?",
    ("token", "--role", "customer"): "needs --customer ID",
    ("token", "--for", "soon"): "soon is no time",
    ("dlq", "lst"): "did you mean list?",
    ("dlq", "list", "--queue", "stock.ordercreate"): "did you mean stock.ordercreated?",
    ("dlq", "list", "--service", "order", "--queue", "stock.ordercreated"): "there is no queue stock.ordercreated",
    ("dlq", "list", "--limit", "-1"): "must be 1 or more",
    ("dlq", "discard", "--all"): "--why is missing",
    ("announce", "0190a000-0000-7000-8000-000000000001"): "--why is missing",
    ("order", "0190a000-0000-7000-8000-000000000001", "cancl"): "did you mean cancel?",
    ("order", "0190a000-0000-7000-8000-000000000001", "cancel"): "--why is missing",
    ("order", "0190a000-0000-7000-8000-000000000001", "--yes"): "go with an act: announce, cancel, resend, release",
    ("order", "0190a000-0000-7000-8000-000000000001", "cancel", "--why", "so"): "say --yes, nobody is here to be asked",
    ("reconcile", "--order", "7"): "7 is no order's id",
    ("reconcile", "--settle", "soon"): "soon is no time",
}


class LauncherTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.home = self.folder / "home"

    def run_launcher(self, *arguments, path=LAUNCHER, **environ):
        environ = {**os.environ, "CARTWHEEL_HOME": str(self.home), **environ}
        return subprocess.run([str(path), *arguments], env=environ, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, check=False)

    def nothing_installed(self):
        """The environment of a user on a machine without any package, where an installation leaves a file."""
        tools = self.folder / "bin"
        tools.mkdir()
        for name, script in {"dpkg-query": "exit 1", "id": "echo 1000", "sudo": f"touch {self.folder}/installing; exit 1"}.items():
            (tools / name).write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
            (tools / name).chmod(0o755)
        return {"PATH": f"{tools}:/usr/bin:/bin", "CARTWHEEL_PACKAGES": ""}

    def test_a_wrong_use_is_exit_2_and_says_what_was_meant(self):
        for arguments, words in WRONG.items():
            with self.subTest(arguments):
                done = self.run_launcher(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertEqual(done.stdout, "")
        self.assertFalse(self.home.exists())

    def test_an_unknown_meaning_of_packages_is_exit_2(self):
        self.assertEqual(self.run_launcher("build", CARTWHEEL_PACKAGES="absent").returncode, 2)

    def test_a_wrong_use_installs_nothing(self):
        environ = self.nothing_installed()
        for arguments in (("test", "nosuch"), ("up", "--detatch"), ("bench", "--only", "x"), ("install", "wrk")):
            with self.subTest(arguments):
                self.assertEqual(self.run_launcher(*arguments, **environ).returncode, 2)
                self.assertFalse((self.folder / "installing").exists())
        done = self.run_launcher("test", "unit", **environ)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "installing with apt-get: |packages are installed on Debian 12 and 13 alone")

    def test_a_link_to_it_does_as_well(self):
        link = self.folder / "elsewhere"
        link.symlink_to(LAUNCHER)
        (self.folder / "again").symlink_to(link)
        for path in (link, self.folder / "again"):
            done = self.run_launcher("logs", "-n", "0", path=path)
            self.assertEqual((done.returncode, "must be 1 or more" in done.stderr), (2, True), done.stderr)

    def test_the_version_is_that_of_the_build(self):
        done = self.run_launcher("--version")
        self.assertRegex(done.stdout, r"^cartwheel \d+\.\d+\.\d+\n$")
        self.assertIn(f"version: '{done.stdout.split()[1]}'", (ROOT / "meson.build").read_text(encoding="utf-8"))

    def test_what_needs_a_running_system_says_at_once_how_to_start_it(self):
        for arguments in (("psql", "order"), ("rabbitmqctl", "status"), ("dlq", "list"), ("stop", "order-api"), ("reconcile",),
                          ("audit", "verify"), ("break",), ("mend",)):
            with self.subTest(arguments):
                done = self.run_launcher(*arguments)
                self.assertIn(done.returncode, (1, 2))
                self.assertIn("./cartwheel up", done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_clean_is_not_done_unasked(self):
        self.home.mkdir()
        settings = self.home / "settings.json"
        settings.write_text("{}", encoding="ascii")
        done = self.run_launcher("clean")
        self.assertEqual((done.returncode, settings.exists()), (2, True), done.stderr)
        self.assertIn("--yes", done.stderr)

    @unittest.skipUnless(os.getuid() == 0, "to become somebody else takes root")
    def test_another_user_gets_a_sentence(self):
        self.folder.chmod(0o755)
        for mode in (0o711, 0o700):
            self.home.mkdir(exist_ok=True)
            (self.home / "logs").mkdir(mode=0o700, exist_ok=True)
            for name in ("settings.json", "endpoints.json", "processes.json"):
                (self.home / name).touch(mode=0o600)
            self.home.chmod(mode)
            for arguments in (("status",), ("logs",), ("dlq", "list"), ("psql", "order"), ("down",), ("clean", "--yes"),
                              ("reconcile",), ("start", "postgres")):
                with self.subTest(arguments=arguments, mode=mode):
                    done = subprocess.run(
                        [str(LAUNCHER), *arguments], env={**os.environ, "CARTWHEEL_HOME": str(self.home)}, user="nobody",
                        extra_groups=[], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
                    )  # fmt: skip
                    self.assertIn(done.returncode, (1, 2))
                    self.assertIn("belongs to user root", done.stderr)
                    self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


@unittest.skipUnless(os.getuid() == 0, "to become somebody else takes root")
class WorkBesideSuites(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="beside-")
        self.addCleanup(self.folder.cleanup)

    def beside(self, **works):
        made = Beside(pathlib.Path(self.folder.name), works)
        self.addCleanup(made.close)
        return made

    def test_each_is_told_by_its_name_whoever_is_asked_for_first(self):
        made = self.beside(good=lambda: None, bad=lambda: "it failed")
        self.assertEqual([made.result(name)[0] for name in ("bad", "good")], ["it failed", None])

    def test_what_it_prints_is_kept_apart(self):
        made = self.beside(one=lambda: print("said by one", flush=True))
        made.result("one")
        self.assertEqual((pathlib.Path(self.folder.name) / "one.log").read_text(encoding="utf-8"), "said by one\n")

    def test_what_ends_before_its_turn_did_not_pass(self):
        made = self.beside(ends=lambda: os._exit(3), never=lambda: None)
        self.assertEqual(made.result("never")[0], "it was cut off")


class LeftToTheFaultPlan(unittest.TestCase):
    def test_the_sanitizers_run_every_row_that_stands_in_for_a_test(self):
        """A test of the saga that is marked so is not run on their builds."""
        marked = [row for path in (ROOT / "tests").glob("*/test_*.py")
                  for rows in re.findall(r'mark\.in_fault_plan\("(.*?)"\)', path.read_text(encoding="utf-8"))
                  for row in rows.split(", ")]
        self.assertTrue(marked)
        self.assertEqual(set(marked) - set(suites.A_THIRD.split(",")), set())


class Reachable(unittest.TestCase):
    def test_a_file_below_a_closed_folder_is_copied_and_renewed(self):
        account = accounts.Account(accounts.NOBODY)
        with tempfile.TemporaryDirectory() as folder:
            closed, open_to_all = pathlib.Path(folder, "closed"), pathlib.Path(folder, "open")
            pathlib.Path(folder).chmod(0o711)
            closed.mkdir(mode=0o700)
            open_to_all.mkdir(mode=0o711)
            for text in ("#!/bin/sh\necho once\n", "#!/bin/sh\necho again\n"):
                (closed / "file").write_text(text, encoding="ascii")
                copy = account.reachable(closed / "file", open_to_all)
                self.assertEqual(copy.parent, open_to_all / accounts.COPIES)
                done = subprocess.run([str(copy)], cwd="/", capture_output=True, text=True, check=True,
                                      **account.popen_arguments())
                self.assertEqual(done.stdout, text.split()[-1] + "\n")
            self.assertEqual(account.reachable(pathlib.Path("/bin/sh"), open_to_all), pathlib.Path("/bin/sh"))


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def listener(certificate=None):
    """The port of a server that answers everything by 200."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class ListenersWithTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        authority = Authority(cls.folder / "ca")
        authority.create()
        cls.own = authority.issue("own", names="DNS:shop.example")
        cls.past = authority.issue("past", expired=True)
        cls.other = authority.issue("other", names="DNS:localhost,IP:127.0.0.1")
        cls.chain = cls.folder / "chain.crt"
        cls.chain.write_text(cls.own[0].read_text() + authority.file.read_text(), encoding="ascii")

    def process(self, certificate):
        """An API as ./cartwheel up knows it that was told of a certificate, or of none."""
        home = self.folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        layout = Layout({"CARTWHEEL_HOME": str(home)})
        settings = Settings(layout)
        environ = {} if certificate is None else dict(zip(given.LISTENER_FILES, map(str, certificate), strict=True))
        given.decide(settings, environ, [])
        return Process(layout, settings, None, None, "order-api"), settings

    def probed(self, told, port):
        process, settings = self.process(told)
        settings._value["ports"]["order-api_admin"] = port
        return process.admin_url.partition(":")[0], process.probe()

    def test_they_are_probed_by_what_they_speak(self):
        for certificate in (self.own, self.past):
            with listener(certificate) as port:
                self.assertEqual(self.probed(certificate, port), ("https", None))
                self.assertEqual(self.probed(None, port), ("http", "starting"))
        with listener() as port:
            self.assertEqual(self.probed(None, port), ("http", None))
            self.assertEqual(self.probed(self.own, port), ("https", "starting"))

    def test_a_token_is_shown_to_the_holder_of_the_certificate_alone(self):
        trust = web.holder_of(self.chain)
        with listener(self.own) as port:
            self.assertEqual(demo.Api(f"https://127.0.0.1:{port}", "token", trust).answer("GET", "/", None), (200, "{}"))
        with listener(self.other) as port, self.assertRaisesRegex(LauncherError, "CERTIFICATE_VERIFY_FAILED"):
            demo.Api(f"https://127.0.0.1:{port}", "token", trust).answer("GET", "/", None)

    def test_a_file_that_holds_no_certificate_is_one_line(self):
        for file in (self.own[1], self.folder / "none"):
            with self.assertRaisesRegex(LauncherError, "^HTTP_TLS_CERT_FILE: "):
                web.holder_of(file)

    def test_a_later_command_knows_them_and_another_up_decides_again(self):
        _, settings = self.process(self.own)
        self.assertEqual(settings.given, {name: str(path) for name, path in zip(given.LISTENER_FILES, self.own, strict=True)})
        with self.assertRaisesRegex(LauncherError, "down first"):
            given.decide(settings, {}, ["order-api"])
        given.decide(settings, {}, [])
        self.assertEqual(settings.given, {})


if __name__ == "__main__":
    unittest.main()
