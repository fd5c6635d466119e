"""Which changes of an audit log show, and what is said of them."""

import hashlib
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from operators.audit import digest_of, erasable_digest_of, verify  # noqa: E402

NUMBER, FIELDS, ADDRESS, WHY, SALT, ERASABLE, LINK = range(7)


def log_of(*batches):
    """(rows, [(number, link)] after each batch) of batches of so many rows."""
    rows, heads, number, link = [], [(0, b"")], 0, b""
    for size in batches:
        digests = b""
        for place in range(size):
            number += 1
            fields = [f"id {number}", "1764288000000000", "anna", "admin", "orders:cancel", None, "cancelOrder", "order",
                      f"object {number}", '{"status": "Created"}', '{"status": "Cancelled"}', None]
            salt = b"salt of row %d" % number
            erasable = erasable_digest_of(salt, None, "changed my “mind”")
            digests += digest_of(fields, erasable)
            if place == size - 1:
                link = hashlib.sha256(link + digests).digest()
            rows.append([number, fields, None, "changed my “mind”", salt, erasable, link if place == size - 1 else None])
        heads.append((number, link))
    return rows, heads


class Verify(unittest.TestCase):
    def setUp(self):
        self.rows, self.heads = log_of(1, 3, 2, 1)
        self.told = self.heads[:-1]

    def faults(self, head=None, **options):
        count, faults = verify(self.rows, head or self.heads[-1], self.told, **options)
        self.assertEqual(count, len(self.rows))
        return faults

    def test_a_log_that_nobody_touched_is_whole(self):
        self.assertEqual(self.faults(), [])
        self.assertEqual(verify([], (0, b""), [(0, b"")]), (0, []))

    def test_every_field_is_held_by_the_chain(self):
        for at, field in enumerate(self.rows[2][FIELDS]):
            with self.subTest(at):
                self.rows[2][FIELDS][at] = "other" if field is None else None
                self.assertEqual(self.faults(), ["rows 2 to 4 are not what was written"])
                self.rows[2][FIELDS][at] = field

    def test_a_reason_that_was_changed_or_added_shows(self):
        self.rows[0][WHY] = "another"
        self.rows[1][ADDRESS] = "192.0.2.1"
        self.assertEqual(self.faults(), [f"row {n}: its address or reason is not what was written" for n in (1, 2)])

    def test_erasing_leaves_the_chain_whole(self):
        for row in self.rows[1:3]:
            row[WHY] = row[SALT] = None
        self.assertEqual(self.faults(), [])

    def test_a_row_in_the_middle_that_is_missing_shows(self):
        del self.rows[2]
        self.assertEqual(self.faults(), ["row 3 is missing", "rows 2 to 4 are not what was written"])

    def test_rows_whose_places_were_swapped_show(self):
        first, second = self.rows[1], self.rows[2]
        first[FIELDS], second[FIELDS] = second[FIELDS], first[FIELDS]
        self.assertEqual(self.faults(), ["rows 2 to 4 are not what was written"])

    def test_a_row_that_was_put_in_shows(self):
        self.rows.insert(2, list(self.rows[1]))
        self.assertIn("rows 2 to 4 are not what was written", self.faults())

    def test_the_end_of_a_transaction_that_was_cut_off_shows(self):
        del self.rows[5:]
        self.told = []
        self.assertIn("rows 5 to 5 have no link: the end of their transaction is missing", self.faults())

    def test_newest_rows_that_were_cut_off_show_by_the_head(self):
        del self.rows[6:]
        self.assertEqual(self.faults(), ["the last row is 6, the head says 7"])

    def test_with_the_head_set_back_they_show_by_what_was_told(self):
        del self.rows[6:]
        self.told = self.heads
        self.assertEqual(self.faults(self.heads[-2]), ["row 7 was told of, the last one is 6: the newest rows were cut off"])

    def test_a_log_that_was_written_anew_shows_by_what_was_told(self):
        told = self.heads
        self.rows[-1][FIELDS][2] = "bea"
        again = hashlib.sha256(self.heads[-2][1] + digest_of(self.rows[-1][FIELDS], self.rows[-1][ERASABLE])).digest()
        self.rows[-1][LINK] = again
        self.told = []
        self.assertEqual(self.faults((7, again)), [])  # the chain alone cannot know
        self.told = told
        self.assertEqual(self.faults((7, again)),
                         ["row 7 had another link when it was told of: what is up to it was written anew"])

    def test_what_is_left_after_archiving_is_held_to_the_link_before(self):
        del self.rows[:4]
        number, link = self.heads[2]
        self.assertEqual(self.faults(number=number, link=link), [])
        self.assertIn("rows 5 to 6 are not what was written", self.faults(number=number, link=b"another"))
        self.assertIn("rows 1 to 4 are missing", self.faults())


if __name__ == "__main__":
    unittest.main()
