"""What each layer and operation of Keras is in ONNX: a function that adds its nodes, and a line of a table.

Only what rows of features meet is here; another layer is one more line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from justright.errors import InputError

# A layer, a model or an operation of Keras, which has no types; and what it is called with: names of values, numbers, lists.
Operation = Any
Value = Any

LAST = -1
END = np.iinfo(np.int64).max  # of a slice without one


class Nodes(Protocol):
    """A graph to which nodes are added."""

    def add(
        self, kind: str, *inputs: str, output: str = "", **attributes: Any
    ) -> str:  # as `make_node` takes them
        """Add a node, and return the name of its output."""

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant, and return its name."""

    def run(self, operation: Operation, *inputs: Value, **options: Value) -> str:
        """Add what an operation, a layer or a model computes of inputs, and return the name of its output."""


NodeBuilder = Callable[..., str]


def _same(nodes: Nodes, layer: Operation, x: str, **_: Value) -> str:
    """What does nothing at inference."""
    return x


def _dense(nodes: Nodes, layer: Operation, x: str) -> str:
    y = nodes.add("MatMul", x, nodes.constant(_array(layer.kernel)))
    if layer.use_bias:
        y = nodes.add("Add", y, nodes.constant(_array(layer.bias)))
    return activated(nodes, layer.activation, y)


def _activation(nodes: Nodes, layer: Operation, x: str) -> str:
    return activated(nodes, layer.activation, x)


def activated(nodes: Nodes, activation: Operation, x: str) -> str:
    """Add an activation: a function of Keras, or a layer.

    Raises:
        InputError: it is not known here.
    """
    name = getattr(activation, "__name__", "")
    if name in ACTIVATIONS and activation.__module__.startswith("keras."):
        return ACTIVATIONS[name](nodes, x)
    if hasattr(activation, "get_config"):
        return nodes.run(activation, x)
    raise InputError(
        f"For .onnx, an activation must be one of {', '.join(ACTIVATIONS)}; got {name or activation!r}. Export the network as "
        ".keras, or take another activation."
    )


def _node(nodes: Nodes, x: str, *, kind: str, **attributes: Value) -> str:
    return nodes.add(kind, x, **attributes)


def _relu6(nodes: Nodes, x: str) -> str:
    return nodes.add("Clip", x, nodes.constant(0.0), nodes.constant(6.0))


def _silu(nodes: Nodes, x: str) -> str:
    return nodes.add("Mul", x, nodes.add("Sigmoid", x))


def _relu_layer(nodes: Nodes, layer: Operation, x: str) -> str:
    _check(layer, threshold=0)
    y = (
        nodes.add("LeakyRelu", x, alpha=float(layer.negative_slope))
        if layer.negative_slope
        else nodes.add("Relu", x)
    )
    return y if layer.max_value is None else nodes.add("Min", y, nodes.constant(layer.max_value))


def _leaky_relu(nodes: Nodes, layer: Operation, x: str) -> str:
    return nodes.add("LeakyRelu", x, alpha=float(layer.negative_slope))


def _elu(nodes: Nodes, layer: Operation, x: str) -> str:
    return nodes.add("Elu", x, alpha=float(layer.alpha))


def _prelu(nodes: Nodes, layer: Operation, x: str) -> str:
    return nodes.add("PRelu", x, nodes.constant(_array(layer.alpha)))


def _gelu(nodes: Nodes, operation: Operation, x: str) -> str:
    return nodes.add("Gelu", x, approximate="tanh" if operation.approximate else "none")


def _softmax(nodes: Nodes, layer: Operation, x: str, **_: Value) -> str:
    return nodes.add("Softmax", x, axis=int(layer.axis))


def _normalization(nodes: Nodes, layer: Operation, x: str) -> str:
    import keras

    mean = nodes.constant(_array(layer.mean))
    deviation = nodes.constant(np.maximum(np.sqrt(_array(layer.variance)), keras.config.epsilon()))
    if layer.invert:
        return nodes.add("Add", nodes.add("Mul", x, deviation), mean)
    return nodes.add("Div", nodes.add("Sub", x, mean), deviation)


def _batch_normalization(nodes: Nodes, layer: Operation, x: str, **_: Value) -> str:
    _check_last_axis(layer)
    scale = 1.0 / np.sqrt(_array(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * _array(layer.gamma)
    y = nodes.add("Sub", x, nodes.constant(_array(layer.moving_mean)))
    y = nodes.add("Mul", y, nodes.constant(scale))
    return nodes.add("Add", y, nodes.constant(_array(layer.beta))) if layer.center else y


def _layer_normalization(nodes: Nodes, layer: Operation, x: str) -> str:
    _check_last_axis(layer)
    _check(layer, rms_scaling=False)
    width = layer._inbound_nodes[0].input_tensors[0].shape[LAST]
    scale = _array(layer.gamma) if layer.scale else np.ones(width)
    shift = [nodes.constant(_array(layer.beta))] if layer.center else []
    return nodes.add(
        "LayerNormalization", x, nodes.constant(scale), *shift, axis=LAST, epsilon=float(layer.epsilon)
    )


def _rescaling(nodes: Nodes, layer: Operation, x: str) -> str:
    y = nodes.add("Mul", x, nodes.constant(layer.scale))
    return nodes.add("Add", y, nodes.constant(layer.offset))


def _embedding(nodes: Nodes, layer: Operation, x: str) -> str:
    from onnx import TensorProto

    return nodes.add(
        "Gather", nodes.constant(_array(layer.embeddings)), nodes.add("Cast", x, to=TensorProto.INT32)
    )


def _flatten(nodes: Nodes, layer: Operation, x: str) -> str:
    return nodes.add("Flatten", x, axis=1)


def _reshape(nodes: Nodes, layer: Operation, x: str) -> str:
    # 0 keeps the number of rows.
    return nodes.add("Reshape", x, nodes.constant([0, *layer.target_shape], np.int64))


def _concatenate(nodes: Nodes, layer: Operation, values: Sequence[str]) -> str:
    return nodes.add("Concat", *values, axis=int(layer.axis))


def _all_of(nodes: Nodes, layer: Operation, values: Sequence[str], *, kind: str) -> str:
    """A node that takes any number of inputs."""
    return nodes.add(kind, *values)


def _in_turn(nodes: Nodes, layer: Operation, *values: Value, kind: str) -> str:
    """A node of two inputs, of the first two values, then of what came out and the next."""
    first, *others = (_value(nodes, one) for one in (values[0] if len(values) == 1 else values))
    for other in others:
        first = nodes.add(kind, first, other)
    return first


def _cut(nodes: Nodes, operation: Operation, x: str, key: Value) -> str:
    """`x[:, 2:5]`, `x[:, 3]`: slices and numbers of columns, from the last axis on, so that axes keep their numbers."""
    keys = key if isinstance(key, tuple | list) else (key,)
    for axis, part in reversed(list(enumerate(keys))):
        if isinstance(part, slice):
            if part != slice(None):
                start, end, step = part.start or 0, END if part.stop is None else part.stop, part.step or 1
                limits = ([start], [end], [axis], [step])
                x = nodes.add("Slice", x, *(nodes.constant(one, np.int64) for one in limits))
        elif isinstance(part, int):
            x = nodes.add("Gather", x, nodes.constant(part, np.int64), axis=axis)
        else:
            raise InputError(
                f"For .onnx, a network may take columns by slices and whole numbers; got {part!r}. Export it as .keras."
            )
    return x


def _cast(nodes: Nodes, operation: Operation, x: str) -> str:
    from onnx import helper

    return nodes.add("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(operation.dtype)))


def _function(nodes: Nodes, operation: Operation, x: str, *, name: str) -> str:
    return ACTIVATIONS[name](nodes, x)


def _value(nodes: Nodes, given: Value) -> str:
    """Return the name of a value that an operation is called with; a number or an array becomes a constant."""
    return given if isinstance(given, str) else nodes.constant(np.asarray(given))


def _array(variable: Operation) -> npt.NDArray[np.float32]:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


def _check(layer: Operation, **wanted: Value) -> None:
    """Refuse a layer with an option that has no counterpart."""
    for option, value in wanted.items():
        if getattr(layer, option) != value:
            raise InputError(
                f"For .onnx, `{option}` of a {type(layer).__name__} must be {value!r}; {layer.name!r} has "
                f"{getattr(layer, option)!r}. Export the network as .keras."
            )


def _check_last_axis(layer: Operation) -> None:
    rank = len(layer._inbound_nodes[0].input_tensors[0].shape)
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    if [axis % rank for axis in axes] != [rank - 1]:
        raise InputError(
            f"For .onnx, a {type(layer).__name__} must act on the last axis; {layer.name!r} acts on {layer.axis!r}. Export "
            "the network as .keras."
        )


ACTIVATIONS: Mapping[str, Callable[[Nodes, str], str]] = {
    "linear": lambda nodes, x: x,
    "celu": partial(_node, kind="Celu"),
    "elu": partial(_node, kind="Elu"),
    "exponential": partial(_node, kind="Exp"),
    "gelu": partial(_node, kind="Gelu"),
    "hard_sigmoid": partial(_node, kind="HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_silu": partial(_node, kind="HardSwish"),
    "leaky_relu": partial(_node, kind="LeakyRelu", alpha=0.2),
    "log_softmax": partial(_node, kind="LogSoftmax", axis=LAST),
    "mish": partial(_node, kind="Mish"),
    "relu": partial(_node, kind="Relu"),
    "relu6": _relu6,
    "selu": partial(_node, kind="Selu"),
    "sigmoid": partial(_node, kind="Sigmoid"),
    "silu": _silu,
    "softmax": partial(_node, kind="Softmax", axis=LAST),
    "softplus": partial(_node, kind="Softplus"),
    "softsign": partial(_node, kind="Softsign"),
    "tanh": partial(_node, kind="Tanh"),
}

LAYERS: Mapping[str, NodeBuilder] = {
    "Activation": _activation,
    "ActivityRegularization": _same,
    "Add": partial(_all_of, kind="Sum"),
    "AlphaDropout": _same,
    "Average": partial(_all_of, kind="Mean"),
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Dense": _dense,
    "Dropout": _same,
    "ELU": _elu,
    "Embedding": _embedding,
    "Flatten": _flatten,
    "GaussianDropout": _same,
    "GaussianNoise": _same,
    "Identity": _same,
    "InputLayer": _same,
    "LayerNormalization": _layer_normalization,
    "LeakyReLU": _leaky_relu,
    "Maximum": partial(_all_of, kind="Max"),
    "Minimum": partial(_all_of, kind="Min"),
    "Multiply": partial(_in_turn, kind="Mul"),
    "Normalization": _normalization,
    "PReLU": _prelu,
    "ReLU": _relu_layer,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "Softmax": _softmax,
    "SpatialDropout1D": _same,
    "Subtract": partial(_in_turn, kind="Sub"),
}

# Functions of `keras.ops` and operators, such as `x + y`.
FUNCTIONS: Mapping[str, NodeBuilder] = {
    "Add": partial(_in_turn, kind="Add"),
    "Cast": _cast,
    "Concatenate": _concatenate,
    "Divide": partial(_in_turn, kind="Div"),
    "Elu": _elu,
    "Exp": partial(_function, name="exponential"),
    "Gelu": _gelu,
    "GetItem": _cut,
    "LeakyRelu": _leaky_relu,
    "Maximum": partial(_in_turn, kind="Max"),
    "Minimum": partial(_in_turn, kind="Min"),
    "Multiply": partial(_in_turn, kind="Mul"),
    "Relu": partial(_function, name="relu"),
    "Relu6": partial(_function, name="relu6"),
    "Selu": partial(_function, name="selu"),
    "Sigmoid": partial(_function, name="sigmoid"),
    "Silu": partial(_function, name="silu"),
    "Softmax": _softmax,
    "Softplus": partial(_function, name="softplus"),
    "Subtract": partial(_in_turn, kind="Sub"),
    "Tanh": partial(_function, name="tanh"),
    "TrueDivide": partial(_in_turn, kind="Div"),
}
