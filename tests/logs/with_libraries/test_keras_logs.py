"""Keras' own callbacks and History, of a network that was trained by Keras."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import justright as jr


@pytest.fixture(scope="module")
def fitted(rows, tmp_path_factory):
    """A History, and the file that CSVLogger wrote at the same time."""
    import keras

    path = tmp_path_factory.mktemp("keras") / "training.log"
    model = keras.Sequential(
        [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "AUC"])
    callbacks = [keras.callbacks.CSVLogger(path)]
    history = model.fit(
        *rows.train, epochs=8, verbose=0, validation_data=rows.validation, callbacks=callbacks
    )
    return history, path


@pytest.mark.parametrize("metric", ["loss", "accuracy", "AUC"])
@pytest.mark.parametrize("role", ["train", "validation"])
def test_a_csv_logger_file_holds_what_history_holds(fitted, read_curve, role, metric):
    """Every metric of both parts."""
    history, path = fitted
    name = metric if role == "train" else f"val_{metric}"
    found = read_curve(path, role, metric)
    np.testing.assert_allclose(found, history.history[name], rtol=1e-12)


def test_history_is_read_in_all_its_forms(fitted, tmp_path):
    """The object, its dict, and that as JSON, give the sentence that the CSV file gives."""
    history, path = fitted
    as_json = tmp_path / "history.json"
    as_json.write_text(json.dumps(history.history))
    expected = jr.diagnose(path).sentence
    assert {jr.diagnose(source).sentence for source in (history, history.history, as_json)} == {expected}


def test_append_continues_the_file(rows, tmp_path):
    """A second fit that appends starts at epoch 0 again, with the weights of the first: nothing is lost or merged silently."""
    import keras

    path = tmp_path / "training.log"
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    for append in (False, True):
        callbacks = [keras.callbacks.CSVLogger(path, append=append)]
        model.fit(*rows.train, epochs=6, verbose=0, validation_data=rows.validation, callbacks=callbacks)
    with path.open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == [*"012345", *"012345"]
    reading = jr.diagnose(path)
    points = [
        len(one.values) for run in reading.runs for one in run.curves.curves if one.role == "validation"
    ]
    assert sum(points) == 12
    assert len(reading.runs) > 1 or reading.run.curves.notes
