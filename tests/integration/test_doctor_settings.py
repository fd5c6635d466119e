"""./cartwheel doctor: settings, and what ends: certificates, keys, tokens."""

import base64
import json
import ssl
import time

import pytest
from launcher.certificates import Authority
from launcher.issuer import Issuer
from launcher.layout import write_json
from operators.doctor import expiry
from operators.doctor.checks import ERROR, WARNING

from support.answering import showing
from test_doctor import answers, elsewhere, layout, problems  # noqa: F401 (fixtures)

pytestmark = pytest.mark.none_of_ours


# --- settings ---

def test_settings_of_a_file(answers, elsewhere, tmp_path):
    path = tmp_path / ".env"
    path.write_text("ORDER_STUCK_AFTR=5m\nORDER_DATABASE_PASSWORD=order-local\nCUSTOMER_SERVICE_URL=http://customers.example/\nHTTP_PROXY=x\n")
    said = {answer.check.name: [problem.what for problem in answer.problems]
            for answer in answers("settings", file=elsewhere(), settings=path)}
    assert said == {"settings.names": ["nothing reads ORDER_STUCK_AFTR: did you mean ORDER_STUCK_AFTER?"],
                    "settings.passwords": ["ORDER_DATABASE_PASSWORD is one that everybody knows"],
                    "settings.plain_text": ["CUSTOMER_SERVICE_URL to customers.example is http://, plain text"], "settings.files": [
                        f"others may read {tmp_path / 'elsewhere.json'}, which holds secrets"]}


def test_settings_of_processes_elsewhere_are_not_known(answers, elsewhere):
    assert all("--settings FILE" in answer.unasked[0].why for answer in answers("settings.names", "settings.passwords", "settings.plain_text", "expiry.files", "expiry.keys", file=elsewhere()))


@pytest.mark.parametrize("check, url, severity", [
    ("passwords", "postgresql://order_service:order-local@127.0.0.1/orders", WARNING),
    ("passwords", "amqp://guest:guest@mq.example/", ERROR),
    ("passwords", "amqp://guest:4f2a9c@mq.example/", None),
    ("plain_text", "postgresql://o:x@db.example/orders", ERROR),
    ("plain_text", "postgresql://o:x@db.example/orders?sslmode=verify-full", None),
    ("plain_text", "postgresql://o:x@127.0.0.1/orders", None),
    ("plain_text", "amqp://o:x@mq.example/", ERROR),
    ("plain_text", "amqps://o:x@mq.example/", None),
    ("plain_text", "http://shop.example/", WARNING),
])
def test_urls(problems, elsewhere, check, url, severity):
    found = problems(f"settings.{check}", file=elsewhere(order_url=url))
    assert [one[0] for one in found] == ([severity] if severity else [])
    assert all("order_url" in what and "4f2a9c" not in what for _, _, what in found)


@pytest.mark.parametrize("url, environ, severity", [
    ("postgresql://o:x@db.example/orders", {"PGSSLMODE": "verify-full"}, None),
    ("postgresql://o:x@db.example/orders", {"PGSSLMODE": "prefer"}, ERROR),
    ("postgresql://o:x@db.example/orders?sslmode=prefer", {"PGSSLMODE": "verify-full"}, ERROR),
    ("smtp://mail.example", {}, ERROR),
    ("smtp://mail.example", {"SMTP_USERNAME": "cartwheel"}, None),
    ("smtp://mail.example", {"SMTP_USERNAME": ""}, ERROR),
    ("smtp://cartwheel:x@mail.example", {}, None),
])
def test_what_a_variable_beside_a_url_makes_safe(problems, elsewhere, tmp_path, url, environ, severity):
    """libpq's own applies where the URL says nothing; mail with a login goes over TLS or not at all."""
    expected = [severity] if severity else []
    assert [one[0] for one in problems("settings.plain_text", file=elsewhere(order_url=url), environ=environ)] == expected
    path = tmp_path / ".env"
    path.write_text("".join(f"{name}={value}\n" for name, value in {**environ, "DATABASE_URL": url}.items()))
    assert [one[0] for one in problems("settings.plain_text", file=elsewhere(), settings=path)] == expected


def test_files_with_secrets_and_a_token_that_ends_are_mended(system, layout, answers):
    endpoints = system.endpoints
    token = Issuer(layout.issuer).token("operator", ["admin"], 3600)
    try:
        layout.endpoints_file.write_text(json.dumps({**endpoints, "token": token}))
        layout.endpoints_file.chmod(0o644)
        found = answers("settings.files", "expiry.tokens", fix=True)
        assert [(answer.check.name, answer.problems, len(answer.mended)) for answer in found] == [
            ("settings.files", (), 1), ("expiry.tokens", (), 1)]
    finally:
        write_json(layout.endpoints_file, {**endpoints})
    assert system.endpoints["token"] == endpoints["token"]


# --- what ends ---

@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.create()
    return made


def test_certificates_in_files_and_of_listeners(authority, problems, elsewhere, monkeypatch):
    def found(name, **members):
        return [(severity, what.split(" of ")[-1]) for severity, _, what in problems(name, file=elsewhere(**members))]

    ended, whole = authority.issue("ended", expired=True), authority.issue("whole")
    assert [severity for severity, _ in found("expiry.files", certificate_file=str(ended[0]))] == [ERROR]
    assert found("expiry.files", certificate_file=str(whole[0])) == []
    with showing(*ended) as port, showing(*ended, postgres=True) as server_port, showing(*whole) as other:
        urls = {"order_api": f"https://localhost:{port}", "stock_api": f"https://localhost:{other}",
                "order_database_url": f"postgresql://o:x@localhost:{server_port}/orders?sslmode=require"}
        assert [severity for severity, _ in found("expiry.listeners", **urls)] == [ERROR, ERROR]
    monkeypatch.setattr(expiry, "CERTIFICATE_DAYS", (5000, 7))
    assert [severity for severity, _ in found("expiry.files", certificate_file=str(whole[0]))] == [WARNING]


def test_a_token_of_an_operator_that_ends(problems, elsewhere, tmp_path):
    issuer = Issuer(tmp_path / "issuer")
    issuer.create()
    for seconds, severity in ((-5, ERROR), (3600, ERROR), (2 * 86400, WARNING), (30 * 86400, None)):
        found = problems("expiry.tokens", file=elsewhere(token=issuer.token("me", seconds=seconds)), environ={})
        assert [one[0] for one in found] == ([severity] if severity else [])
    assert problems("expiry.tokens", file=elsewhere(), environ={"CARTWHEEL_TOKEN": issuer.token("me", seconds=60)})[0][1] == "CARTWHEEL_TOKEN"


def test_keys_of_an_issuer(authority, problems, elsewhere, tmp_path):
    jwks, settings = tmp_path / "jwks.json", tmp_path / ".env"
    settings.write_text(f"AUTH_JWKS_FILE={jwks}\n")
    pem = authority.issue("key", expired=True)[0].read_text()
    with_certificate = {"kid": "old", "x5c": [base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode()]}
    for text, words in (('{"keys": [{"kid": "new"}]}', None), ('{"keys": []}', "holds no key"), ("", "holds no keys"),
                        (json.dumps({"keys": [with_certificate]}), "the issuer's key old has ended"),
                        (json.dumps({"keys": [{"kid": "new", "exp": time.time() + 60}]}), "the issuer's key new ends in 0.0 days")):
        jwks.write_text(text)
        found = problems("expiry.keys", file=elsewhere(), settings=settings)
        assert [words in what for _, _, what in found] == ([True] if words else []), found
