"""Is anything lost? A study is killed at random moments, and met by other faults, and compared with an undisturbed one.

    python -m benchmarks.faults                     # 100 kills, then every other fault once
    python -m benchmarks.faults --kills 10 --kinds "disk full,database damaged"

Killed is the coordinator or one of its workers, with kill -9; the same command then goes on. Compared, bit by bit, are
every curve, best epoch, row loss, model weight, verdict and effect. Moments are drawn uniformly over the time that an
undisturbed study takes. The exit code is 1 when anything differs.
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

from benchmarks._fault_kinds import KINDS, Seen
from benchmarks._fault_study import Place, contents, differences

EPOCHS = 3_000  # about ten seconds on two processors, so that moments fall into every phase
SHOWN_CHARACTERS = 110
SHORTER = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100, help="kills at random moments")
    parser.add_argument("--kinds", default=",".join(KINDS), help="other faults, by commas; '' for none")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--out", type=Path, help="where the studies go; a temporary folder if not given")
    options = parser.parse_args()
    kinds = [name.strip() for name in options.kinds.split(",") if name.strip()]
    for name in kinds:
        if name not in KINDS:
            parser.error(f"--kinds must be of {', '.join(KINDS)}; got {name!r}")
    os.environ.setdefault("KERAS_BACKEND", "jax")  # models are opened to compare their weights
    with tempfile.TemporaryDirectory() as temporary:
        place = Place((options.out or Path(temporary)).absolute(), options.epochs)
        place.make()
        seconds = run_undisturbed(place)
        print(f"undisturbed: {len(place.found)} things compared, {seconds:.1f} s", flush=True)
        lost = run_kills(place, options.kills, random.Random(options.seed), seconds)  # noqa: S311  # moments, not secrets
        return int(bool(lost + run_kinds(place, kinds)))


def run_undisturbed(place: Place) -> float:
    """Run the study twice, the first time to compile its programs; return how long the second took."""
    for out in ("compiling", "undisturbed"):
        started = time.monotonic()
        code, said = place.start(out).end()
        if code:
            sys.exit(f"The undisturbed study ended with {code}: {said}")
    place.found = contents(place.path / "undisturbed")
    assert differences(contents(place.path / "compiling"), place.found) == [], "not even a rerun is the same"
    return time.monotonic() - started


def run_kills(place: Place, kills: int, dice: random.Random, seconds: float) -> int:
    """Kill at so many moments; print the counts, and return how many studies were not identical."""
    tried: Counter[str] = Counter()
    studies = identical = 0
    while sum(tried.values()) < kills:
        studies += 1
        out = f"killed-{studies}"
        before = sum(tried.values())
        kill_one_study(place, out, kills, dice, seconds, tried)
        if sum(tried.values()) == before:  # it ended before its moment came: draw from a shorter time
            seconds *= SHORTER
        lost = differences(contents(place.path / out), place.found)
        identical += not lost
        print(
            f"{out}: {sum(tried.values())} kills so far; " + (f"LOST {lost}" if lost else "identical"),
            flush=True,
        )
    counts = ", ".join(f"{count} of a {name}" for name, count in sorted(tried.items()))
    print(
        f"kills tried: {sum(tried.values())} ({counts}); studies resumed to their end: {studies}; identical: {identical}"
    )
    return studies - identical


def kill_one_study(
    place: Place, out: str, kills: int, dice: random.Random, seconds: float, tried: Counter[str]
) -> None:
    """Kill one study, and go on with it, until it ends or enough kills were tried."""
    command = place.start(out)
    while True:
        moment = time.monotonic() + dice.uniform(0, seconds)
        while not command.is_over() and (time.monotonic() < moment or sum(tried.values()) >= kills):
            time.sleep(0.02)
        if not command.is_over():
            name, number = command.victim(dice)
            with suppress(psutil.NoSuchProcess):
                psutil.Process(number).kill()
                tried[name] += 1
            if name == "worker":
                continue
        code, said = command.end()
        if code == 0:
            return
        if code != -9:
            print(f"{out}: ended with {code}: {said[-300:]}", flush=True)
        command = place.start(out)


def run_kinds(place: Place, kinds: list[str]) -> int:
    """Meet a study with each fault once; print a line each, and return how many did not go as they should."""
    wrong = 0
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
    return wrong


def is_well(seen: Seen) -> bool:
    """Whether a fault led to what it should, and to nothing lost."""
    return seen.is_right and not seen.lost


if __name__ == "__main__":
    sys.exit(main())
