"""The one sentence above a report: who does what, and which variant is best by how much."""

from __future__ import annotations

from collections import defaultdict

from justright.diagnosis.evidence import StudyEvidence
from justright.diagnosis.measured import Measured
from justright.diagnosis.verdicts import (
    DIVERGED,
    JUST_RIGHT,
    LABELS,
    OVERFITS,
    UNDECIDED,
    UNDERFITS,
    Verdict,
)
from justright.diagnosis.words.numbers import estimate, listed, sentence, word

PREDICATES = {
    OVERFITS: ("overfits", "overfit"),
    UNDERFITS: ("underfits", "underfit"),
    JUST_RIGHT: ("is just right", "are just right"),
    UNDECIDED: ("is undecided", "are undecided"),
    DIVERGED: ("diverged", "diverged"),
}


def conclude(
    judged: tuple[Verdict, ...], evidence: StudyEvidence, measured: dict[str, Measured], best: str | None
) -> str:
    """Return one sentence: who does what, and which variant is best by how much.

    Args:
        judged: the verdicts of all variants.
        evidence: the study.
        measured: what `measure_study` returned.
        best: the variant that validation rows choose.
    """
    verdicts = _headline(judged, evidence)
    names: dict[str, list[str]] = defaultdict(list)
    for verdict in verdicts:
        names[verdict.label].append(verdict.variant)
    parts = []
    for label in LABELS:
        members = names[label]
        if len(members) == len(verdicts) > 2:
            parts.append(f"all {word(len(members))} variants {PREDICATES[label][1]}")
        elif members:
            parts.append(f"{listed(members)} {PREDICATES[label][len(members) > 1]}")
    chosen = next((verdict for verdict in judged if verdict.variant == best), None)
    if chosen is not None and chosen.test is not None and len(judged) > 1:
        parts.append(
            f"best on validation rows is {best}, with a {measured[chosen.variant].loss} of {estimate(chosen.test)}"
        )
    elif chosen is not None and chosen.test is not None:
        parts.append(f"its {measured[chosen.variant].loss} is {estimate(chosen.test)}")
    return sentence("; ".join(parts))


def _headline(verdicts: tuple[Verdict, ...], evidence: StudyEvidence) -> tuple[Verdict, ...]:
    """Return the verdicts that one sentence can hold: of the baselines alone where a catalogue's remedies change them."""
    baselines = [one for one in verdicts if not evidence.variant(one.variant).remedy]
    return tuple(baselines) or verdicts
