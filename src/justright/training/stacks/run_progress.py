"""What the host knows of a stack's runs besides the state that a device holds: curves so far, starts and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.runs.events import EpochBlock, RowLosses, RunFinished, RunKey
from justright.training.lanes import ALIVE, Lane
from justright.training.program import Standing


def standing_of(lanes: Lane) -> Standing:
    """Return how lanes stand, on the host."""
    return Standing(*(np.asarray(getattr(lanes, name)) for name in Standing._fields))


@dataclass(slots=True)
class RunProgress:
    """How far the runs of a stack are.

    Shape:
        best_metrics, last_metrics: (lanes, metrics), NaN before the first epoch.
        starts: (lanes,), the stack's epoch at which each lane's run began; began_seconds: (lanes,), `train_seconds` then.

    Args:
        epoch: trained and taken down.
        standing: of the lanes, then.
        ended: the lanes that need no more training.
        blocks, finished: what the next checkpoint's event carries.
    """

    epoch: int
    best_metrics: npt.NDArray[np.float64]
    last_metrics: npt.NDArray[np.float64]
    standing: Standing
    starts: npt.NDArray[np.int64]
    began_seconds: npt.NDArray[np.float64]
    ended: set[int] = field(default_factory=set)
    blocks: list[EpochBlock] = field(default_factory=list)
    finished: list[RunFinished] = field(default_factory=list)
    train_seconds: float = 0.0

    @classmethod
    def begin(cls, standing: Standing, *, metrics: int) -> RunProgress:
        """Return that of a stack before its first epoch, which measures so many metrics."""
        lanes = len(standing.outcome)
        empty = np.full((lanes, metrics), np.nan)
        return cls(0, empty, empty.copy(), standing, np.zeros(lanes, np.int64), np.zeros(lanes))

    @classmethod
    def restore(
        cls, tensors: dict[str, npt.NDArray[Any]], epoch: int, *, max_epochs: int, together: bool
    ) -> RunProgress:
        """Return that of a stack after `epoch` epochs, from a checkpoint's arrays; removes its own from `tensors`.

        Only lanes that are computed together may have begun at different times.
        """
        standing = Standing(*(tensors[name] for name in Standing._fields))
        lanes = len(standing.outcome)
        # A run at a limit that has risen goes on, however far its stack has gone without it.
        starts = epoch - standing.epochs.astype(np.int64) if together else np.zeros(lanes, np.int64)
        progress = cls(
            *(epoch, tensors.pop("best_metrics"), tensors.pop("last_metrics"), standing, starts),
            tensors.pop("began_seconds", np.zeros(lanes)),
            train_seconds=float(tensors.pop("train_seconds")[0]),
        )
        progress.ended |= progress.lanes_at_end(max_epochs)
        return progress

    def to_tensors(self, *, together: bool) -> dict[str, npt.NDArray[Any]]:
        """Return what a checkpoint keeps of it as named arrays, besides the standing, which is among the lanes' values."""
        tensors = {
            "best_metrics": self.best_metrics.copy(),
            "last_metrics": self.last_metrics.copy(),
            "train_seconds": np.array([self.train_seconds]),
        }
        return tensors | ({"began_seconds": self.began_seconds.copy()} if together else {})

    @property
    def epochs(self) -> npt.NDArray[np.int64]:
        """(lanes,), how far the runs are that have not ended."""
        return self.epoch - self.starts

    def lanes_at_end(self, max_epochs: int) -> set[int]:
        """Return the lanes with an outcome, or all at the epoch limit; a higher limit than before revives lanes."""
        at_limit = self.standing.epochs >= max_epochs
        return set(np.flatnonzero(at_limit | (self.standing.outcome != ALIVE)).tolist())

    def lanes_going_on(self) -> list[int]:
        """Return the lanes whose runs have not ended."""
        return [lane for lane in range(len(self.starts)) if lane not in self.ended]

    def seat(self, lanes: Sequence[int], standing: Standing) -> None:
        """Let new runs begin in some lanes; `standing` is that of all lanes then."""
        places = list(lanes)
        self.best_metrics[places] = np.nan
        self.last_metrics[places] = np.nan
        self.standing = standing
        self.starts[places] = self.epoch
        self.began_seconds[places] = self.train_seconds
        self.ended -= set(places)

    def take_down(
        self,
        runs: Sequence[RunKey],
        names: Sequence[str],
        metrics: npt.NDArray[np.float64],
        losses: npt.NDArray[np.float32],
        measured: npt.NDArray[np.bool_],
        places: npt.NDArray[np.intp],
    ) -> None:
        """Append a block for each living lane; the standing is that after these epochs, `epoch` that before them.

        Shape:
            runs: (lanes,); names: (metrics,).
            metrics: (epochs, lanes, metrics).
            losses: (kept epochs, lanes, rows), validation losses; places: (epochs,), where in `losses` those of an epoch are.
            measured: (epochs, lanes), which epochs lie on the grid.
        """
        best_epochs, trained = self.standing.best_epoch, self.standing.epochs
        for lane, run in enumerate(runs):
            first = self.epoch - int(self.starts[lane])
            epochs = int(trained[lane]) - first
            if lane in self.ended or epochs <= 0:  # a lane may have ended in the chunk before
                continue
            block = metrics[:epochs, lane]
            rows = tuple(
                RowLosses(run, "validation", first + int(index), losses[places[index], lane].copy())
                for index in np.flatnonzero(measured[:epochs, lane])
            )
            columns = {name: block[:, column].copy() for column, name in enumerate(names)}
            self.blocks.append(EpochBlock(run, first, columns, rows))
            self.last_metrics[lane] = block[-1]
            best = int(best_epochs[lane]) - first
            if best >= 0:
                self.best_metrics[lane] = block[best]
