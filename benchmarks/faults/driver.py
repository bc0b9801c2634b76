"""The command line as the faults benchmark starts it, in a process of its own or in a fork."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from benchmarks.accelerated import play_accelerators

# Variables that limit this process and its workers -> what of the module `resource`.
LIMITS = {
    "FILE_BYTES": "RLIMIT_FSIZE",  # the largest file: a full disk
    "OPEN_FILES": "RLIMIT_NOFILE",
    "ADDRESS_BYTES": "RLIMIT_AS",  # `ulimit -v`
}
CLOSED_PIPE = "closed pipe"
BUG = "a bug"
ACCELERATORS = "FAULTS_ACCELERATORS"


def run_command(words: list[str]) -> None:
    """Run the command line as users have it, under what the environment asks for.

    Besides LIMITS: HANG_SECONDS is the silence after which a worker counts as hung; STDOUT is a file, or 'closed pipe', to
    write to; BUG makes `run` raise what nothing expects; ACCELERATORS, in JSON, are what the engine finds.
    """
    import justright.session.session as running
    from justright.cli.main import main
    from justright.workers.accelerators import Accelerators

    if found := os.environ.get(ACCELERATORS):
        play_accelerators(Accelerators(**json.loads(found)))

    for name, kind in LIMITS.items():
        if name in os.environ:
            import resource

            resource.setrlimit(getattr(resource, kind), (int(os.environ[name]),) * 2)
    if name := os.environ.get("STDOUT"):
        os.dup2(_closed_pipe() if name == CLOSED_PIPE else os.open(name, os.O_WRONLY), 1)
        sys.stdout = os.fdopen(1, "w", closefd=False)  # the one from before knows a file, which a pipe is not
    original = running.run_study

    def run_study(*given: Any, **named: Any) -> Any:
        if "BUG" in os.environ:
            raise RuntimeError(BUG)
        if "HANG_SECONDS" in os.environ:
            named["hang_seconds"] = float(os.environ["HANG_SECONDS"])
        return original(*given, **named)

    running.run_study = run_study
    main(words)


def _closed_pipe() -> int:
    """Return the end of a pipe that nobody reads, as `| head -1` leaves it."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing
