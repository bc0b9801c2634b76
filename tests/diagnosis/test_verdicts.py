"""Each label on evidence built to earn it, and a healthy network that must stay silent."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from justright.diagnosis.alternatives import UNDONE, kind_between
from justright.diagnosis.evidence import EnsembleEvidence, LearningCurve, VariantEvidence
from justright.diagnosis.judge import judge_study
from justright.diagnosis.labels import label_names
from justright.study.directions import EARLIER_END, FREER, MORE_ROWS, TIGHTER, direction_of


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
        "Since when it overfits cannot be told: the validation rows do not show the rise, epoch by epoch."
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


def test_a_reference_that_is_better_is_headroom_and_no_label(maker):
    """Gradient-boosted trees at 0.50 say how much can be learned, not what is wrong with a network."""
    sizes = (maker.variant("Small", 100, 0.60), maker.variant("Large", 1_000, 0.60))
    verdict = judged(maker, maker.variant("Medium", 500, 0.55), *sizes, reference=0.50)
    assert verdict.label == "just right"
    (headroom,) = verdict.headroom
    assert (headroom.kind, headroom.name) == ("another kind of model", "gradient-boosted trees")
    assert headroom.gain.low < 0.05 < headroom.gain.high
    said = next(reason for reason in verdict.reasons if reason.startswith("Headroom: "))
    assert said.startswith("Headroom: gradient-boosted trees have a test loss 0.0")
    assert verdict.to_dict()["headroom"]["gain"] == headroom.gain.mean


def test_the_ensemble_of_its_seeds_is_headroom(maker):
    """It is another model: a network is not too small because several of it are better together."""
    mine = maker.variant("Mine", 10, 0.55)
    test = np.mean([run.test_best for run in mine.runs], axis=0, dtype=np.float64) - 0.03
    validation = np.full(maker.validation_rows, 0.5, np.float32)
    ensemble = EnsembleEvidence("Mine", (0, 1, 2, 3), validation, test.astype(np.float32))
    study = replace(maker.study(mine, reference=0.56), ensembles=(ensemble,))
    verdict = judge_study(study).verdict("Mine")
    assert verdict.label == "undecided"
    first, second = verdict.headroom
    assert (first.name, first.kind) == ("Ensemble of 4 x Mine", "an ensemble of its seeds")
    assert first.gain.mean == pytest.approx(0.03, abs=1e-6)
    assert second.kind == "another kind of model"


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
    assert [one.name for one in verdict.alternatives if one.is_better] == ["Large with L2"]
    said = "With more capacity and regularization (Large with L2) the test loss is 0.0"
    assert verdict.reasons[0].startswith(said)


@pytest.mark.parametrize(
    "kind", [*FREER, *(kind for kind in TIGHTER if kind not in (EARLIER_END, MORE_ROWS))]
)
def test_every_declared_change_can_be_the_one_that_is_named(kind, maker):
    """Declared as the change of a variant of the same size, it decides the label, and is named with what it gains."""
    other = maker.variant("Other", 10, 0.55, baseline="Mine", change=kind)
    verdict = judged(maker, maker.variant("Mine", 10, 0.60), other, reference=0.60)
    assert verdict.label == ("underfits" if kind in FREER else "overfits")
    assert [(one.kind, one.name) for one in verdict.alternatives if one.is_better] == [(kind, "Other")]
    decides = verdict.freer if kind in FREER else verdict.tighter
    assert decides.gain.low < 0.05 < decides.gain.high
    words = {
        "capacity with regularization": "more capacity and regularization",
        "less capacity": "fewer parameters",
    }
    assert verdict.reasons[0].startswith(f"With {words.get(kind, kind)} (Other) the test loss is 0.0")


@pytest.mark.parametrize("kind", ["other inputs", "another training"])
def test_a_change_in_neither_direction_is_headroom(kind, maker):
    """Better inputs help, and say nothing about size or training."""
    other = maker.variant("Other", 10, 0.55, baseline="Mine", change=kind)
    verdict = judged(maker, maker.variant("Mine", 10, 0.60), other)
    assert verdict.label == "undecided"
    assert [(one.kind, one.name) for one in verdict.headroom] == [(kind, "Other")]


def test_a_remedy_that_helps_shows_overfitting(maker):
    """L2 improves the same network: it learned too much, although its end is no worse than its best epoch."""
    remedy = maker.variant("L2", 1_000, 0.50, baseline="Large")
    judgement = judge_study(maker.study(maker.variant("Large", 1_000, 0.55), remedy))
    verdict = judgement.verdict("Large")
    assert verdict.label == "overfits"
    pattern = (
        r"Large overfits: regularization \(L2\) lowers its test loss by 0\.0\d+ \[0\.04\d+, 0\.05\d+\]\."
    )
    assert re.fullmatch(pattern, verdict.answer), verdict.answer
    assert verdict.action.to_dict() == {
        "words": "Use L2: it is trained and saved.",
        "command": "justright predict DIR TABLE --variant L2",
    }
    assert verdict.freer is None
    assert "Nothing freer was measured beside it, so whether it underfits is not shown." in verdict.reasons
    assert judgement.verdict("L2").freer.kind == "less regularization"


def test_fewer_parameters_that_help_show_overfitting(maker):
    """The same network with fewer units is better."""
    verdict = judged(maker, maker.variant("Large", 1_000, 0.60), maker.variant("Small", 10, 0.55))
    assert (verdict.label, verdict.also) == ("overfits", None)
    assert verdict.answer.startswith("Large overfits: fewer parameters (Small) lower its test loss by 0.0")


@pytest.mark.parametrize(
    ("mine", "other", "kind"),
    [
        ({"dropout": 0.5}, {"l2": 1e-4, "dropout": 0.5}, "regularization"),
        ({"l2": 1e-3}, {"l2": 1e-4, "dropout": 0.5}, "regularization"),
        ({"l2": 1e-4, "dropout": 0.5}, {"dropout": 0.5}, "less regularization"),
        ({"l2": 1e-3}, {"l2": 1e-4}, "less regularization"),
        ({}, {"mixup": 0.2}, "regularization"),
        ({}, {}, "another training"),
        (None, {}, "another training"),
    ],
)
def test_brakes_tell_networks_of_one_size_apart(mine, other, kind, maker):
    """Any brake that is added or stronger makes the other network tighter; else any that is missing or weaker freer."""
    ours, theirs = (maker.variant(name, 10, 0.5) for name in "AB")
    assert kind_between(replace(ours, brakes=mine), replace(theirs, brakes=other)) == kind


def test_brakes_tell_more_capacity_with_a_brake_from_more_capacity(maker):
    """The number of parameters comes first."""
    ours = replace(maker.variant("A", 10, 0.5), brakes={"l2": 1e-3})
    theirs = replace(maker.variant("B", 99, 0.5), brakes={"l2": 1e-3})
    assert kind_between(ours, theirs) == "more capacity"
    assert kind_between(ours, replace(theirs, brakes={"dropout": 0.1})) == "capacity with regularization"
    assert kind_between(theirs, ours) == "less capacity"


def test_epochs_tell_networks_apart_that_are_otherwise_the_same(maker):
    """Twice the epoch limit is longer training, seen from the other side shorter."""
    ours, theirs = (
        replace(maker.variant(name, 10, 0.5), brakes={}, max_epochs=limit)
        for name, limit in (("A", 60), ("B", 120))
    )
    assert kind_between(ours, theirs) == "longer training"
    assert kind_between(theirs, ours) == "shorter training"


def test_a_change_undone_leads_back_to_the_baseline(maker):
    """Every declared change has its opposite: what helps one way shows the other way round, too."""
    for change, undone in UNDONE.items():
        base = maker.variant("Base", 10, 0.5)
        changed = maker.variant("Changed", 10, 0.5, baseline="Base", change=change)
        assert kind_between(base, changed) == change
        assert kind_between(changed, base) == undone
        directions = {direction_of(change), direction_of(undone)}
        assert directions in ({"freer", "tighter"}, {None})


def test_more_training_rows_that_help_show_overfitting(maker):
    """A learning curve that still falls steeply: tighter, though nothing was trained for it."""
    rows = (100, 200, 400, 800, 1_600)
    rng = np.random.default_rng(0)
    common = rng.normal(0, 0.1, 2_000)
    losses = tuple(
        (0.3 + 2 * count**-0.5 + common + rng.normal(0, 0.01, (4, 2_000))).astype(np.float32)
        for count in rows
    )
    study = replace(
        maker.study(maker.variant("Mine", 10, 0.55), maker.variant("Big", 99, 0.56)),
        learning_curves=(LearningCurve("Mine", rows, losses),),
    )
    verdict = judge_study(study, margin=0.002).verdict("Mine")
    assert verdict.label == "overfits"
    assert (verdict.tighter.kind, verdict.tighter.name) == ("more training rows", "3,200 training rows")
    assert verdict.answer.startswith("Mine overfits: 3,200 training rows would lower its test loss by 0.01")
    assert verdict.action.words.startswith("Collect more rows")


@pytest.mark.parametrize("trial", range(5))
def test_a_healthy_network_stays_silent(maker_of, trial):
    """No rise, and nothing freer or tighter is better: just right, in every trial."""
    maker = maker_of(seed_deviation=0.0003)
    sizes = maker.variant(f"Larger {trial}", 1_000, 0.56), maker.variant(f"Smaller {trial}", 5, 0.56)
    verdict = judged(maker, maker.variant(f"Good {trial}", 10, 0.55), *sizes, reference=0.57, margin=0.005)
    assert verdict.label == "just right"
    assert verdict.needs is None
    assert verdict.answer == (
        f"Good {trial} is just right: nothing freer or tighter that was measured lowers its test loss by more than the "
        "margin 0.00500."
    )
    assert verdict.action.command == f"justright predict DIR TABLE --variant 'Good {trial}'"
    for direction, name in (("tighter", "Smaller"), ("freer", "Larger")):
        said = f"Nothing {direction} that it was compared with ({name} {trial}) lowers the test loss."
        assert said in verdict.reasons


def test_a_direction_in_which_no_network_was_measured_is_open(maker_of):
    """Its own curve alone never makes a network just right; the command trains networks beside it."""
    maker = maker_of(seed_deviation=0.0003)
    verdict = judged(maker, maker.variant("Small", 10, 0.55), maker.variant("Larger", 99, 0.56), margin=0.005)
    assert verdict.label == "undecided"
    assert verdict.answer == "Small is undecided: nothing tighter was measured beside it."
    assert verdict.action.command == "justright run --out DIR --study neighbours --of Small"
    alone = judged(maker, maker.variant("Alone", 10, 0.55), reference=0.4)
    assert alone.label == "undecided"
    assert alone.answer == "Alone is undecided: nothing freer or tighter was measured beside it."


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
    assert verdict.also == "underfits"
    assert "; it also underfits: more capacity (Large) lowers its test loss by 0.0" in verdict.answer


def test_the_larger_gain_is_the_label_where_both_hold(maker):
    """A rise of 0.02, and a larger network that is better by 0.1."""
    verdict = judged(maker, maker.variant("Medium", 10, 0.60, 0.02), maker.variant("Large", 99, 0.50))
    assert (verdict.label, verdict.also) == ("underfits", "overfits")
    assert re.search(r"; it also overfits after epoch \d+: at its end the test loss is 0\.0", verdict.answer)


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


def test_a_variant_whose_training_failed_says_why(maker):
    """Whoever sees no numbers wants the error, not a search for it."""
    runs = maker.variant("A", 9, 0.5, outcome="failed").runs
    reason = "ValueError: Exception encountered when calling B.call().\n\n\x1b[1mIt needs\nrows.\x1b[0m\n\nArguments: x"
    broken = VariantEvidence("A", 9, tuple(replace(run, reason=reason) for run in runs))
    (verdict,) = judge_study(maker.study(broken)).verdicts
    why = "one of its 4 runs left usable losses by row, since training failed: It needs rows."
    assert (verdict.answer, verdict.reasons) == (f"A is undecided: n{why}.", (f"N{why}",))


def test_the_chosen_epoch_being_the_last_is_said_instead_of_a_difference_of_zero(maker):
    """All differences are exactly 0."""
    variant = maker.variant("A", 10, 0.55, best_epoch=99)
    runs = tuple(replace(run, test_last=run.test_best) for run in variant.runs)
    verdict = judged(maker, replace(variant, runs=runs), reference=0.60)
    assert verdict.tighter.gain.high == 0
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


def test_what_was_no_better_is_an_open_question_not_a_negative_gain(maker_of):
    """Few rows: smaller and larger networks did no better, but the interval reaches beyond the margin."""
    maker = maker_of(rows=60, noise=0.05)
    sides = maker.variant("A", 10, 0.605), maker.variant("C", 30, 0.61)
    judgement = judge_study(maker.study(sides[0], maker.variant("B", 20, 0.6), sides[1]), margin=0.001)
    change = r"\(0\.\d+ higher here; between 0\.\d+ higher and 0\.\d+ lower\)"
    assert re.fullmatch(
        rf"B is undecided: whether fewer parameters \(A\) lower its test loss is open {change}, and whether more capacity \(C\) "
        rf"lowers its test loss is open {change}; the margin is 0\.00100\.",
        judgement.verdict("B").answer,
    )
