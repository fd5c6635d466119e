"""Charts as SVG, written by hand: bars in groups, with the range of the rounds as a line on each."""

import statistics
from html import escape

from .figures import number

WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 56, 72
COLOURS = ("#1f6f8b", "#e08e45", "#6a994e", "#9d4edd")
TICKS = 5
STYLE = (
    "text{font-family:system-ui,sans-serif;font-size:12px;fill:#333}"
    ".title{font-size:16px;font-weight:600}.small{font-size:11px;fill:#666}"
    "@media(prefers-color-scheme:dark){.paper{fill:#16191d}text{fill:#ddd}.small{fill:#999}}"
)


def write_all(folder, results, caption):
    """One file a chart, named after its scenario; the paths."""
    written = []
    for scenario, result in results.items():
        for place, chart in enumerate(result.charts):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / (f"{scenario}.svg" if place == 0 else f"{scenario}-{place + 1}.svg")
            path.write_text(draw(chart, caption), encoding="utf-8")
            written.append(path)
    return written


def draw(chart, caption):
    """The chart as the text of an SVG file."""
    top = ceiling(max(max(rounds) for rows in chart.series.values() for rounds in rows))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(chart.title)}</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text class="title" x="{LEFT}" y="26">{escape(chart.title)}</text>',
        *axis(top, chart.unit),
        *groups(chart, top),
        *legend(chart),
        f'<text class="small" x="{LEFT}" y="{HEIGHT - 10}">{escape(caption)}</text>',
        "</svg>\n",
    ]
    return "\n".join(parts)


def ceiling(highest):
    """The end of the scale: 1, 2 or 5 times a power of ten in TICKS steps."""
    if highest <= 0:
        return 1
    step = 1e-6
    while True:
        for factor in (1, 2, 2.5, 5):
            if factor * step * TICKS >= highest:
                return factor * step * TICKS
        step *= 10


def height_of(value, top):
    return (HEIGHT - TOP - BOTTOM) * value / top


def axis(top, unit):
    base = HEIGHT - BOTTOM
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        y = base - height_of(value, top)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
    yield f'<text class="small" x="{LEFT - 8}" y="{TOP - 12}" text-anchor="end">{escape(unit)}</text>'


def groups(chart, top):
    """The bars: those of one label stand together."""
    group = (WIDTH - LEFT - RIGHT) / len(chart.labels)
    width = min(64, group * 0.8 / len(chart.series))
    for place, label in enumerate(chart.labels):
        middle = LEFT + group * (place + 0.5)
        first = middle - width * len(chart.series) / 2
        for i, rows in enumerate(chart.series.values()):
            yield from one_bar(first + i * width, width, rows[place], top, COLOURS[i % len(COLOURS)])
        yield f'<text x="{middle:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{escape(label)}</text>'


def one_bar(x, width, rounds, top, colour):
    base = HEIGHT - BOTTOM
    value = statistics.median(rounds)
    high, low = base - height_of(max(rounds), top), base - height_of(min(rounds), top)
    height = height_of(value, top)
    middle = x + width / 2
    yield (
        f'<rect x="{x + 2:.1f}" y="{base - height:.1f}" width="{width - 4:.1f}" height="{height:.1f}" fill="{colour}"/>'
    )
    yield f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{high:.1f}" y2="{low:.1f}" stroke="#333" stroke-width="1.5"/>'
    yield f'<text x="{middle:.1f}" y="{high - 5:.1f}" text-anchor="middle">{number(value)}</text>'


def legend(chart):
    x = LEFT
    y = HEIGHT - 34
    for i, name in enumerate(chart.series):
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{COLOURS[i % len(COLOURS)]}"/>'
        yield f'<text x="{x + 18}" y="{y}">{escape(name)}</text>'
        x += 40 + 7 * len(name)
