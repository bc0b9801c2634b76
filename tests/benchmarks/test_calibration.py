"""The calibration on a small scale: its truths are true, its records add up, and the verdicts it judges are right."""

from __future__ import annotations

import json

import numpy as np
import pytest

import justright as jr
from benchmarks.calibration import __main__ as calibration
from benchmarks.calibration import designs
from benchmarks.calibration.power import WorldPower
from benchmarks.calibration.studies import SIZES, DrawnStudy
from benchmarks.calibration.tables import is_covered, print_tables, share
from benchmarks.calibration.worlds import FRESH, POOL, Engine, Sizes, Trained, world_rows, world_teacher
from justright.study.recipe import Recipe

TEST_ROWS, SEEDS = 2_000, 18
STUDIES, POOL_ROWS = 5, 40_000  # of a world
# Name -> true loss at the chosen epoch, and true rise to the last.
TRUTH = {
    "Tiny": (0.45, 0.0),
    "Small": (0.40, 0.01),
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
    """Records of two worlds of 6 studies each, whose truth is `TRUTH`."""
    few = (designs.Design(3, TEST_ROWS, studies=STUDIES), designs.Design(9, 4_000, studies=1))
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(designs, "DESIGNS", few)
        for world in range(2):
            found += designs.judge_world(world, world_of(world), 0.69, few)
    return found


def world_of(number):
    """Return the seeds of every variant of a world whose truth is `TRUTH`."""
    rng = np.random.default_rng(number)
    easy = rng.exponential(0.2, POOL_ROWS) - 0.2
    return {name: trained(*truth, rng, easy) for name, truth in TRUTH.items()}


def test_intervals_cover_the_known_truth(records):
    """12 studies of 6 variants: at most 1 interval of a kind in 8 misses, where 1 in 20 should."""
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
    """Effects of many margins are all found, and their truth is that of the world."""
    for one in records:
        labels = {verdict["variant"]: verdict["label"] for verdict in one["verdicts"]}
        assert labels["Tiny"] == "underfits"
        assert labels["Large"] == "overfits"
        rises = {verdict["variant"]: verdict["rise"] * one["margin"] for verdict in one["verdicts"]}
        assert rises == pytest.approx({name: rise for name, (_, rise) in TRUTH.items()}, abs=0.001)
        assert one["ranking"]["behind"] == 0
        assert one["ranking"]["is_best_among_ties"]


def test_an_effect_of_the_size_that_a_study_needs_is_just_seen():
    """Planted into the losses row by row and judged again, 1 % more than needed is seen and 1 % less is not."""
    world = world_of(0)
    study = DrawnStudy(world, 0.69, np.arange(3), np.arange(TEST_ROWS))
    power = WorldPower(world, 0.69)
    needs = next(one["needs"] for one in power.records(study, study.judge()) if one["kind"] == "gain")
    seen = []
    for share_of_needed in (0.99, 1.01):
        planted = study.planted(share_of_needed * needs * power.margin, power.margin)
        small = next(one for one in planted.judge().verdict("Tiny").candidates if one.name == "Small")
        seen.append(small.difference.high < 0)
    assert seen == [False, True]


def test_what_is_seen_is_about_what_was_planned(records):
    """Small effects are seldom seen and large ones always, as the plan from the variance components says."""
    every = [effect for one in records if one["design"].startswith("9 x") for effect in one["power"]]
    assert {one["kind"] for one in every} == {"rise", "gain", "effect"}
    for size in (1, 5):
        seen = np.mean([one["needs"] < size for one in every])
        assert seen == pytest.approx(np.mean([one["planned"][str(size)] for one in every]), abs=0.25)


def test_undecided_verdicts_end_somewhere_when_their_advice_is_followed(records):
    """What was asked for is added; a label in the end is held against the truth."""
    plans = [plan for one in records for plan in one.get("plans", ())]
    assert {plan["start"] for plan in plans} <= {"as it is", "planted"}
    assert len(plans) >= 2
    for plan in plans:
        assert plan["end"] in {"decided", "nothing asked", "still asking", "out of reach"}
        assert (plan["is_right"] is None) == (plan["end"] != "decided")
        assert plan["design"][0] >= 3


def test_records_are_plain_and_tables_can_be_printed_from_them(records, tmp_path, capsys):
    """What one process writes, another one shows."""
    calibration.write(tmp_path / "world-0000.json", records)
    calibration.show(tmp_path)
    shown = capsys.readouterr().out
    assert shown.startswith("12 studies in 2 worlds; columns are seeds x test rows.\n")
    assert "\n| test loss of a variant " in shown
    print_tables(json.loads(json.dumps(records)), [])
    assert capsys.readouterr().out == shown


def test_a_study_of_the_sizes_alone_has_gains_and_no_effects(capsys):
    """Large designs leave the remedies out: verdicts, gains and rises are judged as ever, and the tables have a column."""
    sizes = {name: one for name, one in world_of(0).items() if name in SIZES}
    design = designs.Design(12, 20_000, studies=1)
    (record,) = designs.judge_world(0, sizes, 0.69, (design,))
    assert [one["variant"] for one in record["verdicts"]] == ["Tiny", "Small", "Large"]
    assert [one["kind"] for one in record["power"]] == ["rise"] * 3 + ["gain"] * 3
    assert {one["kind"] for one in record["families"]} <= {"test loss", "rise", "no rise", "candidates"}
    assert record["ranking"] is None
    print_tables([record], [])
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]  # columns are aligned
    assert "| the first is truly within 1 margin of the best | - |" in shown


def test_the_truth_that_intervals_are_held_against_adds_no_error_of_its_own():
    """Over many worlds, a study's mean of 3 seeds lies from it as far as from the mean of all seeds there are."""
    rng = np.random.default_rng(0)
    picked = np.array([4, 9, 14])
    errors = []
    for _ in range(4_000):
        values = rng.normal(0, 1, SEEDS)
        study = DrawnStudy({}, 0.7, picked, np.arange(2))
        errors.append(values[picked].mean() - study.truth(values))
    assert np.std(errors) == pytest.approx(1 / np.sqrt(3), rel=0.05)  # 4,000 draws: a standard error of 1.1 %


def test_one_seed_is_held_against_its_own_network():
    """With one seed an interval covers rows of this one network."""
    study = DrawnStudy({}, 0.7, np.array([5]), np.arange(2))
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

    def keep(model, path, about):
        saved.append(model.get_weights())

    engine = Engine(Recipe(batch_size=50, max_epochs=3, patience=None, measure_rows=50))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.calibration.worlds._forget_model", keep)
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
