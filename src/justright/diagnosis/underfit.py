"""Did the study measure something better? Underfitting is shown by what would have helped, never guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from justright.diagnosis.evidence import VariantEvidence
from justright.diagnosis.pairs import Pairs
from justright.diagnosis.words.numbers import estimate, listed_briefly, number, rounded, word
from justright.statistics.intervals import Interval
from justright.statistics.paired import Compared
from justright.statistics.sample_size import Needs, required_for_each
from justright.statistics.simultaneous import Indices
from justright.study.directions import FREER as UNDERFIT_CHANGES

REFERENCE_KIND = "reference"
MOST_SENTENCES = 4  # about single candidates, the largest gains; the others are counted
NO_CANDIDATE = "Nothing in the study could show underfitting: it has no larger variant, no less regularized one and no reference."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variant or reference that might be better than the variant judged.

    Args:
        kind: 'more capacity', 'longer training', 'less regularization', 'more capacity and regularization' or 'reference'.
        name: the variant or the reference.
        difference: its loss minus the variant's, each at its chosen epoch; simultaneous over all candidates.
        gain_margin: how much it must gain to count.
        needs: what would decide it; None where its interval excludes the margin, or another candidate matters more: one
            that is better, or has a measured gain beyond the margin where this one has none.
    """

    kind: str
    name: str
    difference: Interval
    gain_margin: float
    needs: Needs | None = None

    @property
    def is_better(self) -> bool:
        """Whether it lowers the loss by more than the margin: the whole interval lies beyond it."""
        return self.difference.is_below(-self.gain_margin)

    @property
    def is_excluded(self) -> bool:
        """Whether a gain of more than the margin is excluded."""
        return self.difference.is_above(-self.gain_margin)


def judge_candidates(
    pairs: Pairs, name: str, others: Sequence[str], margin: float, *, level: float
) -> tuple[Candidate, ...]:
    """Return everything that could show that variant `name` underfits, the largest gain first.

    Candidates are variants with more parameters, the baseline of `name` if it is a regularized variant, variants of `name`
    whose `change` is one of `UNDERFIT_CHANGES`, and the reference. A remedy against overfitting of the same size is not
    among them: its success shows that the variant learns too much, not too little.

    Args:
        pairs: comparisons of all that was measured.
        name: the variant judged.
        others: the variants it may be compared with, sorted by name.
        margin: what counts as a difference, in units of the loss.
        level: coverage of all intervals of this variant together.
    """
    groups = _groups(pairs, name, others)
    count = sum(map(len, groups.values()))
    judged = []
    # Comparisons with different seeds are not drawn together: they share the error rate instead.
    for seeds, members in groups.items():
        over = pairs.over(seeds)
        left = np.array([over.numbers[other] for _, other in members])
        right = np.full_like(left, over.numbers[name])
        share = 1 - (1 - level) * len(members) / count
        judged.append((members, over.losses, over.losses.compare(left, right, level=share), share))
    needs = _needs([compared for _, _, compared, _ in judged], margin)
    candidates = []
    for (members, losses, compared, share), wanted in zip(judged, needs, strict=True):
        found = required_for_each(
            np.abs(compared.means[wanted] + margin),
            compared.by_source[:, wanted],
            seeds=compared.seeds,
            rows=losses.rows,
            level=share,
            widening=compared.widening,
        )
        decides = dict(zip(wanted.tolist(), found, strict=True))
        candidates += [
            Candidate(kind, other or _reference_name(pairs), compared.interval(at), margin, decides.get(at))
            for at, (kind, other) in enumerate(members)
        ]
    return tuple(sorted(candidates, key=lambda one: (one.difference.mean, one.name)))


def candidate_reasons(candidates: tuple[Candidate, ...], margin: float, *, loss: str) -> tuple[str, ...]:
    """Return the sentences about what is better, or that nothing is.

    Args:
        candidates: as `judge_candidates` returns them.
        margin: what counts as a difference.
        loss: the name of the loss, such as 'test loss'.
    """
    if not candidates:
        return (NO_CANDIDATE,)
    better = [one for one in candidates if one.is_better]
    if better:
        first = [
            f"With {_described(one)} the {loss} is {estimate(one.difference.negated())} lower, "
            f"more than the margin {number(margin)}."
            for one in better[:MOST_SENTENCES]
        ]
        return _with_others(first, better, f"lower the {loss} by more than the margin as well")
    unsure = [one for one in candidates if not one.is_excluded]
    if unsure:
        first = [
            f"Whether {_described(one)} would lower the {loss} by more than the margin {number(margin)} "
            f"is open: the measured change is {estimate(one.difference)}."
            for one in unsure[:MOST_SENTENCES]
        ]
        return _with_others(first, unsure, f"may or may not lower the {loss} by more than the margin")
    largest = max(-one.difference.low for one in candidates)
    names = listed_briefly([one.name for one in candidates])
    if largest <= 0:
        return (f"Nothing it was compared with ({names}) lowers the {loss}.",)
    bound = rounded(largest, candidates[0].difference)
    return (
        f"Nothing it was compared with ({names}) lowers the {loss} by more than {bound} (margin {number(margin)}).",
    )


def _with_others(sentences: list[str], candidates: Sequence[Candidate], do: str) -> tuple[str, ...]:
    """Return the sentences about the first candidates, and one about all others."""
    others = len(candidates) - len(sentences)
    if not others:
        return tuple(sentences)
    who = f"{word(others).capitalize()} other candidates" if others > 1 else "One other candidate"
    return (*sentences, f"{who} {do}.")


def _groups(
    pairs: Pairs, name: str, others: Sequence[str]
) -> dict[tuple[int, ...], list[tuple[str, str | None]]]:
    """Return shared seeds -> (kind, name) of the candidates compared over them; the reference's name is None."""
    judged = pairs.measured[name].variant
    groups: dict[tuple[int, ...], list[tuple[str, str | None]]] = defaultdict(list)
    for other in others:
        kind = _kind(judged, pairs.measured[other].variant)
        seeds = pairs.shared_seeds(name, other) if kind else ()
        if seeds:
            groups[seeds].append((kind, other))
    if pairs.has_reference(name):
        groups[pairs.measured[name].seeds].append((REFERENCE_KIND, None))
    return groups


def _reference_name(pairs: Pairs) -> str:
    return pairs.reference.name if pairs.reference is not None else ""


def _kind(judged: VariantEvidence, other: VariantEvidence) -> str:
    """Return what `other` has that `judged` lacks; '' if it cannot show underfitting."""
    if other.name == judged.name:
        return ""
    if other.baseline == judged.name and other.change in UNDERFIT_CHANGES:
        return other.change
    if other.parameters > judged.parameters:
        return "more capacity" if other.baseline is None else "more capacity and regularization"
    is_untreated = judged.baseline == other.name and other.parameters == judged.parameters
    return "less regularization" if is_untreated and judged.change not in UNDERFIT_CHANGES else ""


def _needs(groups: Sequence[Compared], margin: float) -> list[Indices]:
    """Return for each group the candidates of which it matters what would decide them.

    If any is better, the label is decided. Else a measured gain beyond the margin is enough to be shown; without one all open
    candidates must be excluded.
    """
    is_open = [(one.lows <= -margin) & (one.highs >= -margin) for one in groups]
    if any((one.highs < -margin).any() for one in groups):
        is_open = [np.zeros_like(each) for each in is_open]
    gains = [each & (one.means < -margin) for each, one in zip(is_open, groups, strict=True)]
    chosen = gains if any(each.any() for each in gains) else is_open
    return [np.flatnonzero(each) for each in chosen]


def _described(candidate: Candidate) -> str:
    """Return a candidate's kind and name, to follow 'with'."""
    return candidate.name if candidate.kind == REFERENCE_KIND else f"{candidate.kind} ({candidate.name})"
