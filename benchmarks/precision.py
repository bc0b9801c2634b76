"""Does bfloat16 train as good networks as float32? The tutorial's variants in both, seed by seed, on real HIGGS rows.

    python -m benchmarks.precision train --higgs FOLDER --out OUT     # may be interrupted; the same command goes on
    python -m benchmarks.precision table --out OUT                    # the table, of what OUT holds

FOLDER holds HIGGS-prefix.csv.gz (the first 11,000 rows) and heldout.parquet (other rows, to measure on). Both precisions
have the same initial weights, batch orders and dropout masks, so that a pair differs by rounding alone, and by what that
does to the best epoch.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.arguments import program_parser
from benchmarks.higgs_rows import WIDE, tutorial_split
from benchmarks.printing import print_table

PRECISIONS = ("float32", "bfloat16")
NARROW = ("Tiny", "Small", "Medium")
# How far apart means may be for networks to count as equally good, in units of the loss.
LARGEST_DIFFERENCE = {"narrow": 0.003, "wide": 0.005}
COVERAGE = 0.95
HEADINGS = ("variant", "seeds", "loss", "float32", "bfloat16", "difference", "95 % interval", "equivalent")


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("action", choices=["train", "table"])
    parser.add_argument("--higgs", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10, help="of Tiny, Small and Medium (default 10)")
    parser.add_argument("--wide-seeds", type=int, default=4, help="of the 512-wide networks (default 4)")
    parser.add_argument("--wide-patience", type=int, default=30, help="of the 512-wide networks (default 30)")
    options = parser.parse_args()
    if options.action == "train":
        train(options)
    print_table(HEADINGS, rows_of(options.out))


def train(options: argparse.Namespace) -> None:
    """Train both precisions in turns, so that an interrupted measurement has pairs."""
    import justright as jr
    from justright.study.studies import named_study

    split = tutorial_split(options.higgs)
    variants = {variant.name: variant for variant in named_study("tutorial").variants}
    parts = [(NARROW, options.seeds, 200)]
    parts += [((name,), options.wide_seeds, options.wide_patience) for name in WIDE]
    for names, seeds, patience in parts:
        for precision in PRECISIONS:
            recipe = jr.Recipe(patience=patience, precision=precision)
            chosen = [replace(variants[name], recipe=recipe, baseline=None) for name in names]
            study = jr.Study(split, chosen, seeds=seeds, name="precision", reference=False, neighbours=False)
            if study.run(options.out / f"{'-'.join(names)}-{precision}").interrupted:
                return


def rows_of(out: Path):
    """Yield the table's rows: for each variant one of validation and one of test losses."""
    losses = {precision: read_losses(out, precision) for precision in PRECISIONS}
    for name in (*NARROW, *WIDE):
        pairs = sorted({key for key in losses["float32"] if key[0] == name} & set(losses["bfloat16"]))
        if len(pairs) < 2:
            continue
        least = LARGEST_DIFFERENCE["wide" if name in WIDE else "narrow"]
        values = np.array([[losses[precision][key] for key in pairs] for precision in PRECISIONS])
        for column, loss in enumerate(("validation", "test")):
            yield (name, str(len(pairs)), loss, *compared(*values[:, :, column], least))


def compared(first: np.ndarray, second: np.ndarray, largest: float) -> tuple[str, ...]:
    """Return the cells of paired losses (seeds,): means, difference, Student's interval, and whether it is small."""
    difference = second - first
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    half = stats.t.ppf(0.5 + COVERAGE / 2, len(difference) - 1) * error
    low, high = difference.mean() - half, difference.mean() + half
    return (
        f"{first.mean():.4f}",
        f"{second.mean():.4f}",
        f"{difference.mean():+.4f}",
        f"[{low:+.4f}, {high:+.4f}]" if difference.any() else "the same, bit by bit",
        f"yes, within {largest}" if max(-low, high) <= largest else "not shown",
    )


def read_losses(out: Path, precision: str) -> dict[tuple[str, int], tuple[float, float]]:
    """Return (variant, seed) -> (validation loss, test loss) at the chosen epoch."""
    found = {}
    for path in out.glob(f"*-{precision}/result.json"):
        for variant in json.loads(path.read_text())["variants"]:
            for run in variant["runs"]:
                values = run["best"]["val_binary_crossentropy"], run["test"]["binary_crossentropy"]
                found[variant["name"], run["seed"]] = values
    return found


if __name__ == "__main__":
    main()
