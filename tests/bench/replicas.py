"""More processes of a kind than the launcher starts, as an operator would start them."""

import contextlib

from launcher import processes
from launcher.services import APIS, WORKERS, Process, binary, environment


class Replica(Process):
    """The same binary with the same environment, but for what @changed says, at addresses of its own."""

    def __init__(self, rig, name, suffix, changed=None):
        super().__init__(rig.layout, rig.system.settings, rig.system.registry, rig.system.servers, name)
        self._binary = binary(rig.layout, name)
        self._changed = changed or {}
        self.name = f"{name}-{suffix}"

    def launch(self, progress):
        environ = {**environment(self._servers, self.service), **self._changed}
        environ["ADMIN_LISTEN"] = self._listen(f"{self.name}_admin")
        if self.kind == "api":
            environ["HTTP_LISTEN"] = self._listen(self.name)
        return processes.spawn(
            self.layout,
            self.name,
            [str(self._binary)],
            environ,
            directory=self.layout.home,
            background=self.kind == "worker",
        )


@contextlib.contextmanager
def replicas(rig, count):
    """@count of each API and worker run meanwhile; yields the addresses of the order APIs."""
    added = []
    try:
        for number in range(2, count + 1):
            for name in (*APIS, *WORKERS):
                replica = Replica(rig, name, number)
                replica.start(rig.quiet)
                added.append(replica)
        others = [one.http_url for one in added if one.name.startswith("order-api")]
        yield [rig.address("order-api"), *(url.removeprefix("http://") for url in others)]
    finally:
        for replica in added:
            replica.stop(rig.quiet)
