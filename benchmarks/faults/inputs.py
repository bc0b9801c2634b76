"""Bad inputs: good files of every kind with bytes changed, for each reader of files from outside.

`benchmarks.fuzz` looks deeper, guided by coverage, but needs atheris; this needs nothing.
Each reader runs in a process of its own, so that an input that ends the process is counted, too.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.fuzz.targets import SCRATCH, TARGETS, lower_limits, place_of
from justright.errors import JustrightError

MOST_CHANGES = 4
SPARSE = 64  # a change replaces at most one byte in so many
READ, REFUSED = "read", "refused"


def try_bad_inputs(inputs: int, seed: int) -> int:
    """Feed each reader so many changed files; print the counts, and return how many were neither read nor refused."""
    total: Counter[str] = Counter()
    for name in TARGETS:
        counts: Counter[str] = Counter()
        while (done := sum(counts.values())) < inputs:
            command = [sys.executable, "-m", __name__, name, str(seed), str(done), str(inputs)]
            run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            counts.update(run.stdout.splitlines())
            if run.returncode:
                counts[f"ended the process with {run.returncode}"] += 1
        print(
            f"  {name:12} " + ", ".join(f"{count} {how}" for how, count in sorted(counts.items())), flush=True
        )
        total += counts
    wrong = sum(total.values()) - total[READ] - total[REFUSED]
    print(f"bad inputs tried: {sum(total.values())}; anything but read or refused: {wrong}", flush=True)
    return wrong


def feed(name: str, seed: int, first: int, last: int) -> None:
    """Feed one reader the inputs numbered `first` to `last - 1`; print one line about each."""
    target = TARGETS[name]
    target.load()
    lower_limits()
    seeds = target.seeds()
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        for number in range(first, last):
            dice = random.Random(f"{seed} {name} {number}")  # noqa: S311  # files, not secrets
            try:
                target.run(change(dice.choice(seeds), dice), Path(folder))
                print(READ, flush=True)
            except JustrightError:
                print(REFUSED, flush=True)
            except Exception as error:  # noqa: BLE001  # any other error is what we look for
                print(place_of(error), flush=True)


def change(data: bytes, dice: random.Random) -> bytes:
    """Return some bytes of a good file cut off, removed, repeated or replaced."""
    content = bytearray(data)
    for _ in range(dice.randint(1, MOST_CHANGES)):
        start = dice.randrange(len(content) + 1)
        end = min(len(content), start + dice.randint(1, 1 + len(content) // SPARSE))
        match dice.randrange(4):
            case 0:
                del content[start:end]
            case 1:
                content[start:start] = content[start:end] * dice.randint(1, 3)
            case 2:
                content[start:end] = dice.randbytes(end - start)
            case _:
                del content[dice.choice((end, len(content))) :]
    return bytes(content)


if __name__ == "__main__":
    feed(sys.argv[1], *map(int, sys.argv[2:]))
