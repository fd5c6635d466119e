"""PgBouncer in front of one database."""

import contextlib
import os
import pathlib
import re
import subprocess
import tempfile
from urllib.parse import unquote, urlsplit

from support.system import free_port
from support.urls import with_address
from support.waits import eventually

PROGRAM = "/usr/sbin/pgbouncer"
KEEPS_STATEMENTS = (1, 21)  # from here on it prepares statements anew in each session of the server that it uses

CONFIG = """[databases]
{name} = host={host} port={port} dbname={name} user={user} password='{password}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 20
"""


def version():
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.search(r"(\d+)\.(\d+)", said).groups())


@contextlib.contextmanager
def pooled(url, mode):
    """The URL of the database at @url through a PgBouncer in that pool mode."""
    parts = urlsplit(url)
    listen = free_port()
    config = CONFIG.format(name=parts.path[1:], host=parts.hostname, port=parts.port, user=parts.username,
                           password=unquote(parts.password), listen=listen, mode=mode)
    if version() >= KEEPS_STATEMENTS:
        config += "max_prepared_statements = 0\n"
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        file = pathlib.Path(folder, "pgbouncer.ini")
        file.write_text(config)
        as_user = []
        if os.geteuid() == 0:  # which it refuses to run as
            as_user = ["-u", "nobody"]
            os.chmod(folder, 0o755)
        with open(pathlib.Path(folder, "log"), "w+") as log, \
                subprocess.Popen([PROGRAM, *as_user, str(file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
            def up():
                said = pathlib.Path(log.name).read_text()
                assert process.poll() is None, said
                return "process up" in said
            try:
                eventually(up, "PgBouncer to listen")
                yield with_address(url, listen)
            finally:
                process.terminate()
