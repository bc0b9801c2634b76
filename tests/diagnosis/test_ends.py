"""What the end of training did: jitter and spikes decide nothing, true rises and falls are found, and disagreement is said."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from justright.diagnosis.ends import end_reasons, fall_sentence, judge_end
from justright.diagnosis.evidence import RunEvidence, VariantEvidence
from justright.diagnosis.judge import judge_study
from justright.diagnosis.measured import Measured
from justright.diagnosis.onset import Onset
from justright.runs.grid import measured_epochs
from justright.statistics.sample_size import Needs


def judged(maker, variant, reference):
    """Return the verdict on one variant."""
    return judge_study(maker.study(variant, reference=reference)).verdict(variant.name)


def test_accuracy_that_disagrees_is_said(maker):
    """Confidence in wrong answers grows, the answers stay: loss up, accuracy not down."""
    variant = maker.variant("A", 10, 0.55)
    wrong = np.arange(maker.rows) % 4 == 0
    best = np.where(wrong, 0.9, 0.4).astype(np.float32)
    last = np.where(wrong, 3.0, 0.2).astype(np.float32)
    runs = tuple(replace(run, test_best=best, test_last=last) for run in variant.runs)
    verdict = judged(maker, replace(variant, runs=runs), 0.55)
    assert verdict.label == "overfits"
    assert (
        "Accuracy does not confirm it: it changes by 0 exactly from the best epoch 24 to the last."
        in verdict.reasons
    )


def test_accuracy_that_falls_while_the_loss_does_not_rise_is_said(maker):
    """Fewer right answers at a lower loss: the other way in which both can disagree."""
    variant = maker.variant("A", 10, 0.55)
    tenth = np.arange(maker.rows) % 10 == 0
    best = np.where(tenth, 0.68, 0.6).astype(np.float32)
    last = np.where(tenth, 0.70, 0.5).astype(np.float32)  # above ln 2: wrong
    runs = tuple(replace(run, test_best=best, test_last=last) for run in variant.runs)
    verdict = judged(maker, replace(variant, runs=runs), 0.65)
    assert verdict.label == "undecided"
    said = next(reason for reason in verdict.reasons if "ccuracy" in reason)
    pattern = (
        r"Accuracy disagrees with the loss: it falls by 0\.1000 \[0\.09\d+, 0\.10\d+\] from the best epoch 24 "
        r"to the last\."
    )
    assert re.fullmatch(pattern, said), said


def test_the_good_epochs_of_accuracy_are_their_own(maker):
    """From epoch 24 on the loss rises and ever more answers are right: 60 and 99 are good by accuracy alone."""
    variant = maker.variant("A", 10, 0.55, 0.3)
    right = {0: 0.5, 24: 0.6, 40: 0.7, 60: 0.9, 99: 0.9}
    level = {0: 0.9, 24: 0.5, 40: 0.7, 60: 0.9, 99: 1.1}
    place = np.random.default_rng(1).permutation(maker.validation_rows) / maker.validation_rows

    def losses(epoch):
        is_wrong = place >= right[epoch]
        wrong_loss = (level[epoch] - 0.1 * right[epoch]) / (1 - right[epoch])  # the mean loss is `level`
        return np.where(is_wrong, wrong_loss, 0.1).astype(np.float32)

    curve = {epoch: losses(epoch) for epoch in right}
    runs = tuple(replace(run, validation=curve) for run in variant.runs)
    verdict = judged(maker, replace(variant, runs=runs), 0.55)
    assert (verdict.onset.best, verdict.accuracy_onset) == (24, Onset(60, 99, 60, last=99))
    assert "By accuracy the good epochs end later: they are epochs 60 to 99 (best 60)." in verdict.reasons


def test_accuracy_of_several_classes_is_compared_seed_by_seed(maker):
    """Losses do not tell right answers there; the runs' scores do, with Student's t over seeds (SciPy's)."""
    variant = maker.variant("A", 10, 0.55, 0.3)
    changes = [0.010, 0.020, 0.016, 0.014]
    runs = tuple(
        replace(run, score_best={"accuracy": 0.70}, score_last={"accuracy": 0.70 + change})
        for run, change in zip(variant.runs, changes, strict=True)
    )
    study = replace(
        maker.study(replace(variant, runs=runs), reference=0.55),
        task="multiclass",
        loss_name="sparse_categorical_crossentropy",
    )
    verdict = judge_study(study).verdict("A")
    low, high = stats.t.interval(0.95, 3, np.mean(changes), stats.sem(changes))
    assert verdict.accuracy_onset is None
    assert (
        f"Accuracy does not confirm it: it changes by 0.0150 [{low:.4f}, {high:.4f}] from the best epoch 24 to the "
        "last."
    ) in verdict.reasons


ROWS = 500


def run_of(curve, *, seed=0, outcome="stopped early", rise=0.0, drift=0.0):
    """Return a run with that mean validation curve, whose rows jitter by 0.001; test rows rise by `rise` on average.

    Validation rows move apart by `drift` over the whole run.
    """
    rng = np.random.default_rng(seed)
    curve = np.asarray(curve, dtype=np.float64)
    best, last = int(np.argmin(curve)), len(curve) - 1
    kept = sorted({*np.flatnonzero(measured_epochs(0, len(curve))).tolist(), best, last})
    way = rng.normal(0, drift, ROWS)
    validation = {}
    for epoch in kept:
        rows = rng.normal(0, 0.001, ROWS) + way * epoch / len(curve)
        validation[epoch] = (rows - rows.mean() + curve[epoch]).astype(np.float32)
    spread = rng.normal(0, 0.001, ROWS)
    return RunEvidence(
        seed,
        outcome,
        len(curve),
        best,
        test_best=np.full(ROWS, 0.5, np.float32),
        test_last=(0.5 + rise + spread - spread.mean()).astype(np.float32),
        validation=validation,
        curve=curve,
        train_loss_first=0.7,
        train_loss_best=0.5,
        train_loss_last=0.4,
    )


def end_of(*runs, margin=0.001):
    """Return what the end made of these runs, and their losses."""
    variant = VariantEvidence("A", 10, runs)
    best, last = (np.array([getattr(run, name) for run in runs]) for name in ("test_best", "test_last"))
    measured = Measured(variant, runs, best, last, "test")
    return judge_end(measured, margin, is_binary=False, level=0.95), measured


def jittering(epochs=200, size=0.001, seed=1):
    """Return a flat curve of independent epochs."""
    return 0.5 + size * np.random.default_rng(seed).standard_normal(epochs)


def test_without_a_curve_the_two_epochs_are_compared():
    """All that is known of such a run is their difference: SciPy's t interval over rows."""
    run = replace(run_of(jittering(), rise=0.002), curve=None)
    end, measured = end_of(run)
    assert end.rise == end.raw_rise
    low, high = stats.t.interval(0.95, ROWS - 1, measured.rise.mean(), stats.sem(measured.rise[0]))
    np.testing.assert_allclose((end.rise.low, end.rise.high), (low, high))
    assert np.isnan(end.jitter)
    assert not any("jitter" in reason for reason in end_reasons(end, measured))


def test_an_end_within_the_jitter_is_no_rise():
    """Test rows at the two epochs differ by what validation rows do, which is only where both lie in the jitter."""
    curve = jittering()
    run = run_of(curve)
    high = int(np.argmax(curve))
    run = run_of(curve[: high + 1], rise=(curve[high] - curve.min()) * 0.8)
    end, measured = end_of(run)
    assert end.raw_rise.is_above(end.margin)
    assert not end.has_risen
    assert end.rise.low < 0.001
    assert end.rise.mean < end.raw_rise.mean / 2
    np.testing.assert_allclose(end.jitter, 0.001, rtol=0.35)
    said = end_reasons(end, measured)[1]
    assert re.fullmatch(
        r"That is its trend: from epoch to epoch the loss jitters by 0\.00\d+, and these two epochs alone differ by "
        r"0\.00\d+ \[0\.00\d+, 0\.00\d+\]\.",
        said,
    ), said


def test_a_rise_beyond_the_jitter_is_found():
    """From one seed: validation and test rows rise by 0.05 over 100 epochs, and jitter by 0.002."""
    slope = 0.0005 * np.maximum(np.arange(200) - 100, 0)
    end, _ = end_of(run_of(jittering(size=0.002) + slope, rise=0.05))
    assert end.has_risen
    np.testing.assert_allclose(end.rise.mean, 0.05, atol=0.006)


def test_more_seeds_are_needed_where_jitter_is_what_is_open():
    """With one seed neither more rows nor seeds can be planned; with two, seeds can, and rows alone would not do."""
    runs = [run_of(jittering(seed=seed), seed=seed) for seed in range(2)]

    def needs(*runs):
        rise = end_of(*runs)[0].rise
        end, _ = end_of(*runs, margin=rise.mean + 0.4 * (rise.high - rise.mean))
        return end.needs

    assert needs(runs[0]) == Needs(None, None)
    assert needs(*runs).more_seeds > 0
    assert needs(*runs).more_rows is None


def test_the_best_epoch_as_the_last_has_no_rise():
    """Nothing to correct, and no jitter to speak of."""
    run = run_of(np.linspace(0.6, 0.5, 50), rise=0.0)
    end, measured = end_of(replace(run, test_last=run.test_best))
    assert (end.rise.low, end.rise.high) == (0.0, 0.0)
    assert end_reasons(end, measured) == (
        "The best epoch is the last one, so the end of training cannot have made the loss worse.",
    )


def test_an_end_that_is_a_spike_is_named_and_decides_nothing():
    """The last of 200 epochs lies 1 above its neighbours, on test rows too."""
    curve = jittering()
    curve[-1] = 1.5
    end, measured = end_of(run_of(curve, rise=1.0))
    assert end.raw_rise.is_above(0.9)
    assert not end.has_risen
    assert not end.is_excluded
    assert [spike.epoch for spike in end.spikes] == [199]
    assert end.spikes[0].to_dict() == {"seed": 0, "epoch": 199, "loss": 1.5, "level": end.spikes[0].level}
    assert (
        "Epoch 199 is a spike: a validation loss of 1.5 where its neighbours have 0.5. It decides nothing."
        in [
            re.sub(r"0\.(499|500|501)", "0.5", reason).replace("1.50", "1.5")
            for reason in end_reasons(end, measured)
        ]
    )


def test_a_spike_before_the_end_changes_nothing():
    """Four epochs before the end one of 1.58: the rise is that without it, within the jitter, and it is named."""
    curve = jittering()
    spiked = curve.copy()
    spiked[-5] = 1.58
    (plain, _), (end, measured) = (end_of(run_of(one, rise=0.003)) for one in (curve, spiked))
    assert [spike.epoch for spike in end.spikes] == [195]
    assert plain.spikes == ()
    np.testing.assert_allclose(end.rise.mean, plain.rise.mean, atol=0.0003)
    np.testing.assert_allclose(end.rise.high, plain.rise.high, atol=0.0005)
    assert any(reason.startswith("Epoch 195 is a spike: ") for reason in end_reasons(end, measured))


def test_spikes_of_several_seeds_are_counted():
    """The highest is named with its seed."""
    curves = [jittering(seed=seed) for seed in range(2)]
    curves[0][150], curves[1][160] = 0.7, 0.9
    end, measured = end_of(*(run_of(curve, seed=seed) for seed, curve in enumerate(curves)))
    assert [(spike.seed, spike.epoch) for spike in end.spikes] == [(0, 150), (1, 160)]
    said = next(reason for reason in end_reasons(end, measured) if "spike" in reason)
    assert said.startswith("Epoch 160 of seed 1 is a spike (and 1 more): a validation loss of 0.9")


def test_a_loss_that_falls_at_the_epoch_limit_is_said():
    """By 0.01 in each quarter: so much between the means of the last two."""
    curve = jittering() - np.arange(200) * 0.01 / 50
    end, _ = end_of(run_of(curve, outcome="finished"))
    assert end.is_still_falling
    assert end.fall_epochs == 50
    np.testing.assert_allclose(end.fall.mean, 0.01, atol=3 * 0.001 * np.sqrt(2 / 50))
    said = fall_sentence(end)
    pattern = (
        r"Over the last 50 epochs the validation loss fell by 0\.01\d+ \[0\.008\d+, 0\.010\d+\], more than the margin "
        r"0\.00100; as many epochs more would gain at most about that\."
    )
    assert re.fullmatch(pattern, said), said


def test_a_flat_curve_at_the_epoch_limit_no_longer_falls():
    """The interval lies below the margin, and the sentence says so."""
    end, _ = end_of(run_of(jittering(size=0.0005), outcome="finished"))
    assert end.fall_is_excluded
    assert not end.is_still_falling
    assert fall_sentence(end).endswith("so it no longer falls by more than the margin 0.00100.")


def test_rows_that_move_apart_widen_the_fall():
    """Each row goes its own way: as many normal rows, as far apart as the kept epochs of both quarters are."""
    curve = jittering()
    sure, unsure = (run_of(curve, outcome="finished", drift=drift) for drift in (0.0, 0.5))
    (sure_end, _), (end, _) = (end_of(run) for run in (sure, unsure))
    late = [epoch for epoch in unsure.validation if epoch >= 100]
    apart = np.mean([one for one in late if one >= 150]) - np.mean([one for one in late if one < 150])
    np.testing.assert_allclose(end.fall.mean, sure_end.fall.mean)
    half = (end.fall.high - end.fall.low) / 2
    np.testing.assert_allclose(half, 1.96 * 0.5 * apart / 200 / np.sqrt(ROWS), rtol=0.1)


@pytest.mark.parametrize("change", [{"outcome": "stopped early"}, {"curve": None}, {"validation": {}}])
def test_the_fall_is_unknown_where_nothing_tells(change):
    """A run that stopped by itself, one without a curve, and one without the losses of rows."""
    run = run_of(jittering(), outcome="finished")
    end, _ = end_of(replace(run, **change))
    assert end.fall is None
    assert not end.is_still_falling
    assert not end.fall_is_excluded
    assert fall_sentence(end) == ""


def test_a_fall_is_told_of_runs_whose_best_epoch_is_in_their_last_quarter():
    """Others have trained a quarter of their epochs without finding a better one, whatever the windows' means say."""
    curve = np.concatenate([np.full(100, 0.6), np.linspace(0.58, 0.54, 100)])
    late, early = np.array(curve), np.array(curve)
    late[180], early[80] = 0.53, 0.53
    runs = [run_of(one, seed=seed, outcome="finished") for seed, one in enumerate((late, early, early))]
    assert end_of(runs[0])[0].is_still_falling
    assert end_of(*runs[:2])[0].is_still_falling
    assert end_of(*runs)[0].fall is None


def test_what_levels_off_no_longer_falls_by_what_it_fell_before():
    """Between the quarters the loss fell by 5 margins, along the last one by nothing."""
    curve = np.concatenate([np.linspace(0.6, 0.505, 150), np.full(50, 0.5)])
    curve += 0.0005 * np.random.default_rng(0).standard_normal(200)
    end, _ = end_of(run_of(curve, outcome="finished"))
    assert end.fall.low < 0.001
    assert not end.is_still_falling
    assert not end.fall_is_excluded
