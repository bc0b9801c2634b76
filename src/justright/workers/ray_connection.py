"""The connection to the process that talks to Ray, which may end at any moment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Any, Protocol

from justright.errors import InputError
from justright.workers.processes import LOG_TAIL, connection_to, import_path

LEAVE_SECONDS = 1.0  # for leaving a cluster; one that was started here is killed
END_SECONDS = 5.0  # for the keeper to end everything; it takes less than one


class RayLostError(Exception):
    """Ray, or the process that talks to it, is gone; the text says how."""


class Driver(Protocol):
    """Calls the methods of `ray_driver.RayDriver`, wherever it is."""

    def ask(self, name: str, *arguments: Any) -> Any:
        """Return what the method returns.

        Raises:
            InputError: the method raised it.
            RayLostError: there is no answer and will be none.
        """

    def close(self) -> None:
        """Leave Ray, and end it if it was started for this."""


class DriverProcess:
    """A driver in a process of its own, below a keeper.

    Raises:
        RayLostError: the process does not start.
    """

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "justright.workers.ray_keeper"],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            env=os.environ | {"PYTHONPATH": import_path()},
            start_new_session=True,  # Ctrl-C in the terminal must reach the coordinator alone
        )
        self._connection = connection_to(self._keeper)

    def ask(self, name: str, *arguments: Any) -> Any:
        """Send a method's name and arguments, and return its answer."""
        if self._connection is None:
            raise RayLostError("the process that talks to it did not start")
        try:
            self._connection.send((name, arguments))
            kind, answer = self._connection.recv()
        except (EOFError, OSError):
            raise RayLostError(self._last_words()) from None
        if kind == "refused":
            raise InputError(answer)
        if kind == "ended":
            raise RayLostError(answer)
        return answer

    def close(self) -> None:
        """Let the driver leave its cluster, and the keeper end whatever there is."""
        if self._connection is not None:
            try:
                self._connection.send(("leave", ()))
                self._connection.poll(LEAVE_SECONDS)
            except OSError:
                pass  # gone already
            self._connection.close()
            self._connection = None
        self._end_keeper()

    def _end_keeper(self) -> None:
        if self._keeper.stdin is not None and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
        try:
            self._keeper.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        self._log.close()

    def _last_words(self) -> str:
        """Return how the process ended, and the last line that it wrote."""
        try:
            code = self._keeper.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return "the process that talks to it does not answer"
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace")[-LOG_TAIL:].strip().splitlines()
        said = f": {lines[-1]}" if lines else ""
        return f"the process that talks to it ended with code {code}{said}"
