"""What somebody gets who gives a table and its target, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_SECONDS = 1_800
PROGRAM = "justright: "  # what messages of the command begin with


@dataclass(frozen=True)
class Attempt:
    """One command.

    Args:
        code: its exit code; None if it ran out of time.
        seconds: of wall time.
        message: the first line of what it said where it failed, otherwise empty.
        output: all of stdout.
    """

    code: int | None
    seconds: float
    message: str
    output: str

    @property
    def is_accepted(self) -> bool:
        return self.code == 0


def describe(path: Path) -> Attempt:
    """Try `justright data FILE`."""
    return attempt(["data", str(path)])


def train(path: Path, target: str, folder: Path, options: Sequence[str]) -> Attempt:
    """Try `justright run FILE --target COLUMN`, the study into a folder."""
    return attempt(["run", str(path), "--target", target, "--out", str(folder), *options])


def attempt(arguments: Sequence[str]) -> Attempt:
    """Run one command as a user does, on a terminal of 80 columns."""
    started = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "justright", *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=LIMIT_SECONDS,
            env={**os.environ, "COLUMNS": "80"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Attempt(None, time.perf_counter() - started, f"no end after {LIMIT_SECONDS:,} seconds", "")
    message = "" if done.returncode == 0 else failure(done.stderr)
    return Attempt(done.returncode, time.perf_counter() - started, message, done.stdout)


def failure(errors: str) -> str:
    """Return the line of stderr that says why: the command's own sentence, or how a traceback ends.

    Example:
        >>> failure("12 features\\njustright: No.\\n"), failure("Traceback ...\\nKeyError: 1\\n")
        ('No.', 'KeyError: 1')
    """
    lines = [line for line in errors.splitlines() if line.strip()]
    own = [line.removeprefix(PROGRAM) for line in lines if line.startswith(PROGRAM)]
    return (own or lines[-1:] or ["it said nothing"])[0]
