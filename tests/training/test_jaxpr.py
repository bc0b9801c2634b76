"""Rewritten programs compute what the original did: against float64, and through every kind of inner program."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from justright.training.jaxpr import BFLOAT16_LEAST_SIDE, expm1, rewrite

# What its docstring promises, relative to the exact value.
EXPM1_ERROR = 2e-7


def primitives(function, *arguments):
    """Return the names of every primitive in a traced function, inner programs included."""
    found = []

    def visit(jaxpr):
        for equation in jaxpr.eqns:
            found.append(equation.primitive.name)
            for value in equation.params.values():
                for inner in value if isinstance(value, tuple) else (value,):
                    if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                        visit(getattr(inner, "jaxpr", inner))

    visit(jax.make_jaxpr(function)(*arguments).jaxpr)
    return found


def test_expm1_is_within_its_bound_of_the_exact_value():
    """Over all magnitudes that float32 has, both signs, to the last finite result."""
    tiny = np.logspace(-37, 0, 20_000)
    grid = np.concatenate([tiny, -tiny, np.linspace(-103, 88.72, 200_000)]).astype(np.float32)
    exact = np.expm1(grid.astype(np.float64))
    error = np.abs(np.asarray(jax.jit(expm1)(grid), np.float64) - exact) / np.abs(exact)
    assert error.max() < EXPM1_ERROR, grid[error.argmax()]


def test_expm1_at_the_ends_and_at_nothing():
    """Exact zeros, -1 far below, infinity above, NaN kept."""
    x = np.array([0.0, -0.0, -200.0, -np.inf, 88.73, 500.0, np.inf, np.nan], np.float32)
    expected = [0.0, 0.0, -1.0, -1.0, np.inf, np.inf, np.inf, np.nan]
    np.testing.assert_array_equal(np.asarray(expm1(x)), np.array(expected, np.float32))


def test_expm1_never_falls_as_its_argument_rises():
    """Between neighbouring pieces of the polynomial there is no step down beyond rounding."""
    x = np.linspace(-4, 4, 400_001, dtype=np.float32)
    y = np.asarray(expm1(x), np.float64)
    assert (np.diff(y) >= -EXPM1_ERROR * np.abs(y[1:])).all()


def in_scan(x):
    """A loop whose body holds an expm1."""
    return lax.scan(lambda total, row: (total + jnp.expm1(row), jnp.expm1(total)), jnp.zeros(3), x)


def in_cond(x):
    """Branches, one with an expm1; operands of several types."""
    return lax.cond(x.sum() > 0, lambda: jnp.expm1(x), lambda: -x), lax.switch(1, [jnp.sin, jnp.expm1], x)


def in_while(x):
    """A loop that ends by its own condition."""
    return lax.while_loop(
        lambda item: item[0] < 3, lambda item: (item[0] + 1, jnp.expm1(item[1] / 2)), (0, x)
    )


def in_gradient(x):
    """Differentiated through jit, custom rules (relu, logsumexp) and a checkpoint."""

    @jax.checkpoint
    def loss(x):
        hidden = jax.nn.relu(jax.jit(jax.nn.elu)(x @ x.T)) + jax.nn.log_softmax(x @ x.T)
        return jnp.sum(jax.nn.elu(hidden) ** 2)

    return jax.value_and_grad(loss)(x)


FUNCTIONS = (in_scan, in_cond, in_while, in_gradient)
X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_same_results_through_every_kind_of_program(function):
    """Values and structure equal the original's, plain, under jit and under vmap; no expm1 is left anywhere."""
    batch = np.stack([X, X + 1, -X])
    pairs = [
        (rewrite(function)(X), function(X)),
        (jax.jit(rewrite(function))(X), function(X)),
        (jax.vmap(rewrite(function))(batch), jax.vmap(function)(batch)),
    ]
    for ours, theirs in pairs:
        assert jax.tree.structure(ours) == jax.tree.structure(theirs)
        for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            assert (mine.dtype, mine.shape) == (other.dtype, other.shape)
            np.testing.assert_allclose(mine, other, rtol=2e-5, atol=1e-6)
    assert "expm1" in primitives(function, X)
    assert "expm1" not in primitives(rewrite(function), X)


def test_constants_keywords_and_literals_survive():
    """A function that closes over arrays, returns a constant, and takes nested arguments."""
    table = jnp.arange(3.0)

    def function(tree):
        return {"sum": tree["a"] @ table + 2.0, "constant": jnp.ones(2), "same": tree["b"][0]}

    tree = {"a": X, "b": [jnp.int32(4)]}
    ours, theirs = rewrite(function)(tree), function(tree)
    for name in theirs:
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_float64_and_bfloat16_expm1_are_left_alone():
    """The polynomial is for float32; other types keep XLA's."""
    x = jnp.ones(3, jnp.bfloat16)
    assert "expm1" in primitives(rewrite(jnp.expm1), x)


@pytest.mark.parametrize(
    ("shapes", "narrowed"),
    [
        (((64, 64), (64, 64)), True),
        (((500, 512), (512, 512)), True),
        (((500, 28), (28, 512)), False),
        (((500, 512), (512, 1)), False),
        (((BFLOAT16_LEAST_SIDE - 1, 64), (64, 64)), False),
    ],
)
def test_only_large_products_take_bfloat16_operands(shapes, narrowed):
    """Each side must be long enough; the result is float32 and differs only by the operands' rounding."""
    random = np.random.default_rng(1)
    left, right = (random.normal(size=shape).astype(np.float32) for shape in shapes)
    exact = left.astype(np.float64) @ right
    plain = np.asarray(rewrite(jnp.matmul)(left, right))
    narrow = np.asarray(rewrite(jnp.matmul, bfloat16=True)(left, right))
    assert narrow.dtype == np.float32
    scale = np.sqrt(left.shape[1])
    if narrowed:
        # Two operands rounded to 8 bits: 2^-9 each at most, independent, so well below 2^-8 of the result's scale.
        assert 1e-4 < np.abs(narrow - exact).max() / scale < 2**-5
        rounded = [np.asarray(jnp.asarray(side, jnp.bfloat16), np.float64) for side in (left, right)]
        np.testing.assert_allclose(narrow, rounded[0] @ rounded[1], atol=1e-4)  # accumulated in float32
    else:
        np.testing.assert_array_equal(narrow, plain)


def test_bfloat16_reaches_both_products_of_a_gradient():
    """Forward and backward products are narrowed: that is where training's time goes."""
    side = BFLOAT16_LEAST_SIDE

    def loss(weights, x):
        return jnp.sum(jnp.tanh(x @ weights) ** 2)

    x = np.random.default_rng(2).normal(size=(side, side)).astype(np.float32)
    step = rewrite(jax.value_and_grad(loss), bfloat16=True)
    products = [
        equation
        for equation in jax.make_jaxpr(step)(x, x).jaxpr.eqns
        if equation.primitive.name == "dot_general"
    ]
    assert len(products) == 2
    for equation in products:
        assert [variable.aval.dtype for variable in equation.invars] == [jnp.bfloat16] * 2
        assert equation.outvars[0].aval.dtype == jnp.float32


def columns(x, y):
    """x^T y, as it is."""
    return x.T @ y


def columns_turned(x, y):
    """x^T y as JAX differentiates it: (y^T x)^T."""
    return lax.dot_general(y, x, (((0,), (0,)), ((), ()))).T


def columns_both_ways(x, y):
    """y^T x and its transpose, both used."""
    product = lax.dot_general(y, x, (((0,), (0,)), ((), ())))
    return product, product.T + 1.0


def columns_of_three_axes(x, y):
    """A product over the first of three axes, which is not a product of matrices."""
    return lax.dot_general(x.reshape(len(x), 2, -1), y, (((0,), (0,)), ((), ())))


PRODUCTS = (columns, columns_turned, columns_both_ways, columns_of_three_axes)


@pytest.mark.parametrize("sides", [(128, 64), (64, 64), (28, 16), (256, 4), (512, 512), (28, 64), (16, 1)])
@pytest.mark.parametrize("bfloat16", [False, True])
@pytest.mark.parametrize("function", PRODUCTS)
def test_products_by_copies_are_the_same_products(function, bfloat16, sides):
    """Whatever is done with the product, XLA compiles it, also of bfloat16 operands, of which it has fewer forms."""
    random = np.random.default_rng(3)
    x, y = (random.normal(size=(96, side)).astype(np.float32) for side in sides)
    if bfloat16:  # values that bfloat16 has, so that only the sums are rounded
        x, y = (np.asarray(jnp.asarray(values, jnp.bfloat16), np.float32) for values in (x, y))
    ours = jax.jit(rewrite(function, bfloat16=bfloat16, copies=True))(x, y)
    theirs = function(x.astype(np.float64), y.astype(np.float64))
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert (mine.dtype, mine.shape) == (np.float32, other.shape)
        np.testing.assert_allclose(mine, other, atol=2e-5)


def test_products_of_columns_are_copied_where_that_pays():
    """In wide layers, and in those narrower than their inputs; a single output, or a narrow input, would lose."""

    def is_copied(inputs, outputs):
        x, y = np.zeros((96, inputs), np.float32), np.zeros((96, outputs), np.float32)
        return "layout_constraint" in primitives(rewrite(columns_turned, copies=True), x, y)

    sides = [(64, 64), (512, 512), (28, 16), (16, 16), (512, 1), (28, 512), (28, 64)]
    assert [is_copied(*pair) for pair in sides] == [True] * 4 + [False] * 3
    wide = np.zeros((96, 64), np.float32)
    assert "layout_constraint" not in primitives(rewrite(columns_turned), wide, wide)


@pytest.mark.parametrize("shape", [(512, 512), (28, 512), (7, 1_000), (64, 1)])
def test_a_sum_of_squares_by_columns_is_the_sum(shape):
    """Value and gradient of a penalty, against float64."""
    weights = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    step = jax.jit(
        rewrite(jax.value_and_grad(lambda weights: 0.5 * jnp.sum(jnp.square(weights))), copies=True)
    )
    value, gradient = step(weights)
    np.testing.assert_allclose(value, 0.5 * (weights.astype(np.float64) ** 2).sum(), rtol=1e-6)
    np.testing.assert_array_equal(gradient, weights)


def test_only_whole_sums_of_large_matrices_go_by_columns():
    """Sums along one axis, of small matrices and for accelerators stay as they are."""
    wide, small = np.ones((64, 64), np.float32), np.ones((8, 8), np.float32)
    barrier = "optimization_barrier"
    assert barrier in primitives(rewrite(jnp.sum, copies=True), wide)
    assert barrier not in primitives(rewrite(jnp.sum), wide)
    assert barrier not in primitives(rewrite(jnp.sum, copies=True), small)
    assert barrier not in primitives(rewrite(lambda x: x.sum(0), copies=True), wide)


def test_a_sum_over_the_first_two_of_three_axes_stays_one():
    """The gradient of a convolution's bias: it has a value for each channel, and is no sum of a matrix."""
    images = np.random.default_rng(5).normal(size=(64, 64, 3)).astype(np.float32)
    total = rewrite(lambda x: x.sum((0, 1)), copies=True)(images)
    np.testing.assert_allclose(total, images.sum((0, 1), dtype=np.float64), rtol=1e-4)
