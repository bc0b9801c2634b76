"""The memory of the settling rule for lanes whose runs began at different times.

Lanes that began together are a cohort, and look back together; a run that takes the lane of another begins a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.training.settled import TENSORS, Settling, SettlingRule

Floats = npt.NDArray[np.float64]


class Cohorts:
    """What a stack remembers for the rule, cohort by cohort: used as `Settling` is.

    Args:
        rule: the rule.
        rows: how many validation rows there are.
    """

    def __init__(self, rule: SettlingRule, *, rows: int) -> None:
        self._rule, self._rows = rule, rows
        self._cohorts: list[tuple[list[int], Settling]] = []
        self._frozen: list[tuple[list[int], Settling]] = []

    def seat(self, lanes: Sequence[int]) -> None:
        """Let new runs begin in some lanes; what was remembered of those before is forgotten."""
        self._cohorts, self._frozen = _without(self._cohorts, lanes), _without(self._frozen, lanes)
        if lanes:
            own = Settling.begin(self._rule, lanes=len(lanes), rows=self._rows)
            self._cohorts.append((list(lanes), own))

    def freeze(self, lanes: Collection[int]) -> None:
        """Keep what is remembered of lanes at the epoch limit, while others go on: a higher limit revives them."""
        others = {lane for own, _ in self._cohorts for lane in own}.difference(lanes)
        self._frozen += _without(self._cohorts, others)
        self._cohorts = _without(self._cohorts, lanes)

    def epochs_to_look(self) -> int:
        """Return how many epochs may be trained before the next look of any cohort."""
        return min((settling.epochs_to_look() for _, settling in self._cohorts), default=1)

    def add(self, losses: npt.NDArray[np.float32], train: Floats) -> None:
        """Add a chunk's epochs: losses (epochs, lanes, rows) of validation rows, training losses (epochs, lanes)."""
        for lanes, settling in self._cohorts:
            settling.add(losses[:, lanes], train[:, lanes])

    def settled(self, lanes: Collection[int]) -> dict[int, str]:
        """Return those of `lanes` that are settled, with the reason; the others have ended and are forgotten."""
        ended = {lane for own, _ in self._cohorts for lane in own}.difference(lanes)
        self._cohorts = _without(self._cohorts, ended)
        found: dict[int, str] = {}
        for own, settling in self._cohorts:
            reasons = settling.settled(range(len(own)))
            found |= {own[place]: reason for place, reason in reasons.items()}
        return found

    def to_tensors(self, count: int) -> dict[str, npt.NDArray[Any]]:
        """Return everything as named arrays (lanes, ...) for a checkpoint: zeros for lanes that have ended, and after the last look.

        Args:
            count: how many lanes the stack has.
        """
        known = [*self._cohorts, *self._frozen]
        looks = max((len(settling.ends) for _, settling in known), default=0)
        groups = Settling.begin(self._rule, lanes=1, rows=self._rows).open_losses.shape[1]
        ends = np.zeros((count, looks), np.int64)
        losses, curves = np.zeros((count, looks, groups)), np.zeros((count, looks, 2))
        open_losses, open_curves = np.zeros((count, groups)), np.zeros((count, 3))
        for lanes, settling in known:
            for place, lane in enumerate(lanes):
                for look, end in enumerate(settling.ends):
                    ends[lane, look] = end
                    losses[lane, look] = settling.losses[look][place]
                    curves[lane, look] = settling.curves[look][:, place]
                open_losses[lane] = settling.open_losses[place]
                open_curves[lane] = settling.open_curves[:, place]
        return dict(zip(TENSORS, (ends, losses, curves, open_losses, open_curves), strict=True))

    def restore(
        self, tensors: dict[str, npt.NDArray[Any]], epochs: Sequence[int], going_on: Sequence[int]
    ) -> None:
        """Take the memory that `to_tensors` described, and remove its arrays from `tensors`.

        Args:
            tensors: of the checkpoint.
            epochs: of each lane's run.
            going_on: the lanes that do, now or with a higher epoch limit.
        """
        ends, losses, curves, open_losses, open_curves = (np.array(tensors.pop(name)) for name in TENSORS)
        for epoch in sorted({int(epochs[lane]) for lane in going_on}):
            lanes = [lane for lane in going_on if epochs[lane] == epoch]
            made = int((ends[lanes[0]] > 0).sum())
            settling = Settling(
                *(self._rule, epoch, ends[lanes[0], :made].tolist()),
                losses=[losses[lanes, look] for look in range(made)],
                curves=[curves[lanes, look].T for look in range(made)],
                open_losses=open_losses[lanes],
                open_curves=open_curves[lanes].T.copy(),
            )
            self._cohorts.append((lanes, settling))


def _without(
    cohorts: Sequence[tuple[list[int], Settling]], lanes: Collection[int]
) -> list[tuple[list[int], Settling]]:
    """Return cohorts without some lanes."""
    kept = []
    for own, settling in cohorts:
        places = [place for place, lane in enumerate(own) if lane not in lanes]
        if places:
            kept.append(([own[place] for place in places], settling.of(places)))
    return kept
