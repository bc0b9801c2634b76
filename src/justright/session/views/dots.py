"""Progress without a terminal: lines of dots, each for 1, 10 or 100 epochs, as in the tutorial.

Several runs train at once for thousands of epochs, so each variant collects its dots and writes them as one line with its
latest losses. Lines of different variants never mix, and the log of the longest study has a few hundred lines.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from justright.report.number_formats import format_seven, mean_of
from justright.report.terminal.terminal import Terminal
from justright.report.terminal.text import plain, shorten, spelled
from justright.runs.events import PlanMade, RunFinished, RunKey, StackCheckpoint, StackProgress, WorkersTried
from justright.session.views.progress import StudyProgress, VariantState

if TYPE_CHECKING:
    from justright.runs.events import Event

DOTS_PER_LINE = 10
MOST_DOTS = 50  # of a stack that reports seldom: a line stays within 120 columns
QUIET_SECONDS = 30.0  # a variant that has been silent for longer writes what it has: a sign of life
NAME_WIDTH = 14


class DotLog:
    """A sink that prints a line for every ten dots of a variant, and one for every run that ends."""

    def __init__(self, progress: StudyProgress, terminal: Terminal) -> None:
        """Return a log of a study that has not started."""
        self.progress = progress
        self.terminal = terminal
        longest = max(run.max_epochs for _, run in progress.runs())
        # 1, 10 or 100 epochs, so that the longest run prints between one and ten lines, or one more for each 1,000 epochs.
        self.epochs_per_dot = 1 if longest <= 100 else 10 if longest <= 1_000 else 100
        self._printed: dict[str, int] = {}
        self._printed_at: dict[str, float] = {}
        self._ended: set[RunKey] = set()

    def handle(self, event: Event) -> None:
        """Take one event, and print the lines it completes."""
        self.progress.handle(event)
        match event:
            case PlanMade():
                self.terminal.say(f"{self.progress.plan}.")
            case WorkersTried():
                self.terminal.say(plain(self.progress.tried[-1]))
            case StackProgress():
                for variant in dict.fromkeys(run.variant for run in event.runs):
                    self._advance(variant, event)
            case StackCheckpoint():
                for finished in event.finished:
                    self._finish(finished)
            case RunFinished():
                self._finish(event)

    def _advance(self, name: str, event: StackProgress) -> None:
        variant = self.progress.variants.get(name)
        runs = [] if variant is None else [run for run in event.runs if run in variant.runs]
        training = [run for run in runs if variant is not None and not variant.runs[run].is_over]
        if variant is None or not training:
            return
        epoch = max(event.epochs.get(run, event.epoch) for run in training)
        first = self._printed.get(variant.name)
        if first is None or epoch < first:
            # A stack that starts, resumes or follows another seed's: count its dots from here.
            first = self._printed[variant.name] = (
                0 if first is not None or epoch <= self.epochs_per_dot else epoch
            )
            self._printed_at.setdefault(variant.name, time.monotonic())
        dots = (epoch - first) // self.epochs_per_dot
        silent = time.monotonic() - self._printed_at[variant.name]
        if dots >= DOTS_PER_LINE or silent > QUIET_SECONDS:
            self._printed[variant.name] = first + dots * self.epochs_per_dot
            self._printed_at[variant.name] = time.monotonic()
            self._write(variant.name, "." * min(dots, MOST_DOTS), f"epoch {epoch:,}, {self._losses(variant)}")

    def _losses(self, variant: VariantState) -> str:
        running = [run for run in variant.runs.values() if not run.is_over]
        train = self._loss(mean_of(run.train for run in running))
        validation = self._loss(mean_of(run.validation for run in running))
        return f"train {train}, validation {validation}"

    def _loss(self, value: float | None) -> str:
        return spelled(format_seven(value), self.terminal.symbols)

    def _finish(self, event: RunFinished) -> None:
        if event.run.variant not in self.progress.variants or event.run in self._ended:
            return
        self._ended.add(event.run)
        best = event.best.get(f"val_{self.progress.loss}")
        shown = "" if best is None else self._loss(best)
        chosen = "" if event.best_epoch is None else f"; best epoch {event.best_epoch:,}, validation {shown}"
        self._write(
            event.run.variant,
            "",
            f"seed {event.run.seed} {event.outcome} after {event.epochs:,} epochs{chosen}",
        )

    def _write(self, name: str, dots: str, words: str) -> None:
        shown = shorten(name, NAME_WIDTH, self.terminal.symbols)
        self.terminal.say(f"{shown:{NAME_WIDTH}} {dots:{DOTS_PER_LINE}}  {words}")
