"""Loss and accuracy can disagree about the end of training, and about since when; then it is said."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from scipy import stats

from justright.diagnosis.judge import judge_study
from justright.diagnosis.onset import Onset


def judged(maker, variant, reference):
    """Return the verdict on one variant."""
    return judge_study(maker.study(variant, reference=reference)).verdict(variant.name)


def test_accuracy_that_disagrees_is_said(maker):
    """Confidence in wrong answers grows, the answers stay: loss up, accuracy not down."""
    variant = maker.variant("A", 10, 0.55)
    wrong = np.arange(maker.rows) % 4 == 0
    best = np.where(wrong, 0.9, 0.4).astype(np.float32)
    last = np.where(wrong, 3.0, 0.2).astype(np.float32)
    runs = tuple(replace(run, test_best=best, test_last=last) for run in variant.runs)
    verdict = judged(maker, replace(variant, runs=runs), 0.55)
    assert verdict.label == "overfits"
    assert (
        "Accuracy does not confirm it: it changes by 0 exactly from the best epoch 24 to the last."
        in verdict.reasons
    )


def test_accuracy_that_falls_while_the_loss_does_not_rise_is_said(maker):
    """Fewer right answers at a lower loss: the other way in which both can disagree."""
    variant = maker.variant("A", 10, 0.55)
    tenth = np.arange(maker.rows) % 10 == 0
    best = np.where(tenth, 0.68, 0.6).astype(np.float32)
    last = np.where(tenth, 0.70, 0.5).astype(np.float32)  # above ln 2: wrong
    runs = tuple(replace(run, test_best=best, test_last=last) for run in variant.runs)
    verdict = judged(maker, replace(variant, runs=runs), 0.65)
    assert verdict.label == "undecided"
    said = next(reason for reason in verdict.reasons if "ccuracy" in reason)
    pattern = (
        r"Accuracy disagrees with the loss: it falls by 0\.1000 \[0\.09\d+, 0\.10\d+\] from the best epoch 24 "
        r"to the last\."
    )
    assert re.fullmatch(pattern, said), said


def test_the_good_epochs_of_accuracy_are_their_own(maker):
    """From epoch 24 on the loss rises and ever more answers are right: 60 and 99 are good by accuracy alone."""
    variant = maker.variant("A", 10, 0.55, 0.3)
    right = {0: 0.5, 24: 0.6, 40: 0.7, 60: 0.9, 99: 0.9}
    level = {0: 0.9, 24: 0.5, 40: 0.7, 60: 0.9, 99: 1.1}
    place = np.random.default_rng(1).permutation(maker.validation_rows) / maker.validation_rows

    def losses(epoch):
        is_wrong = place >= right[epoch]
        wrong_loss = (level[epoch] - 0.1 * right[epoch]) / (1 - right[epoch])  # the mean loss is `level`
        return np.where(is_wrong, wrong_loss, 0.1).astype(np.float32)

    curve = {epoch: losses(epoch) for epoch in right}
    runs = tuple(replace(run, validation=curve) for run in variant.runs)
    verdict = judged(maker, replace(variant, runs=runs), 0.55)
    assert (verdict.onset.best, verdict.accuracy_onset) == (24, Onset(60, 99, 60, last=99))
    assert (
        "By accuracy the good epochs end later: epochs 60 to 99 cannot be told apart from the best, 60."
        in verdict.reasons
    )


def test_accuracy_of_several_classes_is_compared_seed_by_seed(maker):
    """Losses do not tell right answers there; the runs' scores do, with Student's t over seeds (SciPy's)."""
    variant = maker.variant("A", 10, 0.55, 0.3)
    changes = [0.010, 0.020, 0.016, 0.014]
    runs = tuple(
        replace(run, score_best={"accuracy": 0.70}, score_last={"accuracy": 0.70 + change})
        for run, change in zip(variant.runs, changes, strict=True)
    )
    study = replace(
        maker.study(replace(variant, runs=runs), reference=0.55),
        task="multiclass",
        loss_name="sparse_categorical_crossentropy",
    )
    verdict = judge_study(study).verdict("A")
    low, high = stats.t.interval(0.95, 3, np.mean(changes), stats.sem(changes))
    assert verdict.accuracy_onset is None
    assert (
        f"Accuracy does not confirm it: it changes by 0.0150 [{low:.4f}, {high:.4f}] from the best epoch 24 to the "
        "last."
    ) in verdict.reasons
