"""What is recorded of a Keras model before it trains; it asks the model itself, and imports no Keras."""

from __future__ import annotations

import math
from typing import Any

from justright.runs.events import VariantBuilt
from justright.study.own_models.architecture import architecture_of


def describe_model(name: str, model: Any, *, built: Any = None) -> VariantBuilt:  # noqa: ANN401  # of Keras
    """Return the description of a variant's model.

    Args:
        name: the variant's.
        model: built.
        built: the model as its builder returned it, whose configuration is kept, where `model` does more; None for `model`.
    """
    lines: list[str] = []
    model.summary(line_length=88, print_fn=lambda line, **_: lines.append(line))
    try:
        config = architecture_of(model if built is None else built)
    except (NotImplementedError, TypeError, ValueError):  # a subclassed model may have no configuration
        config = ""
    layers = tuple(
        (layer.name, type(layer).__name__, str(_output_shape(layer)), int(layer.count_params()))
        for layer in model.layers
    )
    shapes = tuple(tuple(variable.shape) for variable in model.trainable_variables)
    return VariantBuilt(name, sum(map(math.prod, shapes)), "\n".join(lines), config, layers, shapes)


def _output_shape(layer: Any) -> Any:  # noqa: ANN401
    try:
        return layer.output.shape
    except (AttributeError, ValueError):  # a layer of a subclassed model has no single output
        return "?"
