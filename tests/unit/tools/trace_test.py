"""./cartwheel trace: spans are taken, kept within bounds, found by their order, and drawn with what they point to."""

import http.client
import pathlib
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from launcher import otlp, trace  # noqa: E402
from launcher.spans import Span, Store, tree  # noqa: E402
from span_receiver import BODY_BYTES, PATH, Receiver  # noqa: E402

ORDER = "0190a000-0000-7000-8000-00000000000a"
FIRST, SECOND, BATCH, OTHER = (digit * 32 for digit in "12ab")


def span(in_trace, name, begin, took=1000, parent="", links=(), error="", **attributes):
    return Span("order-api", in_trace, f"{name:x>16}"[:16], f"{parent:x>16}"[:16] if parent else "", name, "internal",
                1_000_000 + begin, 1_000_000 + begin + took, attributes, list(links), error)


def batch_of(name):
    return BATCH, f"{name:x>16}"[:16]


STORY = [
    span(FIRST, "POST", 0, 7000, **{"http.request.method": "POST", "url.path": "/api/orders"}),
    span(FIRST, "handle", 100, 6800, "POST", [batch_of("batch place")]),
    span(FIRST, "process", 9000, 500, "handle", [(OTHER, "f" * 16)], "no such column"),
]
BATCHES = [
    span(BATCH, "batch place", 150, 6700, **{"cartwheel.batch.size": 3}),
    span(BATCH, "transaction", 200, 2000, "batch place"),
    span(BATCH, "commit", 2200, 4600, "batch place"),
]
CANCELLED = [span(SECOND, "cancel", 50_000, links=[(FIRST, STORY[2].id)],
                  **{"http.request.method": "POST", "url.path": f"/api/orders/{ORDER}/cancel"})]
LOOKED_AT = [span(OTHER, "GET", 60_000, **{"http.request.method": "GET", "url.path": f"/api/orders/{ORDER}"})]


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class Kept(Folder):
    def test_an_order_has_the_traces_of_its_log_lines_and_of_what_changed_it(self):
        store = Store(self.folder)
        self.assertFalse(store.exists())
        store.add(BATCHES + CANCELLED + LOOKED_AT + STORY)
        self.assertTrue(store.exists())
        stories = trace.of_order(store, ORDER, {FIRST})
        self.assertEqual(stories, [STORY, CANCELLED])
        self.assertEqual(trace.linked(store, STORY), BATCHES + LOOKED_AT)
        self.assertEqual(trace.of_order(store, "0190a000-0000-7000-8000-00000000000b", set()), [])

    def test_the_files_stay_within_bounds_and_the_newest_are_kept(self):
        store = Store(self.folder, file_bytes=2000)
        for number in range(100):
            store.add([span(FIRST, f"span {number}", number)])
        sizes = [path.stat().st_size for path in self.folder.iterdir()]
        self.assertEqual(len(sizes), 2)
        self.assertLessEqual(sum(sizes), 4000)
        names = [one.name for one in store.of({FIRST})]
        self.assertEqual(names, [f"span {number}" for number in range(100 - len(names), 100)])
        self.assertGreater(len(names), 5)

    def test_a_line_that_was_cut_off_costs_itself_alone(self):
        store = Store(self.folder)
        store.add(STORY[:1])
        with open(self.folder / "spans.jsonl", "a", encoding="utf-8") as file:
            file.write('{"service":"order-api","trace":"' + FIRST + "\n" + '{"trace":"' + FIRST + '"}\n')
        store.add(STORY[1:])
        self.assertEqual(store.of({FIRST}), STORY)


class Drawn(unittest.TestCase):
    def test_what_is_pointed_to_follows_a_batch_with_its_parts(self):
        self.assertEqual(tree(STORY, BATCHES + LOOKED_AT).splitlines()[1:], [
            "       0.0      7.0  order-api           POST",
            "       0.1      6.8  order-api             handle",
            "       0.1      6.7  order-api               ~ batch place of 3",
            "       0.2      2.0  order-api                 ~ transaction",
            "       2.2      4.6  order-api                 ~ commit",
            "       9.0      0.5  order-api               process  -> 1 link  ! no such column",
        ])
        self.assertEqual(tree(CANCELLED, STORY).splitlines()[1:], [
            "       0.0      1.0  order-api           cancel",
            f"     -41.0      0.5  order-api             ~ process  in trace {FIRST}  ! no such column",
        ])


class Taken(Folder):
    def setUp(self):
        super().setUp()
        self.store = Store(self.folder)
        self.receiver = Receiver(0, self.store)
        thread = threading.Thread(target=self.receiver.serve_forever, args=(0.02,))
        thread.start()
        self.addCleanup(lambda: (self.receiver.shutdown(), thread.join(), self.receiver.server_close()))

    def status(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.receiver.server_address[1], timeout=20)
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def test_the_spans_of_a_request_are_kept(self):
        request = otlp.CLASSES["Request"]()
        sent = request.resource_spans.add()
        sent.resource.attributes.add(key="service.name").value.string_value = "stock-worker"
        one = sent.scope_spans.add().spans.add(trace_id=b"\x11" * 16, span_id=b"\x22" * 8, name="process", kind=5,
                                               start=5_000_000, end=6_000_000)
        one.attributes.add(key="cartwheel.batch.size").value.int_value = 2
        one.links.add(trace_id=b"\xaa" * 16, span_id=b"\xbb" * 8)
        one.status.code, one.status.message = 2, "broken"
        self.assertEqual(self.status("POST", PATH, request.SerializeToString()), 200)
        self.assertEqual(self.store.of({"11" * 16}), [Span(
            "stock-worker", "11" * 16, "22" * 8, "", "process", "consumer", 5000, 6000, {"cartwheel.batch.size": 2},
            [("aa" * 16, "bb" * 8)], "broken")])

    def test_anything_else_is_refused(self):
        self.assertEqual(self.status("GET", PATH), 200)
        self.assertEqual(self.status("POST", "/"), 404)
        self.assertEqual(self.status("POST", PATH, b"\xff\xff garbage"), 400)
        self.assertEqual(self.status("POST", PATH, None, **{"Content-Length": str(BODY_BYTES + 1)}), 413)
        self.assertFalse(self.store.exists())


if __name__ == "__main__":
    unittest.main()
