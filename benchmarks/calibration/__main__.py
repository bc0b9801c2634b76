"""How often are the intervals, labels, rankings and forecasts right? Thousands of studies whose truth is known.

    python -m benchmarks.calibration [--worlds 18] [--sizes 0] [--short 18] [--planted 18] [--curves 0] [--seconds 280] --out FOLDER
    python -m benchmarks.calibration --train --out FOLDER     # train the worlds, judge nothing yet
    python -m benchmarks.calibration --show FOLDER            # print the tables of what is there

A *world* is a random teacher network (`justright.tables.teacher`) with its training and validation rows. The engine
trains 48 seeds of six variants on it; studies of 3 seeds and 2,000 test rows up to 32 seeds and 50,000 rows are drawn
from those and judged as any study is, as they are and with all networks made equal. The truth is the mean over all seeds
of the true losses, on 100,000 fresh rows with known probabilities; from it follows what truly helps each network, and so
its true label. `--short` worlds are trained for 5 epochs only, and `--planted` studies have simulated ends: plateaus that
jitter, late rises, spikes. For studies of up to 256 seeds and 100,000 rows `--sizes` trains 272 seeds of the three sizes
alone. `--curves` forecasts are compared with networks trained on 2 and 4 times the rows. What a world was trained to is
kept in FOLDER/trained (200 MB each), and its records in FOLDER: the same command goes on where an earlier one ended, and
without the records it judges again what was trained.
"""

from __future__ import annotations

import argparse
import json
import pickle
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.arguments import program_parser
from benchmarks.calibration.label_tables import print_label_tables
from benchmarks.calibration.tables import print_tables
from benchmarks.host import use_one_thread

if TYPE_CHECKING:
    from benchmarks.calibration.designs import Results

# Kind of record -> its option, and how many there are by default.
OPTIONS = {"world": "worlds", "short": "short", "planted": "planted", "curves": "curves", "sizes": "sizes"}
KINDS = tuple(OPTIONS)
Records = list[dict[str, Any]]
Train = Callable[[int], "Results"]
Judge = Callable[[int, "Results"], Records]
FIRST = 102  # number of the first world: the bounds of forecasts were chosen on curves below 100


def main() -> None:
    options = parse_options()
    if options.show:
        show(options.show)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + options.seconds
    wanted = {kind: getattr(options, option) for kind, option in OPTIONS.items()}
    measure(options.out, ends, wanted, is_training=options.train)
    if options.train:
        return
    show(options.out)


def parse_options() -> argparse.Namespace:
    parser = program_parser(__doc__)
    parser.add_argument("--worlds", type=int, default=18, help="27 studies each (default 18)")
    parser.add_argument(
        "--short", type=int, default=18, help="worlds of 5 epochs, 13 studies each (default 18)"
    )
    parser.add_argument("--planted", type=int, default=18, help="simulated studies of each kind (default 18)")
    parser.add_argument(
        "--sizes", type=int, default=0, help="worlds with studies of 64 to 256 seeds (default 0)"
    )
    parser.add_argument("--curves", type=int, default=0, help="learning curves (default 0)")
    parser.add_argument("--train", action="store_true", help="train what is missing, and judge nothing")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after about this long")
    parser.add_argument("--out", type=Path, default=Path("calibration"), metavar="FOLDER")
    parser.add_argument("--show", type=Path, metavar="FOLDER", help="measure nothing, print what is there")
    return parser.parse_args()


def measure(folder: Path, ends: float, wanted: dict[str, int], *, is_training: bool) -> None:
    """Write the records of every world that is wanted and missing, until `ends` on the monotonic clock."""
    use_one_thread(folder / "compiled")
    from benchmarks.calibration import designs, forecasts, planted
    from benchmarks.calibration.worlds import Engine

    engines, curves = designs.make_engines(), Engine(forecasts.RECIPE)
    trained: dict[str, tuple[Train, Judge]] = {
        "world": (partial(designs.train_world, engines=engines), designs.judge_world),
        "short": (partial(designs.train_short, engines=engines), designs.judge_short),
        "sizes": (partial(designs.train_sizes, engines=engines), designs.judge_sizes),
    }
    alone: dict[str, Callable[[int], Records]] = {
        "planted": planted.calibrate_planted,
        "curves": partial(forecasts.forecast_world, engine=curves),
    }
    for index in range(max(wanted.values())):
        for kind in KINDS:
            number = FIRST + index
            name = f"{kind}-{number:04d}"
            path, kept = folder / f"{name}.json", folder / "trained" / f"{name}.pickle"
            done = kept if is_training else path
            if index >= wanted[kind] or done.exists() or (is_training and kind in alone):
                continue
            if time.monotonic() > ends:
                return
            started = time.monotonic()
            if kind in alone:
                write(path, alone[kind](number))
            else:
                train, judge = trained[kind]
                world = kept_or_trained(kept, partial(train, number))
                if not is_training:
                    write(path, judge(number, world))
            print(f"{done.name}: {time.monotonic() - started:.1f} s", flush=True)


def kept_or_trained(path: Path, train: Callable[[], Results]) -> Results:
    """Return what was trained earlier, or train it and keep it."""
    if path.exists():
        return pickle.loads(path.read_bytes())  # noqa: S301  # written below, by this program
    results = train()
    path.parent.mkdir(exist_ok=True)
    aside = path.with_suffix(".part")
    aside.write_bytes(pickle.dumps(results))
    aside.rename(path)
    return results


def write(path: Path, records: Records) -> None:
    """Write a world's records, whole or not at all."""
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(records))
    aside.rename(path)


def show(folder: Path) -> None:
    """Print the tables of all worlds in a folder."""
    read = {
        kind: [one for path in sorted(folder.glob(f"{kind}-*.json")) for one in json.loads(path.read_text())]
        for kind in KINDS
    }
    print_tables(read["world"] + read["sizes"], read["curves"])
    print_label_tables(read)


if __name__ == "__main__":
    main()
