"""Does the engine train what plain Keras trains? The tutorial's variants, 5 seeds each, on real HIGGS rows.

    python -m benchmarks.parity keras     --higgs FOLDER --out OUT [--part I/N]   # plain model.fit, the slow side
    python -m benchmarks.parity justright --higgs FOLDER --out OUT                # the same study, this engine
    python -m benchmarks.parity compare   --out OUT                               # the table

FOLDER holds HIGGS-prefix.csv.gz (the first 11,000 rows) and heldout.parquet (other rows, to measure on). Runs that
OUT already holds are not repeated, so both sides may be interrupted, and run side by side (`--part 0/2`, `--part 1/2`).
Both sides use the tutorial's own recipe: batch 500, Adam under InverseTimeDecay, early stopping on
`val_binary_crossentropy` (patience 200; `--wide-patience` may shorten it for the four 512-wide variants, on both sides,
because plain Keras needs hours for them). They differ in what no recipe fixes: batch order and dropout masks.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.arguments import names_among, program_parser
from benchmarks.higgs_rows import WIDE, tutorial_split
from benchmarks.peers.case import BATCH_ROWS, NETWORKS
from benchmarks.printing import print_table

PATIENCE = 200  # the tutorial's
STEPS_PER_EXECUTION = 20  # one epoch of batches, for speed
HEADINGS = ("variant", "quantity", "runs", "keras", "justright", "difference", "standard errors")
METRIC = "val_binary_crossentropy"


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("side", choices=["keras", "justright", "compare"])
    parser.add_argument("--higgs", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--wide-patience", type=int, default=PATIENCE)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--variants", type=names_among(NETWORKS), default=list(NETWORKS))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    {"keras": run_keras, "justright": run_justright, "compare": compare}[options.side](options)


def run_keras(options: argparse.Namespace) -> None:
    """Train with plain `model.fit`, one run after the other, and write one JSON file per run."""
    from justright.workers.processes import XLA_FLAGS

    # Without the first flag jax 0.10.2 computes wrong numbers for some fused reductions (jax issue 39103).
    os.environ.setdefault("XLA_FLAGS", XLA_FLAGS[0])
    os.environ["KERAS_BACKEND"] = "jax"
    part, parts = (int(text) for text in options.part.split("/"))
    split = tutorial_split(options.higgs)
    # A column of labels, as Keras wants them beside outputs of shape (rows, 1).
    rows = tuple((x, y[:, None]) for x, y in map(split.arrays, ("train", "validation", "test")))
    # Longest runs first, dealt out over the parts.
    jobs = [(name, seed) for seed in range(1, options.seeds + 1) for name in reversed(options.variants)]
    for name, seed in jobs[part::parts]:
        path = options.out / f"keras-{name}-{seed}.json"
        if not path.exists():
            path.write_text(json.dumps(keras_run(name, seed, patience_of(name, options), *rows)))
            print(path.name, path.read_text()[:160], flush=True)


def patience_of(name: str, options: argparse.Namespace) -> int:
    """Return the patience of a variant."""
    return options.wide_patience if name in WIDE else PATIENCE


def keras_run(name: str, seed: int, patience: int, train, validation, test) -> dict[str, float]:
    """Return best epoch, validation and test loss of one plain Keras run."""
    import keras

    from benchmarks.peers.keras_model import compiled_model

    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    model = compiled_model(NETWORKS[name], len(train[0]), steps_per_execution=STEPS_PER_EXECUTION)
    start = time.perf_counter()
    history = model.fit(
        *train,
        batch_size=BATCH_ROWS,
        epochs=10_000,
        validation_data=validation,
        validation_batch_size=BATCH_ROWS,
        callbacks=[
            keras.callbacks.EarlyStopping(monitor=METRIC, patience=patience, restore_best_weights=True)
        ],
        verbose=0,
    ).history
    seconds = time.perf_counter() - start
    best = int(np.argmin(history[METRIC]))
    return {
        "best_epoch": best,
        "validation": history[METRIC][best],
        "last_validation": history[METRIC][-1],
        "first_validation": history[METRIC][0],
        "test": float(
            model.evaluate(*test, batch_size=5_000, verbose=0, return_dict=True)["binary_crossentropy"]
        ),
        "epochs": len(history[METRIC]),
        "seconds": seconds,
    }


def run_justright(options: argparse.Namespace) -> None:
    """Train the same study with the engine; its folder resumes by itself."""
    import justright as jr
    from justright.study.studies import named_study

    variants = [
        replace(variant, recipe=jr.Recipe(patience=patience_of(variant.name, options)), baseline=None)
        for variant in named_study("tutorial").variants
        if variant.name in options.variants
    ]
    study = jr.Study(tutorial_split(options.higgs), variants, seeds=options.seeds, name="parity")
    result = study.run(options.out / "justright")
    for variant in result.result["variants"]:
        for run in variant["runs"]:
            values = {
                "best_epoch": run["best_epoch"],
                "validation": run["best"][METRIC],
                "last_validation": run["last"][METRIC],
                "test": run["test"]["binary_crossentropy"],
                "epochs": run["epochs"],
            }
            (options.out / f"justright-{variant['name']}-{run['seed']}.json").write_text(json.dumps(values))


def compare(options: argparse.Namespace) -> None:
    """Print, for each variant, both sides' means and their difference in standard errors (Welch)."""
    print(f"patience {options.wide_patience} for the 512-wide variants, {PATIENCE} for the others")
    print_table(HEADINGS, compared(options.out))


def compared(out: Path) -> Iterator[tuple[str, ...]]:
    for name in NETWORKS:
        sides = [read_runs(out, side, name) for side in ("keras", "justright")]
        counts = " and ".join(str(len(side)) for side in sides)
        if min(map(len, sides)) < 2:
            yield (name, "", counts, *[""] * 4)
            continue
        for quantity in ("validation", "test", "best_epoch"):
            values = [np.array([run[quantity] for run in side], float) for side in sides]
            difference = values[1].mean() - values[0].mean()
            error = np.sqrt(sum(value.var(ddof=1) / len(value) for value in values))
            shown = (f"{value.mean():.4f} ± {value.std(ddof=1):.4f}" for value in values)
            yield (name, quantity, counts, *shown, f"{difference:.4f}", f"{difference / error:.2f}")


def read_runs(out: Path, side: str, name: str) -> list[dict[str, float]]:
    return [json.loads(path.read_text()) for path in sorted(out.glob(f"{side}-{name}-[0-9].json"))]


if __name__ == "__main__":
    main()
