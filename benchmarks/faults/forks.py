"""Commands and workers forked from a process that has imported everything once.

Importing Keras, JAX and scikit-learn takes each new process several seconds, which is most of what a kill costs. With
forks a hundred kills take minutes instead of an hour. A forked command is `justright run` with the same arguments,
environment and workers; only the imports are not repeated. No backend of JAX is open before the fork.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from itertools import pairwise
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

HIGHEST_FILE = 4096  # number of an open file that a worker must not inherit


def start_forked(words: Sequence[str], log: Path, folder: Path, environment: Mapping[str, str]) -> Forked:
    """Start `justright` with these arguments, in `folder`, as a fork of the process that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.faults.imports"])
    process = context.Process(target=_run, args=(list(words), str(log), str(folder), dict(environment)))
    process.start()
    return Forked(process)


class Forked:
    """A forked command, with the methods of a `subprocess.Popen` that the harness uses."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.pid = int(process.pid or 0)

    def poll(self) -> int | None:
        """Return its exit code, None while it runs; minus the signal's number when one ended it."""
        return self._process.exitcode

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        self._process.join()
        return int(self._process.exitcode or 0)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)


def _run(words: list[str], log: str, folder: str, environment: dict[str, str]) -> None:
    """Run the command in its folder and environment, with workers that are forks of it."""
    from benchmarks.faults.driver import run_command
    from justright.workers import processes

    os.chdir(folder)
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, wherever this was started
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(errors, 2)
    processes.subprocess = _Forking  # type: ignore[attr-defined]  # the place where workers are started
    run_command(words)


class _ForkedWorker:
    """A worker forked from its coordinator, with the methods of a `subprocess.Popen`."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: int,
        stdout: Any,
        stderr: Any,
        env: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        **_: Any,
    ) -> None:
        reading, writing = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            _be_worker(reading, stdout.fileno(), env, pass_fds)
        os.close(reading)
        self.stdin = os.fdopen(writing, "wb")

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int | None:
        """Wait for its end and return its exit code."""
        return self._reap(0)

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _reap(self, how: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, how)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class _Forking:
    """Stands for the module `subprocess` where workers are started."""

    Popen = _ForkedWorker
    PIPE = subprocess.PIPE


def _be_worker(stdin: int, log: int, environment: Mapping[str, str], kept: Sequence[int]) -> None:
    """Run a worker to its end, as `python -m justright.workers.worker` in this environment does; never return.

    Args:
        stdin, log: descriptors of its input and output.
        environment: its variables.
        kept: descriptors that it inherits.
    """
    code = 1
    try:
        os.setsid()
        os.dup2(stdin, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        # The connections of others would stay open, and the folder's lock held.
        for low, high in pairwise((2, *sorted(kept), HIGHEST_FILE)):
            os.closerange(low + 1, high)
        tracker = (
            resource_tracker._resource_tracker
        )  # its pipe was closed with the others: a new one when needed
        tracker._fd = tracker._pid = None
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115  # as long as it
        os.environ.update(environment)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        from justright.workers.worker import main

        main()
        code = 0
    except BaseException:  # noqa: BLE001  # anything belongs in the log, as the interpreter writes it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
