"""tools/build/embed_document.py: what it embeds is the document with everything that it refers to, in itself."""

import ast
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "tools" / "build" / "embed_document.py"

DOCUMENT = """
paths:
  /own:
    get: { responses: { '404': { $ref: 'common.yaml#/components/responses/Unknown' } } }
  /shared: { $ref: 'common.yaml#/paths/~1shared' }
components:
  schemas:
    Own: { type: string, description: "d\\u00e9j\\u00e0 ??/" }
    Holder: { type: array, items: { $ref: 'common.yaml#/components/schemas/Held' } }
"""
COMMON = """
paths:
  /shared:
    get: { responses: { '200': { $ref: 'common.yaml#/components/responses/Fine' } } }
components:
  responses:
    Unknown: { schema: { $ref: 'common.yaml#/components/schemas/Problem' } }
    Fine: { schema: { $ref: 'common.yaml#/components/schemas/Problem' } }
    Unused: { description: nobody's }
  schemas:
    Problem: { type: object }
    Held: { type: array, items: { $ref: 'common.yaml#/components/schemas/Last' } }
    Last: { type: string }
"""


class EmbedDocument(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def embed(self, document, common=COMMON):
        (self.root / "order.yaml").write_text(document, encoding="utf-8")
        (self.root / "common.yaml").write_text(common, encoding="utf-8")
        names = [str(self.root / name) for name in ("out.c", "out.h", "order.yaml", "common.yaml")]
        return subprocess.run([sys.executable, str(SCRIPT), "order", *names], capture_output=True, text=True)

    def embedded(self, document):
        done = self.embed(document)
        self.assertEqual(done.returncode, 0, done.stderr)
        source = (self.root / "out.c").read_text(encoding="ascii")
        literals = re.findall(r'^    ("(?:[^"\\]|\\.)*");?$', source, re.MULTILINE)
        text = "".join(ast.literal_eval(literal.replace("\\?", "?")) for literal in literals)
        return json.loads(text), re.search(r'\.etag = "(.*)"', source)[1]

    def test_what_it_refers_to_is_inside(self):
        document, _ = self.embedded(DOCUMENT)
        self.assertEqual(set(document["components"]["responses"]), {"Unknown", "Fine"})
        self.assertEqual(document["paths"]["/shared"]["get"]["responses"]["200"], {"$ref": "#/components/responses/Fine"})
        self.assertEqual(document["components"]["responses"]["Fine"], {"schema": {"$ref": "#/components/schemas/Problem"}})
        self.assertEqual(document["components"]["schemas"]["Problem"], {"type": "object"})
        self.assertEqual(document["components"]["schemas"]["Last"], {"type": "string"})
        self.assertNotIn("common.yaml", json.dumps(document))
        self.assertEqual(document["components"]["schemas"]["Own"]["description"], "d\u00e9j\u00e0 ??/")

    def test_the_tag_changes_with_the_document(self):
        first, again, other = (self.embedded(text)[1] for text in (DOCUMENT, DOCUMENT, DOCUMENT.replace("Own", "Mine")))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        self.assertRegex(first, r'^\\"[0-9a-f]{16}\\"$')

    def test_a_reference_to_nothing_stops_the_build(self):
        done = self.embed(DOCUMENT.replace("responses/Unknown", "responses/Lost"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("Lost", done.stderr)


if __name__ == "__main__":
    unittest.main()
