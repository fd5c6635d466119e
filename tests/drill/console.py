"""What an operator types, and what a terminal shows: every command with the time since the beginning."""

import json
import os
import re
import subprocess
import tempfile
import time

from support.system import LAUNCHER, ROOT, STEP_SECONDS

SHOWN_FIRST, SHOWN_LAST = 8, 2  # lines of a long output
PAINT = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Console:
    """Runs ./cartwheel for one system, and writes down what was typed and shown."""

    def __init__(self, system, started):
        self.lines = []
        self._started = started
        self._environ = {**os.environ, "CARTWHEEL_HOME": str(system.home), "COLUMNS": "160"}

    def say(self, text):
        """A comment of the operator's."""
        self._write(f"{self._clock()} # {text}")

    def type(self, *words, build=None, codes=(0,)):
        """Types ./cartwheel WORDS and waits for its end; its output. @build: the folder of another build."""
        return self.started(*words, build=build).output(codes)

    def started(self, *words, build=None):
        """The same in a second terminal: its Terminal."""
        self._write(f"{self._clock()} $ {'CARTWHEEL_BUILD=build-new ' if build else ''}./cartwheel {' '.join(map(_quoted, words))}")
        environ = {**self._environ, **({"CARTWHEEL_BUILD": str(build)} if build else {})}
        return Terminal(self, [str(LAUNCHER), *words], environ)

    def shell(self, *words):
        """Types any other command."""
        self._write(f"{self._clock()} $ {' '.join(map(_quoted, words))}")
        return Terminal(self, list(words), self._environ).output((0,))

    def asked(self, *words):
        """The objects of a command's --json, of which nothing is shown: an operator looks, a script reads."""
        output = subprocess.run([str(LAUNCHER), *words, "--json"], cwd=ROOT, env=self._environ, check=True, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=STEP_SECONDS).stdout
        return [json.loads(line) for line in output.splitlines()]

    def show(self, output):
        lines = [line.rstrip() for line in PAINT.sub("", output).splitlines()]
        if len(lines) > SHOWN_FIRST + SHOWN_LAST + 1:
            left = len(lines) - SHOWN_FIRST - SHOWN_LAST
            lines = [*lines[:SHOWN_FIRST], f"... ({left} lines)", *lines[-SHOWN_LAST:]]
        for line in lines:
            self._write(line)

    def minutes(self):
        return (time.monotonic() - self._started) / 60

    def _clock(self):
        seconds = int(time.monotonic() - self._started)
        return f"{seconds // 60:02}:{seconds % 60:02}"

    def _write(self, line):
        self.lines.append(line)
        print(line, flush=True)


class Terminal:
    """A command under way."""

    def __init__(self, console, command, environ):
        self._console = console
        self._file = tempfile.TemporaryFile()
        self._command = command
        self._child = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=self._file, stderr=self._file)

    def output(self, codes=(0,), timeout=300):
        """Waits for its end, and shows what it said."""
        code = self._child.wait(timeout)
        self._file.seek(0)
        text = self._file.read().decode(errors="replace")
        self._file.close()
        self._console.show(text)
        assert code in codes, f"{' '.join(self._command)}: {code}\n{text[-2000:]}"
        return text


def _quoted(word):
    return f"'{word}'" if re.search(r"[^\w./:=@%+,-]", word) else word
