"""What the training step of any Keras model computes, as a text that two models share only if they may share a program.

Descriptions say too little of models that users write: of a layer of their own, a configuration says what its author put there. So
the step is traced, as it is before it is compiled, with its strengths as inputs. What remains of it, numbers included, is
hashed. Two variants whose steps are the same compute the same but for their strengths, whatever their layers are called; where
anything cannot be compared, such as a call back into Python, a variant has no companions.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax.extend import core

from justright.runs.events import StepTraced
from justright.runs.shared_programs import says_its_program, without_optimizer
from justright.runs.tasks import StudyRows
from justright.study.recipe import Recipe
from justright.study.variant import Build
from justright.training.lanes import Rows, first_lane
from justright.training.network import Network
from justright.training.step import TrainStep, Values
from justright.training.together.lane_strengths import LaneStrengths, find_lane_strengths

MEASURED_ROWS = 64  # of the evaluation that is traced
# Parameters of JAX's primitives that have done their work once a step has been differentiated: rules, and names for readers.
IGNORED = frozenset({"jvp_jaxpr_fun", "jvp_jaxpr_thunk", "fwd_jaxpr_thunk", "bwd", "out_trees", "name"})
ADDRESS = " at 0x"  # in the text of an object that says nothing about what it is
DIGEST_BYTES = 16

Make = Callable[[str, Build, Recipe], Network]


class StepTracer:
    """Traces the steps of those variants that may have companions.

    Args:
        rows: the study's.
        make: returns the network of a variant.
    """

    def __init__(self, rows: StudyRows, make: Make) -> None:
        self._rows, self._make = rows, make
        self._seen: dict[Hashable, tuple[str, Build, Recipe] | None] = {}

    def take(self, name: str, build: Build, recipe: Recipe, network: Network) -> Iterator[StepTraced]:
        """Yield the traced step of a variant whose weights and recipe are another's too, and that of the first such one."""
        if says_its_program(build, recipe):
            return
        shapes = tuple((kind, *values) for kind, values in network.shapes().items())
        key = (shapes, type(network.optimizer), without_optimizer(recipe))
        if key not in self._seen:
            self._seen[key] = (name, build, recipe)
            return
        first, self._seen[key] = self._seen[key], None
        if first is not None:
            yield from self._traced(first[0], self._make(*first), first[2])
        yield from self._traced(name, network, recipe)

    def _traced(self, name: str, network: Network, recipe: Recipe) -> Iterator[StepTraced]:
        try:
            yield trace_step(name, network, recipe, self._rows)
        except Exception:  # noqa: BLE001  # a user's layer may raise anything; where it matters, training says so
            return


def trace_step(name: str, network: Network, recipe: Recipe, rows: StudyRows) -> StepTraced:
    """Return what the step and the evaluation of a network compute.

    Args:
        name: of the variant.
        network: with any weights.
        recipe: a resolved one.
        rows: the study's.

    Raises:
        TypeError: something in it cannot be compared.
    """
    strengths = find_lane_strengths(network.model, network.optimizer)
    lane = first_lane(network, is_averaged=recipe.ema > 0)
    values = Values(*(getattr(lane, field) for field in Values._fields))
    is_weighted = rows.train_weights is not None or recipe.class_weight is not None
    batch = _some_rows(rows, min(recipe.batch_size, rows.train_count), is_weighted=is_weighted)
    measured = _some_rows(rows, MEASURED_ROWS, is_weighted=False)
    mix = _shape((), np.float32) if recipe.mixup else None
    arguments = (values, np.int32(0), batch, mix, measured, strengths.values())
    traced = jax.make_jaxpr(_computed_by(network, recipe, strengths))(*jax.tree.map(_shape_of, arguments))
    directions = [(metric.name, metric.rises) for metric in network.objective.metrics]
    return StepTraced(name, _Digest().of(traced, str(network.random_states), str(directions)))


def _computed_by(network: Network, recipe: Recipe, strengths: LaneStrengths) -> Callable[..., Any]:
    """Return the function that computes whatever a program does with a network."""
    step = TrainStep(network, recipe)
    objective = network.objective

    def measure(values: Values, rows: Rows) -> Any:
        outputs, _, penalties = network.apply(values.weights, values.others, rows.x, training=False)
        functions = (objective.row_losses, objective.row_scores, objective.minimised)
        by_row = [function(rows.y, outputs) for function in functions]
        own = [metric.value(rows.y, outputs, rows.shares) for metric in objective.metrics]
        return outputs, by_row, own, penalties

    def computed(
        values: Values, number: Any, batch: Rows, mix: Any, measured: Rows, own: Any
    ) -> tuple[Any, ...]:
        with strengths.replaced(own):
            after, metrics = step(values, number, batch, mix)
            mapping = list(zip(network.optimizer.variables, after.optimizer, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                rate = jnp.asarray(keras.ops.convert_to_tensor(network.optimizer.learning_rate))
            evaluated = measure(values, measured)
        # What is measured at the end has no strengths: it is as the network itself says.
        return after, metrics, rate, evaluated, measure(values, measured)[:-1]

    return computed


def _some_rows(rows: StudyRows, count: int, *, is_weighted: bool) -> Rows:
    x, y = rows.train
    weights = _shape((count,), np.float32) if is_weighted else None
    return Rows(_shape((count, rows.features), x.dtype), _shape((count, *y.shape[1:]), y.dtype), weights)


def _shape(shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jax.dtypes.canonicalize_dtype(dtype))


def _shape_of(value: Any) -> jax.ShapeDtypeStruct:
    return _shape(value.shape, value.dtype)


def _needed(jaxpr: Any) -> list[Any]:
    """Return the equations that a program's results depend on, in order: of what is measured, penalties are no part."""
    needed = {one for one in jaxpr.outvars if not isinstance(one, core.Literal)}
    found = []
    for equation in reversed(jaxpr.eqns):
        if equation.effects or needed.intersection(equation.outvars):
            needed.update(one for one in equation.invars if not isinstance(one, core.Literal))
            found.append(equation)
    return found[::-1]


def _name_in_jax(value: Any) -> str | None:
    """Return the place of a function of JAX's own; None for anything else, as for one that is made in a call."""
    module, name = getattr(value, "__module__", None) or "", getattr(value, "__qualname__", "")
    is_there = module.split(".")[0] == "jax" and getattr(sys.modules.get(module), name, None) is value
    return f"{module}:{name}" if is_there else None


class _Digest:
    """Hashes a traced program: operations, shapes and numbers, not names."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)

    def of(self, closed: Any, *others: str) -> str:
        """Return the hash of a program, in hexadecimal digits."""
        self._program(closed.jaxpr, closed.consts)
        self._add(*others)
        return self._hash.hexdigest()

    def _program(self, jaxpr: Any, constants: Iterable[Any]) -> None:
        numbers: dict[Any, int] = {}

        def name(variables: Iterable[Any]) -> None:
            for one in variables:
                if isinstance(one, core.Literal):
                    self._value(one.val)
                else:
                    self._add("v", numbers.setdefault(one, len(numbers)), one.aval)

        needed = _needed(jaxpr)
        used = {id(one) for equation in needed for one in equation.invars}.union(map(id, jaxpr.outvars))
        self._add("program", len(jaxpr.invars))
        for variable, constant in zip(jaxpr.constvars, constants, strict=True):
            if id(variable) in used:
                name([variable])
                self._value(constant)
        name(jaxpr.invars)
        for equation in needed:
            self._add(equation.primitive.name)
            name([*equation.invars, *equation.outvars])
            self._value({key: value for key, value in equation.params.items() if key not in IGNORED})
        name(jaxpr.outvars)

    def _value(self, value: Any) -> None:
        """Add a constant or the parameter of an operation."""
        if isinstance(value, core.ClosedJaxpr):
            self._program(value.jaxpr, value.consts)
        elif isinstance(value, core.Jaxpr):  # closed: what it reads is among its arguments
            self._program(value, ())
        elif isinstance(value, Mapping):
            self._add("mapping", len(value))
            for key in sorted(value, key=repr):
                self._value(key)
                self._value(value[key])
        elif isinstance(value, list | tuple):
            self._add(type(value).__name__, len(value))
            for each in value:
                self._value(each)
        elif isinstance(value, np.ndarray | np.generic | jax.Array):
            array = np.asarray(value)
            self._add(array.dtype, array.shape, array.tobytes())
        elif (name := _name_in_jax(value)) is not None:
            self._add("function", name)
        elif ADDRESS in (text := repr(value)):
            raise TypeError(f"a step cannot be compared with others: it has {text}")
        else:
            self._add(type(value).__name__, text)

    def _add(self, *parts: Any) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode()
            self._hash.update(len(data).to_bytes(8, "little") + data)
