"""Is anything lost? Studies are killed at random moments, meet other faults, and are compared with an undisturbed one.

    python -m benchmarks.faults                     # 200 kills, 20 interruptions, every other fault once, 12,000 bad inputs
    python -m benchmarks.faults --kills 10 --interruptions 0 --kinds "disk full,database damaged"
    python -m benchmarks.faults --device gpu        # 20 kills of a study that trains on an accelerator
    python -m benchmarks.faults --rehearse          # the same code path on the CPU

Kills (`kill -9`) hit the coordinator or one of its workers, interruptions (SIGINT or SIGTERM) the coordinator; the same
command then goes on. Where Ray is installed, 20 of the kills, and some faults, meet studies that train on Ray. Every curve, best epoch, row loss, model weight, verdict and effect is compared, bit by bit.
Moments are random within each phase of a study: start, compilation, training, the writing of a checkpoint and its record,
judging and reporting. The exit code is 1 when anything differs, or an interrupted command took longer than it may.

On an accelerator four seeds of each variant train as lanes of one program, in three precisions. Besides the kills, the study is
run with programs that are compiled anew, and seeds of it in programs with other lanes: what that changes is printed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.accelerated import H100, accelerators_here
from benchmarks.arguments import names_among, program_parser
from benchmarks.faults import kinds, ray_kinds, strangers, surroundings
from benchmarks.faults.commands import Place, contents, differences
from benchmarks.faults.inputs import try_bad_inputs
from benchmarks.faults.kinds import Seen
from benchmarks.faults.lanes import compare_lanes
from benchmarks.faults.moments import (
    hear_interrupts,
    print_values,
    run_interruptions,
    run_kills,
)

SHOWN_CHARACTERS = 110
KINDS = (
    kinds.KINDS | surroundings.KINDS | strangers.KINDS | (ray_kinds.KINDS if ray_kinds.IS_INSTALLED else {})
)
# What is tried if nothing else is asked for: on the CPU everything, on an accelerator kills alone. A study takes several
# seconds, with many checkpoints; vmapped lanes take a CPU longer.
DEFAULTS = {
    "cpu": {
        "epochs": 600,
        "kills": 200,
        "ray_kills": 20 if ray_kinds.IS_INSTALLED else 0,
        "interruptions": 20,
        "kinds": list(KINDS),
        "inputs": 2_000,
    },
    "gpu": {"epochs": 1_000, "kills": 20, "ray_kills": 0, "interruptions": 0, "kinds": [], "inputs": 0},
}
REHEARSED_EPOCHS = 100


def main() -> int:
    options = read_options()
    hear_interrupts()
    accelerators = find_devices(options)
    with tempfile.TemporaryDirectory() as temporary:
        place = Place(
            *((options.out or Path(temporary)).absolute(), options.epochs),
            is_forked=not options.cold,
            accelerators=accelerators,
        )
        place.make()
        lost, dice = 0, random.Random(options.seed)  # noqa: S311  # moments, not secrets
        if options.kills or options.interruptions or options.kinds:
            lost += run_undisturbed(place)
            ray_kills = min(options.kills, options.ray_kills)
            lost += run_kills(place, options.kills - ray_kills, dice)
            lost += run_kills(place, ray_kills, dice, engine=ray_kinds.RAY)
            lost += run_interruptions(place, options.interruptions, dice)
            lost += run_kinds(place, options.kinds)
            if accelerators and not options.no_lanes:
                compare_lanes(place)
        if options.inputs:
            lost += try_bad_inputs(options.inputs, options.seed)
        print("nothing lost" if not lost else f"LOST OR WRONG: {lost}")
        return int(bool(lost))


def read_options() -> argparse.Namespace:
    """Return the command line's options, with the device's own values for those that were not given."""
    parser = program_parser(__doc__)
    parser.add_argument(
        "--device", choices=list(DEFAULTS), help="what trains: 'cpu', or 'gpu' for any accelerator"
    )
    parser.add_argument(
        "--rehearse", action="store_true", help="play an accelerator: its code path, on the CPU"
    )
    parser.add_argument("--kills", type=int, help="kills at random moments, those on Ray included")
    parser.add_argument("--ray-kills", type=int, help="how many of them meet studies on Ray")
    parser.add_argument("--interruptions", type=int, help="signals at random moments")
    parser.add_argument("--kinds", type=names_among(KINDS), help="other faults, by commas; '' for none")
    parser.add_argument("--inputs", type=int, help="bad inputs for each reader")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--out", type=Path, help="where the studies go; a temporary folder if not given")
    parser.add_argument("--cold", action="store_true", help="import everything again in each command, slowly")
    parser.add_argument(
        "--no-lanes", action="store_true", help="on an accelerator, do not compare programs with other lanes"
    )
    options = parser.parse_args()
    if options.rehearse and options.device == "cpu":
        parser.error("--rehearse plays an accelerator; got --device cpu with it. Leave one of them out.")
    options.device = options.device or ("gpu" if options.rehearse else "cpu")
    values = DEFAULTS[options.device] | ({"epochs": REHEARSED_EPOCHS} if options.rehearse else {})
    for name, value in values.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def find_devices(options: argparse.Namespace):
    """Return the accelerators that commands train on, None for the CPU; let this process compute on the CPU alone."""
    os.environ.setdefault("KERAS_BACKEND", "jax")  # models are opened to compare their weights
    if options.device == "gpu" and not options.rehearse:
        found = accelerators_here()
        import jax

        jax.config.update("jax_platforms", "cpu")  # its own process would take most of the device's memory
    else:
        found = H100 if options.rehearse else None
        os.environ["JAX_PLATFORMS"] = "cpu"
    if found:
        print(f"{'played' if options.rehearse else 'found'}: {found}", flush=True)
    return found


def run_undisturbed(place: Place) -> int:
    """Run the study twice, first in processes of their own, which compiles its programs, then forked.

    On an accelerator a third time, with programs that are compiled anew. Return how many reruns are not the same.
    """
    is_forked = place.is_forked
    for out, place.is_forked in (("own-processes", False), ("undisturbed", is_forked)):
        run_once(place, out)
    place.found = contents(place.path / "undisturbed")
    reruns = ["own-processes"]
    if place.accelerators:
        reruns.append("compiled-anew")
        run_once(place, reruns[-1], is_forked=False, JAX_COMPILATION_CACHE_DIR=str(place.path / "compiled-2"))
    wrong = 0
    for out in reruns:
        if lost := differences(contents(place.path / out), place.found):
            print(f"{out}: NOT EVEN A RERUN IS THE SAME: {lost}")
            print_values(place, out)
            wrong += 1
    print(f"{len(place.found)} things are compared", flush=True)
    return wrong


def run_once(place: Place, out: str, **how: Any) -> None:
    """Run the study to its end, and print how long that took; `how` as for `Place.start`."""
    started = time.monotonic()
    code, said = place.start(out, **how).end()
    if code:
        sys.exit(f"The undisturbed study ended with {code}: {said}")
    print(f"{out}: {time.monotonic() - started:.1f} s", flush=True)


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
