"""An outage of a server is one line of a process, whatever the number of its lanes, and so is its end."""

import json

import pytest

from support.child import instead
from support.proxy import Proxy
from support.urls import address_of, with_address
from support.waits import eventually

LANES = {"DATABASE_URL": 6, "AMQP_URL": 4}  # of stock-worker, that need the server all the time
SERVERS = {"DATABASE_URL": "postgres", "AMQP_URL": "rabbitmq"}


def lines(process, message):
    return [line for line in map(json.loads, process.log.split("\n")[:-1]) if line["message"] == message]


@pytest.mark.parametrize("setting", SERVERS, ids=SERVERS.values())
def test_an_outage_is_one_line_and_so_is_its_end(system, setting):
    url = system.environment("stock-worker")[setting]
    with Proxy(address_of(url)) as proxy, instead(
            system, "stock-worker", {setting: with_address(url, proxy.port), "LOG_LEVEL": "debug"}) as worker:
        proxy.refuse()
        proxy.cut()
        eventually(lambda: len(lines(worker, "lane waits for a server")) >= LANES[setting], "its lanes to notice")
        assert worker.get("/health/ready").status_code == 503
        proxy.clear()
        worker.wait_ready()
        eventually(lambda: lines(worker, "server works again"), "the end to be told")
        assert worker.stop() == 0
        begun, ended = lines(worker, "waiting for a server"), lines(worker, "server works again")
    assert [line["server"] for line in begun] == [SERVERS[setting]], begun
    assert "\n" not in begun[0]["error"]
    assert [line["server"] for line in ended] == [SERVERS[setting]], ended
    assert ended[0]["away_ms"] >= 0
