"""Rewrites of a traced training step that make XLA's CPU code faster, for any Keras model.

They act on the jaxpr *after* differentiation, where a model's layers no longer matter, only its primitives:

- `expm1` (half of an ELU) becomes a polynomial without branches: Tiny 1.00 -> 0.71 ms per epoch, Large 419 -> 398
  (one Sapphire Rapids core, jax 0.10.2). XLA's own version calls a branching routine for each element.
- On request, matrix products take bfloat16 operands and accumulate in float32; weights stay float32. On an accelerator, whose
  memory is the limit, they also give bfloat16, as Keras' mixed precision has it, except gradients of weights (H100, Large with
  32 lanes: 19.1 -> 16.8 ms per epoch).
- A kernel's gradient, x^T g, gets x^T as a copy in memory. XLA's fast products need their left operand laid out like this;
  it computes others on a slower path, in float32 even where operands are bfloat16 (512-wide, one Zen 4 core: 89 GFLOP/s;
  with a copy 106 in float32 and 195 in bfloat16). Large 526 -> 518 ms per epoch, in bfloat16 397 -> 291. A layer of few
  units copies g^T instead (one Zen 4 core: Tiny 1.0 -> 0.9 ms per epoch).
- A sum over a whole matrix, as in penalties, sums the columns first: XLA would add it up in windows of 32 without vector
  instructions (512 x 512: 230 -> 40 us; Combined in bfloat16 338 -> 319 ms per epoch).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental.layout import Layout, with_layout_constraint
from jax.extend import core

# Primitives that call a jaxpr in place, and the parameter that holds it. Only differentiated functions are
# rewritten, so custom derivative rules have done their work and may be inlined.
CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "checkpoint": "jaxpr",
    "remat2": "jaxpr",
}
# A product with a side shorter than this is bound by memory and overhead: bfloat16 operands would only cost accuracy.
BFLOAT16_LEAST_SIDE = 64
# Where a side of a gradient x^T g is shorter, a copy of x costs what it saves (Medium, 64 wide, gains 3 %, Small loses 4 %).
COPIED_LEAST_SIDE = 64
# A layer of at most this many units copies its gradient g instead of x, unless x is narrower still. Microseconds of x^T g without
# a copy, with one of x, with one of g (500 rows, one Zen 4 core): 28 x 16 15, 12, 9; 64 x 64 62, 58, 43; 256 x 16 201, 151, 49;
# 256 x 256 741, 723, 671; but 28 x 64 26, 23, 34; from 512 on there is no difference.
NARROW_MOST_SIDE, NARROW_LEAST_INPUTS = 256, 32
# Below this size a sum takes no time worth saving.
SUMMED_LEAST_SIZE = 4_096
ROWS_FIRST = Layout(major_to_minor=(0, 1))

LOG2_E = np.float32(1.4426950408889634)
# ln 2 in two parts (Cody and Waite 1980): the high one has enough zero bits that n * LN2_HIGH is exact.
LN2_HIGH, LN2_LOW = np.float32(0.693145751953125), np.float32(1.42860677e-06)
# exp(r) - 1 - r over r^2 for |r| <= ln 2 / 2, by Taylor's series: its first omitted term is below 1e-8.
TAYLOR = tuple(np.float32(1.0 / factorial) for factorial in (5040, 720, 120, 24, 6, 2))
# Beyond these float32's exp(x) is a subnormal or infinite.
LEAST_EXPONENT, LARGEST_EXPONENT = np.float32(-80.0), np.float32(88.8)


def rewrite(
    function: Callable[..., Any],
    *,
    bfloat16: bool = False,
    copies: bool = False,
    narrow_outputs: bool = False,
) -> Callable[..., Any]:
    """Return a function that computes the same as `function`, faster on a CPU.

    Wrap the whole step, differentiation inside; loops and vmap may go around it.

    Args:
        function: takes and returns pytrees of arrays.
        bfloat16: whether matrix products take bfloat16 operands.
        copies: whether products and sums take the forms that are fast on a CPU; the result cannot be vmapped then.
        narrow_outputs: whether bfloat16 products of activations are kept in bfloat16, as Keras' mixed precision keeps them;
            gradients of weights are not.

    Example:
        >>> bool(jnp.allclose(rewrite(jnp.expm1)(jnp.float32(-0.5)), jnp.expm1(-0.5)))
        True
    """

    @functools.wraps(function)
    def rewritten(*arguments: Any) -> Any:
        # A new function for each trace: JAX keeps what it traced, with the values of the surrounding trace.
        closed, shape = jax.make_jaxpr(lambda *values: function(*values), return_shape=True)(*arguments)
        results = _Rewriter(bfloat16, copies, narrow_outputs).evaluate(
            closed.jaxpr, closed.consts, jax.tree.leaves(arguments)
        )
        return jax.tree.unflatten(jax.tree.structure(shape), results)

    return rewritten


def expm1(x: Any) -> Any:
    """Return exp(x) - 1, float32, with a relative error of at most 2e-7; NaN stays NaN.

    exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1) with x = n ln 2 + r, so that nothing cancels near zero.
    """
    clipped = jnp.clip(x, LEAST_EXPONENT, LARGEST_EXPONENT)
    n = jnp.round(clipped * LOG2_E)
    r = (clipped - n * LN2_HIGH) - n * LN2_LOW
    series: Any = TAYLOR[0]
    for coefficient in TAYLOR[1:]:
        series = series * r + coefficient
    # Half of 2^n: 2^128 is infinite, while exp(x) is finite up to x = 88.72. Halving and doubling are exact.
    half = lax.bitcast_convert_type((n.astype(jnp.int32) + 126) << 23, jnp.float32)
    return 2 * (half * ((series * r) * r + r) + (half - np.float32(0.5)))


def product_by_copy(x: Any, y: Any) -> Any:
    """Return x^T y, float32, from a copy of x^T; operands float32 or bfloat16.

    Shape:
        x: (rows, n); y: (rows, m); the product (n, m).
    """
    copy = with_layout_constraint(x.T, ROWS_FIRST)
    product = lax.dot_general(copy, y, (((1,), (0,)), ((), ())), preferred_element_type=jnp.float32)
    # Without the second constraint XLA may turn a transposed result into y^T x, a product it lacks for bfloat16.
    return with_layout_constraint(product, ROWS_FIRST)


def sum_by_columns(x: Any) -> Any:
    """Return the sum of a matrix, summing its columns first.

    The barrier keeps XLA from merging the two sums.
    """
    return lax.optimization_barrier(x.sum(0)).sum()


@dataclass(frozen=True, slots=True)
class _Rewriter:
    """Evaluates a jaxpr with some of its equations replaced."""

    bfloat16: bool
    copies: bool
    narrow_outputs: bool

    def evaluate(self, jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
        known = dict(zip(jaxpr.constvars, constants, strict=True)) | dict(
            zip(jaxpr.invars, arguments, strict=True)
        )

        def read(variable: Any) -> Any:
            return variable.val if isinstance(variable, core.Literal) else known[variable]

        turned = {equation.invars[0] for equation in jaxpr.eqns if equation.primitive.name == "transpose"}
        for equation in jaxpr.eqns:
            values = [read(variable) for variable in equation.invars]
            results = self._equation(equation, values, is_turned=equation.outvars[0] in turned)
            known.update(zip(equation.outvars, results, strict=True))
        return [read(variable) for variable in jaxpr.outvars]

    def _equation(self, equation: Any, values: list[Any], *, is_turned: bool) -> Sequence[Any]:
        name, params = equation.primitive.name, equation.params
        if name in CALLS:
            inner = params[CALLS[name]]
            jaxpr, constants = (inner.jaxpr, inner.consts) if hasattr(inner, "consts") else (inner, ())
            return self.evaluate(jaxpr, constants, values)
        if name == "expm1" and equation.outvars[0].aval.dtype == jnp.float32:
            return [expm1(values[0])]
        if self.copies and name == "reduce_sum" and _is_sum_of_matrix(equation):
            return [sum_by_columns(values[0])]
        if name == "dot_general" and _is_float32(equation):
            return [self._product(equation, *values, is_turned=is_turned)]
        changed = params | self._inner_programs(name, params)
        results = equation.primitive.bind(*values, **equation.primitive.get_bind_params(changed))
        return results if equation.primitive.multiple_results else [results]

    def _product(self, equation: Any, left: Any, right: Any, *, is_turned: bool) -> Any:
        """Return a product of float32 operands; `is_turned` says that its transpose is wanted."""
        least = min((side for variable in equation.invars for side in variable.aval.shape), default=0)
        if self.bfloat16 and least >= BFLOAT16_LEAST_SIDE:
            left, right = left.astype(jnp.bfloat16), right.astype(jnp.bfloat16)
        if self.copies and _is_product_of_columns(equation):
            if is_turned and _has_narrow_gradient(equation):
                return product_by_copy(left, right)
            if least >= COPIED_LEAST_SIDE:
                # JAX differentiates x W to (g^T x)^T, which is x^T g: the two transpositions cancel.
                return product_by_copy(right, left).T if is_turned else product_by_copy(left, right)
        is_narrow = self.narrow_outputs and left.dtype == jnp.bfloat16 and not _sums_rows(equation)
        wanted = jnp.dtype(jnp.bfloat16 if is_narrow else jnp.float32)
        product = equation.primitive.bind(
            left, right, **(equation.params | {"preferred_element_type": wanted})
        )
        return product.astype(jnp.float32) if is_narrow else product

    def _inner_programs(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return the rewritten programs of a loop or branch inside the step."""
        if name == "scan":
            return {"jaxpr": self._program(params["jaxpr"])}
        if name == "while":
            return {key: self._program(params[key]) for key in ("body_jaxpr", "cond_jaxpr")}
        if name == "cond":
            return {"branches": tuple(self._program(branch) for branch in params["branches"])}
        return {}

    def _program(self, closed: Any) -> Any:
        shapes = [
            jax.ShapeDtypeStruct(variable.aval.shape, variable.aval.dtype) for variable in closed.jaxpr.invars
        ]
        return jax.make_jaxpr(lambda *arguments: self.evaluate(closed.jaxpr, closed.consts, arguments))(
            *shapes
        )


def _is_float32(equation: Any) -> bool:
    return all(variable.aval.dtype == jnp.float32 for variable in (*equation.invars, *equation.outvars))


def _is_sum_of_matrix(equation: Any) -> bool:
    """Whether all of a large float32 matrix is summed; of an array with more axes the first two may be."""
    shape = equation.invars[0].aval.shape
    return (
        _is_float32(equation)
        and len(shape) == 2
        and equation.params["axes"] == (0, 1)
        and math.prod(shape) >= SUMMED_LEAST_SIZE
    )


def _has_narrow_gradient(equation: Any) -> bool:
    """Whether g, the left operand of g^T x, is narrow enough for a copy of g^T to be the cheaper one."""
    outputs, inputs = (variable.aval.shape[1] for variable in equation.invars)
    return 1 < outputs <= NARROW_MOST_SIDE and (outputs <= inputs or inputs >= NARROW_LEAST_INPUTS)


def _sums_rows(equation: Any) -> bool:
    """Whether a product sums over the first axis of both operands, the rows of a batch: then it is a gradient of weights."""
    (left, right), _ = equation.params["dimension_numbers"]
    return tuple(left) == (0,) and tuple(right) == (0,)


def _is_product_of_columns(equation: Any) -> bool:
    """Whether two matrices are multiplied as x^T y."""
    are_matrices = all(len(variable.aval.shape) == 2 for variable in equation.invars)
    return are_matrices and equation.params["dimension_numbers"] == (((0,), (0,)), ((), ()))
