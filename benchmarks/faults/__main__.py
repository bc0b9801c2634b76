"""Is anything lost? Studies are killed at random moments, meet other faults, and are compared with an undisturbed one.

    python -m benchmarks.faults                     # 200 kills, 20 interruptions, every other fault once, 12,000 bad inputs
    python -m benchmarks.faults --kills 10 --interruptions 0 --kinds "disk full,database damaged"

Kills (`kill -9`) hit the coordinator or one of its workers, interruptions (SIGINT or SIGTERM) the coordinator; the same
command then goes on. Where Ray is installed, 20 of the kills, and some faults, meet studies that train on Ray. Every curve, best epoch, row loss, model weight, verdict and effect is compared, bit by bit.
Moments are random within each phase of a study: start, compilation, training, the writing of a checkpoint and its record,
judging and reporting. The exit code is 1 when anything differs, or an interrupted command took longer than it may.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.arguments import names_among, program_parser
from benchmarks.faults import kinds, ray_kinds, strangers, surroundings
from benchmarks.faults.commands import Place, contents, differences
from benchmarks.faults.inputs import try_bad_inputs
from benchmarks.faults.kinds import Seen
from benchmarks.faults.moments import hear_interrupts, run_interruptions, run_kills

EPOCHS = 600  # several seconds on two processors, many checkpoints
SHOWN_CHARACTERS = 110
INPUTS = 2_000
INTERRUPTIONS = 20
KILLS = 200
RAY_KILLS = 20 if ray_kinds.IS_INSTALLED else 0
KINDS = (
    kinds.KINDS | surroundings.KINDS | strangers.KINDS | (ray_kinds.KINDS if ray_kinds.IS_INSTALLED else {})
)


def main() -> int:
    parser = program_parser(__doc__)
    parser.add_argument(
        "--kills", type=int, default=KILLS, help="kills at random moments, those on Ray included"
    )
    parser.add_argument(
        "--ray-kills", type=int, default=RAY_KILLS, help="how many of them meet studies on Ray"
    )
    parser.add_argument("--interruptions", type=int, default=INTERRUPTIONS, help="signals at random moments")
    parser.add_argument(
        "--kinds", type=names_among(KINDS), default=list(KINDS), help="other faults, by commas; '' for none"
    )
    parser.add_argument("--inputs", type=int, default=INPUTS, help="bad inputs for each reader")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--out", type=Path, help="where the studies go; a temporary folder if not given")
    parser.add_argument("--cold", action="store_true", help="import everything again in each command, slowly")
    options = parser.parse_args()
    hear_interrupts()
    os.environ.setdefault("KERAS_BACKEND", "jax")  # models are opened to compare their weights
    with tempfile.TemporaryDirectory() as temporary:
        place = Place((options.out or Path(temporary)).absolute(), options.epochs, is_forked=not options.cold)
        place.make()
        lost, dice = 0, random.Random(options.seed)  # noqa: S311  # moments, not secrets
        if options.kills or options.interruptions or options.kinds:
            run_undisturbed(place)
            ray_kills = min(options.kills, options.ray_kills)
            lost += run_kills(place, options.kills - ray_kills, dice)
            lost += run_kills(place, ray_kills, dice, engine=ray_kinds.RAY)
            lost += run_interruptions(place, options.interruptions, dice)
            lost += run_kinds(place, options.kinds)
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


def run_kinds(place: Place, names: list[str]) -> int:
    """Let a study meet each fault once; print one line per fault, and return how many did not end as they should."""
    wrong = 0
    if not names:
        return 0
    print(f"\n{'fault':28} {'exit':>4}  {'as it should':12} {'afterwards':12} said")
    for name in names:
        seen = KINDS[name](place, name.replace(" ", "-"))
        wrong += not is_well(seen)
        after = "-" if seen.lost is None else "LOST" if seen.lost else "identical"
        print(
            f"{name:28} {seen.code:>4}  {'yes' if seen.is_right else 'NO':12} {after:12} {seen.said[-SHOWN_CHARACTERS:]}"
        )
        for what in seen.lost or ():
            print(f"{'':30} lost: {what[:SHOWN_CHARACTERS]}")
        sys.stdout.flush()
    print(f"faults injected: {len(names)} kinds; as they should, and nothing lost: {len(names) - wrong}")
    return wrong


def is_well(seen: Seen) -> bool:
    """Whether a fault led to what it should, and nothing was lost."""
    return seen.is_right and not seen.lost


if __name__ == "__main__":
    sys.exit(main())
