"""Command line: `python -m tools.higgs_sim --events 24000 --out higgs_sim.parquet`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from .events import Sample, generate_rows
from .kinematics import Floats
from .table import build_table, count_signal, write_table

PACKAGED_EVENTS = 24_000  # rows of the packaged file
PACKAGED_SEEDS = (11, 12, 13, 14)  # two odd, two even: W+ and W- leptonic in equal parts
BACKGROUND_OFFSET = (
    100  # added to a seed for the background, so that no two streams of draws are the same; even.
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for; ValueError if it cannot be met."""

    out: Path
    events: int = PACKAGED_EVENTS
    seeds: tuple[int, ...] = PACKAGED_SEEDS
    workers: int = 1

    def __post_init__(self) -> None:
        least = 4 * len(self.seeds)  # each seed gives both classes about two rows or more
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"`--seeds` must be different numbers; got {self.seeds!r}. Name each seed once.")
        if self.events < least:
            raise ValueError(
                f"`--events` must be at least {least} for {len(self.seeds)} seeds; got {self.events}. Ask for more."
            )
        if self.workers < 1:
            raise ValueError(
                f"`--workers` must be at least 1; got {self.workers}. Pass the number of processes."
            )


def generate_sample(options: Options, sample: Sample, events: int) -> Floats:
    """Return (events, 28) of one class, shared evenly among the seeds; `workers` does not change the result."""
    shares = [len(part) for part in np.array_split(np.arange(events), len(options.seeds))]
    offset = BACKGROUND_OFFSET if sample == "background" else 0
    # Spawned, as a forked Pythia would share its open files.
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(generate_rows, sample, share, seed=seed + offset)
            for share, seed in zip(shares, options.seeds, strict=True)
        ]
        return np.concatenate([job.result() for job in jobs])


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Return the options of a command line; argparse exits with code 2 on a bad one."""
    parser = argparse.ArgumentParser("python -m tools.higgs_sim", description="Simulate a table like HIGGS.")
    parser.add_argument(
        "--events", type=int, default=PACKAGED_EVENTS, help="rows of both classes (%(default)s)"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=PACKAGED_SEEDS, help="seeds, odd and even")
    parser.add_argument("--workers", type=int, default=1, help="processes (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="Parquet file to write")
    given = parser.parse_args(arguments)
    try:
        return Options(given.out, given.events, tuple(given.seeds), given.workers)
    except ValueError as error:
        parser.error(str(error))


def main(arguments: Sequence[str] | None = None) -> None:
    """Generate both classes, build the table and write it."""
    options = parse_options(arguments)
    signal = generate_sample(options, "signal", count_signal(options.events))
    background = generate_sample(options, "background", options.events - len(signal))
    table = build_table(signal, background, seed=options.seeds[0])
    write_table(table, options.out)
    print(f"{table.height} rows ({len(signal)} signal) in {options.out}")


if __name__ == "__main__":
    main()
