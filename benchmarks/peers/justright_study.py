"""justright itself: a study of one variant with two seeds, on real worker processes with one processor each.

The mode is the precision. The rate is that of the whole study, from the workers' own progress events; the pool, the plan
and checkpoints are included.
"""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.peers.case import UNITS, Case, print_report, read_case, versions_of

SEEDS = int(os.environ.get("BENCHMARK_SEEDS", "2"))
ENDLESS_EPOCHS = 1_000_000  # the measurement ends by the clock
LEAST_REPORTS = 3


def main() -> None:
    case = read_case()
    from justright.records.checkpoints import read_tensors, write_tensors
    from justright.records.models import save_model_atomically
    from justright.runs.events import StackProgress
    from justright.runs.tasks import Storage
    from justright.workers.pool import Pool
    from justright.workers.processes import Processes
    from justright.workers.train import study_rows, train_study

    study = describe_study(case)
    workers = min(case.threads, SEEDS)
    window = Window(case.seconds, stacks=workers)

    def handle(event) -> None:
        if isinstance(event, StackProgress) and window.take(event):
            raise KeyboardInterrupt  # measured enough: the pool ends its workers

    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(Path(folder), write_tensors, read_tensors, save_model_atomically)
        with (
            Pool(Processes(study_rows(study), storage, workers=workers)) as pool,
            contextlib.suppress(KeyboardInterrupt),
        ):
            train_study(
                study,
                pool,
                handle,
                model_path=lambda run: f"models/{run.variant}/seed-{run.seed}.keras",
                measure_reference=False,
            )
    own, workers_peak = (
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print_report(
        milliseconds=1000 / window.epochs_per_second,
        epochs=window.epochs,
        startup_seconds=window.first_seen - case.started - window.compile_seconds,
        compile_seconds=window.compile_seconds,
        memory_bytes=UNITS * (own + workers * workers_peak),
        validation_loss=window.best,
        versions=versions_of("justright", "keras", "jax"),
    )


def describe_study(case: Case):
    """Return the study of one variant on the rows of the case, with the tutorial's recipe."""
    import justright as jr

    x, y, x_validation, y_validation = case.arrays()
    features, targets = np.concatenate([x_validation, x]), np.concatenate([y_validation, y])
    table = jr.read_table((features, targets))
    split = table.split(validation=len(x_validation), train=len(x), test=0, order="head")
    network = case.network
    variant = jr.mlp(*network.units, l2=network.l2, dropout=network.dropout)
    recipe = jr.Recipe(max_epochs=ENDLESS_EPOCHS, patience=None, precision=case.mode or "float32")
    return jr.Study(split, {case.name: variant}, recipe, seeds=SEEDS, reference=False, neighbours=False)


class Window:
    """The stretch of time in which every worker trains and nothing compiles.

    Args:
        seconds: how long it is to be at least.
        stacks: how many stacks train at the same time.
    """

    def __init__(self, seconds: float, stacks: int) -> None:
        self.seconds = seconds
        self.stacks = stacks
        self.reports: dict[
            str, list[tuple[float, int]]
        ] = {}  # stack -> (time, epochs x lanes) of its reports
        self.compile_seconds = 0.0
        self.first_seen = 0.0
        self.best = float("inf")

    def take(self, event) -> bool:
        """Take a stack's report; return whether the window is long enough."""
        reports = self.reports.setdefault(event.stack, [])
        if not reports:  # the first chunk is one epoch: what it took is compilation
            self.compile_seconds = max(self.compile_seconds, event.seconds)
            self.first_seen = max(self.first_seen, time.time())
        reports.append((time.perf_counter(), event.epoch * len(event.runs)))
        self.best = min(self.best, *(latest["val_binary_crossentropy"] for latest in event.latest.values()))
        stretches = self.stretches()
        return (
            len(stretches) >= self.stacks
            and min(map(len, stretches)) >= LEAST_REPORTS
            and min(stretch[-1][0] - stretch[0][0] for stretch in stretches) >= self.seconds
        )

    def stretches(self) -> list[list[tuple[float, int]]]:
        """Each stack's reports from when the last stack had left its second, still short, chunk."""
        begin = max(reports[min(1, len(reports) - 1)][0] for reports in self.reports.values())
        return [[report for report in reports if report[0] >= begin] for reports in self.reports.values()]

    @property
    def epochs(self) -> int:
        return sum(stretch[-1][1] - stretch[0][1] for stretch in self.stretches())

    @property
    def epochs_per_second(self) -> float:
        """Epochs of single runs, all stacks together."""
        return sum(
            (stretch[-1][1] - stretch[0][1]) / (stretch[-1][0] - stretch[0][0])
            for stretch in self.stretches()
        )


if __name__ == "__main__":
    main()
