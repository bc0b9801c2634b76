"""The headline of a report: whether training was long enough to judge, what each variant does, and which one is best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from justright.diagnosis.evidence import StudyEvidence
from justright.diagnosis.findings import Findings
from justright.diagnosis.labels import UNDERFITS, label_named, labels
from justright.diagnosis.measured import Measured
from justright.diagnosis.verdicts import Verdict
from justright.diagnosis.words.advice import COMMAND, limit_words, more_epochs
from justright.diagnosis.words.numbers import (
    estimate,
    listed,
    listed_briefly,
    sentence,
    word,
)
from justright.study.directions import (
    LESS_REGULARIZATION,
    LONGER_TRAINING,
    MORE_CAPACITY,
    MORE_WITH_BRAKE,
)
from justright.study.remedy import NEIGHBOUR_GROUP

MOST_EXPLAINED = 10  # of more networks the headline says only what they do
# What a network lacks that underfits, by the kind of what is freer and better; of one network, and of several.
LACKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        MORE_CAPACITY: ("lacks capacity", "lack capacity"),
        MORE_WITH_BRAKE: ("lacks capacity and regularization", "lack capacity and regularization"),
        LESS_REGULARIZATION: ("is held back too much", "are held back too much"),
        LONGER_TRAINING: ("needs longer training", "need longer training"),
    }
)
# Of those that their epoch limit cut short: what is freer may only have learned faster.
OR_LONGER = ("or needs longer training", "or need longer training")


def conclude(
    judged: tuple[Verdict, ...], evidence: StudyEvidence, measured: Mapping[str, Measured], best: str | None
) -> str:
    """Return a sentence or two: whether training was too short, what each variant does, and the best one with its loss.

    Args:
        judged: the verdicts of all variants.
        evidence: the study.
        measured: what `measure_study` returned.
        best: the variant that validation rows choose.
    """
    verdicts = _headline(judged, evidence)
    names: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        names[verdict.label].append(verdict)
    parts = []
    for label in labels():
        if members := names[label.name]:
            asides = _asides(label.name, members) if len(verdicts) <= MOST_EXPLAINED else []
            parts.append(
                _group(label.name, members, verdicts) + (f" ({', '.join(asides)})" if asides else "")
            )
    chosen = next((verdict for verdict in judged if verdict.variant == best), None)
    if chosen is not None and chosen.test is not None and len(judged) > 1:
        parts.append(
            f"best on validation rows is {best}, with a {measured[chosen.variant].loss} of {estimate(chosen.test)}"
        )
    elif chosen is not None and chosen.test is not None:
        parts.append(f"its {measured[chosen.variant].loss} is {estimate(chosen.test)}")
    first = too_short_sentence([one.found for one in judged if one.found is not None])
    said = "; ".join(parts)
    if first:
        return f"{first} So far {said}."
    # The name of a variant keeps its first letter.
    return f"{said}." if any(said.startswith(one.variant) for one in verdicts) else sentence(said)


def too_short_sentence(found: Sequence[Findings]) -> str:
    """Return that training was too short to judge, and what to do; empty if it was long enough.

    It was too short if the epoch limit cut most networks short, and so early that none had begun to overfit.

    Args:
        found: what was found about every measured network.
    """
    cut = [one for one in found if one.is_cut_short]
    if 2 * len(cut) <= len(found) or any(one.overfits_by_time for one in found):
        return ""
    every = "both" if len(cut) == 2 else f"all {word(len(cut))}"
    many = f"{word(len(cut))} of {word(len(found))}" if len(cut) < len(found) else every
    who = f"{many} networks" if len(found) > 1 else cut[0].name
    longer = f"{COMMAND} --max-epochs {more_epochs(found)}"
    return f"Training was too short to judge: {who} {limit_words(cut)}. Train longer: {longer}."


def _group(name: str, members: Sequence[Verdict], verdicts: Sequence[Verdict]) -> str:
    """Return what the variants of one label do."""
    label = label_named(name)
    if len(members) == len(verdicts) > 2:
        return f"all {word(len(members))} variants {label.many}"
    return (
        f"{listed_briefly([one.variant for one in members])} {label.many if len(members) > 1 else label.one}"
    )


def _asides(name: str, members: Sequence[Verdict]) -> list[str]:
    """Return what else is to be said about the variants of one label: what they lack, and what they do beside it."""
    lacking: dict[tuple[str, bool], list[str]] = defaultdict(list)
    beside: dict[str, list[str]] = defaultdict(list)
    for one in members:
        if name == UNDERFITS.name and one.freer is not None and one.freer.kind in LACKS:
            is_unfinished = one.found is not None and one.found.is_unfinished
            lacking[one.freer.kind, is_unfinished and one.freer.kind != LONGER_TRAINING].append(one.variant)
        if one.also:
            beside[one.also].append(one.variant)
    said = []
    for (lack, is_unfinished), who in lacking.items():
        verb = LACKS[lack][len(who) > 1] + f", {OR_LONGER[len(who) > 1]}" * is_unfinished
        pronoun = "it" if len(members) == 1 else "they"
        said.append(f"{pronoun if len(who) == len(members) else listed(who)} {verb}")
    for kind, who in beside.items():
        label = label_named(kind)
        verb = label.many if len(who) > 1 else label.one
        said.append(f"{listed(who) if len(members) > 1 else 'it'} also {verb}")
    return said


def _headline(verdicts: tuple[Verdict, ...], evidence: StudyEvidence) -> tuple[Verdict, ...]:
    """Return the verdicts that fit into one sentence: not those on remedies of the catalogue, nor on a network's neighbours."""
    baselines = []
    for verdict in verdicts:
        variant = evidence.variant(verdict.variant)
        if not variant.remedy and variant.group != NEIGHBOUR_GROUP:
            baselines.append(verdict)
    return tuple(baselines) or verdicts
