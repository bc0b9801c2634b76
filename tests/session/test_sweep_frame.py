"""A grid, trained: its frame, and labels that know which of its networks are freer and which tighter."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import polars as pl
from tests.refusals import refusal

import justright as jr
from justright.diagnosis.alternatives import kind_between
from justright.session.sweep_frame import FOUND, sweep_frame
from justright.study.brakes import brakes_of
from justright.study.directions import LESS_REGULARIZATION, MORE_CAPACITY, MORE_WITH_BRAKE, REGULARIZATION


def verdicts(*names):
    """Return the frame of variants with these names, each with a lower loss than the one before."""
    count = len(names)
    return pl.DataFrame(
        {
            "variant": names,
            "parameters": list(range(count)),
            "test_loss": [float(-number) for number in range(count)],
            "test_loss_low": [None] * count,
            "test_loss_high": [None] * count,
            "label": ["undecided"] * count,
            "answer": [None] * count,
        }
    )


def evidence(name, width, l2):
    """Return what a verdict knows of a variant of a grid, once it is built."""
    layers = keras.layers
    hidden = layers.Dense(width, "tanh", kernel_regularizer=keras.regularizers.L2(l2))
    model = keras.Sequential([keras.Input((2,)), hidden, layers.Dense(1)])
    brakes = brakes_of(model.to_json(), {})
    return SimpleNamespace(
        name=name,
        parameters=model.count_params(),
        brakes=brakes,
        baseline=None,
        change="",
        max_epochs=2,
    )


def test_verdicts_know_which_networks_of_a_grid_are_freer_without_being_told():
    """More width is more capacity, more of a penalty regularization; any builder will do."""
    swept = [(width, l2) for width in (2, 4) for l2 in (0, 0.1)]
    built = {one: evidence(f"width={one[0]}, l2={one[1]}", *one) for one in swept}
    kinds = {one: kind_between(built[2, 0], built[one]) for one in swept[1:]}
    assert kinds == {(2, 0.1): REGULARIZATION, (4, 0): MORE_CAPACITY, (4, 0.1): MORE_WITH_BRAKE}
    assert kind_between(built[4, 0.1], built[4, 0]) == LESS_REGULARIZATION


def test_a_trained_grid_is_a_frame_of_arguments_and_verdicts(tmp_path):
    """Also after its folder is opened again; every combination is trained with every seed of the grid."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 2)).astype(np.float32)
    table = jr.read_table((x, (x[:, 0] + rng.normal(size=160) > 0).astype(np.float32)))
    split = table.split(validation=40, train=60, test=60)
    recipe = jr.Recipe(batch_size=30, max_epochs=2, patience=None)
    swept = jr.grid(jr.mlp, width=[2, 4], seeds=2)
    jr.Study(split, swept, recipe, reference=False).run(tmp_path / "grid", workers=1, keep_workers=True)
    result = jr.open_result(tmp_path / "grid")
    frame = result.grid
    assert frame.columns == ["width", *FOUND]
    assert frame["test_loss"].is_sorted()
    assert dict(frame.select("width", "parameters").iter_rows()) == {2: 9, 4: 17}
    runs = [(one["name"], run["seed"]) for one in result.summary["variants"] for run in one["runs"]]
    assert sorted(runs) == [("width=2", 1), ("width=2", 2), ("width=4", 1), ("width=4", 2)]


def test_columns_have_the_type_of_their_values():
    """Numbers stay numbers; an argument that some variants lack is null there."""
    frame = sweep_frame(verdicts("width=1, kind=a", "width=2.5, kind=None", "Large", "width=4, label=x"))
    assert frame.select("width", "kind", "label_", "parameters").rows() == [
        (4.0, None, "x", 3),
        (2.5, None, None, 1),
        (1.0, "a", None, 0),
    ]
    assert frame.schema["width"] == pl.Float64
    mixed = sweep_frame(verdicts("units=8", "units=(8-8)"))
    assert mixed["units"].to_list() == ["(8-8)", "8"]


def test_a_study_without_a_grid_has_no_frame_of_one():
    """And says what its names would have to be."""
    assert refusal(sweep_frame, verdicts("Tiny", "Small", "Medium", "Large")) == (
        "A grid's variants must be named after their arguments, as `jr.grid` does it: 'width=64, l2=0.0001'; got "
        "'Tiny', 'Small', 'Medium' .... See `verdicts` for any variants."
    )
