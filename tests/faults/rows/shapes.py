"""Rows 34: crashes and poison on queues as the .NET services declare them: classic, without arguments."""

from support import poison
from support.names import QUEUES, WORKERS

from faults.rows import row
from faults.rows.processes import busy_queue

AS_DOTNET = {worker: {"BROKER_SHAPE": "dotnet"} for worker in WORKERS}


def dotnet_queues(run, stack):
    """Nobody consumes yet. Ours again at the end."""
    ends = run.system.endpoints
    options = ["--url", ends["amqp_url"], "--settle", "1", *(["--ca-file", ends["ca_file"]] if "ca_file" in ends else [])]
    stack.callback(run.system.launcher, "reshape", "cartwheel", *options)
    run.system.launcher("reshape", "dotnet", *options)


@row("34", "queues of .NET's shape: kill -9 consumers between any two steps", setup=dotnet_queues, environment=AS_DOTNET)
def crashes(run):
    points = ["after_inbox", "before_commit", "after_commit", "amid_settle", "after_settle"]
    for name in WORKERS:
        chosen = run.random.sample(points, 2)
        run.at_points(name, [f"{point}@{busy_queue(run, name)}:{run.nth(6)}" for point in chosen])


@row("34b", "queues of .NET's shape: poison of every kind that the AMQP library can read", setup=dotnet_queues,
     environment=AS_DOTNET, poisoned=False)
def broken_messages(run):
    large = {"15-mib"}
    queue = run.random.choice(list(QUEUES))
    run.poison_with([m for m in poison.every_kind() if m[0] not in large or m[1] == queue])
