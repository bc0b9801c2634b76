"""A learning curve in words: what more rows are worth, and which remedy is worth as much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from justright.diagnosis.effects import Effect
from justright.diagnosis.learning_curve import FACTORS, Scaling
from justright.diagnosis.words.numbers import estimate, number, rounded
from justright.statistics.intervals import Interval

TIMES = {2: "twice", 4: "four times"}


def scaling_to_dict(
    scaling: Scaling, *, effects: Sequence[Effect], margin: float, loss: str
) -> dict[str, Any]:
    """Return a learning curve as in result.json.

    Args:
        scaling: what `judge_scaling` returned.
        effects: the study's measured effects, to compare with.
        margin: what counts as a difference.
        loss: the name of the loss, such as 'test loss'.
    """
    back_test = scaling.back_test
    return {
        "variant": scaling.variant,
        "measured": [point.to_dict() for point in scaling.measured],
        "forecast": [point.to_dict() for point in scaling.forecast],
        "gains": [
            {"train_rows": point.train_rows, "difference": one.mean, "low": one.low, "high": one.high}
            for point, one in zip(scaling.forecast, scaling.gains, strict=True)
        ],
        "fits": [{"family": fit.family, "parameters": dict(fit.parameters)} for fit in scaling.fits],
        "back_test": back_test
        and {"predicted": back_test.predicted.to_dict(), "measured": back_test.measured},
        "refusal": scaling.refusal,
        "conclusion": scaling_sentence(scaling, effects=effects, margin=margin, loss=loss),
    }


def scaling_sentence(scaling: Scaling, *, effects: Sequence[Effect], margin: float, loss: str) -> str:
    """Return what more rows would be worth to a variant, or why there is no forecast; arguments as for `scaling_to_dict`."""
    if scaling.refusal:
        return f"{scaling.variant}: no forecast. {scaling.refusal}"
    first, *others = scaling.gains
    later = ", ".join(
        f"{TIMES[factor]} the rows {estimate(gain)}" for factor, gain in zip(FACTORS[1:], others, strict=True)
    )
    return f"{scaling.variant}: {_worth(scaling, first, margin, loss)}{_comparison(scaling, effects)}; {later}.{_tested(scaling)}"


def _worth(scaling: Scaling, gain: Interval, margin: float, loss: str) -> str:
    """Return what twice the rows would change."""
    rows = f"{TIMES[FACTORS[0]]} the rows ({scaling.forecast[0].train_rows:,})"
    if gain.low > -margin:
        return f"{rows} would change the {loss} by {estimate(gain)}, less than the margin {number(margin)}"
    if gain.high >= 0:
        return f"whether {rows} would lower the {loss} cannot be told: the forecast is {estimate(gain)}"
    return f"{rows} would change the {loss} by {estimate(gain)}"


def _comparison(scaling: Scaling, effects: Sequence[Effect]) -> str:
    """Return how that compares with the remedies measured on the same variant; '' without any."""
    gain = scaling.gains[0]
    mine = [
        one for one in effects if one.baseline == scaling.variant and one.kind == "variant" and one.high < 0
    ]
    if not mine or gain.high >= 0:
        return ""
    near = min(mine, key=lambda one: (abs(one.difference - gain.mean), one.remedy))
    said = f"{near.remedy} ({rounded(near.difference, gain)})"
    if near.low <= gain.high and gain.low <= near.high:
        return f", as much as {said}"
    return f", {'more' if gain.mean < near.difference else 'less'} than {said}"


def _tested(scaling: Scaling) -> str:
    """Return the sentence about the back-test."""
    test = scaling.back_test
    if test is None:
        return ""
    one = test.predicted
    interval = Interval(one.mean, one.low, one.high)
    return (
        f" From the smaller sizes alone the curve predicts {estimate(interval)} at the largest; "
        f"{rounded(test.measured, interval)} was measured."
    )
