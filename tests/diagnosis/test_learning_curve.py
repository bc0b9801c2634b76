"""Forecasts of learning curves: right where the truth is known, refused where the shape forbids them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.known_truth import predicted
from tests.refusals import refusal

from justright.diagnosis import learning_curve
from justright.diagnosis.effects import Effect
from justright.diagnosis.evidence import LearningCurve
from justright.diagnosis.learning_curve import error_covariance, judge_scaling
from justright.diagnosis.words.more_data import scaling_sentence, scaling_to_dict
from justright.statistics.crossed import crossed

ROWS = (625, 1_250, 2_500, 5_000, 10_000)
MARGIN = 0.002


def measured(truth, *, seed=0, seeds=3, test_rows=2_000, rows=ROWS, seed_deviation=0.003):
    """Return a learning curve whose true losses are `truth`, with errors of rows, seeds and both."""
    rng = np.random.default_rng(seed)
    shared = rng.exponential(0.4, test_rows)
    shared -= 0.4
    losses = [
        float(loss)
        + shared
        + rng.normal(0, seed_deviation, (seeds, 1))
        + rng.normal(0, 0.1, (seeds, test_rows))
        for loss in truth
    ]
    return LearningCurve("Large", tuple(rows), tuple(losses))


def power_law(rows):
    """Return the truth of a well-behaved curve."""
    return 0.45 + 1.8 * np.asarray(rows, dtype=np.float64) ** -0.35


def test_gains_and_losses_cover_the_truth_of_a_well_behaved_curve():
    """Of 20 curves at most 3 forecasts miss, which has a chance below 5 % at a coverage of 95 %."""
    twice, four = power_law([20_000, 40_000]) - power_law(10_000)
    missed = forecast = 0
    for seed in range(20):
        found = judge_scaling(measured(power_law(ROWS), seed=seed), margin=MARGIN)
        if found.refusal is None:
            forecast += 1
            first, second = found.gains
            missed += not first.low <= twice <= first.high or not second.low <= four <= second.high
    assert forecast >= 17
    assert missed <= 3


def test_both_families_lie_in_the_forecast():
    """The interval covers the choice of the family: each fit's own prediction is in it."""
    found = judge_scaling(measured(power_law(ROWS)), margin=MARGIN)
    assert [fit.family for fit in found.fits] == ["power law", "MMF"]
    for point in found.forecast:
        for fit in found.fits:
            assert point.low <= predicted(fit, [point.train_rows])[0] <= point.high


def test_a_forecast_is_wider_the_farther_it_looks_and_the_same_each_time():
    """Four times the rows are less sure than twice; the draws are seeded."""
    first, again = (judge_scaling(measured(power_law(ROWS)), margin=MARGIN) for _ in range(2))
    assert first.forecast == again.forecast
    widths = [gain.high - gain.low for gain in first.gains]
    assert widths[0] < widths[1]


@pytest.mark.parametrize(
    ("truth", "reason"),
    [
        (
            (0.60, 0.57, 0.62, 0.58, 0.56),
            "It passes a peak near 2,500 rows, as in double descent: from 1,250 to 2,500",
        ),
        (
            (0.60, 0.58, 0.57, 0.58, 0.60),
            "With more rows it gets worse: from 2,500 to 10,000 rows the loss rises by 0.0",
        ),
        (
            (0.690, 0.689, 0.688, 0.67, 0.60),
            "It has not begun to flatten: from 5,000 to 10,000 rows each doubling",
        ),
        (
            (0.60, 0.56, 0.549, 0.547, 0.5),
            "It has not begun to flatten: from 5,000 to 10,000 rows each doubling",
        ),
    ],
)
def test_ill_behaved_curves_are_refused(truth, reason):
    """One sentence says why; nothing is forecast, and what was measured stays."""
    found = judge_scaling(measured(truth), margin=MARGIN)
    assert found.refusal is not None
    assert found.refusal.startswith(reason)
    assert (found.forecast, found.gains) == ((), ())
    assert [point.train_rows for point in found.measured] == list(ROWS)


def test_a_curve_that_its_smaller_sizes_do_not_predict_is_refused():
    """The sentence names what was predicted and what was measured."""
    noisy = learning_curve._Noisy(ROWS, np.zeros(5), np.eye(5), 10)
    missed = learning_curve.BackTest(learning_curve.Point(10_000, 0.45, 0.44, 0.466), 0.5321)
    assert learning_curve._miss(noisy, missed) == (
        "The sizes up to 5,000 rows predict 0.450 [0.440, 0.466] at 10,000, where 0.532 was measured: the curve does not "
        "follow the families it is fitted with."
    )
    assert learning_curve._miss(noisy, dataclasses.replace(missed, measured=0.45)) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": ROWS[1:]}, "It was trained on 4 sizes; a forecast needs at least 5."),
        (
            {"seeds": 1},
            "Its sizes share 1 seed; a forecast needs at least 2, better 3.",
        ),
        (
            {"rows": (5_000, 6_000, 7_000, 8_000, 10_000)},
            "Its sizes span a factor of 2.0, from 5,000 to 10,000 rows; a forecast to 4 times the rows needs at least 8.",
        ),
    ],
)
def test_too_little_to_forecast_from_is_refused(options, message):
    """Whole sentences."""
    rows = options.get("rows", ROWS)
    assert judge_scaling(measured(power_law(rows), **options), margin=MARGIN).refusal == message


def test_errors_of_rows_are_shared_and_errors_of_seeds_are_not():
    """Off the diagonal is the variance that shared rows explain; on it, that of seeds as well."""
    tables = [crossed(losses) for losses in measured(power_law(ROWS), seeds=40, seed_deviation=0.02).losses]
    covariance = error_covariance(tables)
    shared = covariance[~np.eye(5, dtype=bool)]
    np.testing.assert_allclose(
        shared, 0.4**2 / 2_000, rtol=0.2
    )  # of the exponential losses that all sizes share
    np.testing.assert_allclose(covariance.diagonal() - shared.mean(), 0.02**2 / 40, rtol=0.6)


def effect(remedy, difference, half=0.002):
    """Return the effect of a remedy on Large."""
    return Effect("Large", remedy, difference, difference - half, difference + half, 1.0, 1.0, True, 3)


def test_what_more_rows_are_worth_is_said_beside_the_remedy_worth_as_much():
    """The sentence of the report and of the terminal."""
    found = judge_scaling(measured(power_law(ROWS)), margin=MARGIN)
    effects = [effect("Dropout", -0.0125), effect("L2", -0.09)]
    said = scaling_sentence(found, effects=effects, margin=MARGIN, loss="test loss")
    assert said.startswith("Large: twice the rows (20,000) would change the test loss by -0.0")
    assert "], as much as Dropout (-0.013); four times the rows -0.0" in said
    assert " was measured." in said
    less = scaling_sentence(found, effects=[effect("L2", -0.2)], margin=MARGIN, loss="test loss")
    assert ", less than L2 (-0.200); four times" in less
    more = scaling_sentence(found, effects=[effect("L2", -0.001, 0.0005)], margin=MARGIN, loss="test loss")
    assert ", more than L2 (-0.001); four times" in more


def test_a_curve_that_is_flat_promises_nothing():
    """Rows that change less than the margin are said to; a forecast that includes none of it is not a gain."""
    flat = judge_scaling(measured(np.full(5, 0.5), test_rows=20_000), margin=0.1)
    said = scaling_sentence(flat, effects=[], margin=0.1, loss="test loss")
    assert said.startswith("Large: twice the rows (20,000) would change the test loss by ")
    assert "less than the margin 0.100" in said


def test_a_forecast_wider_than_the_whole_curve_is_refused():
    """A flat curve with noisy seeds: anything could come next."""
    found = judge_scaling(measured(np.full(5, 0.5), seed=3, seed_deviation=0.01), margin=0.0001)
    assert (found.forecast, found.gains) == ((), ())
    assert found.refusal is not None
    assert found.refusal.startswith("Its forecast is too vague to be of use: ")
    assert " for 2 times the rows, where 16 times the rows changed the loss by " in found.refusal


def test_a_gain_that_may_be_none_is_called_undecided():
    """An interval with both signs shows no worth."""
    found = judge_scaling(measured(power_law(ROWS)), margin=MARGIN)
    unsure = dataclasses.replace(
        found, gains=tuple(dataclasses.replace(one, high=0.001) for one in found.gains)
    )
    said = scaling_sentence(unsure, effects=[effect("Dropout", -0.0125)], margin=0.0001, loss="test loss")
    assert said.startswith(
        "Large: whether twice the rows (20,000) would lower the test loss cannot be told: the "
    )
    assert "Dropout" not in said


def test_result_json_gets_plain_values():
    """The keys that reports read, and the numbers behind the conclusion."""
    import json

    options = {"effects": [], "margin": MARGIN, "loss": "test loss"}
    values = scaling_to_dict(judge_scaling(measured(power_law(ROWS)), margin=MARGIN), **options)
    assert list(values) == [
        *("variant", "measured", "forecast", "gains", "fits", "back_test", "refusal", "conclusion")
    ]
    assert [point["train_rows"] for point in values["forecast"]] == [20_000, 40_000]
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    refused = scaling_to_dict(judge_scaling(measured((0.6, 0.5, 0.7, 0.5, 0.4)), margin=MARGIN), **options)
    assert refused["forecast"] == refused["gains"] == []
    assert refused["conclusion"] == f"Large: no forecast. {refused['refusal']}"


@pytest.mark.parametrize(
    ("rows", "shapes", "message"),
    [
        (
            (200, 100),
            [(2, 9)] * 2,
            "`train_rows` must rise, and each must have a table of losses; got (200, 100) and 2 tables.",
        ),
        (
            (100, 200),
            [(2, 9), (3, 9)],
            "All sizes must share their seeds and rows; got the shapes [(2, 9), (3, 9)].",
        ),
    ],
)
def test_curves_that_do_not_fit_together_are_refused(rows, shapes, message):
    """Whole messages."""
    assert refusal(LearningCurve, "A", rows, tuple(np.zeros(shape) for shape in shapes)) == message
