"""Whether one noisy curve rises at its end, after the best of all points at which the rise may have begun.

For each end of the curve the parabola through it rises by some amount; how likely noise makes as much follows from
Student's t, on average over all strengths of autocorrelation, each weighted by how likely it is. Three things are added to
the logarithm of that p value: the shorter an end, the more others there are (`SHORT_ENDS`); a curve that first fell to
where the end begins turned there, and one that did not may just wander (the logarithm of that p value, down to a floor);
and a point left out, of which there is a choice (`omission_price`). The smallest sum decides.

A falling trend only makes sums larger, so a constant one is the worst that is none. `LEVELS` are the sums that 4.5 % of the
worst curves without a rise stay below: noise of correlation 0.7 or 0.9 about a constant or a plunge to a plateau, simulated
by `python -m benchmarks.diagnose.levels`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from justright.statistics.crossed import Floats
from justright.statistics.curve_ends import SHORTEST, CurveEnds, curve_ends
from justright.statistics.plateaus import plateaus

SHORT_ENDS = 3.0  # power of the curve's length over the end's that multiplies the p value
SHARE = 6  # ends have at least one point in so many of the curve's
FEW_POINTS = 8  # curves of fewer points may have ends of `SHORTEST` points, others of one more
ALL_OMITTED = (
    24  # points up to which each is left out in turn; of longer curves the outermost and the extreme ones
)
FEWEST_TO_OMIT = 6
FEWEST_FOR_PLATEAUS = 16  # of fewer points a parabola follows all that is there
MOST_SHARE = 0.1  # p value of a rise that is one, whatever else speaks for it
PLATEAU_PRICE = 3.0  # added for plateaus, which are rarer than curves that keep rising
LEVELS = {
    5: -5.5,
    6: -7.9,
    7: -8.5,
    8: -8.9,
    10: -9.3,
    12: -9.4,
    16: -9.6,
    20: -9.9,
    30: -10.4,
    50: -9.5,
    100: -8.6,
    150: -8.5,
}


@dataclass(frozen=True, slots=True)
class Rise:
    """The end of a curve that most surely rose.

    Shape:
        changes, errors, weights, freedom: (correlations,)

    Args:
        omitted: position of a point that was left out of the curve; None if none.
        score: the smallest sum. extra: what in it is not from the rise.
        level: it rose if the score is below.
        changes: by how much the end rose. errors: standard errors of that. weights: how likely each correlation is.
        freedom: degrees of freedom by which to judge.
        ends: all ends of the curve, without the omitted point.
    """

    omitted: int | None
    score: float
    extra: float
    level: float
    changes: Floats
    errors: Floats
    weights: Floats
    freedom: Floats
    ends: CurveEnds

    @property
    def is_sure(self) -> bool:
        """Whether it rose."""
        return self.score < self.level

    @property
    def share(self) -> float:
        """The p value of the rise alone that would be at the level."""
        return float(np.exp(self.level - self.extra))


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Ends of curves that may have risen; one by one parabolas, then plateaus.

    Shape:
        changes, errors, weights: (curves, correlations, candidates); freedom: (correlations, candidates);
        scores, extras: (curves, candidates), the sums, infinite for ends too short, and what in them is not from the rise.
    """

    changes: Floats
    errors: Floats
    weights: Floats
    freedom: Floats
    scores: Floats
    extras: Floats


def find_rise(values: Floats, *, allowance: float = 0.0) -> Rise:
    """Return the end of a curve that most surely rose: of the whole curve, or if none surely did, with a point left out.

    Args:
        values: (points,), at least 5, not all equal, scaled so that they spread over about 1.
        allowance: by how much the score may exceed the level of curves of which nothing else is known.
    """
    return Rises(values).surest(allowance)


def least_score(values: Floats) -> float:
    """Return the smallest score of a curve, with all its points or without one."""
    rises = Rises(values)
    return min(one.score for one in (rises.whole, rises.without_one) if one is not None)


class Rises:
    """The surest end of a whole curve, and that with a point left out: fitted once, they are judged by any allowance.

    Args:
        values: (points,), as for `find_rise`.
    """

    def __init__(self, values: Floats) -> None:
        self._values = values
        self.whole = _surest(values[None])

    @cached_property
    def without_one(self) -> Rise | None:
        """The surest end of the curve with a point left out; None if it has too few."""
        if len(self._values) < FEWEST_TO_OMIT:
            return None
        omitted = _omissions(self._values)
        fewer = np.array([np.delete(self._values, one) for one in omitted])
        return _surest(fewer, price=omission_price(len(self._values)), omitted=omitted)

    def surest(self, allowance: float = 0.0) -> Rise:
        """Return what `find_rise` does."""
        level = level_of(len(self._values)) + allowance
        whole = _at_level(self.whole, level)
        if whole.is_sure or self.without_one is None:
            return whole
        fewer = _at_level(self.without_one, level)
        return fewer if fewer.is_sure else whole


def _at_level(rise: Rise, level: float) -> Rise:
    return replace(rise, level=min(level, rise.level))


def _surest(curves: Floats, *, price: float = 0.0, omitted: list[int] | None = None) -> Rise:
    """Return the surest end of all curves, at the highest level there is; each lacks one of the points `omitted`."""
    ends = curve_ends(curves)
    found = _candidates(curves, ends)
    curve, place = (int(one) for one in np.unravel_index(np.argmin(found.scores), found.scores.shape))
    extra = float(found.extras[curve, place]) + price
    return Rise(
        None if omitted is None else omitted[curve],
        float(found.scores[curve, place]) + price,
        extra,
        extra + float(np.log(MOST_SHARE)),
        found.changes[curve, :, place],
        found.errors[curve, :, place],
        found.weights[curve, :, place],
        found.freedom[:, place],
        ends.only(curve),
    )


def level_of(points: int) -> float:
    """Return the score below which a curve of so many points surely rose."""
    return float(np.interp(np.log(points), np.log(list(LEVELS)), list(LEVELS.values())))


def omission_price(points: int) -> float:
    """Return what is added for leaving a point out: nothing for short curves, in which no spike can be told before."""
    return min(max((points - 10) / 5, 0.0), 2.0)


def fall_floor(points: int) -> float:
    """Return the logarithm of the smallest p value of a fall that counts: short curves cannot show smaller ones."""
    return -(4.0 + 2.0 * min(max((points - 10) / 20, 0.0), 1.0))


def _candidates(values: Floats, ends: CurveEnds) -> _Candidates:
    points = values.shape[1]
    changes, errors = ends.changes()
    first, first_errors = ends.first()
    freedom = np.broadcast_to(ends.freedom, changes.shape[1:])
    parts = [(changes, errors, ends.weights, freedom, first, np.hypot(first_errors, ends.deviation), 0.0)]
    if points >= FEWEST_FOR_PLATEAUS:
        steps = plateaus(values, ends.before)
        parts.append(
            (
                steps.rises,
                steps.errors,
                steps.weights,
                steps.freedom,
                steps.low,
                steps.deviation,
                PLATEAU_PRICE,
            )
        )
    shortest = max(SHORTEST + (points >= FEW_POINTS), points / SHARE)
    count = len(ends.lengths)
    before = np.cumsum(values, axis=1)[:, None, : count - 1] / np.arange(1, count)
    extras = []
    for _, _, weights, freedom, low, deviation, price in parts:
        fell = _chance(weights[..., 1:], freedom[:, 1:], before - low[..., 1:], deviation[..., 1:])
        extra = np.full((len(values), count), price) + SHORT_ENDS * np.log(points / ends.lengths)
        extra[:, 1:] += np.maximum(fell, fall_floor(points))
        extras.append(extra)
    scores = [
        np.where(ends.lengths >= shortest, _chance(weights, freedom, changes, errors) + extra, np.inf)
        for (changes, errors, weights, freedom, *_), extra in zip(parts, extras, strict=True)
    ]
    changes, errors, weights, freedom = (
        np.concatenate(one, axis=-1) for one in ([part[column] for part in parts] for column in range(4))
    )
    return _Candidates(
        changes, errors, weights, freedom, np.concatenate(scores, axis=-1), np.concatenate(extras, axis=-1)
    )


def _chance(weights: Floats, freedom: Floats, values: Floats, errors: Floats) -> Floats:
    """Return the logarithm of how likely noise makes such values, on average over all correlations."""
    from scipy import special

    tiny = np.finfo(np.float64).tiny
    by_chance = (weights * special.stdtr(freedom, -values / np.maximum(errors, tiny))).sum(axis=1)
    return np.asarray(np.log(np.maximum(by_chance, tiny)))


def _omissions(values: Floats) -> list[int]:
    """Return positions of points that may be left out, each once."""
    points = len(values)
    if points <= ALL_OMITTED:
        return list(range(points))
    extreme = int(np.argmin(values)), int(np.argmax(values))
    return list(dict.fromkeys([0, 1, points - 2, points - 1, *extreme]))
