"""Runs -> stacks: which seeds share a program, and which stack starts first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from justright.runs.events import RunKey
from justright.runs.limits import CHECKPOINT_SECONDS
from justright.runs.tasks import StackTask
from justright.study.families import Mlp
from justright.study.study import Study
from justright.study.variant import KerasConfig

# Above this many parameters a step is bound by matrix products: sharing a program gains nothing, and separate stacks let
# the pool balance runs over the cores.
SMALL_PARAMETERS = 50_000
MAX_LANES = 64
MAX_LANES_TOGETHER = 256  # on an accelerator, as far as its memory goes
# Runs with dropout pass their best epoch about twice as late (tutorial study, patience 200): start them first.
DROPOUT_FACTOR = 2.0
ROUNDING = 1e-9  # of a sum of costs, so that a quarter of the work is one part of four


@dataclass(frozen=True, slots=True)
class SavedStack:
    """A stack by name, with the checkpoint to resume from.

    Args:
        name: the stack's.
        path: the checkpoint, relative to the study folder; None to begin again.
        runs: its lanes in order, including those that have ended.
    """

    name: str
    path: str | None
    runs: tuple[RunKey, ...]


@dataclass(frozen=True, slots=True)
class Revisit:
    """A stack whose ended runs are measured or saved again, without training.

    Args:
        stack: with its last checkpoint.
        unmeasured: runs to measure on the study's test rows.
        unsaved: runs whose models are missing or damaged.
    """

    stack: SavedStack
    unmeasured: frozenset[RunKey]
    unsaved: frozenset[RunKey]


def plan_stacks(
    study: Study,
    *,
    parameters: Mapping[str, int],
    workers: int,
    ended: Collection[RunKey] = (),
    saved: Iterable[SavedStack] = (),
    model_path: Callable[[RunKey], str],
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    max_lanes: int = MAX_LANES,
    together: bool = False,
    devices: int = 1,
) -> list[StackTask]:
    """Return the stacks that remain to be trained, the longest first.

    Args:
        study: what is trained.
        parameters: trainable weights of each variant.
        workers: how many stacks train at the same time.
        ended: runs that need no more training.
        saved: checkpoints; their stacks continue unchanged.
        model_path: where a run's model goes, relative to the study folder.
        checkpoint_seconds: training time between checkpoints.
        max_lanes: the most runs of a new stack.
        together: whether lanes are computed together, as on an accelerator. Large networks also share a program then: it
            takes several 512-wide ones to fill it.
        devices: how many devices train each stack.
    """

    def task(stack: SavedStack) -> StackTask:
        return stack_task(
            *(study, stack),
            model_path=model_path,
            checkpoint_seconds=checkpoint_seconds,
            together=together,
            devices=devices,
        )

    def cost(stack: StackTask) -> float:
        return _cost(stack, parameters[stack.variant])

    stacks = [task(stack) for stack in saved]
    taken = set(ended) | {run for stack in stacks for run in stack.runs}
    groups: dict[tuple[str, int], list[RunKey]] = {}
    for variant, seed, rows in study.runs():
        run = RunKey(variant.name, seed, rows)
        if run not in taken:
            groups.setdefault((variant.name, rows), []).append(run)
    if together:
        costs = [cost(task(SavedStack("", None, tuple(runs)))) for runs in groups.values()]
        shares = _deal(
            list(groups.values()), costs, workers=workers, most=max_lanes, begun=[cost(one) for one in stacks]
        )
    else:
        shares = [
            lanes
            for (name, _), runs in groups.items()
            for lanes in _share(
                runs, workers=workers, alone=parameters[name] > SMALL_PARAMETERS, most=max_lanes
            )
        ]
    stacks += [task(SavedStack(_stack_name(lanes), None, lanes)) for lanes in shares]
    # The sort is stable: equal costs keep the order of the description.
    return sorted(stacks, key=lambda stack: -cost(stack))


def stack_task(
    study: Study,
    stack: SavedStack,
    *,
    model_path: Callable[[RunKey], str],
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    together: bool = False,
    devices: int = 1,
) -> StackTask:
    """Return what a worker needs to train a stack; arguments as for `plan_stacks`."""
    variant = study.variant(stack.runs[0].variant)
    return StackTask(
        name=stack.name,
        variant=variant.name,
        build=variant.build,
        recipe=study.recipe_of(variant),
        runs=stack.runs,
        models=tuple(model_path(run) for run in stack.runs),
        train_index=range(stack.runs[0].train_rows),
        checkpoint=stack.path,
        checkpoint_seconds=checkpoint_seconds,
        together=together,
        devices=devices,
    )


def _share(runs: list[RunKey], *, workers: int, alone: bool, most: int) -> list[tuple[RunKey, ...]]:
    """Return the runs of each stack: one if `alone`, otherwise an even share for each worker."""
    lanes = 1 if alone else min(most, ceil(len(runs) / workers))
    return [tuple(runs[start : start + lanes]) for start in range(0, len(runs), lanes)]


def _deal(
    groups: Sequence[Sequence[RunKey]],
    costs: Sequence[float],
    *,
    workers: int,
    most: int,
    begun: Sequence[float],
) -> list[tuple[RunKey, ...]]:
    """Return the runs of each stack on accelerators: as few stacks as leave no device idle.

    A stack of twice the lanes takes less than twice the time, and every stack must be compiled. So the runs of one network are
    shared out over several only if they are more than a fair share of the work, or if there are fewer stacks than devices.

    Args:
        groups: runs that may share a stack.
        costs: of each group.
        workers: how many stacks train at the same time.
        most: the most runs of a stack.
        begun: costs of the stacks that continue.
    """
    fair = (sum(costs) + sum(begun)) / workers
    parts = [
        min(len(runs), max(ceil(len(runs) / most), ceil(one / fair - ROUNDING)))
        for runs, one in zip(groups, costs, strict=True)
    ]
    while sum(parts) + len(begun) < workers:
        halved = [number for number, runs in enumerate(groups) if parts[number] < len(runs)]
        if not halved:
            break
        parts[max(halved, key=lambda number: costs[number] / parts[number])] += 1
    return [
        tuple(runs[len(runs) * part // count : len(runs) * (part + 1) // count])
        for runs, count in zip(groups, parts, strict=True)
        for part in range(count)
    ]


def _stack_name(runs: tuple[RunKey, ...]) -> str:
    first, last = runs[0], runs[-1]
    return f"{first.variant}-rows-{first.train_rows}-seeds-{first.seed}-{last.seed}-x{len(runs)}"


def _cost(stack: StackTask, parameters: int) -> float:
    """Return the expected relative cost of a stack: the multiply-adds of its epochs."""
    work = parameters * len(stack.train_index) * stack.recipe.max_epochs * len(stack.runs)
    return work * (DROPOUT_FACTOR if _has_dropout(stack) else 1.0)


def _has_dropout(stack: StackTask) -> bool:
    if isinstance(stack.build, Mlp):
        return stack.build.dropout > 0
    return isinstance(stack.build, KerasConfig) and "Dropout" in stack.build.json
