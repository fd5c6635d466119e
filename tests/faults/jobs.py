"""Work shared out among jobs side by side: processes, each with a private system of its own."""

import collections
import contextlib
import multiprocessing.connection
import signal

from support.names import PROCESSES
from support.system import divide_ports, private_system

from faults import audit


class JobFailed(Exception):
    """A job ended in the middle of its work; what it wrote on standard error says why."""


def heed_signals():
    """Ctrl-C and SIGTERM interrupt once: what follows is the cleaning up, which is not interrupted again."""
    heeded = (signal.SIGINT, signal.SIGTERM)

    def interrupt(*_):
        for number in heeded:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in heeded:
        signal.signal(number, interrupt)


@contextlib.contextmanager
def _private_servers():
    """A private system whose servers run, and our processes do not: each run starts its own."""
    with private_system() as system:
        for name in PROCESSES:
            system.stop(name)
        audit.install(system.databases)
        yield system


def _serve(pipe, work, number, count):
    """One job: answers each task that comes through @pipe until the other end is closed, by whatever."""
    heed_signals()
    divide_ports(number, count)
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt), _private_servers() as system:
        while True:
            pipe.send(work(system, pipe.recv()))


class Jobs:
    """@count processes that do @work(system, task), a function of a module; a context manager."""

    def __init__(self, count, work):
        context = multiprocessing.get_context("spawn")  # a forked job would hold its neighbours' pipes open
        self._processes, self._pipes = [], []
        for number in range(count):
            ours, theirs = context.Pipe()
            self._processes.append(context.Process(target=_serve, args=(theirs, work, number, count)))
            self._processes[-1].start()
            theirs.close()
            self._pipes.append(ours)

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        """Waits until every job has brought its system down."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            if failed:
                process.terminate()
        for process in self._processes:
            process.join()

    def results(self, tasks, most=None):
        """Yields what became of each task, as it ends; with @most jobs at once."""
        waiting, idle, busy = collections.deque(tasks), self._pipes[:most], []
        while waiting or busy:
            while waiting and idle:
                busy.append(idle.pop())
                busy[-1].send(waiting.popleft())
            for pipe in multiprocessing.connection.wait(busy):
                busy.remove(pipe)
                try:
                    result = pipe.recv()
                except EOFError:
                    raise JobFailed("a job of the fault plan failed") from None
                idle.append(pipe)
                yield result
