"""Commands of other people's programs, with what they said when they fail."""

import os
import subprocess

MINUTE = 60


def run(*command, check=True, timeout=2 * MINUTE, cwd=None, env=None, text=None):
    """Runs a command with @text as its input; returns its output (both streams) or fails with it."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, timeout=timeout, check=False,
                          env={**os.environ, **(env or {})}, input=text or "", encoding="utf-8",
                          errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check:
        assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout[-8000:]}"
    return done.stdout


def succeeds(*command, timeout=2 * MINUTE):
    """Whether the command can be run and exits with 0."""
    try:
        return subprocess.run([str(word) for word in command], timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def stdout_of(*command, timeout=2 * MINUTE):
    """Standard output alone, of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], timeout=timeout, check=False, encoding="utf-8",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stderr[-4000:]}"
    return done.stdout
