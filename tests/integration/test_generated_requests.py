"""Each route with requests made of its document: what the document allows is never refused as invalid, what it does not
allow never succeeds, and neither is an error of the server."""

import json
import os

import pytest
from hypothesis import HealthCheck, assume, given, settings

from support import documents, generated
from support.api import new_id
from support.names import SERVICES

OPERATIONS = [(service, operation.id) for service in SERVICES for operation in documents.document(service).operations]
EXAMPLES = 10 if os.environ.get("CARTWHEEL_SANITIZERS") else 25  # who reads them is fuzzed under sanitizers too
POOL = 8  # things of each kind to name in a path
JSON = {"Content-Type": "application/json"}
AS_INVALID = (400, 413, 414, 415, 431)

repeatable = settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
                      suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def ids(orders, stocks, notifications):
    """What there is to name; the templates and subscriptions that were made are taken away at the end."""
    made = {"order": [orders.placed((new_id(), 1)) for _ in range(POOL)], "stock": [stocks.create(5) for _ in range(POOL)],
            "notification": []}
    for n in range(POOL):
        template = {"templateCode": "ORDER_CONFIRMED", "channel": 2, "language": f"x{n}-pool", "body": "b"}
        made["notification"].append(notifications.post("/api/notificationtemplates", template).json()["id"])
        subscription = {"url": f"https://pool-{n}.example/", "events": ["order.confirmed"], "isActive": False}
        made["notification"].append(notifications.post("/api/subscriptions", subscription).json()["id"])
    yield made
    for template in notifications.all_pages("/api/notificationtemplates", 100):
        if template["language"].startswith("x"):
            notifications.delete(f"/api/notificationtemplates/{template['id']}")
    for subscription in notifications.all_pages("/api/subscriptions", 100):
        notifications.delete(f"/api/subscriptions/{subscription['id']}")


def operation_of(service, name):
    return next(one for one in documents.document(service).operations if one.id == name)


def content_of(operation, body):
    if operation.line_schema():
        return "\n".join(map(json.dumps, body)).encode()
    return None if body is None else json.dumps(body).encode()


def send(api, operation, path, query, headers, content):
    kind = {"Content-Type": documents.NDJSON} if operation.line_schema() else JSON
    headers = {**headers, **(kind if content is not None else {})}
    return api.call(operation.method, path, params=query, headers=headers, data=content)


@pytest.mark.parametrize("service, name", OPERATIONS)
def test_what_the_document_allows_is_never_invalid(apis, ids, service, name):
    operation = operation_of(service, name)

    @repeatable
    @given(generated.allowed(operation, ids[service]))
    def check(request):
        path, query, headers, body = request
        answer = send(apis[service], operation, path, query, headers, content_of(operation, body))
        documents.counts["allowed requests made"] += 1
        assert answer.status_code not in AS_INVALID and answer.status_code < 500, f"{request}: {answer.text}"
        assert documents.deviations == []

    check()


@pytest.mark.parametrize("service, name", OPERATIONS)
def test_what_the_document_does_not_allow_never_succeeds(apis, ids, service, name):
    operation = operation_of(service, name)
    if not generated.places_of_faults(operation):
        pytest.skip("any request is one")
    if operation.line_schema():
        pytest.skip("each line is answered for itself")

    @repeatable
    @given(generated.nearly(operation, ids[service]))
    def check(request):
        path, query, headers, content = request
        answer = send(apis[service], operation, path, query, headers, content)
        wrong = documents.request_faults(operation, answer.request.url, answer.request.headers, content)
        assume(wrong)
        documents.counts["not allowed requests made"] += 1
        assert 400 <= answer.status_code < 500, f"{request}: {wrong}: {answer.status_code} {answer.text}"
        assert documents.deviations == []

    check()
