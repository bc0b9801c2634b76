"""Validation and test rows that stay in the table with the training rows: every number is the one of copied rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.stacks import adam, assert_same_stack

from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.models import save_model_atomically
from justright.runs.events import RunMeasured
from justright.runs.tasks import ChosenRows, MeasureTask, StackTask, Storage, StudyRows
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training import program
from justright.training.reference import measure_reference
from justright.training.stacks.run_end import revisit_runs

BUILD = mlp(4)
RECIPE = Recipe(100, 2, None, measure_rows=40, optimizer=adam(0.02))
SEEDS = (0, 1)
PARTS = {"train": slice(0, 250), "validation": slice(250, 320), "test": slice(320, 400)}


@pytest.fixture(scope="module")
def both(higgs_sim):
    """The rows with copies of what is measured, and the same rows left where they are in a shuffled table."""
    x, y = (values[:400] for values in higgs_sim)
    order = np.random.default_rng(0).permutation(400).astype(np.int32)
    places = {name: order[part] for name, part in PARTS.items()}
    copied = {name: (x[rows], y[rows]) for name, rows in places.items() if name != "train"}
    in_place = {name: (ChosenRows(x, places[name]), targets) for name, (_, targets) in copied.items()}
    whole = StudyRows("binary", 1, (x, y), **copied, train_places=places["train"])
    return whole, replace(whole, **in_place)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Rows are measured in several pieces and a rest."""
    monkeypatch.setattr(program, "PIECE_ROWS", 32)


@pytest.mark.parametrize("together", [False, True])
def test_a_stack_learns_and_measures_the_same(both, train, together):
    """One lane after the other, as on a processor, and computed together, as on an accelerator."""
    options = {"seeds": SEEDS, "together": together, "train_rows": 250}
    copied, in_place = (train(BUILD, rows, RECIPE, **options) for rows in both)
    assert_same_stack(in_place, copied)
    assert {kind for _, kind, _ in copied.row_losses} >= {"validation", "test_output"}


def test_ended_runs_are_measured_the_same_on_other_test_rows(both, train):
    """From their checkpoint, without the program that trained them."""
    said = []
    for rows in both:
        trained = train(BUILD, rows, RECIPE, seeds=SEEDS, train_rows=250)
        ended = [one.run for one in trained.finished.values()]
        task = StackTask(
            *("v", "v", BUILD, RECIPE.resolve("binary", 250), tuple(ended), ("a.keras",) * 2),
            np.arange(250),
            checkpoint=trained.checkpoints[-1].path,
        )
        storage = Storage(trained.folder, write_tensors, read_tensors, save_model_atomically)
        events = []
        revisit_runs(MeasureTask(task, frozenset(ended)), rows, storage, events.append, {})
        said.append({one.run.seed: one for one in events if isinstance(one, RunMeasured)})
    assert said[0].keys() == set(SEEDS)
    for seed, one in said[0].items():
        assert replace(one, rows=()) == replace(said[1][seed], rows=())
        for part, other in zip(one.rows, said[1][seed].rows, strict=True):
            np.testing.assert_array_equal(part.losses, other.losses)


def test_the_reference_model_chooses_and_measures_the_same(both):
    """It gets copies, in its worker."""
    copied, in_place = map(measure_reference, both)
    assert copied.iterations == in_place.iterations
    np.testing.assert_array_equal(copied.validation, in_place.validation)
    np.testing.assert_array_equal(copied.test_output, in_place.test_output)
