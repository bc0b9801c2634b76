"""Several values at one time, in a series that otherwise rises."""

from __future__ import annotations

import pytest

from justright.logs.discovery.separate_runs import separate
from justright.logs.logged_run import LoggedRun, Series

FALLING = [0.7, 0.6, 0.5, 0.4, 0.3]


@pytest.mark.parametrize(
    ("first", "expected"),
    [(0, [0, 0.5, 1, 1.5, 2, 2.5]), (1, [0.5, 1, 1.5, 2, 2.5, 3])],
)
def test_several_values_of_an_epoch_are_spread_over_it(first, expected):
    """Two validations in each epoch; where epochs count from 0, epoch 0 is the time up to 1."""
    at = [float(first + place // 2) for place in range(6)]
    train = Series("loss", [first, first + 1, first + 2], FALLING[:3])
    validation = Series("val_loss", at, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    (run,) = separate(LoggedRun("log", [train, validation]))
    assert run.series[1].at == expected
    assert run.series[0].at == train.at
    assert run.notes == ("'val_loss' has several values per epoch: they were spread over it.",)


def test_a_second_value_at_the_end_is_no_part_of_the_curve():
    """Trainers evaluate the best weights once more when they are done."""
    series = Series("eval_loss", [1, 2, 3, 3], [0.7, 0.5, 0.6, 0.5])
    (run,) = separate(LoggedRun("log", [series]))
    assert run.series[0].values == [0.7, 0.5, 0.6]
    assert run.notes == (
        "'eval_loss' has a second value at the end, as of the best weights, which tools evaluate last: that is no part of the curve.",
    )


def test_a_second_value_elsewhere_counts_and_is_said():
    """The last word on a time counts."""
    series = Series("val_loss", [1, 2, 2, 3, 4], [0.7, 0.5, 0.6, 0.5, 0.4])
    (run,) = separate(LoggedRun("log", [series]))
    assert run.series[0].values == [0.7, 0.6, 0.5, 0.4]
    assert run.notes == ("'val_loss' has several values at some times: the last of them counts.",)


def test_values_logged_without_a_time_are_spread_over_the_run():
    """MLflow's step is 0 where it was not given."""
    counted = Series("loss", [0, 1, 2, 3, 4], FALLING)
    uncounted = Series("val_loss", [0, 0, 0, 0], [0.8, 0.7, 0.6, 0.5])
    (run,) = separate(LoggedRun("log", [counted, uncounted]))
    assert run.series[1].at == [1, 2, 3, 4]
    assert run.notes == ("'val_loss' has one time for all its values: they were spread over the run.",)
