"""Did the study measure something better? Underfitting is shown by what would have helped, never guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from justright.diagnosis.evidence import UNDERFIT_CHANGES, ReferenceEvidence, VariantEvidence
from justright.diagnosis.measured import Measured, paired_differences
from justright.diagnosis.words.numbers import estimate, listed, number, rounded
from justright.statistics.crossed import Crossed, Floats, crossed
from justright.statistics.intervals import Interval
from justright.statistics.sample_size import Needs, required_seeds_or_rows
from justright.statistics.simultaneous import judge_jointly

REFERENCE_KIND = "reference"
NO_CANDIDATE = "Nothing in the study could show underfitting: it has no larger variant, no less regularized one and no reference."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variant or reference that might be better than the variant judged.

    Args:
        kind: 'more capacity', 'longer training', 'less regularization', 'more capacity and regularization' or 'reference'.
        name: the variant or the reference.
        difference: its loss minus the variant's, each at its chosen epoch; simultaneous over all candidates.
        gain_margin: how much it must gain to count.
        needs: what would decide it, if its interval contains the margin.
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
    measured: Mapping[str, Measured],
    name: str,
    reference: ReferenceEvidence | None,
    margin: float,
    *,
    level: float,
    rng: np.random.Generator,
) -> tuple[Candidate, ...]:
    """Return everything that could show that variant `name` underfits, the largest gain first.

    Candidates are variants with more parameters, the baseline of `name` if it is a regularized variant, variants of `name`
    whose `change` is one of `UNDERFIT_CHANGES`, and the reference. A remedy against overfitting of the same size is not
    among them: its success shows that the variant learns too much, not too little.

    Args:
        measured: losses of the variant judged and of all that it is compared with.
        name: the variant judged.
        reference: another kind of model, if any.
        margin: what counts as a difference, in units of the loss.
        level: coverage of all intervals of this variant together.
        rng: source of the draws.
    """
    found = _differences(measured, name, reference)
    groups: dict[int, list[tuple[str, str, Crossed]]] = defaultdict(list)
    for kind, other, differences in found:
        table = crossed(differences)
        groups[table.seeds].append((kind, other, table))
    candidates = []
    # Comparisons with different seeds are not drawn together: they share the error rate instead.
    for members in groups.values():
        share = 1 - (1 - level) * len(members) / len(found)
        candidates += _judge_group(members, margin, share, rng)
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
        return tuple(
            f"With {_described(one)} the {loss} is {estimate(one.difference.negated())} lower, "
            f"more than the margin {number(margin)}."
            for one in better
        )
    unsure = [one for one in candidates if not one.is_excluded]
    if unsure:
        return tuple(
            f"Whether {_described(one)} would lower the {loss} by more than the margin {number(margin)} "
            f"is open: the measured change is {estimate(one.difference)}."
            for one in unsure
        )
    largest = max(-one.difference.low for one in candidates)
    names = listed([one.name for one in candidates])
    if largest <= 0:
        return (f"Nothing it was compared with ({names}) lowers the {loss}.",)
    bound = rounded(largest, candidates[0].difference)
    return (
        f"Nothing it was compared with ({names}) lowers the {loss} by more than {bound} (margin {number(margin)}).",
    )


def _differences(
    measured: Mapping[str, Measured], name: str, reference: ReferenceEvidence | None
) -> list[tuple[str, str, Floats]]:
    """Return (kind, name, (seeds, rows) candidate minus variant) of every candidate, by name."""
    judged = measured[name]
    found = []
    for other in sorted(measured):
        kind = _kind(judged.variant, measured[other].variant)
        differences = paired_differences(measured[other], judged) if kind else None
        if differences is not None:
            found.append((kind, other, differences))
    if reference is not None and reference.test.shape == judged.best.shape[1:]:
        differences = reference.test.astype(np.float64) - judged.best
        if np.isfinite(differences).all():
            found.append((REFERENCE_KIND, reference.name, differences))
    return found


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


def _judge_group(
    members: list[tuple[str, str, Crossed]], margin: float, level: float, rng: np.random.Generator
) -> list[Candidate]:
    """Return the candidates of one group of comparisons over the same seeds."""
    intervals = judge_jointly([table for _, _, table in members], level=level, rng=rng).intervals
    candidates = []
    for (kind, name, table), interval in zip(members, intervals, strict=True):
        is_open = interval.low <= -margin <= interval.high
        needs = None
        if is_open:
            own = judge_jointly([table], level=level, rng=rng).intervals[0]
            widening = (interval.high - interval.low) / (own.high - own.low) if own.high > own.low else 1.0
            needs = required_seeds_or_rows(table, -margin, level=level, widening=widening)
        candidates.append(Candidate(kind, name, interval, margin, needs))
    return candidates


def _described(candidate: Candidate) -> str:
    """Return a candidate's kind and name, to follow 'with'."""
    return candidate.name if candidate.kind == REFERENCE_KIND else f"{candidate.kind} ({candidate.name})"
