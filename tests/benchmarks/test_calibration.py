"""The calibration on a small scale: its truths are true, its records add up, and the verdicts it judges are right."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import justright as jr
from benchmarks.calibration import __main__ as calibration
from benchmarks.calibration import designs, planted
from benchmarks.calibration.designs import Results
from benchmarks.calibration.label_tables import print_label_tables
from benchmarks.calibration.power import WorldPower
from benchmarks.calibration.studies import BRAKES, SIZES, VARIANTS, DrawnStudy
from benchmarks.calibration.tables import is_covered, print_tables, share
from benchmarks.calibration.truths import is_true, true_label
from benchmarks.calibration.worlds import (
    FRESH,
    POOL,
    Engine,
    Rivals,
    Sizes,
    Trained,
    make_world,
    stray,
    world_teacher,
)
from justright.runs.grid import measured_epochs
from justright.study.brakes import brakes_of
from justright.study.recipe import Recipe

TEST_ROWS, SEEDS = 2_000, 18
STUDIES, POOL_ROWS = 5, 20_000  # of a world
# Name -> true loss at the chosen epoch, and true rise to the last.
TRUTH = {
    "Tiny": (0.45, 0.0),
    "Small": (0.40, 0.01),
    "Large": (0.37, 0.08),
    "L2": (0.35, 0.02),
    "Dropout": (0.33, 0.0),
    "Both": (0.34, 0.0),
}


BEST, EPOCHS, VALIDATION = 20, 80, 200  # chosen epoch, epochs, validation rows
CONSTANT, TEACHER = 0.69, 0.32


def trained(loss, rise, rng, easy, *, seed_deviation=0.001):
    """Return a variant's seeds with a known truth, as the engine would have left them."""
    best_truth = loss + rng.normal(0, seed_deviation, SEEDS)
    rises = rise + rng.normal(0, seed_deviation, SEEDS)
    best = easy + best_truth[:, None] + rng.normal(0, 0.05, (SEEDS, len(easy)))
    last = best + rises[:, None] + rng.normal(0, 0.05, (SEEDS, len(easy)))
    true_curve = best_truth[:, None] + levels(rises[:, None])
    curve = true_curve + 0.01
    grid = [*np.flatnonzero(measured_epochs(0, EPOCHS)).tolist(), EPOCHS - 1]
    rows = rng.normal(0, 0.05, VALIDATION)
    same = np.full(SEEDS, 0.3)
    return Trained(
        best=best.astype(np.float32),
        last=last.astype(np.float32),
        true_best=best_truth,
        true_last=best_truth + rises,
        curve=curve,
        true_curve=true_curve,
        validation=tuple(
            {epoch: (one[epoch] + rows - rows.mean()).astype(np.float32) for epoch in grid} for one in curve
        ),
        train_first=same + 0.3,
        train_best=same,
        train_last=same - 0.1,
        epochs=np.full(SEEDS, EPOCHS),
        best_epochs=np.full(SEEDS, BEST),
    )


def levels(rises):
    """Return (seeds, epochs) of a trend: it falls to the chosen epoch, then rises."""
    epochs = np.arange(EPOCHS)
    falling = 0.02 * np.maximum(1 - epochs / BEST, 0) ** 2
    return falling + rises * (np.maximum(epochs - BEST, 0) / (EPOCHS - 1 - BEST)) ** 2


@pytest.fixture(scope="module")
def records():
    """Records of two worlds of 6 studies each, whose truth is `TRUTH`."""
    few = (designs.Design(3, TEST_ROWS, studies=STUDIES), designs.Design(9, 4_000, studies=1))
    found = []
    for world in range(2):
        found += designs.judge_world(world, world_of(world), few)
    return found


def world_of(number):
    """Return a world whose truth is `TRUTH`; longer training gains nothing but Tiny, which would gain 0.02."""
    rng = np.random.default_rng(number)
    easy = rng.exponential(0.2, POOL_ROWS) - 0.2
    found = {name: trained(*truth, rng, easy) for name, truth in TRUTH.items()}
    longer = {name: np.full(4, 0.02 * (name == "Tiny")) for name in TRUTH}
    return Results(found, Rivals(easy + CONSTANT, easy + TEACHER, TEACHER), longer)


def test_intervals_cover_the_known_truth(records):
    """12 studies of 6 variants: at most 1 interval of a kind in 8 misses, where 1 in 20 should."""
    for kind in ("test loss", "rise", "exact rise", "headroom", "one effect"):
        held = [
            is_covered(*interval)
            for one in records
            for family in one["families"]
            if family["kind"] == kind
            for interval in family["intervals"]
        ]
        assert len(held) >= 36, kind
        assert np.mean(held) > 0.875, kind


def test_verdicts_rankings_and_truths_are_recorded(records):
    """Effects of many margins are all found, and their truth is that of the world."""
    for one in records:
        verdicts = {verdict["variant"]: verdict for verdict in one["verdicts"]}
        assert {name: verdict["label"] for name, verdict in verdicts.items() if name in SIZES} == {
            "Tiny": "underfits",
            "Small": "underfits",
            "Large": "overfits",
        }
        rises = {name: verdict["truth"]["rise"] * one["margin"] for name, verdict in verdicts.items()}
        assert rises == pytest.approx({name: rise for name, (_, rise) in TRUTH.items()}, abs=0.001)
        assert one["ranking"]["behind"] == 0
        assert one["ranking"]["is_best_among_ties"]


def test_the_truth_of_a_direction_is_its_largest_gain(records):
    """By hand from `TRUTH`: Small gains 0.07 from freer Dropout and loses nothing tighter but its end, 0.01; Tiny would train longer."""
    for one in records:
        truths = {verdict["variant"]: verdict["truth"] for verdict in one["verdicts"]}
        margin = one["margin"]
        assert truths["Small"]["freer"] * margin == pytest.approx(0.07, abs=0.002)
        assert truths["Small"]["tighter"] * margin == pytest.approx(0.01, abs=0.002)
        assert truths["Large"]["freer"] == truths["Large"]["longer"] == 0
        assert truths["Large"]["tighter"] * margin == pytest.approx(0.08, abs=0.002)
        assert truths["Tiny"]["longer"] * margin == pytest.approx(0.02)
        assert {name: true_label(truth) for name, truth in truths.items()} == {
            "Tiny": "underfits",
            "Small": "underfits",
            "Large": "overfits",
            "L2": "overfits",
            "Dropout": "just right",
            "Both": "overfits",
        }


def test_labels_are_true_where_their_direction_gains_more_than_the_margin():
    """Both directions can be true at once; `just right` needs that neither is."""
    both, neither = {"freer": 3.0, "tighter": 1.5}, {"freer": 0.9, "tighter": None}
    assert [is_true(label, both) for label in ("overfits", "underfits", "just right")] == [True, True, False]
    assert [is_true(label, neither) for label in ("overfits", "underfits", "just right")] == [
        False,
        False,
        True,
    ]


def test_tied_networks_truly_tie_and_stay_flat():
    """All true losses are made equal, all true rises 0, and trees are 20 margins better than anything can be."""
    world = world_of(0)
    study = DrawnStudy(world.trained, world.rivals, np.arange(3), np.arange(TEST_ROWS)).tied()
    assert [study.true_losses(name).mean() for name in TRUTH] == pytest.approx([0.33] * len(TRUTH), abs=0.001)
    assert [study.true_rises(name).mean() for name in TRUTH] == pytest.approx([0.0] * len(TRUTH), abs=1e-6)
    evidence = study.evidence()
    run = evidence.variant("Large").runs[0]
    assert run.curve[BEST:] == pytest.approx(run.curve[BEST], abs=0.01)
    assert run.validation[EPOCHS - 1].mean() == pytest.approx(run.curve[-1], abs=1e-6)
    teacher = world.rivals.teacher[:TEST_ROWS].mean()
    assert evidence.reference.test.mean() == pytest.approx(teacher - 20 * study.margin, abs=1e-6)


def test_what_an_epoch_strays_from_its_trend_is_no_rise():
    """A single high last epoch is in the exact rise and not in that of the trend."""
    one = world_of(0).trained["Large"]
    jittered = one.true_curve.copy()
    jittered[:, -1] += 0.05
    assert stray(one.true_curve[0], EPOCHS - 1) == pytest.approx(0, abs=1e-9)
    moved = replace(one, true_last=one.true_last + 0.05, true_curve=jittered)
    gained = moved.trend_rises - one.trend_rises
    assert (gained >= 0).all()
    assert (gained < 0.05).all()
    assert (moved.rises - one.rises) == pytest.approx(0.05)


def test_planted_ends_have_the_trend_they_are_meant_to_have():
    """A late rise of 5 margins is about that at the last epoch, a plateau is flat, and a spike lies where it should."""
    rng = np.random.default_rng(0)
    endings = {one.name: one for one in planted.ENDINGS}
    rising = planted.simulate(endings["late rise of 5, jitter of 0.3"], 3, 400, rng)
    assert list(rising.rises.values()) == pytest.approx([4.7] * 3, abs=0.6)
    flat = planted.simulate(endings["flat, jitter of 1 margins"], 3, 400, rng)
    assert list(flat.rises.values()) == pytest.approx([0] * 3, abs=0.6)
    for run in flat.evidence.variant("Middle").runs:
        assert run.best_epoch == np.argmin(run.curve)
        assert run.outcome == "finished" or run.epochs == run.best_epoch + planted.PATIENCE + 1
        for epoch, losses in run.validation.items():
            assert losses.mean(dtype=np.float64) == pytest.approx(run.curve[epoch], abs=1e-6)
    spiked = planted.simulate(endings["spike at the end of every seed"], 2, 400, rng)
    for run in spiked.evidence.variant("Middle").runs:
        assert (run.curve[-1] - np.median(run.curve[-9:-1])) / planted.MARGIN == pytest.approx(20, abs=4)


def test_jitter_has_variance_one_and_the_autocorrelation_it_says():
    """100,000 epochs: the standard error of both is 0.005."""
    values = planted.jitter(np.random.default_rng(0), 100_000)
    assert values.var() == pytest.approx(1, abs=0.02)
    assert np.corrcoef(values[1:], values[:-1])[0, 1] == pytest.approx(planted.AUTOCORRELATION, abs=0.02)


def test_an_effect_of_the_size_that_a_study_needs_is_just_seen():
    """Planted into the losses row by row and judged again, 1 % more than needed is seen and 1 % less is not."""
    world = world_of(0)
    study = DrawnStudy(world.trained, world.rivals, np.arange(3), np.arange(TEST_ROWS))
    power = WorldPower(world.trained, world.rivals)
    needs = next(one["needs"] for one in power.records(study, study.judge()) if one["kind"] == "gain")
    seen = []
    for share_of_needed in (0.99, 1.01):
        moved = study.planted(share_of_needed * needs * power.margin, power.margin)
        small = next(one for one in moved.judge().verdict("Tiny").found.variants if one.name == "Small")
        seen.append(small.gain.low > 0)
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
    read = json.loads(json.dumps(records))
    print_tables(read, [])
    print_label_tables({"world": read, "sizes": [], "short": [], "planted": []})
    assert capsys.readouterr().out == shown


def test_a_study_of_the_sizes_alone_has_gains_and_no_effects(capsys):
    """Large designs leave the remedies out: verdicts, gains and rises are judged as ever, and the tables have a column."""
    world = world_of(0)
    sizes = replace(world, trained={name: one for name, one in world.trained.items() if name in SIZES})
    design = designs.Design(12, 10_000, studies=1)
    (record,) = designs.judge_world(0, sizes, (design,))
    assert [one["variant"] for one in record["verdicts"]] == ["Tiny", "Small", "Large"]
    assert [one["kind"] for one in record["power"]] == ["rise"] * 3 + ["gain"] * 3
    kinds = {"test loss", "rise", "exact rise", "no rise", "alternatives", "headroom"}
    assert {one["kind"] for one in record["families"]} <= kinds
    assert record["ranking"] is None
    print_tables([record], [])
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]  # columns are aligned
    assert "| the first is truly within 1 margin of the best | - |" in shown


def test_label_tables_count_what_was_said_against_what_is_true(capsys):
    """Two verdicts of one study by hand: a false `overfits`, and an `underfits` that is true and the right direction."""
    wrong = {"label": "overfits", "truth": {"freer": 0.5, "tighter": 0.2, "longer": 0.5}, "also": None}
    right = {"label": "underfits", "truth": {"freer": 2.5, "tighter": 1.5, "longer": 0.5}, "also": "overfits"}
    common = {"own": None, "is_measured": [True, True], "names": "longer training"}
    study = {
        "world": 0,
        "design": "3 x 2,000",
        "verdicts": [wrong | common, right | common],
        "tied": [wrong | common],
    }
    print_label_tables({"world": [study], "sizes": [], "short": [], "planted": []})
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in (
        "| `overfits`, where nothing tighter truly gains more than the margin | 100.0 ± 0.0 (1) | 100.0 ± 0.0 (1) |",
        "| `underfits`, where nothing freer does | 0.0 ± 0.0 (1) | 0.0 ± 0.0 (1) |",
        "| the other direction, said beside the label, is not true | 0.0 ± 0.0 (1) | 0.0 ± 0.0 (1) |",
        "| longer training decides the label, and truly gains less than the margin | 100.0 ± 0.0 (2) | 100.0 ± 0.0 (2) |",
        "| truth beyond 2 margins: a direction is named | 100.0 ± 0.0 (1) | 100.0 ± 0.0 (1) |",
        "| ... it is that of the larger true gain | 100.0 ± 0.0 (1) | 100.0 ± 0.0 (1) |",
        "| `just right` | 0.0 ± 0.0 (1) | 0.0 ± 0.0 (1) |",
    ):
        assert line in shown


def test_the_truth_that_intervals_are_held_against_adds_no_error_of_its_own():
    """Over many worlds, a study's mean of 3 seeds lies from it as far as from the mean of all seeds there are."""
    rng = np.random.default_rng(0)
    picked = np.array([4, 9, 14])
    errors = []
    for _ in range(4_000):
        values = rng.normal(0, 1, SEEDS)
        study = DrawnStudy({}, None, picked, np.arange(2))
        errors.append(values[picked].mean() - study.truth(values))
    assert np.std(errors) == pytest.approx(1 / np.sqrt(3), rel=0.05)  # 4,000 draws: a standard error of 1.1 %


def test_one_seed_is_held_against_its_own_network():
    """With one seed an interval covers rows of this one network."""
    study = DrawnStudy({}, None, np.array([5]), np.arange(2))
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
    world = make_world(3, sizes)
    saved = []

    def keep(model, path, about):
        saved.append(model.get_weights())

    engine = Engine(Recipe(batch_size=50, max_epochs=3, patience=None, measure_rows=50))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.calibration.worlds._forget_model", keep)
        one = engine.train("Net", jr.mlp(4), world, seeds=(1, 2), train_rows=100)
    teacher = world_teacher(3)
    pool, fresh = teacher.sample(sizes.pool, seed=POOL), teacher.sample(sizes.fresh, seed=FRESH)
    every, targets = world.every_epoch
    for lane, weights in enumerate(saved):
        model = jr.mlp(4)(8, 1)
        model.set_weights(weights)
        outputs = keras.ops.convert_to_numpy(model(fresh.features))
        assert one.true_best[lane] == pytest.approx(fresh.expected_losses(outputs).mean(), rel=1e-5)
        logits = keras.ops.convert_to_numpy(model(pool.features))[:, 0].astype(np.float64)
        plain = np.logaddexp(0, np.where(pool.target == 1, -logits, logits))
        np.testing.assert_allclose(one.best[lane], plain, rtol=1e-4, atol=1e-6)
        logits = keras.ops.convert_to_numpy(model(every))[:, 0].astype(np.float64)
        plain = (np.logaddexp(0, logits) - targets * logits).mean()
        assert one.true_curve[lane, one.best_epochs[lane]] == pytest.approx(plain, rel=1e-5)
    outputs = np.log(fresh.truth / (1 - fresh.truth))
    assert world.rivals.true_teacher == pytest.approx(fresh.expected_losses(outputs).mean(), rel=1e-6)


@pytest.mark.slow
def test_training_goes_on_where_it_ended():
    """3 epochs and then 2 more are the same 5 epochs, bit by bit; their curve is the rest of it."""
    world = make_world(3, Sizes(train=100, validation=50, pool=60, fresh=50))

    def engine(epochs):
        return Engine(Recipe(batch_size=50, max_epochs=epochs, patience=None, measure_rows=50))

    options = {"train_rows": 100, "seeds": (1, 2)}
    whole = engine(5).train("Net", jr.mlp(4), world, **options)
    first = engine(3).train("Net", jr.mlp(4), world, **options)
    rest = engine(5).train("Net", jr.mlp(4), world, **options, after=first)
    np.testing.assert_array_equal(np.hstack([first.curve, rest.curve]), whole.curve)
    np.testing.assert_array_equal(rest.true_last, whole.true_last)
    for epoch, losses in whole.validation[1].items():
        assert losses.mean(dtype=np.float64) == pytest.approx(whole.curve[1, epoch], rel=1e-5)


@pytest.mark.slow
def test_brakes_are_those_that_keras_describes():
    """What is written down for each network is what `study/brakes.py` reads from its JSON."""
    for name, (build, _) in VARIANTS.items():
        assert brakes_of(build(8, 1).to_json(), {}) == pytest.approx(BRAKES[name]), name
