"""Ray actors that hang, die or find no memory: with a Ray of this file's own, so that none need be installed."""

from __future__ import annotations

import pickle
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from justright.errors import EngineError, InputError
from justright.records.models import save_model_atomically
from justright.runs.events import RunKey, StackCheckpoint
from justright.runs.tasks import ReferenceTask, StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers import watch
from justright.workers.attempts import MAX_KILLS
from justright.workers.memory import MEBIBYTE, base_bytes
from justright.workers.pool import Pool
from justright.workers.processes import START_SECONDS
from justright.workers.ray_cluster import MOST_LOSSES, NETWORK_BYTES, ModelFile, RayCluster
from justright.workers.ray_connection import RayLostError
from justright.workers.ray_driver import RayDriver, free_memory
from justright.workers.ray_worker import installed_versions

GIGABYTE = 10**9
HANG_SECONDS = 10.0
SILENT = object()  # the place in a script from which on an actor says nothing


class RayError(Exception):
    """Stands for ray.exceptions.RayError."""


class RayTaskError(RayError):
    """Stands for ray.exceptions.RayTaskError: what the code of an actor raised."""


class RuntimeEnvSetupError(RayError):
    """Stands for ray.exceptions.RuntimeEnvSetupError."""


def raising(error):
    """Return a line of a script that raises when it is fetched."""

    def fetch():
        raise error

    return fetch


@dataclass
class FakeActor:
    """An actor that says what its script has, and then nothing."""

    ray: FakeRay
    options: dict
    script: list
    performed: list = field(default_factory=list)
    is_killed: bool = False

    def __getattr__(self, name):
        if name == "perform":
            return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=self._perform))
        answers = {"versions": installed_versions, "processor_seconds": self.ray.meter, "stop": lambda: None}
        return SimpleNamespace(remote=lambda: Answer(self, answers[name]))

    def _perform(self, task, checkpoint):
        self.performed.append(pickle.loads(task))
        return Stream(self)


@dataclass(eq=False)
class Answer:
    """What a call will return."""

    actor: FakeActor
    call: object
    is_ready: bool = True


@dataclass(eq=False)
class Stream:
    """What an actor says while it performs."""

    actor: FakeActor

    @property
    def is_ready(self):
        """Whether there is something to take."""
        return self.actor.script[:1] not in ([], [SILENT])

    def __next__(self):
        line = self.actor.script.pop(0)
        return Answer(self.actor, line if callable(line) else lambda: line)


class FakeRay:
    """As much of Ray as its transport uses; every wait takes a second of its clock."""

    exceptions = SimpleNamespace(
        RayError=RayError, RayTaskError=RayTaskError, RuntimeEnvSetupError=RuntimeEnvSetupError
    )

    def __init__(self, scripts=(), *, nodes=(8 * GIGABYTE,), cores=4):
        self.scripts, self.cores = list(scripts), cores
        self.actors, self.now = [], 100.0
        self.is_starting_allowed = self.is_node_alive = True
        per_node = {str(number): {"memory": float(memory)} for number, memory in enumerate(nodes)}
        self._private = SimpleNamespace(state=SimpleNamespace(available_resources_per_node=lambda: per_node))
        self.meter = lambda: 0.0

    def is_initialized(self):
        """It runs already."""
        return True

    def init(self, **options):
        """It is there."""

    def shutdown(self):
        """It goes on."""

    def get_runtime_context(self):
        """Where it is."""
        return SimpleNamespace(gcs_address="here:1", get_node_id=lambda: "0")

    def nodes(self):
        """One."""
        return [{"NodeID": "0", "Alive": self.is_node_alive}]

    def cluster_resources(self):
        """Processors."""
        return {"CPU": float(self.cores)}

    def put(self, value):
        """Objects stay where they are."""
        return value

    def remote(self, kind):
        """Actors get the next script."""

        def start(options):
            script = self.scripts.pop(0) if self.scripts else []
            self.actors.append(FakeActor(self, options, script))
            return self.actors[-1]

        return SimpleNamespace(options=lambda **options: SimpleNamespace(remote=lambda rows: start(options)))

    def wait(self, sources, num_returns, timeout):
        """What is ready."""
        self.now += 1.0
        ready = [
            one for one in sources if one.is_ready and (self.is_starting_allowed or isinstance(one, Stream))
        ]
        return ready[:num_returns], []

    def get(self, answer, timeout=None):
        """The answer, or its error."""
        return answer.call()

    def kill(self, actor):
        """Take it down."""
        actor.is_killed = True


class DriverHere:
    """A driver in this process; it is lost when it has been asked to hear `hears` times."""

    def __init__(self, ray, *, hears=10**9):
        self.driver, self.hears, self.is_closed = RayDriver(ray), hears, False

    def ask(self, name, *arguments):
        """Call it."""
        self.hears -= name == "hear"
        if self.hears < 0:
            raise RayLostError("it was lost")
        return getattr(self.driver, name)(*arguments)

    def close(self):
        """Note it."""
        self.is_closed = True


@pytest.fixture
def cluster(monkeypatch, few_rows, storage):
    """Opens a pool on a fake Ray; the clock is Ray's. Drivers other than the last one given are lost."""

    def open_on(ray, *, workers=None, hang_seconds=HANG_SECONDS, drivers=()):
        ray.__spec__ = "installed"
        monkeypatch.setitem(sys.modules, "ray", ray)
        monkeypatch.setattr(watch.time, "monotonic", lambda: ray.now)
        given = iter(drivers)
        actors = RayCluster(
            few_rows,
            storage,
            workers=workers,
            jobs=4,
            address=None,
            start_driver=lambda: next(given, None) or DriverHere(ray),
        )
        return Pool(actors, hang_seconds=hang_seconds)

    return open_on


@pytest.fixture
def saved(storage):
    """A checkpoint file of the third epoch."""
    (storage.folder / "checkpoints").mkdir(exist_ok=True)
    storage.write_tensors(storage.folder / "checkpoints/v-3.safetensors", {}, {})


@pytest.fixture
def task(few_rows):
    """A stack of one run."""
    count = len(few_rows.train[0])
    recipe = Recipe(100, 5, None).resolve("binary", count)
    run = RunKey("v", 0, count)
    return StackTask("v", "v", mlp(4), recipe, (run,), ("models/v.keras",), np.arange(count))


def checkpoint(task, epoch, runs):
    """A checkpoint event, in the message that an actor sends after `epoch` seconds of computing."""
    path = f"checkpoints/{task.name}-{epoch}.safetensors"
    return float(epoch), ("event", StackCheckpoint(task.name, path, epoch, runs, (), ()))


def test_an_actor_that_hangs_twice_fails_its_runs(cluster, task, saved) -> None:
    """Killed after the limit, its stack goes on in a new actor from the last checkpoint; then it ends with the reason."""
    ray = FakeRay([[checkpoint(task, 3, task.runs), SILENT], [SILENT]])
    events = []
    with cluster(ray, workers=1) as pool:
        pool.execute([task], events.append)
        first, second, third = ray.actors
        assert (first.is_killed, second.is_killed, third.is_killed) == (True, True, False)
        assert [one.checkpoint for one in (*first.performed, *second.performed)] == [
            None,
            "checkpoints/v-3.safetensors",
        ]
    assert third.is_killed  # with the pool's end
    (failed,) = events[-1].finished
    assert (failed.run, failed.outcome) == (task.runs[0], "failed")
    assert failed.reason == "Ray actor 0 made no progress for 11 seconds and was ended"


def test_an_actor_that_computes_gets_longer(cluster) -> None:
    """It says so itself: one that compiles is left alone twelve times as long, and then ended all the same."""
    ray = FakeRay([[SILENT]])
    ray.meter = lambda: 0.5 * ray.now
    events = []
    with cluster(ray, workers=1) as pool, pytest.raises(InputError) as caught:
        pool.execute([ReferenceTask()], events.append)
    assert str(caught.value) == (
        "Training the reference model failed twice: "
        "Ray actor 0 made no progress for 121 seconds and was ended"
    )


def test_an_actor_that_answers_nothing_is_not_taken_for_busy(cluster) -> None:
    """A stopped process does not say how long it has computed."""

    def no_answer():
        raise RayError("timed out")

    ray = FakeRay([[SILENT], [(1.0, ("done", True))]])
    ray.meter = no_answer
    with cluster(ray, workers=1) as pool:
        pool.execute([ReferenceTask()], lambda event: None)
    assert [len(actor.performed) for actor in ray.actors] == [1, 1]
    assert ray.now < 100.0 + 2 * HANG_SECONDS


@pytest.mark.parametrize(
    "error",
    [
        RayError("The object is lost, and so is its owner."),
        StopIteration(),
        TimeoutError("no answer"),
        RuntimeError("of Ray itself"),
    ],
)
def test_whatever_ray_raises_about_an_actor_is_a_death_that_another_one_makes_good(cluster, error) -> None:
    """A lost node, object, owner or stream has an error of its own, and the next version of Ray more of them."""
    ray = FakeRay([*[[raising(error)] for _ in range(MAX_KILLS - 1)], [(1.0, ("done", True))]])
    with cluster(ray, workers=1) as pool:
        pool.execute([ReferenceTask()], lambda event: None)
        assert [actor.is_killed for actor in ray.actors] == [True] * (MAX_KILLS - 1) + [False]
    assert [len(actor.performed) for actor in ray.actors] == [1] * MAX_KILLS


def test_what_an_actor_raises_itself_is_tried_once_more(cluster) -> None:
    """For instance because its node lacks a package."""
    error = RayTaskError("ModuleNotFoundError: No module named 'numpy'")
    ray = FakeRay([[raising(error)], [raising(error)]])
    with cluster(ray, workers=1) as pool, pytest.raises(InputError) as caught:
        pool.execute([ReferenceTask()], lambda event: None)
    assert str(caught.value) == (
        "Training the reference model failed twice: ModuleNotFoundError: No module named 'numpy'"
    )


def test_stacks_go_on_when_ray_is_lost_and_joined_again(cluster, task, saved) -> None:
    """All actors are new; the stack goes on from the checkpoint that the coordinator has."""
    ray = FakeRay([[checkpoint(task, 3, task.runs)], [], [(1.0, ("done", True))]])
    lost = DriverHere(ray, hears=3)
    with cluster(ray, workers=2, drivers=[lost]) as pool:
        pool.execute([task], lambda event: None)
    assert lost.is_closed
    performed = [stack.checkpoint for actor in ray.actors for stack in actor.performed]
    assert performed == [None, "checkpoints/v-3.safetensors"]


def test_a_ray_that_is_lost_again_and_again_ends_the_study_which_can_be_resumed(cluster, storage) -> None:
    """One sentence, and the folder to go on with."""
    ray = FakeRay()
    drivers = [DriverHere(ray, hears=1) for _ in range(MOST_LOSSES)]
    with cluster(ray, drivers=drivers) as pool, pytest.raises(EngineError) as caught:
        pool.execute([ReferenceTask()], lambda event: None)
    assert str(caught.value) == (
        "Ray must run as long as a study trains; it ended 3 times, at last because it was lost. "
        "Nothing recorded is lost."
    )
    assert caught.value.folder == storage.folder
    assert all(driver.is_closed for driver in drivers)


def test_a_cluster_that_is_lost_for_good_ends_the_study_which_can_be_resumed(cluster, monkeypatch) -> None:
    """Joining it again fails, which is not the user's mistake."""
    ray = FakeRay()

    def refuse(**options):
        raise ConnectionError("no head")

    with cluster(ray, drivers=[DriverHere(ray, hears=1)]) as pool:
        monkeypatch.setattr(ray, "init", refuse, raising=False)
        with pytest.raises(EngineError) as caught:
            pool.execute([ReferenceTask()], lambda event: None)
    assert str(caught.value) == (
        "Ray must run as long as a study trains; it ended (it was lost), and does not start again (`ray_address` must "
        "be that of a running Ray cluster; nothing answers at 'here:1'. Start one with `ray start --head`, or leave "
        "the address out to start Ray on this machine.). Nothing recorded is lost."
    )


def test_a_cluster_that_has_given_up_our_node_is_joined_again(cluster) -> None:
    """It would start no more actors for us, and say nothing."""
    ray = FakeRay()
    ray.is_starting_allowed = ray.is_node_alive = False
    with cluster(ray) as pool, pytest.raises(EngineError) as caught:
        pool.execute([ReferenceTask()], lambda event: None)
    assert "at last because the node of this process is gone" in str(caught.value)


def test_an_actor_that_dies_late_has_time_to_be_replaced(cluster) -> None:
    """The cluster's time to give a processor counts from when it was asked, not from the beginning of the study."""
    ray = FakeRay([[SILENT], [(1.0, ("done", True))]])
    with cluster(ray, workers=1, hang_seconds=3 * START_SECONDS) as pool:
        pool.execute([ReferenceTask()], lambda event: None)
    assert ray.now > 100.0 + 3 * START_SECONDS


def test_a_cluster_that_gives_nothing_is_refused_with_what_was_asked(cluster) -> None:
    """Processor and memory, for either may be what is missing."""
    ray = FakeRay()
    ray.is_starting_allowed = False
    with cluster(ray, workers=1) as pool, pytest.raises(InputError) as caught:
        pool.execute([ReferenceTask()], lambda event: None)
    assert str(caught.value) == (
        "A Ray cluster must have a free CPU and 0.8 GB of memory on one node; none became free in 120 seconds. "
        "Wait for its other jobs, or add nodes."
    )


def test_actors_reserve_memory_and_no_more_are_started_than_nodes_have(cluster, few_rows) -> None:
    """Two nodes of which each holds one actor: two of the four that processors would allow."""
    ray = FakeRay(nodes=(GIGABYTE, GIGABYTE))
    with cluster(ray) as pool:
        assert pool.workers == 2
        assert pool.free_memory().machines == (GIGABYTE, GIGABYTE)
        assert pool.free_memory().is_reserved
    reserved = base_bytes(few_rows) + NETWORK_BYTES
    assert [actor.options["memory"] for actor in ray.actors] == [reserved] * 2


def test_a_plan_that_needs_more_starts_its_actors_again(cluster) -> None:
    """With what the largest stack needs; one that needs no more ends the actors it has no use for."""
    ray = FakeRay()
    with cluster(ray) as pool:
        pool.keep_workers(3, 100 * MEBIBYTE)
        assert [actor.is_killed for actor in ray.actors] == [False, False, False, True]
        pool.keep_workers(2, 3 * GIGABYTE)
        assert [actor.is_killed for actor in ray.actors] == [True] * 4 + [False] * 2
        assert [actor.options["memory"] for actor in ray.actors[4:]] == [3 * GIGABYTE] * 2
        assert pool.workers == 2


def test_a_cluster_that_counts_no_memory_is_used_without(cluster) -> None:
    """Its owner said so when the nodes were started: then nothing is known, and nothing is asked for."""
    ray = FakeRay(nodes=(0, 0))
    with cluster(ray) as pool:
        assert pool.free_memory() is None
        pool.keep_workers(1, 10**12)
    assert [actor.options["memory"] for actor in ray.actors] == [None] * 4
    assert free_memory(ray) is None


def test_a_model_that_arrives_is_written_as_it_was(tmp_path):
    """The bytes that another node sends are those of the file there."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    save_model_atomically(model, tmp_path / "there.keras")
    save_model_atomically(ModelFile((tmp_path / "there.keras").read_bytes()), tmp_path / "here.keras")
    assert (tmp_path / "here.keras").read_bytes() == (tmp_path / "there.keras").read_bytes()
