"""Random moments of a study: within its start, compilation, training, a checkpoint's writing, or its report."""

from __future__ import annotations

import random
import time

from benchmarks._fault_study import Command

POLL_SECONDS = 0.01
# The moment is drawn uniformly from so long after the phase was seen to begin: a checkpoint's file first, then the
# database's record of it within milliseconds.
PHASE_SECONDS = {"start": 1.5, "compile": 3.0, "train": 1.0, "checkpoint": 0.06, "report": 3.0}


def wait_for_phase(command: Command, phase: str, dice: random.Random) -> None:
    """Wait until a command is somewhere in a phase, or over."""
    began = time.time()
    had_workers = False
    while not command.is_over():
        workers = bool(command.workers())
        had_workers |= workers
        if (
            phase == "start"
            or (phase == "compile" and workers)
            or (phase in ("train", "checkpoint") and command.written(began))
            or (phase == "report" and had_workers and not workers)
        ):
            break
        time.sleep(POLL_SECONDS)
    moment = time.monotonic() + dice.uniform(0, PHASE_SECONDS[phase])
    while not command.is_over() and time.monotonic() < moment:
        time.sleep(POLL_SECONDS)
