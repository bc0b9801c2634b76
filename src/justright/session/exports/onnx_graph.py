"""An ONNX graph under construction, made of the graph of layers that Keras keeps of a model.

Written with the helpers of the `onnx` package alone: Keras' own export needs TensorFlow and tf2onnx.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.errors import InputError
from justright.session.exports.onnx_nodes import FUNCTIONS, LAYERS, NodeBuilder, Nodes, Operation

# Gelu came with 20, LayerNormalization with 17; ONNX Runtime reads it since 1.17 (January 2024).
OPSET = 20
IR_VERSION = 9  # of the files of that time
INPUT = "features"
ROWS = "rows"  # the name of the first axis, which may have any length


def onnx_bytes(model: Operation, *, name: str, output: str, features: int, notes: dict[str, str]) -> bytes:
    """Return a Keras model as the content of an ONNX file: `features` (rows, features) in, one output out.

    Args:
        model: a sequential or functional model, built.
        name: of the graph.
        output: the name of its output.
        features: of a row.
        notes: texts that the file carries.

    Raises:
        InputError: the model is not a graph of layers, or has some that are not known here; all are named.
    """
    import onnx
    from onnx import TensorProto, helper

    unknown = dict.fromkeys(_unknown(model))
    if unknown:
        raise InputError(
            f"For .onnx, a network must be a graph of Keras' common layers; {name!r} has {', '.join(unknown)}. Export it as "
            ".keras, or rebuild it from other layers."
        )
    graph = OnnxNodes()
    last = graph.run(model, INPUT)
    graph.add("Identity", last, output=output)
    width = model.output_shape[-1]
    made = helper.make_graph(
        graph.nodes,
        name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [ROWS, features])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [ROWS, width])],
        graph.constants,
    )
    whole = helper.make_model(
        made,
        producer_name="justright",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(whole, notes)
    onnx.checker.check_model(whole)
    content: bytes = whole.SerializeToString()
    return content


class OnnxNodes(Nodes):
    """The nodes and constants of a graph, in the order in which they were added."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(
        self, kind: str, *inputs: str, output: str = "", **attributes: Any
    ) -> str:  # as `make_node` takes them
        """Add a node, and return the name of its output."""
        from onnx import helper

        name = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        """Add a constant, and return its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def run(self, operation: Operation, *inputs: Any, **options: Any) -> str:  # what Keras calls it with
        """Add what an operation, a layer or a model computes of inputs, and return the name of its output."""
        graph = _layer_graph(operation)
        if graph is not None:
            # Keras has no public way to walk a model's graph with other values than tensors.
            name: str = graph._run_through_graph(list(inputs), operation_fn=self._runner)
            return name
        return _builder(operation)(self, operation, *inputs, **options)

    def _runner(self, operation: Operation) -> Callable[..., str]:
        def run(*inputs: Any, **options: Any) -> str:  # as above
            return self.run(operation, *inputs, **options)

        return run


def largest_difference(
    content: bytes, model: Operation, rows: npt.NDArray[np.float32]
) -> tuple[float, float]:
    """Return how far ONNX Runtime's outputs are from Keras' at most, and how large these are at most.

    Args:
        content: of the ONNX file.
        model: what it was made of.
        rows: (rows, features).
    """
    import keras
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {INPUT: rows})
    wanted = keras.ops.convert_to_numpy(model(rows, training=False))
    return float(np.abs(given - wanted).max()), float(np.abs(wanted).max())


def _layer_graph(operation: Operation) -> Operation | None:
    """Return Keras' graph of a sequential or functional model; None for anything else."""
    import keras

    if type(operation) is keras.Sequential:
        return operation._functional
    return operation if type(operation).__name__ == "Functional" and _is_keras(operation) else None


def _unknown(operation: Operation) -> Iterator[str]:
    """Yield the classes of operations for which there are no nodes here, inside nested models as well."""
    graph = _layer_graph(operation)
    if graph is not None:
        for inner in graph.operations:
            yield from _unknown(inner)
    elif not _is_keras(operation) or type(operation).__name__ not in _known(operation):
        yield type(operation).__name__


def _builder(operation: Operation) -> NodeBuilder:
    return _known(operation)[type(operation).__name__]


def _known(operation: Operation) -> Mapping[str, NodeBuilder]:
    import keras

    return LAYERS if isinstance(operation, keras.layers.Layer) else FUNCTIONS


def _is_keras(operation: Operation) -> bool:
    return type(operation).__module__.split(".")[0] == "keras"
