"""What all contenders share: the case they are given, the clock that ends them, and their report.

Imports NumPy only: a contender runs in an interpreter of its own, which need not have justright.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

FEATURES = 28
BATCH_ROWS = 500
LEARNING_RATE = 0.001
DECAY_EPOCHS = 1_000  # InverseTimeDecay(0.001, decay_steps=1,000 epochs of steps, decay_rate=1)
# Left out of the steady rate: in the first epoch everything is compiled, in the second what was compiled lazily.
WARM_EPOCHS = 2
LEAST_EPOCHS = 3
UNITS = 1024 if sys.platform.startswith("linux") else 1  # of ru_maxrss: KiB on Linux, bytes on macOS


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the tutorial: widths of its hidden layers, ELU, one logit."""

    units: tuple[int, ...]
    l2: float = 0.0
    dropout: float = 0.0

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of every layer."""
        return layers_of(self.units, FEATURES)

    def multiplications_flop(self, train_rows: int, validation_rows: int) -> int:
        """Floating-point operations of an epoch's matrix products: forward, two backward, and validation.

        The first layer needs no derivative with respect to its input.
        """
        forward = sum(2 * before * after for before, after in self.layers)
        first = 2 * self.layers[0][0] * self.layers[0][1]
        return train_rows * (3 * forward - first) + validation_rows * forward


def layers_of(units: tuple[int, ...], features: int) -> list[tuple[int, int]]:
    """Return (inputs, outputs) of every layer of a network with one output."""
    return list(itertools.pairwise((features, *units, 1)))


def count_parameters(units: tuple[int, ...], features: int) -> int:
    """Return the number of weights of a network with one output."""
    return sum((before + 1) * after for before, after in layers_of(units, features))


LARGE = (512, 512, 512, 512)
NETWORKS = {
    "Tiny": Network((16,)),
    "Small": Network((16, 16)),
    "Medium": Network((64, 64, 64)),
    "Large": Network(LARGE),
    "L2": Network(LARGE, l2=0.001),
    "Dropout": Network(LARGE, dropout=0.5),
    "Combined": Network(LARGE, l2=0.0001, dropout=0.5),
}


@dataclass(frozen=True, slots=True)
class Case:
    """What a contender has to do.

    Args:
        name, network: the variant.
        mode: one of the contender's own words, for instance 'bf16'.
        rows: an .npz file with x_train (rows, features), y_train (rows,), x_validation and y_validation.
        seconds: how long to train once everything is compiled.
        threads: how many; this process is pinned to as many processors before a framework is imported.
        started: when the driver started this process, on the clock of `time.time`.
        device: where it trains, 'cpu' or 'cuda'.
        lanes: how many runs train together, for contenders that can.
        in_turns: whether it waits for its turn once everything is compiled; see `wait_for_turn`.
    """

    name: str
    network: Network
    mode: str
    rows: Path
    seconds: float
    threads: int
    started: float
    device: str = "cpu"
    lanes: int = 1
    in_turns: bool = False

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return x_train, y_train, x_validation, y_validation: float32, targets 0 or 1."""
        with np.load(self.rows) as rows:
            return tuple(rows[name] for name in ("x_train", "y_train", "x_validation", "y_validation"))


def read_case() -> Case:
    """Return the case on the command line, and pin this process to its processors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--variant", choices=NETWORKS, required=True)
    parser.add_argument("--mode", default="")
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--started", type=float, default=time.time())
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--in-turns", action="store_true")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.threads])
    options = vars(given)
    name = options.pop("variant")
    return Case(name, NETWORKS[name], **options)


def thread_variables(threads: int) -> dict[str, str]:
    """Return the environment that numerical libraries read when they are loaded: for processes yet to be started."""
    return dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))


def wait_for_turn() -> float:
    """Say that everything is compiled, and return for how many seconds the answer, a line of input, was awaited."""
    start = time.perf_counter()
    print_report(ready=True)
    sys.stdin.readline()
    return time.perf_counter() - start


class Clock:
    """Takes the time of each epoch and says when there are enough.

    Args:
        case: what is trained, and for how long; its lanes share the time.
        epochs: how many pass between two calls of `epoch_done`.
    """

    def __init__(self, case: Case, *, epochs: int = 1) -> None:
        self.case = case
        self.epochs = epochs
        self.waited_seconds = 0.0
        self.times: list[float] = [time.perf_counter()]
        self.startup_seconds = time.time() - case.started

    def epoch_done(self) -> bool:
        """Note the end of an epoch; return whether it was the last one wanted."""
        self.times.append(time.perf_counter() - self.waited_seconds)
        steady = len(self.times) - 1 - WARM_EPOCHS
        if self.case.in_turns and steady == 0:
            self.waited_seconds = wait_for_turn()
        if steady < LEAST_EPOCHS:
            return False
        return self.times[-1] - self.times[WARM_EPOCHS] >= self.case.seconds

    def report(self, validation_loss: float, **versions: str) -> None:
        """Print this contender's measurement as one line of JSON."""
        epochs = np.diff(self.times).tolist()
        steady = statistics.median(epochs[WARM_EPOCHS:])
        # The rate of the whole stretch, not the median epoch: what happens now and then belongs to the cost.
        mean = (self.times[-1] - self.times[WARM_EPOCHS]) / (len(epochs) - WARM_EPOCHS)
        print_report(
            milliseconds=1000 * mean / (self.epochs * self.case.lanes),
            epochs=self.epochs * self.case.lanes * len(epochs),
            startup_seconds=self.startup_seconds,
            compile_seconds=max(0.0, sum(epochs[:WARM_EPOCHS]) - WARM_EPOCHS * steady),
            memory_bytes=UNITS * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            validation_loss=validation_loss,
            versions=versions,
        )


def print_report(**values: object) -> None:
    """Print one line of JSON, the last of a contender's output."""
    print(json.dumps(values), flush=True)


def versions_of(*packages: str) -> dict[str, str]:
    """Return the installed versions of packages."""
    return {package: version(package) for package in packages}
