"""docs/api and docs/events against the programs: what they list is what is there, both ways; and what does not keep to
them is found out."""

import copy
import json

import pytest

from support import documents, events
from support.api import items_of, new_id
from support.broker import Message
from support.child import run_binary
from support.names import DATA_FIELDS, DIGESTS_QUEUE, EXCHANGE_OF, ORDER_CREATED, OUTCOMES_DIGEST, QUEUES, SERVICES


def routes_of(system, service):
    done = run_binary(system, f"{service}-api", arguments=["--routes"], environment={})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_has_the_routes_of_the_program(system, service):
    served = {(route["method"], route["pattern"], route["operationId"]) for route in routes_of(system, service)}
    documented = {(one.method, one.path, one.id) for one in documents.document(service).operations}
    assert documented == served


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_has_the_parameters_of_the_program(system, service):
    known = {route["operationId"]: route["query"] for route in routes_of(system, service)}
    for operation in documents.document(service).operations:
        assert set(operation.of_place("path")) == set(operation.names), operation.id
        assert set(operation.of_place("query")) == set(known[operation.id] or ()), operation.id


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_is_that_of_the_program(system, service):
    done = run_binary(system, f"{service}-api", arguments=["--version"], environment={})
    assert done.stdout.split()[1] == documents.document(service).root["info"]["version"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_api_serves_its_document_complete(apis, service):
    answer = apis[service].get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    served = answer.json()
    assert "common.yaml" not in answer.text
    assert documents.whole_within(served, served["paths"]) == documents.document(service).root["paths"]
    for kind in ("schemas", "responses", "parameters"):
        assert served["components"][kind], kind


@pytest.mark.parametrize("known, status", [("{etag}", 304), ("W/{etag}", 304), ('"x", {etag}', 304), ("*", 304), ('"x"', 200)])
def test_the_document_is_sent_to_who_does_not_have_it(orders, known, status):
    first = orders.get("/openapi.json")
    again = orders.call("GET", "/openapi.json", headers={"If-None-Match": known.format(etag=first.headers["ETag"])})
    assert (again.status_code, again.headers["ETag"]) == (status, first.headers["ETag"])
    assert again.content == (first.content if status == 200 else b"")


def test_head_tells_the_length_of_the_document(orders):
    answer = orders.call("HEAD", "/openapi.json")
    assert (answer.status_code, answer.headers["ETag"]) == (200, orders.get("/openapi.json").headers["ETag"])


# ---- events ----

def test_the_documents_have_the_events_and_their_exchanges():
    assert {name: exchange for name, (exchange, _, _) in documents.event_schemas().items()} == EXCHANGE_OF
    for name, (_, schema, _) in documents.event_schemas().items():
        assert set(schema["properties"]["Data"]["properties"]) == DATA_FIELDS[name], name


def test_the_documents_have_the_queues_and_what_is_in_each():
    channels = documents.event_document()["channels"].values()
    listed = {channel["address"]: set(channel["messages"]) for channel in channels
              if channel["bindings"]["amqp"]["is"] == "queue"}
    assert listed == {queue: {event} for queue, (_, event, _, _) in QUEUES.items()}


@pytest.mark.parametrize("name", sorted(EXCHANGE_OF))
def test_the_example_of_an_event_is_one(name):
    _, schema, _ = documents.event_schemas()[name]
    for example in schema["examples"]:
        assert documents.faults(schema, example) == []


def test_the_example_of_a_digest_is_one():
    schema = documents.event_document()["channels"][DIGESTS_QUEUE]["messages"][OUTCOMES_DIGEST]["payload"]
    for example in schema["examples"]:
        assert documents.faults(documents.closed(schema), example) == []


# ---- what deviates is found ----

ANSWER = {"id": new_id(), "status": "Created"}
HEADERS = {"content-type": "application/json", "location": f"/api/orders/{ANSWER['id']}"}
REQUEST = json.dumps({"customerId": new_id(), "items": items_of((new_id(), 1))})


def place(status=201, body=None, headers=None, asked=REQUEST, document=None, url="http://x/api/orders"):
    return documents.exchange_faults(
        document or documents.document("order"), "POST", url, {"Content-Type": "application/json"}, asked,
        status, HEADERS if headers is None else headers, json.dumps(ANSWER if body is None else body))


def test_what_is_documented_is_no_deviation():
    assert place() == []


@pytest.mark.parametrize("planted, told", [
    ({"body": {"id": ANSWER["id"]}}, "'status' is a required property"),
    ({"body": {**ANSWER, "note": 1}}, "'note' was unexpected"),
    ({"body": {**ANSWER, "status": "Accepted"}}, "'Created' was expected"),
    ({"body": {**ANSWER, "id": ANSWER["id"].upper()}}, "does not match"),
    ({"status": 200}, "the status 200 is not in the document"),
    ({"status": 418}, "the status 418 is not in the document"),
    ({"headers": {"content-type": "application/json"}}, "there is no header location"),
    ({"headers": {**HEADERS, "x-powered-by": "C"}}, "the header x-powered-by is not in the document"),
    ({"headers": {**HEADERS, "content-type": "text/html"}}, "text/html is not in the document for 201"),
    ({"asked": REQUEST.replace('"quantity": 1', '"quantity": 0')}, "answered 201 though items.0.quantity"),
    ({"asked": ""}, "answered 201 though there is no body"),
    ({"url": "http://x/api/orders?nobody=1"}, "answered 201 though nobody: is no parameter"),
    ({"url": "http://x/api/nothing"}, "201 for what is in no document"),
])
def test_a_planted_deviation_is_found(planted, told):
    found = place(**planted)
    assert any(told in fault for fault in found), found


@pytest.mark.parametrize("kind, status, found", [
    ("idempotency-key-in-flight", 409, []),
    ("idempotency-key-in-flight", 422, ["placeOrder: docs/problems.md has no urn:cartwheel:problem:idempotency-key-in-flight of status 422"]),
    ("sold-out", 409, ["placeOrder: docs/problems.md has no urn:cartwheel:problem:sold-out of status 409"]),
])
def test_a_problem_that_no_page_explains_is_found(kind, status, found):
    problem = {"type": f"urn:cartwheel:problem:{kind}", "title": "x", "status": status, "detail": "x", "instance": "/x",
               "traceId": "0" * 32}
    assert place(status=status, body=problem, headers={"content-type": "application/problem+json"}) == found


def test_a_field_that_leaves_the_document_is_found():
    shorter = copy.deepcopy(documents.document("order"))
    operation = shorter.find("POST", "/api/orders")
    del operation.responses["201"]["content"]["application/json"]["schema"]["properties"]["status"]
    assert any("'status' was unexpected" in fault for fault in place(document=shorter))


def test_a_status_that_leaves_the_document_is_found():
    shorter = copy.deepcopy(documents.document("order"))
    del shorter.find("POST", "/api/orders").responses["201"]
    assert place(document=shorter) == ["placeOrder: the status 201 is not in the document"]


def created(**changes):
    event = events.envelope(ORDER_CREATED, {"OrderId": new_id(), "CustomerId": new_id(), "OrderTotal": 1.5,
                                            "Currency": "USD", "Items": events.items((new_id(), 1))})
    event["Data"].update(changes)
    return event


def message(event, exchange="order.events.topic", **properties):
    headers = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    given = events.properties(event, app_id="order", timestamp=1, headers=headers, **properties)
    return Message(exchange, event["EventType"], given, json.dumps(event).encode())


def test_an_event_as_documented_is_no_deviation():
    assert documents.event_faults(message(created())) == []


@pytest.mark.parametrize("planted, told", [
    (message(created(Note=1)), "'Note' was unexpected"),
    (message(created(OrderTotal=0.00001)), "has more than 4 decimals"),
    (message(created(OrderId=None)), "Data.OrderId"),
    (message(created(), exchange="stock.events.topic"), "was published to stock.events.topic"),
    (message(created(), delivery_mode=1), "delivery_mode is 1"),
    (message(created(), message_id="x"), "message_id is 'x'"),
])
def test_a_planted_deviation_of_an_event_is_found(planted, told):
    assert any(told in fault for fault in documents.event_faults(planted)), documents.event_faults(planted)
