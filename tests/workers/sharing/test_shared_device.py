"""How many workers share a device, decided on a device that is played: what another one gains there is known."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

import numpy as np
import pytest

from justright.runs.events import RunFinished, RunKey, StackCheckpoint, StackProgress, WorkersTried
from justright.runs.tasks import StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers import watch
from justright.workers.pool import Pool, Transport
from justright.workers.sharing import shared_device
from justright.workers.sharing.shared_device import SharedDevice

TICK, CHUNK_SECONDS, START_SECONDS = 0.02, 0.8, 10.0


@dataclass(eq=False)
class Played:
    """A worker on the device."""

    number: int
    ready_at: float
    says: list = field(default_factory=list)
    told: list = field(default_factory=list)
    task: StackTask | None = None
    break_left: float = 0.0
    epoch: int = 0
    chunk: int = 0  # its epochs
    work_left: float = 0.0  # of the chunk, in seconds of a device that it has for itself
    spent: float = 0.0  # of the chunk, by a clock
    seconds: float = 0.0  # since it has the stack
    is_held: bool = False
    has_paused: bool = False
    is_stopping: bool = False
    has_ended: bool = False

    @property
    def trains(self):
        """Whether the device does something for it."""
        return self.task is not None and self.break_left <= 0 and self.work_left > 0


class PlayedDevice(Transport[Played]):
    """Workers that share a device evenly.

    Args:
        speeds: what 1, 2, ... workers train in a second, in seconds of one alone.
        stacks: name -> (epochs, seconds per epoch).
        breaks: seconds before each stack in which a worker leaves the device idle.
        noise: standard deviation of the logarithm of a chunk's seconds.
        fails: (the number of a worker, what it says at the end of its fifth chunk).
    """

    kind, label, works_ahead, may_share, workers = "played worker", "played", True, True, 1

    def __init__(self, speeds, stacks, *, breaks=0.0, noise=0.0, seed=0, fails=(None, ())):
        self.speeds, self.stacks, self.breaks, self.noise, self.fails = speeds, stacks, breaks, noise, fails
        self.random, self.now, self.started, self.chunks = np.random.default_rng(seed), 0.0, [], 0
        self.trained = {name: [] for name in stacks}  # the epochs, as they come

    def start(self, number):
        """The first is there at once."""
        self.started.append(Played(number, self.now + (START_SECONDS if number else 0.0), [("ready",)]))
        return self.started[-1]

    def give(self, link, task):
        """Begin where the checkpoint was written."""
        link.task, link.epoch, link.break_left, link.seconds = (
            task,
            int(task.checkpoint or 0),
            self.breaks,
            0.0,
        )
        self._begin_chunk(link, 1)

    def hold(self, link, *, is_held):
        """Note it."""
        link.told.append("hold" if is_held else "go on")
        link.is_held = is_held

    def request_stop(self, link):
        """Note it."""
        link.told.append("stop")
        link.is_stopping, link.is_held = True, False

    def processor_seconds(self, link):
        """Nobody computes."""
        return 0.0

    def end(self, link):
        """Note it."""
        link.has_ended, link.task = True, None

    def free_memory(self, links):
        """Not known."""

    def hear(self, links, seconds):
        """Let a moment pass."""
        self.now += TICK
        busy = [link for link in links if link.trains]
        for link in links:
            if link.task is not None:
                link.seconds += TICK
                link.break_left -= TICK
            if link in busy:
                link.spent += TICK
                link.work_left -= TICK * self.speeds[len(busy) - 1] / len(busy)
            # While a worker pauses, the device trains the chunk that it has been given.
            if link.task is not None and link.work_left <= 0 and not (link.is_held and link.has_paused):
                link.has_paused = link.is_held
                self._end_chunk(link)
            if link.says and self.now >= link.ready_at:
                yield link, 0.0, link.says.pop(0)

    def _begin_chunk(self, link, epochs):
        all_epochs, pace = self.stacks[link.task.name]
        link.chunk, link.spent = min(epochs, all_epochs - link.epoch), 0.0
        link.work_left = link.chunk * pace * np.exp(self.random.normal(0.0, self.noise))

    def _end_chunk(self, link):
        name, runs = link.task.name, link.task.runs
        self.trained[name] += range(link.epoch, link.epoch + link.chunk)
        link.epoch += link.chunk
        is_over = link.epoch == self.stacks[name][0]
        number, message = self.fails
        self.chunks += link.number == number
        if link.number == number and self.chunks == 5:
            link.says.append(message)
            link.task = None
        if link.task is not None:
            link.says.append(("event", StackProgress(name, runs, link.epoch, link.seconds, {}, {})))
        if link.task is None:
            return
        if is_over or link.is_stopping:
            ended = [RunFinished(run, "finished", "", link.epoch, 0, 1.0, {}, {}, {}, {}) for run in runs]
            finished = tuple(ended) if is_over else ()
            link.says += [("event", StackCheckpoint(name, str(link.epoch), link.epoch, runs, (), finished))]
            link.says += [("done", is_over)]
            link.task = None
        else:
            self._begin_chunk(link, max(1, round(CHUNK_SECONDS * link.chunk / link.spent)))


def stack(name):
    """A stack of one run."""
    return StackTask(name, name, mlp(4), Recipe(), (RunKey(name, 0, 10),), ("",), np.arange(10))


def train(monkeypatch, device, *, most=3, launching=0.5, handle=lambda event: None, **options):
    """Return the seconds that all stacks take, and what was decided; each epoch of each must be trained once, in order."""
    monkeypatch.setattr(watch.time, "monotonic", lambda: device.now)
    news, checkpoints = [], []
    chosen = SharedDevice(most=most, launching=lambda stack: launching, clock=lambda: device.now, **options)

    def take(event):
        if isinstance(event, WorkersTried):
            news.append(event)
        if isinstance(event, StackCheckpoint):
            checkpoints.append(event)
        handle(event)

    with Pool(device) as pool:
        pool.execute(list(map(stack, device.stacks)), take, chosen)
    assert all(link.has_ended for link in device.started)
    assert {run.run.variant for event in checkpoints for run in event.finished} == set(device.stacks)
    assert all(run.outcome == "finished" for event in checkpoints for run in event.finished)
    return device.now, news


def stacks(count, seconds=60.0):
    """So many of that length; their paces differ."""
    paces = (0.06 * (1 + number % 3) for number in range(count))
    return {f"s{number}": (round(seconds / pace), pace) for number, pace in enumerate(paces)}


def alone(monkeypatch, described, **options):
    """The seconds that one worker takes."""
    return train(monkeypatch, PlayedDevice((1.0,), described, **options), most=1)[0]


def is_trained_once(device):
    """Whether each epoch of each stack was, in order."""
    return all(device.trained[name] == list(range(epochs)) for name, (epochs, _) in device.stacks.items())


def test_a_device_that_one_worker_fills_keeps_one(monkeypatch):
    """The second loses something and is tried once; its stack goes on from a checkpoint. That costs a hundredth."""
    described = stacks(6)
    device = PlayedDevice((1.0, 0.97), described)
    seconds, (tried,) = train(monkeypatch, device)
    assert (tried.tried, tried.kept, tried.is_measured, tried.reason) == (2, 1, True, "")
    assert tried.gain == pytest.approx(0.97, abs=0.03)
    assert [link.number for link in device.started] == [0, 1]
    assert device.started[1].told[-1] == "stop"
    assert is_trained_once(device)
    assert seconds < 1.01 * alone(monkeypatch, described)


def test_workers_join_as_long_as_they_gain(monkeypatch):
    """Two train half as much again as one, three no more than two: nearly all of what two gain is there."""
    described = stacks(9)
    device = PlayedDevice((1.0, 1.5, 1.5), described)
    seconds, news = train(monkeypatch, device)
    assert [(one.tried, one.kept) for one in news] == [(2, 2), (3, 2)]
    assert [one.gain for one in news] == [pytest.approx(1.5, abs=0.05), pytest.approx(1.0, abs=0.05)]
    assert is_trained_once(device)
    one, best = alone(monkeypatch, described), 9 * 60 / 1.5
    assert seconds < one - 0.7 * (one - best)


def test_three_train_where_none_is_in_another_s_way(monkeypatch):
    """No more than there is memory for."""
    for most, expected in ((3, [(2, 2), (3, 3)]), (2, [(2, 2)])):
        device = PlayedDevice((1.0, 2.0, 3.0, 4.0), stacks(12))
        _, news = train(monkeypatch, device, most=most)
        assert [(one.tried, one.kept) for one in news] == expected
        assert is_trained_once(device)


@pytest.mark.parametrize(("breaks", "kept", "gain"), [(2.0, 2, 1.37), (0.3, 1, 1.0)])
def test_stacks_too_short_to_be_measured_are_judged_by_the_breaks_between_them(
    breaks, kept, gain, monkeypatch
):
    """Of three seconds each: with two seconds between them the device idles for two fifths of the time."""
    described = stacks(60, seconds=3.0)
    device = PlayedDevice((1.0, 1.0), described, breaks=breaks)
    seconds, (tried,) = train(monkeypatch, device)
    assert (tried.kept, tried.is_measured, tried.gain) == (kept, False, pytest.approx(gain, abs=0.02))
    assert tried.idle_share == pytest.approx(breaks / (3 + breaks), abs=0.03)
    assert is_trained_once(device)
    one = alone(monkeypatch, described, breaks=breaks)
    assert seconds < (0.7 if kept == 2 else 1.01) * one


@pytest.mark.parametrize(("speed", "kept"), [(0.9, {1}), (1.0, {1}), (1.2, {2})])
def test_noise_neither_decides_nor_changes_what_was_decided(speed, kept, monkeypatch):
    """Chunks that differ by a twentieth, three times: one trial, and the same end."""
    for seed in range(3):
        device = PlayedDevice((1.0, speed), stacks(8), noise=0.05, seed=seed)
        _, news = train(monkeypatch, device, most=2)
        assert {one.kept for one in news} == kept
        assert len(news) == 1
        assert len(device.started) == 2


@pytest.mark.parametrize(
    ("described", "options"),
    [
        (stacks(4, seconds=10.0), {}),  # little is left
        (stacks(1, seconds=300.0), {}),  # nothing waits
        (stacks(6), {"launching": 0.02}),  # the device is busy all the time
        (stacks(6), {"fits": lambda stack: False}),  # there is no memory on the device
        (stacks(6), {"most": 1}),  # nor elsewhere
    ],
)
def test_nothing_is_tried_that_cannot_pay(described, options, monkeypatch):
    """One worker, which never pauses."""
    device = PlayedDevice((1.0, 2.0), described)
    seconds, news = train(monkeypatch, device, **options)
    assert (news, len(device.started), device.started[0].told) == ([], 1, [])
    assert seconds == alone(monkeypatch, described)


def test_a_worker_that_joins_gets_only_what_fits(monkeypatch):
    """The device's memory is not its alone."""
    device = PlayedDevice((1.0, 2.0), stacks(8))
    given = device.give
    told = []
    device.give = lambda link, task: (told.append((link.number, task.name)), given(link, task))
    train(monkeypatch, device, most=2, fits=lambda stack: stack.name in {"s2", "s5"})
    assert {name for number, name in told if number == 1} == {"s2", "s5"}


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (1, ("failed", "out of memory", "")),
        (1, ("died", "out of memory")),
        (0, ("failed", "out of memory", "")),
    ],
)
def test_where_memory_does_not_suffice_for_both_one_goes_on(number, message, monkeypatch):
    """No run fails, and what the first was at counts as one failure; the reason is told."""
    device = PlayedDevice((1.0, 1.5), stacks(6), fails=(number, message))
    if number == 0:  # long after the second has joined
        device.chunks = -150
    _, news = train(monkeypatch, device, most=2)
    assert [(one.tried, one.kept, one.gain, one.reason) for one in news][-1] == (2, 1, None, "out of memory")
    assert [link.number for link in device.started] == [0, 1]


def test_work_that_runs_out_ends_a_trial(monkeypatch):
    """Its last stacks train side by side, and whoever paused goes on."""
    described = {"s0": (1_000, 0.06), "s1": (1_000, 0.06), "s2": (20, 0.06)}
    device = PlayedDevice((1.0, 1.5), described)
    monkeypatch.setattr(shared_device, "LEAST_SECONDS_LEFT", 1.0)
    train(monkeypatch, device)
    assert len(device.started) == 2
    assert is_trained_once(device)


def test_an_interruption_reaches_a_worker_that_pauses(monkeypatch, request):
    """It writes its last checkpoint, as the others do."""
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, inherited))
    device = PlayedDevice((1.0, 1.5), stacks(6))

    def handle(event):
        if isinstance(event, StackProgress) and any(link.is_held for link in device.started):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(monkeypatch, device, handle=handle)
    assert [link.told[-1] for link in device.started] == ["stop", "stop"]
