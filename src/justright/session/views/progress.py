"""How far a study is, gathered from the events of training, for the live view and the dots."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from justright.report.number_formats import mean_of
from justright.report.worker_words import tried_sentence
from justright.runs.events import (
    Event,
    PlanMade,
    RunFinished,
    RunKey,
    RunStarted,
    StackCheckpoint,
    StackProgress,
    WorkersTried,
)
from justright.study.recipe import LOSSES
from justright.workers.memory import gigabytes

if TYPE_CHECKING:
    from justright.records.reader import RunRecord
    from justright.study.study import Study

State = Literal["waiting", "compiling", "training", "finished", "stopped early", "diverged", "failed"]
OVER: frozenset[State] = frozenset({"finished", "stopped early", "diverged", "failed"})
TRAIL_POINTS = 256  # points kept for a sparkline; four times the widest one drawn


@dataclass(slots=True)
class RunState:
    """How far one run is. `epochs` counts trained epochs: 1 after the first."""

    max_epochs: int
    patience: int | None
    state: State = "waiting"
    epoch: int = 0
    train: float = math.nan
    validation: float = math.nan
    waited: int = 0
    best_epoch: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.state in OVER


@dataclass(slots=True)
class StackState:
    """Runs that train together, and their pace in seconds per epoch, compilation left out."""

    runs: tuple[RunKey, ...]
    epoch: int
    seconds: float
    seconds_per_epoch: float = math.nan

    def update(self, event: StackProgress) -> None:
        """Take a newer report; a stack that started again begins a new measurement."""
        if event.epoch > self.epoch and event.seconds > self.seconds:
            self.seconds_per_epoch = (event.seconds - self.seconds) / (event.epoch - self.epoch)
        self.runs, self.epoch, self.seconds = event.runs, event.epoch, event.seconds


@dataclass(slots=True)
class VariantState:
    """One variant's runs, and the course of their mean validation loss."""

    name: str
    runs: dict[RunKey, RunState] = field(default_factory=dict)
    trail: list[float] = field(default_factory=list)
    stride: int = 1
    skipped: int = 0

    def add_point(self) -> None:
        """Add the current mean validation loss; when full, keep every other point."""
        self.skipped += 1
        value = mean_of(run.validation for run in self.runs.values())
        if self.skipped < self.stride or value is None:
            return
        self.skipped = 0
        self.trail.append(value)
        if len(self.trail) >= TRAIL_POINTS:
            del self.trail[1::2]
            self.stride *= 2


class StudyProgress:
    """Every run's state, kept up to date by events."""

    def __init__(self, study: Study) -> None:
        """Return the state before anything has started."""
        self.loss = LOSSES[study.split.table.task]
        self.variants: dict[str, VariantState] = {}
        self.stacks: dict[str, StackState] = {}
        self.plan = ""
        self.tried: list[str] = []  # what came of further workers
        for variant, seed, train_rows in study.runs():
            recipe = study.recipe_of(variant)
            entry = self.variants.setdefault(variant.name, VariantState(variant.name))
            key = RunKey(variant.name, seed, train_rows)
            entry.runs[key] = RunState(recipe.max_epochs, recipe.patience)

    def handle(self, event: Event) -> None:
        """Take one event; those without progress, or about unknown variants, are ignored."""
        match event:
            case PlanMade():
                self.plan = plan_text(event)
            case WorkersTried():
                self.tried.append(tried_sentence(asdict(event)))
            case RunStarted():
                self._start(event)
            case StackProgress():
                self._advance(event)
            case StackCheckpoint():
                for finished in event.finished:
                    self._finish(finished)
            case RunFinished():
                self._finish(event)

    def take_recorded(self, records: Iterable[RunRecord]) -> None:
        """Take the ends of runs that the study folder holds already: they are not trained again."""
        for record in records:
            run = self._find(record.run)
            if run is None or record.outcome is None:
                continue
            run.state, run.epoch, run.best_epoch = record.outcome, record.epochs, record.best_epoch
            run.train = _metric(record.last, self.loss)
            run.validation = _metric(record.last, f"val_{self.loss}")

    def runs(self) -> Iterator[tuple[RunKey, RunState]]:
        """Yield every run."""
        for variant in self.variants.values():
            yield from variant.runs.items()

    def seconds_left(self) -> tuple[float, float] | None:
        """Return the least and the most time the study can still take, or None while that is unknown.

        The least assumes that no run finds another best epoch, the most that none stops early. It is unknown until every
        variant has shown its pace. Runs that wait are counted at their variant's usual pace, and the work is taken to be
        shared by as many stacks as train now.
        """
        least: list[float] = []
        most: list[float] = []
        training = 0
        for variant in self.variants.values():
            waiting, stacks = self._unfinished(variant)
            shares = [stack.seconds_per_epoch / len(stack.runs) for stack in self._stacks_of(variant)]
            known = [share for share in shares if math.isfinite(share)]
            if (waiting or stacks) and not known:
                return None
            training += len(stacks)
            usual = statistics.median(known) if known else math.nan
            tasks = [(stack.seconds_per_epoch, states) for stack, states in stacks]
            tasks += [(usual, [run]) for run in waiting]
            for pace, states in tasks:
                pace = usual * len(states) if math.isnan(pace) else pace
                least.append(pace * max(_epochs_left(state, patient=True) for state in states))
                most.append(pace * max(_epochs_left(state, patient=False) for state in states))
        if not most:
            return None
        return _shared(least, training), _shared(most, training)

    def _stacks_of(self, variant: VariantState) -> list[StackState]:
        return [stack for stack in self.stacks.values() if any(run in variant.runs for run in stack.runs)]

    def _unfinished(
        self, variant: VariantState
    ) -> tuple[list[RunState], list[tuple[StackState, list[RunState]]]]:
        """Return the runs that wait, and the stacks that train with the runs still in them."""
        left = {key: run for key, run in variant.runs.items() if not run.is_over}
        stacks = []
        for stack in self._stacks_of(variant):
            members = [left.pop(key) for key in stack.runs if key in left]
            if members:
                stacks.append((stack, members))
        return list(left.values()), stacks

    def _start(self, event: RunStarted) -> None:
        run = self._find(event.run)
        if run is not None:
            run.state, run.epoch = "compiling", event.epoch

    def _advance(self, event: StackProgress) -> None:
        training = {
            key.variant: run for key in event.runs if (run := self._find(key)) is not None and not run.is_over
        }
        if not training:
            return
        stack = self.stacks.get(event.stack)
        if stack is None:
            self.stacks[event.stack] = StackState(event.runs, event.epoch, event.seconds)
        else:
            stack.update(event)
        for key in event.runs:
            run = self._find(key)
            if run is None or run.is_over:
                continue
            latest = event.latest.get(key, {})
            run.state, run.waited = "training", event.waits.get(key, 0)
            run.epoch = event.epochs.get(key, event.epoch)
            run.train = _metric(latest, self.loss)
            run.validation = _metric(latest, f"val_{self.loss}")
        for name in training:
            self.variants[name].add_point()

    def _finish(self, event: RunFinished) -> None:
        run = self._find(event.run)
        if run is None:
            return
        run.state, run.epoch, run.best_epoch = event.outcome, event.epochs, event.best_epoch
        run.waited = 0 if event.best_epoch is None else event.epochs - 1 - event.best_epoch
        if event.last:
            run.train = _metric(event.last, self.loss)
            run.validation = _metric(event.last, f"val_{self.loss}")

    def _find(self, key: RunKey) -> RunState | None:
        variant = self.variants.get(key.variant)
        return variant.runs.get(key) if variant else None


def plan_text(plan: PlanMade) -> str:
    """Return a plan in one line, with the memory it is expected to take.

    Example:
        >>> plan_text(PlanMade(7, 7, 2, 2_140_000_000, 21_400_000_000))
        '7 runs in 7 stacks on 2 workers: about 2.1 GB of 21.4 GB free'
        >>> plan_text(PlanMade(2, 2, 1, 2_140_000_000, None, devices=4))
        '2 runs in 2 stacks on 1 worker, each over 4 devices: about 2.1 GB'
        >>> plan_text(PlanMade(90, 1, 1, 2_140_000_000, None, variant_lanes=(("L2", 45),)))
        '90 runs in 1 stack, up to 45 side by side, on 1 worker: about 2.1 GB'
    """
    parts = [_counted(plan.runs, "run"), _counted(plan.stacks, "stack"), _counted(plan.workers, "worker")]
    over = "" if plan.devices == 1 else f", each over {plan.devices} devices"
    free = "" if plan.free_bytes is None else f" of {gigabytes(plan.free_bytes)} GB free"
    beside = f", up to {plan.lanes} side by side," if plan.lanes and plan.lanes > 1 else ""
    return (
        f"{parts[0]} in {parts[1]}{beside} on {parts[2]}{over}: about {gigabytes(plan.memory_bytes)} GB{free}"
    )


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _metric(metrics: Mapping[str, float], name: str) -> float:
    """Return a metric, or the loss with penalties where a model has no plain one."""
    plain_loss = "val_loss" if name.startswith("val_") else "loss"
    return float(metrics.get(name, metrics.get(plain_loss, math.nan)))


def _epochs_left(run: RunState, *, patient: bool) -> int:
    """Return the epochs a run can still take: with `patient`, until its patience ends; else until its limit."""
    limit = max(0, run.max_epochs - run.epoch)
    if not patient or run.patience is None:
        return limit
    return min(limit, max(0, run.patience - run.waited))


def _shared(tasks: list[float], workers: int) -> float:
    """Return how long `tasks` take side by side: as long as the longest, or their share of the work."""
    return max(max(tasks), sum(tasks) / max(1, workers))
