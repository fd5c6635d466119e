"""./cartwheel up in a terminal: it ends soon when it is told to, and with a process that ends by itself."""

import contextlib
import json
import os
import pathlib
import pwd
import signal
import subprocess
import tempfile
import time

import pytest
from launcher.certificates import Authority

from support.names import PROCESSES, SERVICES
from support.system import LAUNCHER, ROOT, START_SECONDS, STEP_SECONDS, alive
from support.waits import eventually

# A limit that none of the waits here reaches: what does not come is said by the one that waits for it.
pytestmark = [pytest.mark.none_of_ours, pytest.mark.timeout(START_SECONDS + 5 * STEP_SECONDS)]

SOON = 15  # seconds; far below the 40 that a broker at work may take to stop


@pytest.fixture
def foreground():
    """An ./cartwheel up of its own, in a session of its own as in a terminal; nothing of it is left afterwards."""
    with contextlib.ExitStack() as stack:
        home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cartwheel-up-")))
        home.chmod(0o755)
        environ = {**os.environ, "CARTWHEEL_HOME": str(home)}
        output = stack.enter_context(open(home / "output", "w+", encoding="utf-8"))
        running = subprocess.Popen([str(LAUNCHER), "up"], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=output, start_new_session=True)
        running.home = home
        running.said = lambda: (home / "output").read_text(encoding="utf-8", errors="replace")
        try:
            yield running
        finally:
            running.kill()
            running.wait()
            subprocess.run([str(LAUNCHER), "down"], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=output,
                           stderr=output, timeout=STEP_SECONDS, check=False)


def pids(home):
    """Of all processes that the launcher wrote down."""
    with contextlib.suppress(FileNotFoundError):
        return {name: entry["pid"] for name, entry in json.loads((home / "processes.json").read_text()).items()
                if entry["pid"] is not None}
    return {}


def wait_ready(running):
    def is_ready():
        return "Ctrl-C stops everything" in running.said() or running.poll() is not None

    eventually(is_ready, "all to be ready", START_SECONDS)
    assert running.poll() is None, f"./cartwheel up has ended:\n{running.said()}"


def ended(running, seconds):
    """The exit code; fails with what was said when it doesn't end."""
    try:
        return running.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        pytest.fail(f"./cartwheel up does not end:\n{running.said()}")


def test_ctrl_c_while_the_servers_start_ends_it_soon(foreground):
    eventually(lambda: "rabbitmq" in pids(foreground.home), "the broker to be started", START_SECONDS)
    broker = pids(foreground.home)["rabbitmq"]
    told = time.monotonic()
    foreground.send_signal(signal.SIGINT)
    code = ended(foreground, 60)
    took = time.monotonic() - told
    assert code == 130, foreground.said()
    assert not alive(broker) and pids(foreground.home) == {}
    assert took < SOON, f"{took:.0f} s:\n{foreground.said()}"


def test_a_process_that_ends_by_itself_is_announced_and_ends_all(foreground):
    wait_ready(foreground)
    started = pids(foreground.home)
    os.kill(started["stock-worker"], signal.SIGKILL)
    code = ended(foreground, STEP_SECONDS)
    assert code == 128 + signal.SIGKILL, foreground.said()
    assert "stock-worker has ended by itself, killed by signal 9" in foreground.said()
    assert not [name for name, pid in started.items() if alive(pid)]


def test_what_another_command_stops_is_no_failure(foreground):
    wait_ready(foreground)
    environ = {**os.environ, "CARTWHEEL_HOME": str(foreground.home)}
    for command in (("restart", "order-api", "--kill"), ("stop", "stock-worker", "--kill"), ("down",)):
        done = subprocess.run([str(LAUNCHER), *command], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=STEP_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
    assert ended(foreground, STEP_SECONDS) == 0, foreground.said()
    assert "Everything was stopped by another command." in foreground.said()
    assert "ended by itself" not in foreground.said()


@pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user's processes are his anyway")
def test_started_by_root_the_services_run_as_somebody_who_owns_nothing(system):
    nobody = pwd.getpwnam("nobody")
    for name in PROCESSES:
        status = pathlib.Path(f"/proc/{system.pid(name)}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["Uid"].split() == [str(nobody.pw_uid)] * 4, name
        assert fields["Gid"].split() == [str(nobody.pw_gid)] * 4, name
        assert fields["Groups"].split() == [] and int(fields["CapEff"], 16) == 0, name


def certificate_in(folder):
    """Settings of listeners that show a certificate which the processes can read, whoever they run as."""
    authority = Authority(folder)
    authority.create()
    certificate, key = authority.issue("shop.example", names="DNS:shop.example")
    folder.chmod(0o755)
    key.chmod(0o644)
    return {"HTTP_TLS_CERT_FILE": str(certificate), "HTTP_TLS_KEY_FILE": str(key)}


def test_servers_that_exist_already_are_used_and_left_alone(system):
    """Six processes more on the servers of the tests' own system, which goes on when they are gone. Theirs speak TLS."""
    ends = system.endpoints
    given = {"AMQP_URL": ends["amqp_url"], **{f"{s.upper()}_DATABASE_URL": ends[f"{s}_database_url"] for s in SERVICES}}
    if "ca_file" in ends:
        given["AMQP_CA_FILE"] = ends["ca_file"]
    with tempfile.TemporaryDirectory(prefix="cartwheel-given-") as home:
        pathlib.Path(home).chmod(0o755)
        given |= certificate_in(pathlib.Path(home, "tls"))

        def launch(*arguments, **variables):
            done = subprocess.run([str(LAUNCHER), *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                                  env={**os.environ, "CARTWHEEL_HOME": home, **variables}, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=START_SECONDS, check=False)
            return done.returncode, done.stdout

        try:
            code, said = launch("up", "--detach", **given)
            assert code == 0, said
            state = {one["process"]: one for one in json.loads(launch("status", "--json")[1])}
            for name in ("postgres", "rabbitmq"):
                assert (state[name]["given"], state[name]["ready"], state[name]["pid"]) == (True, True, None), state
            endpoints = json.loads((pathlib.Path(home) / "endpoints.json").read_text())
            assert {one.split(":")[0] for name, one in endpoints.items() if name.endswith(("_api", "_admin"))} == {"https"}
            assert all(one["ready"] for one in state.values()), state
            code, said = launch("demo")
            assert code == 0 and ": 401, " in said, said
            for words in (("break", "poison"), ("mend",), ("demo", "--failures")):
                code, said = launch(*words)
                assert code == 1 and "servers of this system are given" in said, said
            assert launch("up", "--detach")[0] == 1  # without them it is another system
        finally:
            code, said = launch("clean", "--yes")
    assert code == 0, said
    assert all(system.is_ready(name) for name in PROCESSES)


def test_files_with_passwords_are_their_owner_s_alone(system):
    """What clients and operators need is apart from what may do everything."""
    for name in ("endpoints.json", "superuser.json", "settings.json"):
        assert (system.home / name).stat().st_mode & 0o777 == 0o600, name
    assert "superuser" not in (system.home / "endpoints.json").read_text()
    assert set(json.loads((system.home / "superuser.json").read_text())) >= {"postgres_superuser_url"}
