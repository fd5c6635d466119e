"""docs/runbooks: each alert has its section, where its rule leads, and every command, table and metric in it exists."""

import pathlib
import re
import shlex
import sys
import unittest
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from launcher import cli  # noqa: E402
from launcher.usage import UsageError  # noqa: E402

RULES = "".join((ROOT / "deploy/prometheus" / name).read_text(encoding="utf-8") for name in ("alerts.yml", "objectives.yml"))
ALERTS = {name: (severity, runbook) for name, severity, runbook in
          re.findall(r"alert: (\w+)\n.*?severity: (\w+).*?runbook: (\S+)\n", RULES, re.DOTALL)}  # fmt: skip
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/runbooks").glob("*.md")}
PARSER = cli._parser()
SECTION = re.compile(r"^## (Cartwheel\w+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"`(\./cartwheel [^`]+)`|^(\./cartwheel .*)$", re.MULTILINE)
METRIC = re.compile(r"`(cartwheel_\w+)")
TABLE = re.compile(r"\bfrom (\w+)")
WORDS = {**dict.fromkeys(("ID", "LETTER", "GROUP", "JOB"), str(uuid.UUID(int=1))), "TRACE": "0" * 31 + "1"}


def sections():
    return {name: (page, text) for page, whole in PAGES.items() for name, text in SECTION.findall(whole)}


def commands():
    """(page, command) of all pages, as they are written."""
    return [(page, one or line) for page, text in PAGES.items() for one, line in COMMAND.findall(text)]


def judge(command):
    """None when the launcher takes it; what it says otherwise."""
    arguments = [WORDS.get(word, word) for word in shlex.split(command, comments=True)[1:]]
    try:
        options = PARSER.parse_args(cli._protect_passed_on(arguments))
        options.check(options)
    except UsageError as error:
        return str(error)
    return None


class Runbooks(unittest.TestCase):
    def test_each_alert_has_its_section_where_its_rule_leads_and_no_section_is_left_over(self):
        self.assertEqual(len(ALERTS), RULES.count("alert: "))
        self.assertEqual({name: f"docs/runbooks/{page}#{name.lower()}" for name, (page, _) in sections().items()},
                         {name: runbook for name, (_, runbook) in ALERTS.items()})  # fmt: skip

    def test_each_section_says_what_is_felt_looked_at_done_and_verified(self):
        for name, (_, text) in sections().items():
            self.assertEqual(re.findall(r"^- \*\*(.+?):\*\*", text, re.MULTILINE), ["Felt", "Look at", "Do", "Verify"], name)

    def test_the_table_has_them_all_with_their_severity(self):
        rows = re.findall(r"^\| \[(\w+)\]\((\S+)\) \| (\w+) \|$", PAGES["README.md"], re.MULTILINE)
        self.assertEqual(rows, [(name, runbook.removeprefix("docs/runbooks/"), severity) for name, (severity, runbook) in ALERTS.items()])

    def test_every_command_is_one_that_the_launcher_takes(self):
        found = commands()
        self.assertGreater(len(found), 50)
        for page, command in found:
            self.assertIsNone(judge(command), f"{page}: {command}")

    def test_a_command_that_is_none_would_be_found(self):
        for command in ("./cartwheel dlq shwo LETTER", "./cartwheel doctor broker.nothing", "./cartwheel order ID announce",
                        "./cartwheel logs --level loud", "./cartwheel orders"):  # fmt: skip
            self.assertIsNotNone(judge(command), command)

    def test_every_table_and_metric_exists(self):
        migrations = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("*/*/migrations/*.sql"))
        migrations += "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("services/*/migrator/migrations/*.sql"))
        tables = set(re.findall(r"create (?:table|view) (?:if not exists )?(\w+)", migrations))
        listed = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
        for page, command in commands():
            for table in TABLE.findall(command) if " psql " in command else ():
                self.assertTrue(table in tables or table.startswith("pg_"), f"{page}: {table}")
        for page, text in PAGES.items():
            for metric in METRIC.findall(text):
                self.assertIn(f"`{metric}`", listed, page)


if __name__ == "__main__":
    unittest.main()
