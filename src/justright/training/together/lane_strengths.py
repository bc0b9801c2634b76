"""Strengths of lanes that an accelerator computes together: each has its own, as inputs of their program.

More numbers are inputs than in `strengths.py`: on a CPU, where each variant has stacks of its own, only those are that studies change
most, and all others are constants. Which ones are is decided by the network alone, never by what it is compared with, so
that a lane among those of other variants computes what it would among its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import keras

from justright.runs.shared_programs import BY_LANE_OF, SCHEDULES
from justright.training.masks import replaced
from justright.training.strengths import NORMS, PENALTIES, StrengthValues, rate_values, traced_basics
from justright.training.together.lane_number import LaneNumber
from justright.training.together.noise_layers import noise_layers, noise_numbers, traced_noise

# Exactly these classes: a subclass may compute something else.
DROPOUTS = (
    *(keras.layers.Dropout, keras.layers.SpatialDropout1D),
    *(keras.layers.SpatialDropout2D, keras.layers.SpatialDropout3D),
)
REGULARIZERS: Mapping[type[Any], tuple[str, ...]] = MappingProxyType(
    {keras.regularizers.OrthogonalRegularizer: ("factor",)}
)
CONSTRAINTS: Mapping[type[Any], tuple[str, ...]] = MappingProxyType(
    {
        keras.constraints.MaxNorm: ("max_value",),
        keras.constraints.MinMaxNorm: ("min_value", "max_value", "rate"),
    }
)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one number, or a list of them, is: an attribute of an object of Keras.

    Args:
        owner: the object.
        name: of the attribute.
        is_asked: whether Keras asks in Python what the number is.
    """

    owner: Any
    name: str
    is_asked: bool = False

    @property
    def numbers(self) -> list[float]:
        """Those that are there."""
        value = getattr(self.owner, self.name)
        return list(map(float, value)) if isinstance(value, list | tuple) else [float(value)]

    def taken(self, numbers: Iterator[Any]) -> Any:
        """Return the next of `numbers` in the form of what is there."""
        value = getattr(self.owner, self.name)
        if isinstance(value, list | tuple):
            return [next(numbers) for _ in value]
        return LaneNumber(value, next(numbers)) if self.is_asked else next(numbers)


@dataclass(frozen=True, slots=True)
class LaneStrengths:
    """Where the strengths of a model and its optimizer are.

    Args:
        weights: the trainable variables.
        penalties: of each, those whose factors are inputs: 'l1', 'l2', both or none.
        slots: all other numbers but those of random layers.
        rates: dropout layers.
        noises: other layers of noise.
    """

    weights: tuple[Any, ...]
    penalties: tuple[tuple[str, ...], ...]
    slots: tuple[Slot, ...]
    rates: tuple[Any, ...]
    noises: tuple[Any, ...]

    def values(self) -> StrengthValues:
        """Return the strengths that the model was built with; 0 for a penalty that it lacks."""
        factors = [
            float(getattr(variable.regularizer, name, 0.0))
            for variable, names in zip(self.weights, self.penalties, strict=True)
            for name in names
        ]
        factors += [number for slot in self.slots for number in slot.numbers]
        factors += [number for layer in self.noises for number in noise_numbers(layer)]
        return rate_values(factors, self.rates)

    def values_of(self, model: Any, optimizer: Any) -> StrengthValues:
        """Return, in the same order, the strengths of another model of the same layers; 0 for a penalty that it lacks.

        Raises:
            ValueError: it has others than these.
        """
        own = find_lane_strengths(model, optimizer)
        pairs = zip(own.penalties, self.penalties, strict=False)  # their number is among the counts
        if own._counts != self._counts or any(set(names) - set(known) for names, known in pairs):
            raise ValueError("the model has strengths that the program's does not have")
        return replace(own, penalties=self.penalties).values()

    @property
    def _counts(self) -> tuple[Any, ...]:
        """How many numbers there are of each kind, penalties of weights apart."""
        slots = [len(slot.numbers) for slot in self.slots]
        noises = [len(noise_numbers(layer)) for layer in self.noises]
        return len(self.weights), slots, len(self.rates), noises

    @contextmanager
    def replaced(self, values: StrengthValues) -> Iterator[None]:
        """Let the model compute with `values`, traced ones, while a program is traced; Keras is unchanged afterwards."""
        numbers = iter(values.factors)
        with ExitStack() as stack:
            stack.enter_context(traced_basics(self.rates, values))
            for variable, names in zip(self.weights, self.penalties, strict=True):
                if names or type(variable.regularizer) in PENALTIES:
                    stack.enter_context(replaced(variable, "regularizer", _regularizer(names, numbers)))
            for slot in self.slots:
                stack.enter_context(replaced(slot.owner, slot.name, slot.taken(numbers)))
            stack.enter_context(traced_noise(self.noises, numbers))
            yield


def find_lane_strengths(model: Any, optimizer: Any) -> LaneStrengths:
    """Return where the strengths of a model and its optimizer are, which are built.

    Example:
        >>> model = keras.Sequential(
        ...     [keras.Input((2,)), keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.5))]
        ... )
        >>> find_lane_strengths(model, keras.optimizers.Adam()).penalties
        (('l2',), ())
    """
    layers = model._flatten_layers(recursive=True)  # Keras has no public walk into nested models
    weights = tuple(model.trainable_variables)
    return LaneStrengths(
        *(weights, tuple(_penalties_of(getattr(one, "regularizer", None)) for one in weights)),
        slots=_once(
            [*_slots_of_weights(weights), *_slots_of_layers(layers), *_slots_of_optimizer(optimizer)]
        ),
        rates=tuple(layer for layer in layers if type(layer) in DROPOUTS and 0 < layer.rate < 1),
        noises=noise_layers(layers),
    )


def _penalties_of(regularizer: Any) -> tuple[str, ...]:
    """Return the penalties whose factors are inputs: of a regularizer that may have two, those that are not 0.

    An L2 penalty of 0 is an input like any other, so that a grid of factors is one program; no penalty at all costs nothing.
    """
    if type(regularizer) is keras.regularizers.L1L2:
        return tuple(name for name in NORMS if getattr(regularizer, name))
    return {keras.regularizers.L1: ("l1",), keras.regularizers.L2: ("l2",)}.get(type(regularizer), ())


def _slots_of_weights(weights: Sequence[Any]) -> Iterator[Slot]:
    for variable in weights:
        yield from _slots_of(getattr(variable, "regularizer", None), REGULARIZERS)
        yield from _slots_of(getattr(variable, "constraint", None), CONSTRAINTS)


def _slots_of_layers(layers: Sequence[Any]) -> Iterator[Slot]:
    """Yield the factors of penalties on what layers give."""
    for layer in layers:
        regularizer = getattr(layer, "activity_regularizer", None)
        yield from _slots_of(regularizer, REGULARIZERS)
        yield from (Slot(regularizer, name) for name in _penalties_of(regularizer))


def _slots_of_optimizer(optimizer: Any) -> Iterator[Slot]:
    """Yield the numbers of an optimizer that are not 0, and those of its schedule.

    Others are constants, such as Adam's betas: Keras takes 1 - beta of a Python number, which is another float32 than that of a
    float32.
    """
    if getattr(optimizer, "weight_decay", None):
        yield Slot(optimizer, "weight_decay")
    for name in _by_class(keras.optimizers, BY_LANE_OF).get(type(optimizer), ()):
        if getattr(optimizer, name, None):
            yield Slot(optimizer, name, is_asked=True)
    schedule = getattr(optimizer, "_learning_rate", None)  # `learning_rate` is what it gives at a step
    yield from _slots_of(schedule, _by_class(keras.optimizers.schedules, SCHEDULES))


def _by_class(module: Any, named: Mapping[str, tuple[str, ...]]) -> dict[type[Any], tuple[str, ...]]:
    return {getattr(module, name): names for name, names in named.items()}


def _slots_of(owner: Any, known: Mapping[type[Any], tuple[str, ...]]) -> Iterator[Slot]:
    for name in known.get(type(owner), ()):
        value = getattr(owner, name)
        members = value if isinstance(value, list | tuple) else [value]
        if all(isinstance(one, int | float) or getattr(one, "shape", None) == () for one in members):
            yield Slot(owner, name)


def _once(slots: Sequence[Slot]) -> tuple[Slot, ...]:
    """Return each slot once: regularizers and constraints may be shared."""
    return tuple({(id(slot.owner), slot.name): slot for slot in slots}.values())


def _regularizer(names: Sequence[str], numbers: Iterator[Any]) -> Any:
    """Return a regularizer with the next of `numbers` as factors; None without names."""
    if not names:
        return None
    regularizer = keras.regularizers.L1L2()
    for name in names:
        setattr(regularizer, name, next(numbers))
    return regularizer
