"""Is anything lost? A study is killed at random moments, and met by other faults, and compared with an undisturbed one.

    python -m benchmarks.faults                     # 100 kills, 20 interruptions, every other fault once, 12,000 bad inputs
    python -m benchmarks.faults --kills 10 --interruptions 0 --kinds "disk full,database damaged"

Killed is the coordinator or one of its workers, with kill -9; interrupted the coordinator, by SIGINT or SIGTERM; the same
command then goes on. Compared, bit by bit, are every curve, best epoch, row loss, model weight, verdict and effect.
Moments are random within each phase of a study: start, compilation, training, the writing of a checkpoint and its record,
judging and reporting. The exit code is 1 when anything differs, or an interrupted command took longer than it may.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks._fault_inputs import try_bad_inputs
from benchmarks._fault_kinds import KINDS, Seen
from benchmarks._fault_phases import wait_for_phase
from benchmarks._fault_signals import hear_interrupts, run_interruptions
from benchmarks._fault_study import Place, contents, differences

EPOCHS = 600  # several seconds on two processors, many checkpoints
SHOWN_CHARACTERS = 110
INPUTS = 2_000
INTERRUPTIONS = 20
# One study is killed once for each of these, in any order, and then so often while it is judged and reported.
DURING = ("start", *("compile",) * 3, *("train",) * 4, *("checkpoint",) * 4)
REPORT_KILLS = 2
WORKER_SHARE = 0.6


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100, help="kills at random moments")
    parser.add_argument("--interruptions", type=int, default=INTERRUPTIONS, help="signals at random moments")
    parser.add_argument("--kinds", default=",".join(KINDS), help="other faults, by commas; '' for none")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="bad inputs for each reader")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--out", type=Path, help="where the studies go; a temporary folder if not given")
    parser.add_argument("--cold", action="store_true", help="import everything again in each command, slowly")
    options = parser.parse_args()
    kinds = [name.strip() for name in options.kinds.split(",") if name.strip()]
    for name in kinds:
        if name not in KINDS:
            parser.error(f"--kinds must be of {', '.join(KINDS)}; got {name!r}")
    hear_interrupts()
    os.environ.setdefault("KERAS_BACKEND", "jax")  # models are opened to compare their weights
    with tempfile.TemporaryDirectory() as temporary:
        place = Place((options.out or Path(temporary)).absolute(), options.epochs, is_forked=not options.cold)
        place.make()
        lost, dice = 0, random.Random(options.seed)  # noqa: S311  # moments, not secrets
        if options.kills or options.interruptions or kinds:
            run_undisturbed(place)
            lost += run_kills(place, options.kills, dice)
            lost += run_interruptions(place, options.interruptions, dice)
            lost += run_kinds(place, kinds)
        if options.inputs:
            lost += try_bad_inputs(options.inputs, options.seed)
        print("nothing lost" if not lost else f"LOST OR WRONG: {lost}")
        return int(bool(lost))


def run_undisturbed(place: Place) -> None:
    """Run the study twice, first in processes of their own, which compiles its programs, then forked."""
    is_forked = place.is_forked
    for out, place.is_forked in (("own-processes", False), ("undisturbed", is_forked)):
        started = time.monotonic()
        code, said = place.start(out).end()
        if code:
            sys.exit(f"The undisturbed study ended with {code}: {said}")
        print(f"{out}: {time.monotonic() - started:.1f} s", flush=True)
    place.found = contents(place.path / "undisturbed")
    assert differences(contents(place.path / "own-processes"), place.found) == [], (
        "not even a rerun is the same"
    )
    print(f"{len(place.found)} things are compared", flush=True)


def run_kills(place: Place, kills: int, dice: random.Random) -> int:
    """Kill at so many moments; print the counts, and return how many studies were not identical."""
    if not kills:
        return 0
    tried: Counter[str] = Counter()
    phases: Counter[str] = Counter()
    studies = identical = 0
    while sum(tried.values()) < kills:
        studies += 1
        out = f"killed-{studies}"
        left = kills - sum(tried.values())
        kill_one_study(place, out, draw_phases(dice)[-left:], dice, tried, phases)
        lost = differences(contents(place.path / out), place.found)
        identical += not lost
        said = f"LOST {lost}" if lost else "identical"
        print(f"{out}: {sum(tried.values())} kills so far; {said}", flush=True)
    print(f"kills tried: {sum(tried.values())} ({counts(tried)}; {counts(phases)})")
    print(
        f"resumes identical: {identical} of {studies} studies, each killed again and again and resumed to its end"
    )
    return studies - identical


def counts(counter: Counter[str]) -> str:
    """Return what was counted, in words."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items()))


def draw_phases(dice: random.Random) -> list[str]:
    """Return when to kill one study, in order; what comes after training must be last."""
    during = list(DURING)
    dice.shuffle(during)
    return during + ["report"] * REPORT_KILLS


def kill_one_study(
    place: Place, out: str, phases: list[str], dice: random.Random, tried: Counter[str], seen: Counter[str]
) -> None:
    """Kill one study once in each of these phases, going on with it each time, and then to its end."""
    command = place.start(out)
    has_lost_worker = False
    for phase in phases:
        wait_for_phase(command, phase, dice)
        if command.is_over():
            if command.end()[0] == 0:
                return
            raise SystemExit(f"{out} ended with {command.end()}")
        workers = command.workers()
        # One worker a command: a stack that loses two is marked failed, which another fault shows.
        is_worker = phase in ("compile", "train", "checkpoint") and workers and not has_lost_worker
        if is_worker and dice.random() < WORKER_SHARE:
            with suppress(psutil.NoSuchProcess):
                dice.choice(workers).kill()
            tried["of a worker"] += 1
            has_lost_worker = True
        else:
            command.process.kill()
            command.process.wait()
            tried["of the coordinator"] += 1
            command, has_lost_worker = place.start(out), False
        seen[f"during {phase}"] += 1
    code, said = command.end()
    if code:
        raise SystemExit(f"{out} ended with {code}: {said}")


def run_kinds(place: Place, kinds: list[str]) -> int:
    """Meet a study with each fault once; print a line each, and return how many did not go as they should."""
    wrong = 0
    if not kinds:
        return 0
    print(f"\n{'fault':28} {'exit':>4}  {'as it should':12} {'afterwards':12} said")
    for name in kinds:
        seen = KINDS[name](place, name.replace(" ", "-"))
        wrong += not is_well(seen)
        after = "-" if seen.lost is None else "LOST" if seen.lost else "identical"
        print(
            f"{name:28} {seen.code:>4}  {'yes' if seen.is_right else 'NO':12} {after:12} {seen.said[-SHOWN_CHARACTERS:]}"
        )
        for what in seen.lost or ():
            print(f"{'':30} lost: {what[:SHOWN_CHARACTERS]}")
        sys.stdout.flush()
    print(f"faults injected: {len(kinds)} kinds; as they should, and nothing lost: {len(kinds) - wrong}")
    return wrong


def is_well(seen: Seen) -> bool:
    """Whether a fault led to what it should, and to nothing lost."""
    return seen.is_right and not seen.lost


if __name__ == "__main__":
    sys.exit(main())
