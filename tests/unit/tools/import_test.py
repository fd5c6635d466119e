"""tools/operators/stock_import.py: how a file is cut into pieces, and what is done when an answer is lost."""

import contextlib
import http.server
import io
import json
import pathlib
import sys
import threading
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from launcher.layout import LauncherError  # noqa: E402
from operators import stock_import  # noqa: E402
from operators.stock_import import PIECE_BYTES, PIECE_LINES, Client, Report, pieces, read_lines  # noqa: E402

LINE = b'{"productId": "x", "quantity": 1}'


def cut(content, first=1):
    return list(pieces(read_lines(io.BytesIO(content)), first))


class PiecesTest(unittest.TestCase):
    def test_lines_keep_their_numbers_and_blank_ones_are_left_out(self):
        (piece,) = cut(b"\n" + LINE + b"\r\n  \n" + LINE)
        self.assertEqual(piece.lines, [(2, LINE), (4, LINE)])
        self.assertEqual(piece.body(), LINE + b"\n" + LINE + b"\n")
        self.assertEqual(cut(b""), [])

    def test_a_piece_is_what_the_api_takes(self):
        lines = cut((LINE + b"\n") * (2 * PIECE_LINES + 1))
        self.assertEqual([len(piece.lines) for piece in lines], [PIECE_LINES, PIECE_LINES, 1])
        self.assertEqual([piece.first for piece in lines], [1, PIECE_LINES + 1, 2 * PIECE_LINES + 1])
        long = cut((LINE + b" " * 40_000 + b"\n") * 7)
        self.assertEqual([len(piece.lines) for piece in long], [3, 3, 1])
        self.assertTrue(all(len(piece.body()) <= PIECE_BYTES for piece in long))
        self.assertEqual(long[-1].read, 7 * (len(LINE) + 40_001))

    def test_a_line_that_fits_no_piece_is_left_out_and_told(self):
        fits = b"x" * (PIECE_BYTES - 1)
        content = LINE + b"\n" + fits + b"\n" + fits + b"x\n" + b"y" * (3 * PIECE_BYTES) + b"\n" + LINE
        found = cut(content)
        self.assertEqual([number for piece in found for number, _ in piece.lines], [1, 2, 5])
        self.assertEqual([number for piece in found for number in piece.too_long], [3, 4])
        self.assertEqual(found[-1].read, len(content))

    def test_it_begins_where_it_is_told(self):
        (piece,) = cut((LINE + b"\n") * 5, first=4)
        self.assertEqual((piece.first, [number for number, _ in piece.lines]), (4, [4, 5]))


class Api:
    """Answers what is given, in turn: (status, problem type), "lost" after reading, or 200 with an outcome a line."""

    def __init__(self, *answers):
        self.requests, self.tokens = [], []
        rest = list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(handler):
                body = handler.rfile.read(int(handler.headers["Content-Length"]))
                self.requests.append((handler.path, handler.headers["Content-Type"], body))
                self.tokens.append(handler.headers["Authorization"])
                answer = rest.pop(0) if rest else 200
                if answer == "lost":
                    handler.close_connection = True
                    return
                status, content = (200, outcomes(body)) if answer == 200 else (answer[0], json.dumps(
                    {"type": f"urn:cartwheel:problem:{answer[1]}", "detail": "so"}).encode())
                handler.send_response(status)
                handler.send_header("Content-Length", str(len(content)))
                handler.send_header("Retry-After", "0")
                handler.end_headers()
                handler.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"


def outcomes(body):
    return b"".join(b'{"line": %d, "outcome": "created", "quantity": 1}\n' % (n + 1) for n in range(body.count(b"\n")))


class ClientTest(unittest.TestCase):
    def send(self, api, existing="keep", patience=60, token=None):
        with contextlib.closing(Client(api.url, token, existing, lambda text: None, patience=patience)) as client, \
                mock.patch.object(stock_import.time, "sleep"):
            return client.send(LINE + b"\n")

    def test_each_line_has_its_outcome(self):
        with Api() as api:
            self.assertEqual([one["outcome"] for one in self.send(api)], ["created"])
            self.assertEqual(api.requests, [("/api/stocks/import?existing=keep", "application/x-ndjson", LINE + b"\n")])

    def test_it_brings_the_token(self):
        with Api() as api:
            self.send(api, token="abc")
            self.assertEqual(api.tokens, ["Bearer abc"])

    def test_what_was_not_done_is_sent_again(self):
        for existing in ("keep", "set"):
            with Api((503, "unavailable"), (503, "unavailable")) as api:
                self.assertEqual(len(self.send(api, existing)), 1)
                self.assertEqual(len(api.requests), 3)

    def test_a_lost_answer_is_asked_for_again(self):
        with Api("lost", (503, "outcome-unknown")) as api:
            self.assertEqual(len(self.send(api)), 1)
            self.assertEqual(len(api.requests), 3)

    def test_quantities_are_not_set_twice(self):
        for answer in ("lost", (503, "outcome-unknown"), (503, "something-new")):
            with Api(answer) as api, self.assertRaisesRegex(LauncherError, "not known"):
                self.send(api, "set")
            self.assertEqual(len(api.requests), 1)

    def test_it_does_not_ask_for_ever(self):
        with Api((503, "unavailable"), (503, "unavailable")) as api, self.assertRaisesRegex(LauncherError, "503: so"):
            self.send(api, patience=-1)
        self.assertEqual(len(api.requests), 1)

    def test_a_refusal_ends_it(self):
        with Api((415, "unsupported-media-type")) as api, self.assertRaisesRegex(LauncherError, "answers 415: so"):
            self.send(api)


class ReportTest(unittest.TestCase):
    def test_lines_are_told_by_their_number_in_the_file(self):
        report, (piece,) = Report(False), cut(b"\n" + LINE + b"\n" + b"x" * (PIECE_BYTES + 1) + b"\n" + LINE + b"\n" + LINE)
        report.add(piece, [{"line": 1, "outcome": "created", "quantity": 1}, {"line": 2, "outcome": "kept", "quantity": 1234},
                           {"line": 3, "outcome": "invalid", "errors": {"quantity": ["must be there"], "": ["is \x1b[31m"]}}])
        told = []
        report.end(mock.Mock(done=lambda _, text, __: told.append(text), note=told.append), "go on")
        self.assertEqual(told, [
            "4 lines: 2 invalid, 1 created, 1 kept", f"line 3 is invalid: the line is longer than {PIECE_BYTES} bytes",
            "line 4 is kept: 1,234 on hand", "line 5 is invalid: quantity must be there; the line is \\x1b[31m", "go on"])
        self.assertFalse(report.all_as_wanted())

    def test_a_repetition_is_as_wanted(self):
        report, (piece,) = Report(False), cut(LINE + b"\n" + LINE)
        report.add(piece, [{"line": 1, "outcome": "unchanged", "quantity": 1}, {"line": 2, "outcome": "set", "quantity": 1}])
        self.assertTrue(report.all_as_wanted())


if __name__ == "__main__":
    unittest.main()
