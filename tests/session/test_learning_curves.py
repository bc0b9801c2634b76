"""From the runs of a folder to learning curves: which runs count, and what is measured of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from justright.diagnosis.judge import Judgement
from justright.diagnosis.learning_curve import judge_scaling
from justright.records.reader import RunRecord
from justright.runs.events import RunKey
from justright.session.outputs import collect_curves, describe_scalings

STUDY = {"variants": {"Tiny": {}, "Large": {}}}
ROWS = (100, 200, 400, 800, 1_600)
TEST_ROWS = 500


@dataclass
class FakeStore:
    """The four methods that are read, over runs in memory."""

    losses: dict = field(default_factory=dict)
    outcomes: dict = field(default_factory=dict)
    has_test: bool = True

    def add(self, variant, seed, train_rows, losses, *, outcome="stopped early"):
        """Add a run with its losses by row at the chosen epoch; or {epoch: losses} on validation rows."""
        run = RunKey(variant, seed, train_rows)
        self.losses[run], self.outcomes[run] = losses, outcome

    def get_meta(self, key):
        """Return the table's facts."""
        return {"parts": {"test": TEST_ROWS if self.has_test else 0}}

    def reference(self):
        """Return no weights of rows, nor anything else."""
        return {}

    def runs(self):
        """Return every run, its best epoch 3 of 9."""
        return [make_record(run, outcome) for run, outcome in self.outcomes.items()]

    def row_losses(self, run, kind, *, epoch=None):
        """Return the losses of one kind of rows by epoch, of all epochs whichever is asked for."""
        if self.has_test:
            return {3: self.losses[run], 8: np.full_like(self.losses[run], 9.0)} if kind == "test" else {}
        return self.losses[run] if kind == "validation" else {}


def make_record(run, outcome):
    """Return a run's record with the fields that matter; the others are empty."""
    from dataclasses import fields

    values = {each.name: None for each in fields(RunRecord)}
    return RunRecord(**(values | {"run": run, "outcome": outcome, "best_epoch": 3, "epochs": 9}))


def losses_of(loss, seed):
    """Return losses by row around a mean, the same rows easy for all runs."""
    easy = np.random.default_rng(0).exponential(0.3, TEST_ROWS) - 0.3
    noise = np.random.default_rng([seed, int(1e6 * loss)]).normal(0, 0.02, TEST_ROWS)
    return (loss + easy + noise).astype(np.float32)


def filled(*, seeds=(1, 2, 3), rows=ROWS):
    """Return a store of one well-behaved learning curve."""
    store = FakeStore()
    for size in rows:
        for seed in seeds:
            store.add("Tiny", seed, size, losses_of(0.4 + 2 * size**-0.5 + 0.001 * seed, seed))
    return store


def test_a_curve_has_the_test_losses_of_every_seed_and_size_at_the_chosen_epoch():
    """Not those of the last epoch; sizes rise, whatever the order of the runs."""
    store = filled()
    store.outcomes = dict(reversed(store.outcomes.items()))
    (curve,) = collect_curves(store, STUDY)
    assert (curve.variant, curve.train_rows) == ("Tiny", ROWS)
    np.testing.assert_array_equal(curve.losses[0][1], store.losses[RunKey("Tiny", 2, 100)])


def test_runs_that_did_not_end_well_take_their_seed_out_of_the_curve():
    """A curve compares the same seeds at all sizes."""
    store = filled()
    store.outcomes[RunKey("Tiny", 2, 400)] = "diverged"
    (curve,) = collect_curves(store, STUDY)
    assert [len(losses) for losses in curve.losses] == [2] * 5


@pytest.mark.parametrize("store", [FakeStore(), filled(rows=(1_600,))])
def test_one_size_is_no_curve(store):
    """A study without training sizes has no curves."""
    assert collect_curves(store, STUDY) == []


def test_without_test_rows_validation_rows_measure_with_the_choice_taken_out():
    """Each half at the epoch that the other half chooses."""
    store = FakeStore(has_test=False)
    for size in (100, 200):
        store.add("Large", 1, size, {0: np.float32([2, 2, 2, 2]), 5: np.float32([1, 3, 1, 3])})
    (curve,) = collect_curves(store, STUDY)
    np.testing.assert_array_equal(curve.losses[0], [[2, 3, 2, 3]])


def test_data_scaling_holds_forecast_and_conclusion():
    """What result.json gets, for a curve whose truth is 2 n^-0.5 above its floor."""
    scalings = tuple(judge_scaling(curve, margin=0.001) for curve in collect_curves(filled(), STUDY))
    judgement = Judgement((), (), None, None, 0.001, "", (), scalings=scalings)
    (found,) = describe_scalings(judgement, has_test=True)
    assert found["refusal"] is None
    assert found["conclusion"].startswith("Tiny: twice the rows (3,200) would change the test loss by -0.01")
    (twice, four) = (2 * (factor * 1_600) ** -0.5 - 2 * 1_600**-0.5 for factor in (2, 4))
    for gain, truth in zip(found["gains"], (twice, four), strict=True):
        assert gain["low"] <= truth <= gain["high"] < 0
