"""Keras' layers of random noise, whose strengths may be inputs of a program.

Dropout is not among them: `masks.py` draws its masks. These layers compute with Python numbers (`math.sqrt(rate)`, `rate > 0`), so
that the numbers which come from them are inputs, not the strength itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import keras

from justright.training.masks import replaced

# Klambauer et al. 2017, equations 14: where alpha dropout puts the units that it drops, -alpha lambda.
DROPPED_TO = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946


class NoiseKind(NamedTuple):
    """How a class of layers computes.

    Args:
        attribute: its strength.
        numbers: strength -> the numbers that the layer computes with.
        call: (layer, inputs, *numbers) -> what the layer gives in training.
    """

    attribute: str
    numbers: Callable[[float], tuple[float, ...]]
    call: Callable[..., Any]


class TracedStrength(float):
    """A strength whose effect comes from a program's inputs; as a number it is that with which the program was traced.

    Args:
        strength: the number.
        numbers: what the layer computes with, traced.
    """

    def __new__(cls, strength: float, numbers: tuple[Any, ...]) -> Self:
        """Return the strength, together with the numbers that a program computes with instead."""
        traced = super().__new__(cls, strength)
        traced.numbers = numbers
        return traced

    numbers: tuple[Any, ...]


def noise_layers(layers: list[Any]) -> tuple[Any, ...]:
    """Return those layers whose strengths may be inputs, and are neither none nor all."""
    return tuple(layer for layer in layers if type(layer) in KINDS and 0 < _strength_of(layer) < math.inf)


def noise_numbers(layer: Any) -> tuple[float, ...]:
    """Return the numbers that a layer computes with.

    Example:
        >>> noise_numbers(keras.layers.GaussianDropout(0.5))
        (1.0,)
    """
    return KINDS[type(layer)].numbers(_strength_of(layer))


@contextmanager
def traced_noise(layers: tuple[Any, ...], numbers: Iterator[Any]) -> Iterator[None]:
    """Let layers compute with the next `numbers`, traced ones, while a program is traced; Keras is unchanged afterwards."""
    with ExitStack() as stack:
        for kind in {type(layer) for layer in layers}:
            stack.enter_context(replaced(kind, "call", _call_of(kind)))
        for layer in layers:
            own = tuple(next(numbers) for _ in noise_numbers(layer))
            attribute = KINDS[type(layer)].attribute
            stack.enter_context(replaced(layer, attribute, TracedStrength(_strength_of(layer), own)))
        yield


def _strength_of(layer: Any) -> float:
    strength: float = getattr(layer, KINDS[type(layer)].attribute)
    return strength if KINDS[type(layer)].attribute == "stddev" or strength < 1 else math.inf


def _call_of(kind: type[Any]) -> Callable[..., Any]:
    """Return what takes the place of a class's `call`; layers without a traced strength, as of a subclass, are not concerned."""
    original, known = kind.call, KINDS[kind]

    def call(layer: Any, inputs: Any, training: bool = False) -> Any:
        strength = getattr(layer, known.attribute)
        if not (training and isinstance(strength, TracedStrength)):
            return original(layer, inputs, training=training)
        return known.call(layer, inputs, *strength.numbers)

    return call


def _gaussian_noise(layer: Any, inputs: Any, deviation: Any) -> Any:
    return inputs + _normal(layer, inputs, 0.0, deviation)


def _gaussian_dropout(layer: Any, inputs: Any, deviation: Any) -> Any:
    return inputs * _normal(layer, inputs, 1.0, deviation)


def _normal(layer: Any, inputs: Any, mean: float, deviation: Any) -> Any:
    dtype = layer.compute_dtype
    stddev = deviation.astype(dtype)
    return keras.random.normal(inputs.shape, mean=mean, stddev=stddev, dtype=dtype, seed=layer.seed_generator)


def _alpha_dropout(layer: Any, inputs: Any, rate: Any, factor: Any, offset: Any) -> Any:
    shape = layer._get_concrete_noise_shape(inputs, layer.noise_shape)
    kept = (keras.random.uniform(shape, seed=layer.seed_generator) >= rate).astype(inputs.dtype)
    factor, offset = (number.astype(inputs.dtype) for number in (factor, offset))
    return factor * (inputs * kept + DROPPED_TO * (1 - kept)) + offset


def _alpha_numbers(rate: float) -> tuple[float, ...]:
    """Return rate, and factor and offset that keep mean 0 and variance 1 (Klambauer et al. 2017, appendix)."""
    factor = ((1 - rate) * (1 + rate * DROPPED_TO**2)) ** -0.5
    return rate, factor, -factor * DROPPED_TO * rate


# Exactly these: a subclass may compute something else.
KINDS: Mapping[type[Any], NoiseKind] = MappingProxyType(
    {
        keras.layers.AlphaDropout: NoiseKind("rate", _alpha_numbers, _alpha_dropout),
        keras.layers.GaussianDropout: NoiseKind(
            "rate", lambda rate: (math.sqrt(rate / (1.0 - rate)),), _gaussian_dropout
        ),
        keras.layers.GaussianNoise: NoiseKind("stddev", lambda deviation: (deviation,), _gaussian_noise),
    }
)
