"""Faults of a Ray cluster, on this machine: actors, servers and nodes killed, and what is left of a Ray afterwards."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable

import psutil

from benchmarks.faults.commands import RAY_SERVERS, Command, Place, name_of
from benchmarks.faults.kinds import Seen, kill, lost, resumed
from benchmarks.faults.ray_nodes import Nodes

RAY = ("--engine", "ray")
LEFT_SECONDS = 15.0  # after which nothing of a Ray may be left whose coordinator was killed
ACTOR_KILLS = 4
MOST_LOSSES = 3  # of Ray itself, which end a study


def actors_killed(place: Place, out: str) -> Seen:
    """All actors at once, again and again: when they have started, and when their stacks have got further."""
    command = place.start(out, engine=RAY)
    for number in range(ACTOR_KILLS):
        if number == 0:
            wait_for(command, lambda: len(command.workers()) == 2)
        else:
            command.wait_for_checkpoint(since=time.time())
        end_all(command.workers())
    code, said = command.end()
    return Seen(code, said, code == 0, lost(place, out))


def server_killed(name: str, place: Place, out: str) -> Seen:
    """One of Ray's two servers: Ray is started again, and the study goes on."""
    command = place.start(out, engine=RAY)
    command.wait_for_checkpoint()
    end_all(servers(command, name))
    code, said = command.end()
    return Seen(code, said, code == 0, lost(place, out))


def servers_killed(place: Place, out: str) -> Seen:
    """Ray does not stay alive: the study ends with one sentence, and goes on with the next command; or it is done before."""
    command = place.start(out, engine=RAY)
    for _ in range(MOST_LOSSES):
        wait_for(command, lambda: bool(command.workers()))
        end_all(servers(command, "raylet"))
        wait_for(command, lambda: not command.workers())
    code, said = command.end()
    is_right = "Traceback" not in said and (code == 0 or (code == 2 and "To go on: justright run" in said))
    return Seen(code, said, is_right, resumed(place, out))


def coordinator_killed(place: Place, out: str) -> Seen:
    """Nothing of its Ray is left a little later, not even of an actor that is stopped."""
    command = place.start(out, engine=RAY)
    command.wait_for_checkpoint()
    started = command.descendants()
    for worker in command.workers()[:1]:
        worker.suspend()
    kill(command)
    _, left = psutil.wait_procs(started, timeout=LEFT_SECONDS)
    said = f"{len(started)} processes, left: {[name_of(process) for process in left]}"
    return Seen(-9, said, bool(started) and not left, resumed(place, out))


def node_killed(place: Place, out: str) -> Seen:
    """One of a cluster's two nodes, in the middle: its actor's stack goes on on the other."""
    with Nodes() as nodes:
        command = place.start(out, engine=(*RAY, "--ray-address", nodes.address))
        command.wait_for_checkpoint(2)
        nodes.kill_one()
        code, said = command.end()
    return Seen(code, said, code == 0, lost(place, out))


def servers(command: Command, *names: str) -> list[psutil.Process]:
    """Return the servers of a command's own Ray."""
    return [process for process in command.descendants() if name_of(process) in (names or RAY_SERVERS)]


def wait_for(command: Command, is_there: Callable[[], bool]) -> None:
    """Wait until something is there, or the command has ended."""
    while not command.is_over() and not is_there():
        time.sleep(0.05)


def end_all(processes: list[psutil.Process]) -> None:
    """Kill them."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


IS_INSTALLED = importlib.util.find_spec("ray") is not None
KINDS: dict[str, Callable[[Place, str], Seen]] = {
    "actors killed": actors_killed,
    "raylet killed": lambda place, out: server_killed("raylet", place, out),
    "GCS killed": lambda place, out: server_killed("gcs_server", place, out),
    "raylets killed repeatedly": servers_killed,
    "coordinator of Ray killed": coordinator_killed,
    "node killed": node_killed,
}
