"""Runs recorded to the end of their patience: the losses of single rows after every epoch."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.higgs_rows import WIDE, tutorial_split
from benchmarks.host import use_one_thread

TEST_ROWS = 5_000
MAX_EPOCHS = 10_000
REFERENCE = "reference.npz"


def record(options) -> None:
    """Record every run that OUT does not hold, one after the other, seed by seed."""
    use_one_thread()
    options.out.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + options.seconds
    study, rows = read_study(options.higgs)
    if not (options.out / REFERENCE).exists():
        write_reference(options.out / REFERENCE, rows)
    programs: dict = {}
    for seed in options.seeds:
        for variant in study.variants:
            path = options.out / f"{variant.name}-{seed}.npz"
            if variant.name not in options.variants or path.exists():
                continue
            recipe = study.recipe_of(variant)
            if variant.name in WIDE:
                recipe = replace(recipe, precision=options.precision)
            if not Recorder(variant, recipe, seed, rows, path).run(programs, deadline):
                return


def read_study(folder):
    """Return the tutorial's study on real rows, and its rows with a fixed part of the others as test rows."""
    import justright as jr
    from justright.study.studies import named_study
    from justright.workers.train import study_rows

    study = jr.Study(
        tutorial_split(folder), named_study("tutorial").variants, jr.Recipe(max_epochs=MAX_EPOCHS)
    )
    rows = study_rows(study)
    chosen = np.sort(np.random.default_rng(0).permutation(len(rows.test[0]))[:TEST_ROWS])
    return study, replace(rows, test=tuple(part[chosen] for part in rows.test))


def write_reference(path, rows) -> None:
    """Keep what verdicts also need: the losses of the reference and of the constant prediction."""
    from justright.runs.losses import constant_loss
    from justright.training.reference import measure_reference

    measured = measure_reference(rows)
    validation = replace(rows, test=tuple(part[:0] for part in rows.test))
    np.savez(
        path,
        test=measured.test,
        constant=measured.constant_loss,
        validation_constant=constant_loss(validation),
    )


@dataclass
class Recorder:
    """One run, trained in chunks of one epoch so that test rows can be measured after each."""

    variant: object
    recipe: object
    seed: int
    rows: object
    path: Path

    def run(self, programs, deadline) -> bool:
        """Train to the end, or until the deadline; return whether it ended."""
        from justright.training.lanes import ALIVE
        from justright.training.orders import chunk_orders

        self._prepare(programs)
        measured, count = np.ones(1, bool), len(self.places)
        while int(self.lanes.outcome[0]) == ALIVE and len(self.metrics) < MAX_EPOCHS:
            epoch = len(self.metrics)
            orders = self.places[chunk_orders((self.seed,), epoch, 1, count, length=1)]
            self.lanes, metrics, losses, *_ = self.program.run_chunk(
                self.lanes, orders, measured, np.int32(epoch), np.int32(1), self.data, None
            )
            weights, others = ([value[0] for value in part] for part in self.lanes.measured)
            test = self.program.measure_rows(weights, others, self.test)[0]
            self.metrics.append(np.asarray(metrics[0, 0]))
            self.validation.append(np.asarray(losses[0, 0]))
            self.losses.append(np.asarray(test).astype(np.float16))
            if time.monotonic() > deadline:
                self._write(self._part, **self._state())
                print(f"{self.path.stem}: paused after {len(self.metrics)} epochs", flush=True)
                return False
        self._write(self.path, names=np.array(self.program.metric_names))
        self._part.unlink(missing_ok=True)
        print(f"{self.path.stem}: {len(self.metrics)} epochs", flush=True)
        return True

    @property
    def _part(self) -> Path:
        return self.path.with_suffix(".part.npz")

    def _prepare(self, programs) -> None:
        from justright.runs.events import RunKey
        from justright.runs.tasks import StackTask
        from justright.training.lanes import Data, Rows, first_lane, stack_lanes, unflatten_lanes
        from justright.training.padding import resized
        from justright.training.program import stack_network, stack_program

        name = self.variant.name
        # The rows of all parts lie in one table; these are the places of those that learn.
        self.places = self.rows.places(np.arange(self.rows.train_count))
        count = len(self.places)
        run = RunKey(name, self.seed, count)
        task = StackTask(name, name, self.variant.build, self.recipe, (run,), ("",), np.arange(count))
        self.program = stack_program(task, self.rows, programs)
        chosen = np.sort(np.random.default_rng(0).permutation(count)[: self.recipe.measure_rows])
        fixed = Rows(*(part[self.places[chosen]] for part in self.rows.train))
        self.data = Data(Rows(*self.rows.train), Rows(*self.rows.validation), fixed)
        self.test = Rows(*self.rows.test)
        self.metrics, self.validation, self.losses = [], [], []
        if self._part.exists():
            state = dict(np.load(self._part))
            self.metrics, self.validation, self.losses = (
                list(state.pop(key)) for key in ("metrics", "validation", "test")
            )
            self.lanes = unflatten_lanes(state)
        else:
            lane = first_lane(stack_network(task, self.rows, seed=self.seed))
            self.lanes = stack_lanes([resized(lane, self.program.network.shapes())])

    def _state(self):
        from justright.training.lanes import flatten_lanes

        return flatten_lanes(self.lanes)

    def _write(self, path, **more) -> None:
        """Write the record aside, then in its place."""
        aside = path.with_suffix(".writing.npz")
        np.savez(
            aside,
            metrics=np.array(self.metrics),
            validation=np.array(self.validation),
            test=np.array(self.losses),
            **more,
        )
        aside.replace(path)
