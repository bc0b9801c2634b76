"""Series that two counters wrote in turn under one name are two: what the second wrote is of validation rows."""

from __future__ import annotations

from justright.logs.formats.trackers.two_counters import split_counters
from justright.logs.logged_run import Series

# MMEngine's order: a loss after every fifth step, and after every tenth one an evaluation, which counts epochs.
AT = [5.0, 10, 1, 15, 20, 2, 25, 30, 3]
VALUES = [0.9, 0.8, 0.85, 0.7, 0.6, 0.75, 0.5, 0.4, 0.8]


def series_of(name, at, values):
    """Return a series in the order of its values."""
    return Series(name, list(at), list(values), list(range(len(at))))


def test_epochs_between_steps_are_those_of_evaluations():
    """They stand at the step at which they were written, as does what was logged in evaluations alone."""
    accuracy = series_of("accuracy", [1.0, 2, 3], [70.0, 75, 74])
    rate = series_of("lr", [5.0, 10, 15, 20, 25, 30], [0.1] * 6)
    split, notes = split_counters([series_of("loss", AT, VALUES), accuracy, rate])
    assert [(one.written, one.role, one.at, one.values) for one in split] == [
        ("loss", None, [5.0, 10, 15, 20, 25, 30], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]),
        ("val/loss", "validation", [10.0, 20, 30], [0.85, 0.75, 0.8]),
        ("accuracy", "validation", [10.0, 20, 30], [70.0, 75, 74]),
        ("lr", None, rate.at, rate.values),
    ]
    (note,) = notes
    assert note == (
        "Two counters wrote in turn, as in training and in evaluation: what the second one wrote of 'loss' and 'accuracy' was "
        "taken for validation rows."
    )


def test_a_time_that_was_logged_in_evaluations_too_tells_the_two_apart():
    """Where both count steps, MMEngine's 'time' is written twice at each evaluation."""
    time = series_of("time", [5.0, 10, 10, 15, 20, 20, 25, 30, 30], [0.1] * 9)
    iou = series_of("mIoU", [10.0, 20, 30], [40.0, 50, 55])
    split, _ = split_counters([time, iou])
    assert [(one.written, one.role, one.at) for one in split] == [
        ("time", None, [5.0, 10, 15, 20, 25, 30]),
        ("mIoU", "validation", [10.0, 20, 30]),
    ]


def test_restarts_repeats_and_named_rows_are_no_second_counters():
    """Values of a restart follow each other, two processes write as many, and a name that says its rows is believed."""
    others = [
        series_of("loss", [1.0, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6], range(11)),
        series_of("loss", [1.0, 1, 2, 2, 3, 3, 4, 4], range(8)),
        series_of("time", [1.0, 1, 2, 2, 3, 3, 4, 4], range(8)),
        series_of("train/loss", AT, VALUES),
    ]
    for one in others:
        assert split_counters([one]) == ([one], [])


def test_a_number_of_the_epoch_written_in_turns_is_no_measure():
    """As Lightning writes it, at steps of training and of validation: nothing is split, and nothing is said."""
    epoch = series_of("epoch", AT, [0.0, 0, 0, 1, 1, 1, 2, 2, 2])
    train = series_of("train_loss", [5.0, 10, 15, 20, 25, 30], VALUES[:6])
    assert split_counters([epoch, train]) == ([epoch, train], [])
