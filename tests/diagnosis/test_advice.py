"""What would decide an undecided verdict: the cheapest way, in words, and as a command."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from justright.diagnosis.judge import judge_study
from justright.diagnosis.measured import measure_study
from justright.diagnosis.overfit import Overfit
from justright.diagnosis.underfit import Candidate
from justright.diagnosis.verdicts import what_decides
from justright.diagnosis.words.advice import decision_sentences
from justright.statistics.intervals import Interval
from justright.statistics.sample_size import Needs


def test_one_gain_that_is_enough_is_all_that_undecided_asks_for():
    """A candidate almost exactly at the margin needs not be decided where another one shows the label."""
    clear, close, rise = Needs(4, None), Needs(None, None), Needs(90, None, (90, 9_000))
    measured = Interval(0.0, -0.1, 0.1, 3)
    overfit = Overfit(measured, 0.01, 0.5, 0.4, 0.3, None, rise)

    def candidate(gain: float, needs: Needs) -> Candidate:
        return Candidate("more capacity", "Large", replace(measured, mean=-gain), 0.01, needs)

    assert what_decides(overfit, (candidate(0.05, clear), candidate(0.0101, close))) == Needs(4, None, (4, 0))
    assert what_decides(overfit, (candidate(0.05, Needs(40, 800)), candidate(0.05, clear))) == Needs(
        4, 800, (4, 0)
    )


def test_no_gain_beyond_the_margin_means_that_all_must_be_excluded():
    """`just right` needs every comparison; one that nothing would decide leaves nothing to ask for."""
    measured = Interval(0.0, -0.1, 0.1, 3)
    overfit = Overfit(measured, 0.01, 0.5, 0.4, 0.3, None, Needs(90, None))
    few = Candidate("more capacity", "Large", measured, 0.01, Needs(4, 500))
    never = replace(few, needs=Needs(None, None))
    assert what_decides(overfit, (few,)) == Needs(90, None, (90, 0))
    assert what_decides(overfit, (few, never)) == Needs(None, None, None)
    assert what_decides(replace(overfit, needs=None), (replace(few, needs=None),)) is None


def test_a_rise_without_a_known_training_loss_does_not_stand_for_the_label():
    """More rows would show the rise, but neither label that it could earn."""
    measured = Interval(0.05, -0.1, 0.1, 3)
    overfit = Overfit(measured, 0.01, np.nan, np.nan, np.nan, None, Needs(4, None))
    other = Candidate("more capacity", "Large", replace(measured, mean=0.0), 0.01, Needs(9, None))
    assert what_decides(overfit, (other,)) == Needs(9, None, (9, 0))
    assert what_decides(replace(overfit, train_best=0.4, train_last=0.3), (other,)) == Needs(4, None, (4, 0))


def test_undecided_names_the_command_that_would_decide(maker_of):
    """Seeds in all, or test rows in all, or both; what nothing would decide has no command."""
    maker = maker_of(seeds=3)
    measured = measure_study(maker.study(*(maker.variant(name, 9, 0.5) for name in "ABCDEF")))
    needs = {
        "A": Needs(4, None),
        "B": Needs(9, 500),
        "C": Needs(None, 2_000),
        "D": Needs(None, None, (7, 3_000)),
        "E": Needs(None, None),
        "F": Needs(0, 0),
    }
    both = "10 seeds and 7,000 test rows in all: justright run --out DIR --seeds 10 --test FILE."
    assert decision_sentences(needs, measured, 4_000) == (
        f"D would probably be decided by {both}",
        "A and B would probably be decided by 12 seeds in all: justright run --out DIR --seeds 12.",
        "C would probably be decided by 6,000 test rows in all: justright run --out DIR --test FILE.",
    )
    assert decision_sentences(needs, measured, 0) == (
        "A and B would probably be decided by 12 seeds in all: justright run --out DIR --seeds 12.",
    )
    every = dict.fromkeys("ABCDEF", Needs(1, None))
    assert decision_sentences(every, measured, 0) == (
        "Six undecided variants would probably be decided by 4 seeds in all: justright run --out DIR --seeds 4.",
    )


def test_what_is_cheap_to_decide_is_named_before_all(maker_of):
    """One variant that needs a tenth of what all need is a command of its own; rows are rounded up to two digits."""
    maker = maker_of(seeds=3)
    measured = measure_study(maker.study(*(maker.variant(name, 9, 0.5) for name in "AB")))
    needs = {"A": Needs(None, None, (97, 36_345)), "B": Needs(None, None, (7, 869))}
    assert decision_sentences(needs, measured, 4_000) == (
        (
            "B would probably be decided by 10 seeds and 4,900 test rows in all: justright run --out DIR --seeds 10 "
            "--test FILE; 100 seeds and 41,000 test rows would probably decide A as well."
        ),
    )


def test_a_judged_study_says_the_command(maker_of):
    """A close call among the facts of a study, with the seeds that its reason names."""
    maker = maker_of(rows=20_000, seed_deviation=0.002)
    study = maker.study(maker.variant("A", 10, 0.55), maker.variant("B", 99, 0.5474))
    judgement = judge_study(study, margin=0.002)
    verdict = judgement.verdict("A")
    assert verdict.label == "undecided"
    count = maker.seeds + verdict.needs.more_seeds
    said = f"would probably be decided by {count} seeds in all: justright run --out DIR --seeds {count}."
    assert any(fact.endswith(said) for fact in judgement.facts), judgement.facts
    assert any(f"({count} in all)" in reason for reason in verdict.reasons)
