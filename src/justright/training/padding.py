"""Networks that differ only in the widths of their layers share a compiled program: that of the next wider network.

Compiling takes a second, training a small network on a few hundred rows a tenth of one. A program is compiled for widths
that are multiples of `STEP`; the weights of a network in between are padded with zeros. Its additional units are never
anything but zero: they receive zeros, their activation of zero is zero, and so, since their outgoing weights are zero, are
their gradients and whatever the optimizer does with them. The network is the same; only the order of float32 sums differs.

Whether a network is padded depends on nothing but its own description, so that a run's curve does not depend on the
others in its study. Initial weights come from the network itself, and checkpoints and models hold nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.study.families import Mlp
from justright.study.recipe import Recipe
from justright.study.variant import Build
from justright.training.lanes import Lane

# Floats in a vector register of AVX-512: a product with 17 columns takes as long as one with 32.
STEP = 16
# Activations that are zero, and have a finite slope, at zero.
ACTIVATIONS = frozenset({"elu", "gelu", "leaky_relu", "linear", "relu", "selu", "silu", "swish", "tanh"})
# Optimizers that leave a weight at zero whose gradients are all zero, whatever the others are.
OPTIMIZERS = frozenset({"Adam", "AdamW", "RMSprop", "SGD"})
# The values of a network to which a lane's fields belong.
VALUES_OF = {
    "weights": "weights",
    "best_weights": "weights",
    "average_weights": "weights",
    "others": "others",
    "best_others": "others",
    "average_others": "others",
    "optimizer": "optimizer",
}

Shapes = Mapping[str, Sequence[tuple[int, ...]]]


def padded_build(build: Build, recipe: Recipe) -> Build:
    """Return the network whose program trains `build`: `build` itself, unless it is a multilayer perceptron.

    Left as they are: with dropout, because a unit's masks depend on the width; with an L1 penalty, because JAX gives |x| the
    slope 1 at zero; in bfloat16, because narrow products are computed in float32.

    Example:
        >>> recipe = Recipe().resolve("binary", train_rows=400)
        >>> padded_build(Mlp((100, 16)), recipe).units
        (112, 16)
    """
    optimizer = (recipe.optimizer or {}).get("class_name")
    if type(build) is not Mlp or recipe.precision == "bfloat16" or optimizer not in OPTIMIZERS:
        return build
    if build.dropout or build.l1 or build.batch_normalization or build.activation not in ACTIVATIONS:
        return build
    return replace(build, units=tuple(-(-width // STEP) * STEP for width in build.units))


def resized(lane: Lane, shapes: Shapes) -> Lane:
    """Return one lane, or a stack of them, with values of other shapes: zeros are added, or padding is cut off.

    Args:
        lane: of a network, or of the one that it is padded to.
        shapes: as `Network.shapes` gives them for the other of the two.
    """
    return lane._replace(
        **{
            field: [
                _resize(value, shape)
                for value, shape in zip(getattr(lane, field), shapes[name], strict=False)
            ]  # not strict: averages may be missing, and the optimizer's values from an ended run's checkpoint
            for field, name in VALUES_OF.items()
        }
    )


def _resize(value: Any, shape: tuple[int, ...]) -> npt.NDArray[Any] | Any:
    """Return an array whose last axes have this shape; what is there comes first.

    A worked example: values (lanes, 2, 3) become (lanes, 4, 3) with two rows of zeros, or (lanes, 1, 3) without the second.
    """
    lanes = value.ndim - len(shape)
    if value.shape[lanes:] == shape:
        return value
    inner: tuple[Any, ...] = tuple(slice(size) for size in shape)
    kept = np.asarray(value)[(..., *inner)]
    missing = [(0, size - there) for size, there in zip(shape, kept.shape[lanes:], strict=True)]
    return np.pad(kept, [(0, 0)] * lanes + missing)
