"""tools/build/embed_sql.py: what it embeds is what the file holds, and a bad list stops the build."""

import ast
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "tools" / "build" / "embed_sql.py"


class EmbedSql(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def embed(self, **contents):
        for name, content in contents.items():
            (self.root / f"{name}.sql").write_bytes(content)
        paths = [str(self.root / f"{name}.sql") for name in contents]
        out = [str(self.root / "out.c"), str(self.root / "out.h")]
        return subprocess.run(
            [sys.executable, str(SCRIPT), "order", *out, *paths], capture_output=True, text=True
        )

    def must_refuse(self, reason, **contents):
        result = self.embed(**contents)
        self.assertEqual(result.returncode, 1)
        self.assertIn(reason, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1)

    def test_text_and_checksum_are_the_files(self):
        content = 'select "a\\b", \'??/\';\r\n\t-- caf\u00e9\x01\nno line end'.encode()
        result = self.embed(**{"0002_two": b"select 2;\n", "0001_one": content})
        self.assertEqual(result.stderr, "")
        source = (self.root / "out.c").read_text(encoding="ascii")
        first, second = source.split(".version = ")[1:]
        literals = re.findall(r'^ {14}("(?:\\.|[^"\\])*")', first, re.MULTILINE)
        # C and Python agree on these escapes but for \?.
        embedded = "".join(ast.literal_eval(text.replace("\\?", "?")) for text in literals)
        self.assertEqual(embedded.encode("latin-1"), content)
        self.assertIn(hashlib.sha256(content).hexdigest(), first)
        self.assertTrue(first.startswith("1,") and second.startswith("2,"))

    def test_bad_lists_are_refused(self):
        self.must_refuse("without a gap", **{"0001_a": b"", "0003_c": b""})
        self.must_refuse("without a gap", **{"0002_b": b""})
        self.must_refuse("without a gap", **{"0001_a": b"", "0001_b": b""})
        self.must_refuse("named NNNN_name.sql", **{"1_a": b""})
        self.must_refuse("named NNNN_name.sql", **{"0001_A-b": b""})
        self.must_refuse("zero byte", **{"0001_a": b"select\0"})
        self.must_refuse("utf-8", **{"0001_a": b"\xff"})


if __name__ == "__main__":
    unittest.main()
