"""How often are the intervals, verdicts, rankings and forecasts right? Hundreds of studies whose truth is known.

    python -m benchmarks.calibration [--studies 480] [--curves 40] [--seconds 280] --out FOLDER
    python -m benchmarks.calibration --show FOLDER            # print the tables of what is there

A *world* is a random teacher network (`justright.tables.teacher`) with its training and validation rows. The engine
trains 18 seeds of five variants on it; studies of 3 seeds and 2,000 test rows, and other designs, are drawn from those and
judged as any study is. The truth is the mean over all seeds of the true losses, on 200,000 fresh rows with known
probabilities. Forecasts are held against networks trained on 2 and 4 times the rows. Each world is written to FOLDER when it
is done, so the same command goes on where an earlier one ended.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._calibration_tables import print_tables

STUDIES_A_WORLD = 48  # of the first design: 18 seeds, 3 a study, dealt eight times
CURVES_A_WORLD = 1


def main() -> None:
    options = parse_options()
    if options.show:
        show(options.show)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + options.seconds
    worlds = -(-options.studies // STUDIES_A_WORLD)
    curves = -(-options.curves // CURVES_A_WORLD)
    measure(options.out, ends, {"world": worlds, "curves": curves})
    show(options.out)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--studies", type=int, default=480, help="of 3 seeds and 2,000 test rows (default 480)"
    )
    parser.add_argument("--curves", type=int, default=40, help="learning curves (default 40)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after about this long")
    parser.add_argument("--out", type=Path, default=Path("calibration"), metavar="FOLDER")
    parser.add_argument("--show", type=Path, metavar="FOLDER", help="measure nothing, print what is there")
    return parser.parse_args()


def measure(folder: Path, ends: float, wanted: dict[str, int]) -> None:
    """Write the records of every world that is wanted and not there yet, until `ends` on the monotonic clock."""
    from benchmarks import _calibration_training as training

    training.use_one_thread(folder / "compiled")
    from benchmarks import _calibration_forecasts as forecasts
    from benchmarks import _calibration_verdicts as verdicts

    parts: dict[str, tuple[Callable[..., list[dict[str, Any]]], Any]] = {
        "world": (verdicts.calibrate_world, training.Engine(verdicts.RECIPE)),
        "curves": (forecasts.forecast_world, training.Engine(forecasts.RECIPE)),
    }
    for number in range(max(wanted.values())):
        for kind, (calibrate, engine) in parts.items():
            path = folder / f"{kind}-{number:04d}.json"
            if number >= wanted[kind] or path.exists():
                continue
            if time.monotonic() > ends:
                return
            started = time.monotonic()
            write(path, calibrate(number, engine))
            print(f"{path.name}: {time.monotonic() - started:.1f} s", flush=True)


def write(path: Path, records: list[dict[str, Any]]) -> None:
    """Write a world's records, whole or not at all."""
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(records))
    aside.rename(path)


def show(folder: Path) -> None:
    """Print the tables of all worlds in a folder."""
    read = {
        kind: [one for path in sorted(folder.glob(f"{kind}-*.json")) for one in json.loads(path.read_text())]
        for kind in ("world", "curves")
    }
    print_tables(read["world"], read["curves"])


if __name__ == "__main__":
    main()
