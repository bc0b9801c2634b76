"""`jr.callbacks.Diagnose` in real Keras trainings."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

import justright as jr
from justright.session.reading import diagnose

EPOCHS = 60


@pytest.fixture(scope="module")
def rows():
    """60 rows learn and 60 validate: so few, with so much noise, that a network soon overfits."""
    random = np.random.default_rng(0)
    features = random.normal(size=(120, 20)).astype("float32")
    classes = (features[:, 0] + random.normal(size=120) > 0).astype("float32")
    return (features[:60], classes[:60]), (features[60:], classes[60:])


@pytest.fixture(scope="module")
def train(rows):
    """Return a function that trains a network with callbacks, and returns it with its History."""
    import keras

    def fit(*callbacks, epochs=EPOCHS, validation=True, verbose=0):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Dense(64, activation="relu"), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True))
        learn, validate = rows
        history = model.fit(
            *learn,
            epochs=epochs,
            batch_size=60,
            verbose=verbose,
            callbacks=list(callbacks),
            validation_data=validate if validation else None,
        )
        return model, history

    return fit


def test_it_says_what_the_history_says_and_stops_with_the_best_weights(train, rows, capsys):
    """A real training that overfits: found, stopped, and the weights of the best epoch are back."""
    callback = jr.callbacks.Diagnose("overfits", patience=2, restore_best_weights=True)
    model, history = train(callback)
    losses = history.history["val_loss"]
    assert len(losses) < EPOCHS
    assert callback.reading.label == "overfits"
    assert model.evaluate(*rows[1], verbose=0) == pytest.approx(min(losses), rel=1e-5)
    said = capsys.readouterr().out.splitlines()
    best = int(np.argmin(losses)) + 1
    assert said[-1] == f"The weights are those of epoch {best} (val_loss {min(losses):.3f})."
    assert any(line.startswith("epoch ") and ": overfits since epochs " in line for line in said)
    # The same as afterwards, but for the epochs, which are counted from 1 here
    after = diagnose(history).run
    assert (after.label, after.sets[0].judged.best_at + 1) == (
        "overfits",
        callback.reading.sets[0].judged.best_at,
    )


def test_a_fitted_model_is_read_as_its_history(train):
    """Keras hangs the History on the model."""
    model, history = train(epochs=5)
    of_model, of_history = diagnose(model), diagnose(history)
    assert of_model.sentence == of_history.sentence
    assert {curve.written for curve in of_model.run.curves.curves} == {"loss", "val_loss"}


def test_it_is_a_keras_callback_that_can_be_pickled():
    """Libraries check the type, and send callbacks to other processes."""
    import keras

    callback = jr.callbacks.Diagnose("diverged", verbose=0)
    assert isinstance(callback, keras.callbacks.Callback)
    again = pickle.loads(pickle.dumps(callback))
    assert type(again) is jr.callbacks.Diagnose


def test_a_second_fit_begins_anew(train):
    """Epochs of another training do not become part of the first one's curves."""
    callback = jr.callbacks.Diagnose(verbose=0)
    train(callback, epochs=6)
    _, history = train(callback, epochs=5)
    [curve] = [one for one in callback.reading.curves.curves if one.written == "val_loss"]
    assert curve.at.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(curve.values, history.history["val_loss"])


def test_without_validation_it_says_what_is_missing(train, capsys):
    """Training loss alone cannot tell."""
    train(jr.callbacks.Diagnose(), epochs=6, validation=False)
    assert "validation" in capsys.readouterr().out


def test_no_library_is_imported_before_a_callback_is_asked_for():
    """`import justright` and `jr.callbacks` are quick."""
    program = (
        "import sys, justright as jr; jr.callbacks;"
        "print(sorted({'keras', 'jax', 'torch', 'lightning', 'numpy'} & set(sys.modules)), dir(jr.callbacks))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[] ['Diagnose', 'JustRight', 'LightningDiagnose']\n"
