"""Projects that Keras Tuner writes itself, with a callback that logs and without."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import justright as jr
from justright.errors import InputError

EPOCHS = 6

# Keras Tuner 1.4.8 calls what Python 3.10 deprecated, in each search.
pytestmark = pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning:keras_tuner")


@pytest.fixture(scope="module")
def search(rows, tmp_path_factory):
    """Return a function that runs a search of two trials, and returns its tuner and the History of each `fit`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, on import
        keras_tuner = pytest.importorskip(
            "keras_tuner", reason="Keras Tuner is not installed: pip install --group log-writers"
        )
    import keras

    histories = []

    class Model(keras_tuner.HyperModel):
        """A layer of a searched width, which keeps what `fit` returned."""

        def build(self, hp):
            """Return a compiled model."""
            units = hp.Int("units", 4, 64, step=4)
            model = keras.Sequential(
                [keras.layers.Dense(units, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
            )
            model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
            return model

        def fit(self, hp, model, *args, **kwargs):
            """Return the History."""
            histories.append(model.fit(*args, **kwargs))
            return histories[-1]

    def run(name, *, is_logged, executions=1):
        folder = tmp_path_factory.mktemp("tuner")
        tuner = keras_tuner.RandomSearch(
            Model(),
            objective="val_loss",
            max_trials=2,
            executions_per_trial=executions,
            seed=0,
            directory=folder,
            project_name=name,
        )
        histories.clear()
        callbacks = [keras.callbacks.CSVLogger(folder / name / "trials.csv", append=True)] * is_logged
        data = {"validation_data": rows.validation, "callbacks": callbacks, "epochs": EPOCHS, "verbose": 0}
        tuner.search(*rows.train, **data)
        return tuner, [one.history for one in histories]

    return run


@pytest.mark.parametrize("executions", [1, 2])
def test_each_trial_has_the_curves_that_keras_measured(search, executions):
    """The tuner and its folder; executions of a trial are members of one run."""
    tuner, histories = search("logged", is_logged=True, executions=executions)
    order = tuner.oracle.start_order
    units = {name: trial.hyperparameters.values["units"] for name, trial in tuner.oracle.trials.items()}
    for reading in (jr.diagnose(tuner), jr.diagnose(tuner.project_dir)):
        runs = [run for run in reading.runs if not run.curves.is_earlier]
        assert [run.name for run in runs] == [f"logged/trial {name} (units={units[name]})" for name in order]
    if executions == 1:
        for run, history in zip(runs, histories, strict=True):
            for role, metric in (("train", "loss"), ("validation", "val_loss")):
                (curve,) = (one for one in run.curves.curves if (one.role, one.metric) == (role, "loss"))
                np.testing.assert_allclose(curve.values, history[metric], rtol=1e-12)


def test_without_a_callback_there_is_nothing_to_read(search):
    """Keras Tuner keeps the best epoch of each trial alone."""
    tuner, histories = search("plain", is_logged=False)
    with pytest.raises(InputError, match="holds none for its 2 trials") as caught:
        jr.diagnose(tuner)
    best = min(min(history["val_loss"]) for history in histories)
    assert f"with val_loss {best:.4g})" in str(caught.value)
