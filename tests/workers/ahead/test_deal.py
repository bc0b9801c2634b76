"""Which worker gets which task, and what it may prepare."""

from __future__ import annotations

import numpy as np
import pytest

from justright.runs.events import RunKey
from justright.runs.limits import KEPT_PROGRAMS
from justright.runs.tasks import ReferenceTask, StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers.ahead.deal import Deal


def stacks(count):
    """Stacks, told apart by their names."""
    return [
        StackTask(f"v{number}", "v", mlp(4), Recipe(), (RunKey("v", 0, 10),), ("",), np.arange(10))
        for number in range(count)
    ]


def names(tasks):
    """Theirs."""
    return [task.name for task in tasks]


def test_without_preparing_tasks_go_in_their_order_to_whoever_asks():
    """The reference model too."""
    tasks = [*stacks(2), ReferenceTask()]
    deal = Deal(tasks, workers=2)
    assert deal.keep_for(0) == []
    assert [deal.take(number) for number in (1, 0, 0, 1)] == [*tasks, None]
    assert not deal


def test_one_worker_prepares_as_many_as_programs_are_kept_beside_the_one_that_trains():
    """Always the next ones."""
    deal = Deal(stacks(20), workers=1, ahead=True)
    for number in range(20):
        assert deal.take(0).name == f"v{number}"
        coming = range(number + 1, min(20, number + KEPT_PROGRAMS))
        assert names(deal.keep_for(0)) == [f"v{other}" for other in coming]


def test_of_several_workers_each_gets_what_it_prepared_and_none_waits():
    """What nobody prepares comes next, then what another one was to prepare; what is tried again comes first."""
    deal = Deal(stacks(5), workers=KEPT_PROGRAMS - 1, ahead=True)
    assert [deal.take(number).name for number in (0, 1)] == ["v0", "v1"]
    assert [names(deal.keep_for(number)) for number in (0, 1)] == [["v2"], ["v3"]]
    again = stacks(1)[0]
    deal.put_back([again])
    assert deal.take(1).name == "v3"
    assert deal.take(1) is again
    assert names(deal.keep_for(1)) == ["v4"]
    assert [deal.take(number).name for number in (2, 2)] == ["v2", "v4"]
    assert deal.keep_for(0) == deal.keep_for(1) == []
    assert not deal


@pytest.mark.parametrize("place", [0, 2])
def test_the_reference_model_waits_for_the_worker_beside(place):
    """And that one gets nothing else."""
    tasks = stacks(2)
    tasks.insert(place, ReferenceTask())
    deal = Deal(tasks, workers=1, ahead=True, beside=True)
    assert [deal.take(0).name for _ in range(2)] == ["v0", "v1"]
    assert deal.take(0) is None
    assert deal
    assert deal.take_reference() == ReferenceTask()
    assert deal.take_reference() is None
    assert not deal


def test_another_worker_gets_a_share_of_what_was_kept_and_only_what_fits():
    """The first keeps those that it prepares next; a task that is no stack is none of the other's."""
    tasks = [*stacks(9), ReferenceTask()]
    deal = Deal(tasks, workers=1, ahead=True)
    assert deal.take(0).name == "v0"
    assert names(deal.keep_for(0)) == [f"v{number}" for number in range(1, KEPT_PROGRAMS)]
    deal.share_out([0, 1])
    share = (KEPT_PROGRAMS - 1) // 2
    assert names(deal.keep_for(0)) == [f"v{number}" for number in range(1, 1 + share)]
    assert names(deal.stacks) == [f"v{number}" for number in range(1, 9)]

    def fits(task):
        return task.name in {"v1", "v6", "v8"}

    assert deal.take(1, fits).name == "v6"
    assert names(deal.keep_for(1, fits)) == ["v8"]
    deal.share_out([0])  # the other has left
    assert names(deal.keep_for(0)) == [f"v{number}" for number in (1, 2, 3, 4, 5, 7, 8)]
    assert [deal.take(1, fits).name for _ in range(2)] == ["v1", "v8"]
    assert deal.take(1, fits) is None
