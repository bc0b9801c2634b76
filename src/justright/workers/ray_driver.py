"""The process that talks to Ray, one command of the coordinator at a time.

It is one of its own because Ray ends the process it is in when it loses its servers, and changes its signal handlers, its
output and its environment. Ray is imported here only, and sends no usage statistics.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Client
from typing import Any

import psutil

from justright.errors import InputError, JustrightError
from justright.runs.tasks import StudyRows
from justright.workers.memory import FreeMemory
from justright.workers.pool import Message
from justright.workers.ray_connection import RayLostError
from justright.workers.ray_worker import UNREAD_MESSAGES, Checkpoint, RayWorker, installed_versions
from justright.workers.worker import die_with_parent

# Read by Ray when it is started: nothing is sent anywhere, and no warning about a change of how it hides GPUs.
RAY_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
# Ray gives its own agent a fixed 15 seconds to start, and raises a bare Exception if that is too short (ray issue 65983);
# at the next attempt its files are in memory.
START_TRIES = 3
# A process that does not report its processor time within this time is stopped, or stuck in code that lets nothing else
# run. It is asked only after a long silence; the coordinator waits meanwhile.
ANSWER_SECONDS = 5.0
# A message whose arrival has been announced may still be on another node, which may be lost before Ray notices.
FETCH_SECONDS = 60.0
# Without these two a Ray that was started here is of no use.
SERVERS = ("gcs_server", "raylet")


@dataclass(slots=True, eq=False)
class Actor:
    """An actor: starting, idle, or streaming messages.

    Args:
        handle: Ray's own.
        starting: the reply that makes it ready; None once it has arrived.
        stream: its messages during a task; None otherwise.
        processor_seconds: processor time it had used when it last spoke.
    """

    handle: Any
    starting: Any
    stream: Any = None
    processor_seconds: float = 0.0


class RayDriver:
    """Ray's side of a `RayCluster`, which refers to actors by number.

    Args:
        ray: the package.
    """

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._rows: Any = None
        self._actors: dict[int, Actor] = {}
        self._servers: list[psutil.Process] = []

    def open(
        self, rows: StudyRows, address: str | None, cores: int
    ) -> tuple[dict[str, float], FreeMemory | None]:
        """Join a cluster or start one, and return its resources and the memory of its nodes.

        Raises:
            InputError: the cluster is not there, or does not start.
        """
        connect(self._ray, address, cores=cores)
        if address is None:
            self._servers = [child for child in psutil.Process().children() if child.name() in SERVERS]
        self._rows = self._ray.put(rows)
        return dict(self._ray.cluster_resources()), free_memory(self._ray)

    def leave(self) -> None:
        """Leave a cluster that goes on; the keeper ends one that was started here."""
        if not self._servers:
            self._ray.shutdown()

    def start(self, number: int, options: Mapping[str, Any]) -> None:
        """Request an actor, which the cluster may put on any node."""
        self._check_servers()
        # max_concurrency: `stop` is heard while `perform` is under way
        actor = self._ray.remote(RayWorker).options(num_cpus=1, max_concurrency=2, **options)
        handle = actor.remote(self._rows)
        self._actors[number] = Actor(handle, handle.versions.remote())

    def give(self, number: int, task: bytes, checkpoint: Checkpoint | None) -> None:
        """Send a pickled task, and the checkpoint it goes on from."""
        actor = self._actors[number]
        actor.stream = actor.handle.perform.options(
            num_returns="streaming", _generator_backpressure_num_objects=UNREAD_MESSAGES
        ).remote(task, checkpoint)

    def request_stop(self, number: int) -> None:
        """Call an actor's `stop`, which runs while it trains."""
        self._actors[number].handle.stop.remote()

    def hear(self, numbers: Sequence[int], seconds: float) -> list[tuple[int, float, Message]]:
        """Return one message of each actor that has something to say, with its processor time.

        Raises:
            InputError: a node has other versions.
            RayLostError: Ray has lost its servers.
        """
        self._check_servers()
        actors = {number: self._actors[number] for number in numbers}
        sources = {source: number for number, one in actors.items() if (source := one.starting or one.stream)}
        if not sources:
            return []
        ready, _ = self._ray.wait(list(sources), num_returns=1, timeout=seconds)
        if not ready and any(actor.starting is not None for actor in actors.values()):
            self._check_node()
        heard = []
        for source in ready:
            actor = actors[sources[source]]
            message = self._next_message(actor)
            heard.append((sources[source], actor.processor_seconds, message))
        return heard

    def processor_seconds(self, number: int) -> float:
        """Ask an actor; if it does not answer, return what it said last."""
        actor = self._actors[number]
        # No answer in time, or it is dead, which its stream will tell, too.
        with suppress(self._ray.exceptions.RayError):
            actor.processor_seconds = float(
                self._ray.get(actor.handle.processor_seconds.remote(), timeout=ANSWER_SECONDS)
            )
        return actor.processor_seconds

    def end(self, number: int) -> None:
        """Let Ray kill an actor's process."""
        self._ray.kill(self._actors.pop(number).handle)

    def _next_message(self, actor: Actor) -> Message:
        """Return an actor's next message; whatever goes wrong between it and this process is its end."""
        message: Message
        try:
            if actor.starting is None:
                actor.processor_seconds, message = self._ray.get(next(actor.stream), timeout=FETCH_SECONDS)
                if message[0] not in ("event", "tensors", "model"):
                    actor.stream = None
                return message
            theirs = self._ray.get(actor.starting, timeout=FETCH_SECONDS)
        except Exception as error:  # noqa: BLE001  # Ray has dozens of errors for an actor, node or object that is lost
            actor.starting = actor.stream = None
            return "died" if self._is_own_fault(error) else "killed", _reason_of(error)
        _check_versions(theirs)
        actor.starting = None
        return ("ready",)

    def _is_own_fault(self, error: Exception) -> bool:
        """Whether an actor itself failed, which it would do again, for instance because its node lacks a package."""
        errors = self._ray.exceptions
        is_raised = isinstance(error, (errors.RayTaskError, errors.RuntimeEnvSetupError))
        return is_raised or getattr(error, "actor_init_failed", False)

    def _check_servers(self) -> None:
        """Raise RayLostError if a server that was started here is gone. Ray would notice a minute later, or never."""
        for server in self._servers:
            if not server.is_running() or server.status() == psutil.STATUS_ZOMBIE:
                raise RayLostError(f"its server process {server.pid} is gone")

    def _check_node(self) -> None:
        """Raise RayLostError if the cluster has given up the node that this process is on: it starts no more actors."""
        mine = self._ray.get_runtime_context().get_node_id()
        if any(node["NodeID"] == mine and not node["Alive"] for node in self._ray.nodes()):
            raise RayLostError("the node of this process is gone")


def main() -> None:
    """Carry out the coordinator's commands until it closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # left to the coordinator
    die_with_parent()
    address, key = sys.stdin.buffer.readline().decode().split()
    connection = Client(address, authkey=bytes.fromhex(key))
    import ray

    driver = RayDriver(ray)
    with suppress(EOFError):
        name = ""
        while name != "leave":
            name, arguments = connection.recv()
            connection.send(_answer(driver, name, arguments))
    os._exit(0)  # the keeper ends what there is; Ray's own way would take seconds


def _answer(driver: RayDriver, name: str, arguments: Sequence[Any]) -> tuple[str, Any]:
    """Call a method; return how that ended, and its answer."""
    try:
        return "answer", getattr(driver, name)(*arguments)
    except JustrightError as error:
        return "refused", str(error)
    except RayLostError as ended:
        return "ended", str(ended)


def connect(ray: Any, address: str | None, *, cores: int) -> None:
    """Join the cluster whose head is at `address`; without an address, start Ray here with `cores` processors to offer.

    Raises:
        InputError: nothing answers at the address, or Ray does not start here.
    """
    os.environ.update(RAY_SETTINGS)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        _start_here(ray, num_cpus=cores, include_dashboard=False, **quiet)
        return
    if "://" in address:  # Ray's client protocol cannot stream what actors say
        raise InputError(
            f"`ray_address` must be 'auto' or HOST:PORT of a Ray cluster; got {address!r}. "
            "Run this on a node of the cluster, or send it there with `ray job submit`."
        )
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"`ray_address` must be that of a running Ray cluster; nothing answers at {address!r}. "
            "Start one with `ray start --head`, or leave the address out to start Ray on this machine."
        ) from error


def free_memory(ray: Any) -> FreeMemory | None:
    """Return the memory that Ray has available on each node of the cluster; None if its nodes offer none.

    Ray counts the memory that actors requested, not what they use. Unless its owner said otherwise, other programs keep
    what they used when a node was started.
    """
    # Ray's own call for developers; the public ones give sums over all nodes, but an actor runs on one.
    nodes = ray._private.state.available_resources_per_node()
    machines = tuple(int(node["memory"]) for node in nodes.values() if node.get("memory", 0) >= 1)
    return FreeMemory(machines, is_reserved=True) if machines else None


def _start_here(ray: Any, **options: Any) -> None:
    """Start Ray on this machine; on a busy one this may take several attempts."""
    for tries_left in reversed(range(START_TRIES)):
        try:
            ray.init(address="local", **options)
            return
        except Exception as error:
            ray.shutdown()
            if not tries_left:
                raise InputError(
                    f"Ray must start on this machine for `engine` 'ray'; it did not ({error}). "
                    "Try again when the machine is less busy, or take engine 'local'."
                ) from error


def _check_versions(theirs: dict[str, str]) -> None:
    """Raise InputError unless a node has the same versions as this process."""
    for package, ours in installed_versions().items():
        if theirs[package] != ours:
            raise InputError(
                f"Every node of the Ray cluster must have the same {package}; this process has {ours}, a node "
                f"{theirs[package]}. Install {package}=={ours} on every node."
            )


def _reason_of(error: Exception) -> str:
    """Return Ray's own description of an error in one line, without its advice."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.rpartition("The actor is dead because ")[2].partition(" Some common causes")[0]


if __name__ == "__main__":
    main()
