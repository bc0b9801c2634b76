"""What `benchmarks.gpu` measures: trials of contenders, in lists whose most important ones come first."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product

from benchmarks.peers.case import NETWORKS

FLOAT32, TENSORFLOAT32, BFLOAT16 = PRECISIONS = ("float32", "tensorfloat32", "bfloat16")


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to train.

    Args:
        name: as printed.
        module: the program in `benchmarks.peers`.
        run: how the program is to train, its mode's first part.
        is_ours: whether it is justright.
        has_lanes: whether it can train several runs together.
    """

    name: str
    module: str
    run: str = ""
    is_ours: bool = False
    has_lanes: bool = True


CONTENDERS = {
    "justright": Contender("justright", "justright_study", is_ours=True),
    "keras-20": Contender("keras.fit, 20 steps per execution", "keras_jax", "20", has_lanes=False),
    "keras-200": Contender("keras.fit, 200 steps per execution", "keras_jax", "200", has_lanes=False),
    "torch": Contender("PyTorch", "torch_device", "eager"),
    "torch-compiled": Contender("PyTorch, torch.compile", "torch_device", "compiled"),
    "torch-graph": Contender("PyTorch, CUDA graph", "torch_device", "graph"),
    "torch-graph-compiled": Contender("PyTorch, torch.compile, CUDA graph", "torch_device", "graph-compiled"),
    "torch-graph-autotuned": Contender(
        "PyTorch, max-autotune, CUDA graph", "torch_device", "graph-autotuned"
    ),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One measurement: a contender trains so many runs of a network together, in a precision."""

    contender: str
    network: str
    lanes: int
    precision: str

    @property
    def name(self) -> str:
        return f"{self.contender}/{self.network}/{self.lanes}/{self.precision}"

    @property
    def module(self) -> str:
        return CONTENDERS[self.contender].module

    @property
    def mode(self) -> str:
        """What the contender's program takes as its mode."""
        run = CONTENDERS[self.contender].run
        return f"{run}:{self.precision}" if run else self.precision


def read_trial(name: str) -> Trial:
    """Return the trial with a name, for instance 'justright/Tiny/64/bfloat16'.

    Raises:
        ValueError: there is no such trial.
    """
    contender, network, lanes, precision = name.split("/")
    known = contender in CONTENDERS and network in NETWORKS and precision in PRECISIONS
    if not known or int(lanes) < 1 or (int(lanes) > 1 and not CONTENDERS[contender].has_lanes):
        raise ValueError(name)
    return Trial(contender, network, int(lanes), precision)


# Milliseconds per epoch and run on an H100, end to end, that justright is to stay below.
TARGETS = {
    ("Tiny", 64, TENSORFLOAT32): 0.020,
    ("Large", 8, TENSORFLOAT32): 0.70,
    ("Large", 32, BFLOAT16): 0.40,
    ("Tiny", 256, TENSORFLOAT32): 0.010,
    ("Combined", 32, BFLOAT16): 0.45,
    ("Medium", 64, TENSORFLOAT32): 0.055,
    ("Large", 1, TENSORFLOAT32): 3.0,
}
TARGET_TRIALS = [Trial("justright", *key) for key in TARGETS]
PEER_TRIALS = [
    *(Trial("keras-20", network, 1, TENSORFLOAT32) for network in ("Tiny", "Large")),
    Trial("torch-graph-compiled", "Tiny", 1, TENSORFLOAT32),
    Trial("torch-graph-compiled", "Large", 1, TENSORFLOAT32),
    Trial("torch-graph-compiled", "Large", 8, TENSORFLOAT32),
    Trial("torch-graph-compiled", "Tiny", 64, TENSORFLOAT32),
    *(Trial("keras-200", network, 1, TENSORFLOAT32) for network in ("Tiny", "Large")),
    # Without the compiler, should it fail on vmapped code.
    *(Trial("torch-graph", *key, TENSORFLOAT32) for key in (("Large", 8), ("Tiny", 64))),
]
QUICK = [*TARGET_TRIALS, *PEER_TRIALS]

MEASURED_NETWORKS = ("Tiny", "Large", "Medium", "Combined")
OUR_LANES = (1, 8, 32, 64, 256)
PEER_LANES = (1, 8, 64)


def all_trials() -> list[Trial]:
    """Return every trial of the whole comparison, the quick ones first."""
    trials = list(QUICK)
    for network in MEASURED_NETWORKS:
        for (name, contender), precision in product(CONTENDERS.items(), PRECISIONS):
            lanes = OUR_LANES if contender.is_ours else PEER_LANES if contender.has_lanes else (1,)
            trials += [Trial(name, network, count, precision) for count in lanes]
    return list(dict.fromkeys(trials))


# Every contender and each of its ways, on a CPU: numbers of no interest.
REHEARSAL = [
    Trial("justright", "Tiny", 4, TENSORFLOAT32),
    Trial("justright", "Tiny", 1, BFLOAT16),
    Trial("keras-20", "Tiny", 1, TENSORFLOAT32),
    Trial("keras-200", "Tiny", 1, BFLOAT16),
    Trial("torch", "Tiny", 1, FLOAT32),
    Trial("torch", "Tiny", 2, BFLOAT16),
    Trial("torch-graph", "Tiny", 1, TENSORFLOAT32),
    Trial("torch-graph", "Tiny", 2, BFLOAT16),
    Trial("torch-compiled", "Tiny", 2, FLOAT32),
    Trial("torch-graph-compiled", "Tiny", 1, BFLOAT16),
    Trial("torch-graph-autotuned", "Tiny", 2, FLOAT32),
]


def choose_trials(text: str) -> list[Trial]:
    """Return the trials that names or patterns, separated by commas, choose, for `type=`.

    Example:
        'justright/*/64/*,torch/Tiny/1/float32': all of ours with 64 lanes, and one of PyTorch's.
    """
    chosen: list[Trial] = []
    for pattern in filter(None, map(str.strip, text.split(","))):
        found = [trial for trial in all_trials() if fnmatchcase(trial.name, pattern)]
        try:
            chosen += found or [read_trial(pattern)]
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"a case must be CONTENDER/NETWORK/LANES/PRECISION, with * for any; got {pattern!r}. "
                f"Contenders: {', '.join(CONTENDERS)}; networks: {', '.join(NETWORKS)}; "
                f"precisions: {', '.join(PRECISIONS)}. keras.fit trains one lane"
            ) from None
    return list(dict.fromkeys(chosen))
