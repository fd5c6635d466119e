"""Spans of traces, once they are decoded: kept in files, found again, drawn as a tree."""

import dataclasses
import json
import os

FILE_BYTES = 64 * 1024 * 1024
HEADING = "  begin ms  took ms  process             span"


@dataclasses.dataclass
class Span:
    service: str
    trace: str
    id: str
    parent: str
    name: str
    kind: str
    start_us: int
    end_us: int
    attributes: dict
    links: list  # (trace, span)
    error: str
    children: list = dataclasses.field(default_factory=list, repr=False, compare=False)


class Store:
    """Files of a folder with a span a line, as JSON: the last @file_bytes of spans at least, twice that at most."""

    def __init__(self, folder, file_bytes=FILE_BYTES):
        self._file = folder / "spans.jsonl"
        self._older = folder / "spans.jsonl.1"
        self._file_bytes = file_bytes

    def add(self, spans):
        """Not from two threads at once."""
        text = "".join(json.dumps({**vars(span), "children": []}, separators=(",", ":")) + "\n" for span in spans).encode()
        if self._file.exists() and self._file.stat().st_size + len(text) > self._file_bytes:
            os.replace(self._file, self._older)
        with open(self._file, "ab") as file:
            file.write(text)

    def exists(self):
        return self._file.exists() or self._older.exists()

    def traces_about(self, order_id):
        """Of requests that change this order: their path names it."""
        return {span.trace for span in self._having([order_id])
                if order_id in span.attributes.get("url.path", "") and span.attributes.get("http.request.method") != "GET"}

    def of(self, traces):
        """All spans of these traces."""
        return [span for span in self._having(traces) if span.trace in traces]

    def _having(self, words):
        """The spans whose lines hold one of these words; a line that was cut off is none."""
        for path in (self._older, self._file):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    for line in file:
                        if any(word in line for word in words) and (span := _read(line)) is not None:
                            yield span
            except FileNotFoundError:
                pass


def _read(line):
    try:
        span = Span(**json.loads(line))
    except (ValueError, TypeError):
        return None
    span.links = [tuple(link) for link in span.links]
    return span


def roots(spans):
    """Those whose parent is not among @spans, first come first; all get their children."""
    known = {span.id: span for span in spans}
    for span in spans:
        span.children = sorted((one for one in spans if one.parent == span.id), key=lambda one: one.start_us)
    return sorted((span for span in spans if span.parent not in known), key=lambda one: one.start_us)


def tree(spans, linked=()):
    """The spans of a trace as text: when each began, how long it took, where, and what. Below one that points to spans
    of @linked these follow after a "~": a batch with what it is made of, anything else with its trace."""
    tops = roots(spans)
    roots(linked)
    targets = {(span.trace, span.id): span for span in linked}
    lines = [HEADING]

    def draw(span, indent, mark="", more=""):
        error = f"  ! {span.error}" if span.error else ""
        lines.append(f"{(span.start_us - tops[0].start_us) / 1000:10.1f} {(span.end_us - span.start_us) / 1000:8.1f}  "
                     f"{span.service:20}{'  ' * indent}{mark}{span.name}{more}{error}")

    def follow(span, indent):
        unknown = sum(link not in targets for link in span.links)
        draw(span, indent, more=f"  -> {unknown} link{'s' * (unknown != 1)}" if unknown else "")
        for target in (targets[link] for link in span.links if link in targets):
            is_batch = target.name.startswith("batch ")
            draw(target, indent + 1, "~ ", f" of {target.attributes.get('cartwheel.batch.size')}" if is_batch
                 else f"  in trace {target.trace}")
            for part in target.children if is_batch else ():
                draw(part, indent + 2, "~ ")
        for child in span.children:
            follow(child, indent + 1)

    for top in tops:
        follow(top, 0)
    return "\n".join(lines)
