"""Rows 35 to 37: what operators set going (replay jobs, dry runs, pauses) and the auditor, while something fails."""

import datetime

import requests

from support import tokens
from support.dead_letters import let_die
from support.fleet import KILLED
from support.invariants import check_no_findings
from support.names import SERVICES, WORKERS
from support.waits import eventually

from faults.rows import row
from faults.rows.messages import DEAD_QUEUE, _replayed_once

LETTERS = 60
RATE = 12  # letters a second: slow enough for what happens meanwhile
JOB_S = 60
ENDS_S = 2


# --- acts ---------------------------------------------------------------------------------------------


def ask(run, service, method, path, body=None):
    """What that service's API answers to an operator; it repeats what a server that is away kept it from."""
    def call():
        answer = requests.request(method, f"{run.fleet.base(f'{service}-api')}{path}", json=body, timeout=10,
                                  headers={**tokens.headers(), "X-Reason": "the fault plan"})
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text[:200]}"
        return answer.json()
    return eventually(call, f"{method} {path} to be answered", 30, forgive=(requests.RequestException,))


def pause(run, service, name, seconds=None):
    """Paused, and obeyed; @seconds: it ends by itself."""
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds or 3600)
    ask(run, service, "POST", f"/api/controls/{name}/pause", {"why": "the fault plan", "until": until.isoformat()})
    worker = f"{service}-worker"
    eventually(lambda: name in run.fleet[worker].get("/health/ready").json().get("paused", ()), f"{worker} to pause {name}", 10)


def resume(run, service, name):
    ask(run, service, "POST", f"/api/controls/{name}/resume")


def kill_results(run):
    """LETTERS stock results that were waiting for their consumer are dead letters, of which nobody decided anything."""
    pause(run, "order", DEAD_QUEUE)
    run.doomed.update(let_die(run.system.amqp_url, DEAD_QUEUE, LETTERS))
    eventually(lambda: _waiting(run) == LETTERS, "the letters to be recorded", 20)
    resume(run, "order", DEAD_QUEUE)


def _waiting(run):
    return run.databases.value("order", "select count(*) from dead_letters where act is null and message_id = any(%s)",
                               (list(run.doomed),))


def job_of(run, **wish):
    """A replay job of what died, which is under way."""
    run.job = ask(run, "order", "POST", "/api/replay-jobs", {"filter": {"queue": DEAD_QUEUE}, "rate": RATE, **wish})["id"]
    eventually(lambda: shown(run)["looked"] > 0, "the job to begin", 20)


def shown(run):
    return ask(run, "order", "GET", f"/api/replay-jobs/{run.job}")


def until_done(run):
    eventually(lambda: shown(run)["state"] == "done", "the job to be done", JOB_S)


# --- 35: jobs -----------------------------------------------------------------------------------------


def _job_kept_its_word(run, history):
    """I7: what the job says of itself is what happened, and each letter was replayed once."""
    said = shown(run)
    run.note("job", f"{said['replayed']} replayed, {said['refused']} refused, {said['returned']} came back of {said['total']}")
    wrong = [] if (said["looked"], said["replayed"] + said["refused"], said["returned"]) == (said["total"], said["total"], 0) else [
        f"I7: the job looked at {said['looked']} of {said['total']}, replayed {said['replayed']}, refused {said['refused']},"
        f" {said['returned']} came back"]
    return wrong + _replayed_once(run, history)


@row("35", "kill -9 of a worker in a replay job: between its steps, then in what a replay sets going", quick=True,
     check=_job_kept_its_word)
def killed_in_job(run):
    kill_results(run)
    job_of(run)
    steps = run.random.choice(["before_begin", "before_commit", "after_commit"]) + f"@replay jobs:{run.nth(6)}"
    beyond = run.random.choice(["after_publish@relay", "after_delete@relay", f"before_commit@{DEAD_QUEUE}",
                                f"after_commit@{DEAD_QUEUE}"])
    run.at_points("order-worker", [steps, f"{beyond}:{run.nth(4)}"])
    until_done(run)


@row("35b", "database killed and restarted under a replay job, which two workers share", check=_job_kept_its_word)
def database_in_job(run):
    kill_results(run)
    run.fleet.second("order-worker")
    job_of(run)
    run.system.restart("postgres", kill=run.random.random() < 0.5)
    until_done(run)


@row("35c", "broker away under a replay job, which is paused and resumed meanwhile", check=_job_kept_its_word)
def broker_in_job(run):
    kill_results(run)
    job_of(run)
    with run.system.without("rabbitmq"):
        ask(run, "order", "POST", f"/api/replay-jobs/{run.job}/pause")
        held = shown(run)
        assert held["state"] == "paused" and held["looked"] < held["total"], f"not injected: the job was {held['state']} already"
        ask(run, "order", "POST", f"/api/replay-jobs/{run.job}/resume")
    until_done(run)


# --- 35d: dry runs ------------------------------------------------------------------------------------


def _tried_and_changed_nothing(run, _history):
    """I7: each letter has a verdict (refused: its customer had cancelled), and the job that followed replayed each once."""
    verdicts = dict(run.databases.rows("order", "select verdict, count(*) from replay_trials where job_id = %s group by 1", (run.tried,)))
    run.note("verdicts", verdicts)
    total = ask(run, "order", "GET", f"/api/replay-jobs/{run.tried}")["total"]  # poison that died by then, too
    wrong = [] if sum(verdicts.values()) == total >= LETTERS and verdicts.keys() <= {"works", "untried", "refused"} else [
        f"I7: the dry run came to {verdicts} of {total} letters"]
    return wrong + _job_kept_its_word(run, _history)


@row("35d", "dry run while the broker is away, its worker killed -9 in a trial; then the replay",
     check=_tried_and_changed_nothing)
def dry_run(run):
    kill_results(run)
    with run.system.without("rabbitmq"):  # no worker gets ready meanwhile
        job_of(run, dryRun=True, rate=3 * RATE)
        run.tried = run.job
        point = f"{run.random.choice(['before_commit', 'after_commit'])}@replay jobs:{run.nth(6)}"
        run.fleet.restart("order-worker", {"FAULT_POINT": point}, wait=False)
        run.note("killed at", point)
        run.fleet.wait_end("order-worker", {KILLED})
        run.fleet.start("order-worker", wait=False)
        until_done(run)
        assert _waiting(run) == LETTERS, "I7: a dry run changed letters"
    job_of(run, rate=100)
    until_done(run)


# --- 36: pauses ---------------------------------------------------------------------------------------

DONE = {  # what may be paused: the service, and what it has done
    "stock.ordercreated": ("stock", "select count(*) from inbox where consumer = 'stock.ordercreated'"),
    "order.relay": ("order", "select (select count(*) from fault_plan.outbox_log) - (select count(*) from outbox)"),
    "email": ("notification", "select count(*) from notifications where status = 3"),
}


@row("36", "a pause over kill -9, a second copy and a database that is away; it ends by itself", quick=True)
def paused(run):
    name = run.random.choice(list(DONE))
    service, done = DONE[name]
    run.note("paused", name)
    pause(run, service, name)
    stands = eventually(lambda: _stands(run, service, done), f"{name} to stand still", 10)
    run.fleet.kill(f"{service}-worker")
    run.fleet.start(f"{service}-worker")
    run.fleet.second(f"{service}-worker")
    run.system.restart("postgres", kill=run.random.random() < 0.5)
    after = run.databases.value(service, done)
    assert after == stands[0], f"I7: {name} did {after - stands[0]} more while it was paused"
    pause(run, service, name, ENDS_S)
    eventually(lambda: run.databases.value(service, done) > stands[0], f"{name} to go on by itself", ENDS_S + 20)


def _stands(run, service, done):
    """(what it has done) when that is the same a while later: what was begun is done by then."""
    before = run.databases.value(service, done)
    run.pause(0.4)
    return (before,) if run.databases.value(service, done) == before else None


# --- 37: the auditor ----------------------------------------------------------------------------------

FOUND_S = 90  # a machine that is short of time stretches every rest
LAP = {worker: {"AUDITOR_LAP": "100ms"} for worker in WORKERS}


def _found_what_was_broken_alone(run, _history):
    """I3: no false finding of the storm, and a piece of stock from nowhere is found."""
    subjects = [product for product in run.products] + [o for o, in run.databases.rows("order", "select id::text from orders")]
    wrong = check_no_findings(run.databases, subjects)
    product = run.random.choice(list(run.products))
    run.databases.execute("stock", "update stock set quantity = quantity + 1 where product_id = %s", (product,))
    try:
        eventually(lambda: check_no_findings(run.databases, [product]), "the auditor to find a piece of stock from nowhere", FOUND_S)
    finally:
        run.databases.execute("stock", "update stock set quantity = quantity - 1 where product_id = %s", (product,))
    return wrong


@row("37", "the auditor: kill -9 between its steps, a slow network, locks longer than a time-out, connections reset",
     proxied=("postgres",), environment=LAP, check=_found_what_was_broken_alone, rate=60)
def auditor(run):
    point = run.random.choice(["before_begin", "before_commit", "after_commit"])
    run.at_points("stock-worker", [f"{point}@auditor:{run.nth(3)}"])
    proxy = run.proxies["postgres"]
    proxy.delay(0.05, 0.05)
    run.pause(2)
    proxy.delay(0)
    with run.databases.connect("stock", autocommit=False) as connection:
        connection.execute("lock table auditor_checks in access exclusive mode")
        run.pause(2)
        connection.rollback()
    proxy.cut()
    before = _laps(run)
    eventually(lambda: _services_on(before, _laps(run)) == set(SERVICES), "each auditor to come around again", FOUND_S)


def _services_on(before, laps):
    """Of which a check has ended a lap since."""
    return {check[0] for check, lap in laps.items() if lap > before.get(check, lap)}


def _laps(run):
    return {(service, name): lap for service in SERVICES
            for name, lap in run.databases.rows(service, "select name, lap from auditor_checks")}
