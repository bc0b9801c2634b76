"""Effects of what needs no training of its own, and the steps of a combination."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from justright.diagnosis.choice import choose_model
from justright.diagnosis.effects import EARLY_STOPPING, free_effects
from justright.diagnosis.evidence import EnsembleEvidence
from justright.diagnosis.judge import judge_study
from justright.diagnosis.measured import measure_study
from justright.diagnosis.words.numbers import estimate, rounded
from justright.statistics.intervals import Interval, mean_interval
from justright.study.remedy import LADDER_GROUP


@pytest.fixture
def study(maker):
    """Large, whose end spoils 0.3, with a remedy, a combination of two steps, and ensembles 0.02 better than their members."""
    made = maker.study(
        maker.variant("Large", 1_000, 0.60, 0.3),
        maker.variant("Dropout 0.5", 1_000, 0.56, baseline="Large", remedy="Dropout"),
        maker.variant("Base", 500, 0.59, group=LADDER_GROUP),
        maker.variant("Step 1", 500, 0.55, baseline="Base", remedy="Turns", group=LADDER_GROUP),
        maker.variant("Step 2", 500, 0.53, baseline="Step 1", remedy="Dropout", group=LADDER_GROUP),
    )
    return replace(made, ensembles=tuple(ensemble(made.variant(name)) for name in ("Large", "Step 2")))


def ensemble(variant):
    """What its seeds would be together, by decree 0.02 better row by row."""
    runs = variant.runs
    return EnsembleEvidence(
        variant.name,
        tuple(run.seed for run in runs),
        np.mean([run.validation[run.best_epoch] for run in runs], axis=0) - np.float32(0.02),
        np.mean([run.test_best for run in runs], axis=0) - np.float32(0.02),
    )


def rises(study):
    """What the verdicts say the end of training lost."""
    return {one.variant: one.rise for one in judge_study(study).verdicts}


def test_early_stopping_is_the_best_epoch_against_the_last(study):
    """Of the baseline alone, by the interval of direct differences, which is that of its verdict."""
    found = free_effects(study, measure_study(study), rises(study), None)
    stopped = next(one for one in found if one.kind == "early stopping")
    runs = study.variant("Large").runs
    direct = mean_interval(np.stack([run.test_best.astype(float) - run.test_last for run in runs]))
    assert (stopped.baseline, stopped.remedy, stopped.seeds) == ("Large", EARLY_STOPPING, 4)
    assert stopped.difference == pytest.approx(direct.mean)
    assert (stopped.low, stopped.high) == pytest.approx((direct.low, direct.high))
    assert stopped.probability_better == 1.0
    assert stopped.covers == "rows and seeds"


def test_an_ensemble_is_measured_against_single_networks(study):
    """Row by row against the mean of its members; its interval covers rows only and says so."""
    found = free_effects(study, measure_study(study), rises(study), choose_model(study))
    by_baseline = {one.baseline: one for one in found if one.kind == "ensemble"}
    assert set(by_baseline) == {"Large", "Step 2"}  # what is treated, and what validation rows choose
    large = by_baseline["Large"]
    assert large.remedy == "Ensemble of 4 x Large"
    assert large.difference == pytest.approx(-0.02, abs=1e-6)
    assert large.covers == "rows"
    assert np.isnan(large.probability_best)


def test_a_study_without_a_catalogue_has_no_free_effects(maker):
    """The tutorial's table of effects stays what it was."""
    study = maker.study(maker.variant("Large", 10, 0.6), maker.variant("L2", 10, 0.5, baseline="Large"))
    assert free_effects(study, measure_study(study), rises(study), choose_model(study)) == []


def test_early_stopping_gains_what_the_verdict_says_the_end_lost(study):
    """One rise, jitter-proof or not; its probability is that of the normal law whose 95 % are the interval."""
    measured = measure_study(study)
    said = Interval(0.01, -0.02, 0.04, 4)
    (stopped,) = [
        one
        for one in free_effects(study, measured, rises(study) | {"Large": said}, None)
        if one.kind == "early stopping"
    ]
    assert stopped.interval == said.negated()
    assert stopped.probability_better == pytest.approx(norm.cdf(0.01 / 0.03 * norm.ppf(0.975)))
    nothing = Interval(0.0, 0.0, 0.0, 4)  # the chosen epoch is the last one
    assert free_effects(study, measured, rises(study) | {"Large": nothing}, None)[0].probability_better == 0.0


def test_steps_are_told_in_one_sentence(study):
    """Each against the one before; no sentence of its own for each step."""
    judgement = judge_study(study)
    by_name = {one.remedy: one for one in judgement.effects}
    facts = judgement.facts
    assert (
        f"Step by step from Base, the test loss changed by: Turns {estimate(by_name['Step 1'].interval)}; "
        f"Dropout {estimate(by_name['Step 2'].interval)}."
    ) in facts
    assert not any("help Base" in fact or "helps Base" in fact or "helps Step" in fact for fact in facts)
    assert f"Dropout 0.5 helps Large, by {estimate(by_name['Dropout 0.5'].interval.negated())}." in facts


def test_the_choice_is_told_with_what_chose_it(study):
    """The test loss with its interval first, then what validation rows flatter it to."""
    choice = choose_model(study)
    (said,) = [fact for fact in judge_study(study).facts if fact.startswith("Validation rows choose")]
    assert said.startswith(
        f"Validation rows choose Ensemble of 4 x Step 2: its test loss is {estimate(choice.test)}, over rows only; "
        "on the validation rows that chose it, its loss is 0.5"
    )


def test_the_choice_of_a_network_does_not_repeat_the_headline(study):
    """Its test loss is in the headline; what chose it is not."""
    judgement = judge_study(replace(study, ensembles=()))
    choice = judgement.choice
    assert not choice.is_ensemble
    assert (
        f"best on validation rows is {choice.name}, with a test loss of {estimate(choice.test)}"
        in judgement.conclusion
    )
    (said,) = [fact for fact in judgement.facts if "validation rows that chose" in fact]
    assert (
        said
        == f"On the validation rows that chose {choice.name}, its loss is {rounded(choice.validation, choice.test)}."
    )


def test_the_headline_names_baselines_not_forty_remedies(study):
    """One sentence can hold two networks."""
    conclusion = judge_study(study).conclusion
    assert "Large" in conclusion
    assert "Dropout 0.5" not in conclusion
