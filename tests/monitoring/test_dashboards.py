"""The dashboards for Grafana: in order as files, and about metrics that there are."""

import itertools
import json
import re

import pytest
import yaml

from dashboards import FILES, OF_OTHERS, expressions, panels, read
from promql import names, selectors
from rules import ROOT, documented, promtool, rules

# Grafana's kind "dashboard" (schema version 37, as Grafana 9 and later read it): the members that we use.
DASHBOARD = {"uid", "title", "description", "tags", "schemaVersion", "editable", "graphTooltip", "refresh", "time", "timezone",
             "templating", "annotations", "links", "panels"}
PANEL = {"id", "type", "title", "description", "gridPos", "datasource", "fieldConfig", "targets"}
ROW = {"id", "type", "title", "collapsed", "gridPos", "panels"}
COLUMNS = 24
UNITS = {"none", "short", "s", "bytes", "percentunit", "ops", "reqps"}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}

# Documented, and in no panel.
NOT_DRAWN = {
    "cartwheel_audit_link": "a digest, for `audit verify`",
    "cartwheel_auditor_findings": "an alert; the rows name what it is",
    "cartwheel_auditor_lap_seconds": "it follows from the size of the tables",
    "cartwheel_auditor_rows_total": "the same",
    "cartwheel_auditor_run_seconds": "a hundredth of a core, by design",
    "cartwheel_outcomes_told_total": "one a minute, by design",
    "cartwheel_outcomes_digests_total": "what was different is a finding",
    "cartwheel_outcomes_compared_timestamp_seconds": "who is compared is known to whoever runs it",
    "cartwheel_control_paused_seconds": "an alert, the processes' readiness and ./cartwheel controls tell of it",
    "cartwheel_orders_given_up_total": "off as it comes; the log has a line for each order",
    "cartwheel_notification_batch_size": "the sender's time says whether it keeps up",
    "cartwheel_clock_seconds": "./cartwheel doctor holds it against its own clock",
}
each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def overlap(one, other):
    return (one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
            and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"])


def test_there_are_three_each_known_by_an_id_of_its_own():
    found = {path.stem: read(path) for path in FILES}
    assert {name: dashboard["title"] for name, dashboard in found.items()} == {
        "messaging": "Messaging", "orders": "Orders", "processes": "Processes and servers"}
    assert {dashboard["uid"] for dashboard in found.values()} == {f"cartwheel-{name}" for name in found}


@each
def test_a_file_is_written_as_json_is_by_python(path):
    """So that a change made in Grafana shows as the change that it is: python3 -m json.tool --indent 2 --no-ensure-ascii."""
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


@each
def test_a_dashboard_has_the_members_that_grafana_reads(path):
    dashboard = read(path)
    assert set(dashboard) == DASHBOARD
    assert dashboard["schemaVersion"] == 37 and dashboard["tags"] == ["cartwheel"]
    variable, = dashboard["templating"]["list"]
    assert (variable["type"], variable["name"], variable["query"]) == ("datasource", "datasource", "prometheus")
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) and all(isinstance(n, int) and n > 0 for n in ids)
    titles = [panel["title"] for panel in panels(dashboard)]
    assert len(titles) == len(set(titles))


@each
def test_panels_fill_the_grid_and_none_lies_on_another(path):
    places = [panel["gridPos"] for panel in read(path)["panels"]]
    for place in places:
        assert set(place) == {"x", "y", "w", "h"} and all(isinstance(n, int) and n >= 0 for n in place.values()), place
        assert place["w"] > 0 and place["h"] > 0 and place["x"] + place["w"] <= COLUMNS, place
    for one, other in itertools.combinations(places, 2):
        assert not overlap(one, other), (one, other)
    assert places == sorted(places, key=lambda place: (place["y"], place["x"])), "the file's order is not the reader's"


@each
def test_a_panel_says_what_is_good_and_what_to_do(path):
    dashboard = read(path)
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            assert set(panel) == ROW and panel["panels"] == [] and panel["collapsed"] is False
            continue
        assert set(panel) == PANEL and panel["type"] == "timeseries", panel["title"]
        assert re.fullmatch(r"Good: .+?[.] .+[.]", panel["description"]), panel["title"]


@each
def test_a_line_of_a_panel_has_a_unit_a_source_and_a_name(path):
    for panel in panels(read(path)):
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEFGH"[:len(panel["targets"])]), panel["title"]
        legends = [target["legendFormat"] for target in panel["targets"]]
        assert all(legends) and len(set(legends)) == len(legends), panel["title"]
        for target in [panel, *panel["targets"]]:
            assert target["datasource"] == SOURCE, panel["title"]
        for target in panel["targets"]:
            grouped = {label for by in re.findall(r"\bby \(([^)]*)\)", target["expr"]) for label in by.split(", ")}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) == grouped - {"le"}, panel["title"]


def test_promtool_understands_every_expression(tmp_path):
    recorded = [{"record": f"panel:{n}", "expr": expression} for n, (_, expression) in enumerate(expressions())]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}), encoding="utf-8")
    content, said = promtool("check", "rules", path)
    assert content, said


def test_panels_name_metrics_that_exist():
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    named = {where: names(expression) for where, expression in expressions()}
    unknown = {where: found - documented() - recorded - OF_OTHERS for where, found in named.items()}
    assert {where: missing for where, missing in unknown.items() if missing} == {}


def test_every_metric_is_drawn_or_there_is_a_reason():
    drawn = set().union(*(names(expression) for _, expression in expressions()))
    assert documented() - drawn == set(NOT_DRAWN)
    assert OF_OTHERS - drawn == set(), "nobody asks for it"


def test_what_a_panel_names_for_more_is_there():
    text = " ".join(panel["description"] for path in FILES for panel in panels(read(path)))
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for section in re.findall(r"docs/operations[.]md, ([A-Z][\w ]+?)[.,]", text):
        assert re.search(rf"^##+ {section}$", operations, re.MULTILINE), section
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    named = set(re.findall(r"\bCartwheel\w+", text))
    assert named and named <= alerts


@pytest.mark.parametrize("expression, found", [
    ("max(a_b)", [("a_b", [])]),
    ('sum by (x, le) (rate(a_bucket{q!~"c[.]d[0-9]+",le="5"}[5m])) / on (x) b', [("a_bucket", [("q", "!~", "c[.]d[0-9]+"), ("le", "=", "5")]), ("b", [])]),
    ('a{x="by (y) {z}"} > 14.4 * 0.001 and a unless c:d:e5m', [("a", [("x", "=", "by (y) {z}")]), ("a", []), ("c:d:e5m", [])]),
    ("histogram_quantile(0.5, rate(a_bucket[1h])) offset 5m", [("a_bucket", [])]),
])
def test_selectors_are_found(expression, found):
    assert selectors(expression) == found
