"""A study's curves, written as other tools write them: does `diagnose` say of them what the study says of their end?

A study compares each network at its last epoch with itself at its chosen one, over rows and seeds (`diagnosis.ends`).
The same curves are read back one run at a time: from the folder's TensorBoard files, from a CSV as Keras' CSVLogger writes
it, and from a History as JSON. `diagnose` sees one noisy curve where the study sees rows and seeds, so it may leave open
what the study decides; it must not deny it, and the three forms must not differ.
"""

from __future__ import annotations

import glob
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from benchmarks.diagnose.readers_answers import OVERFITS
from benchmarks.printing import print_table

FORMS = ("TensorBoard", "CSV", "History")
HEADINGS = ("variant", "runs", "study: loss at the end", "all seeds", *FORMS)
# What was measured each epoch, as the callbacks of Keras see it; `fixed_` metrics are ours.
FIXED_PREFIX = "fixed_"
NO_METRICS = ("variant", "seed", "train_rows", "epoch", "learning_rate")


@dataclass(frozen=True)
class Compared:
    """What is said of one variant.

    Args:
        variant: its name.
        end: what the study says: 'rises', 'does not rise' or 'open', and the interval in words.
        pooled: the label of all its seeds together.
        labels: form -> the label of each run.
    """

    variant: str
    end: tuple[str, str]
    pooled: str
    labels: dict[str, list[str]]

    @property
    def forms_agree(self) -> bool:
        """Whether each run has one label in all forms."""
        return len({tuple(each) for each in self.labels.values()}) == 1

    @property
    def denials(self) -> int:
        """How many runs deny what the study says of their end."""
        said = self.end[0]
        labels = next(iter(self.labels.values()))
        if said == "rises":
            return sum(label not in OVERFITS | {"undecided"} for label in labels)
        return sum(label in OVERFITS for label in labels) if said == "does not rise" else 0


def print_tutorial(folder: Path) -> None:
    """Print what a study and `diagnose` say of the same curves."""
    with tempfile.TemporaryDirectory() as scratch:
        compared = list(compare_study(folder, Path(scratch)))
    print_table(HEADINGS, map(line, compared))
    runs = sum(len(one.labels[FORMS[0]]) for one in compared)
    denied = sum(one.denials for one in compared)
    apart = [one.variant for one in compared if not one.forms_agree]
    print(f"\n{denied} of {runs} runs deny what the study says of their end.")
    print(f"Forms differ for: {', '.join(apart)}." if apart else "All three forms say the same of each run.")


def compare_study(folder: Path, scratch: Path) -> Iterator[Compared]:
    """Yield what is said of each variant of a study; logs are written below `scratch`."""
    import justright as jr

    metric, ends = study_ends(folder)
    curves = jr.open_result(folder).curves
    for variant, end in ends.items():
        seeds = sorted(curves.filter(variant=variant)["seed"].unique())
        runs = [curves.filter(variant=variant, seed=seed).sort("epoch") for seed in seeds]
        boards, name = folder / "tensorboard", glob.escape(variant)
        board = next(
            iter([*boards.glob(name), *boards.glob(f"*/{name}")])
        )  # in one of its groups, if it has any
        logs = {
            FORMS[0]: [board / f"seed-{seed}" for seed in seeds],
            FORMS[1]: [
                write_csv(run, scratch / f"{variant}-{seed}.csv")
                for seed, run in zip(seeds, runs, strict=True)
            ],
            FORMS[2]: [
                write_history(run, scratch / f"{variant}-{seed}.json")
                for seed, run in zip(seeds, runs, strict=True)
            ],
        }
        labels = {
            form: [jr.diagnose(log, metric=metric).label for log in paths] for form, paths in logs.items()
        }
        yield Compared(variant, end, jr.diagnose(board, metric=metric).label, labels)


def study_ends(folder: Path) -> tuple[str, dict[str, tuple[str, str]]]:
    """Return the name of a study's loss, and variant -> whether that rises from the chosen epoch to the last."""
    from justright.diagnosis.ends import judge_end
    from justright.diagnosis.judge import examine
    from justright.records.folder import StudyFolder
    from justright.records.reader import StoreReader
    from justright.session.outputs import collect_evidence

    opened = StudyFolder.open(folder, "read")
    with StoreReader(opened) as store:
        evidence = collect_evidence(store, opened.read_study())
    assert evidence is not None, "a finished study has evidence"
    study = examine(evidence)
    is_binary = evidence.task == "binary"
    ends = {}
    for name, measured in study.measured.items():
        end = judge_end(measured, study.margin, is_binary=is_binary, level=study.level)
        said = "rises" if end.has_risen else "does not rise" if end.is_excluded else "open"
        rise = end.rise
        ends[name] = said, f"{said} ({rise.mean:+.3g} [{rise.low:.2g}, {rise.high:.2g}])"
    return evidence.loss_name, ends


def write_csv(run: pl.DataFrame, path: Path) -> Path:
    """Write a run as Keras' CSVLogger does: the epoch, then the metrics by name."""
    metrics = sorted(logged_metrics(run))
    run.select("epoch", *metrics).write_csv(path)
    return path


def write_history(run: pl.DataFrame, path: Path) -> Path:
    """Write `History.history` of a run as JSON."""
    path.write_text(json.dumps({name: run[name].to_list() for name in logged_metrics(run)}))
    return path


def logged_metrics(run: pl.DataFrame) -> list[str]:
    """Return the metrics that a callback of Keras would have seen."""
    return [name for name in run.columns if name not in NO_METRICS and not name.startswith(FIXED_PREFIX)]


def line(one: Compared) -> tuple[str, ...]:
    """Return the cells of one variant."""
    first = one.labels[FORMS[0]]
    cells = [
        counted(labels) if labels != first or form == FORMS[0] else "same"
        for form, labels in one.labels.items()
    ]
    return one.variant, str(len(first)), one.end[1], one.pooled, *cells


def counted(labels: Sequence[str]) -> str:
    """Return how often each label was given.

    Example:
        >>> counted(["flat", "overfits", "flat"])
        '2 flat, 1 overfits'
    """
    return ", ".join(f"{count} {label}" for label, count in Counter(labels).most_common())
