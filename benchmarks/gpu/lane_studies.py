"""Does it pay, and change anything, that runs share a program as lanes? Two studies on one GPU, each beside another way.

    python -m benchmarks.gpu.lane_studies grid --out OUT       # 30 L2 penalties x 3 seeds: one program, and one for each
    python -m benchmarks.gpu.lane_studies seats --out OUT      # more runs than lanes, and some of them without the others

`grid` also trains one penalty with as many seeds as the grid has lanes, and `seats` the seeds that waited: their runs have
as many lanes beside them, and are to be the same bit by bit. The last line is JSON. --rehearse plays a GPU on the CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.accelerated import H100, play_accelerators
from benchmarks.arguments import study_parser
from benchmarks.bitwise import Measured, exact
from benchmarks.faults.lanes import far_apart

UNITS, BATCH = 16, 500
PENALTIES, SEEDS, EPOCHS = 30, 3, 60
SEATED, SEATED_EPOCHS, PATIENCE = 300, 60, 5  # no more than 256 have a lane: half of them begin, half wait
# A rehearsal: the same paths, with few runs; so many lanes at most.
FEW = {"PENALTIES": 3, "EPOCHS": 3, "SEATED": 6, "SEATED_EPOCHS": 6, "PATIENCE": 1}
FEW_LANES = 3


def main() -> None:
    options = study_parser(__doc__, STUDIES).parse_args()
    if options.rehearse:
        os.environ["JAX_PLATFORMS"] = "cpu"
        play_accelerators(H100)
        globals().update(FEW)
        import justright.workers.train as train

        train.MAX_LANES_TOGETHER = FEW_LANES if options.study == "seats" else train.MAX_LANES_TOGETHER
    print(json.dumps(STUDIES[options.study](options)), flush=True)


def compare_grid(options: argparse.Namespace) -> dict[str, Any]:
    """Train a grid in one program, the same networks in programs of their own, and one penalty among as many lanes."""
    import justright as jr

    penalties = [round(1e-5 * 1.3**step, 9) for step in range(PENALTIES)]
    shared = jr.grid(jr.mlp, units=(UNITS,), l2=penalties)
    names = list(shared)
    # Models of one's own share no programs, also where they are the same network.
    apart = {name: own_model(penalty) for name, penalty in zip(names, penalties, strict=True)}
    middle = names[len(names) // 2]
    seeds = list(range(1, SEEDS + 1))
    recipe = {"max_epochs": EPOCHS, "patience": None}
    alone = {middle: shared[middle]}
    seconds = {
        "one_program": train(options.out / "one", shared, seeds, recipe),
        "program_each": train(options.out / "each", apart, seeds, recipe),
    }
    train(options.out / "alone", alone, list(range(1, len(names) * SEEDS + 1)), recipe)
    one, each, among = (Measured.read(options.out / name) for name in ("one", "each", "alone"))
    return {
        "seconds": seconds,
        "lanes": len(names) * SEEDS,
        "among_as_many_lanes": sameness(one, among),
        "largest_difference_to_a_program_each": max(
            (found.at_end for found in far_apart(one, each).values()), default=None
        ),
    }


def compare_seats(options: argparse.Namespace) -> dict[str, Any]:
    """Train more runs than there are lanes, and those that waited as a study of their own."""
    import justright as jr

    variants = {"Tiny": jr.mlp(UNITS)}
    recipe = {"max_epochs": SEATED_EPOCHS, "patience": PATIENCE}
    waited = list(range(SEATED // 2 + 1, SEATED + 1))
    seconds = {
        "all": train(options.out / "all", variants, list(range(1, SEATED + 1)), recipe),
        "those_that_waited": train(options.out / "waited", variants, waited, recipe),
    }
    every, some = (Measured.read(options.out / name) for name in ("all", "waited"))
    return {"seconds": seconds, "runs": SEATED, "those_that_waited": sameness(every, some)}


def train(out: Path, variants: Any, seeds: Sequence[int], recipe: dict[str, Any]) -> float:
    """Train a study on the packaged table; return the seconds it took, its start included."""
    import justright as jr

    split = jr.read_table("higgs-sim").split(validation=1_000, train=10_000, test=0.0, order="head")
    how = jr.Recipe(batch_size=BATCH, **recipe)
    study = jr.Study(split, variants, how, seeds=seeds, reference=False, neighbours=False)
    began = time.monotonic()
    study.run(out, progress=False, report=False)
    return round(time.monotonic() - began, 1)


def own_model(penalty: float) -> Any:
    """Return a builder of the network that `mlp` makes."""

    def build() -> Any:
        import keras

        hidden = keras.layers.Dense(UNITS, "elu", kernel_regularizer=keras.regularizers.L2(penalty))
        return keras.Sequential([keras.Input((28,)), hidden, keras.layers.Dense(1)])

    return build


def sameness(first: Measured, other: Measured) -> dict[str, int]:
    """Return how many epochs, and row losses, of the runs that both have are the same, bit by bit, and how many there are."""
    epochs = [name for name in other.epochs if name in first.epochs]
    rows = [name for name in other.row_losses if name in first.row_losses]
    same = sum(
        all(exact(first.epochs[name].get(key)) == exact(value) for key, value in other.epochs[name].items())
        for name in epochs
    )
    same_rows = sum(first.row_losses[name] == other.row_losses[name] for name in rows)
    return {"epochs": len(epochs), "same_epochs": same, "rows": len(rows), "same_rows": same_rows}


STUDIES = {"grid": compare_grid, "seats": compare_seats}


if __name__ == "__main__":
    main()
