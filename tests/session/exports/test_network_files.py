"""Networks as files for other programs: they open without this package, and say what they take."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import justright as jr
from justright.data.plan.table_plan import Plan


def test_a_keras_file_is_the_best_network_and_its_plan_lies_beside_it(
    classes, rows_of_table, tmp_path
) -> None:
    """Plain Keras opens it; the plan's JSON makes its features; what comes out is what the study's own model predicts."""
    path = tmp_path / "tiny.keras"
    written = classes.export("Tiny", path)
    assert written == (path, tmp_path / "tiny.plan.json")
    assert sorted(tmp_path.iterdir()) == sorted(written)
    said = json.loads(written[1].read_text())
    best = next(model for model in classes.models if model.variant == "Tiny")
    assert (said["variant"], said["seed"], said["epoch"]) == ("Tiny", best.seed, best.epoch)
    assert (said["outputs"], said["classes"]) == ("logits", ["no", "yes"])
    frame = rows_of_table
    features = Plan.from_dict(said["plan"]).prepare(frame, label="rows").features
    assert features.shape[1] == len(said["features"])
    logits = np.asarray(keras.saving.load_model(path)(features))[:, 0]
    wanted = best.predict(frame)["probability_yes"].to_numpy()
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(wanted, abs=1e-6)


def test_a_seed_chooses_the_run(classes, tmp_path) -> None:
    """Not only the best one; and `load_predictor` needs nothing but the file."""
    path = tmp_path / "two.keras"
    classes.export("Tiny", path, seed=2)
    assert jr.load_predictor(path).networks[0].seed == 2


def test_a_damaged_model_is_not_passed_on(classes, tmp_path) -> None:
    """What was at the place before stays."""
    model = next(model for model in classes.models if (model.variant, model.seed) == ("Own", 1))
    content, path = model.path.read_bytes(), tmp_path / "a.keras"
    path.write_text("before")
    model.path.write_bytes(content[: len(content) // 2])
    try:
        with pytest.raises(jr.FolderError, match=r"must be whole; it is not: .*\. Run the study again"):
            classes.export("Own", path, seed=1)
    finally:
        model.path.write_bytes(content)
    assert path.read_text() == "before"
