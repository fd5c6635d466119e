"""What is in deploy/prometheus, and promtool, which judges it."""

import pathlib
import re
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULE_FILES = tuple(FOLDER / name for name in ("alerts.yml", "objectives.yml"))
SUFFIXES = re.compile(r"_(bucket|sum|count)$")


def rules():
    """All rules of all files, as they are written."""
    documents = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in RULE_FILES)
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


def alerts():
    return [rule for rule in rules() if "alert" in rule]


def names_in(expression):
    """The metrics of ours that a PromQL expression names, without the suffixes of histograms."""
    return {SUFFIXES.sub("", name) for name in re.findall(r"\b(?:cartwheel|process)_\w+", expression)}


def promtool(*words):
    """Runs it; the answer is (whether it is content, what it said)."""
    done = subprocess.run(["promtool", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=120)
    return done.returncode == 0, done.stdout


def _listed():
    """(metrics of the row, their alarm) of the list in docs/operations.md."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`(?:cartwheel|process)_[^|]*) \|[^|]*\|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    return [(re.findall(r"`(\w+)`", named), alarm.strip()) for named, alarm in rows]


def documented():
    """The metrics that docs/operations.md lists."""
    return {name for named, _ in _listed() for name in named}


def alarmed():
    """Those with an alarm there."""
    return {name for named, alarm in _listed() if alarm for name in named}


def shown():
    """{alert: how it was shown} of the table in docs/operations.md."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `(Cartwheel\w+)` \| (.+) \|$", text, re.MULTILINE))


def shown_by(switch=None):
    """The alerts that ./cartwheel break @switch raises, as said there; None: those that any does."""
    return {alert for alert, how in shown().items() if how.startswith(f"`{switch}`" if switch else "`")}


def declared():
    """The metrics that the sources declare."""
    text = "".join(path.read_text(encoding="utf-8") for folder in ("chassis", "services") for path in (ROOT / folder).rglob("*.c"))
    families = re.findall(r'CH_(?:COUNTER|GAUGE|HISTOGRAM)\(\w+,\s*"(\w+)"', text)
    return {*families, *re.findall(r'"(process_\w+)", "(?:counter|gauge)"', text), *re.findall(r"HELP (cartwheel_\w+) ", text)}
