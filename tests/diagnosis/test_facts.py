"""Facts that are said when they are true, and only then."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from justright.diagnosis.judge import examine, judge_study
from justright.diagnosis.words.facts import size_facts
from justright.diagnosis.words.numbers import number
from justright.statistics.intervals import Interval


def facts_of(maker, *variants, reference=None):
    """Return the facts of a study as one text."""
    return judge_study(maker.study(*variants, reference=reference)).facts


def test_easier_validation_rows_are_noticed(maker_of):
    """Validation rows 0.05 easier than test rows."""
    maker = maker_of(easier_by=0.05, validation_rows=2_000)
    facts = facts_of(maker, maker.variant("Tiny", 10, 0.6), maker.variant("Large", 99, 0.6))
    pattern = (
        r"The 2,000 validation rows are easier than the test rows: Tiny 0\.5\d+ against 0\.6\d+; "
        r"over all variants the difference is 0\.0\d+ \[0\.0\d+, 0\.\d+\]\."
    )
    assert re.fullmatch(pattern, facts[0]), facts


def test_equal_rows_are_not_remarked_on(maker):
    """Rows of the same law, and a margin to exceed."""
    assert not any("validation rows are" in fact for fact in facts_of(maker, maker.variant("Tiny", 10, 0.6)))


def test_sizes_that_do_not_differ_are_said_not_to(maker_of):
    """Three equal sizes with their spread."""
    maker = maker_of(seed_deviation=0.004)
    facts = facts_of(
        maker, *(maker.variant(name, size, 0.6) for name, size in (("A", 1), ("B", 2), ("C", 3)))
    )
    pattern = r"The three sizes, each at its best epoch, do not measurably differ on test rows \(0\.\d+ apart, at most 0\.\d+\)\."
    assert any(re.fullmatch(pattern, fact) for fact in facts), facts


def test_sizes_that_differ_are_said_to(maker):
    """The best and the worst; by how much is in the answer to the worst, and is not said twice."""
    variants = [
        maker.variant(name, size, loss)
        for name, size, loss in (("A", 1, 0.65), ("B", 2, 0.6), ("C", 3, 0.55))
    ]
    judgement = judge_study(maker.study(*variants))
    assert (
        "The three sizes, each at its best epoch, differ on test rows: C has the lowest loss."
        in judgement.facts
    )
    assert "more capacity (C) lowers its test loss by 0." in judgement.verdict("A").answer


def test_sizes_that_differ_are_said_to_with_the_interval_where_no_answer_has_it(maker):
    """The answer to A is about D, which is no size."""
    facts = facts_of(
        maker,
        maker.variant("A", 1, 0.65),
        maker.variant("B", 2, 0.60),
        maker.variant("C", 3, 0.55),
        maker.variant("D", 3, 0.5, baseline="C"),
    )
    pattern = (
        r"The three sizes, each at its best epoch, differ on test rows: C has the lowest loss, "
        r"0\.\d+ \[0\.0\d+, 0\.1\d+\] below that of A\."
    )
    assert any(re.fullmatch(pattern, fact) for fact in facts), facts


def test_sizes_that_a_verdict_tells_apart_are_never_said_not_to_differ(maker):
    """All pairs together have wider intervals than one network against the others; the answer may show what they do not."""
    examined = examine(maker.study(maker.variant("A", 1, 0.6), maker.variant("B", 2, 0.6)))
    (said,) = size_facts(examined)
    assert "do not measurably differ on test rows" in said
    first, *others = examined.verdicts
    (alternative,) = first.found.variants
    gain = Interval(0.3, 0.2, 0.4)
    found = replace(first.found, variants=(replace(alternative, gain=gain),))
    shown = replace(examined, verdicts=(replace(first, found=found, answer="A underfits."), *others))
    (said,) = size_facts(shown)
    assert said == (
        "The two sizes, each at its best epoch, differ on test rows: B has a loss that is 0.30 [0.20, 0.40] below that of A."
    )


def test_the_pair_that_is_named_is_one_that_differs(maker):
    """The worst by its mean may be so by a few rows; then two others are told apart."""
    noisy = maker.common[: maker.rows] + 1.0 + np.random.default_rng(0).normal(0, 30, maker.rows)
    facts = facts_of(
        maker,
        maker.variant("A", 1, 0.62),
        maker.variant("B", 2, 0.55),
        maker.variant("C", 3, 0.7, test_best=noisy.astype(np.float32)),
        maker.variant("D", 2, 0.50, baseline="B"),
    )
    pattern = (
        r"The three sizes, each at its best epoch, differ on test rows: B has the lowest loss, "
        r"0\.07\d* \[0\.0\d+, 0\.\d+\] below that of A\."
    )
    assert noisy.mean() > 0.7
    assert any(re.fullmatch(pattern, fact) for fact in facts), facts


def test_seeds_that_not_all_share_do_not_turn_a_pair_around(maker):
    """A is worse than B with the one seed that both have, and better with all of its own: nothing is said of sizes."""
    unlucky, lucky, other = (maker.variant(*size) for size in (("A", 1, 0.65), ("A", 1, 0.5), ("B", 2, 0.6)))
    first = replace(unlucky, runs=(unlucky.runs[0], *lucky.runs[1:]))
    one = replace(other, runs=other.runs[:1])
    assert not any("sizes" in fact for fact in facts_of(maker, first, one))
    assert any("sizes" in fact for fact in facts_of(maker, unlucky, one))


def test_sizes_that_diverged_are_no_sizes(maker):
    """Their losses say nothing of capacity."""
    wild = maker.variant("C", 3, 0.5, 0.3, train_loss_best=0.5, train_loss_last=0.9)
    facts = facts_of(maker, maker.variant("A", 1, 0.65), maker.variant("B", 2, 0.6), wild)
    assert any(
        fact.startswith("The two sizes, each at its best epoch, differ on test rows: B has the")
        for fact in facts
    )


def test_sizes_that_differ_measurably_but_little_are_said_so(maker_of):
    """0.002 apart where 0.1 can be learned."""
    maker = maker_of(seed_deviation=0.0001)
    facts = facts_of(maker, maker.variant("A", 1, 0.602), maker.variant("B", 2, 0.600))
    pattern = (
        r"The two sizes, each at its best epoch, differ little on test rows: 0\.00\d+ apart, at most 0\.00\d+, "
        r"where the best model beats a constant prediction by 0\.\d+\."
    )
    assert any(re.fullmatch(pattern, fact) for fact in facts), facts


def test_a_better_reference_is_headroom_for_every_network(maker):
    """Both networks at 0.6, the trees at 0.5."""
    facts = facts_of(maker, maker.variant("A", 1, 0.6), maker.variant("B", 2, 0.6), reference=0.5)
    pattern = (
        r"Gradient-boosted trees reach 0\.\d+ \[0\.4\d+, 0\.5\d+\], less than every network here: "
        r"more can be learned from these rows, by another kind of model\."
    )
    assert any(re.fullmatch(pattern, fact) for fact in facts), facts


def test_a_worse_reference_is_not_said_to_win(maker):
    """Trees at 0.65 against 0.6."""
    facts = facts_of(maker, maker.variant("A", 1, 0.6), reference=0.65)
    assert any("not better than A at 0." in fact for fact in facts)
    assert not any("more can be learned" in fact for fact in facts)


def test_a_gap_alone_is_no_verdict(maker):
    """Training loss 0.1, test loss 0.6, and networks on both sides that are no better; one that underfits is not mentioned."""
    sides = maker.variant("Less", 1, 0.6), maker.variant("More", 9, 0.6)
    study = maker.study(*sides, maker.variant("A", 3, 0.6, train_loss_best=0.1))
    judgement = judge_study(study, margin=0.01)
    assert judgement.verdict("A").label == "just right"
    assert (
        "A has about 0.50 more loss on test rows than on training rows, and yet nothing tighter lowers it: a gap alone is not a "
        "verdict."
    ) in judgement.facts
    better = maker.study(*sides, maker.variant("A", 3, 0.7, train_loss_best=0.1))
    assert not any("gap" in fact for fact in judge_study(better, margin=0.01).facts)


def test_what_was_trained_for_too_long_is_not_told_to_train_longer(maker):
    """It learned nothing that holds on other rows, and its loss rose."""
    good = maker.variant("B", 2, 0.6)
    facts = facts_of(maker, maker.variant("A", 1, 0.8, 0.3), good)
    assert facts[0].endswith(
        "learned from the same rows. Change the learning rate, or standardise the features."
    )


def test_losses_of_regressions_say_their_unit(maker):
    """Squares, and the root that people can read; classes have no such sentence."""
    study = maker.study(maker.variant("A", 1, 0.64), maker.variant("B", 2, 0.6))
    facts = judge_study(replace(study, task="regression", loss_name="mean_squared_error")).facts
    best = judge_study(study).verdict("B").test.mean
    assert facts[0] == (
        f"Losses are mean squared errors, in squared units of the target; the root of B's, {number(best)}, is an error of "
        f"{number(best**0.5)}."
    )
    assert not any("squared" in fact for fact in judge_study(study).facts)


def test_no_loss_is_said_to_be_negative(maker_of):
    """Eight rows, one of which carries all of the loss."""
    maker = maker_of(rows=8, seeds=1)
    losses = np.array([0.0] * 7 + [2.0], np.float32)
    study = maker.study(maker.variant("A", 1, 0.3, test_best=losses, test_last=losses))
    judgement = judge_study(study)
    assert judgement.verdict("A").test.low == 0.0
    assert judgement.conclusion.endswith("its test loss is 0.25 [0.00, 0.84].")


def test_a_study_that_learned_nothing_says_so(maker):
    """The constant prediction has 0.7."""
    facts = facts_of(maker, maker.variant("A", 1, 0.8), maker.variant("B", 2, 0.75))
    assert facts[0] == (
        "No network is shown to have learned anything: no test loss is measurably lower than that of always predicting the same "
        "(0.700). "
        "Perhaps the target does not depend on these features, or not enough to be seen with so few rows."
    )


def test_a_network_that_learned_nothing_where_others_did_is_told_what_to_try(maker):
    """The trees have 0.5: the features do tell something."""
    facts = facts_of(maker, maker.variant("A", 1, 0.8), maker.variant("B", 2, 0.6), reference=0.5)
    assert facts[0] == (
        "A has learned nothing: its test loss is not lower than that of always predicting the same (0.700). "
        "The features do tell something: B and gradient-boosted trees learned from the same rows. "
        "Train longer, change the learning rate, or standardise the features."
    )
    assert not any("learned nothing" in fact for fact in facts_of(maker, maker.variant("B", 2, 0.6)))
