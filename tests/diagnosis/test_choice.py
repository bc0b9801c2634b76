"""Validation rows choose strengths and models; test rows only measure what was chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from justright.diagnosis.choice import choose_model, choose_strengths, rejected_strengths
from justright.diagnosis.evidence import EnsembleEvidence
from justright.diagnosis.judge import judge_study


def rejected(study):
    """Return the strengths that validation rows did not choose."""
    return rejected_strengths(study, choose_strengths(study))


def effects(study):
    """Return the effects of variants on their baselines, by the remedy's name."""
    return {one.remedy: one for one in judge_study(study).effects if one.kind == "variant"}


def as_remedy(maker, name, loss, strength, **options):
    """A variant of Large with one strength of dropout."""
    return maker.variant(name, 1_000, loss, baseline="Large", remedy="Dropout", strength=strength, **options)


@pytest.fixture
def study(maker):
    """Large, dropout of which 0.5 is truly best, and an L2 without a strength."""
    return maker.study(
        maker.variant("Large", 1_000, 0.60, 0.5),
        as_remedy(maker, "Dropout 0.2", 0.57, 0.2),
        as_remedy(maker, "Dropout 0.5", 0.54, 0.5),
        as_remedy(maker, "Dropout 0.8", 0.62, 0.8),
        maker.variant("L2", 1_000, 0.59, baseline="Large"),
    )


def with_validation(variant, level):
    """The variant with all validation losses moved to a mean of `level`; its test losses stay."""
    runs = []
    for run in variant.runs:
        mean = run.validation[run.best_epoch].mean()
        runs.append(
            replace(
                run,
                validation={epoch: rows + np.float32(level - mean) for epoch, rows in run.validation.items()},
            )
        )
    return replace(variant, runs=tuple(runs))


def test_the_strength_with_the_lowest_validation_loss_is_chosen(study):
    """The mean over seeds at each run's own chosen epoch, by direct NumPy."""
    (choice,) = choose_strengths(study)
    assert (choice.baseline, choice.remedy, choice.chosen) == ("Large", "Dropout", "Dropout 0.5")
    for name, strength, loss in choice.strengths:
        runs = study.variant(name).runs
        direct = np.mean([run.validation[run.best_epoch].astype(float).mean() for run in runs])
        assert loss == pytest.approx(direct, rel=1e-12)
        assert name.endswith(str(strength))
    assert rejected(study) == {"Dropout 0.2", "Dropout 0.8"}


def test_the_strongest_strength_as_choice_is_said_to_leave_stronger_ones_untried(study):
    """Dropout 0.5 lies between others; without 0.8 it is the strongest one tried. One strength alone is not a search."""
    shorter = replace(study, variants=tuple(one for one in study.variants if one.name != "Dropout 0.8"))
    said = "For Dropout, validation rows choose the strongest strength tried: stronger ones may be better."
    assert said in judge_study(shorter).facts
    assert said not in judge_study(study).facts
    alone = replace(shorter, variants=tuple(one for one in shorter.variants if one.name != "Dropout 0.2"))
    assert not any("stronger ones may be better" in fact for fact in judge_study(alone).facts)


def test_test_rows_take_no_part_in_the_choice(study):
    """Validation rows that prefer another strength win, however much worse test rows find it."""
    flattered = replace(
        study,
        variants=tuple(
            with_validation(one, 0.4) if one.name == "Dropout 0.8" else one for one in study.variants
        ),
    )
    (choice,) = choose_strengths(flattered)
    assert choice.chosen == "Dropout 0.8"
    assert set(effects(flattered)) == {"Dropout 0.8", "L2"}


def test_only_chosen_strengths_are_measured(study):
    """Rejected ones neither widen the others' intervals nor share in being best."""
    found = effects(study)
    kept = replace(
        study, variants=tuple(one for one in study.variants if one.name in ("Large", "Dropout 0.5", "L2"))
    )
    assert found == effects(kept)


def test_a_strength_with_lost_seeds_is_not_chosen(maker):
    """Where half of the seeds diverged, the luck of the other half does not count."""
    lucky = as_remedy(maker, "Dropout 0.9", 0.40, 0.9)
    runs = tuple(
        replace(run, outcome="diverged", test_best=None, test_last=None) if run.seed % 2 else run
        for run in lucky.runs
    )
    study = maker.study(
        maker.variant("Large", 1_000, 0.60),
        as_remedy(maker, "Dropout 0.2", 0.57, 0.2),
        replace(lucky, runs=runs),
    )
    assert choose_strengths(study)[0].chosen == "Dropout 0.2"


def test_a_strength_that_others_build_on_is_kept(maker):
    """It is measured as their baseline."""
    study = maker.study(
        maker.variant("Large", 1_000, 0.60),
        as_remedy(maker, "Dropout 0.2", 0.57, 0.2),
        as_remedy(maker, "Dropout 0.5", 0.54, 0.5),
        maker.variant("With L2", 1_000, 0.50, baseline="Dropout 0.2", remedy="L2"),
    )
    assert rejected(study) == frozenset()


def test_the_model_is_chosen_among_networks_and_ensembles(study):
    """The lowest validation loss wins; its test loss is that of direct NumPy, for an ensemble over rows only."""
    single = choose_model(study)
    assert (single.name, single.is_ensemble, single.candidates) == ("Dropout 0.5", False, 5)
    tests = np.stack([run.test_best for run in study.variant("Dropout 0.5").runs]).astype(float)
    assert single.test.mean == pytest.approx(tests.mean())
    runs = study.variant("L2").runs
    validation = np.mean([run.validation[run.best_epoch] for run in runs], axis=0) - np.float32(0.1)
    ensemble = EnsembleEvidence(
        "L2", (0, 1, 2, 3), validation, np.mean([run.test_best for run in runs], axis=0) - 0.1
    )
    chosen = choose_model(replace(study, ensembles=(ensemble,)))
    assert (chosen.name, chosen.variant, chosen.is_ensemble) == ("Ensemble of 4 x L2", "L2", True)
    assert chosen.test.seeds == 1
    assert chosen.test.mean == pytest.approx(ensemble.test.mean(dtype=float), rel=1e-6)
    assert chosen.rivals == 0


def test_candidates_that_validation_rows_cannot_tell_apart_are_counted(maker):
    """Two equal networks are rivals; one that is clearly worse is none."""
    study = maker.study(
        maker.variant("A", 10, 0.50), maker.variant("B", 10, 0.50), maker.variant("C", 10, 0.60)
    )
    assert choose_model(study).rivals == 1


def test_without_recorded_validation_rows_nothing_is_chosen(maker):
    """A choice by test rows would be a lie."""
    variant = maker.variant("A", 10, 0.5)
    bare = replace(variant, runs=tuple(replace(run, validation={}) for run in variant.runs))
    assert np.isnan(bare.validation_loss)
    assert choose_model(maker.study(bare)) is None
