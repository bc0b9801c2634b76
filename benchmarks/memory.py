"""How much memory does a study take, beside what its plan said? The tutorial with 20 seeds, sampled while it runs.

    python -m benchmarks.memory                                                # packaged table, 2 epochs
    python -m benchmarks.memory --max-epochs 50 --seeds 5
    python -m benchmarks.memory --from HIGGS.csv.gz --test heldout.parquet     # real rows

Every process of the command is looked at several times per second: its proportional set (shared pages divided among those
who share them), its resident set, and what of it was swapped; and the whole machine's pages swapped in and out. The exit
code is 1 when workers took more than the plan said, or anything of theirs was swapped. Linux only.
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

import psutil

from benchmarks.arguments import program_parser
from justright.runs.place import available_cores

SAMPLE_SECONDS = 0.2
PLAN = re.compile(
    r"(?P<runs>\S+) runs? in .* on (?P<workers>\d+) workers?: about (?P<need>\S+) GB of (?P<free>\S+) GB"
)
VMSTAT = Path("/proc/vmstat")
GIGABYTE = 1e9


@dataclass
class Peaks:
    """The most bytes seen at any time."""

    workers_pss: int = 0
    workers_rss: int = 0
    coordinator_pss: int = 0
    tree_pss: int = 0
    swapped: int = 0
    samples: int = 0

    def add(self, coordinator: Memory, workers: Sequence[Memory]) -> None:
        """Take one sample."""
        pss, rss = (sum(getattr(one, name) for one in workers) for name in ("pss", "rss"))
        self.workers_pss, self.workers_rss = max(self.workers_pss, pss), max(self.workers_rss, rss)
        self.coordinator_pss = max(self.coordinator_pss, coordinator.pss)
        self.tree_pss = max(self.tree_pss, pss + coordinator.pss)
        self.swapped = max(self.swapped, coordinator.swap + sum(one.swap for one in workers))
        self.samples += 1


@dataclass(frozen=True)
class Memory:
    """What one process holds, in bytes."""

    pss: int = 0
    rss: int = 0
    swap: int = 0


def main() -> int:
    parser = program_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--max-epochs", type=int, default=2)
    parser.add_argument("--from", dest="location", help="HIGGS, by path or address; else the packaged table")
    parser.add_argument("--test", help="a table that only measures")
    options = parser.parse_args()
    words = ["run", "higgs" if options.location else "higgs-sim", "--study", "tutorial"]
    words += ["--seeds", str(options.seeds), "--max-epochs", str(options.max_epochs)]
    for name, value in (("--from", options.location), ("--test", options.test)):
        words += [name, value] if value else []
    with tempfile.TemporaryDirectory() as folder:
        return measure([*words, "--out", str(Path(folder, "study"))], Path(folder, "said"))


def measure(words: Sequence[str], log: Path) -> int:
    """Run `justright` with these arguments, print what it said it would take and what it took."""
    before, started = pages_swapped(), time.monotonic()
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "justright", *words], stdout=subprocess.DEVNULL, stderr=said
        )
        peaks = watch(process)
    text = log.read_text()
    plan = PLAN.search(text)
    if process.returncode or plan is None:
        sys.exit(f"The study ended with {process.returncode}: {text[-500:]}")
    print(f"{plan[0]} free; {time.monotonic() - started:.0f} s, {peaks.samples} samples")
    show(plan, peaks, [after - start for start, after in zip(before, pages_swapped(), strict=True)])
    return int(peaks.workers_pss > float(plan["need"]) * GIGABYTE or peaks.swapped > 0)


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
    return Memory(held.pss, held.rss, held.swap)


def pages_swapped() -> tuple[int, int]:
    """Return the pages that the machine has swapped in and out since it started."""
    found = dict(re.findall(r"^(pswpin|pswpout) (\d+)$", VMSTAT.read_text(), re.MULTILINE))
    return int(found.get("pswpin", 0)), int(found.get("pswpout", 0))


def show(plan: re.Match[str], peaks: Peaks, swapped: Sequence[int]) -> None:
    """Print expected and measured memory, and what was swapped."""
    lines = {
        "workers together, expected": f"{plan['need']} GB",
        "workers together, proportional set": gigabytes(peaks.workers_pss),
        "workers together, resident set": gigabytes(peaks.workers_rss),
        "coordinator, proportional set": gigabytes(peaks.coordinator_pss),
        "the whole command, proportional set": gigabytes(peaks.tree_pss),
        "of it swapped": gigabytes(peaks.swapped),
        "memory of the machine": gigabytes(psutil.virtual_memory().total),
        "swap space of the machine": gigabytes(psutil.swap_memory().total),
        "pages swapped in, out by the machine": f"{swapped[0]:,}, {swapped[1]:,}",
        "processors": str(len(available_cores())),
    }
    for name, value in lines.items():
        print(f"{name:40} {value}")


def gigabytes(count: int) -> str:
    """Return bytes in gigabytes, as text."""
    return f"{count / GIGABYTE:.2f} GB"


if __name__ == "__main__":
    sys.exit(main())
