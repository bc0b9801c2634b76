"""Restarts, resumed runs, `fit` called again and rows written twice, told apart."""

from __future__ import annotations

import math
from dataclasses import replace

from justright.logs.discovery.separate_runs import MAX_PARTS, separate
from justright.logs.logged_run import LoggedRun, Series

FALLING = [0.7, 0.6, 0.5, 0.4, 0.3]


def run_of_rows(*rows, unit="epoch", **others):
    """Return the run of a table: (epoch, loss, val_loss) of each row."""
    series = [
        Series(name, [row[0] for row in rows], [row[at] for row in rows], list(range(len(rows))))
        for at, name in enumerate(("loss", "val_loss"), start=1)
    ]
    return LoggedRun("log.csv", series, unit, **others)


def rows_of(losses, first=0):
    """Return rows whose validation loss is 0.1 above their loss."""
    return [(float(first + place), loss, loss + 0.1) for place, loss in enumerate(losses)]


def losses(run):
    """Return the times and values of the training loss."""
    return dict(zip(run.series[0].at, run.series[0].values, strict=True))


def test_a_log_of_one_run_stays_as_it_is():
    """Nothing is said where nothing was assumed."""
    (run,) = separate(run_of_rows(*rows_of(FALLING)))
    assert losses(run) == dict(enumerate(FALLING))
    assert run.notes == ()


def test_a_restart_is_an_attempt_of_its_own():
    """Counter and losses begin again: the last attempt counts, the earlier one stays readable."""
    last, earlier = separate(run_of_rows(*rows_of(FALLING), *rows_of([0.71, 0.65])))
    assert losses(last) == {0: 0.71, 1: 0.65}
    assert not last.is_earlier
    assert losses(earlier) == dict(enumerate(FALLING))
    assert earlier.is_earlier
    assert earlier.name == "log.csv, first attempt (5 epochs)"
    assert last.notes == (
        "Its counter begins again, and so do its values: the last attempt is judged, the attempt before it (5 epochs) shown apart.",
    )


def test_a_part_of_which_nobody_can_tell_is_taken_as_a_restart_and_said():
    """It begins half way between where the first one began and ended."""
    last, _ = separate(run_of_rows(*rows_of(FALLING), *rows_of([0.5, 0.45])))
    assert last.notes == (
        (
            "Its counter begins again; its values do not tell clearly whether the network did, too, which was assumed: the last "
            "attempt is judged, the attempt before it (5 epochs) shown apart."
        ),
    )


def test_several_attempts_of_the_same_epochs_are_folds():
    """Nobody's network fails twice after the same number of epochs; with two, or other lengths, they stay attempts."""
    runs = separate(run_of_rows(*rows_of(FALLING), *rows_of(FALLING[:4]), *rows_of([0.7, 0.61])))
    # The second repeats the first's values, and so is the same rows once more.
    assert [run.name for run in runs] == ["log.csv", "log.csv, first attempt (5 epochs)"]
    again = [[value + shift for value in FALLING] for shift in (0.0, 0.01, 0.02)]
    runs = separate(run_of_rows(*(row for values in again for row in rows_of(values))))
    assert [(run.name, run.group, run.member, run.is_earlier) for run in runs] == [
        (f"log.csv (part {number})", "log.csv", f"part {number}", False) for number in (1, 2, 3)
    ]
    assert [run.series[0].values for run in runs] == again
    assert runs[0].notes == (
        (
            "Its counter begins again 2 times, each time after 5 epochs, and so do its values: its 3 parts were taken for folds or "
            "seeds of one experiment, and are judged together. If only the last counts, add --run 'part 3'."
        ),
    )


def test_attempts_that_end_far_apart_are_no_folds():
    """Three learning rates in one log are three experiments: their mean is no network's curve."""
    again = [[1.0 - rate * epoch for epoch in range(5)] for rate in (0.2, 0.1, 0.02)]
    runs = separate(run_of_rows(*(row for values in again for row in rows_of(values))))
    assert [(run.name, run.is_earlier) for run in runs] == [
        ("log.csv", False),
        ("log.csv, first attempt (5 epochs)", True),
        ("log.csv, second attempt (5 epochs)", True),
    ]
    assert runs[0].series[0].values == again[2]


def test_attempts_of_several_lengths_may_be_folds():
    """The note says how folds are judged together."""
    again = [FALLING, [value + 0.01 for value in FALLING[:4]], [value + 0.02 for value in FALLING]]
    rows = [row for values in again for row in rows_of(values)]
    runs = separate(run_of_rows(*rows))
    assert [run.name for run in runs] == [
        "log.csv",
        "log.csv, first attempt (5 epochs)",
        "log.csv, second attempt (4 epochs)",
    ]
    assert runs[0].notes == (
        (
            "Its counter begins again, and so do its values: the last attempt is judged, the 2 attempts before it (5 epochs, 4 epochs) "
            "shown apart."
        ),
        "If its attempts are folds or seeds, write each to a log of its own: they are then judged together.",
    )
    named = separate(replace(run_of_rows(*rows), name="runs/5-fold/cv_log.csv"))
    assert [run.member for run in named] == ["part 1", "part 2", "part 3"]
    assert named[0].notes == (
        (
            "Its counter begins again 2 times, and so do its values: its 3 parts were taken for folds or seeds of one experiment, and "
            "are judged together. If only the last counts, add --run 'part 3'."
        ),
    )


def test_a_second_fit_counts_on():
    """The counter begins again, and training loss goes on where it was."""
    (run,) = separate(run_of_rows(*rows_of(FALLING), *rows_of([0.29, 0.28])))
    assert losses(run) == {**dict(enumerate(FALLING)), 5: 0.29, 6: 0.28}
    assert run.notes == (
        (
            "The counter begins again, but values go on where they were, as when `fit` is called again on the same network: epochs are "
            "counted on from epoch 5."
        ),
    )


def test_a_part_that_goes_on_in_training_and_jumps_in_validation_is_another_network():
    """As a detector's log of two settings, one after the other: 50.7, then 22.4 on the same rows."""
    old = [(float(at), loss, 50.0 + loss) for at, loss in enumerate(FALLING)]
    last, _ = separate(run_of_rows(*old, (0.0, 0.31, 20.0), (1.0, 0.25, 19.0)))
    assert losses(last) == {0: 0.31, 1: 0.25}
    assert last.notes[0].startswith("Its counter begins again; its values do not tell clearly")


def test_a_third_fit_counts_on_from_the_second():
    """However often."""
    (run,) = separate(run_of_rows(*rows_of(FALLING), *rows_of([0.29, 0.28]), *rows_of([0.27, 0.26])))
    assert losses(run) == dict(enumerate([*FALLING, 0.29, 0.28, 0.27, 0.26]))
    assert run.notes[0].endswith("counted on from epoch 5, 2 times.")


def test_a_resumed_run_replaces_what_was_lost():
    """From a checkpoint after epoch 1: what was logged of later epochs belongs to a network that is gone."""
    (run,) = separate(run_of_rows(*rows_of(FALLING), *rows_of([0.52, 0.42], first=2)))
    assert losses(run) == {0: 0.7, 1: 0.6, 2: 0.52, 3: 0.42}
    assert run.notes == (
        "Training was resumed from epoch 2: what was logged of that and later epochs before (3 epochs) was left out.",
    )


def test_rows_written_twice_count_once():
    """Ultralytics writes its first rows again when it resumes; infinite and missing numbers are equal to themselves."""
    first = [(1.0, 0.7, math.inf), (2.0, 0.6, math.nan)]
    (run,) = separate(run_of_rows(*first, *first, (3.0, 0.5, 0.6)))
    assert losses(run) == {1: 0.7, 2: 0.6, 3: 0.5}
    assert len(run.series[1].at) == 3
    assert run.notes == ("Rows of the log are written twice, with the same values: each counts once.",)


def test_a_copy_shorter_than_its_original_loses_nothing():
    """The rows after those that were written twice stay."""
    (run,) = separate(run_of_rows(*rows_of(FALLING), *rows_of(FALLING[:2])))
    assert losses(run) == dict(enumerate(FALLING))


def test_rows_out_of_order_are_sorted():
    """Of several writers, none of which measures a time that another has."""
    rows = rows_of(FALLING)
    (run,) = separate(run_of_rows(*rows[:2], rows[3], rows[2], rows[4]))
    assert losses(run) == dict(enumerate(FALLING))
    assert run.series[0].at == [0, 1, 2, 3, 4]
    assert run.notes == ("Rows of the log are out of order: they were sorted.",)


def test_a_log_from_last_to_first_is_turned():
    """A table sorted the other way is no restart at every row."""
    (run,) = separate(run_of_rows(*reversed(rows_of(FALLING))))
    assert run.series[1].values == [loss + 0.1 for loss in FALLING]
    assert run.notes == ("The log holds the last values first: they were put in order.",)


def test_series_that_are_logged_on_different_lines_are_parted_together():
    """Steps count; validation is rarer than training, and begins again when training does."""
    train = Series(
        "loss", [10, 20, 30, 40, 10, 20, 30, 40], [0.7, 0.6, 0.5, 0.4] * 2, [0, 1, 3, 4, 6, 7, 9, 10]
    )
    train.values[4] = 0.71
    validation = Series("val_loss", [20, 40, 20, 40], [0.8, 0.7, 0.85, 0.75], [2, 5, 8, 11])
    last, earlier = separate(LoggedRun("log", [train, validation], "step"))
    assert last.series[1].values == [0.85, 0.75]
    assert earlier.series[1].values == [0.8, 0.7]
    assert earlier.name == "log, first attempt (to step 40)"


def test_a_fold_stays_one_run():
    """Its format knows better."""
    (run,) = separate(run_of_rows(*rows_of(FALLING), *rows_of([0.7, 0.6]), member="fold 0", group="log.csv"))
    assert len(run.series[0].at) == 7 or run.notes


def test_a_counter_that_always_steps_back_counts_nothing():
    """The number of a batch within its epoch: the order of the log takes its place."""
    rows = [(float(place % 3), 1 / (place + 1), 0.5) for place in range(3 * MAX_PARTS + 3)]
    (run,) = separate(run_of_rows(*rows))
    assert run.series[0].at == [float(place) for place in range(len(rows))]
    assert run.unit == "evaluation"
    assert run.notes[0].startswith("The log's counter steps back too often to count anything")


def test_a_counter_that_stands_still_counts_nothing():
    """`fit` was called for one epoch at a time: each is epoch 0."""
    (run,) = separate(run_of_rows(*((0.0, loss, loss + 0.1) for loss in FALLING)))
    assert losses(run) == dict(enumerate(FALLING))
    assert run.notes == ("The log's counter stands still at 0: its values are counted in their order.",)
