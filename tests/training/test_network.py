"""Models of any kind become networks, or are refused in one sentence before anything trains."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from tests.refusals import refusal

from justright.errors import InputError
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.variant import KerasConfig
from justright.training.network import build_network, describe_network, ends_in_logits

RECIPE = Recipe().resolve("binary", 100)


def build(builder, *, seed=0, recipe=RECIPE, features=3, outputs=1, task="binary"):
    """Return the network of a builder on a table of three features."""
    return build_network("Mine", builder, recipe, seed=seed, features=features, outputs=outputs, task=task)


def dense(units, *, features=3, **options):
    """Return a model of one layer."""
    return keras.Sequential([keras.Input((features,)), keras.layers.Dense(units, **options)])


def raising():
    """A builder with a mistake in it."""
    raise RuntimeError("no such layer")


def compiled():
    """A model that somebody compiled."""
    model = dense(1)
    model.compile("adam", "mse")
    return model


def untrainable():
    """A model without weights."""
    return keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x[:, :1])])


def with_code():
    """The JSON of a model that would run its author's code."""
    return KerasConfig(untrainable().to_json())


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (raising, "Variant 'Mine' cannot be built: RuntimeError: no such layer"),
        (lambda: 3, "The builder of variant 'Mine' must return a keras.Model; got 3."),
        (
            compiled,
            (
                "The builder of variant 'Mine' returned a compiled keras.Model, whose optimizer, loss and metrics would not be "
                "used. Pass the model itself instead of its builder, or return it uncompiled, with a Recipe beside it."
            ),
        ),
        (
            lambda: dense(1, features=4),
            "Variant 'Mine' must take inputs of shape (None, 3), the table's features; it takes (None, 4).",
        ),
        (
            lambda: dense(2),
            (
                "Variant 'Mine' must end in shape (None, 1) for a binary target; it ends in (None, 2). "
                "Let the last layer be Dense(1)."
            ),
        ),
        (untrainable, "Variant 'Mine' must have trainable weights; it has none."),
        (
            lambda: keras.Model(one := keras.Input((3,)), {"a": keras.layers.Dense(1)(one)}),
            (
                "Variant 'Mine' must give one output; it gives a dict of 1. Let it give the one that is to be judged: "
                "keras.Model(inputs, output)."
            ),
        ),
        (
            lambda: keras.Sequential(
                [keras.Input((3,)), keras.layers.Discretization(num_bins=4), keras.layers.Dense(1)]
            ),
            (
                "Variant 'Mine' has a Discretization layer without boundaries; only Normalization layers are adapted to "
                "training rows. Give it `bin_boundaries`."
            ),
        ),
    ],
)
def test_models_that_do_not_fit_are_refused(builder, message):
    """A builder that raises, something else than a model, wrong inputs or outputs, nothing to train."""
    assert refusal(build, builder) == message


@pytest.mark.parametrize(
    ("builder", "beginning"),
    [
        (mlp(4, activation="elux"), "Variant 'Mine' cannot be built: ValueError: "),
        (with_code(), "Variant 'Mine' cannot be built: "),
        (KerasConfig("{"), "Variant 'Mine' cannot be built: "),
    ],
)
def test_what_keras_refuses_is_said_with_the_variant_s_name(builder, beginning):
    """An unknown activation, a configuration with code (Keras' safe mode), no configuration at all."""
    with pytest.raises(InputError) as caught:
        build(builder)
    assert str(caught.value).startswith(beginning)
    assert len(str(caught.value)) > len(beginning)


def test_an_optimizer_that_keras_does_not_know_is_refused():
    """Named by variant, with Keras' own account."""
    recipe = Recipe(optimizer={"module": "keras.optimizers", "class_name": "Adamm", "config": {}})
    assert (
        refusal(build, mlp(4), recipe=recipe.resolve("binary", 100))
        == "The optimizer of variant 'Mine' cannot be built: Keras knows no 'Adamm'."
    )


def test_an_unresolved_recipe_is_refused():
    """Without a table there is no default schedule."""
    assert refusal(build, mlp(4), recipe=Recipe()) == (
        "A recipe must be resolved for its table before it is used; call `Recipe.resolve`."
    )


def test_initial_weights_are_those_of_plain_keras():
    """As after clear_session and set_random_seed; other seeds give others."""
    values = {seed: build(mlp(4), seed=seed).initial_values()["weights"] for seed in (0, 1)}
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    for ours, theirs in zip(values[1], mlp(4)(3, 1).trainable_variables, strict=True):
        np.testing.assert_array_equal(ours, theirs.value)
    assert not np.array_equal(values[0][0], values[1][0])


def test_a_model_handed_in_starts_from_weights_of_the_seed():
    """Of a keras.Model only its architecture counts: the same seed gives what a builder would give."""
    from_config = build(KerasConfig(dense(1).to_json()), seed=5).initial_values()["weights"]
    from_builder = build(lambda: dense(1), seed=5).initial_values()["weights"]
    np.testing.assert_array_equal(from_config[0], from_builder[0])


@pytest.mark.parametrize(
    ("layers", "logits"),
    [
        ([keras.layers.Dense(1)], True),
        ([keras.layers.Dense(1, activation="tanh")], True),
        ([keras.layers.Dense(1, activation="sigmoid")], False),
        ([keras.layers.Dense(3, activation="softmax")], False),
        ([keras.layers.Dense(1), keras.layers.Activation("sigmoid")], False),
        ([keras.layers.Dense(3), keras.layers.Softmax()], False),
    ],
)
def test_logits_are_told_from_probabilities_by_the_last_layer(layers, logits):
    """Activations given as an argument, as a layer of their own, or not at all."""
    assert ends_in_logits(keras.Sequential([keras.Input((3,)), *layers])) is logits


def test_a_recipe_s_word_about_logits_counts():
    """For models whose last layer does not show it."""
    recipe = Recipe(from_logits=False).resolve("binary", 100)
    network = build(lambda: dense(1), recipe=recipe)
    chance = float(network.objective.row_losses(np.ones(1, np.float32), np.full((1, 1), 0.25, np.float32))[0])
    assert chance == pytest.approx(-np.log(0.25))


def test_what_is_said_of_a_model_is_keras_own_account():
    """Summary and JSON by Keras, trainable parameters, one entry a layer."""
    built = describe_network("Mine", build(mlp(4, batch_normalization=True)))
    model = keras.models.model_from_json(built.config)
    assert built.parameters == 29
    assert [layer[:2] for layer in built.layers] == [
        (layer.name, type(layer).__name__) for layer in model.layers
    ]
    assert "Total params: 37" in built.summary  # with the moving statistics, which are not trained


def test_a_model_that_keras_cannot_save_is_refused_before_it_trains():
    """A subclassed model with arguments of its own has no description; its best weights could not be kept."""

    class Own(keras.Model):
        def __init__(self, units):
            super().__init__()
            self.last = keras.layers.Dense(units)

        def call(self, inputs):
            return self.last(inputs)

    assert refusal(build, lambda: Own(1)) == (
        "Variant 'Mine' must be a model that Keras can save, with all layers in it; Object Own was created by passing "
        "non-serializable argument values in `__init__()`, and therefore the object must override `get_config()` in order to be "
        "serializable. Please implement `get_config()`."
    )


def test_a_model_whose_class_does_not_take_its_description_is_refused_with_what_helps(monkeypatch):
    """Keras notes more about a model than its `__init__` takes."""

    class Bare(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = keras.layers.Dense(1)

        def call(self, inputs):
            return self.last(inputs)

    monkeypatch.setitem(keras.saving.get_custom_objects(), "Bare", Bare)
    with pytest.raises(InputError) as caught:
        build(KerasConfig(Bare().to_json()))
    assert str(caught.value).startswith("Variant 'Mine' cannot be made again from what Keras says about it: ")
    assert str(caught.value).endswith(
        "Bare.__init__() got an unexpected keyword argument 'trainable'. Let its class's `__init__` take **kwargs and pass them "
        "to `super().__init__`, or pass a function that makes it."
    )


class Hidden(keras.Model):
    """A model that makes probabilities where Keras does not see it."""

    def __init__(self):
        super().__init__()
        self.last = keras.layers.Dense(1)

    def call(self, inputs):
        """Return probabilities."""
        return keras.ops.sigmoid(self.last(inputs))


def test_probabilities_that_a_call_hides_are_not_taken_for_logits():
    """A wrong guess would train, and only badly; the recipe decides."""
    assert refusal(build, Hidden) == (
        "Variant 'Mine' gives numbers from 0 to 1, and its `call` does not show whether they are probabilities. Say "
        "Recipe(from_logits=False) if a sigmoid or softmax makes them, from_logits=True if they are logits."
    )
    for from_logits in (True, False):
        assert build(Hidden, recipe=Recipe(from_logits=from_logits).resolve("binary", 100))


def test_a_call_without_a_training_argument_is_called_without_it():
    """As `fit` does: most classes that people write have none, and Keras refuses what `call` does not name."""

    class Plain(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = keras.layers.Dense(1)

        def call(self, inputs):
            return self.last(inputs)

    network = build(Plain)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    weights = [variable.value for variable in network.model.trainable_variables]
    outputs, others, penalties = network.apply(weights, [], x, training=True)
    np.testing.assert_allclose(outputs, network.model(x), rtol=1e-6)
    assert (list(others), list(penalties)) == ([], [])
