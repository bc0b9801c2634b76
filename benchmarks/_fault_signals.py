"""Studies interrupted by SIGINT and SIGTERM at random moments: how long a command takes to end, and with what code."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks._fault_phases import POLL_SECONDS, wait_for_phase
from benchmarks._fault_study import Command, Place, contents, differences

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Each study is interrupted once in each of these, in any order, and then while it is judged and reported.
DURING = ("start", "compile", "train", "train", "checkpoint")
PROMISED_SECONDS = 5.0
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


@dataclass(frozen=True)
class Interruption:
    """How a command ended that was sent a signal."""

    phase: str
    number: signal.Signals
    seconds: float
    code: int

    @property
    def is_kept(self) -> bool:
        """Whether the promise was: gone in time, with the right code."""
        return self.code == INTERRUPTED and self.seconds <= PROMISED_SECONDS


def hear_interrupts() -> None:
    """Let commands hear SIGINT: they inherit that it is ignored, where this runs in the background of a shell."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def run_interruptions(place: Place, count: int, dice: random.Random) -> int:
    """Interrupt at so many moments; print times, and return how many did not go as promised, or lost something."""
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
    """Return what was counted, in words, every broken promise by itself."""
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
    """Interrupt a study at up to `most` moments, going on with it each time, and then to its end."""
    phases = list(DURING)
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
    """Send a command a signal in a phase; None when it ended by itself before it heard of it."""
    while not command.is_over() and not command.folder.is_dir():
        time.sleep(POLL_SECONDS)  # before that Python starts, and a signal ends it as it ends any program
    wait_for_phase(command, phase, dice)
    number = dice.choice(SIGNALS)
    sent = time.monotonic()
    if command.is_over():
        return None
    command.process.send_signal(number)
    code, _ = command.end()
    seconds = time.monotonic() - sent
    return Interruption(phase, number, seconds, code) if code else None
