"""Bad inputs: good files of every kind with bytes changed, for each reader of files from outside.

`benchmarks.fuzz` looks deeper, guided by coverage, and needs atheris; this needs nothing and says that the promise holds here.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from benchmarks._fuzz_targets import TARGETS
from benchmarks.fuzz import SCRATCH, lower_limits, place_of
from justright.errors import JustrightError

MOST_CHANGES = 4
SPARSE = 64  # the share of bytes that a change replaces is at most one in so many


def try_bad_inputs(inputs: int, dice: random.Random) -> int:
    """Feed each reader so many changed files; print the counts, and return how many did worse than be refused."""
    lower_limits()
    tried = wrong = 0
    for name, target in TARGETS.items():
        target.load()
        seeds = target.seeds()
        read = refused = 0
        with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
            for _ in range(inputs):
                try:
                    target.run(change(dice.choice(seeds), dice), Path(folder))
                    read += 1
                except JustrightError:
                    refused += 1
                except Exception as error:  # noqa: BLE001  # any other error is what we look for
                    wrong += 1
                    print(f"  {name}: {type(error).__name__} at {place_of(error)}: {str(error)[:100]}")
        tried += inputs
        print(f"  {name:12} {inputs} tried: {refused} refused in a sentence, {read} read", flush=True)
    print(f"bad inputs tried: {tried}; anything but read or refused: {wrong}", flush=True)
    return wrong


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
