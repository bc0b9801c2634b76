"""justright itself: a study of one variant on real worker processes, one per processor or accelerator.

The mode is the precision; the study has as many seeds as the case has lanes. The rate is that of the whole study, from
the workers' own progress events; the pool, the plan and checkpoints are included, and so are the weights and row losses of
each run's best epoch. An accelerator's lanes share one program, as many as the plan allows.
"""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.peers.case import UNITS, Case, print_report, read_case, versions_of, wait_for_turn

ENDLESS_EPOCHS = 1_000_000  # the measurement ends by the clock
LEAST_REPORTS = 3


def main() -> None:
    case = read_case()
    if case.device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    import justright
    from justright.records.checkpoints import read_tensors, write_tensors
    from justright.records.models import save_model_atomically
    from justright.runs.events import PlanMade, StackCheckpoint, StackProgress
    from justright.runs.tasks import Storage
    from justright.workers.engines import open_pool
    from justright.workers.train import study_rows, train_study

    accelerators = accelerators_of(case)
    study = describe_study(case, accelerators)
    workers = None if accelerators else min(case.threads, case.lanes)
    window = Window(case.seconds, hold_workers if case.in_turns else None)

    def handle(event) -> None:
        if isinstance(event, PlanMade):
            window.stacks = event.workers
        elif isinstance(event, StackProgress) and window.take(event):
            raise KeyboardInterrupt  # measured enough: the pool ends its workers
        elif isinstance(event, StackCheckpoint):
            for run in event.finished:  # training is endless: it failed or diverged
                raise SystemExit(f"{run.run}: {run.outcome}: {run.reason}")

    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(Path(folder), write_tensors, read_tensors, save_model_atomically)
        pool = open_pool(
            *("local", study_rows(study), storage), workers=workers, jobs=case.lanes, address=None
        )
        with pool, contextlib.suppress(KeyboardInterrupt):
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
        memory_bytes=UNITS * (own + pool.workers * workers_peak),
        validation_loss=window.best,
        versions={"justright": justright.__version__} | versions_of("keras", "jax"),
        stack_lanes=window.stack_lanes,
    )


def accelerators_of(case: Case):
    """Return the accelerators to train on; None for the CPU."""
    if case.device == "cpu":
        return None
    from justright.workers.accelerators import find_accelerators

    accelerators = find_accelerators()
    if accelerators is None:
        raise SystemExit("JAX finds no accelerator here.")
    return accelerators


def hold_workers() -> None:
    """Suspend the workers until it is our turn: they train on by themselves."""
    import psutil

    workers = psutil.Process().children(recursive=True)
    for worker in workers:
        worker.suspend()
    try:
        wait_for_turn()
    finally:
        for worker in workers:
            worker.resume()


def describe_study(case: Case, accelerators=None):
    """Return the study of one variant on the rows of the case, with the tutorial's recipe, for its device."""
    import justright as jr
    from justright.study.recipe import DeviceKind

    x, y, x_validation, y_validation = case.arrays()
    features, targets = np.concatenate([x_validation, x]), np.concatenate([y_validation, y])
    table = jr.read_table((features, targets))
    split = table.split(validation=len(x_validation), train=len(x), test=0, order="head")
    network = case.network
    variant = jr.mlp(*network.units, l2=network.l2, dropout=network.dropout)
    recipe = jr.Recipe(max_epochs=ENDLESS_EPOCHS, patience=None, precision=precision_of(case))
    study = jr.Study(split, {case.name: variant}, recipe, seeds=case.lanes, reference=False, neighbours=False)
    return study.on(accelerators.kind if accelerators else DeviceKind())


def precision_of(case: Case) -> str:
    """Return the precision of the case; a CPU has no TensorFloat-32."""
    has_not = case.device == "cpu" and case.mode == "tensorfloat32"
    return "float32" if has_not else case.mode or "float32"


class Window:
    """The stretch of time in which every worker trains and nothing compiles.

    Args:
        seconds: how long it is to be at least.
        hold: called once when everything is compiled; None goes on at once.
    """

    def __init__(self, seconds: float, hold: Callable[[], None] | None = None) -> None:
        self.seconds = seconds
        self.hold = hold
        self.stacks = 1  # how many train at the same time, from the plan
        self.stack_lanes = 0  # of the widest
        self.reports: dict[
            str, list[tuple[float, int]]
        ] = {}  # stack -> (time, epochs x lanes) of its reports
        self.compile_seconds = 0.0
        self.first_seen = 0.0
        self.best = float("inf")

    def take(self, event) -> bool:
        """Take a stack's report; return whether the window is long enough."""
        if event.stack not in self.reports:  # the first chunk is one epoch: what it took is compilation
            self.compile_seconds = max(self.compile_seconds, event.seconds)
            self.first_seen = max(self.first_seen, time.time())
        reports = self.reports.setdefault(event.stack, [])
        reports.append((time.perf_counter(), event.epoch * len(event.runs)))
        self.stack_lanes = max(self.stack_lanes, len(event.runs))
        self.best = min(self.best, *(latest["val_binary_crossentropy"] for latest in event.latest.values()))
        if self.hold and len(self.reports) >= self.stacks and min(map(len, self.reports.values())) > 1:
            self.hold()
            self.hold = None
            self.reports = {stack: [] for stack in self.reports}
        stretches = self.stretches()
        return (
            len(stretches) >= self.stacks
            and min(map(len, stretches)) >= LEAST_REPORTS
            and min(stretch[-1][0] - stretch[0][0] for stretch in stretches) >= self.seconds
        )

    def stretches(self) -> list[list[tuple[float, int]]]:
        """Each stack's reports from when the last stack had left its second, still short, chunk; none before all have one."""
        if not all(self.reports.values()):
            return []
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
