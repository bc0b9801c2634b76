"""A model's last operation: whether outputs are probabilities, and whether they are put into a target's units."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from justright.runs.tasks import TargetUnits

# What makes probabilities, as an activation's name or the name of an operation's class.
PROBABILITIES = frozenset(
    {"sigmoid", "softmax", "hard_sigmoid", "hardsigmoid", "sparsemax", "sparse_sigmoid"}
)
# Operations that leave every value as it is at inference: what is above them decides.
TRANSPARENT = frozenset(
    {"reshape", "flatten", "squeeze", "expanddims", "dropout", "identity", "activityregularization", "cast"}
)
# Layers without an activation whose outputs have a range or units of their own all the same.
BOUNDED = frozenset(
    {"rescaling", "normalization", "unitnormalization", "softmax", "relu", "leakyrelu", "prelu", "elu"}
)
SUMS = frozenset({"add", "subtract"})
UNITS_LAYER = "target_units"
PROBED_ROWS = 256


def ends_in_logits(model: Any) -> bool:
    """Return whether the last operation leaves logits: anything but a sigmoid, a softmax or one of their kind."""
    operation = last_operation(model)
    return operation is None or _effect_of(operation) not in PROBABILITIES


def predicts_any_number(model: Any) -> bool:
    """Return whether the last operation is linear, so that its outputs have neither range nor units of their own.

    Those of a softplus, for instance, are never negative; those of a `Rescaling` are in whatever units it was given.
    """
    operation = last_operation(model)
    if operation is None:
        return True
    effect = _effect_of(operation)
    if isinstance(operation, keras.layers.Layer):
        return effect == "linear" or (not hasattr(operation, "activation") and effect not in BOUNDED)
    # A function of `keras.ops`; the sum of two branches is linear, that of a branch and a number has units.
    return effect in SUMS and len(operation._inbound_nodes[0].input_tensors) > 1


def in_units(model: Any, units: TargetUnits, features: int) -> Any:
    """Return a model with the same layers and variables, whose outputs are in the target's units.

    Args:
        model: built, with one output.
        units: of the target.
        features: of a row.
    """
    rescaling = keras.layers.Rescaling(units.scale, units.offset, name=UNITS_LAYER)
    if type(model).__name__ == "Functional":
        return keras.Model(model.inputs[0], rescaling(model.outputs[0]), name=model.name)
    layers = model.layers if type(model) is keras.Sequential else [model]
    return keras.Sequential([keras.Input((features,)), *layers, rescaling], name=model.name)


def hides_probabilities(model: Any, features: int) -> bool:
    """Return whether a model whose operations Keras does not know gives numbers from 0 to 1 for whatever rows.

    An untrained network's logits lie on both sides of 0; a sigmoid's or softmax' outputs never do.
    """
    if getattr(model, "outputs", None):
        return False
    rows = np.random.default_rng(0).normal(size=(PROBED_ROWS, features)) * 3
    given = np.asarray(model(rows.astype(np.float32), training=False))
    return bool(((given >= 0) & (given <= 1)).all() and (given > 0).any())


def last_operation(model: Any) -> Any:
    """Return the layer or function that makes a model's outputs, also inside nested models; None if Keras knows none.

    Of a model with a `call` of its own, Keras knows the layers only: the last one is taken.
    """
    outputs = getattr(model, "outputs", None)
    if outputs:
        return _operation_behind(outputs[0])
    layers = getattr(model, "layers", None)
    return _within(layers[-1]) if layers else None


def _operation_behind(tensor: Any) -> Any:
    operation, node, _ = tensor._keras_history  # Keras has no public walk back through a model's graph
    inputs = operation._inbound_nodes[node].input_tensors
    if inputs and (_effect_of(operation) in TRANSPARENT or _is_linear_activation(operation)):
        return _operation_behind(inputs[0])
    return _within(operation)


def _within(operation: Any) -> Any:
    return last_operation(operation) if isinstance(operation, keras.Model) else operation


def _is_linear_activation(operation: Any) -> bool:
    return isinstance(operation, keras.layers.Activation) and _effect_of(operation) == "linear"


def _effect_of(operation: Any) -> str:
    """Return the name of an operation's activation, or of its class without one, in lower case."""
    activation = getattr(operation, "activation", None)
    named = operation if activation is None else activation
    return str(getattr(named, "__name__", type(named).__name__)).lower()
