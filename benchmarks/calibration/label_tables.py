"""How often labels are right: false alarms, the direction named, ties, short trainings and planted ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.calibration.tables import (
    Record,
    by_design,
    design_row,
    in_margins,
    is_covered,
    print_titled,
    share_of,
)
from benchmarks.calibration.truths import is_true, true_label
from justright.diagnosis.labels import JUST_RIGHT, OVERFITS, UNDECIDED, UNDERFITS
from justright.study.directions import EARLIER_END, LONGER_TRAINING

Rows = list[list[str]]
Verdicts = Callable[[Record], Iterable[Record]]  # of a study's record
FARTHER = (2, 5)  # margins from which on a truth should be named
DIRECTION = {OVERFITS.name: "tighter", UNDERFITS.name: "freer"}
ALL = "all designs"


def print_label_tables(records: Mapping[str, Sequence[Record]]) -> None:
    """Print the tables of labels as Markdown, for each kind of record that there is."""
    studies = [*records["world"], *records["sizes"]]
    if studies:
        designs = by_design(studies) | {ALL: studies}
        print_titled("False alarms", designs, false_alarms(designs, _verdicts))
        one_seed = {name: rows for name, rows in designs.items() if rows[0]["verdicts"][0]["own"]}
        one_seed.pop(ALL, None)
        if one_seed:
            alarms = false_alarms(one_seed, _verdicts, own=False)
            print_titled("False alarms of one seed, held against the mean over all seeds", one_seed, alarms)
        print_titled("The direction", designs, directions(designs))
        print_titled("What is said, by what is true", designs, shares_by_truth(designs))
        print_titled("All networks tie, trees are far better", designs, ties(designs))
    if records["short"]:
        designs = by_design(records["short"])
        print_titled("Trained for 5 epochs", designs, short_trainings(designs))
    if records["planted"]:
        designs = by_design(records["planted"])
        for title, rows in endings(designs).items():
            print_titled(title, designs, rows)


def truth_of(verdict: Record, *, own: bool = True) -> Record:
    """Return what a verdict is held against: with one seed this one network (`own`), else the mean over all seeds."""
    return verdict["own"] if own and verdict["own"] else verdict["truth"]


def false_alarms(designs: Mapping, verdicts: Verdicts, *, own: bool = True) -> Rows:
    """Return how often a label was given where it is not true."""

    def given(label: str) -> Callable[[Record], Iterable[bool]]:
        return lambda study: [
            one["label"] == label for one in verdicts(study) if not is_true(label, truth_of(one, own=own))
        ]

    def beside(study: Record) -> Iterable[bool]:
        both = [one for one in verdicts(study) if one["also"]]
        return [not is_true(one["also"], truth_of(one, own=own)) for one in both]

    def longer(study: Record) -> Iterable[bool]:
        mine = [one for one in verdicts(study) if one["names"] == LONGER_TRAINING]
        return [one["truth"]["longer"] <= 1 for one in mine if one["truth"]["longer"] is not None]

    words = {
        OVERFITS.name: "`overfits`, where nothing tighter truly gains more than the margin",
        UNDERFITS.name: "`underfits`, where nothing freer does",
        JUST_RIGHT.name: "`just right`, where something does",
    }
    rows = [design_row(text, designs, given(label)) for label, text in words.items()]
    return [
        *rows,
        design_row("the other direction, said beside the label, is not true", designs, beside),
        design_row(
            "longer training decides the label, and truly gains less than the margin", designs, longer
        ),
    ]


def directions(designs: Mapping) -> Rows:
    """Return how often a direction is named where the truth lies far from the margin, and how often it is the right one."""
    rows = []
    for far in FARTHER:

        def beyond(study: Record, far: int = far) -> list[Record]:
            return [one for one in _verdicts(study) if _largest(truth_of(one)) >= far]

        def named(study: Record, beyond: Verdicts = beyond) -> list[Record]:
            return [one for one in beyond(study) if one["label"] in DIRECTION]

        where = f"truth beyond {in_margins(far)}"
        rows += [
            design_row(
                f"{where}: a direction is named",
                designs,
                lambda study, beyond=beyond: [one["label"] in DIRECTION for one in beyond(study)],
            ),
            design_row(
                "... it is that of the larger true gain",
                designs,
                lambda study, named=named: [
                    one["label"] == true_label(truth_of(one)) for one in named(study)
                ],
            ),
            design_row(
                "... something in it truly gains more than the margin",
                designs,
                lambda study, named=named: [is_true(one["label"], truth_of(one)) for one in named(study)],
            ),
        ]
    return rows


def shares_by_truth(designs: Mapping) -> Rows:
    """Return how often each label is given, by the true label."""
    rows = []
    for true in (OVERFITS.name, UNDERFITS.name, JUST_RIGHT.name):
        for said in (true, UNDECIDED.name):

            def given(study: Record, true: str = true, said: str = said) -> Iterable[bool]:
                mine = [one for one in _verdicts(study) if true_label(truth_of(one)) == true]
                if true == JUST_RIGHT.name:
                    mine = [one for one in mine if all(one["is_measured"])]
                return [one["label"] == said for one in mine]

            where = ", networks measured in both directions" if true == JUST_RIGHT.name else ""
            rows.append(design_row(f"truly `{true}`{where}: `{said}`", designs, given))
    return rows


def ties(designs: Mapping) -> Rows:
    """Return what is said where `just right` is the truth."""

    def tied(study: Record, *, is_measured: bool) -> list[Record]:
        flat = [one for one in study.get("tied", ()) if _largest(truth_of(one)) <= 1]
        return [one for one in flat if all(one["is_measured"]) or not is_measured]

    def given(label: str, *, is_measured: bool) -> Callable[[Record], Iterable[bool]]:
        return lambda study: [one["label"] == label for one in tied(study, is_measured=is_measured)]

    labels = (JUST_RIGHT.name, UNDECIDED.name, UNDERFITS.name, OVERFITS.name)
    return [
        *(design_row(f"`{label}`", designs, given(label, is_measured=True)) for label in labels),
        *(
            design_row(f"of all six networks: `{label}`", designs, given(label, is_measured=False))
            for label in (UNDERFITS.name, OVERFITS.name)
        ),
    ]


def short_trainings(designs: Mapping) -> Rows:
    """Return what is said of networks that were trained for a few epochs."""

    def of(claim: Callable[[Record], bool]) -> Callable[[Record], Iterable[bool]]:
        return lambda study: [
            claim(one) for one in study["verdicts"] if (one["truth"]["longer"] or 0.0) > FARTHER[0]
        ]

    claims: dict[str, Callable[[Record], bool]] = {
        "`just right` (never true here)": lambda one: one["label"] == JUST_RIGHT.name,
        "`underfits`": lambda one: one["label"] == UNDERFITS.name,
        "`overfits`": lambda one: one["label"] == OVERFITS.name,
        "`undecided`": lambda one: one["label"] == UNDECIDED.name,
        "its loss was still falling: shown": lambda one: one["falls"] == "better",
        "... excluded (never true here)": lambda one: one["falls"] == "excluded",
        "its training is called too short to judge": lambda one: one["is_cut_short"],
        "longer training decides the label": lambda one: one["names"] == LONGER_TRAINING,
        "the command trains longer": lambda one: "--max-epochs" in one["command"],
    }
    return [
        *(design_row(words, designs, of(claim)) for words, claim in claims.items()),
        design_row("`overfits` by its end", designs, of(lambda one: one["names"] == EARLIER_END)),
    ]


def endings(designs: Mapping) -> dict[str, Rows]:
    """Return a table for each question about planted ends."""
    kinds = dict.fromkeys(study["ending"] for studies in designs.values() for study in studies)

    def rows(claim: Callable[[Record], bool]) -> Rows:
        return [
            [
                kind,
                *(
                    share_of(
                        [one for one in studies if one["ending"] == kind],
                        lambda study: [claim(one) for one in study["verdicts"]],
                    )
                    for studies in designs.values()
                ),
            ]
            for kind in kinds
        ]

    return {
        "Planted ends: `overfits`": rows(lambda one: one["label"] == OVERFITS.name),
        "Planted ends: the true rise of the trend is covered": rows(lambda one: is_covered(*one["rise"])),
        "Planted ends: a rise beyond the margin is excluded": rows(lambda one: one["rise"][1] < 1),
        "Planted ends: `just right`": rows(lambda one: one["label"] == JUST_RIGHT.name),
        "Planted ends: the true rise itself is beyond the margin": rows(lambda one: one["rise"][2] > 1),
        "Planted ends: a spike is named": rows(lambda one: one["spikes"] > 0),
    }


def _verdicts(study: Record) -> Sequence[Record]:
    return study["verdicts"]


def _largest(truth: Record) -> float:
    return max(truth["freer"] or 0.0, truth["tighter"] or 0.0)
