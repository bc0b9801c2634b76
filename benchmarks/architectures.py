"""How long does a study of many small networks take, where compiling one takes longer than training it?

    python -m benchmarks.architectures [--networks 200] [--widest 200] [--batch-size 500] [--cache]

A study as somebody writes it who looks for the right size: one hidden layer of each of so many widths up to the widest, 400
training rows, 60 epochs with a patience of 20, one seed. It runs from an empty folder, on all processors, and without
programs compiled earlier (`--cache` runs it twice, the second time with them). The table says when the last network was
built, when the last one was trained, and when the report was written. Run it on an idle machine.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.arguments import program_parser
from benchmarks.host import describe_machine
from benchmarks.printing import print_table

if TYPE_CHECKING:
    from justright.runs.events import Event
    from justright.study.study import Study

TRAIN_ROWS, VALIDATION_ROWS, TEST_ROWS = 400, 200, 400
HEADINGS = ("programs", "built", "trained", "report written", "ms per network, built and trained", "cores")


class Clock:
    """A sink that notes when training began and when its last message came, in seconds since `started`."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.built = self.trained = 0.0

    def handle(self, event: Event) -> None:
        """Note the time of an event."""
        from justright.runs.events import PlanMade

        now = time.perf_counter() - self.started
        self.trained = now
        if isinstance(event, PlanMade):
            self.built = now


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--widest", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=500)
    parser.add_argument("--cache", action="store_true", help="run again with the programs of the first time")
    options = parser.parse_args()
    study = study_of(options.networks, widest=options.widest, batch_size=options.batch_size)
    machine = describe_machine()
    print(
        f"{machine['processor']}, {machine['cores']} processors (load before: {machine['load_before']:.1f})"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JUSTRIGHT_CACHE"] = str(Path(folder) / "cache")
        cells = [cells_of("compiled", study, Path(folder) / "first")]
        if options.cache:
            cells.append(cells_of("kept", study, Path(folder) / "second"))
    print_table(HEADINGS, cells)


def study_of(networks: int, *, widest: int, batch_size: int) -> Study:
    """Return the study of so many widths, spread evenly over 1..widest."""
    import justright as jr

    table = jr.read_table("higgs-sim", rows=TRAIN_ROWS + VALIDATION_ROWS + TEST_ROWS)
    split = table.split(train=TRAIN_ROWS, validation=VALIDATION_ROWS, test=TEST_ROWS, order="head")
    widths = np.unique(np.linspace(1, widest, networks).round().astype(int)).tolist()
    recipe = jr.Recipe(batch_size=batch_size, max_epochs=60, patience=20)
    return jr.Study(split, {f"Units {width}": jr.mlp(width) for width in widths}, recipe)


def cells_of(programs: str, study: Study, folder: Path) -> tuple[str, ...]:
    """Train the study into `folder` and return what it took."""
    clock = Clock()
    before = os.times()
    study.run(folder, sinks=[clock])
    total = time.perf_counter() - clock.started
    after = os.times()
    busy = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return (
        programs,
        *(f"{seconds:.1f} s" for seconds in (clock.built, clock.trained, total)),
        f"{1e3 * clock.trained / len(study.variants):.0f}",
        f"{busy / clock.trained:.2f}",
    )


if __name__ == "__main__":
    main()
