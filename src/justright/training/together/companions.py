"""What each lane of a stack begins with: its initial values and the strengths of its variant.

Variants that differ in strengths alone have the same initial weights for the same seed. So a stack's values are those of its
seeds, and of each variant one network is built, which shows that this holds, or else all of that variant's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from justright.runs.tasks import StackTask, StudyRows
from justright.training.ahead.building import BUILDING
from justright.training.initial_draws import drawn_values
from justright.training.network import Network
from justright.training.program import Program, stack_network
from justright.training.strengths import StrengthValues

FEWEST_DRAWN = 4  # seeds whose values are drawn at once: two networks are built for it

Values = dict[str, list[Any]]


def strengths_of_lanes(
    task: StackTask, rows: StudyRows, program: Program, network: Network
) -> StrengthValues:
    """Return the strengths (lanes, ...) of a stack, as its program takes them; `network` is that of its own variant."""
    others = {name: _network(task, rows, name) for name in task.variants if name != task.variant}
    own = {name: program.strengths_of(one) for name, one in {task.variant: network, **others}.items()}
    return StrengthValues(*map(np.stack, zip(*(own[run.variant] for run in task.runs), strict=True)))


def first_values(task: StackTask, rows: StudyRows) -> Values:
    """Return the values (lanes, ...) of all networks of a stack before they train, from few builds where there are many."""
    seeds = tuple(dict.fromkeys(task.seeds))
    common = _values_of_seeds(task, rows, seeds)
    by_variant = {name: _of_variant(task, rows, name, seeds, common) for name in task.variants}
    places = [(run.variant, seeds.index(run.seed)) for run in task.runs]
    return {
        kind: [
            np.stack([by_variant[variant][kind][number][seed] for variant, seed in places])
            for number in range(len(values))
        ]
        for kind, values in common.items()
    }


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
    return stack_network(task.of(name), rows, seed=task.runs[0].seed)
