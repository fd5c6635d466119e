"""A process under callgrind: how many instructions it spends on an item.

Instructions do not depend on how busy the machine is, so they can be compared with those of yesterday;
seconds cannot. Only those below the named functions count: what a process spends on starting, idling and
stopping depends on the clock. What their first calls spend once is in both of two runs and falls out.
"""

import contextlib
import pathlib
import re
import tempfile

from support.child import Child

FEW, MANY = 300, 1500
READY_SECONDS = 120
STOP_SECONDS = 120


@contextlib.contextmanager
def counted(system, name, functions, totals, changes=None):
    """Runs @name under callgrind meanwhile; appends the instructions of @functions to @totals."""
    with tempfile.TemporaryDirectory(prefix="cartwheel-costs-") as folder:
        out = pathlib.Path(folder) / "out"
        toggles = [f"--toggle-collect={function}" for function in functions]
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *toggles]
        child = Child(system, name, changes, valgrind)
        try:
            yield child.wait_ready(READY_SECONDS)
            assert child.stop(STOP_SECONDS) == 0, child.log
            totals.append(_instructions(out))
        finally:
            child.discard()


def _instructions(out):
    found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)
    assert found and int(found[1]) > 0, f"callgrind wrote no sum:\n{out.read_text()[:400]}"
    return int(found[1])


def nothing(_):
    pass


def per_item(system, name, functions, finish, prepare=nothing, changes=None):
    """Instructions an item: prepare(n) lays @n items out before the process starts, finish(child, n)
    has them done. @changes: to the environment of the process."""
    totals = []
    for n in (FEW, MANY):
        prepare(n)
        with counted(system, name, functions, totals, changes) as child:
            finish(child, n)
    return (totals[1] - totals[0]) / (MANY - FEW)
