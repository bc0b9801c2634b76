"""Grids: which variants they hold, how these are named, and everything that is refused at once."""

from __future__ import annotations

import cloudpickle
import keras
import numpy as np
import pytest
from tests.refusals import refusal

import justright as jr
from justright.errors import InputError
from justright.study.families import Mlp, mlp
from justright.study.spec import builder_name
from justright.study.study import Study
from justright.study.sweep import arguments_in, grid
from justright.study.variant import NAME_PATTERN


def network(width, l2=0.0, activation="relu"):
    """A Keras model with one hidden layer."""
    layers = keras.layers
    hidden = layers.Dense(width, activation, kernel_regularizer=keras.regularizers.L2(l2))
    return keras.Sequential([keras.Input((3,)), hidden, layers.Dense(1)])


def split():
    """60 rows of which 20 learn, choose and measure each."""
    rng = np.random.default_rng(0)
    table = jr.read_table((rng.normal(size=(60, 3)), rng.integers(0, 2, 60)))
    return table.split(train=20, validation=20, test=20)


def test_a_grid_holds_every_combination_of_a_family_as_a_plain_description():
    """So that it is stored in the study file, and shares programs with networks that differ in width."""
    found = jr.grid(jr.mlp, width=[16, 64], depth=[1, 2], l2=[0, 1e-4], dropout=0.5)
    expected = {
        f"width={width}, depth={depth}, l2={label}": Mlp((width,) * depth, l2=l2, dropout=0.5)
        for width in (16, 64)
        for depth in (1, 2)
        for label, l2 in (("0", 0), ("0.0001", 1e-4))
    }
    assert {name: one.build for name, one in found.items()} == expected
    assert list(found) == list(expected)
    assert all(one.name == name for name, one in found.items())


def test_a_family_takes_its_own_options():
    """Tuples are one value each, so that lists of layers can be swept."""
    found = grid(Mlp, units=[(), (16,), (64, 32)], activation=["elu", "relu"])
    assert list(found)[::2] == [
        "units=(), activation=elu",
        "units=(16), activation=elu",
        "units=(64-32), activation=elu",
    ]
    assert found["units=(64-32), activation=relu"].build == Mlp((64, 32), "relu")
    assert grid(mlp, units=(8, 8), l1=[0.1]).popitem()[1].build == mlp(8, 8, l1=0.1)


def test_a_function_is_bound_to_each_combination_and_called_later():
    """It can be sent to another process, and a study file names it."""
    found = grid(network, width=[3, 5], l2=[0.0, 0.01])
    build = cloudpickle.loads(cloudpickle.dumps(found["width=5, l2=0.01"].build))
    hidden = build().layers[0]
    assert (hidden.units, float(hidden.kernel_regularizer.l2)) == (5, pytest.approx(0.01))
    assert builder_name(found["width=3, l2=0"].build) == f"{__name__}:network"


def test_nothing_is_built_before_training():
    """A function that cannot build its model fails where it trains, not here."""

    def failing(width):
        raise AssertionError(width)

    assert list(grid(failing, width=range(1, 3))) == ["width=1", "width=2"]


def test_a_study_trains_the_seeds_of_a_grid_unless_it_is_given_its_own():
    """`seeds=` in the call of the grid is only a default."""
    assert Study(split(), grid(mlp, width=[4, 8], seeds=3)).seeds == (1, 2, 3)
    assert Study(split(), grid(mlp, width=[4, 8], seeds=[7, 9])).seeds == (7, 9)
    assert Study(split(), grid(mlp, width=[4, 8], seeds=3), seeds=2).seeds == (1, 2)
    assert Study(split(), grid(mlp, width=[4, 8])).seeds == (1,)
    with pytest.raises(InputError):
        Study(split(), grid(mlp, width=[4, 8], seeds=0))


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 0.0001, 1e-05, 1e20], ["0", "0.0001", "1e-05", "1e+20"]),
        ([0.5, 2.0, 1 / 3], ["0.5", "2", "0.333333"]),
        ([0.123456789, 0.123456788], ["0.123456789", "0.123456788"]),
        (np.array([16, 64]), ["16", "64"]),
        (np.array([0.5, 0.25], np.float32), ["0.5", "0.25"]),
        ([True, None, "a|b/c", keras.ops.relu], ["True", "None", "a_b_c", "relu"]),
        ([(64, 64), [8, (1, 0.5)]], ["(64-64)", "(8-(1-0.5))"]),
    ],
)  # fmt: skip
def test_names_are_short_and_can_be_folders(values, labels):
    """Numbers have as many digits as it takes to tell them apart."""

    def free(**options):
        return options

    assert list(grid(free, x=values)) == [f"x={label}" for label in labels]
    assert all(NAME_PATTERN.fullmatch(name) for name in grid(free, x=values))


def test_numbers_of_numpy_become_those_of_python():
    """A study file can then hold them."""
    build = grid(mlp, width=np.array([16]), l2=np.array([0.5]), l1=np.float32(0.25))["width=16, l2=0.5"].build
    assert [type(value) for value in (build.units[0], build.l2, build.l1)] == [int, float, float]


def test_a_grid_is_shown_in_a_line():
    """However many variants it holds."""
    assert repr(grid(mlp, width=range(1, 1001), seeds=3)) == (
        "Grid(1,000 variants: 'width=1', 'width=2', 'width=3', ..., 'width=1000'; seeds=3)"
    )
    assert repr(grid(mlp, width=[8, 16])) == "Grid(2 variants: 'width=8', 'width=16'; seeds=None)"


def test_the_arguments_are_read_back_from_a_name():
    """As far as numbers, truth values and None go; other names are none of a grid's."""
    found = grid(mlp, width=[16], l2=[1e-05], activation=["elu"], batch_normalization=[True])
    assert arguments_in(next(iter(found))) == {
        "width": 16, "l2": 1e-05, "activation": "elu", "batch_normalization": True
    }  # fmt: skip
    for name in ("Large", "Large, l2=1", "mlp(512, l2=0.001)", ""):
        assert arguments_in(name) is None, name


@pytest.mark.parametrize(
    ("builder", "arguments", "message"),
    [
        (
            network,
            {"widht": [1], "depth": 2, "l2": [], "activation": [{}, {1}]},
            (
                "`argument of the builder` must be one of 'width', 'l2', 'activation'; got 'widht', 'depth'. Did you mean 'width'? "
                "Every argument of the builder without a default must be given; 'width' is not. Add width=[...]. "
                "`l2` must list at least one value; got none. "
                "`activation` must list numbers, texts, truth values, None, functions, or tuples of those, after which variants "
                "can be named; got {}, {1}. Give a number or a text, and make the "
                "object of it in the builder."
            ),
        ),
        (
            network,
            {"l2": [0, 0.0, 1]},
            (
                "Every argument of the builder without a default must be given; 'width' is not. Add width=[...]. "
                "`l2` must list each value once, under a name of its own; got '0' more than once."
            ),
        ),
        (
            mlp,
            {"width": (16, 64), "depth": 2},
            (
                "At least one argument must be a list of values to try; got only width=(16, 64), depth=2, which counts as one "
                "value each. Write width=[16, 64]."
            ),
        ),
        (
            mlp,
            {},
            "At least one argument must be a list of values to try; got none. Write width=[16, 64].",
        ),
        (
            mlp,
            {"width": range(1, 41), "l2": list(range(30))},
            (
                "A grid must have at most 1,000 variants; got 40 values of width x 30 values of l2, 1,200 variants. "
                "List fewer values, or sweep fewer arguments at a time."
            ),
        ),
        (
            mlp,
            {"width": [0, -3, 4], "l2": [0, -1]},
            (
                "`units` must be whole numbers in 1..65536; got 0. `l2` must be a finite number of at least 0; got -1. "
                "`units` must be whole numbers in 1..65536; got -3. `l2` must be a finite number of at least 0; got -1."
            ),
        ),
        (
            mlp(16),
            {"width": [1]},
            (
                "`builder` must be jr.mlp, another family or a function that takes the arguments by name and returns a "
                f"keras.Model; got {mlp(16)!r}. Write jr.grid(jr.mlp, width=[16, 64])."
            ),
        ),
    ],
)
def test_all_that_is_wrong_is_said_at_once(builder, arguments, message):
    """In one error."""
    assert refusal(grid, builder, **arguments) == message


def test_names_that_are_too_long_are_refused():
    """Once, and not for every variant."""

    def wide(**options):
        return options

    with pytest.raises(InputError, match=r"^A variant's name must be 1 to 80 letters") as caught:
        grid(wide, **{f"argument_{number}_with_a_long_name": [1, 2] for number in range(4)})
    assert str(caught.value).count("A variant's name") == 1


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            (16,),
            {"width": 8},
            (
                "Hidden layers must be given by their `units`, or by a `width` and perhaps a `depth`; got units (16,), width 8 "
                "and depth None. Write mlp(64, 64) or mlp(width=64, depth=2)."
            ),
        ),
        (
            (),
            {"depth": 2},
            (
                "Hidden layers must be given by their `units`, or by a `width` and perhaps a `depth`; got units None, width None "
                "and depth 2. Write mlp(64, 64) or mlp(width=64, depth=2)."
            ),
        ),
        ((), {"width": 8, "depth": 1.5}, "`depth` must be a whole number in 0..1000; got 1.5."),
    ],
)
def test_width_and_depth_take_the_place_of_units(arguments, options, message):
    """Never both."""
    assert mlp(width=8, depth=0) == mlp()
    assert refusal(mlp, *arguments, **options) == message
