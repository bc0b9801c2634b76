"""The core of the callbacks, without any library that trains."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tests.refusals import refusal

from justright.callbacks.best_so_far import BestSoFar
from justright.callbacks.live_options import LiveOptions, live_options
from justright.callbacks.live_reading import LiveReading
from justright.logs.judge_run import judge_run
from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import LoggedRun, Series

# A validation loss that turns at epoch 6, far beyond its noise.
TRAIN = [0.7 * 0.9**epoch for epoch in range(30)]
VALIDATION = [0.5 + 0.02 * (epoch - 6) ** 2 / (1 + 0.1 * epoch) for epoch in range(30)]


def feed_all(live, train=TRAIN, validation=VALIDATION, start=1):
    """Feed two losses, an epoch at a time, and return every line that was said."""
    said = [
        live.feed(at, {"loss": a, "val_loss": b})
        for at, (a, b) in enumerate(zip(train, validation, strict=True), start)
    ]
    return [line for line in said if line is not None]


def options(**asked):
    """Return the options of a callback's arguments, the others as they are by default."""
    default = {"stop_on": (), "patience": 1, "every": 1, "verbose": 1, "monitor": None}
    return live_options(**{**default, "maximize": (), "minimize": (), **asked})


class Judge:
    """A judge whose verdict depends on the number of epochs alone, and who counts how often he was asked."""

    def __init__(self, labels):
        self.labels = labels
        self.asked = []

    def __call__(self, curves):
        """Return the label for as many epochs as there are."""
        epochs = max(len(curve.at) for curve in curves.curves)
        self.asked.append(epochs)
        label = next(label for first, label in reversed(self.labels) if epochs >= first)
        return SimpleNamespace(label=label, sets=(), sentence=f"It is {label}.", unit="epoch")


def test_the_reading_is_that_of_the_whole_log():
    """What is said at the end of training is what `diagnose` says of its log."""
    live = LiveReading("model.fit", LiveOptions())
    feed_all(live)
    live.finish()
    at = [float(epoch) for epoch in range(1, 31)]
    run = LoggedRun(
        "model.fit", [Series("loss", at, TRAIN), Series("val_loss", at, VALIDATION)], tool="network"
    )
    expected = judge_run(LogCurves.of_run(run, "callback"))
    assert live.reading.to_dict() == expected.to_dict()
    assert live.reading.label == "overfits"


def test_a_line_names_the_time_the_verdict_and_its_numbers():
    """The first line that says so: at which epoch, since when, how high and how low."""
    line = next(line for line in feed_all(LiveReading("x", LiveOptions())) if "overfits" in line)
    epoch = int(line.split(":")[0].removeprefix("epoch "))
    assert line.startswith(f"epoch {epoch}: overfits since epochs ")
    assert line.endswith(f"(val_loss {VALIDATION[epoch - 1]:.3f}, lowest 0.500 at epoch 7)")


def test_only_changes_are_said():
    """One line for each new label, but none for the first epochs, which are too few for everybody."""
    judge = Judge([(1, "too short"), (5, "flat"), (9, "overfits")])
    said = feed_all(LiveReading("x", LiveOptions(), judge=judge))
    assert said == ["epoch 5: It is flat.", "epoch 9: It is overfits."]


def test_a_curve_that_wavers_between_two_labels_is_not_a_line_each_time():
    """A label that comes back is said again once it has settled, and in any case at the end."""
    wavering = [(at, "overfits" if at % 2 else "overfits by loss only") for at in range(5, 13)]
    judge = Judge([(1, "too short"), *wavering, (14, "overfits by loss only"), (18, "overfits")])
    live = LiveReading("x", LiveOptions(), judge=judge)
    assert feed_all(live, TRAIN[:18], VALIDATION[:18]) == [
        "epoch 5: It is overfits.",
        "epoch 6: It is overfits by loss only.",
    ]
    assert live.finish() == "epoch 18: It is overfits."


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (1, 2), (2, 30)])
def test_verbose_is_silence_changes_or_everything(verbose, lines):
    """As in Keras, more is more."""
    judge = Judge([(1, "too short"), (5, "flat"), (9, "overfits")])
    said = feed_all(LiveReading("x", LiveOptions(verbose=verbose), judge=judge))
    assert len(said) == (len(judge.asked) if verbose == 2 else lines)


def test_a_long_run_is_judged_less_and_less_often():
    """A judgement for each twentieth that the run has grown: 10,000 epochs take few hundred, and the last is not forgotten."""
    judge = Judge([(1, "flat")])
    live = LiveReading("x", LiveOptions(), judge=judge)
    feed_all(live, np.ones(10_000), np.ones(10_000))
    live.finish()
    assert judge.asked[:20] == list(range(1, 21))
    assert len(judge.asked) < 200
    assert judge.asked[-1] == 10_000
    assert all(
        later <= 1.05 * before + 1 for before, later in zip(judge.asked, judge.asked[1:], strict=False)
    )


def test_every_thins_the_judgements():
    """`every=4` looks at epochs 4, 8, 12 only."""
    judge = Judge([(1, "flat")])
    feed_all(LiveReading("x", LiveOptions(every=4), judge=judge))
    assert judge.asked == [4, 8, 12, 16, 20, 24, 28]


def test_training_stops_once_the_label_has_held():
    """Not at the first sight of it, and not for a label that was not asked for."""
    judge = Judge([(1, "flat"), (5, "overfits"), (6, "flat"), (8, "overfits")])
    live = LiveReading("x", LiveOptions(stop_on=("overfits",), patience=3), judge=judge)
    stops = []
    for at in range(1, 12):
        live.feed(at, {"val_loss": 0.5})
        stops.append(live.should_stop)
    assert stops.index(True) == 9  # the third epoch in a row, 8 to 10
    assert not LiveReading("x", LiveOptions(), judge=judge).should_stop


def test_labels_to_stop_at_may_take_turns():
    """An accuracy that wavers changes the label between two that both were asked for."""
    judge = Judge([(1, "flat"), (5, "overfits"), (6, "overfits by loss only"), (7, "overfits")])
    live = LiveReading("x", LiveOptions(stop_on=("overfits", "overfits by loss only")), judge=judge)
    feed_all(live, TRAIN[:6], VALIDATION[:6])
    assert not live.should_stop
    live.feed(7, {"val_loss": 0.5})
    assert live.should_stop


def test_nothing_new_is_not_judged_again():
    """The end of training right after a judgement costs nothing."""
    judge = Judge([(1, "flat")])
    live = LiveReading("x", LiveOptions(), judge=judge)
    assert live.finish() is None
    live.feed(1, {"val_loss": 0.5})
    live.finish()
    assert judge.asked == [1]
    live.record(1, {"train_loss": 0.5})
    live.finish()
    assert judge.asked == [1, 1]


def test_a_metric_that_is_measured_only_with_validation_is_waited_for():
    """`validation_freq=3`: until then there is nothing to judge, and no word about it."""
    live = LiveReading("x", options(monitor="val_auc"))
    for at in (1, 2):
        assert live.feed(at, {"loss": 0.5}) is None
        assert live.reading is None
    for at in (3, 6):
        live.feed(at, {"loss": 0.5, "val_loss": 0.5, "val_auc": 0.75})
    assert live.reading.sets[0].judged.written == "val_auc"


def test_a_metric_that_is_not_there_is_said_once_and_costs_no_training():
    """A name that was misspelt, with the near one; all the rest goes on."""
    live = LiveReading("x", options(monitor="val_au"))
    said = [live.feed(at, {"loss": 0.5, "val_auc": 0.75}) for at in range(1, 9)]
    assert said == [
        "A name must be in the log; got --metric 'val_au' (did you mean 'val_auc'?). It holds 'loss', 'val_auc'.",
        *[None] * 7,
    ]
    live = LiveReading("x", options(monitor="val_au"))
    live.feed(1, {"loss": 0.5})
    live.record(2, {"loss": 0.25})
    assert live.finish().startswith("A name must be in the log; got --metric 'val_au'")


def test_a_bug_in_judging_warns_and_costs_no_training():
    """Hours of training are worth more than a verdict on them."""

    def broken(curves):
        raise ZeroDivisionError("division by zero")

    live = LiveReading("x", options(), judge=broken)
    with pytest.warns(RuntimeWarning) as caught:
        assert live.feed(1, {"val_loss": 0.5}) is None
    assert (
        str(caught[0].message)
        == "justright could not judge the curves: ZeroDivisionError('division by zero')"
    )


def test_metrics_that_are_no_numbers_are_left_out():
    """Text, flags, lists and what is missing; tensors of one number are numbers."""
    live = LiveReading("x", LiveOptions())
    live.feed(1, {"val_loss": np.float32(0.5), "a": "b", "c": True, "d": [1.0, 2.0], "e": None})
    [curve] = live.reading.curves.curves
    assert (curve.written, curve.values.tolist()) == ("val_loss", [0.5])


def test_the_best_is_that_of_the_validation_loss_or_of_what_is_asked_for():
    """Less of a loss is better, more of an accuracy, and what the user says wins."""
    logs = [{"loss": 3, "val_loss": 2, "val_accuracy": 0.5}, {"loss": 2, "val_loss": 3, "val_accuracy": 0.75}]

    def best(**asked):
        found = BestSoFar(options(**asked))
        for at, metrics in enumerate(logs, 1):
            found.improves(at, metrics)
        return found.at, found.written, found.value

    assert best() == (1, "val_loss", 2.0)
    assert best(monitor="val_accuracy") == (2, "val_accuracy", 0.75)
    assert best(monitor="accuracy") == best(monitor="val_accuracy")
    assert best(monitor="loss") == (1, "val_loss", 2.0)
    assert best(monitor="val_loss", maximize="val_loss") == (2, "val_loss", 3.0)
    assert best(monitor="val_accuracy", minimize=["accuracy"]) == (1, "val_accuracy", 0.5)


def test_a_value_that_is_no_finite_number_is_never_the_best():
    """Weights that give NaN are not kept."""
    best = BestSoFar(LiveOptions())
    assert not best.improves(1, {"val_loss": float("nan")})
    assert best.improves(2, {"val_loss": 0.5})
    assert not best.improves(3, {"val_loss": float("-inf")})
    assert best.words() == "epoch 2 (val_loss 0.500)"


def test_all_bad_options_are_named_at_once():
    """A label that does not exist, and numbers that are none."""
    assert refusal(options, stop_on="overfit", patience=0, every=1.5, verbose=3) == (
        "`stop_on` must be one of 'overfits', 'overfits by loss only', 'still improving', 'flat', 'diverged', 'unstable', "
        "'too short', 'undecided'; got 'overfit'. Did you mean 'overfits'? `patience` must be a whole number from 1 on; got 0. "
        "`every` must be a whole number from 1 on; got 1.5. `verbose` must be 0, 1 or 2; got 3."
    )
