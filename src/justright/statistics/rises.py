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

from dataclasses import dataclass

import numpy as np

from justright.statistics.crossed import Floats
from justright.statistics.curve_ends import SHORTEST, CurveEnds, curve_ends

SHORT_ENDS = 3.0  # power of the curve's length over the end's that multiplies the p value
SHARE = 6  # ends have at least one point in so many of the curve's
FEW_POINTS = 8  # curves of fewer points may have ends of `SHORTEST` points, others of one more
ALL_OMITTED = (
    24  # points up to which each is left out in turn; of longer curves the outermost and the extreme ones
)
FEWEST_TO_OMIT = 6
LEVELS = {
    5: -5.2,
    6: -7.8,
    7: -8.4,
    8: -8.9,
    10: -9.2,
    12: -9.3,
    16: -9.4,
    20: -9.8,
    30: -9.9,
    50: -9.0,
    100: -8.1,
    150: -7.8,
}


@dataclass(frozen=True, slots=True)
class Rise:
    """The end of a curve that most surely rose.

    Args:
        place: which of `ends`, which is also the position of its first point.
        omitted: position of a point that was left out of the curve; None if none.
        score: the smallest sum. level: it rose if the score is below.
        share: the p value of the rise alone that would be at the level.
        ends: the ends of the curve, without the omitted point.
    """

    place: int
    omitted: int | None
    score: float
    level: float
    share: float
    ends: CurveEnds


def find_rise(values: Floats) -> Rise:
    """Return the end of a curve that most surely rose: of the whole curve, or if none surely did, with a point left out.

    Args:
        values: (points,), at least 5, not all equal.
    """
    level = level_of(len(values))
    whole = _surest(values[None], level)
    if whole.score < level or len(values) < FEWEST_TO_OMIT:
        return whole
    fewer = _surest_without_one(values, level)
    return fewer if fewer.score < level else whole


def least_score(values: Floats) -> float:
    """Return the smallest score of a curve, with all its points or without one."""
    scores = [_surest(values[None], 0.0).score]
    if len(values) >= FEWEST_TO_OMIT:
        scores.append(_surest_without_one(values, 0.0).score)
    return min(scores)


def _surest(curves: Floats, level: float, *, price: float = 0.0, omitted: list[int] | None = None) -> Rise:
    """Return the surest end of all curves; each lacks one of the points `omitted`."""
    scores, extras, ends = _scores(curves)
    curve, place = (int(one) for one in np.unravel_index(np.argmin(scores), scores.shape))
    share = float(np.exp(min(level - extras[curve, place] - price, 0.0)))
    return Rise(
        place,
        None if omitted is None else omitted[curve],
        float(scores[curve, place]) + price,
        level,
        share,
        ends.only(curve),
    )


def _surest_without_one(values: Floats, level: float) -> Rise:
    omitted = _candidates(values)
    fewer = np.array([np.delete(values, one) for one in omitted])
    return _surest(fewer, level, price=omission_price(len(values)), omitted=omitted)


def level_of(points: int) -> float:
    """Return the score below which a curve of so many points surely rose."""
    return float(np.interp(np.log(points), np.log(list(LEVELS)), list(LEVELS.values())))


def omission_price(points: int) -> float:
    """Return what is added for leaving a point out: nothing for short curves, in which no spike can be told before."""
    return min(max((points - 10) / 5, 0.0), 2.0)


def fall_floor(points: int) -> float:
    """Return the logarithm of the smallest p value of a fall that counts: short curves cannot show smaller ones."""
    return -(4.0 + 2.0 * min(max((points - 10) / 20, 0.0), 1.0))


def _scores(values: Floats) -> tuple[Floats, Floats, CurveEnds]:
    """Return the scores of all ends, infinite for those too short, and the part that does not come from the rise."""
    from scipy import special

    points = values.shape[1]
    low = values.min(axis=1, keepdims=True)
    spread = np.ptp(values, axis=1, keepdims=True)
    scaled = (values - low) / np.where(spread > 0, spread, 1.0)
    ends = curve_ends(scaled)
    tiny = np.finfo(np.float64).tiny
    rises, errors = ends.changes()
    by_chance = special.stdtr(ends.freedom, -rises / np.maximum(errors, tiny))
    count = len(ends.lengths)
    first, error = (part[:, :, 1:] for part in ends.first())
    above = np.cumsum(scaled, axis=1)[:, None, : count - 1] / np.arange(1, count) - first
    spread_about = np.hypot(error, ends.deviation[:, :, 1:])
    fell = special.stdtr(ends.freedom[1:], -above / np.maximum(spread_about, tiny))
    extras = np.zeros((len(values), count))
    extras[:, 1:] = np.maximum(_log(_averaged(ends.weights[:, :, 1:], fell)), fall_floor(points))
    extras += SHORT_ENDS * np.log(points / ends.lengths)
    scores = _log(_averaged(ends.weights, by_chance)) + extras
    shortest = max(SHORTEST + (points >= FEW_POINTS), points / SHARE)
    return np.where(ends.lengths >= shortest, scores, np.inf), extras, ends


def _averaged(weights: Floats, values: Floats) -> Floats:
    return np.asarray((weights * values).sum(axis=1))


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(values, np.finfo(np.float64).tiny)))


def _candidates(values: Floats) -> list[int]:
    """Return positions of points that may be left out, each once."""
    points = len(values)
    if points <= ALL_OMITTED:
        return list(range(points))
    extreme = int(np.argmin(values)), int(np.argmax(values))
    return list(dict.fromkeys([0, 1, points - 2, points - 1, *extreme]))
