"""The token that the tests' clients send: every system of a run trusts one issuer, and its token allows everything."""

import atexit
import functools
import json
import os
import pathlib
import shutil
import tempfile

from launcher.issuer import Issuer

HOME = "CARTWHEEL_TEST_ISSUER"  # for the processes that tests start: clients, jobs
SECONDS = 30 * 24 * 3600
SETTINGS = ("AUTH", "AUTH_ISSUER", "AUTH_JWKS_FILE", "AUTH_CA_FILE", "AUTH_AUDIENCE", "AUTH_TOKEN_TYPE", "AUTH_CUSTOMER_CLAIM")
OFF = {"AUTH": "off", "AUTH_ISSUER": None, "AUTH_JWKS_FILE": None}  # changes to the environment of a process


@functools.cache
def issuer():
    """That of the system that is tested, or else one of this run's own."""
    home = os.environ.get("CARTWHEEL_TEST_HOME") or os.environ.get(HOME) or _new_home()
    found = Issuer(pathlib.Path(home) / "issuer")
    found.create()
    return found


def _new_home():
    home, ours = tempfile.mkdtemp(prefix="cartwheel-issuer-"), os.getpid()
    os.environ[HOME] = home
    atexit.register(lambda: os.getpid() == ours and shutil.rmtree(home, ignore_errors=True))
    return home


@functools.cache
def own():
    """The token; None where somebody else runs the system and gave none."""
    given = os.environ.get("CARTWHEEL_TEST_ENDPOINTS")
    if given:
        return json.loads(pathlib.Path(given).read_text(encoding="utf-8")).get("token")
    return issuer().token("tests", ["admin"], SECONDS)


def headers(token=None):
    """Of a request with @token, or with the run's own."""
    token = token or own()
    return {"Authorization": f"Bearer {token}"} if token else {}


def trust(home):
    """A system that has not been started yet will take the run's issuer for its own."""
    shutil.copytree(issuer().jwks_file.parent, pathlib.Path(home) / "issuer")
