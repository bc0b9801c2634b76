"""ONNX files: every layer, operation and activation that is known gives in ONNX Runtime what Keras gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from tests.refusals import refusal

import justright as jr
from justright.session.exports import network_files
from justright.session.exports.network_files import ONNX_TOLERANCE, probe_rows
from justright.session.exports.onnx_nodes import ACTIVATIONS, FUNCTIONS, LAYERS

FEATURES = 5
needs_onnx = pytest.mark.skipif(
    any(network_files.find_spec(name) is None for name in network_files.ONNX_PACKAGES),
    reason="needs onnx and onnxruntime, the extra `onnx`",
)

Cases = dict[str, Callable[[Any], Any]]

LAYER_CASES: Cases = {
    "Activation": layers.Activation("tanh"),
    "ActivityRegularization": layers.ActivityRegularization(l2=0.1),
    "Add": lambda x: layers.Add()([x, layers.Dense(FEATURES)(x), layers.Dense(1)(x)]),
    "AlphaDropout": layers.AlphaDropout(0.5),
    "Average": lambda x: layers.Average()([x, layers.Dense(FEATURES)(x), x]),
    "BatchNormalization": lambda x: layers.BatchNormalization(center=False)(layers.BatchNormalization()(x)),
    "Concatenate": lambda x: layers.Concatenate()([x, layers.Dense(2)(x)]),
    "Dense": layers.Dense(3, use_bias=False),
    "Dropout": layers.Dropout(0.5),
    "ELU": layers.ELU(0.7),
    "Embedding": lambda x: layers.Flatten()(layers.Embedding(4, 2)(x)),
    "Flatten": lambda x: layers.Flatten()(layers.Reshape((FEATURES, 1))(x)),
    "GaussianDropout": layers.GaussianDropout(0.5),
    "GaussianNoise": layers.GaussianNoise(0.5),
    "Identity": layers.Identity(),
    "LayerNormalization": lambda x: layers.LayerNormalization(scale=False, center=False)(
        layers.LayerNormalization()(x)
    ),
    "LeakyReLU": layers.LeakyReLU(0.3),
    "Maximum": lambda x: layers.Maximum()([x, layers.Dense(FEATURES)(x)]),
    "Minimum": lambda x: layers.Minimum()([x, layers.Dense(FEATURES)(x)]),
    "Multiply": lambda x: layers.Multiply()([x, layers.Dense(FEATURES)(x), x]),
    "Normalization": lambda x: layers.Normalization(mean=2.0, variance=3.0, invert=True)(
        layers.Normalization(mean=[0.0, 1.0, 2.0, 3.0, 4.0], variance=[1.0, 2.0, 3.0, 4.0, 0.0])(x)
    ),
    "PReLU": layers.PReLU(),
    "ReLU": lambda x: layers.ReLU(max_value=1.5, negative_slope=0.1)(
        layers.ReLU()(x) - layers.Dense(FEATURES)(x)
    ),
    "Rescaling": lambda x: layers.Rescaling([1.0, 2.0, 3.0, 4.0, 5.0], offset=0.5)(x),
    "Reshape": lambda x: layers.Dense(2)(layers.Reshape((-1, 1))(x)),
    "Softmax": layers.Softmax(),
    "SpatialDropout1D": lambda x: layers.SpatialDropout1D(0.5)(layers.Reshape((FEATURES, 1))(x)),
    "Subtract": lambda x: layers.Subtract()([x, layers.Dense(FEATURES)(x)]),
}

FUNCTION_CASES: Cases = {
    "Add": lambda x: 1.5 + x + layers.Dense(FEATURES)(x),
    "Cast": lambda x: ops.cast(ops.cast(x * 3.0, "int32"), "float32"),
    "Concatenate": lambda x: ops.concatenate([x, x], axis=-1),
    "Divide": lambda x: ops.divide(x, ops.exp(x)),
    "Elu": lambda x: ops.elu(x, 0.7),
    "Exp": ops.exp,
    "Gelu": lambda x: ops.gelu(x) + ops.gelu(x, approximate=False),
    "GetItem": lambda x: ops.concatenate([x[:, 1:4], x[:, ::2], x[:, -2:]], axis=-1) * x[:, 0:1],
    "LeakyRelu": lambda x: ops.leaky_relu(x, 0.3),
    "Maximum": lambda x: ops.maximum(x, 0.2),
    "Minimum": lambda x: ops.minimum(x, np.float32(0.2)),
    "Multiply": lambda x: x * 2.0 * x,
    "Relu": ops.relu,
    "Relu6": lambda x: ops.relu6(x * 5.0),
    "Selu": ops.selu,
    "Sigmoid": ops.sigmoid,
    "Silu": ops.silu,
    "Softmax": ops.softmax,
    "Softplus": ops.softplus,
    "Subtract": lambda x: 1.0 - x,
    "Tanh": ops.tanh,
    "TrueDivide": lambda x: x / 3.0,
}


def model_of(case: Callable[[Any], Any]) -> keras.Model:
    """Return a model of one case, every weight random: a 1 or 0 would hide a layer that leaves it out."""
    inputs = keras.Input((FEATURES,))
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(case(inputs))))
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.2, 1.5, weights.shape) for weights in model.get_weights()])
    return model


def check_same(model: keras.Model, output: str = "logits") -> None:
    """Check that ONNX Runtime computes from the file what Keras computes, to the tolerance of an export."""
    from justright.session.exports.onnx_graph import largest_difference, onnx_bytes

    content = onnx_bytes(model, name="Net", output=output, features=FEATURES, notes={})
    difference, size = largest_difference(content, model, probe_rows(model, FEATURES))
    assert size > 0
    assert difference <= ONNX_TOLERANCE * max(1.0, size)


def test_every_known_layer_and_function_has_a_case() -> None:
    """So that what is added is tested; input layers are in every case."""
    assert LAYER_CASES.keys() == LAYERS.keys() - {"InputLayer"}
    assert FUNCTION_CASES.keys() == FUNCTIONS.keys()


@needs_onnx
@pytest.mark.parametrize("case", LAYER_CASES.values(), ids=LAYER_CASES)
def test_a_layer_gives_what_keras_gives(case) -> None:
    """With options that are not the defaults, and random weights."""
    check_same(model_of(case))


@needs_onnx
@pytest.mark.parametrize("case", FUNCTION_CASES.values(), ids=FUNCTION_CASES)
def test_a_function_gives_what_keras_gives(case) -> None:
    """Operators with numbers on either side as well."""
    check_same(model_of(case))


@needs_onnx
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_gives_what_keras_gives(name) -> None:
    """By its name in Keras."""
    check_same(model_of(layers.Dense(3, activation=name)))


@needs_onnx
def test_models_in_models_and_layers_as_activations_are_followed() -> None:
    """A sequential model in a functional one, which calls it twice."""
    inner = keras.Sequential([layers.Dense(FEATURES, activation=layers.LeakyReLU(0.1)), layers.Dropout(0.5)])
    check_same(model_of(lambda x: inner(inner(x)) + x))


@needs_onnx
def test_what_onnx_has_no_counterpart_for_is_named_all_at_once() -> None:
    """Layers that are not known, of Keras or of a user, though the latter has a known name."""

    class Dense(layers.Layer):
        def call(self, x):
            return x

    from justright.session.exports.onnx_graph import onnx_bytes

    model = model_of(lambda x: ops.sin(layers.UnitNormalization()(Dense()(x))))
    assert refusal(onnx_bytes, model, name="Net", output="logits", features=FEATURES, notes={}) == (
        "For .onnx, a network must be a graph of Keras' common layers; 'Net' has Dense, UnitNormalization, Sin. Export it as "
        ".keras, or rebuild it from other layers."
    )


SPARSEMAX = (
    f"For .onnx, an activation must be one of {', '.join(ACTIVATIONS)}; got 'sparsemax'. Export the network as .keras, or take "
    "another activation."
)


@needs_onnx
@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            layers.Dense(2, activation="sparsemax"),
            SPARSEMAX,
        ),
        (
            layers.ReLU(threshold=0.5, name="cut"),
            "For .onnx, `threshold` of a ReLU must be 0; 'cut' has 0.5. Export the network as .keras.",
        ),
        (
            lambda x: layers.BatchNormalization(axis=1, name="norm")(layers.Reshape((FEATURES, 1))(x)),
            "For .onnx, a BatchNormalization must act on the last axis; 'norm' acts on 1. Export the network as .keras.",
        ),
        (
            lambda x: x[..., 0:1],
            "For .onnx, a network may take columns by slices and whole numbers; got Ellipsis. Export it as .keras.",
        ),
    ],
    ids=["activation", "option", "axis", "columns"],
)
def test_an_option_without_a_counterpart_is_refused(case, message) -> None:
    """Rather than left out."""
    from justright.session.exports.onnx_graph import onnx_bytes

    assert (
        refusal(onnx_bytes, model_of(case), name="Net", output="logits", features=FEATURES, notes={})
        == message
    )


@needs_onnx
def test_a_study_s_networks_predict_from_the_file_what_they_predict_here(
    classes, numbers, rows_of_table, tmp_path
) -> None:
    """Logits, probabilities and numbers; the file says by itself what it takes."""
    import onnxruntime

    for result, variant, output in (
        (classes, "Tiny", "logits"),
        (classes, "Own", "probabilities"),
        (numbers, "Tiny", "prediction"),
    ):
        path = tmp_path / f"{output}.onnx"
        assert result.export(variant, path) == (path, tmp_path / f"{output}.plan.json")
        predictor = result.predictor(variant=variant)
        features = predictor.plan.prepare(rows_of_table, label="rows").features
        session = onnxruntime.InferenceSession(path)
        (said,) = session.run([output], {"features": features})
        predicted = predictor.predict(rows_of_table)
        said = 1 / (1 + np.exp(-said)) if output == "logits" else said
        wanted = predicted["prediction" if output == "prediction" else "probability_yes"].to_numpy()
        np.testing.assert_allclose(said[:, 0], wanted, rtol=1e-5, atol=1e-6)
        notes = json.loads(session.get_modelmeta().custom_metadata_map["justright"])
        assert notes == json.loads(path.with_suffix(".plan.json").read_text())
        assert session.get_inputs()[0].shape == ["rows", features.shape[1]]


@needs_onnx
def test_a_file_that_computes_something_else_is_not_written(classes, monkeypatch, tmp_path) -> None:
    """ONNX Runtime and Keras are compared before anything is written."""
    monkeypatch.setitem(ACTIVATIONS, "elu", ACTIVATIONS["relu"])
    with pytest.raises(
        jr.InputError, match=r"must give what Keras gives, to 1e-05; for 'Tiny', outputs up to .* differ by"
    ):
        classes.export("Tiny", tmp_path / "tiny.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_installed_is_named(classes, monkeypatch, tmp_path) -> None:
    """And how to install it."""
    monkeypatch.setattr(network_files, "find_spec", lambda name: None if name == "onnxruntime" else object())
    assert refusal(classes.export, "Tiny", tmp_path / "tiny.onnx") == (
        "For .onnx, onnx and onnxruntime must be installed; onnxruntime is not. Run `pip install 'justright[onnx]'`."
    )


def test_probed_rows_are_like_those_that_the_network_was_made_for() -> None:
    """Standardised ones in their units, embedded ones as whole numbers that have an embedding."""
    standardising = keras.Sequential(
        [keras.Input((2,)), layers.Normalization(mean=[0.0, 1_000.0], variance=[1.0, 10_000.0])]
    )
    rows = probe_rows(standardising, 2)
    assert rows.std(axis=0) == pytest.approx([1, 100], rel=0.2)
    assert rows.mean(axis=0) == pytest.approx([0, 1_000], abs=30)
    embedding = keras.Sequential([keras.Input((2,)), layers.Embedding(3, 2)])
    assert set(probe_rows(embedding, 2).ravel()) == {0, 1, 2}
