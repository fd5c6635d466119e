"""The overlays, rendered once: what `kubectl apply -k` would send."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from rendering import OVERLAYS, render  # noqa: E402
from tools import Tools  # noqa: E402


@pytest.fixture(scope="session")
def tools():
    return Tools()


@pytest.fixture(scope="session", params=OVERLAYS)
def overlay(request, tools):
    """Each overlay in turn."""
    return _rendered(request.param, tools)


@pytest.fixture(scope="session")
def production(tools):
    return _rendered("production", tools)


@pytest.fixture(scope="session")
def local(tools):
    return _rendered("local", tools)


_overlays = {}


def _rendered(name, tools):
    if name not in _overlays:
        _overlays[name] = render(name, tools)
    return _overlays[name]
