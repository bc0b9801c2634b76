"""A study in training: build and check every variant, plan the stacks, run them on an executor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from justright.engine.events import Event, RunKey, VariantBuilt
from justright.engine.plan import SavedStack, plan_stacks
from justright.engine.tasks import CHECKPOINT_SECONDS, BuildTask, ReferenceTask, StudyRows, WorkerTask
from justright.study.study import Study


class Executor(Protocol):
    """Runs tasks somewhere: worker processes here, or a cluster."""

    def execute(self, tasks: Sequence[WorkerTask], handle: Callable[[Event], None]) -> None:
        """Perform all tasks and pass on their events, in order for each stack."""


def study_rows(study: Study) -> StudyRows:
    """Return the rows of a study as workers need them."""
    split = study.split
    task = split.table.task
    return StudyRows(
        task=task,
        outputs=len(split.table.class_names) if task == "multiclass" else 1,
        train=split.arrays("train"),
        validation=split.arrays("validation"),
        test=split.arrays("test"),
    )


def train_study(
    study: Study,
    executor: Executor,
    handle: Callable[[Event], None],
    *,
    workers: int,
    model_path: Callable[[RunKey], str],
    ended: Collection[RunKey] = (),
    saved: Sequence[SavedStack] = (),
    measure_reference: bool = True,
    on_built: Callable[[Mapping[str, VariantBuilt]], None] = lambda built: None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Train what remains of a study.

    Args:
        study: what to train.
        executor: where.
        handle: takes every event.
        workers: how many stacks train at the same time.
        model_path: where a run's model goes, relative to the study folder.
        ended: runs that need no more training.
        saved: checkpoints to go on from.
        measure_reference: whether the reference model is still to be trained.
        on_built: called once every variant has been built and found usable, before anything trains.
        checkpoint_seconds: training time between checkpoints.

    Raises:
        InputError: a variant cannot be built or does not fit the table; nothing has been trained then.
    """
    built: dict[str, VariantBuilt] = {}

    def take(event: Event) -> None:
        if isinstance(event, VariantBuilt):
            built[event.variant] = event
        handle(event)

    variants = tuple((variant.name, variant.build, study.recipe_of(variant)) for variant in study.variants)
    executor.execute([BuildTask(variants)], take)
    on_built(built)
    stacks: list[WorkerTask] = list(
        plan_stacks(
            study,
            parameters={name: event.parameters for name, event in built.items()},
            workers=workers,
            ended=ended,
            saved=saved,
            model_path=model_path,
            checkpoint_seconds=checkpoint_seconds,
        )
    )
    # The reference takes seconds: last, where it fills a core that would wait for the longest stack.
    executor.execute([*stacks, ReferenceTask()] if measure_reference else stacks, take)
