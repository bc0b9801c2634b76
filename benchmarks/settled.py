"""What does stopping when settled save, and what does it cost? The tutorial's variants on real HIGGS rows.

    python -m benchmarks.settled record --higgs FOLDER --out OUT [--variants Tiny,Small] [--seeds 0-19] [--seconds 280]
    python -m benchmarks.settled table  --out OUT [--seeds 20-39]
    python -m benchmarks.settled folders STUDY_FOLDER...

FOLDER holds HIGGS-prefix.csv.gz (the first 11,000 rows) and heldout.parquet (other rows, to measure on). `record` trains
each run once, with the tutorial's recipe and its patience of 200, and keeps the losses of every validation row and of
5,000 test rows after *every* epoch (5-50 MB a run). It stops after `--seconds` and goes on where it was when called
again. `table` then replays any rule on these losses, through the engine's own code, and judges both ends of each run as
a study of that seed would be judged. `folders` shows where the rule would have stopped the runs of study folders that
were trained with patience alone, from the losses they keep. docs/settled.md shows the tables.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

TEST_ROWS = 5_000
WIDE = ("Large", "L2", "Dropout", "Combined")
MAX_EPOCHS = 10_000
REFERENCE = "reference.npz"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["record", "table", "folders"])
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--higgs", type=Path)
    parser.add_argument("--out", type=Path, default=Path("settled"))
    parser.add_argument("--variants", default="Tiny,Small,Medium,Large,Dropout,L2,Combined")
    parser.add_argument("--seeds", default="0-19", help="FIRST-LAST")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--precision", default="float32", help="of the 512-wide variants")
    options = parser.parse_args()
    if options.command == "folders":
        from benchmarks._settled_folders import print_folders

        return print_folders(options.folders)
    options.out.mkdir(parents=True, exist_ok=True)
    first, last = (int(text) for text in options.seeds.split("-"))
    options.seeds = range(first, last + 1)
    options.variants = options.variants.split(",")
    if options.command == "table":
        from benchmarks._settled_table import print_table

        return print_table(options.out, options.variants, options.seeds)
    return record(options)


def record(options) -> None:
    """Record every run that OUT does not hold, one after the other, seed by seed."""
    from justright.workers.processes import worker_variables

    os.environ.update(worker_variables(1))
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
    from justright.study import named_study
    from justright.workers.train import study_rows

    table = jr.read_table("higgs", rows=11_000, location=str(folder / "HIGGS-prefix.csv.gz"))
    other = jr.read_table(str(folder / "heldout.parquet"))
    split = table.split(validation=1_000, train=10_000, test=0, order="head", test_table=other)
    study = jr.Study(split, named_study("tutorial").variants, jr.Recipe(max_epochs=MAX_EPOCHS))
    rows = study_rows(study)
    chosen = np.sort(np.random.default_rng(0).permutation(len(rows.test[0]))[:TEST_ROWS])
    return study, replace(rows, test=tuple(part[chosen] for part in rows.test))


def write_reference(path, rows) -> None:
    """Keep what verdicts need besides: the reference's losses and those of the constant prediction."""
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
    """One run, trained an epoch a chunk so that test rows can be measured after each."""

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
        measured, count = np.ones(1, bool), len(self.rows.train[0])
        while int(self.lanes.outcome[0]) == ALIVE and len(self.metrics) < MAX_EPOCHS:
            epoch = len(self.metrics)
            orders = chunk_orders((self.seed,), epoch, 1, count, length=1)
            self.lanes, metrics, losses, _ = self.program.run_chunk(
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
        from justright.training.program import stack_network, stack_program

        count, name = len(self.rows.train[0]), self.variant.name
        run = RunKey(name, self.seed, count)
        task = StackTask(name, name, self.variant.build, self.recipe, (run,), ("",), np.arange(count))
        self.program = stack_program(task, self.rows, programs)
        chosen = np.sort(np.random.default_rng(0).permutation(count)[: self.recipe.measure_rows])
        fixed = Rows(*(part[chosen] for part in self.rows.train))
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
            self.lanes = stack_lanes([first_lane(stack_network(task, self.rows, seed=self.seed))])

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


if __name__ == "__main__":
    main()
