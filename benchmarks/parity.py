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
from dataclasses import replace
from pathlib import Path

import numpy as np

VARIANTS = {  # name -> hidden widths, L2, dropout
    "Tiny": ((16,), 0.0, 0.0),
    "Small": ((16, 16), 0.0, 0.0),
    "Medium": ((64, 64, 64), 0.0, 0.0),
    "Large": ((512,) * 4, 0.0, 0.0),
    "L2": ((512,) * 4, 0.001, 0.0),
    "Dropout": ((512,) * 4, 0.0, 0.5),
    "Combined": ((512,) * 4, 0.0001, 0.5),
}
METRIC = "val_binary_crossentropy"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("side", choices=["keras", "justright", "compare"])
    parser.add_argument("--higgs", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--wide-patience", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    {"keras": run_keras, "justright": run_justright, "compare": compare}[options.side](options)


def run_keras(options) -> None:
    """Train with plain `model.fit`, one run after the other, and write one JSON file a run."""
    os.environ["KERAS_BACKEND"] = "jax"
    # Without it jax 0.10.2 computes wrong numbers for some fused reductions (jax issue 39103).
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_experimental_ynn_fusion_type=individual_dot")
    import justright as jr

    part, parts = (int(text) for text in options.part.split("/"))
    train, validation, test = read_rows(jr, options.higgs)
    # Longest runs first, dealt out over the parts.
    jobs = [
        (name, seed) for seed in range(1, options.seeds + 1) for name in reversed(options.variants.split(","))
    ]
    for name, seed in jobs[part::parts]:
        path = options.out / f"keras-{name}-{seed}.json"
        if not path.exists():
            path.write_text(
                json.dumps(keras_run(name, seed, patience(name, options), train, validation, test))
            )
            print(path.name, path.read_text()[:160], flush=True)


def patience(name, options):
    """Return the patience of a variant."""
    return options.wide_patience if VARIANTS[name][0][0] == 512 else 200


def keras_run(name, seed, patience, train, validation, test):
    """Return best epoch, validation and test loss of one plain Keras run."""
    import keras

    units, l2, dropout = VARIANTS[name]
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((28,))]
    for width in units:
        penalty = keras.regularizers.L2(l2) if l2 else None
        layers.append(keras.layers.Dense(width, activation="elu", kernel_regularizer=penalty))
        if dropout:
            layers.append(keras.layers.Dropout(dropout))
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.InverseTimeDecay(0.001, 20 * 1000, 1)),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryCrossentropy(from_logits=True, name="binary_crossentropy")],
        steps_per_execution=20,
    )
    start = time.perf_counter()
    history = model.fit(
        *train,
        batch_size=500,
        epochs=10_000,
        validation_data=validation,
        validation_batch_size=500,
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


def read_rows(jr, folder):
    """Return (train, validation, test) as the tutorial splits them, each (features, labels)."""
    table = jr.read_table("higgs", rows=11_000, location=str(folder / "HIGGS-prefix.csv.gz"))
    other = jr.read_table(str(folder / "heldout.parquet"))
    split = table.split(validation=1_000, train=10_000, test=0, order="head", test_table=other)
    # A column of labels, as Keras wants them beside outputs of shape (rows, 1).
    return tuple((x, y[:, None]) for x, y in map(split.arrays, ("train", "validation", "test")))


def run_justright(options) -> None:
    """Train the same study with the engine; its folder resumes by itself."""
    import justright as jr
    from justright.study import named_study

    table = jr.read_table("higgs", rows=11_000, location=str(options.higgs / "HIGGS-prefix.csv.gz"))
    other = jr.read_table(str(options.higgs / "heldout.parquet"))
    split = table.split(validation=1_000, train=10_000, test=0, order="head", test_table=other)
    variants = [
        replace(variant, recipe=jr.Recipe(patience=patience(variant.name, options)), baseline=None)
        for variant in named_study("tutorial").variants
        if variant.name in options.variants.split(",")
    ]
    study = jr.Study(split, variants, seeds=options.seeds, name="parity")
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


def compare(options) -> None:
    """Print, for each variant, both sides' means and their difference in standard errors (Welch)."""
    print(f"patience {options.wide_patience} for the 512-wide variants, 200 for the others")
    print(
        f"{'variant':9} {'quantity':11} {'keras':>19} {'justright':>19} {'difference':>11} {'standard errors':>16}"
    )
    for name in VARIANTS:
        sides = [collect(options.out, side, name) for side in ("keras", "justright")]
        if min(len(side) for side in sides) < 2:
            print(f"{name:9} has {len(sides[0])} Keras and {len(sides[1])} justright runs so far")
            continue
        for quantity in ("validation", "test", "best_epoch"):
            values = [np.array([run[quantity] for run in side], float) for side in sides]
            difference = values[1].mean() - values[0].mean()
            error = np.sqrt(sum(value.var(ddof=1) / len(value) for value in values))
            shown = [f"{value.mean():9.4f} ± {value.std(ddof=1):7.4f}" for value in values]
            counts = f"{len(values[0])} and {len(values[1])} runs"
            print(
                f"{name:9} {quantity:11} {shown[0]} {shown[1]} {difference:11.4f} {difference / error:16.2f}   {counts}"
            )


def collect(folder, side, name):
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"{side}-{name}-[0-9].json"))]


if __name__ == "__main__":
    main()
