"""The admin API of the dead letters: who may use it."""

import pytest
import requests
from launcher.issuer import Issuer

from support import tokens
from support.api import assert_problem, new_id
from support.child import child, run_binary
from support.dead_letters import ACTS, MESSAGE, DeadLetterAdmin
from support.names import WORKERS
from support.waits import eventually


class AnotherAddress(requests.adapters.HTTPAdapter):
    """Connections that come from this address."""

    def __init__(self, source):
        self._source = source
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, source_address=(self._source, 0), **kwargs)


@pytest.fixture
def admin(system):
    return DeadLetterAdmin(system, "order-worker")


@pytest.mark.parametrize("name", WORKERS)
def test_without_the_token_nothing_is_shown_or_done(system, name):
    base = system.admin(name)
    for token in (None, "", "Basic x", "Bearer", "Bearer wrong", "Bearer " + "0" * 40,
                  "Bearer " + system.endpoints["admin_token"] + "0"):
        headers = {} if token is None else {"Authorization": token}
        answers = [requests.get(base + "/dead-letters", headers=headers, timeout=10),
                   requests.get(f"{base}/dead-letters/{new_id()}", headers=headers, timeout=10)]
        answers += [requests.post(f"{base}/dead-letters/{new_id()}/{act}", json=MESSAGE, headers=headers, timeout=10)
                    for act in ACTS]
        for answer in answers:
            assert_problem(answer, 401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        DeadLetterAdmin(system, name).list()  # the right one: nobody is slowed down because of us


def test_who_guesses_tokens_is_slowed_down_and_nobody_else(system):
    with child(system, "stock-worker") as worker:
        url = f"http://{worker.admin}/dead-letters"

        def ask(token):
            return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)

        answers = [ask(f"guess-number-{n:04}") for n in range(40)]
        assert [answer.status_code for answer in answers[:11]] == [401] * 11
        late = [answer for answer in answers[11:] if answer.status_code == 429]
        assert len(late) >= 20 and all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in late)
        assert worker.get("/health/live").status_code == 200
        with requests.Session() as session:  # from another address of this machine
            session.mount("http://", AnotherAddress("127.0.0.2"))
            token = {"Authorization": f"Bearer {system.endpoints['admin_token']}"}
            assert session.get(url, headers=token, timeout=10).status_code == 200
        eventually(lambda: ask(system.endpoints["admin_token"]).status_code == 200, "the wait to be over")
        assert ask("guess-number-0040").status_code == 401  # the right one forgave the others


def test_a_worker_without_a_token_serves_nobody(system):
    with child(system, "order-worker", {"ADMIN_TOKEN": None, **tokens.OFF}) as worker:
        for token in ("", "x" * 40):
            answer = requests.get(f"http://{worker.admin}/dead-letters", timeout=10,
                                  headers={"Authorization": f"Bearer {token}"})
            assert "ADMIN_TOKEN" in assert_problem(answer, 403)["detail"]


def test_access_tokens_with_the_scope_open_it_too(system, tmp_path):
    issuer, stranger = Issuer(tmp_path), Issuer(tmp_path / "stranger")
    issuer.create()
    stranger.create()
    settings = {"AUTH_ISSUER": issuer.name, "AUTH_JWKS_FILE": str(issuer.jwks_file)}
    with child(system, "order-worker", settings) as worker:
        def ask(token, method="GET", path="/dead-letters"):
            return requests.request(method, f"http://{worker.admin}{path}", timeout=10, json=MESSAGE if method == "POST" else None,
                                    headers={"Authorization": f"Bearer {token}"})
        for role, status in (("operator", 200), ("admin", 200), ("support", 403), ("shop", 403), ("customer", 403)):
            token = issuer.token(new_id(), [role])
            assert ask(token).status_code == status, role
            for path in (f"/dead-letters/{new_id()}/replay", f"/dead-letters/{new_id()}/discard", f"/orders/{new_id()}/announce"):
                assert ask(token, "POST", path).status_code == (404 if status == 200 else 403), (role, path)
        assert 'scope="dead-letters"' in ask(issuer.token("x", ["support"])).headers["WWW-Authenticate"]
        assert ask(issuer.token("robot", scope="other dead-letters")).status_code == 200
        assert ask(system.endpoints["admin_token"]).status_code == 200
        for wrong in (issuer.token("x", ["admin"], seconds=-120), stranger.token("x", ["admin"]),
                      issuer.token("x", ["admin"], aud="another")):
            assert_problem(ask(wrong), 401)
        issuer.renew()
        eventually(lambda: ask(issuer.token("x", ["operator"])).status_code == 200, "the new key to be known")


@pytest.mark.parametrize("settings", [{"AUTH_JWKS_FILE": "x"}, {"AUTH_CA_FILE": "x"},
                                      {"AUTH_ISSUER": "urn:x", "AUTH_JWKS_FILE": "x", "AUTH_CA_FILE": "x"},
                                      {"AUTH_ISSUER": "http://x.example"}])
def test_an_issuer_of_half_the_settings_is_exit_2(system, settings):
    environment = {**system.environment("order-worker"), "ADMIN_LISTEN": "127.0.0.1:0"}
    done = run_binary(system, "order-worker", {**tokens.OFF, **settings}, environment=environment)
    assert done.returncode == 2 and "AUTH_" in done.stderr + done.stdout


@pytest.mark.parametrize("name", WORKERS)
@pytest.mark.parametrize("token", ["short", "with a space in between", "caf\u00e9caf\u00e9caf\u00e9caf\u00e9"])
def test_a_weak_token_is_exit_2(system, name, token):
    environment = {**system.environment(name), "ADMIN_LISTEN": "127.0.0.1:0"}
    done = run_binary(system, name, {"ADMIN_TOKEN": token}, environment=environment)
    assert done.returncode == 2
    assert "ADMIN_TOKEN" in done.stderr and token not in done.stderr


def test_the_apis_have_no_such_routes(system, admin):
    for name in ("order-api", "stock-api", "notification-api"):
        answer = requests.get(system.admin(name) + "/dead-letters", timeout=10,
                              headers={"Authorization": f"Bearer {admin.token}"})
        assert answer.status_code == 404
