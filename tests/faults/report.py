"""The plan's result: faults x seeds, violations, recovery. As a table and as JSON."""

import dataclasses
import json
import statistics

SHOWN_VIOLATIONS = 20  # of a run


def _median(values):
    return statistics.median(values) if values else None


def summary(rows, results):
    """One dictionary a row that ran, in the order of the rows."""
    found = []
    for row in rows:
        mine = [r for r in results if r.row == row.number]
        if not mine:
            continue
        recoveries = [r.recovery_s for r in mine if r.recovery_s is not None]
        found.append({
            "row": row.number, "fault": row.title, "seeds": len(mine),
            "failed_seeds": [r.seed for r in mine if r.violations],
            "violations": sum(len(r.violations) for r in mine),
            "recovery_s_p50": _median(recoveries), "recovery_s_max": max(recoveries, default=None),
            "seconds_a_run": _median([r.took_s for r in mine]),
            "orders": sum(r.calls.get("place ok", 0) for r in mine),
        })
    return found


def _seconds(value):
    return "-" if value is None else f"{value:.1f}"


def _shown(violations):
    """All that a reader can use: where thousands are the same, the JSON has the others."""
    more = len(violations) - SHOWN_VIOLATIONS
    return violations if more <= 0 else [*violations[:SHOWN_VIOLATIONS], f"... and {more} more"]


def line(result):
    """What is said of a run when it ends."""
    verdict = f"{len(result.violations)} violations" if result.violations else "ok"
    lines = [f"row {result.row:4} seed {result.seed:3}: {verdict}, recovery {_seconds(result.recovery_s)} s,"
             f" took {result.took_s:.1f} s"]
    return "\n    ".join([*lines, *_shown(result.violations)])


def text(rows, results):
    """The table, then each violation with the command that runs its seed again."""
    lines = [f"{'row':5} {'fault':72} {'seeds':>5} {'viol.':>5} {'p50 s':>6} {'max s':>6} {'run s':>6} {'accepted':>8}"]
    for entry in summary(rows, results):
        lines.append(f"{entry['row']:5} {entry['fault'][:72]:72} {entry['seeds']:5} {entry['violations']:5}"
                     f" {_seconds(entry['recovery_s_p50']):>6} {_seconds(entry['recovery_s_max']):>6}"
                     f" {_seconds(entry['seconds_a_run']):>6} {entry['orders']:8}")
    for result in results:
        if result.violations:
            lines.append(f"\nrow {result.row}, seed {result.seed}; again with:"
                         f" ./cartwheel test faults --only {result.row} --seed {result.seed}")
            lines += [f"  {violation}" for violation in _shown(result.violations)]
            lines.append(f"  notes: {result.notes}; calls: {result.calls}")
    return "\n".join(lines)


def write_json(path, rows, results, about):
    document = {**about, "rows": summary(rows, results), "runs": [dataclasses.asdict(r) for r in results]}
    path.write_text(json.dumps(document, indent=1, default=str) + "\n", encoding="utf-8")
