"""Work at low priority beside suites that mostly wait: what it prints is shown when somebody asks what became of it."""

import multiprocessing
import os
import time

from . import terminal

NICENESS = 10  # a tenth of a processor that others want too; all of one that nobody wants


class Beside:
    """Does works = {name: function that gives None or why it failed} one after the other, in a process of its own."""

    def __init__(self, folder, works):
        folder.mkdir(parents=True, exist_ok=True)
        self._logs = {name: folder / f"{name}.log" for name in works}
        self._results = {}
        context = multiprocessing.get_context("fork")  # functions of an object that runs suites can't be sent
        self._pipe, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_work, args=(works, self._logs, theirs))
        self._process.start()
        theirs.close()

    def result(self, name):
        """(None or why it failed, seconds), once it is done; prints what it printed."""
        while name not in self._results:
            try:
                finished, problem, seconds = self._pipe.recv()
            except EOFError:
                return "it was cut off", 0.0
            self._results[finished] = problem, seconds
        terminal.say(self._logs[name].read_text(encoding="utf-8", errors="replace").rstrip())
        return self._results[name]

    def close(self):
        """Ends what still runs, and waits for that."""
        if self._process.is_alive():
            self._process.terminate()
        self._process.join()


def _work(works, logs, pipe):
    os.nice(NICENESS)
    for name, work in works.items():
        output = os.open(logs[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        started = time.monotonic()
        try:
            problem = work()
        except KeyboardInterrupt:
            return
        pipe.send((name, problem, time.monotonic() - started))
