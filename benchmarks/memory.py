"""Does a study take as much memory as its plan says? Several studies, sampled while they run and are judged.

    python -m benchmarks.memory                          # every case: some fifteen minutes on two cores
    python -m benchmarks.memory --cases tutorial,long

Every process of the command is looked at several times per second: its proportional set (shared pages divided among those
who share them), and what of it was swapped. The exit code is 1 when a command's peak is not within 20 % of what it said, or
anything of it was swapped. Linux only.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from benchmarks.arguments import names_among, program_parser
from benchmarks.printing import print_table

SAMPLE_SECONDS = 0.2
TOLERANCE = 0.2
PLAN = re.compile(
    r"(?P<runs>\S+) runs? in .* on (?P<workers>\d+) workers?: about (?P<need>\S+) GB of (?P<free>\S+) GB"
)
GIGABYTE = 1e9


@dataclass(frozen=True)
class Case:
    """A study to run.

    Args:
        words: arguments of `justright run`.
        shape: rows and columns of the CSV table that is made for it; None for the packaged one.
        variants: networks of one hidden layer in the study file that is made for it; 0 for a built-in study.
        reference: whether the study file asks for the reference model, which takes minutes with millions of rows.
    """

    words: tuple[str, ...]
    shape: tuple[int, int] | None = None
    variants: int = 0
    reference: bool = True


CASES = {
    "tutorial": Case(("--study", "tutorial", "--seeds", "20", "--max-epochs", "2")),
    "long": Case(("--study", "quick", "--max-epochs", "5"), shape=(2_000_000, 10)),
    "wide": Case(("--study", "quick", "--max-epochs", "15"), shape=(2_000, 5_000)),
    "many": Case(("--max-epochs", "2"), shape=(400, 10), variants=200),
    "csv": Case(
        ("--max-epochs", "1", "--batch-size", "50000", "--no-neighbours"),
        shape=(5_500_000, 28),
        variants=1,
        reference=False,
    ),
}


@dataclass
class Peaks:
    """The most bytes seen at any time."""

    workers_pss: int = 0
    coordinator_pss: int = 0
    tree_pss: int = 0
    swapped: int = 0
    samples: int = 0

    def add(self, coordinator: Memory, workers: Sequence[Memory]) -> None:
        """Take one sample."""
        pss = sum(one.pss for one in workers)
        self.workers_pss = max(self.workers_pss, pss)
        self.coordinator_pss = max(self.coordinator_pss, coordinator.pss)
        self.tree_pss = max(self.tree_pss, pss + coordinator.pss)
        self.swapped = max(self.swapped, coordinator.swap + sum(one.swap for one in workers))
        self.samples += 1


@dataclass(frozen=True)
class Memory:
    """What one process holds, in bytes."""

    pss: int = 0
    swap: int = 0


def main() -> int:
    parser = program_parser(__doc__)
    parser.add_argument("--cases", type=names_among(CASES), default=list(CASES), help=", ".join(CASES))
    chosen = parser.parse_args().cases
    rows, is_wrong = [], False
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            said, peaks, seconds = measure(CASES[name], Path(folder))
        ratio = peaks.tree_pss / GIGABYTE / said
        is_wrong |= abs(ratio - 1) > TOLERANCE or peaks.swapped > 0
        parts = (said * GIGABYTE, peaks.tree_pss, peaks.coordinator_pss, peaks.workers_pss, peaks.swapped)
        rows.append([name, *map(gigabytes, parts), f"{ratio:.2f}", f"{seconds:.0f}"])
    print_table(
        ["case", "expected GB", "measured", "coordinator", "workers", "swapped", "ratio", "seconds"], rows
    )
    return int(is_wrong)


def measure(case: Case, folder: Path) -> tuple[float, Peaks, float]:
    """Run a case; return the gigabytes that it said it would take, what it took, and the seconds."""
    words = [sys.executable, "-m", "justright", "run", *make_inputs(case, folder), *case.words]
    log, started = folder / "said", time.monotonic()
    with log.open("w") as said:
        process = subprocess.Popen(
            [*words, "--out", str(folder / "study")], stdout=subprocess.DEVNULL, stderr=said
        )
        peaks = watch(process)
    text = log.read_text()
    plan = PLAN.search(text)
    if process.returncode or plan is None:
        sys.exit(f"The study ended with {process.returncode}: {text[-500:]}")
    return float(plan["need"]), peaks, time.monotonic() - started


def make_inputs(case: Case, folder: Path) -> list[str]:
    """Write the table and the study of a case; return the arguments that name them."""
    words = ["higgs-sim"]
    if case.shape:
        rows, columns = case.shape
        path = folder / "table.csv"
        random = np.random.default_rng(0)
        with path.open("wb") as file:
            for start in range(0, rows, part := max(1, 4_000_000 // columns)):
                x = random.normal(size=(min(part, rows - start), columns)).astype(np.float32)
                target = (x[:, 0] + x[:, 1] * x[:, 2] + random.normal(size=len(x)) > 0).astype(np.int8)
                frame = pl.DataFrame({"label": target} | {f"x{at}": x[:, at] for at in range(columns)})
                frame.write_csv(file, include_header=start == 0, float_precision=4)
        words = [str(path)]
    if case.variants:
        study = folder / "study-of-many.toml"
        study.write_text(
            f"seeds = [0]\nreference = {str(case.reference).lower()}\n\n"
            + "".join(
                f'[variants.N{units}]\nfamily = "mlp"\nunits = [{units}]\n\n'
                for units in range(1, case.variants + 1)
            )
        )
        words += ["--study", str(study)]
    return words


def watch(process: subprocess.Popen[bytes]) -> Peaks:
    """Look at a command and its workers until it ends."""
    peaks = Peaks()
    coordinator = psutil.Process(process.pid)
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            peaks.add(
                memory_of(coordinator), [memory_of(one) for one in coordinator.children(recursive=True)]
            )
        time.sleep(SAMPLE_SECONDS)
    return peaks


def memory_of(process: psutil.Process) -> Memory:
    """Return what a process holds, nothing when it is gone."""
    try:
        held = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return Memory()
    return Memory(held.pss, held.swap)


def gigabytes(count: float) -> str:
    """Return bytes in gigabytes, as text."""
    return f"{count / GIGABYTE:.2f}"


if __name__ == "__main__":
    sys.exit(main())
