"""Orders are taken first: what becomes of them can wait."""

import os

import pytest

from support.names import SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_a_worker_leaves_the_cores_to_its_api(system, service):
    pids = system.pids()
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, pids[f"{service}-api"]) == ours
    assert os.getpriority(os.PRIO_PROCESS, pids[f"{service}-worker"]) == max(ours, 10)

