"""Each label on evidence built to earn it, and a healthy network that must stay silent."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from justright.diagnosis.judge import judge_study
from justright.diagnosis.labels import label_names
from justright.study.directions import FREER as UNDERFIT_CHANGES


def judged(maker, *variants, reference=None, margin=None, name=None):
    """Return the verdict on one variant, the first unless named."""
    judgement = judge_study(maker.study(*variants, reference=reference), margin=margin)
    return judgement.verdict(name or variants[0].name)


def test_a_network_whose_end_is_worse_overfits_and_says_since_when(maker):
    """Loss rises by 0.3 after epoch 24 while the training loss falls."""
    verdict = judged(maker, maker.variant("Large", 1_000, 0.55, 0.3), reference=0.55)
    assert verdict.label == "overfits"
    assert verdict.rise.low < 0.3 < verdict.rise.high
    assert verdict.onset.low <= 24 <= verdict.onset.high <= 40
    since = r"epochs \d+ to \d+ cannot be told apart from the best, \d+; \d+ is the cheapest good epoch, and after \d+ it overfits"
    alone = r"every measured epoch but the best, 24, is measurably worse: after it, it overfits"
    patterns = [
        r"Test loss at the last epoch is 0\.\d+ \[0\.\d+, 0\.\d+\] above that at the best epoch 24 \(margin 0\.0014\d\)\.",
        r"Meanwhile the training loss fell: 0\.500 at the best epoch 24, 0\.300 at the last\.",
        rf"On validation rows ({since}|{alone})\.",
    ]
    for pattern, reason in zip(patterns, verdict.reasons, strict=False):
        assert re.fullmatch(pattern, reason), reason


def test_no_epoch_is_named_after_which_nothing_was_measured(maker):
    """Test rows show the rise, validation rows do not: "after 99 it overfits" would speak of epochs never trained."""
    rows = np.linspace(0.5, 0.6, maker.validation_rows, dtype=np.float32)
    validation = {
        epoch: rows + np.float32(0.01) * (rows[::-1] - rows) * (epoch != 24) for epoch in (24, 60, 99)
    }
    verdict = judged(maker, maker.variant("Large", 1_000, 0.55, 0.3, validation=validation), reference=0.55)
    assert verdict.label == "overfits"
    assert verdict.onset.high == verdict.onset.last == 99
    assert (
        "On validation rows epochs 24 to 99 cannot be told apart from the best, 24; 24 is the cheapest good epoch, and 99 is "
        "the last one measured: since when it overfits cannot be told."
    ) in verdict.reasons
    assert not any("after 99" in reason for reason in verdict.reasons)


def test_the_same_rise_with_a_rising_training_loss_is_divergence(maker):
    """Both losses rise: nothing was learned by heart, training went wrong."""
    verdict = judged(maker, maker.variant("Large", 9, 0.55, 0.3, train_loss_last=0.9), reference=0.55)
    assert verdict.label == "diverged"
    assert (
        "Meanwhile the training loss rose: 0.500 at the best epoch 24, 0.900 at the last." in verdict.reasons
    )


def test_the_same_rise_with_an_unknown_training_loss_is_undecided(maker):
    """Overfitting cannot be told from divergence then."""
    verdict = judged(maker, maker.variant("Large", 9, 0.55, 0.3, train_loss_last=np.nan), reference=0.55)
    assert verdict.label == "undecided"
    assert "The training loss is not known, so overfitting cannot be told from divergence." in verdict.reasons


def test_a_network_that_a_larger_one_beats_underfits(maker):
    """0.60 against 0.55 with more parameters; the reason names it and by how much."""
    verdict = judged(maker, maker.variant("Tiny", 10, 0.60), maker.variant("Large", 1_000, 0.55))
    assert verdict.label == "underfits"
    assert re.fullmatch(
        r"With more capacity \(Large\) the test loss is 0\.0\d+ \[0\.04\d+, 0\.05\d+\] lower, "
        r"more than the margin 0\.0014\d\.",
        verdict.reasons[0],
    )


def test_a_reference_that_is_better_shows_underfitting(maker):
    """Gradient-boosted trees at 0.50."""
    verdict = judged(maker, maker.variant("Large", 1_000, 0.55), reference=0.50)
    assert verdict.label == "underfits"
    assert verdict.reasons[0].startswith("With gradient-boosted trees the test loss is 0.0498 [")


def test_a_regularized_network_that_its_baseline_beats_underfits(maker):
    """Too much dropout: less regularization helps."""
    base = maker.variant("Large", 1_000, 0.55)
    verdict = judged(maker, maker.variant("dropout", 1_000, 0.60, baseline="Large"), base)
    assert verdict.label == "underfits"
    assert verdict.reasons[0].startswith("With less regularization (Large) the test loss is 0.0")


def test_longer_training_that_helps_shows_underfitting(maker):
    """A remedy whose change is longer training counts, although the size is the same."""
    longer = maker.variant("longer", 1_000, 0.55, baseline="Large", change="longer training")
    verdict = judged(maker, maker.variant("Large", 1_000, 0.60), longer)
    assert verdict.label == "underfits"
    assert verdict.reasons[0].startswith("With longer training (longer) the test loss is 0.0")


def test_a_larger_network_with_regularization_that_helps_shows_underfitting(maker):
    """The larger network alone is not better; with L2 it is, and that one is named."""
    large = maker.variant("Large", 1_000, 0.60)
    treated = maker.variant("Large with L2", 1_000, 0.55, baseline="Large", change="regularization")
    verdict = judged(maker, maker.variant("Tiny", 10, 0.60), large, treated)
    assert verdict.label == "underfits"
    assert [one.name for one in verdict.candidates if one.is_better] == ["Large with L2"]
    said = "With more capacity and regularization (Large with L2) the test loss is 0.0"
    assert verdict.reasons[0].startswith(said)


@pytest.mark.parametrize("kind", UNDERFIT_CHANGES)
def test_every_counterfactual_can_be_the_one_that_is_named(kind, maker):
    """Declared as the change of a variant, it is named with what it gains, and only it."""
    other = maker.variant("Other", 10, 0.55, baseline="Mine", change=kind)
    verdict = judged(maker, maker.variant("Mine", 10, 0.60), other, reference=0.60)
    assert verdict.label == "underfits"
    assert [(one.kind, one.name) for one in verdict.candidates if one.is_better] == [(kind, "Other")]
    gain = verdict.candidates[0].difference
    assert gain.low < -0.05 < gain.high
    assert verdict.reasons[0].startswith(f"With {kind} (Other) the test loss is 0.0")


def test_a_remedy_against_overfitting_is_no_evidence_of_underfitting(maker):
    """L2 improves the same network: it learned too much, not too little."""
    remedy = maker.variant("L2", 1_000, 0.50, baseline="Large", change="l2")
    verdict = judged(maker, maker.variant("Large", 1_000, 0.55), remedy)
    assert verdict.candidates == ()
    assert verdict.label == "undecided"
    assert verdict.reasons[-1] == (
        "Nothing in the study could show underfitting: it has no larger variant, no less regularized one and no reference."
    )


@pytest.mark.parametrize("trial", range(5))
def test_a_healthy_network_stays_silent(maker_of, trial):
    """No rise, and nothing larger or other is better: just right, in every trial."""
    maker = maker_of(seed_deviation=0.0003)
    verdict = judged(
        maker,
        maker.variant(f"Good {trial}", 10, 0.55),
        maker.variant(f"Larger {trial}", 1_000, 0.56),
        reference=0.57,
        margin=0.005,
    )
    assert verdict.label == "just right"
    assert verdict.needs is None
    assert verdict.reasons[-1].startswith("Nothing it was compared with (Larger")


def test_close_calls_are_undecided_and_say_what_would_decide(maker_of):
    """A rise of 1.5 margins among seeds that differ by 2: more seeds would tell."""
    maker = maker_of(rows=400, noise=0.3, seed_deviation=0.02)
    verdict = judged(maker, maker.variant("A", 10, 0.55), maker.variant("B", 99, 0.55), margin=0.002)
    assert verdict.label == "undecided"
    assert verdict.needs is not None
    assert any(
        reason.startswith("Whether more capacity (B) would lower the test loss") for reason in verdict.reasons
    )
    assert any(
        reason.startswith(("If the measured difference is the true one, ", "No realistic number of seeds"))
        for reason in verdict.reasons
    )


def test_overfitting_is_the_label_where_both_hold_and_both_are_said(maker):
    """The end is worse, and a larger network is better anyway."""
    verdict = judged(maker, maker.variant("Medium", 10, 0.60, 0.2), maker.variant("Large", 99, 0.55))
    assert verdict.label == "overfits"
    assert any(reason.startswith("With more capacity (Large)") for reason in verdict.reasons)


def test_a_clear_underfit_is_the_label_while_overfitting_is_open(maker_of):
    """A measured counterfactual stands whatever the end of training did."""
    maker = maker_of(rows=300)
    verdict = judged(
        maker, maker.variant("Tiny", 10, 0.60, 0.01), maker.variant("Large", 99, 0.50), margin=0.01
    )
    assert verdict.label == "underfits"
    assert any("Whether it rises by more than the margin is open." in reason for reason in verdict.reasons)


def test_one_seed_speaks_about_one_network(maker_of):
    """And says so."""
    maker = maker_of(seeds=1)
    verdict = judged(maker, maker.variant("Large", 10, 0.55, 0.3), reference=0.55)
    assert verdict.label == "overfits"
    assert verdict.test.seeds == 1
    assert verdict.reasons[-1] == (
        "One seed was trained: the intervals cover rows only and speak about this one network."
    )


def test_without_test_rows_the_halves_of_the_validation_rows_decide(maker_of):
    """The label stands, the reasons say how it was measured."""
    maker = maker_of(has_test=False)
    verdict = judged(maker, maker.variant("Large", 10, 0.55, 0.3), reference=0.55)
    assert verdict.label == "overfits"
    assert verdict.reasons[0].startswith("Cross-fitted validation loss at the last epoch is 0.")
    assert verdict.reasons[-1] == (
        "There are no test rows: each half of the validation rows was measured at the epoch that the other half chose."
    )


def test_a_variant_that_mostly_diverged_is_diverged(maker):
    """Three of four runs; the fourth is measured all the same."""
    runs = [maker.run("A", seed, 0.55, 0.0, outcome="diverged") for seed in range(3)]
    variant = type(maker.variant("A", 9, 0.5))("A", 9, (*runs, maker.run("A", 3, 0.55, 0.0)))
    verdict = judged(maker, variant, reference=0.55)
    assert verdict.label == "diverged"
    assert verdict.reasons[0] == "3 of 4 runs were left out (3 diverged)."


def test_a_variant_without_any_measured_run_is_diverged_or_undecided(maker):
    """Divergence is a verdict, a crash is not."""
    bad, broken = (maker.variant(name, 9, 0.5, outcome=name) for name in ("diverged", "failed"))
    judgement = judge_study(maker.study(bad, broken))
    assert [verdict.label for verdict in judgement.verdicts] == ["diverged", "undecided"]
    assert judgement.verdicts[0].reasons == ("4 of 4 runs diverged, and none could be measured.",)
    assert judgement.verdicts[1].reasons == ("None of its 4 runs left usable losses by row.",)


def test_a_best_epoch_at_the_limit_is_mentioned_but_no_evidence(maker):
    """Longer training may help; that was not measured, so the label stays."""
    variant = maker.variant("A", 10, 0.55, outcome="finished", best_epoch=97)
    verdict = judged(maker, variant, reference=0.60)
    assert verdict.label == "just right"
    assert verdict.reasons[-1] == (
        "The best epoch is near the end of a run that stopped at its limit of 100 epochs: longer training may help; "
        "that was not measured."
    )


def test_the_chosen_epoch_being_the_last_is_said_instead_of_a_difference_of_zero(maker):
    """All differences are exactly 0."""
    variant = maker.variant("A", 10, 0.55, best_epoch=99)
    runs = tuple(replace(run, test_last=run.test_best) for run in variant.runs)
    verdict = judged(maker, replace(variant, runs=runs), reference=0.60)
    assert verdict.label == "just right"
    assert verdict.reasons[0] == (
        "The best epoch is the last one, so the end of training cannot have made the loss worse."
    )


def test_every_reason_is_a_whole_sentence(maker):
    """Capital, full stop, no doubled or missing space, no repr of anything."""
    judgement = judge_study(
        maker.study(
            maker.variant("Tiny", 10, 0.60),
            maker.variant("Large", 1_000, 0.60, 0.3),
            maker.variant("L2", 1_000, 0.55, 0.001, baseline="Large"),
            reference=0.5,
        )
    )
    texts = [reason for verdict in judgement.verdicts for reason in verdict.reasons]
    for text in (*texts, *judgement.facts, judgement.conclusion):
        assert re.fullmatch(r"[A-Z0-9].*\.", text), text
        assert not re.search(r"  |\.\.|nan|None|array|[a-z]\.[A-Z]", text), text
    assert {verdict.label for verdict in judgement.verdicts} <= set(label_names())
