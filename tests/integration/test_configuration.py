"""Configuration by the environment: --help, exit 2 with one line, secrets in files."""

import json
import re
from urllib.parse import urlsplit

import pytest

from support.child import child, run_binary
from support.names import APIS, MIGRATORS, PROCESSES, SERVICES, WORKERS, service_of
from support.system import ROOT

ALL = PROCESSES + MIGRATORS

PAGE = ROOT / "docs" / "operations.md"
GROUPS = {"all": ALL, "APIs": APIS, "workers": WORKERS, "migrators": MIGRATORS, **{name: (name,) for name in ALL}}
ROW = re.compile(r"^\| ([^|]*)\| ([^|]+) \| ([^|]+) \| [^|]*\|$")  # setting | of | default | what
PRINTED = re.compile(r"^  ([A-Z_]+) .*\n +(.*)$", re.MULTILINE)  # name and help, then its kind


def described():
    """{process: {setting: default}} as the table of the page says; a default of a secret ends in (S)."""
    table = PAGE.read_text().partition("| setting | of | default | what |\n|---|---|---|---|\n")[2].partition("\n\n")[0]
    settings = {name: {} for name in ALL}
    names = []
    for line in table.splitlines():
        row = ROW.match(line)
        assert row, f"no row of four cells: {line}"
        names = re.findall(r"`([A-Z_]+)`( \(S\))?", row[1]) or names  # an empty cell: the setting of the row above
        for process in [process for group in row[2].split(", ") for process in GROUPS[group]]:
            default = re.sub(r"(?<=\d)N\b", str(SERVICES.index(service_of(process)) + 1), row[3].strip("`"))
            settings[process].update({name: default + secret for name, secret in names})
    return settings


def printed(text):
    """The same of one binary, as its --help says."""
    return {name: re.sub(".*default: ", "", kind.removeprefix("secret; ")) + " (S)" * kind.startswith("secret; ")
            for name, kind in PRINTED.findall(text)}


def assert_refused(done, name):
    """Exit 2 and one line that names the variable."""
    assert done.returncode == 2, (done.returncode, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert name in lines[0]


@pytest.mark.parametrize("name", ALL)
def test_the_page_describes_every_setting_of_help_and_no_other(system, name):
    done = run_binary(system, name, arguments=["--help"], environment={})
    assert done.returncode == 0
    page, binary = described()[name], printed(done.stdout)
    assert "DATABASE_URL" in binary, done.stdout
    assert not binary.keys() - page.keys(), f"not in {PAGE.name}"
    assert not page.keys() - binary.keys(), f"in {PAGE.name}, but {name} does not have it"
    assert page == binary, f"another default in {PAGE.name} than {name} has"


@pytest.mark.parametrize("name", ALL)
def test_a_missing_database_url_is_exit_2(system, name):
    assert_refused(run_binary(system, name, {"DATABASE_URL": None}), "DATABASE_URL")


@pytest.mark.parametrize("name", WORKERS + MIGRATORS)
def test_a_missing_amqp_url_is_exit_2(system, name):
    assert_refused(run_binary(system, name, {"AMQP_URL": None}), "AMQP_URL")


@pytest.mark.parametrize("name, key, value", [
    ("order-api", "LOG_LEVEL", "loud"), ("stock-worker", "LOG_LEVEL", "7"),
    ("order-api", "SHUTDOWN_TIMEOUT", "20"), ("order-api", "SHUTDOWN_TIMEOUT", "-1s"),
    ("order-worker", "SHUTDOWN_TIMEOUT", "soon"), ("stock-migrator", "SHUTDOWN_TIMEOUT", "99999999999999999999s"),
    ("order-api", "TRUSTED_PROXIES", "10.0.0.0/33"), ("order-api", "TRUSTED_PROXIES", "gateway"),
    ("order-api", "CORS_ORIGINS", "*"), ("stock-api", "CORS_ORIGINS", "https://shop.example/"),
    ("order-api", "HTTP_LISTEN", "5001"), ("order-api", "HTTP_LISTEN", "127.0.0.1:70000"),
    ("notification-api", "ADMIN_LISTEN", "nowhere:x"), ("order-api", "OUTBOX_MAX_PENDING", "-1"),
    ("order-api", "OUTBOX_MAX_PENDING", "many"), ("order-worker", "INBOX_RETENTION", "30"),
    ("stock-worker", "QUEUE_TYPE", "stream"), ("stock-migrator", "QUEUE_TYPE", "Quorum!"),
    ("notification-worker", "EMAIL_CHANNEL", "pigeon"), ("notification-worker", "SMS_CHANNEL", "x"),
    ("notification-worker", "CUSTOMER_SERVICE_URL", "ftp://x"), ("order-api", "DATABASE_URL", "nonsense"),
    ("stock-worker", "AMQP_URL", "http://x/"), ("order-worker", "AMQP_URL", "nonsense"),
    ("order-worker", "AMQP_URL", "amqp://u:p@localhost:99999/"), ("stock-migrator", "AMQP_URL", "amqp://u:100%@localhost/"),
    ("notification-worker", "EMAIL_FROM", "Shop"), ("notification-worker", "EMAIL_FROM", "Shop <a@b> x"),
    ("order-worker", "ORDER_STUCK_AFTER", "999ms"), ("order-worker", "ORDER_STUCK_AFTER", "often"),
    ("order-worker", "ORDER_DEADLINE", "often"), ("order-worker", "ORDER_DEADLINE", "4m"),
    ("order-api", "AUTH_ISSUER", "https://user:hush@issuer.example"), ("stock-worker", "AUTH_ISSUER", "https://hush@issuer.example"),
])
def test_a_bad_value_is_exit_2(system, name, key, value):
    environment = None if name in MIGRATORS else {**system.environment(name), "ADMIN_LISTEN": "127.0.0.1:0"}
    assert_refused(run_binary(system, name, {key: value}, environment=environment, timeout=15), key)


@pytest.mark.parametrize("name", ["stock-worker", "notification-worker", "order-migrator"])
@pytest.mark.parametrize("key, changes", [
    ("AMQP_CA_FILE", {"AMQP_URL": "amqp://u:p@localhost/", "AMQP_CA_FILE": "/etc/hostname"}),
    ("AMQP_CA_FILE", {"AMQP_URL": "amqps://u:p@localhost/", "AMQP_CA_FILE": "/nonexistent"}),
    ("AMQP_CERT_FILE", {"AMQP_URL": "amqps://u:p@localhost/", "AMQP_CERT_FILE": "/etc/hostname"}),
], ids=["plaintext", "no such file", "no key"])
def test_certificates_that_cannot_be_meant_are_exit_2(system, name, key, changes):
    assert_refused(run_binary(system, name, changes, timeout=15), key)


def test_an_empty_value_counts_as_none(system):
    with child(system, "order-api", {"LOG_LEVEL": ""}) as api:
        assert api.is_ready()
    assert_refused(run_binary(system, "order-api", {"DATABASE_URL": ""}), "DATABASE_URL")


@pytest.mark.parametrize("changes, key", [
    ({"EMAIL_CHANNEL": "http"}, "EMAIL_HTTP_URL"), ({"SMS_CHANNEL": "http"}, "SMS_HTTP_URL"),
    ({"EMAIL_CHANNEL": "smtp"}, "SMTP_URL"),
    ({"EMAIL_CHANNEL": "smtp", "SMTP_URL": "smtp://127.0.0.1", "MADE_UP_ADDRESSES": "keep"}, "CUSTOMER_SERVICE_URL"),
])
def test_a_channel_without_its_address_is_exit_2(system, changes, key):
    environment = {k: v for k, v in system.environment("notification-worker").items() if k != key}
    assert_refused(run_binary(system, "notification-worker", {"MADE_UP_ADDRESSES": "send"} | changes, environment=environment), key)


def test_a_misspelt_setting_is_a_warning_with_the_nearest_name(system):
    names = set().union(*described().values())  # what the launcher may hand to all of them
    others = {name: "" for name in names - described()["order-api"].keys()}
    with child(system, "order-api", {"LOG_LEVL": "debug", "OUTBOX_MAX_PENDNG": "5", **others}) as api:
        said = [line for line in map(json.loads, api.log.splitlines()) if line["level"] == "warning" and "variable" in line]
    assert {line["variable"]: line["setting"] for line in said} == {
        "LOG_LEVL": "LOG_LEVEL", "OUTBOX_MAX_PENDNG": "OUTBOX_MAX_PENDING"}


@pytest.mark.parametrize("name", ALL)
def test_settings_of_other_processes_are_no_misspellings(system, name):
    names = set().union(*described().values())
    done = run_binary(system, name, {**{other: "" for other in names}, "DATABASE_URL": None})
    assert "did you mean" not in done.stderr
    done = run_binary(system, name, {"DATABASE_URL": None, "DATABSE_URL": "x"})
    assert done.returncode == 2
    assert "DATABSE_URL is no setting: did you mean DATABASE_URL?" in done.stderr


def test_all_bad_settings_are_named_at_once(system):
    done = run_binary(system, "order-api", {"LOG_LEVEL": "loud", "OUTBOX_MAX_PENDING": "0", "DATABASE_URL": None})
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 3, done.stderr
    for key in ("LOG_LEVEL", "OUTBOX_MAX_PENDING", "DATABASE_URL"):
        assert sum(line.startswith(f"order-api: {key} is") for line in lines) == 1, done.stderr


@pytest.mark.parametrize("name", ALL)
def test_help_and_version_by_their_short_names_too(system, name):
    said = [run_binary(system, name, arguments=[flag], environment={}) for flag in ("--help", "-h")]
    assert [done.returncode for done in said] == [0, 0]
    assert said[0].stdout == said[1].stdout
    version = run_binary(system, name, arguments=["--version"], environment={})
    assert version.returncode == 0
    assert re.fullmatch(name + r" \d+\.\d+\.\d+\S*\n", version.stdout)
    for wrong in (["--frobnicate"], ["-x"], ["up"], ["--help", "--version"]):
        assert run_binary(system, name, arguments=wrong, environment={}).returncode == 2


def test_an_unknown_argument_is_exit_2(system):
    done = run_binary(system, "order-api", arguments=["--frobnicate"])
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_secret_may_come_from_a_file(system, tmp_path):
    for line_end in ("", "\n"):
        path = tmp_path / "url"
        path.write_text(system.environment("order-api")["DATABASE_URL"] + line_end)
        changes = {"DATABASE_URL": None, "DATABASE_URL_FILE": str(path)}
        with child(system, "order-api", changes) as api:
            assert api.is_ready()


def test_a_secret_file_that_is_not_there_is_exit_2(system, tmp_path):
    changes = {"DATABASE_URL": None, "DATABASE_URL_FILE": str(tmp_path / "nothing")}
    assert_refused(run_binary(system, "order-api", changes, environment=system.environment("order-api")),
                   "DATABASE_URL_FILE")


def test_a_secret_twice_is_exit_2(system, tmp_path):
    path = tmp_path / "url"
    path.write_text(system.environment("order-api")["DATABASE_URL"])
    done = run_binary(system, "order-api", {"DATABASE_URL_FILE": str(path)},
                      environment=system.environment("order-api"))
    assert_refused(done, "DATABASE_URL")


@pytest.mark.parametrize("name", PROCESSES)
def test_no_log_holds_a_secret(system, name):
    log = system.log(name)
    environment = system.environment(name)
    for key in ("DATABASE_URL", "AMQP_URL"):
        password = urlsplit(environment.get(key, "")).password
        if password and len(password) >= 6:
            assert password not in log, f"{key}'s password is in the log of {name}"


SECRET_URLS = {"CUSTOMER_SERVICE_URL": "http://shop:hush-7@127.0.0.1:1/base?key=hush-7",
               "EMAIL_HTTP_URL": "http://shop:hush-7@127.0.0.1:1/hook?key=hush-7",
               "SMS_HTTP_URL": "https://hush-7@127.0.0.1:1/", "SMTP_URL": "smtp://shop:hush-7@127.0.0.1:1"}


def test_no_log_holds_what_is_secret_in_a_url(system):
    with child(system, "notification-worker", SECRET_URLS) as worker:
        assert worker.is_ready()
        assert "hush-7" not in worker.log and "shop" not in worker.log
        for shown in ("http://***@127.0.0.1:1/base?***", "https://***@127.0.0.1:1/", "smtp://***@127.0.0.1:1"):
            assert shown in worker.log


@pytest.mark.parametrize("key", SECRET_URLS)
def test_no_message_holds_what_is_secret_in_a_bad_url(system, key):
    for bad in ("hush-7", "http://shop:hush@7@host", "smtps://shop:100%hush-7@host", "http://shop:1/hush-7@host"):
        environment = {**system.environment("notification-worker"), "ADMIN_LISTEN": "127.0.0.1:0"}
        done = run_binary(system, "notification-worker", {key: bad}, environment=environment, timeout=15)
        assert_refused(done, key)
        assert "hush" not in done.stderr + done.stdout


def test_an_address_in_use_is_a_clear_end(system):
    taken = system.environment("order-api")["HTTP_LISTEN"] if "HTTP_LISTEN" in system.environment("order-api") \
        else system.api("order").split("//")[1]
    environment = {**system.environment("order-api"), "HTTP_LISTEN": taken, "ADMIN_LISTEN": "127.0.0.1:0"}
    done = run_binary(system, "order-api", environment=environment)
    assert done.returncode not in (0, None) and done.returncode > 0
    assert taken.rsplit(":", 1)[1] in done.stderr + done.stdout
