"""How do the time and memory of judging grow with a study's variants, seeds, rows and columns? Nothing is trained.

    python -m benchmarks.scaling                                     # every axis, a few minutes
    python -m benchmarks.scaling --axes variants --variants 100,200,400
    python -m benchmarks.scaling --axes variants --variants 100,200 --base seeds=3,rows=30000

Each line is a study folder of simulated runs, written through the store that training writes to. Its networks have a
known order: the more parameters, the nearer are its outputs to the true log-odds; each is best at the same epoch and gets
worse after it. Four steps then run in fresh processes, one after the other:

- `judge`: read what the runs recorded, reach verdicts, store them (`judge_folder`);
- `summarise`: all that reports say (`summarise_folder`);
- `report`: report.html from it (`write_report`);
- `describe`: the table of the study in numbers (`describe_table`).

A cell has the seconds of the step and the peak resident memory of its process, which takes about 0.1 GB to start. The
last line is the exponent of the growth: the slope of the logarithm between the two largest sizes, 1 where twice the size takes
twice the time. An axis changes one number; the others have the values given with --base.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from benchmarks.arguments import names_among, program_parser
from benchmarks.printing import print_table
from justright.data import tables
from justright.data.describe import describe_table
from justright.records.fingerprints import versions
from justright.records.folder import StudyFolder
from justright.records.store import Store
from justright.runs.events import (
    EpochBlock,
    RowKind,
    RowLosses,
    RunFinished,
    RunKey,
    StackCheckpoint,
    VariantBuilt,
)
from justright.runs.grid import measured_epochs
from justright.session.outputs import judge_folder, summarise_folder, write_report
from justright.session.row_outputs import TARGETS

EPOCHS, BEST_EPOCH = 100, 40
TRAIN_ROWS = 1_000
FIXED_ROWS = 500
GIGABYTE = 2**20  # in the kilobytes of `ru_maxrss`


@dataclass(frozen=True)
class Study:
    """The size of a simulated study.

    Args:
        variants: networks, each with more parameters than the one before.
        seeds: of each.
        rows: test rows, and as many validation rows.
        columns: of its table.
        are_remedies: whether all but the first are remedies of the first instead.
    """

    variants: int = 100
    seeds: int = 1
    rows: int = 1_000
    columns: int = 10
    are_remedies: bool = False


GRIDS = {
    "variants": (1, 10, 100, 200, 1_000),
    "seeds": (1, 2, 3, 10),
    "rows": (100, 1_000, 10_000),
    "columns": (10, 100, 1_000, 4_000),
}
# What of the study an axis keeps small, so that it shows its own growth and takes no more than a minute.
BASES = {"seeds": {"variants": 50}, "rows": {"variants": 20, "seeds": 3}, "columns": {"variants": 3}}


def main() -> None:
    options = parse_options()
    if options.job:
        print(json.dumps(JOBS_BY_NAME[options.job](options.folder)))
        return
    for axis in options.axes:
        base = replace(Study(are_remedies=options.remedies), **BASES.get(axis, {}), **options.base)
        sizes = [replace(base, **{axis: size}) for size in getattr(options, axis)]
        print_table((axis, *JOBS_BY_NAME), lines(axis, sizes))
        print()


def parse_options() -> argparse.Namespace:
    parser = program_parser(__doc__)
    parser.add_argument("--axes", type=names_among(GRIDS), default=list(GRIDS), metavar="NAME,...")
    for axis, sizes in GRIDS.items():
        words = ",".join(map(str, sizes))
        parser.add_argument(
            f"--{axis}", type=numbers, default=sizes, metavar="N,...", help=f"default {words}"
        )
    parser.add_argument(
        "--base", type=named_numbers, default={}, metavar="NAME=N,...", help="what an axis does not change"
    )
    parser.add_argument("--remedies", action="store_true", help="variants are remedies of the first one")
    parser.add_argument("--job", choices=list(JOBS_BY_NAME), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def numbers(text: str) -> tuple[int, ...]:
    """Return whole numbers separated by commas.

    Example:
        >>> numbers("1,10")
        (1, 10)
    """
    return tuple(map(int, text.split(",")))


def named_numbers(text: str) -> dict[str, int]:
    """Return the numbers of a study by name.

    Example:
        >>> named_numbers("variants=200,seeds=3")
        {'variants': 200, 'seeds': 3}
    """
    pairs = [part.split("=") for part in text.split(",")]
    return {
        names_among([field.name for field in fields(Study)])(name)[0]: int(value) for name, value in pairs
    }


def lines(axis: str, sizes: list[Study]) -> Iterator[tuple[str, ...]]:
    """Yield a line for each size, and the exponents."""
    measured: list[dict[str, tuple[float, float]]] = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            build_folder(Path(folder) / "study", size)
            measured.append({job: measure(job, Path(folder) / "study") for job in JOBS_BY_NAME})
        yield f"{getattr(size, axis):,}", *(f"{s:.2f} s, {m:.2f} GB" for s, m in measured[-1].values())
    if len(sizes) > 1:
        growth = np.log(getattr(sizes[-1], axis) / getattr(sizes[-2], axis))
        before, last = measured[-2:]
        yield "exponent", *(f"{np.log(last[job][0] / before[job][0]) / growth:.1f}" for job in last)


def measure(job: str, folder: Path) -> tuple[float, float]:
    """Return the seconds of a step and the peak memory of its process in GB."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--job", job, "--folder", str(folder)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, kilobytes = json.loads(said)
    return seconds, kilobytes / GIGABYTE


def build_folder(path: Path, size: Study) -> None:
    """Write the folder of a study whose runs are simulated, as training would have recorded them."""
    width = len(str(size.variants))
    names = [f"v{number:0{width}}" for number in range(1, size.variants + 1)]
    described: dict[str, dict[str, Any]] = {name: {"family": "mlp"} for name in names}
    if size.are_remedies:
        for name in names[1:]:
            described[name] |= {"baseline": names[0], "remedy": name}
    world = World(size)
    with StudyFolder.open(path, "create") as folder, Store(folder) as store:
        values = {"name": "scaling", "recipe": {}, "seeds": list(range(size.seeds)), "variants": described}
        folder.study_path.write_text(tomli_w.dumps(values))
        sample = tables.teacher(size.columns, seed=0).table(TRAIN_ROWS)
        parts = {"train": TRAIN_ROWS, "validation": size.rows, "test": size.rows}
        store.set_meta(
            "table", describe_table(sample) | {"parts": parts, "constant_loss": world.constant_loss}
        )
        store.set_meta("environment", versions())
        targets = {kind: world.targets[kind].astype(np.float32) for kind in ("validation", "test")}
        store.write_reference(TARGETS, targets)
        for number, name in enumerate(names):
            store.handle(VariantBuilt(name, 100 * (number + 1), "", "", ()))
            runs = [
                world.run(RunKey(name, seed, TRAIN_ROWS), number / size.variants)
                for seed in range(size.seeds)
            ]
            blocks, finished = zip(*runs, strict=True)
            store.handle(StackCheckpoint(name, f"checkpoints/{number}", EPOCHS, (), blocks, finished))


class World:
    """Rows whose true log-odds are known, and networks that are right about them but for some noise."""

    def __init__(self, size: Study) -> None:
        rng = np.random.default_rng(0)
        counts = {"validation": size.rows, "test": size.rows, "fixed": FIXED_ROWS}
        self.odds = {kind: 2 * rng.standard_normal(count) for kind, count in counts.items()}
        self.targets = {
            kind: rng.random(len(odds)) < 1 / (1 + np.exp(-odds)) for kind, odds in self.odds.items()
        }
        self.grid = np.flatnonzero(
            measured_epochs(0, EPOCHS) | np.isin(np.arange(EPOCHS), (BEST_EPOCH, EPOCHS - 1))
        )
        self.constant_loss = float(np.log(2))

    def run(self, run: RunKey, place: float) -> tuple[EpochBlock, RunFinished]:
        """Return what a run records; `place` is its network's among all, from 0 to 1, the best last."""
        rng = np.random.default_rng([run.seed, int(place * 1e6)])
        epochs = np.arange(EPOCHS)
        harm = 0.3 + 0.5 * np.exp(-4 * place) + 0.02 * rng.standard_normal()
        harms = harm * (1 + np.abs(np.log((epochs + 1) / (BEST_EPOCH + 1))))
        noise = {kind: rng.standard_normal(len(odds)) for kind, odds in self.odds.items()}
        curve = 0.3 + 0.1 * harms**2
        metrics = dict.fromkeys(
            ("loss", "binary_crossentropy", "val_loss", "val_binary_crossentropy"), curve
        ) | dict.fromkeys(("accuracy", "val_accuracy"), 1 - curve / 2)
        learned = np.linspace(0.7, 0.2, EPOCHS)  # the loss of training rows falls to the end
        metrics["fixed_binary_crossentropy"] = np.where(np.isin(epochs, self.grid), learned, np.nan)

        def losses(kind: RowKind, at: int) -> RowLosses:
            return RowLosses(run, kind, at, self._losses(kind, noise, harms[at])[1])

        ends = BEST_EPOCH, EPOCHS - 1
        best, last = ({name: float(values[at]) for name, values in metrics.items()} for at in ends)
        rows = [losses(kind, at) for kind in ("test", "fixed") for at in ends]
        for kind in self.odds:
            outputs, at_best = self._losses(kind, noise, harms[BEST_EPOCH])
            is_right = (at_best < np.log(2)).astype(np.float32)
            rows.append(RowLosses(run, f"{kind}_score", BEST_EPOCH, is_right))
            if kind != "fixed":
                rows.append(RowLosses(run, f"{kind}_output", BEST_EPOCH, outputs))
        test, test_last = ({"loss": float(one.losses.mean())} for one in rows[:2])
        block = EpochBlock(run, 0, metrics, tuple(losses("validation", int(at)) for at in self.grid))
        return block, RunFinished(
            *(run, "finished", "", EPOCHS, BEST_EPOCH, 1.0, best, last, test, test_last), rows=tuple(rows)
        )

    def _losses(self, kind: str, noise: dict[str, np.ndarray], harm: float) -> tuple[np.ndarray, np.ndarray]:
        """Return (rows,) log-odds of a network, and its losses."""
        outputs = (self.odds[kind] + harm * noise[kind]).astype(np.float32)
        return outputs, np.logaddexp(0, np.where(self.targets[kind], -outputs, outputs)).astype(np.float32)


def timed(
    step: Callable[[StudyFolder, Store, dict[str, Any]], Callable[[], object]],
) -> Callable[[Path], Any]:
    """Return a job: what `step` prepares is not timed, what it returns is."""

    def job(path: Path) -> tuple[float, int]:
        with StudyFolder.open(path, "resume") as folder, Store(folder) as store:
            run = step(folder, store, tomllib.loads(folder.study_path.read_text()))
            started = time.perf_counter()
            run()
            seconds = time.perf_counter() - started
        return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    return job


def _reporting(folder: StudyFolder, store: Store, study: dict[str, Any]) -> Callable[[], object]:
    summary = summarise_folder(store, study)
    return lambda: write_report(folder, summary)


def _describing(folder: StudyFolder, store: Store, study: dict[str, Any]) -> Callable[[], object]:
    columns = store.get_meta("table")["features"]
    sample = tables.teacher(columns, seed=0).table(TRAIN_ROWS)
    return lambda: describe_table(sample)


# In this order: reports tell what was judged.
JOBS_BY_NAME: dict[str, Callable[[Path], Any]] = {
    "judge": timed(lambda folder, store, study: lambda: judge_folder(store, study)),
    "summarise": timed(lambda folder, store, study: lambda: summarise_folder(store, study)),
    "report": timed(_reporting),
    "describe": timed(_describing),
}


if __name__ == "__main__":
    main()
