"""Ensembles of seeds against direct NumPy and Keras' own losses."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from justright.diagnosis.ensembles import build_ensemble, ensemble_losses


@pytest.fixture
def rng():
    """The same draws for each test."""
    return np.random.default_rng(7)


def softmax(values):
    """Probabilities of classes, the plain way."""
    chances = np.exp(values)
    return chances / chances.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("are_logits", [True, False])
def test_binary_losses_are_those_of_the_mean_probability(rng, are_logits):
    """Written out with NumPy, and by Keras' own loss of the mean."""
    logits, targets = rng.normal(size=(3, 50, 1)), rng.integers(0, 2, 50).astype(float)
    chances = 1 / (1 + np.exp(-logits))
    mean = chances.mean(axis=0)[:, 0]
    found = ensemble_losses(logits if are_logits else chances, targets, "binary", are_logits=are_logits)
    np.testing.assert_allclose(found, -np.log(np.where(targets == 1, mean, 1 - mean)), rtol=1e-9)
    by_keras = keras.losses.BinaryCrossentropy(reduction=None)(targets[:, None], mean[:, None])
    np.testing.assert_allclose(found, np.asarray(by_keras), rtol=1e-4)  # Keras computes in float32


@pytest.mark.parametrize("are_logits", [True, False])
def test_multiclass_losses_are_those_of_the_mean_probabilities(rng, are_logits):
    """Of a row's own class."""
    logits, targets = rng.normal(size=(4, 30, 5)), rng.integers(0, 5, 30)
    chances = softmax(logits)
    found = ensemble_losses(logits if are_logits else chances, targets, "multiclass", are_logits=are_logits)
    np.testing.assert_allclose(found, -np.log(chances.mean(axis=0)[np.arange(30), targets]), rtol=1e-9)


def test_regression_losses_are_those_of_the_mean_prediction(rng):
    """Squared errors of the mean."""
    predictions, targets = rng.normal(size=(3, 20, 1)), rng.normal(size=20)
    np.testing.assert_allclose(
        ensemble_losses(predictions, targets, "regression"),
        (predictions.mean(axis=0)[:, 0] - targets) ** 2,
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_an_ensemble_is_never_worse_than_its_members_on_average(rng, task):
    """Row by row: all these losses are convex in what is averaged (Jensen's inequality)."""
    outputs = rng.normal(size=(3, 40, 3 if task == "multiclass" else 1))
    targets = rng.integers(0, 2, 40)
    alone = np.mean([ensemble_losses(one[None], targets, task) for one in outputs], axis=0)
    assert (ensemble_losses(outputs, targets, task) <= alone + 1e-12).all()


def test_extreme_logits_stay_finite():
    """A wrong and sure member costs at most log 2 together with a right one."""
    found = ensemble_losses([[[1e4]], [[-1e4]]], [1.0], "binary")
    np.testing.assert_allclose(found, np.log(2))


def recorded(rng, task, are_logits, seeds=(1, 2)):
    """Outputs, losses and targets of both kinds of rows, as a store has them."""
    outputs, losses, targets = {}, {}, {}
    for kind, rows in (("validation", 20), ("test", 30)):
        targets[kind] = rng.integers(0, 2, rows).astype(np.float32)
        values = {seed: rng.normal(size=(rows, 2 if task == "multiclass" else 1)) for seed in seeds}
        if not are_logits:
            values = {seed: 1 / (1 + np.exp(-one)) for seed, one in values.items()}
            if task == "multiclass":
                values = {seed: one / one.sum(axis=1, keepdims=True) for seed, one in values.items()}
        outputs[kind] = {seed: one.astype(np.float32).ravel() for seed, one in values.items()}
        losses[kind] = {
            seed: ensemble_losses(one[None], targets[kind], task, are_logits=are_logits).astype(np.float32)
            for seed, one in values.items()
        }
    return outputs, losses, targets, values


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("are_logits", [True, False])
def test_recorded_outputs_are_read_as_the_recorded_losses_say(rng, task, are_logits):
    """Logits and probabilities are told apart by the losses, not by a guess about their range."""
    outputs, losses, targets, values = recorded(rng, task, are_logits)
    ensemble = build_ensemble("Mine", task, outputs, losses, targets)
    assert (ensemble.seeds, ensemble.name) == ((1, 2), "Ensemble of 2 x Mine")
    direct = ensemble_losses(np.stack(list(values.values())), targets["test"], task, are_logits=are_logits)
    np.testing.assert_allclose(ensemble.test, direct, rtol=1e-5, atol=1e-6)
    assert ensemble.validation.shape == (20,)
    assert ensemble.validation_loss == pytest.approx(ensemble.validation.mean())


def test_without_outputs_or_a_second_seed_there_is_no_ensemble(rng):
    """Folders of earlier versions hold no outputs; one network is not an ensemble."""
    outputs, losses, targets, _ = recorded(rng, "binary", are_logits=True)
    assert build_ensemble("Mine", "binary", {}, losses, targets) is None
    alone = {kind: {1: values[1]} for kind, values in outputs.items()}
    assert build_ensemble("Mine", "binary", alone, losses, targets) is None


def test_outputs_that_contradict_the_losses_are_refused(rng):
    """A custom loss, or other rows: no number is better than a wrong one."""
    outputs, losses, targets, _ = recorded(rng, "binary", are_logits=True)
    turned = {kind: 1 - values for kind, values in targets.items()}
    assert build_ensemble("Mine", "binary", outputs, losses, turned) is None


def test_a_study_without_test_rows_still_has_validation_losses(rng):
    """Choosing needs no test rows."""
    outputs, losses, targets, _ = recorded(rng, "binary", are_logits=True)
    for values in (outputs, losses, targets):
        values.pop("test")
    assert build_ensemble("Mine", "binary", outputs, losses, targets).test is None
