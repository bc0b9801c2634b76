"""SavedModel folders: what TensorFlow reads, where it is installed, and clear sentences where not."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from tests.refusals import refusal

import justright as jr
from justright.session.exports import tensorflow_folder

READ = """
import sys
import numpy as np
import tensorflow as tf

rows = np.load(sys.argv[2])
network = tf.saved_model.load(sys.argv[1])  # kept: its variables end with it
np.save(sys.argv[3], network.serve(rows).numpy())
"""


def test_without_tensorflow_a_sentence_says_what_to_install(classes, monkeypatch, tmp_path) -> None:
    """And what needs nothing."""
    monkeypatch.setattr(tensorflow_folder, "find_spec", lambda name: None)
    assert refusal(classes.export, "Tiny", tmp_path / "savedmodel") == (
        "For a SavedModel, TensorFlow must be installed; it is not. Run `pip install tensorflow`, or export the network as .onnx "
        "or .keras."
    )


def test_a_folder_that_is_there_is_kept(classes, monkeypatch, tmp_path) -> None:
    """It might hold anything."""
    monkeypatch.setattr(tensorflow_folder, "find_spec", lambda name: object())
    with pytest.raises(
        jr.InputError, match=r"^A SavedModel is a new folder; there is something at .* already\."
    ):
        classes.export("Tiny", tmp_path, kind="savedmodel")


def test_what_keras_cannot_export_ends_in_its_reason(classes, monkeypatch, tmp_path) -> None:
    """And nothing is left of it."""
    monkeypatch.setattr(tensorflow_folder, "find_spec", lambda name: object())
    monkeypatch.setattr(tensorflow_folder, "PROGRAM", "raise ValueError('Not this one.')")
    assert refusal(classes.export, "Tiny", tmp_path / "savedmodel") == (
        "Keras must be able to export 'Tiny' with TensorFlow; it is not: ValueError: Not this one. Export it as .keras."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_tensorflow_computes_what_keras_does(classes, rows_of_table, tmp_path) -> None:
    """From the folder alone."""
    folder = tmp_path / "own.savedmodel"
    assert classes.export("Own", folder) == (folder, tmp_path / "own.plan.json")
    predictor = classes.predictor(variant="Own")
    np.save(tmp_path / "x.npy", predictor.plan.prepare(rows_of_table, label="rows").features)
    files = [tmp_path / "x.npy", tmp_path / "y.npy"]
    subprocess.run([sys.executable, "-c", READ, folder, *files], check=True, capture_output=True)
    wanted = predictor.predict(rows_of_table)["probability_yes"].to_numpy()
    np.testing.assert_allclose(np.load(files[1])[:, 0], wanted, rtol=1e-5, atol=1e-6)
