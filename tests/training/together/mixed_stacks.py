"""Stacks of several variants, trained in this process: some variants, and what was said of each run."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from tests.stacks import adam

from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.models import save_model_atomically
from justright.runs.events import EpochBlock, RunFinished, RunKey, StackCheckpoint
from justright.runs.shared_programs import companions
from justright.runs.tasks import Member, StackTask, Storage
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training.stacks.stack import run_stack

# Lanes end at different epochs, by patience or by the rule, which remembers something of each.
RECIPE = Recipe(*(100, 30, 4, None, adam(0.02)), batch_orders="device")
SETTLED = replace(RECIPE, max_epochs=14, stop="settled", optimizer=adam(0.05))
TOLERANCE = 2e-5  # the order of float32 sums


def decayed(rate, decay):
    """Return a recipe with a weight decay."""
    config = {"learning_rate": rate, "weight_decay": decay}
    return replace(RECIPE, optimizer={"module": "keras.optimizers", "class_name": "AdamW", "config": config})


PENALTIES = {"none": (mlp(6), RECIPE), "some": (mlp(6, l2=0.01), RECIPE)}
MASKS = {"a": (mlp(6, dropout=0.2, l2=0.01), SETTLED), "b": (mlp(6, dropout=0.6), SETTLED)}
RATES = {
    "a": (mlp(6, batch_normalization=True, l1=0.1), decayed(0.02, 0.1)),
    "b": (mlp(6, batch_normalization=True, l1=0.2), decayed(0.003, 0.5)),
}


@dataclass(frozen=True)
class Found:
    """What a stack said of its runs."""

    curves: dict
    rows: dict
    finished: dict
    checkpoints: list
    folder: object
    events: list


class Stacks:
    """Trains stacks in folders of their own; programs are shared."""

    def __init__(self, rows, place):
        self.rows, self.place, self.programs = rows, place, {}

    def task(self, variants, seeds, **options):
        """Return the task of all seeds of some variants: name -> (build, recipe)."""
        known = {
            name: Member(build, recipe.resolve("binary", len(self.rows.train[0])))
            for name, (build, recipe) in variants.items()
        }
        assert len({companions(name, one.build, one.recipe) for name, one in known.items()}) == 1
        first = next((name for name, one in known.items() if one.build.l2), next(iter(known)))
        return self.task_of(known, first, seeds, **options)

    def task_of(self, known, first, seeds, **options):
        """Return the task of all seeds of some members, with the network of one of them."""
        runs = tuple(RunKey(name, seed, len(self.rows.train[0])) for name in known for seed in seeds)
        return StackTask(
            *("stack", first, known[first].build, known[first].recipe, runs),
            tuple(f"models/{run.variant}-{run.seed}.keras" for run in runs),
            np.arange(len(self.rows.train[0])),
            together=True,
            members=known if len(known) > 1 else {},
            **options,
        )

    def train(self, task, *, is_stopping=lambda: False, folder=None):
        """Return what a stack said, cut off where it was told to stop."""
        folder = folder or self.place.mktemp("stack")
        for name in ("checkpoints", "models"):
            (folder / name).mkdir(exist_ok=True)
        events = []
        storage = Storage(folder, write_tensors, read_tensors, save_model_atomically)
        run_stack(task, self.rows, storage, events.append, is_stopping, self.programs)
        checkpoints = [event for event in events if isinstance(event, StackCheckpoint)]
        return found_in(checkpoints, folder, events)

    def train_cut_off(self, task):
        """Return what a stack said that was cut off after each chunk, and in how many sessions it came to its end."""
        folder, events, sessions = self.place.mktemp("cut"), [], 0
        while not events or {one.run for event in events for one in event.finished} != set(task.all_runs):
            going_on = replace(task, checkpoint=events[-1].path if events else None)
            events += self.train(going_on, is_stopping=lambda: True, folder=folder).checkpoints
            sessions += 1
        return found_in(events, folder), sessions


def found_in(checkpoints, folder, events=()):
    """Return what events said, put together."""
    blocks: dict[RunKey, list[EpochBlock]] = {}
    finished: dict[RunKey, RunFinished] = {}
    for event in checkpoints:
        for block in event.blocks:
            blocks.setdefault(block.run, []).append(block)
        finished |= {one.run: one for one in event.finished}
    curves = {
        run: {name: np.concatenate([one.metrics[name] for one in parts]) for name in parts[0].metrics}
        for run, parts in blocks.items()
    }
    rows = {
        (one.run, one.kind, one.epoch): one.losses
        for part in (*(one for parts in blocks.values() for one in parts), *finished.values())
        for one in part.rows
    }
    return Found(curves, rows, finished, checkpoints, folder, list(events))


def assert_same_runs(ours, theirs, runs):
    """Compare everything but times of some runs, bit by bit."""
    for run in runs:
        for name, values in theirs.curves[run].items():
            np.testing.assert_array_equal(ours.curves[run][name], values, err_msg=f"{run} {name}")
        mine, other = (replace(one.finished[run], train_seconds=0, rows=()) for one in (ours, theirs))
        assert mine == other
    keys = {key for key in theirs.rows if key[0] in runs}
    assert {key for key in ours.rows if key[0] in runs} == keys
    for key in keys:
        np.testing.assert_array_equal(ours.rows[key], theirs.rows[key], err_msg=str(key))
