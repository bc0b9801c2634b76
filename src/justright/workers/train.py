"""Train a study: build and check every variant, plan the stacks, run them in a pool of workers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from justright.data.shared_arrays import LEAST_BYTES
from justright.data.split import Part
from justright.data.table import Split
from justright.runs.events import Event, PlanMade, RunKey, StepTraced, VariantBuilt
from justright.runs.limits import CHECKPOINT_SECONDS
from justright.runs.tasks import (
    BuildTask,
    ChosenRows,
    MeasureTask,
    PartArrays,
    ReferenceTask,
    StackTask,
    StudyRows,
    TargetUnits,
    WorkerTask,
)
from justright.study.study import Study
from justright.workers.accelerators import FIRST_FRACTION
from justright.workers.ahead.lane_costs import lanes_worth_having, launching_share
from justright.workers.memory import (
    KEPT_PROGRAM_BYTES,
    LIBRARY_BYTES,
    USABLE_SHARE,
    Plan,
    base_bytes,
    coordinator_bytes,
    device_bytes,
    fit_plan,
    judging_bytes,
    worker_bytes,
)
from justright.workers.plan import (
    MAX_LANES,
    MAX_LANES_TOGETHER,
    Revisit,
    SavedStack,
    is_mixed,
    plan_stacks,
    stack_task,
)
from justright.workers.pool import Pool
from justright.workers.sharing.shared_device import MOST_WORKERS, SharedDevice

# From so many values of training rows on the reference model takes about as long as a large network: ten seconds.
LONG_REFERENCE_VALUES = 5_000_000


def study_rows(study: Study) -> StudyRows:
    """Return the rows of a study in the form that workers need."""
    split, table = study.split, study.split.table
    task = table.task
    is_scaled = task == "regression" and study.standardize_target
    return StudyRows(
        task=task,
        outputs=len(table.class_names) if task == "multiclass" else 1,
        train=(table.features, table.target),
        validation=_part(split, "validation"),
        test=_part(split, "test"),
        train_places=split.train.astype(np.int32),
        units=TargetUnits.of(table.target[split.train]) if is_scaled else None,
        class_names=table.class_names,
        feature_names=table.feature_names,
        train_weights=getattr(table, "weights", None),
        validation_weights=split.weights("validation") if study.measures_weighted_rows else None,
        test_weights=split.weights("test") if study.measures_weighted_rows else None,
    )


def _part(split: Split, part: Part) -> PartArrays:
    """Return the features and targets of rows that are measured: those of many rows stay in the table."""
    table, places = split.table, split.places(part)
    if places is None or len(places) * table.features[:1].nbytes < LEAST_BYTES:
        return split.arrays(part)
    return ChosenRows(table.features, places.astype(np.int32)), table.target[places]


def train_study(
    study: Study,
    pool: Pool[Any],
    handle: Callable[[Event], None],
    *,
    model_path: Callable[[RunKey], str],
    ended: Collection[RunKey] = (),
    saved: Sequence[SavedStack] = (),
    revisited: Sequence[Revisit] = (),
    measure_reference: bool = True,
    on_built: Callable[[Mapping[str, VariantBuilt]], None] = lambda built: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Train what remains of a study.

    Args:
        study: what to train.
        pool: where to train it.
        handle: receives every event.
        model_path: where a run's model goes, relative to the study folder.
        ended: runs that need no more training.
        saved: checkpoints to resume from.
        revisited: stacks of ended runs that must be measured or saved again.
        measure_reference: whether the reference model is still to be trained.
        on_built: called once every variant has been built and the plan fits into memory, before anything trains.
        checkpoint_seconds: training time between checkpoints.

    Raises:
        InputError: a variant cannot be built or does not fit the table, or memory does not suffice. Nothing has been
            trained.
    """
    built: dict[str, VariantBuilt] = {}
    traced: dict[str, StepTraced] = {}

    def take(event: Event) -> None:
        if isinstance(event, StepTraced):
            traced[event.variant] = event
            return
        if isinstance(event, VariantBuilt):
            built[event.variant] = event
        handle(event)

    variants = tuple((variant.name, variant.build, study.recipe_of(variant)) for variant in study.variants)
    together = pool.accelerators is not None
    began_together = any(map(is_mixed, (*saved, *(one.stack for one in revisited))))
    pool.execute([BuildTask(variants, traces_steps=together or began_together)], take)
    visited = [
        stack_task(study, one.stack, model_path=model_path, together=together, traced=traced)
        for one in revisited
    ]
    planned = partial(
        plan_stacks,
        study,
        parameters={name: event.parameters for name, event in built.items()},
        ended=ended,
        saved=saved,
        model_path=model_path,
        checkpoint_seconds=checkpoint_seconds,
        together=together,
        traced=traced,
    )
    # The rows are seen by these calls alone: the pool has them, and another copy of their places would stay while it trains.
    plan, peak, free_bytes = _fit(
        study, study_rows(study), pool, built, planned, visited, measure_reference=measure_reference
    )
    sharing = _sharing(plan, study_rows(study), pool, built, free_bytes) if pool.may_share else None
    on_built(built)
    pool.keep_workers(plan.workers, plan.worker_bytes, devices=plan.devices)
    runs = {run for stack in plan.stacks for run in stack.all_runs} - set(ended)
    if plan.stacks:
        lanes = _variant_lanes(plan.stacks) if together else ()
        handle(
            PlanMade(len(runs), len(plan.stacks), plan.busy_workers, peak, free_bytes, plan.devices, lanes)
        )
    # A checkpoint is read before its stack goes on, which replaces it.
    visits = [
        MeasureTask(replace(stack, devices=plan.devices), one.unmeasured, one.unsaved)
        for stack, one in zip(visited, revisited, strict=True)
    ]
    pool.execute(visits, take)
    tasks: list[WorkerTask] = list(plan.stacks)
    if measure_reference:
        # It mostly takes seconds: it comes last, when it fills a core that would wait for the longest stack.
        is_long = study.split.sizes["train"] * study.split.table.n_features >= LONG_REFERENCE_VALUES
        tasks.insert(0 if is_long else len(tasks), ReferenceTask())
    pool.execute(tasks, take, sharing)


def _sharing(
    plan: Plan,
    rows: StudyRows,
    pool: Pool[Any],
    built: Mapping[str, VariantBuilt],
    free_bytes: int | None,
) -> SharedDevice | None:
    """Return what decides whether further workers share the only device; None if there is no memory for one.

    What a stack needs is looked up here, once for each.
    """
    own = pool.accelerators.memory_bytes if pool.accelerators else None
    shared = pool.accelerators.sharing_bytes if pool.accelerators else None
    needs = {stack.name: device_bytes(stack, built[stack.variant], rows) for stack in plan.stacks}
    # A process that was started as if it were the only one may take more of the memory than at first, where its stacks need it.
    is_small = own is not None and max(needs.values(), default=0) <= FIRST_FRACTION * own
    if plan.devices > 1 or shared is None or not is_small:
        return None
    most = MOST_WORKERS
    if free_bytes is not None:
        room = USABLE_SHARE * free_bytes - plan.memory_bytes
        most = 1 + max(0, int(room // (plan.worker_bytes - LIBRARY_BYTES)))
    launching = {stack.name: launching_share(stack, built[stack.variant], rows) for stack in plan.stacks}
    return SharedDevice(
        most=most,
        fits=lambda stack: needs[stack.name] <= USABLE_SHARE * shared,
        launching=lambda stack: launching[stack.name],
    )


def _variant_lanes(stacks: Sequence[StackTask]) -> tuple[tuple[str, int], ...]:
    """Return the most lanes of a stack in which each variant has runs."""
    most: dict[str, int] = {}
    for stack in stacks:
        for name in stack.variants:
            most[name] = max(most.get(name, 0), len(stack.runs))
    return tuple(most.items())


def _fit(
    study: Study,
    rows: StudyRows,
    pool: Pool[Any],
    built: Mapping[str, VariantBuilt],
    planned: Callable[..., Sequence[StackTask]],
    visited: Sequence[StackTask],
    *,
    measure_reference: bool,
) -> tuple[Plan, int, int | None]:
    """Return the plan that fits into memory, the peak that the whole command is expected to take, and what it may take.

    Args:
        study: what is trained.
        rows: its rows.
        pool: where.
        built: variant -> its model.
        planned: returns stacks, as `fit_plan` asks for them.
        visited: stacks that are measured again before.
        measure_reference: whether the reference model is still to be trained.
    """
    free, accelerators = pool.free_memory(), pool.accelerators

    def device_need(stack: StackTask) -> int:
        return device_bytes(stack, built[stack.variant], rows)

    # A Ray cluster's memory is its actors' alone.
    is_shared = not (free and free.is_reserved)
    own_bytes = coordinator_bytes(rows) if is_shared else 0
    plan = fit_plan(
        partial(planned, lanes_worth=lambda stack: lanes_worth_having(stack, built[stack.variant], rows)),
        lambda stack: worker_bytes(stack, built[stack.variant], rows),
        workers=pool.workers,
        max_lanes=MAX_LANES if accelerators is None else MAX_LANES_TOGETHER,
        free=free,
        least_bytes=base_bytes(rows) if measure_reference else 0,
        own_bytes=own_bytes,
        shared_bytes=LIBRARY_BYTES if is_shared else 0,
        program_bytes=KEPT_PROGRAM_BYTES,
        device_need=device_need,
        device_share=accelerators.memory_share if accelerators else lambda workers, devices: None,
        layouts=pool.layouts,
        least_on_device=lambda devices: max(
            (device_need(replace(stack, devices=devices)) for stack in visited if accelerators), default=0
        ),
    )
    judged = own_bytes + judging_bytes(rows, [study.recipe_of(one).max_epochs for one, *_ in study.runs()])
    return plan, max(plan.memory_bytes, judged), free.total if free else None
