"""Worker processes that share a device, which is played: they pause, go on, and one takes over what another began."""

from __future__ import annotations

import numpy as np
import pytest
from tests.stacks import Trained

from justright.runs.events import RunKey, StackCheckpoint, StackProgress
from justright.runs.tasks import StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers import processes
from justright.workers.accelerators import Accelerators
from justright.workers.pool import Pool
from justright.workers.processes import Processes
from justright.workers.sharing.shared_device import SharedDevice, Wanted
from justright.workers.worker import GO_ON, HOLD, STOP, _Told

DEVICE = Accelerators("cuda", 1, 80 * 10**9, "NVIDIA H100 80GB HBM3", "9.0")
RECIPE = Recipe(batch_size=250, max_epochs=100, patience=None, batch_orders="device")
NAMES = ("a", "b")  # of the same network


def stack_of(name, rows):
    """A stack of two lanes that are computed together."""
    count = len(rows.train[0])
    return StackTask(
        *(name, name, mlp(4), RECIPE.resolve("binary", count)),
        runs=tuple(RunKey(name, seed, count) for seed in (0, 1)),
        models=tuple(f"models/{name}-{seed}.keras" for seed in (0, 1)),
        train_index=np.arange(count),
        together=True,
        checkpoint_seconds=1e6,
    )


class Scripted(SharedDevice):
    """Lets a second worker join at once, pause after its first chunk, as the first one does, and leave."""

    def __init__(self):
        super().__init__(most=2)
        self.heard, self.joined, self.has_left = [], None, False

    def hear(self, worker, event):
        """Note whose progress it is."""
        if isinstance(event, StackProgress):
            self.heard.append(worker)

    def join(self, worker):
        """Note it."""
        self.joined = worker

    def left(self, worker):
        """Note it."""
        self.has_left = True

    def wanted(self, waiting):
        """By what has been heard."""
        if self.joined is None:
            return Wanted(joins=True)
        if self.has_left:
            return Wanted()
        leaves = [self.joined] if self.joined in self.heard else []
        return Wanted(leaves=frozenset(leaves), held=frozenset({0, self.joined} - {*leaves}))


@pytest.mark.slow
def test_a_stack_that_moves_from_one_worker_to_another_is_the_same_bit_by_bit(few_rows, storage, monkeypatch):
    """Both pause until the second leaves what it began; then the first goes on with its own, of the same network, and with that."""
    (storage.folder / "models").mkdir()
    launched, launch = [], processes._launch

    def noted(*given, **options):
        launched.append(options.get("variables"))
        return launch(*given, **options)

    monkeypatch.setattr(processes, "_launch", noted)
    device, events = Scripted(), []
    with Pool(Processes(few_rows, storage, workers=1, accelerators=DEVICE, may_share=True)) as pool:
        pool.execute([stack_of(name, few_rows) for name in NAMES], events.append, device)
    assert launched == [None, DEVICE.sharing_variables()]
    # Both paused after the first chunk that they trained once they had heard that they should.
    before = device.heard[: device.heard.index(device.joined)]
    assert len(before) <= 2
    epochs = {
        name: [one.epoch for one in events if isinstance(one, StackCheckpoint) and one.stack == name]
        for name in NAMES
    }
    assert sorted(map(len, epochs.values())) == [1, 2]  # whichever the second worker got
    first, other = (
        Trained([event for event in events if getattr(event, "stack", name) == name], True, storage.folder)
        for name in NAMES
    )
    assert {len(curve) for curves in first.curves.values() for curve in curves.values()} == {
        RECIPE.max_epochs
    }
    for seed, curves in first.curves.items():
        for metric, values in curves.items():
            np.testing.assert_array_equal(other.curves[seed][metric], values, err_msg=metric)


def test_a_worker_pauses_until_it_is_told_to_go_on_or_to_stop(monkeypatch):
    """One that is to stop does not pause any more."""
    told = _Told()
    asked = []
    monkeypatch.setattr(told._going, "wait", lambda: asked.append(told._going.is_set()))
    for words, paused, is_stopping in (
        ((), False, False),
        ((HOLD,), True, False),
        ((HOLD, GO_ON), False, False),
    ):
        for word in words:
            told.take(word)
        assert told.is_stopping() == is_stopping
        assert asked.pop() == (not paused)
    told.take(STOP)
    told.take(HOLD)
    assert told.is_stopping()
    assert asked == []
    told.forget()
    assert not told.is_stopping()
    assert asked == [True]
