"""How many sessions a process holds at its database: those of docs/architecture.md, and one more when seldom work comes."""

import re

import pytest
import requests
from launcher.layout import ROOT

from support.api import Api, new_id
from support.child import child
from support.names import APIS, PROCESSES, service_of
from support.waits import eventually

ROW = re.compile(r"^\| ([a-z]+-(?:api|worker)) \|.*\| (\d+) \| (\d+) \| \d+ \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
AT_REST = {name: int(n) for name, n, _ in ROWS}
AT_MOST = {name: int(n) for name, _, n in ROWS}
HELD = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"


def seldom(system, process):
    """Asks for what seldom is."""
    if process.name in APIS:
        return Api(process.base).post(f"/api/customers/{new_id()}/erase")
    token = {"Authorization": f"Bearer {system.endpoints['admin_token']}"}
    return requests.get(f"http://{process.admin}/dead-letters", headers=token, timeout=10)


@pytest.mark.parametrize("name", PROCESSES)
def test_sessions_at_rest_and_one_for_seldom_work(system, databases, name):
    """Of a second copy, whose sessions have a name of their own."""
    own = f"{name}-counted"
    url = system.environment(name)["DATABASE_URL"]

    def held():
        return databases.value(service_of(name), HELD, (own,))

    with child(system, name, {"DATABASE_URL": f"{url}{'&' if '?' in url else '?'}application_name={own}"}) as process:
        eventually(lambda: held() == AT_REST[name], f"{name} holds {held()} sessions, the documented are {AT_REST[name]}")
        for _ in range(2):
            assert seldom(system, process).status_code == 200
            assert AT_REST[name] + 1 == held() <= AT_MOST[name]
        assert process.is_ready()
