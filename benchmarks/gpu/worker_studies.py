"""Does the number of workers that a study chooses for a GPU pay? The same networks by one worker, by two, and by the study's choice.

    python -m benchmarks.gpu.worker_studies narrow --out OUT    # 16 units and more, one seed: long rows of tiny steps
    python -m benchmarks.gpu.worker_studies wide --out OUT      # four layers of 448 units and more, 32 seeds: they fill the device
    python -m benchmarks.gpu.worker_studies short --out OUT     # 24 networks of a few seconds: breaks between them

Each way is a line of JSON as it comes: the seconds of the study, and what was tried. The last line says by how much two workers are
faster than one, what the study expected of that, and that all runs have the same numbers, bit by bit. --rehearse plays a GPU
on the CPU, where two workers share two processors.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.accelerated import H100, play_accelerators
from benchmarks.arguments import study_parser
from benchmarks.bitwise import Measured
from benchmarks.gpu.lane_studies import BATCH, sameness

WAYS = {"chosen": None, "one": 1, "two": 2}
PLAYED_BYTES = 80 * 10**9
# With one worker a study takes a minute or two on an H100: less than one that is worth a trial.
LEFT_SECONDS, SETTLED_SECONDS = 10.0, 5.0


class Networks(NamedTuple):
    """Networks that share no programs, since their widths differ.

    Args:
        units: of each.
        seeds: of each.
        epochs: of each run.
    """

    units: tuple[tuple[int, ...], ...]
    seeds: int
    epochs: int


STUDIES = {
    "narrow": Networks(tuple((16 + number,) for number in range(3)), 1, 20_000),
    "wide": Networks(tuple((448 + 32 * number,) * 4 for number in range(3)), 32, 1_600),
    "short": Networks(tuple((16 + number,) for number in range(24)), 3, 2_500),
}
# A rehearsal: the same paths, as short as a trial can be.
FEW_NETWORKS, FEW_EPOCHS = 3, 3_000


def main() -> None:
    options = study_parser(__doc__, STUDIES).parse_args()
    networks = STUDIES[options.study]
    hasten(is_rehearsal=options.rehearse)
    if options.rehearse:
        os.environ["JAX_PLATFORMS"] = "cpu"
        play_accelerators(replace(H100, memory_bytes=PLAYED_BYTES))
        networks = Networks(tuple((4 + number,) for number in range(FEW_NETWORKS)), 1, FEW_EPOCHS)
    for line in compare_ways(networks, options):
        print(json.dumps(line), flush=True)


def hasten(*, is_rehearsal: bool) -> None:
    """Let a study of a minute or two have a trial, and a rehearsal the shortest one."""
    from justright.workers.sharing import shared_device, speedup_trial

    shared_device.LEAST_SECONDS_LEFT, shared_device.LONG_SECONDS = LEFT_SECONDS, SETTLED_SECONDS
    if is_rehearsal:
        shared_device.LEAST_SECONDS_LEFT = shared_device.LONG_SECONDS = 0.0
        speedup_trial.SKIPPED_CHUNKS = speedup_trial.COUNTED_CHUNKS = shared_device.CYCLES = 1


def compare_ways(networks: Networks, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield what each way took, and at last what that says of the choice."""
    seconds, tried = {}, []
    for way, workers in WAYS.items():
        seconds[way], told = train(options.out / way, networks, workers)
        tried = told or tried
        yield {"way": way, "seconds": seconds[way], "workers_tried": told}
    measured = {way: Measured.read(options.out / way) for way in WAYS}
    faster = min(("one", "two"), key=seconds.__getitem__)
    yield {
        "seconds": seconds,
        "workers_tried": tried,
        "two_over_one": round(seconds["one"] / seconds["two"], 3),
        "chosen_over_best": round(seconds["chosen"] / seconds[faster], 3),
        "same_as_one": {way: sameness(measured["one"], measured[way]) for way in ("chosen", "two")},
    }


def train(out: Path, networks: Networks, workers: int | None) -> tuple[float, list[dict[str, Any]]]:
    """Train the networks on the packaged table; return the seconds from the first run's start to the end, and what was tried."""
    import justright as jr
    from justright.session.session import run_study

    split = jr.read_table("higgs-sim").split(validation=1_000, train=10_000, test=0.0, order="head")
    variants = {"-".join(map(str, units)): jr.mlp(*units) for units in networks.units}
    recipe = jr.Recipe(batch_size=BATCH, max_epochs=networks.epochs, patience=None)
    study = jr.Study(split, variants, recipe, seeds=networks.seeds, reference=False, neighbours=False)
    clock = FirstRun()
    result = run_study(study, out, workers=workers, sinks=[clock], report=False)
    return round(time.monotonic() - clock.began, 1), result.summary["workers_tried"]


class FirstRun:
    """A sink that notes when the first run starts, on the monotonic clock: before that, all ways do the same."""

    def __init__(self) -> None:
        self.began = float("inf")

    def handle(self, event: Any) -> None:
        from justright.runs.events import RunStarted

        if isinstance(event, RunStarted):
            self.began = min(self.began, time.monotonic())


if __name__ == "__main__":
    main()
