"""What would help a network? Everything else that was measured beside it: freer or tighter alternatives, and headroom.

An alternative's *gain* is by how much its loss lies below that of the network judged, each at its chosen epoch, paired by
row and seed. The gains of all freer and tighter alternatives of a network hold together. What is neither (another kind
of model, other inputs, the ensemble of the network's own seeds) is headroom: it says how much more can be learned from
these rows, and never decides a label.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from justright.diagnosis.effects import ensemble_differences
from justright.diagnosis.evidence import EnsembleEvidence, VariantEvidence
from justright.diagnosis.pairs import Pairs, Seeds
from justright.statistics.crossed import crossed
from justright.statistics.intervals import Interval, interval_of
from justright.statistics.paired import Compared
from justright.statistics.sample_size import Needs, required_for_each
from justright.statistics.simultaneous import Indices
from justright.study import directions
from justright.study.brakes import is_tighter
from justright.study.directions import Direction, direction_of

REFERENCE_KIND = "another kind of model"
ENSEMBLE_KIND = "an ensemble of its seeds"
# What the baseline of a changed network is to it: the change, undone.
UNDONE: Mapping[str, str] = MappingProxyType(
    {
        directions.MORE_CAPACITY: directions.LESS_CAPACITY,
        directions.MORE_WITH_BRAKE: directions.LESS_CAPACITY,
        directions.LESS_REGULARIZATION: directions.REGULARIZATION,
        directions.LONGER_TRAINING: directions.SHORTER_TRAINING,
        directions.SHORTER_TRAINING: directions.LONGER_TRAINING,
        directions.LESS_CAPACITY: directions.MORE_CAPACITY,
        **dict.fromkeys(
            (directions.REGULARIZATION, directions.NOISE, directions.AVERAGING, directions.AUGMENTATION),
            directions.LESS_REGULARIZATION,
        ),
        directions.OTHER_INPUTS: directions.OTHER_INPUTS,
        directions.OTHER_TRAINING: directions.OTHER_TRAINING,
    }
)


@dataclass(frozen=True, slots=True)
class Alternative:
    """Something that might be better than the network judged.

    Args:
        kind: what it is to that network, in the words of `study/directions.py`, or a kind of headroom.
        name: of the variant, the reference, the ensemble, or of what the network itself could do otherwise.
        gain: loss of the network judged minus that of the alternative: above 0 it is better.
        margin: how much it must gain to count.
        is_measured: whether it is a network or model of its own, not drawn from the curve of the network judged.
        needs: what would decide it; None where its interval excludes the margin, or another alternative matters more: one
            that is better, or has a measured gain beyond the margin where this one has none.
    """

    kind: str
    name: str
    gain: Interval
    margin: float
    is_measured: bool = True
    needs: Needs | None = None

    @property
    def direction(self) -> Direction | None:
        """Whether it is freer or tighter than the network judged; None for headroom."""
        return direction_of(self.kind)

    @property
    def is_better(self) -> bool:
        """Whether it gains more than the margin: the whole interval lies above it."""
        return self.gain.is_above(self.margin)

    @property
    def is_excluded(self) -> bool:
        """Whether a gain of more than the margin is excluded."""
        return self.gain.is_below(self.margin)

    @property
    def is_open(self) -> bool:
        """Whether it is neither better nor excluded."""
        return not (self.is_better or self.is_excluded)

    def to_dict(self) -> dict[str, Any]:
        """Return the alternative as in result.json."""
        gain = self.gain
        return {"name": self.name, "kind": self.kind, "gain": gain.mean, "low": gain.low, "high": gain.high}


def deciding(alternatives: Iterable[Alternative]) -> Alternative | None:
    """Return the one that decides a direction: of those that are better the largest gain, else of those that are open, else of all.

    So it is better exactly if any is, and excluded exactly if all are; None without any.
    """
    found = sorted(alternatives, key=lambda one: (one.is_better, one.is_open, one.gain.mean), reverse=True)
    return found[0] if found else None


def kinds_of(pairs: Pairs, name: str, others: Sequence[str]) -> dict[str, str]:
    """Return what each of the other variants is to variant `name`, in their order; see `kind_between`."""
    mine = pairs.measured[name].variant
    return {other: kind_between(mine, pairs.measured[other].variant) for other in others if other != name}


def judge_alternatives(
    pairs: Pairs,
    name: str,
    kinds: Mapping[str, str],
    margin: float,
    *,
    level: float,
    is_decided: bool = False,
) -> tuple[Alternative, ...]:
    """Return every freer and tighter variant of the study, compared with variant `name`, the largest gain first.

    Args:
        pairs: comparisons of all that was measured.
        name: the variant judged.
        kinds: the variants it may be compared with, and what each is to it.
        margin: what counts as a difference, in units of the loss.
        level: coverage of all intervals of this variant together.
        is_decided: whether its label is known already, so that nobody needs to know what would decide.
    """
    directed = [(kind, other) for other, kind in kinds.items() if direction_of(kind)]
    return _compared(pairs, name, directed, margin, level=level, is_decided=is_decided)


def judge_headroom(
    pairs: Pairs,
    name: str,
    kinds: Mapping[str, str],
    ensemble: EnsembleEvidence | None,
    margin: float,
    *,
    level: float,
) -> tuple[Alternative, ...]:
    """Return what is neither freer nor tighter than variant `name`, the largest gain first.

    The interval of an ensemble covers rows only, since it is one model.

    Args:
        pairs: comparisons of all that was measured.
        name: the variant judged.
        kinds: the variants it may be compared with, and what each is to it.
        ensemble: of its seeds; None without one.
        margin: what counts as a difference, in units of the loss.
        level: coverage of the intervals.
    """
    mine = pairs.measured[name]
    found: list[tuple[str, str | None]] = [
        (kind, other) for other, kind in kinds.items() if not direction_of(kind)
    ]
    if pairs.has_reference(name):
        found.append((REFERENCE_KIND, None))
    compared = list(_compared(pairs, name, found, margin, level=level, is_decided=True))
    if ensemble is not None and mine.source == "test":
        difference = ensemble_differences(ensemble, mine)
        if difference is not None:
            gain = interval_of(crossed(-difference), level=level)
            compared.append(Alternative(ENSEMBLE_KIND, ensemble.name, gain, margin))
    return _sorted(compared)


def kind_between(judged: VariantEvidence, other: VariantEvidence) -> str:
    """Return what `other` is to `judged`: the change that leads to it, in the words of `study/directions.py`.

    A declared change counts first, then the number of parameters, then what brakes either of them: any brake that is
    added or stronger makes the other one tighter.
    """
    if other.baseline == judged.name and other.change in UNDONE:
        return other.change
    if judged.baseline == other.name and judged.change in UNDONE:
        return UNDONE[judged.change]
    is_known = judged.brakes is not None and other.brakes is not None
    is_braked = other.baseline is not None
    is_freed = judged.baseline == other.name
    if judged.brakes is not None and other.brakes is not None:
        is_braked, is_freed = is_tighter(other.brakes, judged.brakes), is_tighter(judged.brakes, other.brakes)
    if other.parameters > judged.parameters:
        return directions.MORE_WITH_BRAKE if is_braked else directions.MORE_CAPACITY
    if other.parameters < judged.parameters:
        return directions.LESS_CAPACITY
    # Of two remedies of one baseline whose layers are unknown, each brakes in a way that the other lacks.
    if is_braked and (is_known or other.baseline in (judged.name, judged.baseline)):
        return directions.REGULARIZATION
    if is_freed:
        return directions.LESS_REGULARIZATION
    limits = judged.max_epochs, other.max_epochs
    if limits[0] and limits[1] and limits[0] != limits[1]:
        return directions.LONGER_TRAINING if limits[1] > limits[0] else directions.SHORTER_TRAINING
    return directions.OTHER_TRAINING


def _compared(
    pairs: Pairs,
    name: str,
    members: Sequence[tuple[str, str | None]],
    margin: float,
    *,
    level: float,
    is_decided: bool,
) -> tuple[Alternative, ...]:
    """Return alternatives (kind, variant or None for the reference) compared with `name`, the largest gain first.

    Comparisons with different seeds are not drawn together: they share the error rate instead.
    """
    groups: dict[Seeds, list[tuple[str, str | None]]] = defaultdict(list)
    for kind, other in members:
        seeds = pairs.shared_seeds(name, other) if other is not None else pairs.measured[name].seeds
        if seeds:
            groups[seeds].append((kind, other))
    count = sum(map(len, groups.values()))
    judged = []
    for seeds, group in groups.items():
        over = pairs.over(seeds)
        right = np.array([over.numbers[other] for _, other in group])
        left = np.full_like(right, over.numbers[name])
        share = 1 - (1 - level) * len(group) / count
        judged.append((group, over.losses, over.losses.compare(left, right, level=share), share))
    needs = [np.array([], np.int64)] * len(judged)
    if not is_decided:
        needs = _needed([compared for _, _, compared, _ in judged], margin)
    found = []
    for (group, losses, compared, share), wanted in zip(judged, needs, strict=True):
        required = required_for_each(
            np.abs(compared.means[wanted] - margin),
            compared.by_source[:, wanted],
            seeds=compared.seeds,
            rows=losses.rows,
            level=share,
            widening=compared.widening,
        )
        decides = dict(zip(wanted.tolist(), required, strict=True))
        found += [
            Alternative(
                kind, other or _reference_name(pairs), compared.interval(at), margin, needs=decides.get(at)
            )
            for at, (kind, other) in enumerate(group)
        ]
    return _sorted(found)


def _needed(groups: Sequence[Compared], margin: float) -> list[Indices]:
    """Return for each group the alternatives of which it matters what would decide them.

    If any is better, the label is decided. Else a measured gain beyond the margin is enough to be shown; without one all open
    alternatives must be excluded.
    """
    is_open = [(one.lows <= margin) & (one.highs >= margin) for one in groups]
    if any((one.lows > margin).any() for one in groups):
        is_open = [np.zeros_like(each) for each in is_open]
    gains = [each & (one.means > margin) for each, one in zip(is_open, groups, strict=True)]
    chosen = gains if any(each.any() for each in gains) else is_open
    return [np.flatnonzero(each) for each in chosen]


def _sorted(alternatives: Iterable[Alternative]) -> tuple[Alternative, ...]:
    key: Callable[[Alternative], tuple[float, str]] = lambda one: (-one.gain.mean, one.name)  # noqa: E731
    return tuple(sorted(alternatives, key=key))


def _reference_name(pairs: Pairs) -> str:
    return pairs.reference.name if pairs.reference is not None else ""
