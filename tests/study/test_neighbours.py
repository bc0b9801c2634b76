"""Neighbours: one change each, of every kind of network, under names of their own; parameters tell wider from narrower."""

from __future__ import annotations

import json

import keras
import pytest
from keras import layers
from tests.refusals import refusal

from justright.study.directions import (
    LESS_CAPACITY,
    LONGER_TRAINING,
    MORE_CAPACITY,
    REGULARIZATION,
    direction_of,
)
from justright.study.families import MAX_UNITS, Mlp, mlp
from justright.study.neighbours import (
    ChangedModel,
    add_apart,
    keras_builds,
    ladder_sentence,
    neighbours,
    neighbours_sentence,
)
from justright.study.recipe import Recipe
from justright.study.remedy import NEIGHBOUR_GROUP, Facts
from justright.study.variant import KerasConfig, Variant

FEATURES = 4
FACTS = Facts("binary", tuple("abcd"), 100, Recipe(batch_size=20, max_epochs=40, patience=7))


@pytest.fixture(scope="module", autouse=True)
def _without_weights():
    """Let Keras check layers and shapes, and make no weights: drawing them takes nearly all the time."""
    with keras.StatelessScope(initialize_variables=False):
        yield


class Own(layers.Layer):
    """A layer that Keras knows nothing about, with a width that stays."""

    def __init__(self, width=8, **options):
        super().__init__(**options)
        self.width = width
        self.dense = layers.Dense(width, activation="relu")

    def build(self, shape):
        """Make the kernel."""
        self.dense.build(shape)

    def call(self, inputs):
        """Return the values of the hidden layer."""
        return self.dense(inputs)

    def get_config(self):
        """Return the options."""
        return {**super().get_config(), "width": self.width}


class Subclassed(keras.Model):
    """A model that Keras cannot describe."""

    def __init__(self, **options):
        super().__init__(**options)
        self.hidden, self.last = layers.Dense(20, activation="relu"), layers.Dense(1)

    def build(self, shape):
        """Make the kernels."""
        self.hidden.build(shape)
        self.last.build((None, 20))

    def call(self, inputs, training=None):
        """Return the logits."""
        return self.last(self.hidden(inputs))


def sequential(*members):
    """A sequential model of a table's rows."""
    return keras.Sequential([keras.Input((FEATURES,)), *members])


def sgd(**options):
    """An optimizer as recipes hold it."""
    return {"module": "keras.optimizers", "class_name": "SGD", "config": {"learning_rate": 0.5, **options}}


def skipping():
    """A functional model with a skip around a normalised layer."""
    inputs = keras.Input((FEATURES,))
    h = layers.Dense(8, activation="relu")(inputs)
    r = layers.BatchNormalization()(layers.Dense(8)(h))
    return keras.Model(inputs, layers.Dense(1)(layers.Add()([h, r])))


def count(build):
    """The parameters of what is built; None if it does not fit the table."""
    try:
        if isinstance(build, Mlp):
            model = build(FEATURES, 1)
        else:
            model = keras.models.model_from_json(build.json) if isinstance(build, KerasConfig) else build()
    except (TypeError, ValueError):
        return None
    if not model.built:
        model.build((None, FEATURES))
    return int(sum(keras.ops.prod(variable.shape) for variable in model.trainable_variables))


def around(builder):
    """The network's parameters, and its neighbours, as a study finds them."""
    model = builder()
    if not model.built:
        model.build((None, FEATURES))
    try:
        config = model.to_json()
    except NotImplementedError:
        config = ""
    network = Variant("Mine", builder)
    builds = keras_builds(config, count(builder), count=count, features=FEATURES, outputs=1, builder=builder)
    return count(builder), neighbours(network, FACTS, builds)


PLAIN = ["Wider", "Narrower", "With dropout", "Longer"]
STYLES = {
    "sequential": (lambda: sequential(layers.Dense(8, activation="relu"), layers.Dense(1)), PLAIN),
    "dropout": (
        lambda: sequential(layers.Dense(8), layers.Dropout(0.2), layers.Dense(1)),
        ["Wider", "Narrower", "More dropout", "Longer"],
    ),
    "skip and normalisation": (skipping, PLAIN),
    "own layer": (lambda: sequential(Own(), layers.Dense(6, activation="relu"), layers.Dense(1)), PLAIN),
    "own layer alone": (
        lambda: sequential(Own(), layers.Dense(1)),
        ["Ladder wider", "Ladder narrower", "With L2", "Longer"],
    ),
    "subclassed": (Subclassed, ["Ladder wider", "Ladder narrower", "With weight decay", "Longer"]),
    "linear": (lambda: sequential(layers.Dense(1)), ["Ladder wider", "With L2", "Longer"]),
}


@pytest.mark.parametrize("style", STYLES)
def test_every_model_has_neighbours_in_both_directions(style):
    """By their parameters wider and narrower; the others have as many, and each is one change of the network."""
    builder, names = STYLES[style]
    size, made = around(builder)
    assert [one.name for one in made] == names
    assert {(one.baseline, one.group, one.remedy, one.strength) for one in made} == {
        ("Mine", NEIGHBOUR_GROUP, "", None)
    }
    assert {direction_of(one.change) for one in made} == {"freer", "tighter"}
    sizes = {one.change: count(one.build) for one in made}
    assert sizes[MORE_CAPACITY] > size
    assert sizes.get(LESS_CAPACITY, 0) < size
    assert sizes[REGULARIZATION] == sizes[LONGER_TRAINING] == size


def test_models_of_a_user_s_own_classes_are_built_with_them():
    """Plain models become descriptions, which a study file can hold; the others need their builder."""
    for style, kind in (("sequential", KerasConfig), ("own layer", ChangedModel)):
        _, made = around(STYLES[style][0])
        assert {type(one.build) for one in made if one.change != LONGER_TRAINING} == {kind}
    wider = made[0].build()
    assert [type(layer) for layer in wider.layers] == [Own, layers.Dense, layers.Dense]
    assert [wider.layers[0].width, wider.layers[1].units] == [8, 12]


def test_the_ladder_s_networks_have_about_twice_and_half_as_many_parameters():
    """Within a third, which rounding to whole units explains; and the user is told once why."""
    size, (wider, narrower, *_) = around(lambda: sequential(Own(40), Own(40), layers.Dense(1)))
    assert size == 4 * 40 + 40 + 40 * 40 + 40 + 40 + 1
    assert count(wider.build) == pytest.approx(2 * size, rel=1 / 3)
    assert count(narrower.build) == pytest.approx(size / 2, rel=1 / 3)
    assert ladder_sentence([wider, narrower]) == (
        "The widths of 'Mine' cannot be changed in Keras' description of it: Ladder wider and Ladder narrower are networks of "
        "dense layers instead, with other numbers of parameters."
    )
    assert ladder_sentence([]) is None


def test_a_family_s_member_keeps_all_else():
    """Activation, normalisation, penalty and preprocessing; widths stay in bounds, and one unit has no half."""
    own = mlp(
        1, MAX_UNITS, activation="relu", batch_normalization=True, l2=0.1, standardize=True, dropout=0.5
    )
    wider, narrower, dropout, longer = neighbours(Variant("Mine", own), FACTS)
    kept = {"activation": "relu", "batch_normalization": True, "l2": 0.1, "standardize": True}
    assert wider.build == mlp(2, MAX_UNITS, dropout=0.5, **kept)
    assert narrower.build == mlp(1, MAX_UNITS // 2, dropout=0.5, **kept)
    assert dropout.build == mlp(1, MAX_UNITS, dropout=0.65, **kept)
    assert dropout.name == "More dropout"
    assert longer.build == own
    assert [one.name for one in neighbours(Variant("One", mlp(1)), FACTS)] == [
        "Wider",
        "With dropout",
        "Longer",
    ]


def test_a_linear_member_gets_a_hidden_layer_and_a_penalty():
    """Nothing is narrower; a penalty that it has becomes stronger."""
    made = neighbours(Variant("Line", mlp(standardize=True)), FACTS)
    assert [(one.name, one.build) for one in made] == [
        ("Ladder wider", mlp(16, standardize=True)),
        ("With L2", mlp(l2=0.01, standardize=True)),
        ("Longer", mlp(standardize=True)),
    ]
    assert neighbours(Variant("Line", mlp(l2=0.05)), FACTS)[1].build == mlp(l2=0.5)


def test_the_recipe_is_the_network_s_but_for_longer_training():
    """Its own optimizer, batches and loss, or the study's; twice the epochs and the patience."""
    own = Recipe(batch_size=5, max_epochs=11, patience=None, optimizer=sgd(), ema=0.9)
    *others, longer = neighbours(Variant("Mine", mlp(8), own), FACTS)
    assert [one.recipe for one in others] == [own] * 3
    assert longer.recipe.to_dict() == own.resolve("binary", 100).to_dict() | {"max_epochs": 22}
    *others, longer = neighbours(Variant("Mine", mlp(8)), FACTS)
    assert [one.recipe for one in others] == [None] * 3
    assert (longer.recipe.max_epochs, longer.recipe.patience) == (80, 14)


@pytest.mark.parametrize(("decay", "stronger"), [(None, 1.0), (0.2, 2.0)])
def test_what_cannot_be_described_is_regularized_by_its_optimizer(decay, stronger):
    """Whatever that is; decay that it has becomes stronger."""
    own = Recipe(optimizer=sgd(weight_decay=decay))
    decayed = neighbours(Variant("Mine", Subclassed, own), FACTS, {MORE_CAPACITY: ("Wider", mlp(9))})[1]
    assert (decayed.name, decayed.build, decayed.change) == ("With weight decay", Subclassed, REGULARIZATION)
    assert decayed.recipe.optimizer["class_name"] == "SGD"
    assert decayed.recipe.optimizer["config"]["weight_decay"] == pytest.approx(stronger)


def test_a_model_of_no_family_needs_its_changed_networks():
    """They are found by building them, which this function cannot."""
    assert refusal(neighbours, Variant("Mine", KerasConfig("{}")), FACTS) == (
        "The neighbours of variant 'Mine' must be given as `builds`, since it is of no family; got None."
    )


def test_names_that_are_taken_get_the_network_s_and_then_a_number():
    """A name of 80 letters leaves no room for another; the same neighbours are added once."""
    for name, expected in (
        ("Longer", ["Wider", "Narrower", "With dropout", "Longer (Longer)"]),
        ("wider", ["Wider (wider)", "Narrower", "With dropout", "Longer"]),
    ):
        network = Variant(name, mlp(8))
        found = add_apart([network], neighbours(network, FACTS), of=name)
        assert [one.name for one in found[1:]] == expected
        assert add_apart(found, neighbours(network, FACTS), of=name) == found
    long = Variant("x" * 80, mlp(8))
    before = (long, Variant("Wider", mlp(3)), Variant("Wider 2", mlp(4)))
    assert [one.name for one in add_apart(before, neighbours(long, FACTS), of=long.name)[3:]] == [
        *("Wider 3", "Narrower", "With dropout", "Longer")
    ]


def test_the_cost_is_said():
    """Which are trained beside what, and how to leave them out."""
    network = Variant("Mine", mlp(8))
    made = neighbours(network, FACTS)
    assert neighbours_sentence([network, *made]) == (
        "4 neighbours are trained beside 'Mine', to show what would help: Wider, Narrower, With dropout, Longer; "
        "--no-neighbours leaves them out."
    )
    assert neighbours_sentence([network, made[0]]) == (
        "1 neighbour is trained beside 'Mine', to show what would help: Wider; --no-neighbours leaves them out."
    )
    assert neighbours_sentence([network]) is None


def test_preprocessing_keeps_its_name():
    """The engine adapts the layer `standardization` and leaves 0/1 features unscaled by that name."""
    _, made = around(
        lambda: sequential(layers.Normalization(name="standardization"), layers.Dense(8), layers.Dense(1))
    )
    for one in made[:3]:
        first = json.loads(one.build.json)["config"]["layers"][1]
        assert (first["class_name"], first["config"]["name"]) == ("Normalization", "standardization")
