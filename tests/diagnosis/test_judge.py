"""A whole study judged: invariances, the contract's key names, and speed."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from tests.refusals import refusal

from justright.diagnosis.evidence import ReferenceEvidence, VariantEvidence
from justright.diagnosis.judge import judge_study
from justright.diagnosis.words.numbers import estimate
from justright.runs.margin import default_margin


@pytest.fixture
def study(maker_of):
    """Four variants in two groups with a reference, 3 seeds."""
    maker = maker_of(rows=1_000, seeds=3)
    return maker.study(
        maker.variant("Tiny", 10, 0.60, group="sizes"),
        maker.variant("Large", 1_000, 0.60, 0.3, group="sizes"),
        maker.variant("L2", 1_000, 0.57, baseline="Large", group="regularizers"),
        maker.variant("Both", 1_000, 0.55, baseline="Large", group="regularizers"),
        reference=0.54,
    )


def labels(judgement):
    """Return name -> label."""
    return {verdict.variant: verdict.label for verdict in judgement.verdicts}


def transformed(study, change, reference):
    """Return the study with every per-row test and validation loss changed."""
    variants = []
    for variant in study.variants:
        runs = [
            replace(
                run,
                test_best=change(run.test_best),
                test_last=change(run.test_last),
                validation={epoch: change(losses) for epoch, losses in run.validation.items()},
            )
            for run in variant.runs
        ]
        variants.append(replace(variant, runs=tuple(runs)))
    return replace(study, variants=tuple(variants), reference=reference)


def test_the_conclusion_is_one_sentence_about_all(study):
    """Who does what, and the variant that validation rows choose."""
    conclusion = judge_study(study).conclusion
    assert conclusion.startswith(
        "Large and L2 overfit; Tiny underfits (it lacks capacity and regularization); Both is just right; best on validation rows is "
        "Both, with a test loss of 0."
    )
    assert conclusion.count(". ") == 0


def test_the_best_remedy_of_a_baseline_is_named_once(study):
    """Both beats L2 on the same baseline; what the answer says is no fact as well."""
    judgement = judge_study(study)
    large = judgement.verdict("Large")
    assert large.answer.endswith(
        f"regularization (Both) lowers it by a further {estimate(large.found.remedy.gain)}."
    )
    assert not any("Both" in fact for fact in judgement.facts if "gap" not in fact)


def test_the_same_seed_gives_the_same_judgement_and_another_hardly_differs(study):
    """Deterministic; draws only move the ends of simultaneous intervals a little."""
    first, again, other = (judge_study(study, seed=seed) for seed in (0, 0, 1))
    assert first.to_dict() == again.to_dict()
    assert labels(first) == labels(other)
    np.testing.assert_allclose(
        [one.low for one in first.effects], [one.low for one in other.effects], rtol=0.1
    )


def test_the_order_of_variants_does_not_matter(study):
    """Verdicts, reasons and effects are the same, listed in the study's order."""
    turned = replace(study, variants=study.variants[::-1])
    first, second = judge_study(study), judge_study(turned)
    assert [one.to_dict() for one in first.verdicts] == [one.to_dict() for one in second.verdicts[::-1]]
    assert first.effects == second.effects
    assert first.facts == second.facts


def test_the_order_of_seeds_does_not_matter(study):
    """Runs are paired by their seed, not by their place."""
    turned = replace(study, variants=tuple(replace(one, runs=one.runs[::-1]) for one in study.variants))
    assert judge_study(turned).to_dict() == judge_study(study).to_dict()


def test_the_order_of_rows_does_not_matter(study):
    """Test rows in another order: the same ends up to rounding and redrawn noise."""
    order = np.random.default_rng(0).permutation(study.test_rows)
    turned = transformed(
        study, lambda losses: losses[order], replace(study.reference, test=study.reference.test[order])
    )
    first, second = judge_study(study), judge_study(turned)
    assert labels(first) == labels(second)
    for one, other in zip(first.verdicts, second.verdicts, strict=True):
        np.testing.assert_allclose(
            (one.test.low, one.test.high), (other.test.low, other.test.high), rtol=1e-6
        )
        np.testing.assert_allclose(one.rise.low, other.rise.low, rtol=1e-5, atol=1e-9)


def test_units_of_the_loss_do_not_matter(study):
    """Everything times 1,024 (exact in binary, so that no draw changes): margin and intervals follow, labels stay."""
    big = ReferenceEvidence("trees", study.reference.test * np.float32(1_024))
    scaled = transformed(study, lambda losses: losses * np.float32(1_024), big)
    # Regression, so that nobody reads accuracies from these losses.
    constant = {"constant_loss": 1_024 * 0.7, "constant": study.constant * np.float32(1_024)}
    scaled = replace(scaled, **constant, task="regression", loss_name="mean_squared_error")
    first, second = judge_study(study), judge_study(scaled)
    assert labels(first) == labels(second)
    np.testing.assert_allclose(second.margin, 1_024 * first.margin, rtol=1e-6)
    for one, other in zip(first.effects, second.effects, strict=True):
        np.testing.assert_allclose((other.low, other.high), (1_024 * one.low, 1_024 * one.high), rtol=1e-6)


def test_plain_values_have_the_contracts_names(study):
    """What result.json takes over; JSON-able as it is."""
    values = json.loads(json.dumps(judge_study(study).to_dict()))
    first = values["variants"][1]
    assert set(first) == {"name", "verdict", "learned", "test"}
    assert set(first["verdict"]) == {
        *("label", "also", "onset_epoch", "margin", "answer"),
        *("action", "freer", "tighter", "headroom", "spikes"),
        "reasons",
    }
    assert first["verdict"]["tighter"] | {"gain": 0, "low": 0, "high": 0} == {
        "name": "Early stopping",
        "kind": "an earlier end",
        "gain": 0,
        "low": 0,
        "high": 0,
    }
    assert set(first["verdict"]["onset_epoch"]) == {"low", "high", "last"}
    assert set(first["test"]) == {"mean", "low", "high"}
    assert set(values["effects"][0]) == {
        "baseline",
        "remedy",
        "difference",
        "low",
        "high",
        "probability_better",
        *("probability_best", "is_tied_with_best", "seeds", "kind", "covers"),
    }
    assert values["reference"]["name"] == "gradient-boosted trees"
    np.testing.assert_allclose(values["reference"]["test"], study.reference.test.mean(), rtol=1e-6)
    assert values["best_variant"] == "Both"


def test_the_best_variant_is_chosen_by_validation_rows(maker_of):
    """A variant that is lucky on test rows only is not chosen."""
    maker = maker_of(seeds=1)
    lucky = maker.variant("Lucky", 10, 0.60)
    runs = tuple(replace(run, test_best=run.test_best - np.float32(0.2)) for run in lucky.runs)
    study = maker.study(replace(lucky, runs=runs), maker.variant("Good", 20, 0.55))
    judgement = judge_study(study)
    assert judgement.verdict("Lucky").test.mean < judgement.verdict("Good").test.mean
    assert judgement.best_variant == "Good"


def test_a_study_of_one_variant_has_a_conclusion_too(maker):
    """No comparison of variants, the loss only."""
    conclusion = judge_study(maker.study(maker.variant("Mine", 10, 0.55), reference=0.6)).conclusion
    assert conclusion.startswith("Mine is undecided; its test loss is 0.5")


def test_a_study_in_which_nothing_was_measured_is_judged_without_an_error(maker):
    """Everything diverged."""
    judgement = judge_study(maker.study(maker.variant("A", 1, 0.6, outcome="diverged"), reference=0.5))
    assert (judgement.conclusion, judgement.best_variant, judgement.effects) == ("A diverged.", None, ())


def test_the_margin_is_a_hundredth_of_what_can_be_learned():
    """And falls back to a thousandth of the constant's loss where nothing was learned."""
    np.testing.assert_allclose(default_margin(0.69, 0.57), 0.0012)
    np.testing.assert_allclose(default_margin(0.69, 0.80), 0.00069)
    assert default_margin(0.0, 0.0) > 0


def test_a_margin_of_the_users_own_is_used(study):
    """A margin larger than the rise makes it harmless; nothing freer than Large was measured."""
    assert judge_study(study).verdict("Large").label == "overfits"
    verdict = judge_study(study, margin=1.0).verdict("Large")
    assert (verdict.label, verdict.tighter.is_excluded, verdict.freer) == ("undecided", True, None)


def test_a_margin_that_is_not_positive_is_refused(study):
    """Zero would make every difference count."""
    assert (
        refusal(judge_study, study, margin=0.0)
        == "`margin` must be a positive number in units of the loss; got 0.0."
    )


def test_a_reference_on_other_rows_is_left_out(study):
    """It cannot be paired."""
    other = replace(study, reference=ReferenceEvidence("trees", np.ones(5, np.float32)))
    judgement = judge_study(other)
    assert judgement.reference is None
    kinds = {one.kind for verdict in judgement.verdicts for one in verdict.headroom}
    assert "another kind of model" not in kinds


def test_a_full_study_is_judged_in_seconds_of_processor_time(maker_of):
    """Seven variants x 5 seeds x 29,075 rows: measured 1.8 s on one core; 6 s leaves room for a busy machine."""
    maker = maker_of(rows=29_075, seeds=5)
    sizes = [maker.variant(name, 10**size, 0.6, 0.1) for size, name in enumerate(("A", "B", "C", "D"))]
    remedies = [maker.variant(name, 1_000, 0.58, baseline="D") for name in ("E", "F", "G")]
    study = maker.study(*sizes, *remedies, reference=0.57)
    assert all(isinstance(one, VariantEvidence) for one in study.variants)
    start = time.process_time()
    judge_study(study)
    assert time.process_time() - start < 6
