"""The broker's users: each can do what its service does (docs/contract.md, 1.3), and nothing to another's queues."""

import base64
import hashlib
import importlib.util
import json
import re
import subprocess
import sys

import pytest

from rendering import CATALOGUE, KUBERNETES, SERVICES

SCRIPT = KUBERNETES / "broker_definitions.py"
LOCAL = KUBERNETES / "overlays" / "local" / "definitions.json"
USERS = tuple(SERVICES)
EXCHANGES = {name: service.publishes for name, service in CATALOGUE.items() if service.publishes}


@pytest.fixture(scope="module")
def permissions():
    spec = importlib.util.spec_from_file_location("broker_definitions", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {row["user"]: row for row in module.permissions()}


def may(permissions, user, right, name):
    return re.search(permissions[user][right], name) is not None


def queues(service):
    """All queues of a service: its own, their retries and dead letters."""
    suffixes = ("", ".dlq", ".unread", ".retry.1", ".retry.2")
    return [f"{queue}{suffix}" for queue in CATALOGUE[service].queues for suffix in suffixes]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_do_its_work(permissions, service):
    for queue in queues(service):
        for right in ("configure", "write", "read"):
            assert may(permissions, service, right, queue), f"{right} {queue}"
    for right in ("configure", "write", "read"):
        assert may(permissions, service, right, f"{service}.dlq")
    for source, _ in CATALOGUE[service].queues.values():
        assert may(permissions, service, "configure", source)
        assert may(permissions, service, "read", source)
    assert may(permissions, service, "write", "amq.default")
    if service in EXCHANGES:
        assert may(permissions, service, "configure", EXCHANGES[service])
        assert may(permissions, service, "write", EXCHANGES[service])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_can_not_do_that_of_another(permissions, service):
    for other in SERVICES:
        if other == service:
            continue
        for name in (*queues(other), f"{other}.dlq"):
            assert not any(may(permissions, service, right, name) for right in ("configure", "write", "read")), name
        if other in EXCHANGES:
            assert not may(permissions, service, "write", EXCHANGES[other])
    for name in ("amq.topic", "anything", "stock.ordercreatedx", "xorder.dlq", "order_dlq"):
        assert not any(may(permissions, service, right, name) for right in ("configure", "write", "read")), name


def test_nobody_but_services_is_let_in(permissions):
    assert set(permissions) == set(SERVICES)


def test_passwords_leave_as_hashes(tmp_path):
    for user in USERS:
        (tmp_path / user).write_text(f"secret of {user}\n", encoding="utf-8")
    written = run(tmp_path)
    assert "secret of" not in json.dumps(written)
    for user in written["users"]:
        assert_password(user, f"secret of {user['name']}")
    assert {user["name"]: user["tags"] for user in written["users"]} == dict.fromkeys(USERS, "")


def test_a_password_that_is_missing_or_empty_is_told(tmp_path):
    for user in USERS[:-1]:
        (tmp_path / user).write_text("x", encoding="utf-8")
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and f"no password of user {USERS[-1]}" in done.stderr
    (tmp_path / USERS[-1]).write_text("\n", encoding="utf-8")
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and f"the password of user {USERS[-1]} is empty" in done.stderr


def test_the_local_definitions_are_the_script_s_and_fit_the_local_urls(tmp_path, local):
    written = json.loads(LOCAL.read_text(encoding="utf-8"))
    for user in USERS:
        (tmp_path / user).write_text("x", encoding="utf-8")
    fresh = run(tmp_path)
    assert (written["permissions"], written["vhosts"]) == (fresh["permissions"], fresh["vhosts"])
    for user in written["users"]:
        assert_password(user, f"{user['name']}-local")
        name = f"{user['name']}-broker-"
        (secret,) = [one for one in local.of("Secret") if one["metadata"]["name"].startswith(name)]
        url = base64.b64decode(secret["data"]["url"]).decode()
        assert url == f"amqp://{user['name']}:{user['name']}-local@rabbitmq:5672/cartwheel"


def run(folder):
    done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, timeout=20, check=True)
    return json.loads(done.stdout)


def assert_password(user, password):
    raw = base64.b64decode(user["password_hash"])
    assert raw[4:] == hashlib.sha256(raw[:4] + password.encode()).digest(), user["name"]


@pytest.mark.parametrize("path", ["compose/rabbitmq.conf", "kubernetes/overlays/local/cartwheel.conf",
                                  "kubernetes/overlays/production/broker.yaml"])
def test_every_broker_refuses_what_is_larger_than_16_mib(path):
    assert re.search(r"^ *max_message_size = 16777216$", (KUBERNETES.parent / path).read_text(), re.MULTILINE)
