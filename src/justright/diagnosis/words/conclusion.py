"""The headline of a report: what each variant does, and which one is best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from justright.diagnosis.evidence import StudyEvidence
from justright.diagnosis.labels import labels
from justright.diagnosis.measured import Measured
from justright.diagnosis.verdicts import Verdict
from justright.diagnosis.words.numbers import estimate, listed_briefly, sentence, word


def conclude(
    judged: tuple[Verdict, ...], evidence: StudyEvidence, measured: Mapping[str, Measured], best: str | None
) -> str:
    """Return one sentence: what each variant does, and which one is best, with its loss.

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
    for label in labels():
        members = names[label.name]
        if len(members) == len(verdicts) > 2:
            parts.append(f"all {word(len(members))} variants {label.many}")
        elif members:
            parts.append(f"{listed_briefly(members)} {label.many if len(members) > 1 else label.one}")
    chosen = next((verdict for verdict in judged if verdict.variant == best), None)
    if chosen is not None and chosen.test is not None and len(judged) > 1:
        parts.append(
            f"best on validation rows is {best}, with a {measured[chosen.variant].loss} of {estimate(chosen.test)}"
        )
    elif chosen is not None and chosen.test is not None:
        parts.append(f"its {measured[chosen.variant].loss} is {estimate(chosen.test)}")
    return sentence("; ".join(parts))


def _headline(verdicts: tuple[Verdict, ...], evidence: StudyEvidence) -> tuple[Verdict, ...]:
    """Return the verdicts that fit into one sentence: only the baselines' if remedies of the catalogue were tried."""
    baselines = [one for one in verdicts if not evidence.variant(one.variant).remedy]
    return tuple(baselines) or verdicts
