"""Where does the time of an epoch go on a GPU? One stack, trained as a worker trains it, under JAX's profiler.

The stack trains in this process through the engine's own loop, host work and checkpoints included. First its time per epoch
is taken without the profiler, then one more chunk runs under it. Kernels are counted by what they are for, from the names
that XLA and cuBLAS give them; what is left of the time per epoch is the host's, and the gaps between kernels.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.higgs_rows import write_rows
from benchmarks.peers.case import FEATURES, NETWORKS, Case, count_parameters
from benchmarks.printing import print_table

LEAST_SECONDS = 2.0  # of training before the profiler starts, once everything is compiled
WARM_REPORTS = 3  # the first two chunks are one epoch each
TOP = 15
# What a kernel is for, by words in its name; the first that fits.
KINDS = {
    "matrix products": ("gemm", "nvjet", "cutlass", "cublas", "xmma", "dot"),
    "copies": ("memcpy", "memset", "copy", "transpose", "convert"),
    "orders": ("sort", "threefry", "shift_right", "philox"),
    "sums": ("reduce",),
    "batches": ("gather", "dynamic_slice", "dynamic-slice"),
    "control": ("while", "cond", "condition"),
    "activations, optimizer, penalties, losses": ("fusion", "loop"),
}
REST = "rest"
# Lines of a device's plane in the profile that repeat what its streams say, in other words.
STREAM = "Stream"


def print_profile(variant: str, lanes: int, precision: str, *, device: str, higgs: Path | None) -> None:
    """Print where the time of an epoch of so many runs goes, as a line of JSON and as a table.

    Args:
        variant: a network of `benchmarks.peers.case`.
        lanes: runs that train together.
        precision: of their products.
        device: 'cuda' or 'cpu'.
        higgs: a folder with real rows; None takes the packaged table.
    """
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.npz"
        write_rows(rows, higgs)
        case = Case(variant, NETWORKS[variant], precision, rows, LEAST_SECONDS, 1, time.time(), device, lanes)
        watch = train(case, Path(folder))
    kernels, epochs = watch.kernels, watch.traced_epochs
    took, busy = 1000 * watch.seconds_per_epoch, kernels.total / epochs
    found = {
        "profile": f"{variant},{watch.lanes},{precision}",
        "milliseconds_per_epoch": took,
        "milliseconds_per_epoch_and_run": took / watch.lanes,
        "kernel_milliseconds_per_epoch": busy,
        "launches_per_epoch": kernels.launches.total() / epochs,
        "kinds": {kind: took / epochs for kind, took in kernels.kinds().most_common()},
    }
    print(json.dumps(found), flush=True)
    print(
        f"\n{variant}, {watch.lanes} lanes, {precision}: {took:.4g} ms per epoch, {took / watch.lanes:.4g} per run; "
        f"kernels take {busy:.4g} ms.\n"
    )
    print_table(("kernel", "ms per epoch", "launches per epoch", "share"), kernels.rows(epochs=epochs))


class Kernels:
    """Milliseconds and launches of each kernel."""

    def __init__(self, events: Iterable[tuple[str, float]]) -> None:
        self.milliseconds: Counter[str] = Counter()
        self.launches: Counter[str] = Counter()
        for name, took in events:
            short = re.sub(r"[._]\d+$", "", name)
            self.milliseconds[short] += took
            self.launches[short] += 1

    @property
    def total(self) -> float:
        return sum(self.milliseconds.values())

    def kinds(self) -> Counter[str]:
        """Return the milliseconds of each kind of kernels."""
        found: Counter[str] = Counter()
        for name, took in self.milliseconds.items():
            found[kind_of(name)] += took
        return found

    def rows(self, *, epochs: int) -> Iterator[tuple[str, ...]]:
        """Yield the cells of each kind, then of the kernels that take longest."""
        kinds = self.kinds()
        launches: Counter[str] = Counter()
        for name, count in self.launches.items():
            launches[kind_of(name)] += count
        parts = [("all", self.total, self.launches.total())]
        parts += [(kind.upper(), took, launches[kind]) for kind, took in kinds.most_common()]
        parts += [(name[:70], took, self.launches[name]) for name, took in self.milliseconds.most_common(TOP)]
        for name, took, count in parts:
            yield name, f"{took / epochs:.4f}", f"{count / epochs:.1f}", f"{took / self.total:.1%}"


def kind_of(name: str) -> str:
    """Return what a kernel is for, one of KINDS or REST."""
    low = name.lower()
    return next((kind for kind, words in KINDS.items() if any(word in low for word in words)), REST)


class Watch:
    """Takes the time of chunks from a stack's events, and profiles one of them.

    Args:
        seconds: how long to train without the profiler.
        folder: where the profile goes.
        is_kernel: whether an event of a profile, (plane, line, event), is a kernel.
    """

    def __init__(self, seconds: float, folder: Path, is_kernel: Callable[[str, str, Any], bool]) -> None:
        self.seconds = seconds
        self.folder = folder
        self.is_kernel = is_kernel
        self.reports: list[tuple[float, int]] = []  # (time, epochs trained)
        self.lanes = 0
        self.seconds_per_epoch = 0.0
        self.traced_epochs = 0
        self.traced_from: int | None = None
        self.is_done = False

    def take(self, event: Any) -> None:
        """Take an event of the stack."""
        import jax

        from justright.runs.events import StackProgress

        if not isinstance(event, StackProgress) or self.is_done:
            return
        self.lanes = len(event.runs)
        if self.traced_from is not None:
            jax.profiler.stop_trace()
            self.traced_epochs = event.epoch - self.traced_from
            self.kernels = Kernels(self._events())
            self.is_done = True
            return
        self.reports.append((time.perf_counter(), event.epoch))
        steady = self.reports[WARM_REPORTS - 1 :]
        if len(steady) > 1 and steady[-1][0] - steady[0][0] >= self.seconds:
            self.seconds_per_epoch = (steady[-1][0] - steady[0][0]) / (steady[-1][1] - steady[0][1])
            self.traced_from = event.epoch
            jax.profiler.start_trace(str(self.folder))

    def _events(self) -> Iterator[tuple[str, float]]:
        """Yield the name and the milliseconds of each kernel of the profile."""
        import jax

        (path,) = self.folder.rglob("*.xplane.pb")
        for plane in jax.profiler.ProfileData.from_file(str(path)).planes:
            for line in plane.lines:
                for event in line.events:
                    if self.is_kernel(plane.name, line.name, event):
                        yield event.name, event.duration_ns / 1e6


def on_gpu(plane: str, line: str, event: Any) -> bool:
    """Whether something ran on a stream of a GPU."""
    return "GPU" in plane and line.startswith(STREAM)


def on_cpu(plane: str, line: str, event: Any) -> bool:
    """Whether something is an operation of a compiled program, other than one that contains more of them."""
    from benchmarks.profile import CONTAINERS

    return any(name == "hlo_op" for name, _ in event.stats) and not event.name.startswith(CONTAINERS)


def train(case: Case, folder: Path) -> Watch:
    """Train one stack of the case as a worker does, and return what was seen."""
    from benchmarks.peers.justright_study import accelerators_of, describe_study
    from justright.runs.place import available_cores
    from justright.workers.processes import worker_variables

    accelerators = accelerators_of(case)
    os.environ.update(worker_variables(len(available_cores()), on_accelerator=accelerators is not None))
    os.environ.update(accelerators.variables(0, 1) if accelerators else {"JAX_PLATFORMS": "cpu"})
    from justright.records.checkpoints import read_tensors, write_tensors
    from justright.records.models import save_model_atomically
    from justright.runs.tasks import Storage
    from justright.training.stacks.stack import run_stack
    from justright.workers.plan import plan_stacks
    from justright.workers.train import study_rows

    study = describe_study(case, accelerators)
    stacks = plan_stacks(
        study,
        parameters={case.name: count_parameters(case.network.units, FEATURES)},
        workers=1,
        model_path=lambda run: f"models/{run.seed}.keras",
        max_lanes=case.lanes,
        together=accelerators is not None,
    )
    watch = Watch(case.seconds, folder / "profile", on_gpu if accelerators else on_cpu)
    storage = Storage(folder, write_tensors, read_tensors, save_model_atomically)
    run_stack(stacks[0], study_rows(study), storage, watch.take, lambda: watch.is_done, {})
    return watch
