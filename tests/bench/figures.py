"""Figures: measured several times, held against a bar."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Bar:
    """What a figure must reach: at least, or at most, this much."""

    least: float = None
    most: float = None

    def met_by(self, value):
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self):
        return f">= {number(self.least)}" if self.least is not None else f"<= {number(self.most)}"


@dataclasses.dataclass
class Figure:
    """One line of the table: the median of its rounds, and their range."""

    name: str
    unit: str
    rounds: list
    bar: Bar = None

    @property
    def value(self):
        return statistics.median(self.rounds)

    @property
    def verdict(self):
        if self.bar is None:
            return ""
        return "met" if self.bar.met_by(self.value) else "falls short"

    def row(self):
        spread = f"{number(min(self.rounds))} .. {number(max(self.rounds))}" if len(self.rounds) > 1 else ""
        return [self.name, number(self.value), self.unit, spread, str(self.bar or ""), self.verdict]

    def as_json(self):
        value = {"name": self.name, "unit": self.unit, "median": self.value, "rounds": self.rounds}
        if self.bar is not None:
            value["bar"] = dataclasses.asdict(self.bar)
            value["verdict"] = self.verdict
        return value


@dataclasses.dataclass
class Chart:
    """Bars in groups: one group a label, one bar in it a series."""

    title: str
    unit: str
    labels: list
    series: dict  # name -> one list of rounds for each label


@dataclasses.dataclass
class Check:
    """What had to hold exactly, and whether it did."""

    text: str
    holds: bool


class Result:
    """What a scenario found."""

    def __init__(self):
        self.figures = []
        self.charts = []
        self.checks = []
        self.notes = []

    def add(self, name, unit, rounds, bar=None):
        rounds = rounds if isinstance(rounds, list) else [rounds]
        self.figures.append(Figure(name, unit, rounds, bar))

    def check(self, text, holds):
        self.checks.append(Check(text, bool(holds)))

    def exact(self):
        return all(check.holds for check in self.checks)

    def as_json(self):
        return {
            "figures": [figure.as_json() for figure in self.figures],
            "checks": [dataclasses.asdict(check) for check in self.checks],
            "notes": self.notes,
        }


def ratios(numerators, denominators):
    """Round by round: each pair was measured one right after the other."""
    return [above / below for above, below in zip(numerators, denominators)]


def number(value):
    """As a reader likes it: three digits that count, thousands apart."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"
