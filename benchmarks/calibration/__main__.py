"""How often are the intervals, verdicts, rankings and forecasts right? Hundreds of studies whose truth is known.

    python -m benchmarks.calibration [--worlds 18] [--sizes 18] [--curves 24] [--seconds 280] --out FOLDER
    python -m benchmarks.calibration --show FOLDER            # print the tables of what is there

A *world* is a random teacher network (`justright.tables.teacher`) with its training and validation rows. The engine
trains 48 seeds of six variants on it; studies of 3 seeds and 2,000 test rows up to 32 seeds and 50,000 rows are drawn
from those and judged as any study is. For studies of up to 256 seeds and 100,000 rows it then trains 272 seeds of the
three sizes alone (`--sizes` worlds). The truth is the mean over all seeds of the true losses, on 100,000 fresh rows with
known probabilities; from it follows how large an effect each study needs to find it. Forecasts are compared with networks
trained on 2 and 4 times the rows. Each world is written to FOLDER when it is done, so the same command goes on where an
earlier one ended.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.arguments import program_parser
from benchmarks.calibration.tables import print_tables
from benchmarks.host import use_one_thread

FIRST = 102  # number of the first world: the bounds of forecasts were chosen on curves below 100


def main() -> None:
    options = parse_options()
    if options.show:
        show(options.show)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + options.seconds
    measure(options.out, ends, {"world": options.worlds, "curves": options.curves, "sizes": options.sizes})
    show(options.out)


def parse_options() -> argparse.Namespace:
    parser = program_parser(__doc__)
    parser.add_argument("--worlds", type=int, default=18, help="27 studies each (default 18)")
    parser.add_argument(
        "--sizes", type=int, default=18, help="of those, also with studies of 64 to 256 seeds (default 18)"
    )
    parser.add_argument("--curves", type=int, default=24, help="learning curves (default 24)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after about this long")
    parser.add_argument("--out", type=Path, default=Path("calibration"), metavar="FOLDER")
    parser.add_argument("--show", type=Path, metavar="FOLDER", help="measure nothing, print what is there")
    return parser.parse_args()


def measure(folder: Path, ends: float, wanted: dict[str, int]) -> None:
    """Write the records of every world that is wanted and missing, until `ends` on the monotonic clock."""
    use_one_thread(folder / "compiled")
    from benchmarks.calibration import designs, forecasts
    from benchmarks.calibration.worlds import Engine

    parts: dict[str, tuple[Callable[..., list[dict[str, Any]]], Any]] = {
        "world": (designs.calibrate_world, designs.engines()),
        "curves": (forecasts.forecast_world, Engine(forecasts.RECIPE)),
        "sizes": (designs.calibrate_sizes, designs.engines()),
    }
    for index in range(max(wanted.values())):
        for kind, (calibrate, engine) in parts.items():
            number = FIRST + index
            path = folder / f"{kind}-{number:04d}.json"
            if index >= wanted[kind] or path.exists():
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
        for kind in ("world", "sizes", "curves")
    }
    print_tables(read["world"] + read["sizes"], read["curves"])


if __name__ == "__main__":
    main()
