"""./cartwheel reconcile: finds what differs, waits for what is on its way, changes nothing."""

import json
import os
import subprocess

import pytest

from support.api import new_id
from support.system import LAUNCHER, ROOT

pytestmark = pytest.mark.none_of_ours

TIMEOUT_S = 120


@pytest.fixture
def reconcile(system):
    def start(*arguments):
        return subprocess.Popen([str(LAUNCHER), "reconcile", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "CARTWHEEL_HOME": str(system.home)})
    return start


@pytest.fixture
def differences(reconcile):
    """(exit code, {kind: id}) for orders."""
    def run(*ids, settle="200ms"):
        given = [argument for i in ids for argument in ("--order", i)]
        process = reconcile("--json", "--settle", settle, *given)
        out, err = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode in (0, 1), err
        report = json.loads(out)
        assert report["orders"] == len(ids)
        return process.returncode, {d["kind"]: d["id"] for d in report["differences"]}
    return run


@pytest.fixture
def finished(orders, stocks, notifications):
    """A confirmed, a refused and a given back order, at rest."""
    product = stocks.create(5)
    confirmed, refused, returned = (orders.placed((product, n)) for n in (1, 99, 2))
    orders.wait(confirmed, "Confirmed")
    orders.wait(refused, "Cancelled")
    orders.wait(returned, "Confirmed")
    assert orders.cancel(returned).status_code == 202
    stocks.wait(product, 4)
    for order_id, count in ((confirmed, 1), (refused, 1), (returned, 2)):
        notifications.wait(order_id, count)
    return confirmed, refused, returned


def test_orders_that_went_well_agree(finished, differences):
    assert differences(*finished) == (0, {})


@pytest.mark.parametrize("which, service, statement, kind", [
    (0, "stock", "UPDATE stock_reservations SET status = 3 WHERE order_id = %s", "holds_no_stock"),
    (0, "stock", "DELETE FROM stock_movements WHERE order_id = %s", "ledger"),
    (0, "notification", "DELETE FROM notifications WHERE order_id = %s", "notification_missing"),
    (0, "order", "DELETE FROM order_history WHERE order_id = %s", "history"),
    (1, "stock", "DELETE FROM stock_reservations WHERE order_id = %s", "stock_not_told"),
    (2, "stock", "UPDATE stock_reservations SET status = 1 WHERE order_id = %s", "holds_stock"),
])
def test_what_was_tampered_with_is_found(finished, differences, databases, which, service, statement, kind):
    assert databases.execute(service, statement, (finished[which],)) >= 1
    code, found = differences(*finished)
    assert code == 1
    assert found[kind] == finished[which]
    assert set(found.values()) == {finished[which]}


def test_an_order_that_is_asked_for_and_nowhere_is_a_difference(reconcile):
    nowhere = new_id()
    process = reconcile("--json", "--order", nowhere, "--settle", "200ms")
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1, err
    assert [(d["kind"], d["id"]) for d in json.loads(out)["differences"]] == [("unknown_order", nowhere)]


def test_a_product_that_is_not_the_sum_of_its_movements_is_found(stocks, databases, reconcile):
    product = stocks.create(5)
    databases.execute("stock", "UPDATE stock SET quantity = 6 WHERE product_id = %s", (product,))
    try:
        out, err = reconcile("--settle", "200ms").communicate(timeout=TIMEOUT_S)
    finally:
        databases.execute("stock", "UPDATE stock SET quantity = 5 WHERE product_id = %s", (product,))
    line, = [line for line in out.splitlines() if product in line]
    assert "product" in line and "6" in line and "sum up to 5" in line, err


def test_what_is_on_its_way_is_looked_at_again(system, orders, stocks, reconcile):
    with system.without("notification-worker"):
        order_id = orders.placed((stocks.create(1), 1))
        orders.wait(order_id, "Confirmed")
        process = reconcile("--order", order_id, "--settle", "20s")
        assert "looking again" in process.stderr.readline()
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, (out, err)
    assert "0 differences" in out


def test_an_open_order_is_a_difference_when_it_is_old(system, orders, stocks, reconcile):
    with system.without("stock-worker"):
        order_id = orders.placed((stocks.create(1), 1))
        for age, code in (("1h", 0), ("0s", 1)):
            process = reconcile("--json", "--order", order_id, "--settle", "200ms", "--stuck-after", age)
            out, err = process.communicate(timeout=TIMEOUT_S)
            assert process.returncode == code, err
            assert [d["kind"] for d in json.loads(out)["differences"]] == ["not_final"] * code
    orders.wait(order_id, "Confirmed")


def test_services_that_cannot_be_compared_are_exit_code_2(system, reconcile, tmp_path):
    ends = dict(system.endpoints)
    for text in ("{}", "no JSON", json.dumps({**ends, "stock_database_url": "postgresql://nobody@127.0.0.1:1/none"})):
        (tmp_path / "endpoints.json").write_text(text)
        process = reconcile("--endpoints", str(tmp_path / "endpoints.json"))
        out, err = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 2, err
        assert out == "" and "cannot be compared" in err
