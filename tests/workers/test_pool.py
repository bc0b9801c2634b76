"""The pool's loop on a transport of this file's own, whose workers say what their scripts have."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from tests.refusals import refusal

from justright.data.read import read_table
from justright.errors import FolderError, InputError
from justright.runs.events import RunKey, StackCheckpoint
from justright.runs.tasks import ReferenceTask, StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.study import Study
from justright.workers import pool as pool_module
from justright.workers import watch
from justright.workers.accelerators import Accelerators
from justright.workers.attempts import MAX_KILLS
from justright.workers.plan import plan_stacks
from justright.workers.pool import Pool, Transport

RUN = RunKey("v", 0, 10)
TASK = StackTask("v", "v", mlp(4), Recipe(), (RUN,), ("models/v.keras",), np.arange(10))
SILENCE = ()  # says nothing in this round
READY, DONE, DIED = ("ready",), ("done", True), ("died", "it lost its mind")
KILLED = ("killed", "somebody did it")


@dataclass(eq=False)
class Scripted:
    """A worker: what it has yet to say, and what it was told."""

    number: int
    script: list
    told: list = field(default_factory=list)
    has_ended: bool = False


class Script(Transport[Scripted]):
    """Workers with scripts, in the order in which they are started; every wait takes a second of its clock."""

    kind = "scripted worker"
    label = "script"

    def __init__(self, *scripts, workers=1, may_queue=False, must_restart=False):
        self.scripts, self.started = list(map(list, scripts)), []
        self.workers, self.may_queue, self.must_restart = workers, may_queue, must_restart
        self.is_closed, self.now = False, 100.0

    def close(self):
        """Note it."""
        self.is_closed = True

    def start(self, number):
        """The next script."""
        self.started.append(Scripted(number, self.scripts.pop(0)))
        return self.started[-1]

    def give(self, link, task):
        """Note it."""
        link.told.append(task)

    def request_stop(self, link):
        """Note it."""
        link.told.append("stop")

    def hear(self, links, seconds):
        """One line of each script."""
        self.now += 1.0
        for link in links:
            if link.script and (message := link.script.pop(0)) != SILENCE:
                yield link, 0.0, message

    def processor_seconds(self, link):
        """None of them computes."""
        return 0.0

    def end(self, link):
        """Note it."""
        link.has_ended = True

    def free_memory(self, links):
        """Not known."""

    def resize(self, workers, worker_bytes):
        """As the test says."""
        super().resize(workers, worker_bytes)
        return self.must_restart


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Let the clock be a transport's; return the function that says whose."""

    def follow(transport):
        monkeypatch.setattr(watch.time, "monotonic", lambda: transport.now)
        return transport

    return follow


def checkpoint(epoch, lanes=(RUN,)):
    """The message of a checkpoint."""
    return "event", StackCheckpoint("v", f"checkpoints/{epoch}", epoch, lanes, (), ())


def perform(transport, tasks, **options):
    """Return the events of tasks."""
    events = []
    with Pool(transport, **options) as pool:
        pool.execute(tasks, events.append)
    assert all(link.has_ended for link in transport.started)
    assert transport.is_closed
    return events


def test_a_stack_goes_on_from_its_last_checkpoint_wherever_its_worker_died():
    """A new worker has the same number; what was said before the death counts."""
    transport = Script([READY, checkpoint(3), DIED], [READY, checkpoint(5), DONE])
    assert [event.epoch for event in perform(transport, [TASK])] == [3, 5]
    first, second = transport.started
    assert (first.number, second.number) == (0, 0)
    assert [first.told[0].checkpoint, second.told[0].checkpoint] == [None, "checkpoints/3"]


def test_a_stack_that_dies_twice_fails_and_the_next_one_does_not():
    """The third worker has no use for the first stack."""
    transport = Script([READY, DIED], [READY, DIED], [READY, DONE])
    (event,) = perform(transport, [TASK, ReferenceTask()])
    assert [(run.run, run.outcome, run.reason) for run in event.finished] == [
        (RUN, "failed", "it lost its mind")
    ]
    assert transport.started[2].told == [ReferenceTask()]


def test_a_stack_survives_any_number_of_kills_between_checkpoints():
    """As many in a row as one task may cost, then one step forward, and as many again."""
    kills = [[READY, KILLED] for _ in range(MAX_KILLS - 2)]
    transport = Script(
        [READY, checkpoint(1), KILLED], *kills, [READY, checkpoint(2), KILLED], *kills, [READY, DONE]
    )
    assert [event.epoch for event in perform(transport, [TASK])] == [1, 2]


def test_a_stack_that_costs_every_worker_fails_and_the_next_one_does_not():
    """Killed so often without getting any further, it counts as the cause: of memory running out, for instance."""
    transport = Script(*[[READY, KILLED] for _ in range(MAX_KILLS)], [READY, DONE])
    (event,) = perform(transport, [TASK, ReferenceTask()])
    assert [(run.outcome, run.reason) for run in event.finished] == [("failed", "somebody did it")]
    assert transport.started[-1].told == [ReferenceTask()]


def test_workers_killed_while_they_start_are_started_again_but_not_for_ever():
    """With the reason of the last."""
    perform(Script(*[[KILLED]] * (MAX_KILLS - 1), [READY, DONE]), [ReferenceTask()])
    assert (
        refusal(perform, Script(*[[KILLED]] * MAX_KILLS), [ReferenceTask()])
        == "A scripted worker could not start: somebody did it"
    )


def test_a_failure_is_tried_again_before_what_waits():
    """On the same worker, which lives."""
    transport = Script([READY, ("failed", "no luck", "trace"), DONE, DONE])
    perform(transport, [TASK, ReferenceTask()])
    assert transport.started[0].told == [TASK, TASK, ReferenceTask()]


def test_a_worker_that_dies_while_it_starts_is_started_once_more():
    """Whatever started it."""
    perform(Script([DIED], [READY, DONE]), [ReferenceTask()])


def test_a_worker_that_dies_whenever_it_starts_ends_the_study():
    """With its reason; getting ready in between would have begun the count anew."""
    transport = Script([READY, DIED], [DIED], [DIED], [READY, DONE])
    assert refusal(perform, transport, [TASK]) == "A scripted worker could not start: it lost its mind"
    assert len(transport.started) == 3
    assert transport.is_closed


@pytest.mark.parametrize(("word", "error"), [("refused", InputError), ("unwritable", FolderError)])
def test_what_no_second_try_can_mend_ends_the_study(word, error):
    """In the worker's own words."""
    assert refusal(perform, Script([READY, (word, "It cannot be.")]), [TASK], error=error) == "It cannot be."


def test_silence_while_starting_is_a_hang_unless_a_place_is_waited_for(clock):
    """A process that never gets ready is replaced; a cluster may just be full."""
    transport = clock(Script([], [READY, DONE]))
    perform(transport, [ReferenceTask()], hang_seconds=5.0)
    assert len(transport.started) == 2
    queueing = clock(Script([SILENCE] * 50 + [READY, DONE], may_queue=True))
    perform(queueing, [ReferenceTask()], hang_seconds=5.0)
    assert len(queueing.started) == 1


def test_a_slow_sink_is_not_the_workers_silence(clock):
    """Time that passes while an event is stored does not count."""
    transport = clock(Script([READY, checkpoint(1), checkpoint(2), DONE]))

    def handle(event):
        transport.now += 1_000.0

    with Pool(transport, hang_seconds=5.0) as pool:
        pool.execute([TASK], handle)
    assert len(transport.started) == 1


def test_an_interruption_waits_for_last_checkpoints_and_for_no_dead_worker(request):
    """What workers say after 'stop' is stored; one that dies then is not replaced."""
    inherited = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # ignored in the background of a shell
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, inherited))
    transport = Script([READY, checkpoint(1), checkpoint(2), DONE], [READY, ("stored",), KILLED], workers=2)
    events = []

    def handle(event):
        events.append(event.epoch)
        if event.epoch == 1:
            signal.raise_signal(signal.SIGINT)

    with Pool(transport) as pool, pytest.raises(KeyboardInterrupt):
        pool.execute([TASK, ReferenceTask()], handle)
    assert events == [1, 2]
    assert [link.told for link in transport.started] == [[TASK, "stop"], [ReferenceTask(), "stop"]]


def test_an_interruption_does_not_wait_for_ever(clock, request):
    """A worker that says nothing more is left to its end."""
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, inherited))
    transport = clock(Script([READY, checkpoint(1)]))
    with Pool(transport) as pool, pytest.raises(KeyboardInterrupt):
        pool.execute([TASK], lambda event: signal.raise_signal(signal.SIGINT))
    assert transport.now < 100.0 + 5.0 + pool_module.STOP_SECONDS


@pytest.mark.parametrize(
    ("must_restart", "ended", "numbers"),
    [(False, [False, True, True], [0, 1, 2]), (True, [True] * 3 + [False], [0, 1, 2, 0])],
)
def test_fewer_workers_are_kept_or_started_again(must_restart, ended, numbers):
    """As the transport needs it for the memory that is asked for."""
    transport = Script([], [], [], [], workers=3, must_restart=must_restart)
    with Pool(transport) as pool:
        pool.keep_workers(1, 10**9)
        assert [link.has_ended for link in transport.started] == ended
        assert [link.number for link in transport.started] == numbers
        assert pool.workers == 1


def test_workers_that_were_started_end_when_another_cannot_be(monkeypatch):
    """Entering fails as a whole."""
    transport = Script([], workers=2)  # no script for the second
    with pytest.raises(IndexError), Pool(transport):
        pytest.fail("it was opened")
    assert [link.has_ended for link in transport.started] == [True]
    assert transport.is_closed


class Ahead(Script):
    """The same, as workers on accelerators are."""

    works_ahead = True

    def prepare(self, link, tasks):
        """Note it."""
        link.told.append([task.name for task in tasks])

    def start_beside(self, number):
        """The next script."""
        link = self.start(number)
        link.told.append("beside")
        return link


def test_workers_on_accelerators_are_told_what_comes_next_and_do_not_wait_for_the_reference_model():
    """It is trained beside them, by a worker that ends when it is done; one that dies is replaced."""
    stacks = [replace(TASK, name=name) for name in ("a", "b", "c")]
    scripts = [READY, DONE, SILENCE, SILENCE, SILENCE, DONE, DONE], [READY, DIED], [READY, DONE]
    transport = Ahead(*scripts)
    perform(transport, [*stacks, ReferenceTask()])
    first, died, other = (link.told for link in transport.started)
    assert first == [["a", "b", "c"], stacks[0], ["b", "c"], stacks[1], ["c"], stacks[2]]
    assert died == other == ["beside", ReferenceTask()]
    assert [link.number for link in transport.started] == [0, 1, 1]


def test_the_worker_beside_has_ended_before_the_others_are_done():
    """Its memory is free for them."""
    transport = Ahead([READY, *[SILENCE] * 5, checkpoint(1), DONE], [READY, DONE])
    seen = []
    with Pool(transport) as pool:
        pool.execute(
            [TASK, ReferenceTask()], lambda event: seen.append([link.has_ended for link in transport.started])
        )
    assert seen == [[False, True]]


def test_a_study_without_a_reference_model_has_no_worker_beside():
    """It would have nothing to do."""
    transport = Ahead([READY, DONE])
    perform(transport, [TASK])
    assert [link.told for link in transport.started] == [[["v"], TASK]]


def test_workers_start_again_with_the_devices_that_a_plan_gives_them():
    """Also where they have the memory."""

    class Grouped(Script):
        def group_devices(self, devices):
            return devices == 4

    transport = Grouped([READY], [READY])
    with Pool(transport) as pool:
        pool.keep_workers(1, 100)
        assert len(transport.started) == 1
        pool.keep_workers(1, 100, devices=4)
        assert [link.has_ended for link in transport.started] == [True, False]


def test_stacks_dealt_out_over_devices_train_one_on_each():
    """Eight seeds of one network on four devices: two on each, and each worker sees another device."""
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    split = read_table((x, (np.arange(40) % 2).astype(np.float32))).split(validation=10, train=20, test=10)
    four = Accelerators("cuda", 4, None)
    study = Study(split, {"v": mlp(4)}, Recipe(batch_size=10, max_epochs=2), seeds=8)
    transport = Script(*[[READY, DONE] for _ in range(4)], workers=4)
    transport.accelerators = four
    stacks = plan_stacks(study, parameters={"v": 17}, workers=4, model_path=str, together=True)
    perform(transport, stacks)
    told = {
        four.variables(link.number, 4)["JAX_CUDA_VISIBLE_DEVICES"]: [task.seeds for task in link.told]
        for link in transport.started
    }
    assert told == {"0": [(1, 2)], "1": [(3, 4)], "2": [(5, 6)], "3": [(7, 8)]}
