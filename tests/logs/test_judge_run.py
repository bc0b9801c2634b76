"""What a reading says of curves with a known course, and that no two of its findings deny each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from justright.logs.judge_run import LABEL_PAGES, judge_run, judge_runs
from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.next_steps import replayed_patience
from justright.logs.run_reading import RunReading

EPOCHS = 40
FALLING = 0.2 + 0.6 * np.exp(-np.arange(EPOCHS) / 6)
FLAT = 0.4 + 0.4 * np.exp(-np.arange(EPOCHS) / 3)
RISING = FLAT + 0.004 * np.maximum(np.arange(EPOCHS) - 12, 0)
IMPROVING = 0.9 - 0.01 * np.arange(EPOCHS)


def noisy(values: np.ndarray, seed: int = 0, share: float = 0.005) -> list[float]:
    """Values with white noise in proportion to them."""
    rng = np.random.default_rng(seed)
    return list(values * (1 + share * rng.standard_normal(len(values))))


def curves_of(series: dict[str, object], **more: object) -> LogCurves:
    """The curves of a run whose series were measured at every epoch."""
    listed = [
        Series(name, [float(at) for at in range(len(values))], [float(value) for value in values])
        for name, values in series.items()
    ]
    return LogCurves.of_run(LoggedRun("log.csv", listed, **more), "csv")


def read(series: dict[str, object], **more: object) -> RunReading:
    """The reading of such a run."""
    return judge_run(curves_of(series, **more))


def codes(reading: RunReading) -> list[str]:
    """The codes of what was found, in their order."""
    return [finding.code for finding in reading.findings]


def test_a_rise_of_validation_while_training_falls_is_overfitting_since_the_turn():
    """The onset is an interval that holds the turn, and the state before it is kept."""
    reading = read({"loss": noisy(FALLING, 1), "val_loss": noisy(RISING)})
    assert reading.label == "overfits"
    assert codes(reading)[0] == "JR101"
    since = reading.sets[0].judged.since
    assert since is not None
    assert since[0] <= 14
    assert since[1] >= 8
    assert 6 <= reading.keep.at <= 18
    assert reading.sentence.startswith("val_loss rose from 0.4")
    assert "it overfits since epoch" in reading.sentence


def test_a_single_early_best_is_no_new_best_at_the_end():
    """RecBole's first MRR was its highest: the label rests on what came after, and the sentence says so."""
    scores = "60 48 51 47 44 40 39 49 55 53 51 57 49 48 41 56 54 55 54 53 53 58 54 56 58"
    sentence = read({"val_score": [int(score) / 1000 for score in scores.split()]}).sentence
    assert sentence == (
        "val_score rose over the second half of the run, and ended higher than before its last quarter, the single value 0.0600 "
        "at epoch 0 aside (the last value is 0.0580): it was still improving when the run ended."
    )


def test_what_this_log_shows_is_advised_before_what_holds_in_general():
    """The state to keep and a replayed early stopping come first, the command that measures the rest last."""
    reading = read({"loss": noisy(FALLING, 1), "val_loss": noisy(RISING)})
    assert [advice.basis for advice in reading.advice] == sorted(
        (advice.basis for advice in reading.advice), reverse=True
    )
    assert reading.advice[0].words.startswith("Keep the state of epoch ")
    assert any(advice.command.startswith("keras.callbacks.EarlyStopping(") for advice in reading.advice)
    assert reading.advice[-1].command == "justright run TABLE --target COLUMN --study regularizers"


def test_boosted_trees_are_advised_as_trees():
    """They have rounds, and no dropout."""
    reading = read({"loss": noisy(FALLING, 1), "val_loss": noisy(RISING)}, tool="trees", unit="iteration")
    words = " ".join(advice.words + advice.command for advice in reading.advice)
    assert "early_stopping_rounds=" in words
    assert "dropout" not in words
    assert "keras" not in words


def test_a_rising_loss_with_improving_accuracy_keeps_the_state_by_accuracy():
    """Stopping at the lowest loss would give away accuracy."""
    accuracy = 0.6 + 0.3 * np.arange(EPOCHS) / EPOCHS
    reading = read({"loss": noisy(FALLING, 1), "val_loss": noisy(RISING), "val_accuracy": noisy(accuracy, 2)})
    assert reading.label == "overfits by loss only"
    assert codes(reading)[0] == "JR102"
    assert reading.keep.at >= EPOCHS - 6
    assert not any("Keep the state of epoch 1" in advice.words for advice in reading.advice)


def test_a_rising_loss_with_falling_accuracy_is_plain_overfitting():
    """Both say the same, and the sentence says so."""
    accuracy = 0.8 - 0.003 * np.maximum(np.arange(EPOCHS) - 12, 0)
    reading = read({"loss": noisy(FALLING, 1), "val_loss": noisy(RISING), "val_accuracy": noisy(accuracy, 2)})
    assert reading.label == "overfits"
    assert "val_accuracy became worse, too" in reading.sentence


def test_a_rise_that_training_shares_is_instability():
    """The network did not learn rows by heart if it does worse on them, too."""
    reading = read({"loss": noisy(RISING - 0.05, 1), "val_loss": noisy(RISING)})
    assert reading.label == "unstable"
    assert codes(reading)[0] == "JR302"


def test_a_rise_without_a_training_curve_says_what_it_cannot_tell():
    """Instability would look the same."""
    reading = read({"val_loss": noisy(RISING)})
    assert reading.label == "overfits"
    assert "JR404" in codes(reading)


def test_a_loss_that_still_falls_is_advised_to_train_longer():
    """Nothing has turned yet."""
    reading = read({"loss": noisy(IMPROVING - 0.1, 1), "val_loss": noisy(IMPROVING)})
    assert reading.label == "still improving"
    assert reading.advice[0].words.startswith("Train longer: ")


def test_a_learning_rate_that_decayed_to_nothing_is_named_beside_longer_training():
    """More epochs alone would change nothing."""
    rate = np.linspace(1e-3, 1e-9, EPOCHS)
    reading = read({"loss": noisy(IMPROVING - 0.1, 1), "val_loss": noisy(IMPROVING), "learning_rate": rate})
    assert any("longer schedule" in advice.words for advice in reading.advice)


def test_a_converged_curve_is_flat_and_never_told_to_train_longer():
    """Two pieces of advice must not deny each other."""
    reading = read({"loss": noisy(FLAT - 0.2, 1, 0.002), "val_loss": noisy(FLAT, 0, 0.002)})
    assert reading.label == "flat"
    assert reading.advice[0].words == "Do not train longer: the end of the run changed nothing that matters."


def test_training_as_high_as_validation_is_described_with_the_command_that_decides():
    """One curve cannot show underfitting, so it is no verdict."""
    reading = read({"loss": noisy(FLAT, 1, 0.002), "val_loss": noisy(FLAT, 0, 0.002)})
    assert reading.label == "flat"
    assert "JR203" in codes(reading)
    assert "underfits" not in reading.sentence
    assert reading.advice[-1].command == "justright run TABLE --target COLUMN --study sizes"


def test_the_loss_of_a_guess_is_recognised():
    """Ln 2 is what a network scores that learned nothing about two classes."""
    reading = read(
        {
            "loss": noisy(np.full(EPOCHS, math.log(2)), 1, 5e-4),
            "val_loss": noisy(np.full(EPOCHS, math.log(2)), 0, 5e-4),
        }
    )
    assert "JR204" in codes(reading)


def test_a_loss_that_ends_as_nan_diverged():
    """Whatever came before."""
    loss = [*noisy(FALLING)[:30], *([math.nan] * 10)]
    reading = read({"loss": loss, "val_loss": loss})
    assert reading.label == "diverged"
    assert codes(reading)[0] == "JR301"


def test_a_loss_that_explodes_diverged():
    """Finite numbers can be beyond all use, too."""
    loss = [*noisy(FALLING)[:20], *(10.0 ** np.arange(20))]
    assert read({"loss": loss, "val_loss": loss}).label == "diverged"


def test_trees_whose_loss_grows_beyond_its_start_overfit():
    """They fit their training rows ever better, logged or not; a network may have diverged."""
    loss = noisy(0.5 + 0.04 * np.arange(EPOCHS))
    assert read({"val_loss": loss}, tool="trees").label == "overfits"
    assert read({"val_loss": loss}, tool="network").label == "diverged"


def test_validation_that_breaks_while_training_goes_on_is_no_divergence():
    """The evaluation broke, rather than the network."""
    reading = read({"loss": noisy(FALLING), "val_loss": [*noisy(FLAT)[:20], *([math.nan] * 20)]})
    assert reading.label == "undecided"
    assert codes(reading)[0] == "JR303"


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_fewer_than_five_values_say_what_can_be_said(count):
    """No order of four values is unlikely."""
    reading = read({"loss": FALLING[:count], "val_loss": FALLING[:count]})
    assert reading.label == "too short"
    assert "and a verdict needs 5" in reading.sentence


def test_training_alone_shows_no_overfitting_and_says_so():
    """And describes how training went."""
    reading = read({"loss": noisy(FALLING), "accuracy": noisy(FALLING)})
    assert reading.label == "undecided"
    assert reading.sets == ()
    assert codes(reading) == ["JR403"]
    assert reading.sentence.startswith("Only training was logged: loss went from ")


def test_the_checkpoint_nearest_to_the_best_is_named():
    """Where the log names any."""
    reading = read(
        {"loss": noisy(FALLING, 1), "val_loss": noisy(RISING)}, checkpoints={10.0: "ckpt-10", 39.0: "ckpt-39"}
    )
    assert reading.keep.checkpoint == "ckpt-10"
    assert "Checkpoint: ckpt-10" in reading.advice[0].words


def test_without_a_loss_what_the_field_ranks_by_is_judged_and_nothing_that_never_changes():
    """MMSegmentation logs all pixels' accuracy first; hits at one may be none all along."""
    rising = noisy(IMPROVING[::-1])
    reading = read({"val/aAcc": rising, "val/mIoU": rising})
    assert reading.sets[0].judged.written == "val/mIoU"
    reading = read({"val_hits_at_1": [0.0] * EPOCHS, "val_hits_at_3": rising})
    assert reading.sets[0].judged.written == "val_hits_at_3"


def test_a_flat_end_with_a_spent_learning_rate_says_so_before_it_says_anything_of_more_training():
    """A schedule that ends at zero makes every curve flat; where the best came early, more training is no question."""
    late = {"loss": noisy(FALLING, 1), "val_loss": list(FLAT), "lr": list(np.linspace(1e-3, 0, EPOCHS))}
    reading = read(late)
    assert reading.label == "flat"
    assert reading.advice[0].words == (
        "Do not go on from its end: its learning rate had decayed to 0, with which little moves. It was best late, so that only "
        "a longer schedule, from the start, would show whether more training helps."
    )
    early = read(late | {"val_loss": noisy(np.r_[FLAT[:20], np.full(20, FLAT[20] * 1.005)], share=0.001)})
    assert early.label == "flat"
    assert early.advice[0].words == "Do not train longer: the end of the run changed nothing that matters."


def test_a_checkpoint_that_is_hardly_better_than_the_last_state_is_not_named():
    """Where only the last state was saved, the best one is gone, and the advice says so."""
    reading = read({"loss": noisy(FALLING, 1), "val_loss": noisy(RISING)}, checkpoints={39.0: "ckpt-39"})
    assert reading.keep.checkpoint == ""
    assert reading.advice[0].words.endswith(
        "None of the checkpoints beside the log is nearly as good: it has to be trained again, and the best state saved."
    )


def test_a_checkpoint_that_is_only_called_the_best_is_named_with_reserve():
    """Its tool may have chosen it by another metric."""
    reading = read({"loss": noisy(FALLING, 1), "val_loss": noisy(RISING)}, checkpoints={math.nan: "best.pt"})
    assert (reading.keep.checkpoint, reading.keep.checkpoint_at) == ("best.pt", None)
    assert reading.advice[0].words.endswith(
        " best.pt, beside the log, may hold it: the best by a metric that its name does not tell."
    )


def test_folds_are_judged_by_their_mean_and_one_by_one():
    """The members stay beside the pooled reading."""
    runs = [
        curves_of(
            {"loss": noisy(FALLING, fold), "val_loss": noisy(RISING, 10 + fold)},
            member=f"fold {fold}",
            group="cv.csv",
        )
        for fold in range(3)
    ]
    (reading,) = judge_runs(runs)
    assert reading.name == "cv.csv"
    assert [member.label for member in reading.members] == ["overfits"] * 3
    assert "The mean of 3 runs was judged (fold 0, fold 1 and fold 2); one by one: overfits (3)." in [
        finding.words for finding in reading.findings
    ]
    mean = np.mean([run.curves[1].values for run in runs], axis=0)
    assert np.allclose(reading.curves.curves[1].values, mean)


def test_the_least_patience_that_reaches_the_best_is_replayed():
    """With half as much again, for the next run."""
    (curve,) = curves_of({"val_loss": [5, 4, 4.5, 4.6, 4.7, 3, *([4] * 12)]}).curves
    assert replayed_patience(curve, 5.0) == (6, 11.0)  # 4 were needed, and half as much again


def random_course(rng: np.random.Generator) -> dict[str, list[float]]:
    """Any curves: falling, turning, jumping, breaking, short or long."""
    count = int(rng.integers(1, 80))
    at = np.arange(count)
    series = {}
    for name in ("loss", "val_loss", "val_accuracy", "test_loss"):
        if name != "loss" and rng.random() < 0.3:
            continue
        turn = rng.integers(0, count + 1)
        course = (
            np.exp(-at / rng.uniform(1, 30))
            + rng.choice([0, 0.005, 0.05]) * np.maximum(at - turn, 0)
            + rng.uniform(-0.5, 1)
        )
        values = course + rng.choice([0, 0.01, 0.1]) * rng.standard_normal(count)
        if rng.random() < 0.2:
            values[rng.integers(0, count) :] = rng.choice([math.nan, math.inf, 1e30])
        if rng.random() < 0.2:
            values[rng.integers(0, count)] += 5
        series[name] = list(values)
    return series


@pytest.mark.parametrize("seed", range(60))
def test_no_two_findings_deny_each_other(seed):
    """Each set has one label with its code, and evidence, sentences and advice agree with it."""
    reading = read(random_course(np.random.default_rng(seed)))
    labels = {page.code: label for label, page in LABEL_PAGES.items()} | {"JR303": "undecided"}
    titles = [one.title for one in reading.sets]
    for one in reading.sets:
        title = one.title if len(titles) > 1 else ""
        given = [
            labels[found.code] for found in reading.findings if found.code in labels and found.set == title
        ]
        assert given == [one.label]
        judged = one.judged
        if one.label == "overfits" or one.label == "overfits by loss only":
            assert judged.worsening.low > 0
            assert judged.since is not None
        if one.label == "still improving":
            assert judged.gain.value > 0
        if one.label == "flat":
            assert not (judged.gain.low > 0.05 * abs(judged.best))
    if reading.sets:
        assert reading.label == reading.sets[0].label
        assert reading.sets[0].role == "validation" or all(one.role == "test" for one in reading.sets)
    words = [advice.words for advice in reading.advice]
    assert words
    assert not (
        any(one.startswith("Train longer") for one in words)
        and any(one.startswith("Do not train") for one in words)
    )
    if reading.label in ("overfits", "diverged"):
        assert not any("longer" in one for one in words)
    assert reading.sentence.endswith(".")
    for text in (reading.sentence, *words, *(found.words for found in reading.findings)):
        assert "  " not in text
        assert " nan" not in text
        assert "inf" not in text.split()


def test_a_penalty_that_falls_by_itself_does_not_pass_for_improvement():
    """All training rows are right, so what still falls is no cross-entropy."""
    right = np.minimum(0.7 + 0.1 * np.arange(EPOCHS), 0.995)
    accuracy = np.minimum(0.6 + 0.1 * np.arange(EPOCHS), 0.85)
    reading = read(
        {
            "loss": noisy(IMPROVING, 1),
            "val_loss": noisy(IMPROVING + 0.2),
            "accuracy": right,
            "val_accuracy": noisy(accuracy, 2, 0.002),
        }
    )
    assert reading.sets[0].judged.written == "val_accuracy"
    assert reading.label == "flat"
    assert "JR206" in codes(reading)


def test_one_value_of_training_is_no_course():
    """As after the first epoch of a live reading."""
    assert read({"loss": [0.51]}).sentence == (
        "Only training was logged: loss was 0.510 at epoch 0; only validation rows can show whether it overfits."
    )
