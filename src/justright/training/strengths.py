"""Strengths of regularization as inputs of a compiled program, so that all strengths of one network share it.

Factors of L1 and L2 penalties, dropout rates and weight decay are constants in Keras' layers and optimizers. While a
program is traced they are replaced by its inputs; what XLA compiles is then the same for every strength, and is found in
the compile cache. The arithmetic is that of the constants, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import keras
import numpy as np
import numpy.typing as npt

from justright.training.masks import TracedRate, replaced, threshold_of

# Exactly these: a subclass may compute something else.
PENALTIES = (keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)
NORMS = {"l1": jnp.abs, "l2": jnp.square}


class StrengthValues(NamedTuple):
    """The strengths of one variant.

    Shape:
        factors: (penalties and decay,) float32; thresholds: (dropout layers,) uint32; scales: (dropout layers,) float32.
    """

    factors: npt.NDArray[np.float32]
    thresholds: npt.NDArray[np.uint32]
    scales: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Strengths:
    """Where the strengths of a model and its optimizer are.

    Args:
        factors: (owner, attribute) of each nonzero factor of a penalty, and of weight decay.
        rates: dropout layers with a rate above 0.
    """

    factors: tuple[tuple[Any, str], ...]
    rates: tuple[Any, ...]

    def values(self) -> StrengthValues:
        """Return the strengths that the model was built with."""
        return rate_values([getattr(owner, name) for owner, name in self.factors], self.rates)

    @contextmanager
    def replaced(self, values: StrengthValues) -> Iterator[None]:
        """Let the model compute with `values`, traced ones, while a program is traced; Keras is unchanged afterwards."""
        with ExitStack() as stack:
            stack.enter_context(traced_basics(self.rates, values))
            for (owner, name), factor in zip(self.factors, values.factors, strict=True):
                stack.enter_context(replaced(owner, name, factor))
            yield


def find_strengths(model: Any, optimizer: Any) -> Strengths:
    """Return where the nonzero strengths are: L1 and L2 penalties, dropout rates, weight decay."""
    layers = model._flatten_layers(recursive=True)  # Keras has no public walk into nested models
    owners = [getattr(variable, "regularizer", None) for variable in model.trainable_variables]
    owners += [getattr(layer, "activity_regularizer", None) for layer in layers]
    penalties = {id(owner): owner for owner in owners if type(owner) in PENALTIES}  # each once, if shared
    factors = [(owner, name) for owner in penalties.values() for name in NORMS if getattr(owner, name, 0.0)]
    if getattr(optimizer, "weight_decay", None):
        factors.append((optimizer, "weight_decay"))
    rates = (layer for layer in layers if type(layer) is keras.layers.Dropout and 0 < layer.rate < 1)
    return Strengths(tuple(factors), tuple(rates))


@contextmanager
def traced_basics(rates: Sequence[Any], values: StrengthValues) -> Iterator[None]:
    """Let penalties take traced factors, and dropout layers the traced rates of `values`, while a program is traced."""
    with ExitStack() as stack:
        for kind in PENALTIES:
            stack.enter_context(replaced(kind, "__call__", penalty))
        for layer, threshold, scale in zip(rates, values.thresholds, values.scales, strict=True):
            stack.enter_context(replaced(layer, "rate", TracedRate(layer.rate, threshold, scale)))
        yield


def rate_values(factors: Sequence[float], layers: Sequence[Any]) -> StrengthValues:
    """Return the strengths of one variant: factors, and what comes from the rates of dropout layers."""
    rates = [float(layer.rate) for layer in layers]
    return StrengthValues(
        np.array(factors, np.float32),
        np.array([threshold_of(1.0 - rate) for rate in rates], np.uint32),
        np.array([1.0 / (1.0 - rate) for rate in rates], np.float32),
    )


def penalty(regularizer: Any, x: Any) -> Any:
    """Return what Keras' L1, L2 and L1L2 return, with factors that may be traced."""
    total = jnp.zeros((), x.dtype)
    for name, norm in NORMS.items():
        factor = getattr(regularizer, name, 0.0)
        if not (isinstance(factor, float | int) and factor == 0):
            total = total + jnp.asarray(factor, x.dtype) * norm(x).sum()
    return total
