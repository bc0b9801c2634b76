"""Runs -> stacks: which runs share a program, and which stack starts first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

from justright.data.checks import listed
from justright.errors import InputError
from justright.runs.events import RunKey, StepTraced
from justright.runs.limits import CHECKPOINT_SECONDS
from justright.runs.shared_programs import begun_companions, companions, says_its_program
from justright.runs.tasks import Member, StackTask
from justright.study.families import Mlp
from justright.study.study import Study
from justright.study.variant import KerasConfig, Variant

# Above this many parameters a step is bound by matrix products: sharing a program gains nothing, and separate stacks let
# the pool balance runs over the cores.
SMALL_PARAMETERS = 50_000
MAX_LANES = 64
MAX_LANES_TOGETHER = 256  # on an accelerator, as far as its memory goes
# Runs with dropout pass their best epoch about twice as late (tutorial study, patience 200): start them first.
DROPOUT_FACTOR = 2.0
MOST_LISTED = 8  # variants in a message
NOT_TRACED: Mapping[str, StepTraced] = MappingProxyType({})
ROUNDING = 1e-9  # of a sum of costs, so that a quarter of the work is one part of four


@dataclass(frozen=True, slots=True)
class SavedStack:
    """A stack by name, with the checkpoint to resume from.

    Args:
        name: the stack's.
        path: the checkpoint, relative to the study folder; None to begin again.
        runs: its lanes in order, including those that have ended.
        waiting: the runs that take the lanes of those that end.
    """

    name: str
    path: str | None
    runs: tuple[RunKey, ...]
    waiting: tuple[RunKey, ...] = ()


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
    lanes_worth: Callable[[StackTask], int] = lambda stack: MAX_LANES_TOGETHER,
    traced: Mapping[str, StepTraced] = NOT_TRACED,
) -> list[StackTask]:
    """Return the stacks that remain to be trained, the longest first; on a single accelerator the shortest before them.

    Args:
        study: what is trained.
        parameters: trainable weights of each variant.
        workers: how many stacks train at the same time.
        ended: runs that need no more training.
        saved: checkpoints; their stacks continue unchanged.
        model_path: where a run's model goes, relative to the study folder.
        checkpoint_seconds: training time between checkpoints.
        max_lanes: the most lanes of a new stack. Where they are computed together, further runs wait for one.
        together: whether lanes are computed together, as on an accelerator. Large networks also share a program then: it
            takes several 512-wide ones to fill it. So do variants that differ in strengths alone.
        devices: how many devices train each stack.
        lanes_worth: from how many lanes of a stack on more hardly gain, where they are computed together.
        traced: variant -> its step, where that says which others it may share a program with.

    Raises:
        InputError: the variants of a saved stack no longer compute the same.
    """

    def task(stack: SavedStack) -> StackTask:
        return stack_task(
            *(study, stack),
            model_path=model_path,
            checkpoint_seconds=checkpoint_seconds,
            together=together,
            devices=devices,
            traced=traced,
        )

    def cost(stack: StackTask) -> float:
        return _cost(stack, parameters[stack.variant])

    stacks = [task(stack) for stack in saved]
    taken = set(ended) | {run for stack in stacks for run in stack.all_runs}
    keys = {
        one.name: companions(one.name, one.build, study.recipe_of(one), traced.get(one.name))
        if together
        else one.name
        for one in study.variants
    }
    groups: dict[tuple[Hashable, int], list[RunKey]] = {}
    for variant, seed, rows in study.runs():
        run = RunKey(variant.name, seed, rows)
        if run not in taken:
            groups.setdefault((keys[variant.name], rows), []).append(run)
    if together:
        costs = [cost(task(SavedStack("", None, tuple(runs)))) for runs in groups.values()]
        parts = _deal(list(groups.values()), costs, workers=workers, begun=[cost(one) for one in stacks])
        shares = [
            _seated(runs, min(max_lanes, lanes_worth(task(SavedStack("", None, runs))))) for runs in parts
        ]
    else:
        shares = [
            SavedStack(stack_name(lanes), None, lanes)
            for runs in groups.values()
            for lanes in _share(
                runs, workers=workers, alone=parameters[runs[0].variant] > SMALL_PARAMETERS, most=max_lanes
            )
        ]
    stacks += map(task, shares)
    # The sort is stable: equal costs keep the order of the description.
    stacks.sort(key=lambda stack: -cost(stack))
    if together and workers == 1:
        # Where all wait for one device, it trains the stack that is compiled first, and while the others are.
        stacks[:0] = [stacks.pop()] if stacks else []
    return stacks


def stack_task(
    study: Study,
    stack: SavedStack,
    *,
    model_path: Callable[[RunKey], str],
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    together: bool = False,
    devices: int = 1,
    traced: Mapping[str, StepTraced] = NOT_TRACED,
) -> StackTask:
    """Return what a worker needs to train a stack; arguments and errors as for `plan_stacks`."""
    runs = (*stack.runs, *stack.waiting)
    variants = [study.variant(name) for name in dict.fromkeys(run.variant for run in runs)]
    members = {one.name: Member(one.build, study.recipe_of(one)) for one in variants}
    steps = [traced[one.name] for one in variants if one.name in traced]
    _check_same_steps(study, variants, steps)
    # Of companions, only some may have an L2 penalty: the program needs it.
    variant = next((one for one in variants if isinstance(one.build, Mlp) and one.build.l2), variants[0])
    return StackTask(
        name=stack.name,
        variant=variant.name,
        build=variant.build,
        recipe=study.recipe_of(variant),
        runs=stack.runs,
        waiting=stack.waiting,
        models=tuple(map(model_path, runs)),
        train_index=range(stack.runs[0].train_rows),
        checkpoint=stack.path,
        checkpoint_seconds=checkpoint_seconds,
        # Lanes of several variants, and runs that wait, need to be computed together wherever their stack goes on: mapped one
        # after the other, all would have the strengths of one network.
        together=together or is_mixed(stack),
        devices=devices,
        members=members if len(members) > 1 else {},
        form=steps[0].form if steps else "",
    )


def is_mixed(stack: SavedStack) -> bool:
    """Return whether a stack can only be one of an accelerator: with runs of several variants, or with runs that wait."""
    return len({run.variant for run in stack.runs}) > 1 or bool(stack.waiting)


def _check_same_steps(study: Study, variants: Sequence[Variant], steps: Sequence[StepTraced]) -> None:
    """Refuse models that began in one stack and do not compute the same any more: their builders were changed since."""
    others = [one.name for one in variants if not says_its_program(one.build, study.recipe_of(one))]
    is_same = len(steps) == len(others) and len({step.form for step in steps}) == 1
    if len(others) > 1 and not is_same:
        raise InputError(
            f"Variants {listed(others, most=MOST_LISTED)} began to train in one program, and their models now differ in more than "
            "strengths. Build them as they were built then, or start in a fresh folder with --new."
        )


def companion_groups(study: Study, runs: Iterable[RunKey]) -> list[tuple[RunKey, ...]]:
    """Return the runs that may be lanes of one stack, in order; those of variants that the study lacks are a group, too.

    The runs of a stack are one group, unless a study file was changed since they began to train.
    """
    keys = {one.name: begun_companions(one.name, one.build, study.recipe_of(one)) for one in study.variants}
    groups: dict[Hashable, list[RunKey]] = {}
    for run in runs:
        groups.setdefault(keys.get(run.variant), []).append(run)
    return list(map(tuple, groups.values()))


def _share(runs: list[RunKey], *, workers: int, alone: bool, most: int) -> list[tuple[RunKey, ...]]:
    """Return the runs of each stack: one if `alone`, otherwise an even share for each worker."""
    lanes = 1 if alone else min(most, ceil(len(runs) / workers))
    return [tuple(runs[start : start + lanes]) for start in range(0, len(runs), lanes)]


def _deal(
    groups: Sequence[Sequence[RunKey]],
    costs: Sequence[float],
    *,
    workers: int,
    begun: Sequence[float],
) -> list[tuple[RunKey, ...]]:
    """Return the runs of each stack on accelerators: as few stacks as leave no device idle.

    A stack of twice the lanes takes less than twice the time, and every stack must be compiled. So the runs of one network are
    shared out over several only if they are more than a fair share of the work, or if there are fewer stacks than devices.

    Args:
        groups: runs that may share a stack.
        costs: of each group.
        workers: how many stacks train at the same time.
        begun: costs of the stacks that continue.
    """
    fair = (sum(costs) + sum(begun)) / workers
    parts = [
        min(len(runs), max(1, ceil(one / fair - ROUNDING))) for runs, one in zip(groups, costs, strict=True)
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


def _seated(runs: tuple[RunKey, ...], most: int) -> SavedStack:
    """Return a new stack of at most so many lanes: as many as make the last runs that take one fill them, too.

    A worked example: of 300 runs and at most 256 lanes, 150 begin, and 150 wait.
    """
    lanes = ceil(len(runs) / ceil(len(runs) / most))
    return SavedStack(stack_name(runs), None, runs[:lanes], runs[lanes:])


def stack_name(runs: tuple[RunKey, ...]) -> str:
    """Return a name for a new stack: no other one of a study begins with the same run."""
    first, last = runs[0], runs[-1]
    variants = len({run.variant for run in runs})
    others = f"-and-{variants - 1}-more" if variants > 1 else ""
    return f"{first.variant}{others}-rows-{first.train_rows}-seeds-{first.seed}-{last.seed}-x{len(runs)}"


def _cost(stack: StackTask, parameters: int) -> float:
    """Return the expected relative cost of a stack: the multiply-adds of its epochs."""
    work = parameters * len(stack.train_index) * stack.recipe.max_epochs * len(stack.all_runs)
    return work * (DROPOUT_FACTOR if _has_dropout(stack) else 1.0)


def _has_dropout(stack: StackTask) -> bool:
    if isinstance(stack.build, Mlp):
        return stack.build.dropout > 0
    return isinstance(stack.build, KerasConfig) and "Dropout" in stack.build.json
