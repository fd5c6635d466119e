"""Our own processes, by what they say on their admin listeners."""

import os
import re
from urllib.parse import urlsplit

from .checks import ERROR, WARNING, Check, NotChecked, Problem, Unasked
from .patient import PROCESSES
from .server import clock_problem, offset

VERSION = re.compile(r'cartwheel_build_info\{version="([^"]*)"\}')
LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+|::1|localhost")


def is_here(host):
    """Whether what goes there stays on the machine."""
    return LOOPBACK.fullmatch(host or "localhost") is not None


def each(look):
    """A look at every process: @look(patient, process) yields problems."""
    def looks(patient):
        for process in PROCESSES:
            try:
                yield from look(patient, process)
            except NotChecked as reason:
                yield Unasked(process, str(reason))
    return looks


def _ready(patient, process):
    patient.address(f"{process.replace('-', '_')}_admin")
    try:
        status, said = patient.readiness(process)
    except NotChecked as reason:
        yield Problem(process, str(reason))
        return
    down = {name: state for name, state in said.get("dependencies", {}).items() if state["status"] != "ok"}
    for name, state in down.items():
        yield Problem(process, f"{name} is down: {state.get('detail', 'it does not say why')}")
    if status != 200 and not down:
        yield Problem(process, f"is not ready: {said.get('detail', 'it does not say why')}")
    if "warning" in said:
        yield Problem(process, said["warning"], WARNING)


def _builds(patient):
    runs = {}
    for process in PROCESSES:
        try:
            runs[process] = next(match[1] for name in patient.metrics(process) if (match := VERSION.fullmatch(name)))
        except (NotChecked, StopIteration) as reason:
            yield Unasked(process, str(reason) or "it does not say which build it is")
        if _was_replaced(patient, process):
            yield Problem(process, "its binary was built anew since it started")
    builds = list(runs.values())
    usual = max(builds, key=builds.count, default=None)
    for process, build in runs.items():
        if build != usual:
            yield Problem(process, f"is of version {build}, others of {usual}")


def _was_replaced(patient, process):
    pid = patient.local.component(process).pid() if patient.local else None
    try:
        return pid is not None and os.readlink(f"/proc/{pid}/exe").endswith(" (deleted)")
    except OSError:
        return False


def _clock(patient, process):
    def clock():
        found = patient.metrics(process).get("cartwheel_clock_seconds")
        if found is None:
            raise NotChecked("it does not tell its clock")
        return found

    patient.address(f"{process.replace('-', '_')}_admin")
    patient.drop((process, "/metrics"))
    if problem := clock_problem(process, *offset(clock)):
        yield problem


def _tokens(patient, process):
    if not process.endswith("-api"):
        return
    off = patient.metrics(process).get("cartwheel_auth_off")
    if off is None:
        raise NotChecked("it does not tell whether AUTH is off")
    if off == 1:
        host = urlsplit(patient.endpoints.get(process.replace("-", "_"), "")).hostname
        yield Problem(process, "AUTH is off: whoever reaches it may do anything", WARNING if is_here(host) else None)


CHECKS = (
    Check(
        "processes.ready", "each process is ready", ERROR,
        "a process that is not ready refuses its calls, or leaves its messages in their queues",
        "do what the line names; ./cartwheel logs NAME has the rest, ./cartwheel restart NAME starts it again",
        each(_ready),
    ),
    Check(
        "processes.build", "all processes are of one build", WARNING,
        "two builds work side by side during an upgrade; one that was forgotten has the old faults, and may wait for the old schema",
        "end the rollout or undo it; here: ./cartwheel restart NAME",
        _builds,
    ),
    Check(
        "processes.clock", "the clocks of the processes are right", WARNING,
        "ids, deadlines, tokens and the order of events follow clocks: tokens are refused, orders look late, retries come early",
        "let chrony or systemd-timesyncd set the clock of each machine",
        each(_clock),
    ),
    Check(
        "processes.tokens", "APIs ask for a token", ERROR,
        "whoever reaches such an API reads and changes everybody's orders, stock and messages",
        "AUTH=on and AUTH_ISSUER (docs/security.md), then restart it",
        each(_tokens),
    ),
)  # fmt: skip
