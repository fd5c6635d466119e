"""./cartwheel dlq replay --all, try, jobs and job: replays of many letters, which the workers carry out (docs/contract.md, 2.7)."""

import argparse
import json
import shutil
import sys
import time
from urllib.parse import quote, urlencode

from launcher import terminal
from launcher.layout import LauncherError
from launcher.services import SERVICES
from launcher.usage import count

from .dead_letters import clean
from .failures import FailureDesk, desks_of

PAGE = 100
DEFAULT_RATE = 10
LOOK_SECONDS = 0.5
SAY_SECONDS = 10  # where no terminal shows a bar
BAR_MIN, BAR_MAX = 10, 40
STATES = ("running", "paused", "stopped", "done", "cancelled")
ACTS = ("jobs", "job", "try")
STEPS = ("follow", "pause", "resume", "cancel", "refusals", "trials")


class JobDesk(FailureDesk):
    """The replay jobs of one service, at its API."""

    def jobs(self, filters):
        return self._pages("/api/replay-jobs", filters)

    def refusals(self, job_id):
        return self._pages(f"/api/replay-jobs/{quote(job_id, safe='')}/refusals", {"sort": "oldest"})

    def trials(self, job_id):
        return self._pages(f"/api/replay-jobs/{quote(job_id, safe='')}/trials", {"sort": "oldest"})

    def job(self, job_id):
        """None when there is none of that id."""
        status, answer, _ = self._call("GET", f"/api/replay-jobs/{quote(job_id, safe='')}")
        return None if status == 404 else self._expect(200, status, answer)

    def make(self, wish, why):
        """(the job, whether it was there already)."""
        status, answer, _ = self._call("POST", "/api/replay-jobs", wish, {"X-Reason": why.encode("utf-8")})
        if status != 409:
            return self._expect(201, status, answer), False
        for state in ("running", "paused"):
            for job in self.jobs({"state": state}):
                if job["queue"] in answer["detail"]:
                    return job, True
        return self.make(wish, why)  # it ended at this moment

    def change(self, job_id, step, why):
        """None when there is none of that id."""
        headers = {"X-Reason": why.encode("utf-8")} if why else None
        status, answer, _ = self._call("POST", f"/api/replay-jobs/{quote(job_id, safe='')}/{step}", headers=headers)
        return None if status == 404 else self._expect(200, status, answer)

    def _pages(self, path, filters):
        cursor = None
        while True:
            query = {**filters, "limit": PAGE, **({} if cursor is None else {"cursor": cursor})}
            page = self._get(f"{path}?{urlencode(query)}")
            yield from page["items"]
            cursor = page.get("nextCursor")
            if cursor is None:
                return


def stop_after(text):
    """{failures, of} of "10/100"."""
    failures, slash, of = text.partition("/")
    if not (slash and failures.isdecimal() and of.isdecimal() and 1 <= int(failures) <= int(of)):
        raise argparse.ArgumentTypeError("must be like 10/100: when 10 come back while 100 are replayed")
    return {"failures": int(failures), "of": int(of)}


def add_arguments(acts, add):
    jobs = add(acts, "jobs", "Replay jobs, the newest first.")
    jobs.add_argument("--queue", help="of this queue")
    jobs.add_argument("--state", choices=STATES, help=", ".join(STATES))
    dry_run = add(acts, "try", "What a replay would come to, letter by letter: its handler runs and is rolled back.")
    dry_run.add_argument("--queue", help="of this queue")
    dry_run.add_argument("--group", metavar="GROUP", help="of this group of failures (dlq groups)")
    dry_run.add_argument("--rate", type=count, default=DEFAULT_RATE, help=f"letters a second at most; {DEFAULT_RATE}")
    dry_run.add_argument("--why", default="a dry run", help="your reason; it is recorded")
    dry_run.set_defaults(type=None, order=None, since=None, stop_after=None)
    job = add(acts, "job", "One replay job: how it stands; or follow, pause, resume, cancel it, or list what it refused or tried.")
    job.add_argument("id", metavar="JOB")
    job.add_argument("step", nargs="?", choices=STEPS, metavar="STEP", help=", ".join(STEPS))
    job.add_argument("--why", help="your reason; it is recorded")


def _desks(layout, options):
    services = [options.service] if options.service else SERVICES
    return desks_of(layout, options.endpoints, services, JobDesk, "dead-letters")


def run(layout, options):
    desks = _desks(layout, options)
    try:
        return {"jobs": _list, "job": _one, "try": _make_all}[options.act](desks, options)
    finally:
        for desk in desks:
            desk.close()


# ---- dlq replay --all ----


def replay_all(layout, options):
    """A job for each queue that letters wait for; follows them. Exit code 0 when all were replayed."""
    desks = _desks(layout, options)
    try:
        return _make_all(desks, options)
    finally:
        for desk in desks:
            desk.close()


def _make_all(desks, options):
    jobs = [_make(desk, wish, options) for desk in desks for wish in _wishes(desk, options)]
    if not jobs and not options.json:
        terminal.say("no letter waits")
    return _follow(jobs, options)


def _wishes(desk, options):
    common = {"rate": max(1, round(options.rate)), **({"stopAfter": options.stop_after} if options.stop_after else {})}
    if options.act == "try":
        common["dryRun"] = True
    waiting = [group for group in desk.groups({}) if group["waiting"] > 0 and options.queue in (None, group["queue"])]
    if options.group:
        return [{"group": options.group, **common}] if options.group in [group["id"] for group in waiting] else []
    narrower = {"type": options.type, "subject": options.order, "since": options.since}
    narrower = {name: value for name, value in narrower.items() if value is not None}
    return [{"filter": {"queue": queue, **narrower}, **common} for queue in sorted({group["queue"] for group in waiting})]


def _make(desk, wish, options):
    job, was_there = desk.make(wish, options.why)
    if was_there and not options.json:
        terminal.say(f"{clean(job['queue'])} has a job already, which is {job['state']}: {job['id']}")
    return desk, job


# ---- following ----


def _follow(jobs, options):
    """Shows @jobs, [(desk, job)], until none runs. Who leaves does not stop them."""
    show = Bars(quiet=options.json)
    try:
        while True:
            show.draw([job for _, job in jobs])
            if not any(job["state"] == "running" for _, job in jobs):
                break
            time.sleep(LOOK_SECONDS)
            jobs = [(desk, desk.job(job["id"]) if job["state"] == "running" else job) for desk, job in jobs]
    except KeyboardInterrupt:
        show.end()
        terminal.say("the workers go on; come back with ./cartwheel dlq jobs, stop with ./cartwheel dlq job ID cancel")
        return 130
    show.end()
    for desk, job in jobs:
        _tell(desk, job, options)
    return 0 if all(job["state"] == "done" and not _unhappy(job) for _, job in jobs) else 1


def _unhappy(job):
    return job["refused"] + job.get("fails", 0) + job.get("untried", 0)


def _tell(desk, job, options):
    if options.json:
        terminal.say(json.dumps({"service": desk.name, **job}))
    else:
        terminal.say(f"  {job['id']}  {line_of(job)}")


def line_of(job):
    """A job in a line: how it stands, and what came of it."""
    words = [f"{job['replayed']} replayed", f"{job['refused']} refused", f"{job['returned']} came back"]
    if job.get("dryRun"):
        words = [f"{job['works']} would work", f"{job['fails']} would fail", f"{job['refused']} refused", f"{job['untried']} not tried"]
    left = f", {job['secondsLeft']} s left" if "secondsLeft" in job else ""
    note = f": {clean(job['note'])}" if "note" in job else ""
    colour = {"done": "green", "running": "cyan"}.get(job["state"], "yellow")
    state = terminal.paint(job["state"], colour)
    return f"{clean(job['queue'])}  {state}{note}  {', '.join(words)} of {job.get('total', '?')}{left}"


class Bars:
    """The progress of jobs: bars on a terminal, a line now and then elsewhere."""

    def __init__(self, quiet=False, output=None, clock=time.monotonic):
        self._output = output or sys.stdout
        self._live = not quiet and self._output.isatty()
        self._quiet = quiet
        self._clock = clock
        self._said = None
        self._drawn = 0

    def draw(self, jobs):
        if self._quiet:
            return
        if self._live:
            self._erase()
            width = shutil.get_terminal_size().columns
            for job in jobs:
                self._output.write(bar_of(job, width) + "\n")
            self._drawn = len(jobs)
            self._output.flush()
        elif self._said is None or self._clock() - self._said >= SAY_SECONDS:
            self._said = self._clock()
            for job in jobs:
                self._output.write(f"  {line_of(job)}\n")
            self._output.flush()

    def end(self):
        self._erase()

    def _erase(self):
        if self._drawn:
            self._output.write(f"\033[{self._drawn}A\033[J")
            self._drawn = 0


def bar_of(job, width):
    """A line of @width columns at most."""
    total = job.get("total")
    text = f" {job['looked']}/{'?' if total is None else total}"
    if "pace" in job:
        text += f"  {job['pace']:.0f}/s"
    if "secondsLeft" in job:
        text += f"  {job['secondsLeft']} s left"
    if job["returned"]:
        text += f"  {job['returned']} came back"
    text = f"{clean(job['queue'])}{text}"
    room = min(BAR_MAX, width - len(text) - 4)
    if room < BAR_MIN:
        return text[: max(width - 1, 1)]
    share = 1 if total == 0 else job["looked"] / total if total else 0
    full = int(room * min(share, 1))
    return f"[{'#' * full}{'.' * (room - full)}] {text}"


# ---- looking and steering ----


def _list(desks, options):
    filters = {name: value for name, value in (("queue", options.queue), ("state", options.state)) if value is not None}
    found = [(desk.name, job) for desk in desks for job in desk.jobs(filters)]
    found.sort(key=lambda pair: pair[1]["createdAt"], reverse=True)
    if options.json:
        for service, job in found:
            terminal.say(json.dumps({"service": service, **job}))
        return 0
    if found:
        rows = [[service, job["id"], job["queue"], _state(job), f"{job['looked']}/{job.get('total', '?')}", job["refused"],
                 job["returned"], job["createdBy"], job["createdAt"][:19], job["why"]] for service, job in found]  # fmt: skip
        terminal.table(["service", "job", "queue", "state", "looked at", "refused", "came back", "by", "made", "why"],
                       [[clean(cell) for cell in row] for row in rows])
    terminal.say(f"{len(found)} replay jobs")
    return 0


def _state(job):
    return f"{job['state']}, a dry run" if job.get("dryRun") else job["state"]


def _one(desks, options):
    """Asks one service after the other: ids are unique."""
    for desk in desks:
        steer = options.step in ("pause", "resume", "cancel")
        job = desk.change(options.id, options.step, options.why) if steer else desk.job(options.id)
        if job is None:
            continue
        if options.step == "follow":
            return _follow([(desk, job)], options)
        if options.step == "refusals":
            for refusal in desk.refusals(options.id):
                terminal.say(json.dumps(refusal) if options.json else f"  {refusal['letter']}  {clean(refusal['why'])}")
            return 0
        if options.step == "trials":
            for trial in desk.trials(options.id):
                why = f": {clean(trial['why'])}" if "why" in trial else ""
                terminal.say(json.dumps(trial) if options.json else f"  {trial['letter']}  {trial['verdict']}{why}")
            return 0
        _tell(desk, job, options)
        return 0
    raise LauncherError(f"there is no replay job {clean(options.id)}")
