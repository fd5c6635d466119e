"""A service's rows between its database and that of the service that it replaces: docs/replacing, as operators run it."""

import pathlib
import subprocess
from urllib.parse import urlsplit

from support.urls import with_path

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "replacing"


def run_sql(url, name, **variables):
    """psql with a file of docs/replacing; returns what it printed, fails with its complaint."""
    assignments = [word for pair in variables.items() for word in ("-v", "{}={}".format(*pair))]
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", *assignments, "-f", str(FOLDER / name), url],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name}: {done.stderr}"
    return done.stdout


class Moves:
    """Between @ours and @theirs (URLs of two databases of one server, that a superuser may reach)."""

    def __init__(self, superuser_url, ours, theirs):
        self._ours = with_path(superuser_url, urlsplit(ours).path.strip("/"))
        self._theirs = urlsplit(theirs)

    def run(self, name):
        theirs = self._theirs
        run_sql(self._ours, "connect.sql", host=theirs.hostname, port=theirs.port, dbname=theirs.path.strip("/"),
                user=theirs.username, password=theirs.password)
        try:
            return run_sql(self._ours, name)
        finally:
            run_sql(self._ours, "disconnect.sql")
