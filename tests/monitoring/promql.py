"""What a PromQL expression asks for: enough of the language to find its selectors."""

import re

GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
RANGE = re.compile(r"\[[^\]\"]*\]")
SELECTOR = re.compile(r'(?<!\w)([a-zA-Z_:][\w:]*)\s*(\{(?:[^{}"]|"[^"]*")*\})?(?!\w|\s*\()')
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
WORDS = {"and", "or", "unless", "bool", "offset"}
STRING = re.compile(r'"[^"]*"')
HISTOGRAM = re.compile(r"_(bucket|sum|count)$")


def selectors(expression):
    """Its selectors as (name, [(label, operator, value)]), in order, each once."""
    strings = []

    def kept(match):  # so that what is in a string is not taken for language
        strings.append(match[0])
        return f'"{len(strings) - 1}"'

    bare = RANGE.sub(" ", GROUPING.sub(" ", STRING.sub(kept, expression)))
    found = []
    for name, braces in SELECTOR.findall(bare):
        if name in WORDS:
            continue
        matchers = [(label, operator, strings[int(n)][1:-1]) for label, operator, n in MATCHER.findall(braces)]
        if (name, matchers) not in found:
            found.append((name, matchers))
    return found


def names(expression):
    """The metrics it names; of a histogram, its own name."""
    return {HISTOGRAM.sub("", name) if not name.startswith(("pg_", "rabbitmq_")) else name for name, _ in selectors(expression)}
