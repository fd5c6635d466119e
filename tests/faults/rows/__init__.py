"""The rows of the plan, by their number. A row is a function that does a fault and undoes it."""

import dataclasses
import importlib
from collections.abc import Callable

MODULES = ("processes", "servers", "network", "messages", "surroundings", "outside", "limits", "storms", "volumes",
           "power", "failover", "cluster", "shapes", "acts")
ROWS = {}


@dataclasses.dataclass(frozen=True)
class Row:
    number: str              # "1"; "6b" is a second one of the same number
    title: str
    fault: Callable          # (run): from the first harm to the last healing
    quick: bool = False      # part of the run by default
    alone: bool = False      # measures what a run beside it would change
    proxied: tuple = ()      # "postgres", "rabbitmq": our proxy stands before it
    environment: object = dataclasses.field(default_factory=dict)  # {process: {variable: value}}, or (run, stack) -> it
    everywhere: dict = dataclasses.field(default_factory=dict)     # variables of every process
    tapped: bool = True      # False: a tap would take what has to find no queue
    poisoned: bool = True
    may_log: tuple = ()      # of what is a complaint elsewhere
    may_hang: bool = False   # the fault is a process that stands still
    may_deadlock: bool = False
    rate: float = None       # orders a second
    more_files: int = 12     # that a process may hold open at the end: connections kept for reuse
    resident_kib: int = 64 * 1024  # that a process may have at the end: far above what most rows need, below a leak
    setup: Callable = None    # (run, stack), before all: may put another system in place
    prepare: Callable = None  # (run), a generator: before the load, and after all
    check: Callable = None   # (run, history): more violations
    backlog_s: float = None  # how long to wait for what the fault held up, where some of it may never come
    judge: Callable = None   # (run, history): violations, in place of I1 to I7 where the fault may lose something


def row(number, title, **options):
    """Registers the decorated function as the fault of a row."""
    def register(fault):
        assert number not in ROWS, number
        ROWS[number] = Row(number, title, fault, **options)
        return fault
    return register


def load():
    """All rows, in the order of their numbers."""
    for module in MODULES:
        importlib.import_module(f"faults.rows.{module}")
    return sorted(ROWS.values(), key=lambda r: (int("".join(filter(str.isdigit, r.number))), r.number))
