"""What a careful reader says of each log of a corpus, as labels that ours can be compared with.

Real logs: the table in the corpus' README.md, read anew at each run; `WORDS` says which labels each of its phrases
admits. Small inputs made after bug reports: `MADE` says what must come out of each, for its file name says what it is
about. Most hold the same curve, whose validation loss is best after a quarter of the run and rises to its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

REFUSED = "refused"
OVERFITS = frozenset({"overfits", "overfits by loss only"})
BY_LOSS_ONLY = frozenset({"overfits by loss only"})
IMPROVING = frozenset({"still improving"})
FLAT = frozenset({"flat"})
UNSURE = frozenset({"undecided", "too short"})
# Near the lowest point of a curve, where nothing has turned yet.
NEAR_ITS_BEST = IMPROVING | FLAT | {"undecided"}


@dataclass(frozen=True)
class Answer:
    """What should be said of a log.

    Args:
        words: the reader's, or ours for a made one.
        labels: that agree with it, `REFUSED` among them where the log holds no curves; empty if the reader has no opinion.
        runs: how many runs count, without those that a later one replaced; None if that is not the point.
        members: how many folds or seeds the first run has; None if that is not the point.
    """

    words: str
    labels: frozenset[str] = frozenset()
    runs: int | None = None
    members: int | None = None

    @property
    def has_curves(self) -> bool:
        """Whether the log holds anything to judge."""
        return REFUSED not in self.labels


# Phrase -> the labels it admits. The first row that is found decides; the phrases of the second table add up.
DECISIVE: tuple[tuple[str, frozenset[str]], ...] = (
    ("still improves", BY_LOSS_ONLY),
    ("overfit", OVERFITS),
    ("can't tell", UNSURE),
    ("not curves", frozenset({REFUSED})),
    ("one epoch", frozenset({REFUSED, "too short"})),
    ("metric file", frozenset({REFUSED, *UNSURE})),
    ("train loss only", UNSURE),
)
WORDS: tuple[tuple[str, frozenset[str]], ...] = (
    ("still improving", IMPROVING),
    ("plateau", FLAT),
    ("flat", FLAT),
)


def readers_answers(folder: Path) -> dict[str, Answer]:
    """Return log -> what the reader says, from the table in a corpus' README.md.

    Raises:
        ValueError: it has no such table.
    """
    text = (folder / "README.md").read_text(encoding="utf-8")
    found = {log: Answer(words, labels_of(words)) for log, words in re.findall(TABLE_ROW, text, re.MULTILINE)}
    if not found:
        raise ValueError(f"A corpus must have a table of logs in its README.md; {str(folder)!r} has none.")
    return found


TABLE_ROW = r"^\| `([^`]+)` \| (.+?) \|$"


def labels_of(words: str) -> frozenset[str]:
    """Return the labels that agree with what a reader wrote.

    Example:
        >>> sorted(labels_of("flat/still improving slightly, 60"))
        ['flat', 'still improving']
        >>> sorted(labels_of("(TB, look)"))
        []
    """
    for phrase, labels in DECISIVE:
        if phrase in words:
            return labels
    return frozenset().union(*(labels for phrase, labels in WORDS if phrase in words))


def made_answers(folder: Path) -> dict[str, Answer]:
    """Return log -> what must come out of it, for those of `MADE` that are in a corpus, and all others below made/."""
    made = folder / "made"
    found = [path for path in made.glob("*") if path.name not in INSIDE]
    found += [path for outer, inner in INSIDE.items() for path in (made / outer).glob(inner)]
    names = sorted(path.relative_to(made).as_posix() for path in found)
    return {f"made/{name}": MADE.get(name, USUAL) for name in names}


# What a person would name of the folders that only hold something.
INSIDE = {"f1": "lightning_logs", "f2": "out", "f3": "runs/detect/train", "names": "*"}
USUAL = Answer("overfits: the usual curve", OVERFITS)
NO_VALIDATION = Answer("validation was not measured", UNSURE)
MADE = {
    "f1/lightning_logs": Answer("two versions, both overfit", OVERFITS, runs=2),
    "i02_restart0": Answer("started again at epoch 0: the second run has not turned", NEAR_ITS_BEST, runs=1),
    "i02b_fit_twice": Answer("fit was called twice; overfits in the second", OVERFITS),
    "i04_NA.csv": NO_VALIDATION,
    "i04_nan_noval": NO_VALIDATION,
    "i04b_validation_freq5_nan": Answer("validated every fifth epoch: overfits", OVERFITS),
    "i06_yolo_dup": Answer(
        "box loss improves, cls loss is infinite throughout", NEAR_ITS_BEST | {"diverged"}
    ),
    "i06b_yolo_cls_overfits": Answer("cls loss overfits while box loss improves", OVERFITS),
    "i07_hf_multi": Answer("one of two evaluation sets overfits", OVERFITS),
    "i07b_hf_nan": Answer("evaluation loss is NaN throughout", UNSURE | {"diverged"}),
    "i10d_train_val_test": Answer("three sets: validation overfits, test is judged after it", OVERFITS),
    "m10_kfold.csv": Answer("five folds, all overfit", OVERFITS, runs=1, members=5),
    "m14_explode.csv": Answer("explodes", frozenset({"diverged"})),
    "m15_nan_mid.csv": Answer("both NaN from epoch 30 on", frozenset({"diverged"})),
    "m16_val_nan_train_ok.csv": Answer(
        "validation NaN from epoch 10 on, training goes on", frozenset({"diverged", "undecided"})
    ),
    "m19_keras_l2_penalty.csv": Answer(
        "the penalty in both losses falls and hides what else happens", NEAR_ITS_BEST
    ),
    "p2_const.csv": Answer("validation does not change", FLAT),
    "p3_ln2.csv": Answer("nothing is learned", FLAT),
    "q3_loss_up_acc_up.csv": Answer("loss rises from the first epoch, accuracy improves", BY_LOSS_ONLY),
    "tb_restart": Answer("resumed at step 20: the resumed run has not turned", NEAR_ITS_BEST, runs=1),
    "tb_two": Answer("two runs, both overfit", OVERFITS, runs=2),
}
