"""A study of remedies from description to result: what it reports against the models it saved."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import justright as jr
from justright.study.catalogue import ladder
from justright.study.remedy import Facts


@pytest.fixture(scope="module")
def split():
    """300 rows of a collision's columns: 60 validate, 120 learn, 120 measure."""
    rng = np.random.default_rng(2)
    names = ["lepton_phi", "jet_phi", "lepton_eta", "jet_eta", "mass"]
    x = rng.uniform(-1.7, 1.7, (300, 5)).astype(np.float32)
    y = (np.cos(1.8 * (x[:, 0] - x[:, 1])) + rng.normal(0, 0.5, 300) > 0).astype(np.float32)
    frame = {name: x[:, column] for column, name in enumerate(names)} | {"label": y}
    import polars as pl

    return jr.read_table(pl.DataFrame(frame), target="label").split(
        validation=60, train=120, test=120, order="head"
    )


@pytest.fixture(scope="module")
def result(split, tmp_path_factory):
    """Two seeds of a small network, two strengths of dropout, random turns, and one step of a combination."""
    recipe = jr.Recipe(batch_size=40, max_epochs=4, patience=4)
    base = jr.Variant("Small", jr.mlp(8))
    start = jr.Variant("Base", jr.mlp(6), group="steps")
    facts = Facts.of(split, recipe)
    study = jr.Study(
        split,
        [
            base,
            *jr.remedies(base, facts, only=["Dropout", "Random turns"]),
            start,
            *ladder(start, [("Standardised inputs", [1])], facts),
        ],
        recipe,
        seeds=2,
        name="remedies",
        reference=False,
    )
    return study.run(tmp_path_factory.mktemp("remedies") / "study", workers=1, keep_workers=True)


def models_of(result, variant):
    """The saved models of one variant, by seed."""
    return {model.seed: model.load() for model in result.models if model.variant == variant}


def cross_entropy(chances, labels):
    """Row by row, the plain way."""
    return -np.log(np.where(labels == 1, chances, 1 - chances))


def test_the_ensemble_is_that_of_the_saved_models(result, split):
    """Their mean probability on test rows, by plain Keras, against their mean loss."""
    x, y = split.arrays("test")
    logits = [np.asarray(model(x))[:, 0].astype(float) for model in models_of(result, "Small").values()]
    chances = [1 / (1 + np.exp(-one)) for one in logits]
    direct = cross_entropy(np.mean(chances, axis=0), y).mean() - np.mean(
        [cross_entropy(one, y).mean() for one in chances]
    )
    effect = next(
        one for one in result.result["effects"] if one["kind"] == "ensemble" and one["baseline"] == "Small"
    )
    assert effect["remedy"] == "Ensemble of 2 x Small"
    # float32 outputs of another program than the one that trained: losses agree to about 1e-6.
    assert effect["difference"] == pytest.approx(direct, abs=1e-5)
    assert effect["covers"] == "rows"


def test_one_strength_is_measured_and_it_is_the_one_that_validation_rows_prefer(result):
    """Dropout stands once among the effects; the rest of its strengths are only searched."""
    measured = [one["remedy"] for one in result.result["effects"] if one["remedy"].startswith("Dropout")]
    losses = {
        item["name"]: np.mean([run["best"]["val_binary_crossentropy"] for run in item["runs"]])
        for item in result.result["variants"]
        if item["name"].startswith("Dropout")
    }
    assert len(losses) == 3
    assert measured == [min(losses, key=losses.get)]


def test_the_choice_has_the_lowest_validation_loss_of_all(result, split):
    """Networks and ensembles, recomputed from the saved models."""
    x, y = split.arrays("validation")
    scores = {}
    for name in {model.variant for model in result.models}:
        logits = [np.asarray(model(x))[:, 0].astype(float) for model in models_of(result, name).values()]
        chances = [1 / (1 + np.exp(-one)) for one in logits]
        scores[name] = np.mean([cross_entropy(one, y).mean() for one in chances])
        scores[f"Ensemble of 2 x {name}"] = cross_entropy(np.mean(chances, axis=0), y).mean()
    choice = result.result["choice"]
    assert choice["candidates"] == len(scores)
    assert choice["validation"] == pytest.approx(min(scores.values()), abs=1e-5)
    assert scores[choice["name"]] == pytest.approx(choice["validation"], abs=1e-5)


def test_the_effects_are_what_result_json_says(result):
    """Early stopping, ensembles, remedies and steps, each with an interval around its difference."""
    effects = json.loads((result.folder / "result.json").read_text())["effects"]
    kinds = {(one["kind"], one["baseline"]) for one in effects}
    assert kinds >= {
        ("early stopping", "Small"),
        ("ensemble", "Small"),
        ("variant", "Small"),
        ("variant", "Base"),
    }
    assert all(one["low"] <= one["difference"] <= one["high"] for one in effects)


def test_a_saved_model_with_symmetries_is_plain_keras(result, split):
    """Trained with random turns, saved, opened in safe mode, and silent about its turns at inference."""
    saved = next(model for model in result.models if model.variant == "Random turns")
    model = keras.models.load_model(saved.path, safe_mode=True)
    x, _ = split.arrays("test")
    np.testing.assert_array_equal(np.asarray(model(x)), np.asarray(model(x)))
    kinds = {type(layer).__module__.split(".")[0] for layer in model.layers}
    assert kinds == {"keras"}


def test_the_same_study_again_trains_nothing(result, split):
    """Roles of variants are not part of what was trained."""
    again = jr.open_result(result.folder)
    assert again.result["effects"] == result.result["effects"]
    assert (result.folder / "report.html").read_text().count('id="chart-steps"') == 1
