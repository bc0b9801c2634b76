"""Stopping once the answer is known: at the same epoch however the stack is cut, and rarely too early."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.refusals import refusal
from tests.stacks import stops_after

from justright.runs.events import StackProgress
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training import settled
from justright.training.settled import (
    MAX_GROUPS,
    MIN_ROWS,
    History,
    Settling,
    SettlingRule,
    begin_settling,
    group_means,
    look_after,
)
from justright.training.stacks import chunk_plans

# Fast enough to overfit 250 rows beyond doubt within 60 epochs, slowly enough for lanes to end apart.
OPTIMIZER = {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": 0.015}}
BUILD = mlp(12)
EPOCHS = 80
# Two whole batches: a program without a partial batch compiles in half the time.
RECIPE = Recipe(125, EPOCHS, None, None, OPTIMIZER, stop="settled")
SEEDS = (0, 1, 2)
NAME = "Settled"
SHORT = 4  # epochs of a chunk that ends between looks; one length, for each is compiled anew
RULE = SettlingRule(constant_loss=0.69)
ROWS = 400


@pytest.fixture(scope="module")
def programs():
    """Compiled programs, shared by the runs of this file."""
    return {}


@pytest.fixture(scope="module")
def whole(few_rows, train, programs):
    """Three lanes trained until settled, without interruption."""
    return train(BUILD, few_rows, RECIPE, seeds=SEEDS, name=NAME, cache=programs)


def ends(trained):
    """Return (epochs, best epoch, outcome, reason) by seed."""
    return {
        seed: (run.epochs, run.best_epoch, run.outcome, run.reason) for seed, run in trained.finished.items()
    }


def history(curve, *, rng, train_curve=None, rows=ROWS, drift=0.0, jitter=0.0):
    """Return what the rule would know of a run whose mean validation loss follows `curve` (epochs,).

    Rows differ by a constant, and drift apart as a random walk of `drift` an epoch; each epoch adds `jitter` to all.
    """
    looks = []
    while (look := look_after(looks[-1] if looks else 0)) <= len(curve):
        looks.append(look)
    starts = np.array([0, *looks[:-1]])
    lengths = np.array(looks) - starts
    # The mean of a Brownian path over a stretch: halfway between its ends, and a twelfth of the variance about that.
    steps = rng.normal(size=(len(looks), rows)) * drift * np.sqrt(lengths)[:, None]
    about = rng.normal(size=(len(looks), rows)) * drift * np.sqrt(lengths / 12)[:, None]
    walk = np.cumsum(steps, axis=0) - steps / 2 + about
    noise = rng.normal(size=(len(looks), 1)) * jitter / np.sqrt(lengths)[:, None]
    means = np.add.reduceat(np.asarray(curve, float)[: looks[-1]], starts) / lengths
    losses = (means[:, None] + noise + walk + rng.normal(size=rows) * 0.5) * lengths[:, None]
    falling = np.linspace(0.6, 0.4, len(curve)) if train_curve is None else np.asarray(train_curve, float)
    return History(
        np.array(looks), losses, np.add.reduceat(falling[: looks[-1]], starts), lengths * float(jitter) ** 2
    )


def first(run, looks):
    """Return what the rule knew of a run after so many looks."""
    return History(run.ends[:looks], run.losses[:looks], run.train[:looks], run.jitter[:looks])


def stop_epoch(run, rule=RULE):
    """Return the first look at which the rule stops a run and why; (None, "") when it never does."""
    for looks in range(1, len(run.ends) + 1):
        reason = rule.judge(first(run, looks))
        if reason:
            return int(run.ends[looks - 1]), reason
    return None, ""


def test_a_turned_lane_stops_with_the_reason(whole, few_rows, train, programs, monkeypatch):
    """Each lane ends at a look of its own, after its best epoch, with the numbers of a run that is never stopped."""
    monkeypatch.setattr(chunk_plans, "MAX_CHUNK_EPOCHS", SHORT)
    recipe = replace(RECIPE, stop="patience")
    endless = train(BUILD, few_rows, recipe, seeds=SEEDS, name=NAME, cache=programs)
    for seed, run in whole.finished.items():
        assert run.outcome == "stopped early"
        assert run.reason.startswith("Settled: validation loss has risen by ")
        assert look_after(run.epochs - 1) == run.epochs < EPOCHS
        assert run.best_epoch < run.epochs - 1
        for metric, values in whole.curves[seed].items():
            np.testing.assert_array_equal(values, endless.curves[seed][metric][: run.epochs], err_msg=metric)
        assert run.best_epoch == endless.curves[seed]["val_binary_crossentropy"][: run.epochs].argmin()
    assert len({run.epochs for run in whole.finished.values()}) > 1  # lanes are judged one by one


@pytest.mark.parametrize(("seconds", "most"), [(0.0, 256), (1e9, SHORT), (1e9, 256)])
def test_the_length_of_chunks_changes_nothing(seconds, most, whole, few_rows, train, programs, monkeypatch):
    """One epoch a chunk, four, or up to the next look: the same epochs, best epochs and reasons."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", seconds)
    monkeypatch.setattr(chunk_plans, "MAX_CHUNK_EPOCHS", most)
    ours = train(BUILD, few_rows, RECIPE, seeds=SEEDS, name=NAME, cache=programs)
    assert ends(ours) == ends(whole)
    chunks = [event.epoch for event in ours.events if isinstance(event, StackProgress)]
    looks = {look for look in range(1, chunks[-1] + 1) if look_after(look - 1) == look}
    assert looks <= set(chunks)  # no chunk went beyond one


@pytest.mark.parametrize("after", [1, 3, 6])
def test_going_on_from_a_checkpoint_changes_nothing(after, whole, few_rows, train, programs, monkeypatch):
    """What the rule remembers is in the checkpoint, also between two looks and after a lane has ended."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(chunk_plans, "MAX_CHUNK_EPOCHS", SHORT)
    options = {"seeds": SEEDS, "name": NAME, "cache": programs}
    first = train(BUILD, few_rows, RECIPE, is_stopping=stops_after(after), **options)
    assert not first.is_done
    path = first.checkpoints[-1].path
    second = train(BUILD, few_rows, RECIPE, folder=first.folder, checkpoint=path, **options)
    assert ends(type(first)([*first.events, *second.events], is_done=True, folder=first.folder)) == ends(
        whole
    )


def test_vmapped_lanes_settle_too(whole, few_rows, train):
    """The path that accelerators take: every lane is settled, at a look, by its own losses."""
    from justright.training.program import Program, stack_network

    class Together(dict):
        def __contains__(self, key):
            return True

        def __getitem__(self, key):
            return self.program

    cache = Together()
    task = whole_task(few_rows)
    cache.program = Program(stack_network(task, few_rows, seed=0), task.recipe, one_by_one=False)
    ours = train(BUILD, few_rows, RECIPE, seeds=SEEDS, name=NAME, cache=cache)
    for seed, run in ours.finished.items():
        assert run.reason.startswith("Settled: ")
        # Other reductions, other rounding: the same within one look.
        assert abs(run.epochs - whole.finished[seed].epochs) <= settled.LOOK_EPOCHS * 2


def whole_task(rows):
    """Return the task of these tests' stack."""
    from justright.runs.events import RunKey
    from justright.runs.tasks import StackTask

    count = len(rows.train[0])
    recipe = RECIPE.resolve(rows.task, count)
    runs = tuple(RunKey(NAME, seed, count) for seed in SEEDS)
    return StackTask(NAME, NAME, BUILD, recipe, runs, ("", "", ""), np.arange(count))


def test_patience_still_ends_what_is_not_settled(few_rows, train):
    """With a patience of 3 epochs the runs end by it, before there is anything to be seen row by row."""
    for run in train(BUILD, few_rows, replace(RECIPE, patience=3), seeds=SEEDS).finished.values():
        assert run.reason == "No better val_binary_crossentropy for 3 epochs."
        assert run.epochs == run.best_epoch + 4


@pytest.mark.parametrize(("rows", "decides"), [(MIN_ROWS - 1, False), (MIN_ROWS, True)])
def test_too_few_validation_rows_decide_nothing(rows, decides, few_rows):
    """With 49 of them there is no rule, and a run goes on to its patience or its limit."""
    few = replace(few_rows, validation=tuple(part[:rows] for part in few_rows.validation))
    assert (begin_settling(whole_task(few), few) is not None) == decides


def test_the_margin_does_not_look_at_test_rows(few_rows):
    """What could be learned is judged on the rows that choose: other test rows change nothing."""
    flipped = replace(few_rows, test=(few_rows.test[0], 1 - few_rows.test[1]))
    rules = [begin_settling(whole_task(rows), rows).rule for rows in (few_rows, flipped)]
    share = few_rows.train[1].mean()
    target = few_rows.validation[1]
    by_hand = -np.mean(target * np.log(share) + (1 - target) * np.log(1 - share))
    assert rules[0] == rules[1]
    np.testing.assert_allclose(rules[0].constant_loss, by_hand, rtol=1e-6)


def test_a_falling_curve_is_rarely_stopped():
    """The cap: of 150 simulated runs that truly gain four standard errors a window, fewer than 5 % are stopped.

    Sizes are those of the tutorial's table: 1,000 rows, standard errors of 0.0015, training loss falling as fast.
    """
    rng = np.random.default_rng(1)
    error, rows, window = 0.0015, 1_000, RULE.window
    # Of the difference of two neighbouring windows' means of a Brownian path: 2/3 of a window's variance.
    drift = error * np.sqrt(rows / (window * 2 / 3))
    curve = 0.64 - 4 * error / window * np.arange(1_000)
    rule = replace(RULE, window_share=0.0)
    runs = (
        history(curve, rng=rng, train_curve=curve, rows=rows, drift=drift, jitter=0.002) for _ in range(150)
    )
    stopped = [stop_epoch(run, rule)[0] for run in runs]
    assert sum(epoch is not None for epoch in stopped) < 0.05 * 150


def test_a_flat_curve_stops_soon_after_it_became_flat():
    """Falling for 200 epochs and level from then on: never stopped before, and within 300 epochs more in 95 % of runs."""
    rng = np.random.default_rng(2)
    curve = 0.55 + 0.0005 * np.maximum(200 - np.arange(600), 0)
    runs = (history(curve, rng=rng, train_curve=curve, drift=0.002, jitter=0.001) for _ in range(100))
    found = [stop_epoch(run) for run in runs]
    assert all("to the last 80, validation loss changed by" in reason for epoch, reason in found if epoch)
    assert all(epoch is None or epoch > 200 for epoch, _ in found)
    assert np.mean([epoch is not None and epoch <= 500 for epoch, _ in found]) >= 0.95


def test_a_flat_curve_under_a_falling_training_loss_goes_on():
    """The training loss says that a turn is to come: nothing is settled until it has."""
    rng = np.random.default_rng(7)
    falling = np.linspace(0.6, 0.3, 600)
    run = history(np.full(600, 0.6), rng=rng, train_curve=falling, drift=0.002)
    assert stop_epoch(run) == (None, "")


def test_a_turned_curve_stops_soon_after_the_turn():
    """Rising by 0.002 an epoch from epoch 60 on: stopped before epoch 100, never before the turn."""
    rng = np.random.default_rng(3)
    curve = 0.6 + 0.001 * np.maximum(60 - np.arange(300), 0) + 0.002 * np.maximum(np.arange(300) - 60, 0)
    found = [stop_epoch(history(curve, rng=rng, drift=0.01, jitter=0.003)) for _ in range(100)]
    assert all(60 < epoch < 100 for epoch, _ in found)
    assert all("has risen by" in reason for _, reason in found)


def test_a_rise_with_the_training_loss_is_no_turn():
    """When training itself goes wrong the run is not called settled: it may recover, or end by its patience."""
    curve = 0.6 + 0.002 * np.arange(200)
    rising = np.linspace(0.4, 0.8, 200)
    run = history(curve, rng=np.random.default_rng(4), train_curve=rising, drift=0.001)
    assert stop_epoch(run) == (None, "")


def test_reasons_hold_the_numbers():
    """Whole sentences, from four looks at four rows."""
    looks = np.array([5, 10, 15, 20])
    means = np.array([0.60, 0.50, 0.60, 0.70])
    spread = np.array([-0.01, 0.01, -0.01, 0.01])
    losses = (means[:, None] + np.arange(4)[:, None] * spread) * 5
    run = History(looks, losses, np.array([3.0, 2.0, 1.0, 0.5]), np.zeros(4))
    error = 0.02 / np.sqrt(3)
    assert RULE.judge(run) == (
        f"Settled: validation loss has risen by 0.2000 (standard error {error:.4f}) since epochs 5 to 9, more than the "
        "margin 0.0019, and still rises."
    )
    level = History(
        looks,
        np.full((4, 4), 2.5) + np.array([[0.0], [0.0], [1.0], [1.0]]) * spread,
        np.full(4, 2.5),
        np.zeros(4),
    )
    assert replace(RULE, window=10).judge(level) == (
        "Settled: from the 10 epochs before to the last 10, validation loss changed by +0.0000 (standard error 0.0012) "
        "and training loss by +0.0000."
    )


def test_looks_are_fixed_epochs():
    """Every 5 epochs first; from 60 on never more than a tenth of the epochs so far apart."""
    looks = [0]
    while looks[-1] < 10_000:
        looks.append(look_after(looks[-1]))
    steps = np.diff(looks)
    assert looks[1:13] == list(range(5, 65, 5))
    assert (steps <= np.maximum(5, np.array(looks[:-1]) / 10)).all()
    assert len(looks) - 2 == 66
    assert all(look_after(look - 1) == look for look in looks[1:])


def test_many_rows_are_dealt_into_groups():
    """A bound on memory: a million rows keep a thousand numbers, whose mean is the rows' mean."""
    rng = np.random.default_rng(5)
    losses = rng.normal(size=(2, 10 * MAX_GROUPS)).astype(np.float32)
    memory = Settling.begin(RULE, lanes=2, rows=losses.shape[1])
    memory.add(losses[None], np.zeros((1, 2)))
    assert memory.open_losses.shape == (2, MAX_GROUPS)
    np.testing.assert_allclose(memory.open_losses.mean(1), losses.mean(1, dtype=float), atol=1e-12)
    by_hand = [losses[0, group::MAX_GROUPS].mean(dtype=float) for group in range(MAX_GROUPS)]
    np.testing.assert_allclose(group_means(losses, MAX_GROUPS)[0], by_hand, atol=1e-12)


def test_a_change_is_measured_row_by_row():
    """Without jitter, scipy's paired t statistic; jitter adds its variance over each window's epochs."""
    from scipy import stats

    rng = np.random.default_rng(6)
    losses = rng.normal(size=(2, 80))
    ends, lengths = np.array([5, 15]), np.array([5, 10])
    run = History(ends, losses * lengths[:, None], np.zeros(2), np.zeros(2))
    change = run.change((0, 1), (1, 2))
    np.testing.assert_allclose(change.mean / change.error, stats.ttest_rel(losses[1], losses[0]).statistic)
    shaken = replace(run, jitter=0.02 * lengths).change((0, 1), (1, 2))
    np.testing.assert_allclose(shaken.error**2, change.error**2 + 0.02 * (1 / 5 + 1 / 10))


def test_jitter_is_the_variance_of_independent_epochs():
    """Half the mean squared difference from epoch to epoch, also where a look or a chunk lies between them."""
    rng = np.random.default_rng(8)
    means = rng.normal(size=1_000) * 0.3
    losses = np.broadcast_to(means[:, None, None], (1_000, 1, 60)).astype(np.float32)
    memory = Settling.begin(RULE, lanes=1, rows=60)
    while memory.epoch < 1_000:
        part = slice(memory.epoch, min(1_000, memory.epoch + min(7, memory.epochs_to_look())))
        memory.add(losses[part], np.zeros((part.stop - part.start, 1)))
        memory.settled([])
    jitter = np.array(memory.curves)[:, 1].sum() + memory.open_curves[1].sum()
    np.testing.assert_allclose(jitter, (np.diff(means) ** 2).sum() / 2, rtol=1e-5)
    np.testing.assert_allclose(jitter / 1_000, 0.3**2, rtol=0.1)


def test_settled_needs_the_loss_as_monitor():
    """The rule follows losses row by row; a run that chooses by accuracy is refused before anything trains."""
    assert refusal(Recipe(monitor="val_accuracy", stop="settled").resolve, "binary", 1_000) == (
        "`stop` 'settled' follows the validation loss row by row, so `monitor` must be 'val_binary_crossentropy' with it; "
        "got 'val_accuracy'. Leave `monitor` out, or stop by 'patience'."
    )
