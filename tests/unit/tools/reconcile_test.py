"""What counts as a difference between the services, and how their rows are brought together."""

import dataclasses
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from operators.reconcile import (CANCELLED, CONFIRMED, CREATED, KINDS, REFUSED, RELEASED, TAKEN,  # noqa: E402
                                 TOMBSTONE, Order, Reservation, Told, compare, merged)

ITEMS = "a 1,b 2"
HISTORY = {CREATED: [], CONFIRMED: [CONFIRMED], CANCELLED: [CANCELLED]}


def order(status, age=0.0, history=None):
    return Order("1", status, age, HISTORY[status] if history is None else history, ITEMS)


def reservation(status):
    taken = ITEMS if status in (TAKEN, RELEASED) else None
    return Reservation("1", status, taken, ITEMS if status == RELEASED else None)


def kinds(order_row, reservation_row, told_row, stuck_after=60):
    found = [d.kind for d in compare("1", order_row, reservation_row, told_row, stuck_after)]
    assert set(found) <= set(KINDS), found
    return found


class Compare(unittest.TestCase):
    def test_what_agrees(self):
        for row in (
            (order(CREATED), None, None),
            (order(CONFIRMED), reservation(TAKEN), Told("1", confirmed=1)),
            (order(CANCELLED), reservation(REFUSED), Told("1", cancelled=1)),
            (order(CANCELLED), reservation(TOMBSTONE), Told("1", cancelled=1)),
            (order(CANCELLED), reservation(RELEASED), Told("1", cancelled=1)),
            (order(CANCELLED, history=[CONFIRMED, CANCELLED]), reservation(RELEASED), Told("1", 1, 1)),
        ):
            self.assertEqual(kinds(*row), [], row)

    def test_orders_that_are_not_final(self):
        self.assertEqual(kinds(order(CREATED, age=61), None, None), ["not_final"])
        self.assertEqual(kinds(order(CREATED, age=59), None, None), [])
        for status in (TAKEN, REFUSED):
            self.assertEqual(kinds(order(CREATED), reservation(status), None), ["answer_missing"])
        for status in (RELEASED, TOMBSTONE):
            self.assertEqual(kinds(order(CREATED), reservation(status), None), ["cancelled_in_stock_only"])

    def test_confirmed_without_stock(self):
        for row in (None, reservation(REFUSED), reservation(RELEASED), reservation(TOMBSTONE)):
            self.assertEqual(kinds(order(CONFIRMED), row, Told("1", confirmed=1)), ["holds_no_stock"], row)

    def test_cancelled_with_stock_or_unheard(self):
        told = Told("1", cancelled=1)
        self.assertEqual(kinds(order(CANCELLED), reservation(TAKEN), told), ["holds_stock"])
        self.assertEqual(kinds(order(CANCELLED), None, told), ["stock_not_told"])

    def test_the_ledger(self):
        told = Told("1", confirmed=1)
        for taken in (None, "a 1", "a 1,b 3"):
            row = dataclasses.replace(reservation(TAKEN), taken=taken)
            self.assertEqual(kinds(order(CONFIRMED), row, told), ["ledger"])
        twice = dataclasses.replace(reservation(RELEASED), released="a 1,a 1,b 2,b 2")
        self.assertEqual(kinds(order(CANCELLED), twice, Told("1", cancelled=1)), ["ledger"])
        taken = dataclasses.replace(reservation(REFUSED), taken=ITEMS)
        self.assertEqual(kinds(order(CANCELLED), taken, Told("1", cancelled=1)), ["ledger"])

    def test_notifications(self):
        held = reservation(TAKEN)
        self.assertEqual(kinds(order(CONFIRMED), held, None), ["notification_missing"])
        self.assertEqual(kinds(order(CONFIRMED), held, Told("1", confirmed=2)), ["notification_extra"])
        self.assertEqual(kinds(order(CONFIRMED), held, Told("1", 1, 1)), ["notification_extra"])
        self.assertEqual(kinds(order(CANCELLED, history=[CONFIRMED, CANCELLED]), reservation(RELEASED),
                               Told("1", cancelled=1)), ["notification_missing"])

    def test_the_history(self):
        told = Told("1", confirmed=1)
        self.assertEqual(kinds(order(CONFIRMED, history=[CONFIRMED, CANCELLED]), reservation(TAKEN), told),
                         ["history", "notification_missing"])
        self.assertEqual(kinds(order(CONFIRMED, history=[]), reservation(TAKEN), None), ["history"])

    def test_what_nobody_ordered(self):
        self.assertEqual(kinds(None, reservation(TAKEN), None), ["unknown_order"])
        self.assertEqual(kinds(None, None, Told("1", cancelled=1)), ["unknown_order"])


class Merged(unittest.TestCase):
    def test_brings_rows_of_one_id_together(self):
        streams = [[Told("1"), Told("3")], [Told("2"), Told("3")], []]
        rows = [(key, [row is not None for row in row]) for key, row in merged(streams)]
        self.assertEqual(rows, [("1", [True, False, False]), ("2", [False, True, False]), ("3", [True, True, False])])

    def test_of_nothing_is_nothing(self):
        self.assertEqual(list(merged([[], [], []])), [])


if __name__ == "__main__":
    unittest.main()
