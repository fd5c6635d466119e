#!/usr/bin/env python3
"""A log line that names what somebody asked for (an id, a message, a request) names its trace, so that it is found with the rest
of that trace. Those that cannot are listed, with the reason."""

import re
import sys

import sources

LINE = re.compile(r"\bch_log_(?:error|warning|info|debug)\(((?:[^;\"]|\"(?:\\.|[^\"\\])*\")*?)\);")
NAMES_SOMETHING = re.compile(r'\bCH_ID\(|\bCH_STR\(\s*"(?:message_id|path|route)"')
SENTENCE = re.compile(r'"((?:\\.|[^"\\])*)"')
WITHOUT = {
    "stuck order is final": "it ended in another process, whose line has the trace",
}


def found(path, text):
    """(path, line, sentence) of each line that should have a trace and has none."""
    for match in LINE.finditer(text):
        if NAMES_SOMETHING.search(match[1]) and "CH_TRACE(" not in match[1]:
            sentence = SENTENCE.search(match[1])
            yield path, sources.line_of(text, match.start()), sentence[1] if sentence else ""


def main():
    lines = [one for path in sources.files("chassis", "services", suffixes={".c"}) for one in found(path, sources.read(path))]
    named = {sentence for _, _, sentence in lines}
    complaints = [(path, line, f'"{sentence}" names something, but not its trace: CH_TRACE')
                  for path, line, sentence in lines if sentence not in WITHOUT]
    complaints += [("tests/style/traces.py", 1, f'no line says "{sentence}" without a trace') for sentence in WITHOUT if sentence not in named]
    return sources.report(complaints)


def self_test():
    assert list(found("a.c", 'ch_log_info("order; accepted", CH_ID("order_id", id));')) == [("a.c", 1, "order; accepted")]
    assert not list(found("a.c", 'ch_log_info("order accepted", CH_ID("order_id", id), CH_TRACE(trace));'))
    assert not list(found("a.c", 'ch_log_info("stopped");\nch_log_error("x", CH_INT("n", n));'))
    assert list(found("a.c", '\nch_log_error("failed",\n  CH_STR("route", route->pattern));')) == [("a.c", 2, "failed")]
    return 0


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else main())
