"""Studies killed and interrupted at random moments: what is lost, and how long an interrupted command takes to end."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import psutil

from benchmarks.bitwise import DATABASE, Measured
from benchmarks.bitwise import differences as value_differences
from benchmarks.faults.commands import RAY_SERVERS, Command, Place, contents, differences, name_of

POLL_SECONDS = 0.01
SHOWN_VALUES = 5
# The moment lies at most so long after the phase was seen to begin, anywhere with equal chance. A checkpoint's file comes
# first; the database records it within milliseconds.
PHASE_SECONDS = {"start": 1.5, "compile": 3.0, "train": 1.0, "checkpoint": 0.06, "report": 3.0}
# A study is killed once in each of these phases, in random order, and then `REPORT_KILLS` times while it is judged and
# reported.
KILLED_DURING = ("start", *("compile",) * 3, *("train",) * 4, *("checkpoint",) * 4)
REPORT_KILLS = 2
WORKER_SHARE = 0.6  # of kills that may meet a worker, how many do
SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A study is interrupted once in each of these phases, in random order, and then while it is judged and reported.
INTERRUPTED_DURING = ("start", "compile", "train", "train", "checkpoint")
PROMISED_SECONDS = 5.0
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def run_kills(place: Place, kills: int, dice: random.Random, *, engine: Sequence[str] = ()) -> int:
    """Kill studies at so many moments; print the counts, and return how many studies were not identical.

    Args:
        place: where studies go.
        kills: how many.
        dice: chooses moments and victims.
        engine: the options that choose the engine; with Ray its servers are victims, too.
    """
    if not kills:
        return 0
    tried: Counter[str] = Counter()
    phases: Counter[str] = Counter()
    studies = identical = 0
    while sum(tried.values()) < kills:
        studies += 1
        out = f"killed-{'ray-' if engine else ''}{studies}"
        left = kills - sum(tried.values())
        kill_one_study(place, out, draw_phases(dice)[-left:], dice, tried, phases, engine)
        lost = differences(contents(place.path / out), place.found)
        identical += not lost
        said = f"LOST {lost}" if lost else "identical"
        print(f"{out}: {sum(tried.values())} kills so far; {said}", flush=True)
        if lost:
            print_values(place, out)
    print(f"kills tried: {sum(tried.values())} ({counts(tried)}; {counts(phases)})")
    print(
        f"resumes identical: {identical} of {studies} studies, each killed again and again and resumed to its end"
    )
    return studies - identical


def print_values(place: Place, out: str) -> None:
    """Print the first values in which a study differs from the undisturbed one, as far as both have any."""
    folders = place.path / "undisturbed", place.path / out
    if all((folder / DATABASE).is_file() for folder in folders):
        for line in islice(value_differences(*map(Measured.read, folders)), SHOWN_VALUES):
            print(f"    {line}", flush=True)


def counts(counter: Counter[str]) -> str:
    """Return the counts in words."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items()))


def draw_phases(dice: random.Random) -> list[str]:
    """Return the phases in which to kill one study, in order; those after training come last."""
    during = list(KILLED_DURING)
    dice.shuffle(during)
    return during + ["report"] * REPORT_KILLS


def kill_one_study(
    place: Place,
    out: str,
    phases: list[str],
    dice: random.Random,
    tried: Counter[str],
    seen: Counter[str],
    engine: Sequence[str] = (),
) -> None:
    """Kill one study once in each phase and go on with it each time, the last time to its end."""
    command = place.start(out, engine=engine)
    has_lost_ray = False
    for phase in phases:
        wait_for_phase(command, phase, dice)
        if command.is_over():
            if command.end()[0] == 0:
                return
            raise SystemExit(f"{out} ended with {command.end()}")
        workers = command.workers() if phase in ("compile", "train", "checkpoint") else []
        servers = [one for one in command.descendants() if name_of(one) in RAY_SERVERS]
        if workers and dice.random() < WORKER_SHARE:
            with suppress(psutil.NoSuchProcess):
                dice.choice(workers).kill()
            tried["of a worker"] += 1
        elif servers and not has_lost_ray:
            with suppress(psutil.NoSuchProcess):
                dice.choice(servers).kill()
            tried["of a server of Ray's"] += 1
            has_lost_ray = True
        else:
            command.process.kill()
            command.process.wait()
            tried["of the coordinator"] += 1
            command, has_lost_ray = place.start(out, engine=engine), False
        seen[f"during {phase}"] += 1
    code, said = command.end()
    if code:
        raise SystemExit(f"{out} ended with {code}: {said}")


@dataclass(frozen=True)
class Interruption:
    """How a command ended after it was sent a signal."""

    phase: str
    number: signal.Signals
    seconds: float
    code: int

    @property
    def is_kept(self) -> bool:
        """Whether the promise was kept: gone in time, with the right exit code."""
        # Until a program has said how it takes a signal, the system ends it; it has recorded nothing by then.
        is_before_all = self.phase == "start" and self.code == -self.number
        return (self.code == INTERRUPTED or is_before_all) and self.seconds <= PROMISED_SECONDS


def hear_interrupts() -> None:
    """Let commands hear SIGINT, even where a shell runs this in the background and has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def run_interruptions(place: Place, count: int, dice: random.Random) -> int:
    """Interrupt studies at so many moments; print the times, and return how many broke a promise or lost something."""
    if not count:
        return 0
    tried: list[Interruption] = []
    studies = identical = 0
    while len(tried) < count:
        studies += 1
        out = f"interrupted-{studies}"
        tried += interrupt_one_study(place, out, count - len(tried), dice)
        identical += not differences(contents(place.path / out), place.found)
    print(f"interruptions tried: {len(tried)} ({describe(tried)})")
    print(
        f"resumes identical: {identical} of {studies} studies, each interrupted again and again", flush=True
    )
    return studies - identical + sum(not one.is_kept for one in tried)


def describe(tried: Iterable[Interruption]) -> str:
    """Return the counts and times in words, with every broken promise."""
    tried = list(tried)
    parts = [f"{count} {name}" for name, count in sorted(Counter(one.number.name for one in tried).items())]
    times = sorted(one.seconds for one in tried)
    parts.append(f"exit code {INTERRUPTED}: {sum(one.code == INTERRUPTED for one in tried)}")
    parts.append(f"gone after {times[len(times) // 2]:.1f} s in the median, {times[-1]:.1f} s at most")
    parts += [
        f"BROKEN: {one.number.name} during {one.phase}, code {one.code} after {one.seconds:.1f} s"
        for one in tried
        if not one.is_kept
    ]
    return "; ".join(parts)


def interrupt_one_study(place: Place, out: str, most: int, dice: random.Random) -> list[Interruption]:
    """Interrupt a study at up to `most` moments and go on with it each time, the last time to its end."""
    phases = list(INTERRUPTED_DURING)
    dice.shuffle(phases)
    tried: list[Interruption] = []
    for phase in [*phases, "report"][-most:]:
        command = place.start(out)
        one = interrupt(command, phase, dice)
        if one is None:
            break
        tried.append(one)
    code, said = place.start(out).end()
    if code:
        raise SystemExit(f"{out} ended with {code}: {said}")
    return tried


def interrupt(command: Command, phase: str, dice: random.Random) -> Interruption | None:
    """Send a command a signal in a phase; return None when it ended by itself before the signal reached it."""
    while not command.is_over() and not command.folder.is_dir():
        time.sleep(POLL_SECONDS)  # until then Python starts, and a signal ends it like any program
    wait_for_phase(command, phase, dice)
    number = dice.choice(SIGNALS)
    sent = time.monotonic()
    if command.is_over():
        return None
    command.process.send_signal(number)
    code, _ = command.end()
    seconds = time.monotonic() - sent
    return Interruption(phase, number, seconds, code) if code else None


def wait_for_phase(command: Command, phase: str, dice: random.Random) -> None:
    """Wait until a random moment of a phase, or until the command has ended."""
    began = time.time()
    had_workers = False
    while not command.is_over():
        workers = bool(command.workers())
        had_workers |= workers
        if (
            phase == "start"
            or (phase == "compile" and workers)
            or (phase in ("train", "checkpoint") and command.written(began))
            or (phase == "report" and had_workers and not workers)
        ):
            break
        time.sleep(POLL_SECONDS)
    moment = time.monotonic() + dice.uniform(0, PHASE_SECONDS[phase])
    while not command.is_over() and time.monotonic() < moment:
        time.sleep(POLL_SECONDS)
