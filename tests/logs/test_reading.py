"""What curves alone can tell, on curves built to overfit, to be healthy, to diverge and to be cut short."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest

from justright.errors import InputError
from justright.logs.log_curves import LogCurves
from justright.logs.reading import NOT_SEEN, CurveLabel, diagnose_curves

EPOCHS = 200
GRID = np.arange(EPOCHS, dtype=float)


def curves(train, validation):
    """Return curves with a little noise on both."""
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.002, (2, EPOCHS))
    metrics = {"val_loss": validation + noise[0]} | ({} if train is None else {"loss": train + noise[1]})
    return LogCurves("run", GRID, metrics, "csv")


FALLING = 0.2 + 0.5 * np.exp(-GRID / 60)
SETTLED = 0.6 + 0.1 * np.exp(-GRID / 10)
TURNING = SETTLED + 0.001 * np.maximum(GRID - 80, 0)


def test_validation_loss_that_rises_while_training_loss_falls_is_overfitting():
    """The tutorial's Large network in small."""
    reading = diagnose_curves(curves(FALLING, TURNING))
    assert reading.label == "overfits"
    assert 50 < reading.best_epoch < 90
    assert reading.rise is not None
    assert 0.08 < reading.rise.low < reading.rise.value < reading.rise.high < 0.13
    assert reading.sentences[-1] == NOT_SEEN


def test_a_healthy_run_stays_undecided():
    """Curves cannot say 'just right': what other networks would reach was not seen."""
    reading = diagnose_curves(curves(FALLING, SETTLED))
    assert reading.label == "undecided"
    assert reading.sentences[1].endswith("is within its noise.")
    assert reading.sentences[-1] == (
        "Only the curves of this run were seen, neither losses row by row nor other seeds or models: "
        "underfitting, or being just right, cannot be established from them."
    )


def test_a_rise_without_training_loss_is_left_open():
    """Without training loss, instability and overfitting look alike."""
    reading = diagnose_curves(curves(None, TURNING))
    assert reading.label == "undecided"
    assert "training loss was not logged" in reading.sentences[1]


def test_a_rise_of_both_losses_is_instability():
    """A network that learns its rows by heart has a falling training loss."""
    reading = diagnose_curves(curves(TURNING, TURNING))
    assert reading.label == "undecided"
    assert reading.sentences[1].endswith("the training became unstable rather than overfit.")


def test_a_run_cut_short_is_told_to_train_longer():
    """Still falling at the end, and still not called underfit."""
    reading = diagnose_curves(curves(FALLING, FALLING + 0.1))
    assert reading.still_falling
    assert reading.sentences[1] == "Its lowest stretch is the end of the run: nothing has risen yet."
    assert reading.label == "undecided"
    assert (
        "Validation loss was still falling when the run ended: train longer before judging this network."
        in reading.sentences
    )


def test_a_rise_too_small_to_matter_is_said_to_be_so():
    """Beyond noise, but below one per cent of the loss."""
    smooth = LogCurves(
        "run", GRID, {"loss": FALLING, "val_loss": SETTLED + 1e-5 * np.maximum(GRID - 80, 0)}, "csv"
    )
    reading = diagnose_curves(smooth)
    assert reading.label == "undecided"
    assert reading.sentences[1].endswith("less than 1 % of its lowest value: too little to matter.")


def test_a_loss_that_left_the_numbers_diverged():
    """Infinite stands for measured and not a number."""
    train = FALLING.copy()
    train[150:] = np.inf
    reading = diagnose_curves(LogCurves("run", GRID, {"loss": train, "val_loss": SETTLED}, "csv"))
    assert reading.label == "diverged"


def test_a_log_without_validation_loss_is_refused():
    """The error lists what there is."""
    with pytest.raises(InputError) as caught:
        diagnose_curves(LogCurves("run", GRID, {"loss": FALLING}, "csv"))
    assert str(caught.value) == (
        "A log must hold a loss of validation rows, such as 'val_loss'; 'run' has 'loss'. "
        "Log it during training, and try again."
    )


def test_the_loss_without_penalties_is_preferred():
    """Keras' `loss` includes penalties; the plain loss is judged instead."""
    metrics = {
        "val_loss": SETTLED + 1,
        "loss": FALLING,
        "binary_crossentropy": FALLING,
        "val_binary_crossentropy": SETTLED,
    }
    assert diagnose_curves(LogCurves("run", GRID, metrics, "csv")).loss == "binary_crossentropy"


def test_labels_are_the_words_of_verdicts():
    """A reading of curves uses a part of the five labels, never a word of its own."""
    from justright.diagnosis.labels import label_names

    assert set(get_args(CurveLabel)) < set(label_names())


def test_a_reading_is_plain_json():
    """`to_dict` needs no help from an encoder."""
    assert json.loads(json.dumps(diagnose_curves(curves(FALLING, TURNING)).to_dict()))["label"] == "overfits"
