"""The documents against those of the last release, in tests/documents/reference: before the first one, a stored copy, which
a deliberate break renews (cp -r docs/api docs/events tests/documents/reference/) with its line in the changelog."""

import copy
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import compatibility  # noqa: E402
from support import documents  # noqa: E402

REFERENCE = pathlib.Path(__file__).parent / "reference"
SERVICES = sorted(path.stem for path in (REFERENCE / "api").glob("*.yaml") if path.stem != "common")


@pytest.mark.parametrize("service", SERVICES)
def test_an_api_takes_nothing_away(service):
    assert compatibility.apis(documents.Document(service, REFERENCE), documents.Document(service)) == []


def test_the_events_take_nothing_away():
    assert compatibility.events(REFERENCE / "events", documents.DOCS / "events") == []


# ---- the gate itself ----

def after(service, change):
    """What the gate says of the document of a service after a change to it."""
    old, new = documents.Document(service), copy.deepcopy(documents.Document(service))
    change({one.id: one for one in new.operations}, new)
    return compatibility.apis(old, new)


def answer(operation, status):
    return operation.responses[status]["content"]["application/json"]["schema"]


ADDED = {
    "a member of an answer": lambda ops, new: answer(ops["placeOrder"], "201")["properties"].update(note={"type": "string"}),
    "a member of an answer that is always there": lambda ops, new: (
        answer(ops["placeOrder"], "201")["properties"].update(note={"type": "string"}),
        answer(ops["placeOrder"], "201")["required"].append("note")),
    "an optional member of a request": lambda ops, new: ops["placeOrder"].body_schema()["properties"].update(
        note={"type": "string"}),
    "an optional parameter": lambda ops, new: ops["getOrder"].parameters.append(
        {"name": "planted", "in": "query", "schema": {"type": "string"}}),
    "another text": lambda ops, new: answer(ops["placeOrder"], "201").update(description="Otherwise."),
}


@pytest.mark.parametrize("what", ADDED)
def test_what_is_new_and_optional_passes(what):
    assert after("order", ADDED[what]) == []


BROKEN = {
    "getOrder: GET /api/orders/{id} is gone": lambda ops, new: new.operations.remove(ops["getOrder"]),
    "getOrder is called showOrder": lambda ops, new: setattr(ops["getOrder"], "id", "showOrder"),
    "placeOrder: 201.status is gone": lambda ops, new: answer(ops["placeOrder"], "201")["properties"].pop("status"),
    "placeOrder: 201.status was always there and is optional": lambda ops, new: answer(
        ops["placeOrder"], "201")["required"].remove("status"),
    "placeOrder: body.currency was optional and is required": lambda ops, new: ops["placeOrder"].body_schema()[
        "required"].append("currency"),
    "placeOrder: body.items[].quantity: maximum was 1000000 and is 10": lambda ops, new: ops["placeOrder"].body_schema()[
        "properties"]["items"]["items"]["properties"]["quantity"].update(maximum=10),
    "placeOrder: body.items[].unitPrice is gone": lambda ops, new: ops["placeOrder"].body_schema()[
        "properties"]["items"]["items"]["properties"].pop("unitPrice"),
    "placeOrder: the status 202 is new": lambda ops, new: ops["placeOrder"].responses.update({"202": {}}),
    "placeOrder: the status 409 is gone": lambda ops, new: ops["placeOrder"].responses.pop("409"),
    "placeOrder: the header Location of 201 is gone": lambda ops, new: ops["placeOrder"].responses["201"]["headers"].pop(
        "Location"),
    "listOrders: the query parameter status is gone": lambda ops, new: ops["listOrders"].parameters.remove(
        ops["listOrders"].of_place("query")["status"]),
    "listOrders: the query parameter day is required now": lambda ops, new: ops["listOrders"].parameters.append(
        {"name": "day", "in": "query", "required": True, "schema": {"type": "string"}}),
    "cancelOrder: a body is required now": lambda ops, new: ops["cancelOrder"].body.update(required=True),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_what_takes_something_away_is_said(sentence):
    assert after("order", BROKEN[sentence]) == [sentence]


def test_an_event_that_loses_a_member_is_said(tmp_path):
    shutil.copytree(documents.DOCS / "events", tmp_path / "events")
    changed = tmp_path / "events" / "OrderConfirmedEvent.json"
    changed.write_text(changed.read_text(encoding="utf-8").replace('"CustomerId"', '"Customer"'), encoding="utf-8")
    said = compatibility.events(documents.DOCS / "events", tmp_path / "events")
    assert said == ["OrderConfirmedEvent.Data.CustomerId is gone",
                    "OrderConfirmedEvent.Data.CustomerId was always there and is optional"]
    changed.unlink()
    assert "OrderConfirmedEvent is gone" in compatibility.events(documents.DOCS / "events", tmp_path / "events")
