"""./cartwheel trace: the spans of one order as a tree, from what the receiver of up --observe keeps."""

from . import logs, terminal
from .layout import LauncherError
from .spans import Store, tree
from .system import running_system
from .usage import order_id

SOON = "spans come within five seconds of their end"


def add_arguments(command):
    command.add_argument("order", type=order_id, metavar="ORDER")


def run(layout, options):
    store = Store(running_system(layout).spans.folder())
    if not store.exists():
        raise LauncherError("no spans are kept here; ./cartwheel up --observe keeps those of the orders that follow")
    selection = logs.Selection(options.order)
    selection.learn(layout)
    stories = of_order(store, options.order, selection.traces)
    if not stories:
        raise LauncherError(f"no span of order {options.order} is kept ({SOON})")
    for number, story in enumerate(stories):
        if number > 0:
            terminal.say()
        terminal.say(terminal.paint(f"trace {story[0].trace}", "bold"))
        terminal.say(tree(story, linked(store, story)))


def of_order(store, order, traces):
    """The spans of each trace of the order, the first trace first. @traces: those that its log lines name."""
    traces = set(traces) | store.traces_about(order)
    spans = sorted(store.of(traces), key=lambda span: span.start_us)
    return [[span for span in spans if span.trace == trace] for trace in dict.fromkeys(span.trace for span in spans)]


def linked(store, story):
    """What these spans point to, and what is below that: of the traces that are one step away."""
    return store.of({trace for span in story for trace, _ in span.links} - {story[0].trace})
