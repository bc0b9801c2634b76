"""Compiled Keras models as variants: what they say about training becomes their recipe."""

from __future__ import annotations

from dataclasses import replace

import keras
import pytest
from tests.refusals import refusal

import justright as jr
from justright.study.keras_descriptions import check_keras_optimizer
from justright.study.own_models.architecture import is_same_network
from justright.study.own_models.compiled_model import compiled_options, compiled_sentence, known_options
from justright.study.variant import CompiledConfig

BINARY = keras.losses.BinaryCrossentropy


def compiled(optimizer="adam", loss="mean_squared_error", **options):
    """Return a compiled network for three features."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer, loss, **options)
    return model


def own_loss(y, predicted):
    """A loss of a user."""
    return (y - predicted) ** 4


def trained(split, model, recipe=None, **options):
    """Return the recipe that trains a model in a study."""
    study = jr.Study(split, {"Mine": model}, recipe, **options)
    return study.recipe_of(study.variants[0])


def test_a_compiled_model_trains_as_an_uncompiled_one_with_that_recipe(split):
    """Its optimizer, loss, metrics and logits; all else is the study's."""
    recipe = jr.Recipe(batch_size=20, max_epochs=7)
    auc = keras.metrics.AUC(name="auc")
    model = compiled(
        keras.optimizers.SGD(0.5),
        keras.losses.BinaryFocalCrossentropy(from_logits=True),
        metrics=["accuracy", auc],
    )
    written = replace(
        recipe,
        optimizer=keras.optimizers.SGD(0.5),
        loss=keras.losses.BinaryFocalCrossentropy(from_logits=True),
        metrics=[auc],
        from_logits=True,
    )
    assert trained(split, model, recipe) == trained(split, keras.models.clone_model(model), written)


def test_the_architecture_is_that_of_the_model_alone():
    """Keras' own description also says how it was compiled, and compiles what is made of it."""
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    made = jr.Variant("Mine", compiled()).build
    assert is_same_network(made.json, jr.Variant("Mine", plain).build.json)
    assert not keras.models.model_from_json(made.json).compiled


def test_the_loss_of_the_task_needs_no_name(split):
    """It is what is minimised anyway; whether outputs are logits is what it tells."""
    for loss, logits in ((BINARY(from_logits=True), True), (BINARY(), False), ("binary_crossentropy", False)):
        recipe = trained(split, compiled(loss=loss))
        assert (recipe.loss, recipe.from_logits) == (None, logits)
    smoothed = trained(split, compiled(loss=BINARY(from_logits=True, label_smoothing=0.1)))
    assert smoothed.loss["config"]["label_smoothing"] == 0.1


def test_other_names_of_a_loss_and_of_an_optimizer_mean_the_same(split):
    """Keras numbers optimizers, and knows short names."""
    assert compiled_options(compiled("adam", "mse")) == compiled_options(
        compiled("Adam", "mean_squared_error")
    )
    assert compiled_options(compiled(loss=["mae"]))["loss"] == "mean_absolute_error"
    assert compiled_options(compiled(metrics=[["mae"]]))["metrics"] == ("mae",)


def test_an_optimizer_is_called_by_its_public_name():
    """Some backends have subclasses of their own, which workers, whose backend is JAX, do not know."""

    class Adam:
        """An optimizer as Keras' PyTorch backend describes it."""

        stateless_apply = None

        def get_config(self):
            """Return its options."""
            return {"name": "adam"}

    Adam.__module__ = "keras.src.backend.torch.optimizers.torch_adam"
    assert check_keras_optimizer(Adam()) == {
        "module": "keras.optimizers",
        "class_name": "Adam",
        "config": {"name": "adam"},
    }


def test_functions_stay_functions(split):
    """They are sent to workers, as a recipe's own are."""
    recipe = trained(split, compiled(loss=own_loss))
    assert recipe.loss is own_loss
    assert recipe.has_functions


def test_a_study_that_is_made_again_keeps_the_recipe(split):
    """As when neighbours are added; and its description is that of a plain configuration."""
    study = jr.Study(split, {"Mine": compiled(loss="mae")}, neighbours=False)
    again = replace(study, seeds=2)
    assert again.recipe_of(again.variants[0]) == study.recipe_of(study.variants[0])
    assert isinstance(again.variants[0].build, CompiledConfig)


def test_a_recipe_beside_it_says_the_rest(split):
    """But not what the model says already."""
    beside = jr.Variant("Mine", compiled(loss="mae"), jr.Recipe(batch_size=5))
    study = jr.Study(split, [beside])
    recipe = study.recipe_of(study.variants[0])
    assert (recipe.batch_size, recipe.loss) == (5, "mean_absolute_error")
    assert refusal(
        jr.Study,
        split,
        [jr.Variant("Mine", compiled(), jr.Recipe(optimizer=keras.optimizers.SGD(), metrics=["mae"]))],
    ) == (
        "Variant 'Mine' is a compiled keras.Model, which says its 'optimizer', 'metrics'; its recipe says another. Leave it out "
        "of the recipe, or pass the model uncompiled."
    )


def test_how_it_trains_is_said():
    """The study's diary has this sentence."""
    model = compiled(loss="mae", metrics=["mse", keras.metrics.AUC(name="auc")])
    assert compiled_sentence("Mine", compiled_options(model)) == (
        "Variant 'Mine' trains as it was compiled: with Adam, the loss mean_absolute_error and the metrics mse, auc."
    )


class Stepping(keras.Model):
    """A model with a step of its own."""

    def train_step(self, *given):
        """Train by Keras' own step."""
        return super().train_step(*given)

    def get_config(self):
        """Return a configuration."""
        return {}


def test_what_a_recipe_cannot_say_is_refused_all_at_once():
    """Several losses, weighted metrics, averages, steps of one's own."""
    model = Stepping()
    model.compile(keras.optimizers.SGD(use_ema=True), {"a": "mse", "b": "mae"}, weighted_metrics=["mae"])
    assert refusal(jr.Variant, "Mine", model) == (
        "Variant 'Mine' cannot be trained as it was compiled. `optimizer` must not average weights itself; got use_ema=True. Set "
        "the recipe's `ema` instead, for instance ema=0.99: the averaged weights are then validated, measured and saved. A "
        "compiled model must have one loss, without loss weights; it has 2 losses. A compiled model's metrics must not be "
        "weighted; it has weighted_metrics. Give them as metrics. A compiled model must train by Keras' own steps; Stepping "
        "defines 'train_step'. Train it with model.fit and justright.callbacks.JustRight, which records any training. Or pass "
        "it uncompiled, with a Recipe."
    )
    assert known_options(model)[0] == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"loss": None},
            "A compiled model must have a loss; it has none. Compile it with one, or leave it uncompiled.",
        ),
        (
            {"loss_weights": [2.0]},
            "A compiled model must have one loss, without loss weights; it has loss weights.",
        ),
        (
            {"metrics": [["mae"], ["mse"]]},
            "A compiled model must have the metrics of one output; it has those of several.",
        ),
    ],
)
def test_each_of_them_has_a_sentence(options, message):
    """Whole messages."""
    model = compiled(**options)
    assert refusal(compiled_options, model) == message


class Undescribed(keras.Model):
    """A model without a configuration."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def get_config(self):
        """Refuse."""
        raise NotImplementedError("There is no configuration.")


def test_a_model_that_keras_cannot_describe_is_refused():
    """With what would work."""
    assert refusal(jr.Variant, "Mine", Undescribed(len)) == (
        "Variant 'Mine' must be a model that Keras can describe; Undescribed is not: There is no configuration. Pass a function "
        "that makes it: lambda: Undescribed(...)."
    )
