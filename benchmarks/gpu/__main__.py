"""How long does an epoch take on a GPU, by keras.fit, by PyTorch in its fastest ways, and by justright?

    python -m benchmarks.gpu --all --budget 840 --json FILE  # all that is to be known of a GPU lent for 15 minutes
    python -m benchmarks.gpu --all --rehearse                # the same on the CPU, as short as can be: does it run?
    python -m benchmarks.gpu --quick [--json FILE]           # the cases that have targets, and their best peers: 3 minutes
    python -m benchmarks.gpu [--cases 'justright/Large/*,torch*/Large/*'] [--repeats 3] [--json FILE]
    python -m benchmarks.gpu --profile Large,32,bfloat16     # where the time of our epoch goes
    python -m benchmarks.gpu --rehearse                      # every contender on the CPU: does it run?
    python -m benchmarks.gpu --show FILE                     # print the tables of an earlier measurement again

--all takes the steps of `benchmarks.gpu.everything` in their order, each within a limit of its own: `quick` from command to
report; killed with `kill -9`, resumed and compared bit by bit; a grid of 30 penalties in one program and in 30; lanes that
change hands; precisions; one worker, two, and as many as a study chooses; the quick cases below; memory. --steps takes some of them.

A case is CONTENDER/NETWORK/LANES/PRECISION. All train the tutorial's recipe on the same rows: 10,000 rows in batches of 500
in a new order for each epoch, Adam with inverse-time decay in each step, L2 penalties and dropout, loss and accuracy of
each epoch, 1,000 validation rows after every epoch. Beyond that:

- `keras.fit` on JAX, arrays in memory, keeps no best weights; with 200 steps per execution, validates once in ten epochs.
- PyTorch has all rows on the device, keeps each run's best weights there, and the host reads the losses of each epoch; it
  does not stop early. With several lanes `torch.func.vmap` trains them together, in one graph.
- justright is a whole study on its real workers: early stopping that has not come yet, best weights, checkpoints, losses of
  each validation row, curves sent to the coordinator; everything that happens while it trains counts.

Each measurement is a process of its own. `--together` of them start, import and compile side by side; then they take
turns on the idle device, while the others wait, justright's workers suspended. A line of JSON is printed, and appended to
`--json`, for every one as it comes. What compiles autotunes on a device that others use, too: `--together 1` shows whether
that matters. `device busy` is the share of the time in which at least one kernel ran, by nvidia-smi; the rest is the host's.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path

from benchmarks.arguments import names_among, program_parser
from benchmarks.gpu.comparison import print_tables
from benchmarks.gpu.everything import STEPS, measure_everything
from benchmarks.gpu.trials import CONTENDERS, QUICK, REHEARSAL, Trial, all_trials, choose_trials
from benchmarks.gpu.turns import Turn, peer_command, peer_variables, write_line
from benchmarks.higgs_rows import write_rows
from benchmarks.host import describe_machine
from benchmarks.peers.case import NETWORKS
from benchmarks.peers.driver import PEERS_PYTHON
from justright.runs.place import available_cores

# What is not given on the command line, by its choice of cases. The quick ones form two groups: ours, and those that
# PyTorch compiles.
DEFAULTS = {"cases": None, "device": "cuda", "seconds": 3.0, "together": 4, "budget": float("inf")}
QUICK_DEFAULTS = DEFAULTS | {"cases": QUICK, "seconds": 2.5, "together": 9, "budget": 170.0}
REHEARSAL_DEFAULTS = DEFAULTS | {"cases": REHEARSAL, "device": "cpu", "seconds": 0.2}
# After the last of a group has compiled: what it still had in flight, two chunks of 0.8 seconds.
SETTLE_SECONDS = 2.0
# Of a turn besides `--seconds`: until the process has left the device.
TURN_SECONDS = 1.5
# A turn that takes so much longer has hung.
HANG_SECONDS = 30.0
# With less time left for compiling than this, no further group is started.
LEAST_COMPILE_SECONDS = 20.0
RATES = "rates"


def main() -> None:
    options = parse_options()
    if options.all:
        sys.exit(min(1, measure_everything(options)))
    if options.show:
        print_tables([json.loads(line) for line in options.show.read_text().splitlines()])
        return
    if options.profile:
        from benchmarks.gpu.kernels import print_profile

        for variant, lanes, precision in options.profile:
            print_profile(variant, lanes, precision, device=options.device, higgs=options.higgs)
        return
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # ended or interrupted: processes end, the table comes
    lines = []
    with tempfile.TemporaryDirectory() as folder, suppress(KeyboardInterrupt):
        rows = Path(folder) / "rows.npz"
        for line in measure_all(options, rows):
            write_line(options.json, line)
            lines.append(line)
    print_tables(lines)


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = program_parser(__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--quick", action="store_true", help="cases with targets and their peers, in 170 seconds"
    )
    parser.add_argument(
        "--all", action="store_true", help="every step of benchmarks.gpu.everything, in its order"
    )
    parser.add_argument("--steps", type=names_among(STEPS), help="of --all: only these, by commas")
    which.add_argument("--rehearse", action="store_true", help="every contender shortly on the CPU")
    which.add_argument("--cases", type=choose_trials, metavar="CASE,...", help="names or patterns with *")
    which.add_argument("--profile", type=read_profile, action="append", metavar="NETWORK,LANES,PRECISION")
    which.add_argument("--show", type=Path, metavar="FILE", help="measure nothing, print this file")
    parser.add_argument("--device", choices=("cuda", "cpu"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="append every measurement here")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="of training per measurement (default 3; quick: 2.5)")
    parser.add_argument("--together", type=int, help="processes that compile at a time (default 4; quick: 9)")
    parser.add_argument(
        "--compile-seconds", type=float, default=150.0, help="limit for start and compilation (default 150)"
    )
    parser.add_argument(
        "--budget", type=float, help="seconds after which all ends (default none; quick: 170)"
    )
    parser.add_argument("--higgs", type=Path, help="folder with HIGGS-prefix.csv.gz; else the packaged table")
    parser.add_argument("--peers-python", type=Path, help="an interpreter with PyTorch")
    options = parser.parse_args(arguments)
    defaults = QUICK_DEFAULTS if options.quick else REHEARSAL_DEFAULTS if options.rehearse else DEFAULTS
    for name, value in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def read_profile(text: str) -> tuple[str, int, str]:
    """Return the network, lanes and precision to profile, for `type=`."""
    (trial,) = choose_trials("justright/" + text.replace(",", "/"))
    return trial.network, trial.lanes, trial.precision


def measure_all(options: argparse.Namespace, rows: Path) -> Iterator[dict]:
    """Yield what was measured as it comes: the machine, the device's rates, then one line per measurement."""
    deadline = time.monotonic() + options.budget
    machine = describe_machine() | {"device": options.device, "seconds": options.seconds}
    yield {"machine": machine | {"together": options.together} | write_rows(rows, options.higgs)}
    trials: list[Trial | None] = [None, *(options.cases or all_trials())]
    python = torch_python(options)
    if python is None:
        print("PyTorch is left out: no interpreter has it; see --peers-python.", file=sys.stderr)
        trials = [trial for trial in trials if trial and trial.module != "torch_device"]
    for _ in range(options.repeats):
        for start in range(0, len(trials), options.together):
            group = trials[start : start + options.together]
            if compile_limit(options, group, deadline) < LEAST_COMPILE_SECONDS:
                left_out = [trial.name for trial in trials[start:] if trial]
                print(f"No time is left for {', '.join(left_out)}.", file=sys.stderr)
                return
            yield from measure_group(options, group, rows, python, deadline)


def measure_group(
    options: argparse.Namespace, group: list[Trial | None], rows: Path, python: str | None, deadline: float
) -> Iterator[dict]:
    """Yield the measurements of trials (None: of the device's rates) that compile together and then take turns.

    Args:
        options: the command line's.
        group: the trials.
        rows: what all train on.
        python: the interpreter with PyTorch.
        deadline: on the monotonic clock, when all must be done.
    """
    compiled = time.monotonic() + compile_limit(options, group, deadline)
    variables = peer_variables(threads=len(available_cores()))
    commands = [command_of(trial, options, rows, python) for trial in group]
    with ExitStack() as stack:
        turns = [stack.enter_context(Turn(command, variables)) for command in commands]
        for turn in turns:
            turn.wait_until_ready(compiled)
        for turn in turns:
            if turn.error:  # it may still compile
                turn.end()
        time.sleep(SETTLE_SECONDS)
        for trial, turn in zip(group, turns, strict=True):
            with turn:
                report = turn.measure(min(deadline, time.monotonic() + options.seconds + HANG_SECONDS))
            line = {"trial": trial.name if trial else RATES} | report
            announce(line)
            yield line


def compile_limit(options: argparse.Namespace, group: Sequence[Trial | None], deadline: float) -> float:
    """Return how many seconds a group may take to compile, so that its turns end by the deadline."""
    turns = SETTLE_SECONDS + len(group) * (options.seconds + TURN_SECONDS)
    return min(options.compile_seconds, deadline - time.monotonic() - turns)


def command_of(trial: Trial | None, options: argparse.Namespace, rows: Path, python: str | None) -> list[str]:
    """Return the command of a trial's program, or of the device's rates for None."""
    # Peers that rehearse side by side would wait for each other's threads.
    is_rehearsing_peer = options.device == "cpu" and not (trial and CONTENDERS[trial.contender].is_ours)
    shared = {
        "rows": rows,
        "seconds": options.seconds,
        "threads": 1 if is_rehearsing_peer else len(available_cores()),
        "device": options.device,
    }
    if trial is None:
        return peer_command(str(python), "device_rates", shared | {"variant": next(iter(NETWORKS))})
    own = {"variant": trial.network, "mode": trial.mode, "lanes": trial.lanes}
    is_torch = trial.module == "torch_device"
    return peer_command(str(python) if is_torch else sys.executable, trial.module, shared | own)


def torch_python(options: argparse.Namespace) -> str | None:
    """Return the interpreter that has PyTorch; None if there is none."""
    if options.peers_python:
        return str(options.peers_python)
    if find_spec("torch"):
        return sys.executable
    return str(PEERS_PYTHON) if os.access(PEERS_PYTHON, os.X_OK) else None


def announce(line: dict) -> None:
    said = f"{line['milliseconds']:.4g} ms" if "milliseconds" in line else line.get("error", "")
    print(f"{line['trial']:50} {said}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
