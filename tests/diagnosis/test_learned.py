"""A network has learned something if it beats the constant prediction, and is told so if it does not."""

from __future__ import annotations

import re

import numpy as np
import pytest

from justright.diagnosis.judge import judge_study
from justright.diagnosis.learned import judge_learned, learned_reasons
from justright.statistics.intervals import mean_interval


@pytest.mark.parametrize(("loss", "learned"), [(0.6, True), (0.8, False), (0.7, None)])
def test_the_whole_interval_decides(maker_of, loss, learned):
    """Against the interval of the same differences; the constant's loss is 0.7, and seeds differ by 0.02."""
    maker = maker_of(seed_deviation=0.02)
    study = maker.study(maker.variant("Net", 10, loss))
    verdict = judge_study(study).verdict("Net")
    losses = np.array([run.test_best for run in study.variants[0].runs], dtype=np.float64)
    expected = mean_interval(losses - study.constant)
    assert (verdict.learned.difference.low, verdict.learned.difference.high) == (expected.low, expected.high)
    assert verdict.has_learned is learned or (learned is None and expected.mean >= 0)
    assert verdict.learned.constant == pytest.approx(0.7, abs=1e-2)


def test_a_network_that_is_the_constant_has_learned_nothing():
    """Rounding of single precision is no gain."""
    constant = np.random.default_rng(0).random(500).astype(np.float32)
    assert judge_learned(np.nextafter(constant, np.float32(0))[None], constant, level=0.95).is_shown is False
    assert judge_learned((constant - np.float32(0.1))[None], constant, level=0.95).is_shown is True
    noisy = constant - np.float32(0.01) + np.random.default_rng(1).normal(0, 1, 500).astype(np.float32)
    assert judge_learned(noisy[None], constant, level=0.95).is_shown is None


def test_what_was_not_recorded_is_not_judged():
    """Folders of earlier versions, and losses of other rows."""
    losses = np.ones((2, 500), np.float32)
    assert judge_learned(losses, None, level=0.95) is None
    assert judge_learned(losses, np.ones(499, np.float32), level=0.95) is None


def test_a_network_that_learned_nothing_is_told_so_first_and_is_not_just_right(maker):
    """Two equal networks, both at the constant's loss or worse: nothing is better, and yet neither is right."""
    judgement = judge_study(maker.study(maker.variant("A", 10, 0.75), maker.variant("B", 20, 0.75)))
    for name in "AB":
        verdict = judgement.verdict(name)
        assert verdict.label == "undecided"
        assert verdict.answer == (
            f"{name} is undecided: it has learned nothing, since its test loss is not below that of always predicting the same."
        )
        assert re.fullmatch(
            r"It has learned nothing: its test loss is 0\.0\d+ \[.*\] above that of always predicting the same \(0\.7\d*\)\.",
            verdict.reasons[0],
        ), verdict.reasons[0]
    plain = judgement.to_dict()["variants"]
    assert [one["learned"] for one in plain] == [False, False]


def test_a_gain_that_rows_may_explain_is_open():
    """The mean of -0.2, 0.3, -0.5 and 0.2 with Student's interval."""
    losses = np.array([[0.5, 1.0, 0.2, 0.9]], np.float32)
    learned = judge_learned(losses, np.full(4, 0.7, np.float32), level=0.95)
    assert learned.is_shown is None
    (reason,) = learned_reasons(learned, loss="test loss")
    assert reason == (
        "Whether it has learned anything is open: its test loss is 0.05 [-0.54, 0.64] below that of always predicting the same "
        "(0.700), which may be chance."
    )


def test_a_network_with_exactly_the_loss_of_the_constant_is_said_to_have_just_that():
    """No difference of 0 with an interval of no width."""
    losses = np.full((1, 4), 0.7, np.float32)
    (reason,) = learned_reasons(judge_learned(losses, losses[0], level=0.95), loss="test loss")
    assert reason == "It has learned nothing: its test loss is that of always predicting the same (0.700)."
