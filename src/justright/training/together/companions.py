"""What each lane of a stack begins with: its initial values and the strengths of its variant.

Variants that differ in strengths alone have the same initial weights for the same seed. So a stack's values are those of its
seeds, and of each variant one network is built, which shows that this holds, or else all of that variant's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from justright.runs.events import RunKey
from justright.runs.tasks import StackTask, StudyRows
from justright.training.ahead.building import BUILDING
from justright.training.initial_draws import drawn_values
from justright.training.network import Network
from justright.training.program import Program, stack_network
from justright.training.strengths import StrengthValues

FEWEST_DRAWN = 4  # seeds whose values are drawn at once: two networks are built for it

Values = dict[str, list[Any]]


class Beginnings:
    """What every run of a stack begins with, whether it has a lane or waits for one.

    Args:
        task: the stack.
        rows: the study's rows.
        program: its compiled functions.
        network: of its own variant.
    """

    def __init__(self, task: StackTask, rows: StudyRows, program: Program, network: Network) -> None:
        self._task, self._rows = task, rows
        self._seeds = tuple(dict.fromkeys(run.seed for run in task.all_runs))
        self._values: dict[str, Values] | None = None
        others = {name: _network(task, rows, name) for name in task.variants if name != task.variant}
        self._strengths = {
            name: program.strengths_of(one) for name, one in {task.variant: network, **others}.items()
        }

    def strengths(self, runs: Sequence[RunKey]) -> StrengthValues:
        """Return the strengths (runs, ...) of some runs, as the program takes them."""
        own = [self._strengths[run.variant] for run in runs]
        return StrengthValues(*map(np.stack, zip(*own, strict=True)))

    def values(self, runs: Sequence[RunKey]) -> Values:
        """Return the values (runs, ...) of the networks of some runs before they train, from few builds where there are many."""
        if self._values is None:
            common = _values_of_seeds(self._task, self._rows, self._seeds)
            self._values = {
                name: _of_variant(self._task, self._rows, name, self._seeds, common)
                for name in self._task.variants
            }
        found = [(self._values[run.variant], self._seeds.index(run.seed)) for run in runs]
        kinds = found[0][0]
        return {
            kind: [
                np.stack([values[kind][place][seed] for values, seed in found])
                for place in range(len(kinds[kind]))
            ]
            for kind in kinds
        }

    def forget_values(self) -> None:
        """Free the memory of the values, once nobody waits any more."""
        self._values = None


def _of_variant(
    task: StackTask, rows: StudyRows, name: str, seeds: tuple[int, ...], common: Values
) -> Values:
    """Return the values (seeds, ...) of one variant's networks, given those of the stack's own variant."""
    if name == task.variant:
        return common
    network = _network(task, rows, name).initial_values()
    own: Values = {}
    for kind, values in network.items():
        own[kind] = []
        for value, shared in zip(values, common[kind], strict=True):
            if value.tobytes() == np.asarray(shared[0]).tobytes():
                own[kind].append(shared)
            elif kind == "optimizer":  # its learning rate: an optimizer draws nothing
                own[kind].append(np.broadcast_to(value, (len(seeds), *value.shape)))
            else:
                return _values_of_seeds(task.of(name), rows, seeds)
    return own


def _values_of_seeds(task: StackTask, rows: StudyRows, seeds: Sequence[int]) -> Values:
    """Return the values (seeds, ...) of the networks of a task's own variant."""
    own = task.of(task.variant)

    def build(seed: int) -> Mapping[str, list[Any]]:
        return stack_network(own, rows, seed=seed).initial_values()

    if len(seeds) >= FEWEST_DRAWN:
        with BUILDING.held():  # what Keras draws is taken down
            values = drawn_values(build, seeds)
        if values is not None:
            return values
    built = [build(seed) for seed in seeds]
    return {
        kind: [np.stack(values) for values in zip(*(one[kind] for one in built), strict=True)]
        for kind in built[0]
    }


def _network(task: StackTask, rows: StudyRows, name: str) -> Network:
    return stack_network(task.of(name), rows, seed=task.all_runs[0].seed)
