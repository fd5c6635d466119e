"""The scenarios, in the order they run. Each has NAME, TITLE, steps(plan) and run(rig)."""

from . import intake, latency, saga

SCENARIOS = (intake, saga, latency)
