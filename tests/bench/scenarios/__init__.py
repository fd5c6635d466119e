"""The scenarios, in the order they run. Each has NAME, TITLE, steps(plan) and run(rig)."""

from . import (
    authentication,
    footprint,
    growth,
    hot_product,
    intake,
    latency,
    lists,
    reads,
    saga,
    scale_out,
    spike,
    storm,
    tls,
    tracing,
)

SCENARIOS = (
    intake, saga, latency, spike, hot_product, reads, tls, authentication, lists, growth, footprint, scale_out, storm,
    tracing,
)  # fmt: skip
