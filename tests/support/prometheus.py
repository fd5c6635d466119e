"""A small reader of the Prometheus text format, strict where the format is."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"^({NAME})(\{{.*\}})? (\S+)( -?\d+)?$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)')
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


class Metrics:
    """types: {family: type}; help: {family: text}; samples: [(name, labels, value)]."""

    def __init__(self):
        self.types, self.help, self.samples = {}, {}, []

    def value(self, name, **labels):
        """The sum of all samples of that name whose labels include @labels; None if there is none."""
        found = [v for n, l, v in self.samples
                 if n == name and all(l.get(k) == want for k, want in labels.items())]
        return sum(found) if found else None

    def total(self, *words):
        """The sum of the families whose name holds every word of @words."""
        return sum(self.value(family) or 0 for family in self.families(*words))

    def families(self, *words, kind=None):
        """Families whose name holds every word of @words (and that are of type @kind)."""
        return sorted(f for f, t in self.types.items()
                      if all(w in f for w in words) and (kind is None or t == kind))


def parse(text):
    """Reads an exposition; raises AssertionError that names the line at fault."""
    metrics = Metrics()
    assert text.endswith("\n"), "the exposition must end with a line feed"
    for line in text.splitlines():
        if not line:
            continue
        if line.startswith("# HELP "):
            _, _, family, *rest = line.split(" ", 3)
            assert family not in metrics.help, f"second HELP: {line}"
            metrics.help[family] = rest[0] if rest else ""
        elif line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert kind in TYPES, f"unknown type: {line}"
            assert family not in metrics.types, f"second TYPE: {line}"
            metrics.types[family] = kind
        elif not line.startswith("#"):
            metrics.samples.append(_sample(line))
    _check(metrics)
    return metrics


def _sample(line):
    match = SAMPLE.match(line)
    assert match, f"not a sample: {line}"
    name, labels, value, _ = match.groups()
    return name, _labels(labels, line), float(value)


def _labels(text, line):
    if not text:
        return {}
    labels, rest = {}, text[1:-1]
    while rest:
        match = LABEL.match(rest)
        assert match, f"bad labels: {line}"
        assert match[1] not in labels, f"label twice: {line}"
        labels[match[1]] = match[2]
        rest = rest[match.end():]
    return labels


def _family(name, types):
    if name in types:
        return name
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix) and types.get(name[:-len(suffix)]) in ("histogram", "summary"):
            return name[:-len(suffix)]
    return None


def _check(metrics):
    seen = set()
    for name, labels, _ in metrics.samples:
        identity = (name, tuple(sorted(labels.items())))
        assert identity not in seen, f"the same series twice: {identity}"
        seen.add(identity)
        assert _family(name, metrics.types), f"sample without TYPE: {name}"
    for family, kind in metrics.types.items():
        if kind == "histogram":
            _check_histogram(family, metrics)


def _check_histogram(family, metrics):
    """Buckets rise, end with +Inf, and +Inf equals the count, for each label set."""
    series = {}
    for name, labels, value in metrics.samples:
        if name == family + "_bucket":
            others = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
            series.setdefault(others, []).append((float(labels["le"]), value))
    for others, buckets in series.items():
        counts = [v for _, v in sorted(buckets)]
        assert counts == sorted(counts), f"{family}{others}: buckets fall"
        assert sorted(buckets)[-1][0] == float("inf"), f"{family}{others}: no +Inf bucket"
        total = metrics.value(family + "_count", **dict(others))
        assert total == counts[-1], f"{family}{others}: +Inf bucket differs from the count"
        assert metrics.value(family + "_sum", **dict(others)) is not None, f"{family}: no sum"
