"""The calibration on a small scale: its truths are true, its records add up, and the verdicts it judges are right."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import justright as jr
from benchmarks import _calibration_verdicts as verdicts
from benchmarks import calibration
from benchmarks._calibration_tables import is_covered, print_tables, share
from benchmarks._calibration_training import FRESH, POOL, Engine, Sizes, Trained, world_rows, world_teacher
from justright.study import Recipe

TEST_ROWS, SEEDS = 2_000, verdicts.SEEDS
# Name -> true loss at the chosen epoch, and true rise to the last.
TRUTH = {
    "Tiny": (0.45, 0.0),
    "Large": (0.37, 0.08),
    "L2": (0.35, 0.02),
    "Dropout": (0.33, 0.0),
    "Both": (0.34, 0.0),
}


def trained(loss, rise, rng, easy, *, seed_deviation=0.001):
    """Return a variant's seeds with a known truth, as the engine would have left them."""
    best_truth = loss + rng.normal(0, seed_deviation, SEEDS)
    rises = rise + rng.normal(0, seed_deviation, SEEDS)
    best = easy + best_truth[:, None] + rng.normal(0, 0.05, (SEEDS, len(easy)))
    last = best + rises[:, None] + rng.normal(0, 0.05, (SEEDS, len(easy)))
    same = np.full(SEEDS, 0.3)
    epochs = np.full(SEEDS, 40)
    return Trained(
        best.astype(np.float32),
        last.astype(np.float32),
        best_truth,
        best_truth + rises,
        same,
        same - 0.1,
        epochs,
        epochs // 2,
    )


@pytest.fixture(scope="module")
def records():
    """Records of two worlds of 5 studies each, whose truth is `TRUTH`."""
    designs = (verdicts.Design(3, TEST_ROWS, studies=5),)
    sizes = dataclasses.replace(verdicts.SIZES, pool=5 * TEST_ROWS)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdicts, "DESIGNS", designs)
        patch.setattr(verdicts, "SIZES", sizes)
        patch.setattr(verdicts, "PLANS_A_WORLD", 1)
        for world in range(2):
            rng = np.random.default_rng(world)
            easy = rng.exponential(0.2, sizes.pool) - 0.2
            seeds = {name: trained(*truth, rng, easy) for name, truth in TRUTH.items()}
            found += verdicts.judge_world(world, seeds, constant=0.69)
    return found


def test_intervals_cover_the_known_truth(records):
    """10 studies of 5 variants: at most 1 interval of a kind in 8 misses, where 1 in 20 should."""
    for kind in ("test loss", "rise", "one effect"):
        held = [
            is_covered(*interval)
            for one in records
            for family in one["families"]
            if family["kind"] == kind
            for interval in family["intervals"]
        ]
        assert np.mean(held) > 0.875, kind


def test_verdicts_rankings_and_truths_are_recorded(records):
    """Effects of many margins are all found; the truth beside them is that of the world."""
    for one in records:
        labels = {verdict["variant"]: verdict["label"] for verdict in one["verdicts"]}
        assert labels["Tiny"] == "underfits"
        assert labels["Large"] == "overfits"
        rises = {verdict["variant"]: verdict["rise"] * one["margin"] for verdict in one["verdicts"]}
        assert rises == pytest.approx({name: rise for name, (_, rise) in TRUTH.items()}, abs=0.001)
        assert one["ranking"]["behind"] == 0
        assert one["ranking"]["is_best_among_ties"]


def test_records_are_plain_and_tables_can_be_printed_from_them(records, tmp_path, capsys):
    """What one process writes, another one shows."""
    calibration.write(tmp_path / "world-0000.json", records)
    calibration.show(tmp_path)
    shown = capsys.readouterr().out
    assert shown.startswith("10 studies in 2 worlds; columns are seeds x test rows.\n")
    assert "| test loss of a variant | " in shown
    print_tables(json.loads(json.dumps(records)), [])
    assert capsys.readouterr().out == shown


def test_the_truth_that_intervals_are_held_against_adds_no_error_of_its_own():
    """Over many worlds, a study's mean of 3 seeds lies from it as far as from the mean of all seeds there are."""
    rng = np.random.default_rng(0)
    picked = np.array([4, 9, 14])
    errors = []
    for _ in range(4_000):
        values = rng.normal(0, 1, SEEDS)
        study = verdicts._Study({}, 0.7, picked, np.arange(2))
        errors.append(values[picked].mean() - study.truth(values))
    assert np.std(errors) == pytest.approx(1 / np.sqrt(3), rel=0.05)  # 4,000 draws: a standard error of 1.1 %


def test_one_seed_is_held_against_its_own_network():
    """With one seed an interval covers rows of this one network."""
    study = verdicts._Study({}, 0.7, np.array([5]), np.arange(2))
    assert study.truth(np.arange(SEEDS, dtype=float)) == 5.0


def test_shares_and_coverage_by_hand():
    """The standard error is over worlds, whose studies are not independent."""
    assert share([True, False, True, False], [0, 0, 1, 1]) == "50.0 ± 0.0 (4)"
    assert share([True, True, False, False], [0, 0, 1, 1]) == "50.0 ± 50.0 (4)"
    assert share([], []) == "-"
    assert [is_covered(-1, 1, truth) for truth in (-1.1, -1, 0, 1, 1.1)] == [False, True, True, True, False]


@pytest.mark.slow
def test_the_engine_measures_the_true_loss_on_fresh_rows():
    """Against the same networks' losses computed from the teacher's own probabilities, without the engine."""
    import keras

    sizes = Sizes(train=100, validation=50, pool=60, fresh=500)
    rows, _ = world_rows(3, sizes)
    saved = []

    def keep(model, path):
        saved.append(model.get_weights())

    engine = Engine(Recipe(batch_size=50, max_epochs=3, patience=None, measure_rows=50))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks._calibration_training._forget_model", keep)
        one = engine.train("Net", jr.mlp(4), rows, seeds=(1, 2), train_rows=100, pool=sizes.pool)
    teacher = world_teacher(3)
    pool, fresh = teacher.sample(sizes.pool, seed=POOL), teacher.sample(sizes.fresh, seed=FRESH)
    for lane, weights in enumerate(saved):
        model = jr.mlp(4)(8, 1)
        model.set_weights(weights)
        outputs = keras.ops.convert_to_numpy(model(fresh.features))
        assert one.true_best[lane] == pytest.approx(fresh.expected_losses(outputs).mean(), rel=1e-5)
        logits = keras.ops.convert_to_numpy(model(pool.features))[:, 0].astype(np.float64)
        plain = np.logaddexp(0, np.where(pool.target == 1, -logits, logits))
        np.testing.assert_allclose(one.best[lane], plain, rtol=1e-4, atol=1e-6)
