"""Model families: their sizes counted twice, their penalties, and what they refuse."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.data.read import read_table
from justright.study.families import MAX_LAYERS, Mlp, families, family_from_dict, mlp
from justright.study.studies import default_split, named_study
from justright.study.study import Study


@pytest.mark.parametrize(
    ("units", "options", "count"),
    [
        ((16,), {}, 481),
        ((16, 16), {}, 753),
        ((64,) * 3, {}, 10_241),
        ((512,) * 4, {"l2": 0.0001, "dropout": 0.5}, 803_329),
        ((), {}, 29),
        ((4, 3), {"batch_normalization": True}, 28 * 4 + 4 + 4 * 3 + 3 + 3 + 1 + 2 * 7),
    ],
)
def test_parameters_are_those_of_the_keras_model(units, options, count):
    """The tutorial's counts, by hand."""
    family = mlp(*units, **options)
    trainable = sum(int(np.prod(weight.shape)) for weight in family(28, 1).trainable_weights)
    assert trainable == count


def test_layers_come_in_the_tutorial_s_order():
    """Dense with its penalty, normalisation before activation, dropout after each hidden layer; linear output."""
    model = mlp(8, 4, l1=0.1, l2=0.2, dropout=0.25, batch_normalization=True)(3, 2)
    hidden = ["Dense", "BatchNormalization", "Activation", "Dropout"]
    assert [type(layer).__name__ for layer in model.layers] == [*hidden, *hidden, "Dense"]
    first, last = model.layers[0], model.layers[-1]
    assert first.kernel_regularizer.get_config() == {"l1": 0.1, "l2": 0.2}
    assert first.activation is keras.activations.linear
    assert model.layers[2].activation is keras.activations.elu
    assert model.layers[3].rate == 0.25
    assert (last.activation, last.kernel_regularizer) == (keras.activations.linear, None)


def test_inputs_are_standardised_before_noise_is_added():
    """So that the noise is in standard deviations; without either, neither layer is there."""
    layers = mlp(8, input_noise=0.1, standardize=True)(3, 1).layers
    assert [type(layer).__name__ for layer in layers] == ["Normalization", "GaussianNoise", "Dense", "Dense"]
    assert layers[1].stddev == 0.1


@pytest.mark.parametrize(
    ("factors", "expected"),
    [((1, 1, 1), False), ((1, 9, 1), False), ((1, 50_000, 1), True), ((0.001, 1, 1), False)],
)
def test_built_in_studies_standardise_raw_columns_of_classes_too(factors, expected):
    """One column of prices is enough; columns of the tutorial's size stay as they are, and so does HIGGS."""
    x = np.random.default_rng(0).normal(size=(400, 3)) * factors
    table = read_table((x, (np.arange(400) % 2).astype(float)))
    builds = [variant.build for variant in named_study("quick").on(default_split(table)).variants]
    assert {bool(build.standardize) for build in builds} == {expected}
    assert {build.output_scale for build in builds} == {1.0}
    remedies = named_study("remedies").on(default_split(table)).variants
    assert any("Standardised" in variant.name for variant in remedies) != expected


def test_built_in_studies_leave_higgs_as_the_tutorial_has_it():
    """The packaged table has HIGGS' own scales."""
    split = default_split(read_table("higgs-sim"))
    assert not any(variant.build.standardize for variant in named_study("tutorial").on(split).variants)


@pytest.mark.parametrize("limit", [0.5, 2.0])
def test_softly_limited_inputs_are_standardised_and_never_larger(limit):
    """`c tanh(x / c)` of the standardised column, by hand; a row that says 1e6 counts as c."""
    values = np.array([[0.0], [1.0], [2.0], [1e6]], np.float32)
    model = mlp(soft_limit=limit)(1, 1)
    model.layers[0].adapt(values[:3])
    model.layers[-1].set_weights([np.eye(1), np.zeros(1)])
    scaled = (values - 1) / np.sqrt(2 / 3)
    np.testing.assert_allclose(np.asarray(model(values)), limit * np.tanh(scaled / limit), rtol=1e-5)
    assert sum(weight.shape[0] for weight in model.trainable_weights) == 2


def test_outputs_are_brought_to_the_target_s_units():
    """The network's own output times the scale, plus the offset."""
    model = mlp(8, output_scale=100.0, output_offset=5.0)(3, 1)
    x = np.ones((2, 3), np.float32)
    own = keras.Sequential(model.layers[:-1])
    np.testing.assert_allclose(np.asarray(model(x)), np.asarray(own(x)) * 100 + 5, rtol=1e-5)


def test_networks_standardise_their_inputs_where_a_study_s_table_needs_it():
    """A user's own, too, for raw columns and numeric targets; what a network says itself counts."""
    x = np.random.default_rng(0).normal(size=(400, 3))
    classes, raw, numbers = (
        default_split(read_table(values))
        for values in (
            (x, (np.arange(400) % 2).astype(float)),
            (x + 1900, (np.arange(400) % 2).astype(float)),
            (x, 500_000 + 100_000 * x[:, 0]),
        )
    )
    said = {"open": mlp(4), "no": mlp(4, standardize=False), "yes": mlp(4, standardize=True)}
    for on, open_one in ((classes, None), (raw, True), (numbers, True)):
        study = Study(on, said)
        assert [one.build.standardize for one in study.variants] == [open_one, False, True]
    remedies = named_study("remedies").on(numbers).variants  # no remedy is left in what all have
    assert not any("Standardised" in variant.name for variant in remedies)


def test_a_study_file_keeps_what_a_network_says_of_its_inputs():
    """Left open, on and off are three different things."""
    for option in ({}, {"standardize": True}, {"standardize": False}):
        made = mlp(4, **option)
        assert made.to_dict() == {"family": "mlp", "units": [4]} | option
        assert family_from_dict(made.to_dict()) == made


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mlp(0), "`units` must be whole numbers in 1..65536; got 0."),
        (lambda: mlp(16, 65_537), "`units` must be whole numbers in 1..65536; got 65537."),
        (lambda: mlp(16.0), "`units` must be whole numbers in 1..65536; got 16.0."),
        (lambda: mlp(*[1] * (MAX_LAYERS + 1)), "`units` must name at most 1000 layers; got 1001."),
        (lambda: mlp(4, l2=-0.1), "`l2` must be a finite number of at least 0; got -0.1."),
        (lambda: mlp(4, l1=float("inf")), "`l1` must be a finite number of at least 0; got inf."),
        (lambda: mlp(4, l1=float("nan")), "`l1` must be a finite number of at least 0; got nan."),
        (lambda: mlp(4, dropout=1), "`dropout` must lie in [0, 1); got 1."),
        (lambda: mlp(4, dropout=-0.5), "`dropout` must lie in [0, 1); got -0.5."),
        (
            lambda: mlp(4, input_noise=-1),
            "`input_noise` must be a finite number of at least 0; got -1.",
        ),
        (lambda: mlp(4, soft_limit=-2), "`soft_limit` must be a finite number of at least 0; got -2."),
        (lambda: mlp(4, standardize=1), "`standardize` must be true or false; got 1."),
        (lambda: mlp(4, batch_normalization="no"), "`batch_normalization` must be true or false; got 'no'."),
        (
            lambda: mlp(4, droput=0.5),
            (
                "`option of a family` must be one of 'units', 'activation', 'l1', 'l2', 'dropout', "
                "'batch_normalization', 'input_noise', 'standardize', 'soft_limit', 'output_scale', 'output_offset'; got 'droput'. Did you mean 'dropout'?"
            ),
        ),
        (
            lambda: family_from_dict({"family": "mpl"}),
            "`family` must be one of 'mlp', 'higgs_mlp'; got 'mpl'. Did you mean 'mlp'?",
        ),
        (
            lambda: family_from_dict({"family": "mlp"}),
            "A family must name its `units`; got none. Give for instance units = [64, 64].",
        ),
    ],
)
def test_bad_values_are_refused(make, message):
    """One whole sentence each, naming option and value."""
    assert refusal(make) == message


@given(
    units=st.lists(st.integers(1, 65_536), max_size=5),
    activation=st.sampled_from(["elu", "relu", "tanh"]),
    l1=st.floats(0, 1e3),
    l2=st.floats(0, 1e3),
    dropout=st.floats(0, 1, exclude_max=True),
    batch_normalization=st.booleans(),
    input_noise=st.floats(0, 1e3),
    standardize=st.booleans(),
    soft_limit=st.floats(0, 1e3),
)
@settings(max_examples=50)
def test_members_survive_plain_values(**options):
    """`family_from_dict` undoes `to_dict`, for every family."""
    member = Mlp(**options)
    assert families()[member.to_dict()["family"]] is Mlp
    assert family_from_dict(member.to_dict()) == member


def test_penalties_of_a_linear_model_act_on_its_only_kernel():
    """By hand: both penalties of every weight, none of the bias; with hidden layers the last kernel is free."""
    model = mlp(l1=0.1, l2=0.01)(2, 1)
    model.layers[-1].set_weights([np.array([[3.0], [-2.0]]), np.array([5.0])])
    assert float(sum(model.losses)) == pytest.approx(0.1 * 5 + 0.01 * 13)
    assert mlp(3, l2=0.01)(2, 1).layers[-1].kernel_regularizer is None
