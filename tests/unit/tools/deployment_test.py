"""What is made of the list of services: patterns filled in, and what a service must say of itself."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))

from launcher import catalogue, deployment  # noqa: E402

ONE = catalogue.Service("one", 1, ["/a", "/b"], {"q": ["x", "E"]}, {"api": 1, "worker": 1}, database="one")
TWO = catalogue.Service("two", 2, [], {}, {"api": 1, "worker": 1}, database="twos", settings={"worker": ["W"]})
SERVICES = {"one": ONE, "two": TWO}


class Patterns(unittest.TestCase):
    def test_a_part_has_its_pattern_once_for_each_service(self):
        made = deployment.filled("before\n#% @service@: @api_port@ @database@\n#% end\nafter\n", SERVICES)
        self.assertEqual(
            made, "before\n#% @service@: @api_port@ @database@\none: 5001 one\ntwo: 5002 twos\n#% end\nafter\n"
        )

    def test_what_was_made_before_is_made_anew(self):
        text = "#% @SERVICE@\n#%\n#% end\n"
        once = deployment.filled(text, SERVICES)
        self.assertEqual(deployment.filled(once, SERVICES), once)
        self.assertEqual(deployment.filled(once, {"two": TWO}), "#% @SERVICE@\n#%\nTWO\n\n#% end\n")

    def test_a_line_that_names_a_list_is_there_for_each_member(self):
        made = deployment.filled("#% - @path@ of @service@\n#% @worker_setting@=\n#% end\n", SERVICES)
        self.assertEqual(made.splitlines()[2:-1], ["- /a of one", "- /b of one", "W="])

    def test_a_part_without_an_end_is_refused(self):
        with self.assertRaises(ValueError):
            deployment.filled("#% @service@\nrest\n", SERVICES)


class Catalogue(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def read(self, **texts):
        for name, text in texts.items():
            (self.root / "services" / name).mkdir(parents=True)
            (self.root / "services" / name / "service.json").write_text(text, encoding="utf-8")
        (self.root / "services" / "services.list").write_text("one\ntwo\n", encoding="ascii")
        return catalogue.read(self.root)

    def test_names_follow_the_service_unless_it_says_otherwise(self):
        least = '{"paths": [], "queues": {}, "connections": {}}'
        services = self.read(one=least, two=least.replace("{", '{"database": "deux", ', 1))
        self.assertEqual([(s.number, s.database, s.role) for s in services.values()],
                         [(1, "one", "one_service"), (2, "deux", "two_service")])

    def test_a_service_that_says_nothing_is_named(self):
        for text in ("{", '{"paths": []}', '{"paths": [], "queues": {}, "connections": {}, "pahts": []}'):
            with self.subTest(text), tempfile.TemporaryDirectory() as folder:
                self.root = pathlib.Path(folder)
                with self.assertRaisesRegex(SystemExit, "services.list names one, but"):
                    self.read(one=text)


if __name__ == "__main__":
    unittest.main()
