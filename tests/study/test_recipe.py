"""Recipes: what is refused, what is filled in, and that nothing is lost on the way through plain values."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import keras
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.study.class_weights import weights_by_class
from justright.study.keras_descriptions import name_of
from justright.study.recipe import (
    LATER,
    LOSSES,
    PRECISIONS,
    STOPS,
    Recipe,
    decaying_adam,
    monitors,
    steps_per_epoch,
)

ADAM = {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": 0.01}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be a whole number of at least 1; got 0."),
        ({"batch_size": 2.5}, "`batch_size` must be a whole number of at least 1; got 2.5."),
        ({"max_epochs": True}, "`max_epochs` must be a whole number of at least 1; got True."),
        ({"max_epochs": None}, "`max_epochs` must be a whole number of at least 1; got None."),
        ({"patience": 0}, "`patience` must be a whole number of at least 1; got 0."),
        ({"patience": "20"}, "`patience` must be a whole number of at least 1; got '20'."),
        ({"measure_rows": -1}, "`measure_rows` must be a whole number of at least 1; got -1."),
        (
            {"precision": "bfloat"},
            "`precision` must be one of 'auto', 'float32', 'tensorfloat32', 'bfloat16'; got 'bfloat'. Did you mean 'bfloat16'?",
        ),
        ({"label_smoothing": 1}, "`label_smoothing` must lie in [0, 1); got 1."),
        ({"label_smoothing": True}, "`label_smoothing` must lie in [0, 1); got True."),
        ({"ema": -0.1}, "`ema` must lie in [0, 1); got -0.1."),
        ({"ema": "0.9"}, "`ema` must lie in [0, 1); got '0.9'."),
        ({"mixup": -1}, "`mixup` must be a finite number of at least 0; got -1."),
        ({"mixup": float("inf")}, "`mixup` must be a finite number of at least 0; got inf."),
        (
            {"optimizer": keras.optimizers.SGD(use_ema=True)},
            (
                "`optimizer` must not average weights itself; got use_ema=True. Set the recipe's `ema` instead, for "
                "instance ema=0.99: the averaged weights are then validated, measured and saved."
            ),
        ),
        (
            {"stop": "settle"},
            "`stop` must be one of 'patience', 'settled'; got 'settle'. Did you mean 'settled'?",
        ),
        ({"from_logits": 1}, "`from_logits` must be true or false; got 1."),
        (
            {"optimizer": "adam"},
            (
                "`optimizer` must be a Keras optimizer or its serialised configuration; got 'adam'. "
                "Pass for instance keras.optimizers.Adam(0.001)."
            ),
        ),
        (
            {"optimizer": {"name": "adam", "config": {}}},
            (
                "`optimizer` must be a Keras optimizer or its serialised configuration with a 'class_name'; "
                "got keys ['config', 'name']."
            ),
        ),
    ],
)
def test_bad_values_are_refused(options, message):
    """One whole sentence each, naming the option and the value."""
    assert refusal(Recipe, **options) == message


def test_an_unknown_monitor_is_refused_when_the_table_is_known():
    """The metrics that may choose an epoch depend on the task."""
    assert refusal(Recipe(monitor="val_acuracy").resolve, "binary", 100) == (
        "`monitor` must be one of 'val_binary_crossentropy', 'val_loss', 'val_accuracy'; got 'val_acuracy'. "
        "Did you mean 'val_accuracy'?"
    )


def test_labels_of_a_regression_cannot_be_smoothed():
    """Its target is a number: refused when the table is known, not ignored."""
    assert refusal(Recipe(label_smoothing=0.1).resolve, "regression", 100) == (
        "`label_smoothing` must be 0 for a regression target, which has no classes; got 0.1. Leave it out."
    )


def test_later_options_leave_no_trace_at_their_defaults():
    """Studies made before there were such options keep their fingerprints."""
    assert not LATER.keys() & Recipe().to_dict().keys()
    assert Recipe(ema=0.9).to_dict()["ema"] == 0.9


def test_an_unknown_option_of_a_recipe_is_refused():
    """A key of a study file's [recipe] that is not an option is named, with the nearest one."""
    assert refusal(Recipe.from_dict, {"batchsize": 100}) == (
        "`option of a recipe` must be one of 'batch_size', 'max_epochs', 'patience', 'monitor', 'optimizer', 'precision', "
        "'from_logits', 'measure_rows', 'label_smoothing', 'mixup', 'ema', 'stop', 'loss', 'metrics', 'class_weight', 'batch_orders'; got 'batchsize'. Did you mean 'batch_size'?"
    )


def test_the_defaults_are_the_tutorial_s():
    """Batch 500, 10,000 epochs, patience 200, Adam under InverseTimeDecay over 1,000 epochs of steps."""
    recipe = Recipe().resolve("binary", 10_000)
    assert (recipe.batch_size, recipe.max_epochs, recipe.patience) == (500, 10_000, 200)
    assert recipe.monitor == "val_binary_crossentropy"
    optimizer = keras.optimizers.deserialize(dict(recipe.optimizer))
    tutorial = keras.optimizers.Adam(
        keras.optimizers.schedules.InverseTimeDecay(
            0.001, decay_steps=20 * 1000, decay_rate=1, staircase=False
        )
    )
    assert type(optimizer) is keras.optimizers.Adam
    ours, theirs = optimizer.get_config(), tutorial.get_config()
    assert ours.pop("learning_rate") == theirs.pop("learning_rate")
    assert {**ours, "name": ""} == {**theirs, "name": ""}


@pytest.mark.parametrize("task", LOSSES)
def test_every_task_has_a_loss_that_chooses_by_default(task):
    """The first monitor is the validation loss without penalties."""
    assert Recipe().resolve(task, 10).monitor == monitors(task)[0] == f"val_{LOSSES[task]}"


def test_a_keras_optimizer_is_kept_as_plain_values():
    """Schedule included; Keras makes the same optimizer of it again."""
    given_one = keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(0.1, 50), momentum=0.9, nesterov=True
    )
    kept = Recipe(optimizer=given_one).optimizer
    again = keras.optimizers.deserialize(dict(kept))
    assert again.get_config() == given_one.get_config()


def test_a_partial_batch_is_a_step():
    """1,250 rows in batches of 500 are three steps; fewer rows than a batch are one."""
    assert [steps_per_epoch(rows, 500) for rows in (1, 499, 500, 501, 1_250)] == [1, 1, 1, 2, 3]


@given(
    batch_size=st.integers(1, 10**6),
    max_epochs=st.integers(1, 10**6),
    patience=st.none() | st.integers(1, 10**6),
    monitor=st.none() | st.sampled_from(monitors("binary")),
    optimizer=st.none() | st.just(ADAM) | st.integers(1, 1000).map(decaying_adam),
    precision=st.sampled_from(PRECISIONS),
    from_logits=st.none() | st.booleans(),
    measure_rows=st.integers(1, 10**6),
    label_smoothing=st.floats(0, 1, exclude_max=True),
    mixup=st.floats(0, 1e3),
    ema=st.floats(0, 1, exclude_max=True),
    stop=st.sampled_from(STOPS),
)
def test_recipes_survive_plain_values(**options):
    """`from_dict` undoes `to_dict`, a recipe without patience included."""
    recipe = Recipe(**options)
    assert Recipe.from_dict(recipe.to_dict()) == recipe


def own_error(y_true, y_pred):
    """A loss of a user."""
    return abs(y_true - y_pred)[:, 0]


@pytest.mark.parametrize(
    ("given", "kept", "name"),
    [
        ("mae", "mae", "mae"),
        (keras.losses.huber, "huber", "huber"),
        (
            keras.losses.Huber(delta=2.0),
            {
                "module": "keras.losses",
                "class_name": "Huber",
                "config": {"name": "huber_loss", "delta": 2.0},
            },
            "huber_loss",
        ),
        (own_error, own_error, "own_error"),
        ({"class_name": "Poisson"}, {"class_name": "Poisson"}, "poisson"),
    ],
)
def test_a_loss_is_kept_as_plain_data(given, kept, name):
    """Names, objects and functions of Keras, and configurations; a function of a user stays one. Each can be monitored."""
    recipe = Recipe(loss=given)
    assert recipe.loss == kept
    resolved = replace(recipe, monitor=f"val_{name}").resolve("regression", 10)
    assert resolved.monitor == f"val_{name}"
    assert recipe.resolve("regression", 10).monitor == "val_mean_squared_error"
    if not callable(kept):
        assert Recipe.from_dict(tomllib.loads(tomli_w.dumps(recipe.to_dict()))) == recipe


def test_metrics_keep_their_names_however_many_were_made_before():
    """Keras numbers the second object of a class, 'auc_1'; the same recipe is the same recipe."""
    first, second = (Recipe(metrics=[keras.metrics.AUC(), "mae"]) for _ in range(2))
    assert first == second
    assert [name_of(one) for one in first.metrics] == ["auc", "mae"]
    assert Recipe.from_dict(tomllib.loads(tomli_w.dumps(first.to_dict()))) == first
    assert first.resolve("binary", 10).to_dict()["metrics"][1] == "mae"


def test_a_function_is_named_in_a_study_file_and_cannot_be_read_from_it():
    """Only the session that has it can train with it."""
    values = Recipe(loss=own_error).to_dict()
    assert values["loss"] == f"{__name__}:own_error"
    assert refusal(Recipe.from_dict, values) == (
        f"`loss` names '{__name__}:own_error', a Python function, which a study file cannot hold. Run the study from Python "
        "again, with the function itself, or use a loss or metric of Keras."
    )


def test_a_metric_that_cannot_be_made_again_is_refused():
    """Its class says too little, and a worker would find out."""

    class Forgetful(keras.metrics.Mean):
        def __init__(self, above):
            super().__init__()

    message = refusal(Recipe, metrics=[Forgetful(1)])
    assert message.startswith("`metrics` must be made again in other processes; Forgetful cannot be: ")
    assert message.endswith(" Let its `get_config` return all arguments of its `__init__`.")


def test_recipes_of_before_are_described_as_they_were():
    """No new option appears unless it is used: folders of before can be resumed."""
    assert set(Recipe().to_dict()) == {
        *("batch_size", "max_epochs", "patience", "precision", "measure_rows"),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"loss": 3},
            (
                "`loss` must be of Keras, by object, name or configuration, or a function (y_true, y_pred) -> (rows,); got 3. "
                "Pass for instance keras.losses.Huber()."
            ),
        ),
        (
            {"metrics": "auc"},
            "`metrics` must be a list of Keras metrics or their names; got 'auc'.",
        ),
        (
            {"metrics": ["mae", "auc", "mae"]},
            "`metrics` must have names that differ; got ['mae'] more than once. Pass name=... to one.",
        ),
        (
            {"class_weight": "balancd"},
            "`class_weight` must be 'balanced' or map classes to weights; got 'balancd'.",
        ),
        (
            {"class_weight": {"a": -1, "b": 2, "c": "x"}},
            "Each weight of `class_weight` must be a finite number of at least 0; got {'a': -1, 'c': 'x'}.",
        ),
        (
            {"loss": "mae", "label_smoothing": 0.1},
            (
                "`label_smoothing` smooths the loss of the task, and `loss` replaces it; got 0.1 and 'mae'. Give one of them; "
                "some of Keras' losses take a `label_smoothing` themselves."
            ),
        ),
        (
            {"batch_size": 0, "stop": "now", "ema": 2, "metrics": "auc"},
            (
                "`batch_size` must be a whole number of at least 1; got 0. `stop` must be one of 'patience', 'settled'; got "
                "'now'. `ema` must lie in [0, 1); got 2. `metrics` must be a list of Keras metrics or their names; got 'auc'."
            ),
        ),
    ],
)
def test_everything_wrong_with_a_recipe_is_said_at_once(options, message):
    """One sentence per option."""
    assert refusal(Recipe, **options) == message


def test_class_weights_name_classes_by_name_or_number():
    """As Keras numbers them; names that are numbers are names. Every unknown one is named."""
    for weights in ({"yes": 3}, {1: 3}):
        resolved = Recipe(class_weight=weights).resolve("binary", 10, ("no", "yes"))
        assert weights_by_class(resolved.class_weight, ("no", "yes")) == [1.0, 3.0]
    assert weights_by_class({"1": 3.0}, ("1", "2")) == [3.0, 1.0]
    assert refusal(Recipe(class_weight={"yess": 2, "maybe": 1}).resolve, "binary", 10, ("no", "yes")) == (
        "`class_weight` must name classes of the table, 'no', 'yes'; got 'yess', 'maybe'. Did you mean 'yes'?"
    )
    assert refusal(Recipe(class_weight="balanced").resolve, "regression", 10) == (
        "`class_weight` must be None for a regression target, which has no classes; got 'balanced'. Leave it out."
    )
