"""Simulated tables: what the teacher says about its rows must be true of them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.refusals import refusal

import justright as jr
from justright.data import tables

ROWS = 100_000
FIVE_ERRORS = 5.0  # standard errors: a seeded draw that lies farther out has another mean


@pytest.fixture(params=["binary", "multiclass", "regression"])
def world(request):
    """A teacher of each task, with two features of no use."""
    return tables.teacher(4, irrelevant=2, task=request.param, noise=0.5, seed=11)


def test_the_same_seed_gives_the_same_rows_and_another_one_others(world):
    """Studies on simulated tables can be made again."""
    first, again, other = world.table(500, seed=1), world.table(500, seed=1), world.table(500, seed=2)
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


def test_targets_follow_the_probabilities_the_teacher_states(world):
    """In every tenth of the rows by probability, the share of the class is that probability."""
    drawn = world.sample(ROWS, seed=3)
    stated = drawn.truth if drawn.truth.ndim == 1 else drawn.truth[:, 0]
    happened = (drawn.target == 0).astype(float) if drawn.truth.ndim > 1 else drawn.target.astype(float)
    for rows in np.array_split(np.argsort(stated), 10):
        error = happened[rows] - stated[rows]
        assert abs(error.mean()) < FIVE_ERRORS * error.std() / np.sqrt(len(rows))


def test_the_truth_itself_has_the_bayes_loss_and_nothing_has_less(world):
    """Expected losses of the true logits are the Bayes losses; of shifted ones they are larger, row by row."""
    drawn = world.sample(2_000, seed=4)
    outputs = {
        "binary": lambda: np.log(drawn.truth) - np.log1p(-drawn.truth),
        "multiclass": lambda: np.log(drawn.truth),
        "regression": lambda: drawn.truth,
    }[world.task]()
    bayes = drawn.bayes_losses()
    np.testing.assert_allclose(drawn.expected_losses(outputs), bayes, atol=1e-9)
    shift = np.array([0.3, -0.2, 0.1]) if world.task == "multiclass" else 0.3
    assert (drawn.expected_losses(outputs + shift) > bayes).all()


def test_expected_losses_are_what_drawn_targets_give_on_average(world):
    """The loss against drawn targets has the expected losses as its mean: an oracle that knows no formula of theirs."""
    drawn = world.sample(ROWS, seed=5)
    rng = np.random.default_rng(0)
    outputs = rng.normal(0, 1, drawn.truth.shape)
    rows = np.arange(ROWS)
    losses = {
        "binary": lambda: np.where(drawn.target == 1, np.log1p(np.exp(-outputs)), np.log1p(np.exp(outputs))),
        "multiclass": lambda: np.log(np.exp(outputs).sum(axis=1)) - outputs[rows, drawn.target.astype(int)],
        "regression": lambda: (outputs - drawn.target) ** 2,
    }[world.task]()
    error = losses - drawn.expected_losses(outputs)
    assert abs(error.mean()) < FIVE_ERRORS * error.std() / np.sqrt(ROWS)


def test_irrelevant_features_change_nothing():
    """The truth of a row does not depend on them."""
    world = tables.teacher(3, irrelevant=4, seed=2)
    drawn = world.sample(100, seed=0)
    changed = drawn.features.copy()
    changed[:, 3:] += 5
    np.testing.assert_array_equal(world._truth(changed), drawn.truth)


def test_more_noise_leaves_less_to_learn():
    """The Bayes loss rises with `noise` towards a coin's, ln 2."""
    losses = [tables.teacher(4, noise=noise, seed=6).bayes_loss(20_000) for noise in (0.1, 0.5, 2.0, 50.0)]
    assert losses == sorted(losses)
    assert losses[-1] == pytest.approx(np.log(2), abs=0.001)


def test_a_linear_teacher_is_linear():
    """Without hidden units the log-odds are a weighted sum of the features."""
    world = tables.teacher(3, units=(), noise=1.0, seed=8)
    drawn = world.sample(200, seed=0)
    logits = np.log(drawn.truth / (1 - drawn.truth))
    weights, residuals, *_ = np.linalg.lstsq(drawn.features.astype(np.float64), logits, rcond=None)
    assert residuals[0] == pytest.approx(0, abs=1e-6)
    assert np.abs(weights).min() > 0


def test_a_study_accepts_a_simulated_table():
    """`jr.tables.teacher(...).table(...)` is an ordinary table."""
    split = jr.tables.teacher(4, seed=1).table(600).split(validation=100, train=200, order="head")
    study = jr.Study(split, {"Tiny": jr.mlp(4)}, train_sizes=jr.learning_sizes(200, 3))
    assert [rows for _, _, rows in study.runs()] == [50, 100, 200]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": 0}, "`features` must be a whole number of at least 1; got 0."),
        ({"irrelevant": -1}, "`irrelevant` must be a whole number of at least 0; got -1."),
        ({"units": (4, 0)}, "`units` must be a whole number of at least 1; got 0."),
        ({"noise": 0.0}, "`noise` must be a finite number above 0; got 0.0."),
        ({"seed": 1.5}, "`seed` must be a whole number of at least 0; got 1.5."),
        ({"task": "multiclass", "classes": 2}, "`classes` must be a whole number of at least 3; got 2."),
        ({"task": "ranking"}, "`task` must be one of 'binary', 'multiclass', 'regression'; got 'ranking'."),
    ],
)
def test_bad_options_are_refused(options, message):
    """Whole messages."""
    assert refusal(tables.teacher, **options) == message


def test_outputs_of_another_shape_are_refused():
    """A column too many would be broadcast without a word."""
    drawn = tables.teacher(2, seed=1).sample(10, seed=0)
    assert (
        refusal(drawn.expected_losses, np.zeros((10, 2)))
        == "`outputs` must have the shape (10,); got (10, 2)."
    )
