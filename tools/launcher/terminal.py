"""What the reader sees: colours, tables and the progress of things that take time."""

import os
import sys
import threading
import time

COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "dim": 2, "bold": 1}
HEARTBEAT_SECONDS = 5
REFRESH_SECONDS = 0.1


def _wants_colour():
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text, colour):
    if not _wants_colour():
        return text
    return f"\033[{COLOURS[colour]}m{text}\033[0m"


def say(text=""):
    """Prints a line. Once nobody reads any more (up | head), it goes nowhere: the work goes on."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        drop_output()


def drop_output():
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(headings, rows):
    """Prints rows of strings in columns as wide as their longest cell."""
    widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
    for number, row in enumerate([headings, *rows]):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        say("  " + (paint(line, "bold") if number == 0 else line))


class Progress:
    """Shows several things under way at once; a context manager, usable from any thread.

    On a terminal one line is kept up to date below the finished steps; elsewhere a line appears
    every few seconds, so that a log shows that something still moves.
    """

    def __init__(self):
        self.cancelled = threading.Event()  # set when the reader wants to stop; waits look at it
        self._lock = threading.Lock()  # guards all fields below and the terminal's last line
        self._running = {}  # name -> (text, started)
        self._live = sys.stdout.isatty()
        self._spoke = time.monotonic()
        self._drawn = False
        self._stopped = threading.Event()
        self._thread = None

    def __enter__(self):
        self._thread = threading.Thread(target=self._refresh, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._stopped.set()
        self._thread.join()
        with self._lock:
            self._erase_locked()

    def restart(self):
        """Forgets what was under way, and that it was cancelled: now comes the cleaning up."""
        self.cancelled.clear()
        with self._lock:
            self._running.clear()

    def begin(self, name, text):
        with self._lock:
            self._running[name] = (text, time.monotonic())

    def update(self, name, text):
        with self._lock:
            if name in self._running:
                self._running[name] = (text, self._running[name][1])

    def done(self, name, text, colour="green"):
        with self._lock:
            started = self._running.pop(name, (None, time.monotonic()))[1]
            took = f"({time.monotonic() - started:.1f} s)"
            self._print_locked(f"  {paint(f'{name:<22}', colour)} {text} {paint(took, 'dim')}")

    def note(self, text):
        with self._lock:
            self._print_locked(f"  {text}")

    def _print_locked(self, text):
        self._erase_locked()
        say(text)
        self._spoke = time.monotonic()

    def _erase_locked(self):
        if self._drawn:
            sys.stdout.write("\r\033[K")
            sys.stdout.flush()
            self._drawn = False

    def _refresh(self):
        while not self._stopped.wait(REFRESH_SECONDS):
            with self._lock:
                if self._live:
                    self._draw_locked()
                elif self._running and time.monotonic() - self._spoke > HEARTBEAT_SECONDS:
                    self._print_locked("  ... " + self._summary_locked())

    def _draw_locked(self):
        self._erase_locked()
        if not self._running:
            return
        width = os.get_terminal_size(sys.stdout.fileno()).columns if self._live else 80
        sys.stdout.write(("  ... " + self._summary_locked())[: max(width - 1, 20)])
        sys.stdout.flush()
        self._drawn = True

    def _summary_locked(self):
        now = time.monotonic()
        parts = [f"{name} {text} {now - began:.0f} s" for name, (text, began) in self._running.items()]
        return ", ".join(parts)
