"""What does measuring cost? The same training with and without everything that only the verdicts need.

    python -m benchmarks.measuring [--networks Tiny,Medium,Large] [--repeats 3] [--epochs 40]

Both sides train one run through the engine's own loop in this process, on one thread, with its checkpoints, its saved
model and its database on disk, and both validate after every epoch, since early stopping does. Only one side also

- measures the fixed subset of the training rows and keeps each validation row's loss, at the epochs of the grid;
- measures test, validation and fixed rows one by one at the chosen and at the last epoch;
- writes all that to the database.

Each side trains once to compile; then they take turns, and take turns at being first. `more` is the share of processor
time, which other programs on the machine hardly change; `by the clock`, which they do change, stands beside it. Both
sides write the validation losses to the compiled program's own buffer, 4 kB per epoch.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.arguments import names_among, program_parser
from benchmarks.higgs_rows import TRAIN_ROWS, VALIDATION_ROWS
from benchmarks.host import use_one_thread
from benchmarks.peers.case import FEATURES, NETWORKS
from benchmarks.printing import print_table

TEST_ROWS = 29_075  # as of HIGGS in docs/benchmarks.md
# Short runs, whose share is the largest: at the tutorial's patience of 200 each trains several times as long.
EPOCHS = {"Tiny": 400, "Small": 400, "Medium": 150}
FEW_EPOCHS = 40


@dataclass(frozen=True)
class Seconds:
    """What a training took.

    Args:
        processor: seconds of this process on a processor.
        clock: seconds on the wall.
    """

    processor: float
    clock: float


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory() as folder:
        use_one_thread(Path(folder) / "compiled")
        rows = study_rows()
        cells = []
        for name in options.networks:
            epochs = options.epochs or EPOCHS.get(name, FEW_EPOCHS)
            times = compare(name, rows, Path(folder), epochs=epochs, repeats=options.repeats)
            cells.append((name, str(epochs), *compared(times)))
    print_table(("network", "epochs", "seconds without", "with", "more", "by the clock"), cells)


def parse_options() -> argparse.Namespace:
    parser = program_parser(__doc__)
    networks = ["Tiny", "Medium", "Large"]
    parser.add_argument("--networks", type=names_among(NETWORKS), default=networks, metavar="NAME,...")
    parser.add_argument("--repeats", type=int, default=3, help="of each side (default 3)")
    words = ", ".join(f"{count} for {name}" for name, count in EPOCHS.items())
    parser.add_argument("--epochs", type=int, help=f"of each run (default {words}, {FEW_EPOCHS} for others)")
    return parser.parse_args()


def study_rows() -> Any:
    """Return a teacher's rows, as many as the tutorial trains, validates and tests on."""
    from justright.data import tables
    from justright.runs.tasks import StudyRows

    teacher = tables.teacher(FEATURES, seed=1)
    parts = [
        teacher.sample(count, seed=at) for at, count in enumerate((TRAIN_ROWS, VALIDATION_ROWS, TEST_ROWS))
    ]
    return StudyRows("binary", 1, *((part.features, part.target) for part in parts))


def compare(name: str, rows: Any, folder: Path, *, epochs: int, repeats: int) -> dict[bool, list[Seconds]]:
    """Return what each side took, by whether it measured: `repeats` times each, taking turns."""
    times: dict[bool, list[Seconds]] = {False: [], True: []}
    cache: dict[Any, Any] = {}
    for turn in range(-1, repeats):
        for side in (True, False) if turn % 2 else (False, True):
            with tempfile.TemporaryDirectory(dir=folder) as aside:
                taken = train(name, rows, Path(aside), epochs, cache, measures=side)
            if turn >= 0:  # before that it compiles
                times[side].append(taken)
    return times


def train(
    name: str, rows: Any, folder: Path, epochs: int, cache: dict[Any, Any], *, measures: bool
) -> Seconds:
    """Return what one run of so many epochs took, recorded in a new study folder."""
    import justright as jr
    from justright.records.checkpoints import read_tensors, write_tensors
    from justright.records.folder import StudyFolder
    from justright.records.models import save_model_atomically
    from justright.records.store import Store
    from justright.runs.events import RunKey
    from justright.runs.tasks import StackTask, Storage
    from justright.training.stacks.stack import run_stack

    network = NETWORKS[name]
    build = jr.mlp(*network.units, l2=network.l2, dropout=network.dropout)
    recipe = jr.Recipe(max_epochs=epochs, patience=None).resolve("binary", TRAIN_ROWS)
    run = RunKey(name, 1, TRAIN_ROWS)
    task = StackTask(
        name, name, build, recipe, (run,), models=("model.keras",), train_index=np.arange(TRAIN_ROWS)
    )
    storage = Storage(folder / "study", write_tensors, read_tensors, save_model_atomically)
    with StudyFolder.open(storage.folder, "create") as owned, Store(owned) as store, sides(measures):
        storage.folder.joinpath("checkpoints").mkdir(exist_ok=True)
        started = time.process_time(), time.perf_counter()
        run_stack(task, rows, storage, store.handle, lambda: False, cache)
        taken = Seconds(time.process_time() - started[0], time.perf_counter() - started[1])
        kept = {kind: len(store.row_losses(run, kind)) for kind in ("validation", "test")}
    assert (kept["test"] > 0) == (kept["validation"] > 0) == measures, kept  # or it would compare nothing
    return taken


@contextmanager
def sides(measures: bool) -> Iterator[None]:
    """Train as always, or with an empty grid of epochs and no rows to measure in the end."""
    from justright.training.stacks import chunk_plans, stack

    with ExitStack() as patches:
        if not measures:
            patches.enter_context(mock.patch.object(chunk_plans, "measured_epochs", _no_epochs))
            ending = stack.Ending
            patches.enter_context(
                mock.patch.object(stack, "Ending", lambda *given: ending(*given[:-1], measured={}))
            )
        yield


def _no_epochs(first_epoch: int, epochs: int) -> np.ndarray:
    """Return an empty grid; arguments as those of `measured_epochs`."""
    return np.zeros(epochs, bool)


def compared(times: dict[bool, list[Seconds]]) -> tuple[str, ...]:
    """Return the cells of a network: medians, and by how much the side that measures takes longer.

    Example:
        >>> compared({False: [Seconds(2.0, 4.0)], True: [Seconds(2.1, 4.4)]})
        ('2.00', '2.10', '5.0 %', '10.0 %')
    """
    without, with_ = (median(one.processor for one in times[side]) for side in (False, True))
    clock = median(one.clock for one in times[True]) / median(one.clock for one in times[False]) - 1
    return (
        f"{without:.2f}",
        f"{with_:.2f}",
        f"{100 * (with_ / without - 1):.1f} %",
        f"{100 * clock:.1f} %",
    )


if __name__ == "__main__":
    main()
