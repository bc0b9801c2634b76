"""Do narrower products train as good networks as float32? The tutorial's variants in each precision, seed by seed.

    python -m benchmarks.precision train --out OUT                    # may be interrupted; the same command goes on
    python -m benchmarks.precision train --out OUT --higgs FOLDER     # on real rows
    python -m benchmarks.precision train --out OUT --variants Medium --together
    python -m benchmarks.precision table --out OUT                    # the table, of what OUT holds

Without FOLDER the rows are those of the packaged, simulated table: the tutorial's 11,000, and the others to measure on. FOLDER
holds HIGGS-prefix.csv.gz (the first 11,000 rows of the real one) and heldout.parquet (other rows, to measure on). All precisions
have the same initial weights, batch orders and dropout masks, on the same device, so that a pair differs by rounding alone,
and by what that does to the best epoch.

On an accelerator many seeds train at once, in TensorFloat-32 as well where it has it. --together trains on the CPU as an
accelerator does: lanes computed together, orders drawn in the program, bfloat16 kept between layers.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.accelerated import play_accelerators
from benchmarks.arguments import names_among, program_parser
from benchmarks.higgs_rows import WIDE, tutorial_split
from benchmarks.printing import print_table

BASE, OTHERS = "float32", ("tensorfloat32", "bfloat16")
NARROW = ("Tiny", "Small", "Medium")
PARTS = {"narrow": NARROW, "wide": WIDE}
# Seeds of each part: on an accelerator, which trains as many at once, they cost little.
SEEDS = {"narrow": 10, "wide": 4}
ACCELERATED_SEEDS = {"narrow": 64, "wide": 16}
# How far apart means may be for networks to count as equally good, in units of the loss.
LARGEST_DIFFERENCE = {"narrow": 0.003, "wide": 0.005}
COVERAGE = 0.95
HEADINGS = (
    *("variant", "precision", "seeds", "loss", "float32", "there"),
    *("difference", "95 % interval", "equivalent"),
)

# (variant, precision) -> seed -> (validation loss, test loss) at the chosen epoch.
Losses = Mapping[tuple[str, str], Mapping[int, tuple[float, float]]]


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("action", choices=["train", "table"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--higgs", type=Path, metavar="FOLDER", help="real rows")
    parser.add_argument("--variants", type=names_among((*NARROW, *WIDE)), default=[*NARROW, *WIDE])
    parser.add_argument(
        "--precisions", type=names_among(OTHERS), help="beside float32; default: all of the device"
    )
    parser.add_argument(
        "--seeds", type=int, help="of Tiny, Small and Medium (default 10; 64 on an accelerator)"
    )
    parser.add_argument(
        "--wide-seeds", type=int, help="of the 512-wide networks (default 4; 16 on an accelerator)"
    )
    parser.add_argument("--patience", type=int, default=200, help="of Tiny, Small and Medium (default 200)")
    parser.add_argument("--wide-patience", type=int, default=30, help="of the 512-wide networks (default 30)")
    parser.add_argument("--max-epochs", type=int, default=10_000, help="few for a rehearsal (default 10,000)")
    parser.add_argument("--workers", type=int, help="default: one per accelerator or processor")
    parser.add_argument("--together", action="store_true", help="on the CPU, as an accelerator trains")
    parser.add_argument("--quiet", action="store_true", help="print the table alone")
    options = parser.parse_args()
    if options.action == "train":
        train(options)
    losses = read_losses(options.out)
    for sentence in sentences(options.out):
        print(sentence)
    print_table(HEADINGS, rows_of(losses))


def train(options: argparse.Namespace) -> None:
    """Train all precisions side by side, first of the narrow networks, then of the wide ones."""
    import justright as jr
    from justright.study.studies import named_study
    from justright.workers.accelerators import Accelerators
    from justright.workers.engines import device_kind

    if options.together:
        os.environ["JAX_PLATFORMS"] = "cpu"
        play_accelerators(Accelerators("virtual", 1, None, "the processor, as an accelerator"))
    device = device_kind("local")
    has_all = device is not None and device.has_tensorfloat32
    precisions = options.precisions or [name for name in OTHERS if has_all or name != "tensorfloat32"]
    seeds = dict(ACCELERATED_SEEDS if device.is_accelerator and not options.together else SEEDS)
    seeds |= {
        part: count
        for part, count in (("narrow", options.seeds), ("wide", options.wide_seeds))
        if count is not None
    }
    patience = {"narrow": options.patience, "wide": options.wide_patience}
    split = tutorial_split(options.higgs)
    variants = {variant.name: variant for variant in named_study("tutorial").variants}
    for part, names in PARTS.items():
        recipe = jr.Recipe(patience=patience[part], max_epochs=options.max_epochs)
        chosen = [
            replace(
                variants[name],
                name=f"{name} {precision}",
                recipe=replace(recipe, precision=precision),
                baseline=None,
            )
            for name in names
            if name in options.variants
            for precision in (BASE, *precisions)
        ]
        if not chosen:
            continue
        study = jr.Study(
            split, chosen, seeds=seeds[part], name="precision", reference=False, neighbours=False
        )
        result = study.run(
            options.out / part, workers=options.workers, report=False, progress=not options.quiet
        )
        if result.interrupted:
            return


def read_losses(out: Path) -> Losses:
    """Return the losses of the runs in OUT that have ended, those of studies that were interrupted as well."""
    from justright.records.folder import StudyFolder
    from justright.records.reader import StoreReader

    found: dict[tuple[str, str], dict[int, tuple[float, float]]] = {}
    for part in PARTS:
        if not (out / part / "study.db").is_file():
            continue
        with StoreReader(StudyFolder.open(out / part)) as store:
            for record in store.runs():
                if record.best and record.test:
                    values = record.best["val_binary_crossentropy"], record.test["binary_crossentropy"]
                    name, _, precision = record.run.variant.rpartition(" ")
                    found.setdefault((name, precision), {})[record.run.seed] = values
    return found


def sentences(out: Path) -> Iterator[str]:
    """Yield what the studies in OUT were trained on, a line each."""
    from justright.records.folder import StudyFolder
    from justright.records.reader import StoreReader

    for part in PARTS:
        if not (out / part / "study.db").is_file():
            continue
        folder = StudyFolder.open(out / part)
        with StoreReader(folder) as store:
            machine = store.get_meta("environment")
            outcomes = [record.outcome for record in store.runs()]
        source = folder.read_study()["table"]["source"]
        rows = "the packaged, simulated table" if source == "higgs-sim" else "real HIGGS rows"
        diverged = outcomes.count("diverged")
        yield (
            f"{part}: {rows}; {machine.get('device') or machine['processor']}; runs ended: "
            f"{sum(one is not None for one in outcomes)} of {len(outcomes)}"
            + f", {diverged} diverged"
            * bool(diverged)
        )


def rows_of(losses: Losses) -> Iterator[tuple[str, ...]]:
    """Yield the table's rows: for each variant and precision one of validation and one of test losses."""
    for part, names in PARTS.items():
        for name in names:
            for precision in OTHERS:
                first, second = losses.get((name, BASE), {}), losses.get((name, precision), {})
                seeds = sorted(first.keys() & second.keys())
                if len(seeds) < 2:
                    continue
                values = np.array([[one[seed] for seed in seeds] for one in (first, second)])
                for column, loss in enumerate(("validation", "test")):
                    cells = compared(*values[:, :, column], LARGEST_DIFFERENCE[part])
                    yield (name, precision, str(len(seeds)), loss, *cells)


def compared(first: np.ndarray, second: np.ndarray, largest: float) -> tuple[str, ...]:
    """Return the cells of paired losses (seeds,): means, difference, Student's interval, and whether it is small.

    Two networks are equivalent if the whole interval of their difference lies within the largest one (two one-sided tests,
    each at half of what the interval leaves out).
    """
    difference = second - first
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    half = stats.t.ppf(0.5 + COVERAGE / 2, len(difference) - 1) * error
    low, high = difference.mean() - half, difference.mean() + half
    return (
        f"{first.mean():.4f}",
        f"{second.mean():.4f}",
        f"{difference.mean():+.5f}",
        f"[{low:+.5f}, {high:+.5f}]" if difference.any() else "the same, bit by bit",
        f"yes, within {largest}" if max(-low, high) <= largest else "not shown",
    )


if __name__ == "__main__":
    main()
