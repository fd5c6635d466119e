"""POST /api/stocks/import: an outcome for each line; and ./cartwheel import, which sends a file of any size."""

import json
import os
import subprocess

import pytest

from support.api import assert_problem, exact, new_id
from support.child import run_binary
from support.documents import NDJSON
from support.system import LAUNCHER, ROOT

PATH = "/api/stocks/import"
MOST_LINES = 1000
MOST_BYTES = 128 * 1024
TIMEOUT_S = 120


def send(stocks, text, content_type=NDJSON, **query):
    return stocks.call("POST", PATH, data=text if isinstance(text, bytes) else text.encode(), params=query,
                       headers={"Content-Type": content_type})


def line(product, quantity, **members):
    return json.dumps({"productId": product, "quantity": quantity, **members})


def imported(stocks, *lines, **query):
    """[(outcome, quantity)]; each line is answered with its number."""
    answer = send(stocks, "\n".join(lines), **query)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, NDJSON), answer.text
    told = [exact(one) for one in answer.text.splitlines()]
    assert [one["line"] for one in told] == list(range(1, len(lines) + 1))
    return [(one["outcome"], one.get("quantity")) for one in told]


def test_each_line_has_its_outcome(stocks):
    here, there, new, nobody = stocks.create(10), stocks.create(20), new_id(), new_id()
    assert imported(
        stocks, line(new, 5), line(here, 7), line(here, 10), line(there, 21, expected=20), line(there, 22, expected=20),
        line(nobody, 1, expected=1), "", "{", "[]", line("x", 1), line(new_id(), -1), line(new_id(), 10**12 + 1),
        '{"ProductID": "%s", "QUANTITY": 5, "note": 1}' % new.upper()) == [
        ("created", 5), ("kept", 10), ("unchanged", 10), ("set", 21), ("stale", 21), ("unknown", None),
        *[("invalid", None)] * 6, ("unchanged", 5)]
    assert [stocks.quantity(product) for product in (new, here, there)] == [5, 10, 21]
    assert_problem(stocks.get(f"/api/stocks/{nobody}"), 404)
    ledger = stocks.movements(there)
    assert [(m["kind"], m["delta"], m.get("reason")) for m in ledger] == [("set", 1, "imported"), ("created", 20, None)]


def test_an_invalid_line_names_its_faults(stocks):
    answer = send(stocks, '{"productId": "x", "expected": 0.5}\n{"quantity": 1')
    first, second = (json.loads(one) for one in answer.text.splitlines())
    assert set(first["errors"]) == {"productId", "quantity", "expected"}
    assert "line 1, column 15" in second["errors"][""][0]


def test_what_is_there_is_set_when_that_is_asked_for(stocks):
    product, expected = stocks.create(10), stocks.create(10)
    assert imported(stocks, line(product, 7), line(expected, 7, expected=9), line(product, 8), existing="set") == [
        ("set", 7), ("stale", 10), ("set", 8)]
    assert imported(stocks, line(product, 9), existing="keep") == [("kept", 8)]
    assert_problem(send(stocks, line(product, 9), existing="Set"), 400, "existing")


def test_a_repetition_undoes_nothing_that_orders_took(stocks, orders):
    product = new_id()
    assert imported(stocks, line(product, 10)) == [("created", 10)]
    orders.wait(orders.placed((product, 4)), "Confirmed")
    assert imported(stocks, line(product, 10), line(product, 12, expected=10)) == [("kept", 6), ("stale", 6)]
    assert sum(m["delta"] for m in stocks.movements(product)) == 6 == stocks.quantity(product)


def test_a_thousand_lines_are_taken_and_no_more(stocks):
    most = [line(new_id(), n) for n in range(MOST_LINES)]
    assert imported(stocks, *most) == [("created", n) for n in range(MOST_LINES)]
    assert {outcome for outcome, _ in imported(stocks, *most)} == {"unchanged"}
    assert_problem(send(stocks, "\n".join([*most, "{}"])), 400, "")
    assert send(stocks, "\n".join(most) + "\n").status_code == 200, "an end is no line"


@pytest.mark.parametrize("text, content_type, status", [
    ("", NDJSON, 400), ("{}", "application/json", 415), ("{}", None, 415), ("{}", f"{NDJSON}; charset=latin1", 415),
    ("x" * (MOST_BYTES + 1), NDJSON, 413), ("\n" * MOST_BYTES, NDJSON, 400),
], ids=("empty", "json", "nothing", "latin1", "long", "lines"))
def test_a_body_that_is_none_is_refused(stocks, text, content_type, status):
    assert_problem(send(stocks, text, content_type), status)


def test_its_lane_is_its_own(system):
    done = run_binary(system, "stock-api", arguments=["--routes"], environment={})
    lanes = {}
    for route in json.loads(done.stdout):
        lanes.setdefault(route["lane"], set()).add(route["operationId"])
    assert lanes["imports"] == {"importStock"}


# ---- the command ----

def command(system, *arguments, text=None):
    done = subprocess.run([str(LAUNCHER), "import", *arguments], cwd=ROOT, input=text, capture_output=True, text=True,
                          timeout=TIMEOUT_S, env={**os.environ, "CARTWHEEL_HOME": str(system.home)}, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_large_file_is_sent_in_pieces(system, stocks, tmp_path):
    products = [new_id() for _ in range(2 * MOST_LINES + 500)]
    file = tmp_path / "stock.ndjson"
    file.write_text("".join(line(product, n) + "\n" for n, product in enumerate(products)), encoding="utf-8")
    code, out, err = command(system, str(file))
    assert code == 0 and "2,500 lines: 2,500 created" in out, out + err
    assert [stocks.quantity(products[n]) for n in (0, 999, 1000, 2499)] == [0, 999, 1000, 2499]
    code, out, err = command(system, str(file), "--endpoints", str(system.home / "endpoints.json"))
    assert code == 0 and "2,500 lines: 2,500 unchanged" in out, out + err
    code, out, _ = command(system, str(file), "--from-line", "2500", "--json")
    assert (code, json.loads(out)) == (0, {"line": 2500, "outcome": "unchanged", "productId": products[-1], "quantity": 2499})


def test_what_went_otherwise_is_told(system, stocks):
    product = stocks.create(3)
    code, out, err = command(system, "-", text=f"\n{line(product, 9)}\nnonsense\n")
    assert code == 1, out + err
    assert "line 2 is kept: 3 on hand" in out and "line 3 is invalid" in out
    code, out, _ = command(system, "-", "--existing", "set", text=line(product, 9))
    assert code == 0 and stocks.quantity(product) == 9


def test_an_address_that_is_none_is_told(system, tmp_path):
    other = tmp_path / "endpoints.json"
    other.write_text("{}", encoding="utf-8")
    assert command(system, "-", "--endpoints", str(other), text="{}")[0] == 1
    code, _, err = command(system, "-", "--url", "http://x", "--endpoints", str(other), text="{}")
    assert code == 2 and "give one of them" in err
