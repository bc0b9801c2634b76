"""All that is to be known of a GPU that is lent for a quarter of an hour: one step after the other, what matters most first.

Each step is a process of its own with its own limit, and its result is printed and saved at once: what comes when time
is up, or a step fails, costs no other step's result.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.gpu.milestones import PLAYED_COSTS
from benchmarks.gpu.turns import ROOT, write_line

MONITOR = [
    "nvidia-smi",
    "--query-gpu=memory.used",
    "--format=csv,noheader,nounits",
    "--id=0",
    "--loop-ms=200",
]
LEAST_SECONDS = 15.0  # with less time left no step begins
SAID_CHARACTERS = 1_500
REHEARSAL_FACTOR = 4  # limits of a rehearsal, on a CPU that may be busy
KILLS = 3
QUICK = ["--study", "quick", "--seeds", "2", "--quiet"]
FEW_EPOCHS = ["--max-epochs", "2"]
# A rehearsal: the same networks, narrow ones.
NARROW = ["higgs-sim", "--study", str(PLAYED_COSTS / "quick.toml"), "--quiet", *FEW_EPOCHS]


class StepError(Exception):
    """A step's process failed, or took too long."""


@dataclass
class Lent:
    """The time, the folder and the way in which steps run.

    Args:
        out: where studies go.
        is_rehearsal: whether a GPU is played, and all is as short as can be.
        deadline: of the present step, on the monotonic clock.
        quick_times: when `quick` got where.
    """

    out: Path
    is_rehearsal: bool
    deadline: float
    quick_times: dict[str, Any] = field(default_factory=dict)

    @property
    def played(self) -> list[str]:
        """What programs take to play a GPU."""
        return ["--rehearse"] if self.is_rehearsal else []

    def run(
        self, module: str, words: Sequence[str], *, kill_after: float | None = None, **variables: str
    ) -> str:
        """Return what a program of this repository prints; kill its process with `kill -9` after so many seconds.

        Raises:
            StepError: it fails, or has not ended by the deadline.
        """
        path = [str(ROOT), str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        command = [sys.executable, "-m", module, *words]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path)} | variables
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(
                command, env=environment, stdout=said, stderr=said, cwd=ROOT, start_new_session=True
            )
            left = max(0.0, self.deadline - time.monotonic())
            limit = left if kill_after is None else min(left, kill_after)
            try:
                process.wait(limit)
            except subprocess.TimeoutExpired:
                process.kill()
            except BaseException:
                end_all(process)
                raise
            was_killed = process.wait() == -signal.SIGKILL
            said.seek(0)
            text = said.read()
        if process.returncode and not (was_killed and kill_after is not None):
            why = f"not done after {limit:.0f} s" if was_killed else f"ended with {process.returncode}"
            raise StepError(f"{module} {why}: {text.strip()[-SAID_CHARACTERS:]}")
        return text

    def quick(self, name: str, *words: str, **how: Any) -> dict[str, Any]:
        """Train `quick` in a folder of that name; return when it got where, {} if it was killed before its end."""
        study = NARROW if self.is_rehearsal else QUICK
        given = [*self.played, "run", *study, *words, "--out", str(self.out / name)]
        return last_json(self.run("benchmarks.gpu.milestones", given, **how))


def end_all(process: subprocess.Popen[str]) -> None:
    """End a process; its workers end with it."""
    process.kill()
    process.wait()


def last_json(text: str) -> dict[str, Any]:
    """Return the last line that is an object of JSON; {} if there is none."""
    for line in reversed(text.splitlines()):
        with suppress(json.JSONDecodeError):
            if line.startswith("{"):
                return json.loads(line)
    return {}


def time_quick(lent: Lent) -> dict[str, Any]:
    """From the command to the report, nothing compiled before."""
    return lent.quick("quick")


def kill_and_resume(lent: Lent) -> Iterator[dict[str, Any]]:
    """Kill the same study at moments between its description and its end, go on, and compare it bit by bit."""
    undisturbed = lent.out / "quick"
    if not (undisturbed / "result.json").is_file():
        raise StepError("there is no undisturbed study to compare with")
    times = {"described": 10.0, "trained": 25.0} | lent.quick_times
    kills = 1 if lent.is_rehearsal else KILLS
    for number in range(kills):
        share = (number + 1) / (kills + 1)
        moment = times["described"] + share * (times["trained"] - times["described"])
        name = f"killed-{number + 1}"
        lent.quick(name, kill_after=moment)
        lent.quick(name)
        said = lent.run("benchmarks.bitwise", [str(undisturbed), str(lent.out / name)])
        yield {"killed_after": round(moment, 1), "compared": said.strip().splitlines()[-1]}


def compare_lanes(study: str) -> Callable[[Lent], dict[str, Any]]:
    """Return the step that runs a study of `benchmarks.gpu.lane_studies`."""

    def step(lent: Lent) -> dict[str, Any]:
        given = [study, "--out", str(lent.out / study), *lent.played]
        return last_json(lent.run("benchmarks.gpu.lane_studies", given, JUSTRIGHT_COMPILE_CACHE="off"))

    return step


def compare_workers(lent: Lent) -> dict[str, Any]:
    """Narrow networks by one worker, by two that share the GPU, and by as many as the study finds best."""
    given = ["narrow", "--out", str(lent.out / "workers"), *lent.played]
    return last_json(lent.run("benchmarks.gpu.worker_studies", given, JUSTRIGHT_COMPILE_CACHE="off"))


def compare_precisions(lent: Lent) -> dict[str, Any]:
    """Test losses in TF32 and bfloat16 beside those in float32, seed by seed."""
    out = ["--out", str(lent.out / "precision"), "--quiet"]
    size = ["--variants", "Medium,Large", "--seeds", "32", "--wide-seeds", "8"]
    size += ["--patience", "30", "--wide-patience", "15", "--max-epochs", "200"]
    if lent.is_rehearsal:
        size = ["--variants", "Tiny", "--seeds", "2", "--patience", "1", "--max-epochs", "2", "--together"]
    return {"table": lent.run("benchmarks.precision", ["train", *out, *size]).splitlines()}


def measure_speed(lent: Lent) -> dict[str, Any]:
    """Milliseconds per epoch and run, of ours and of the best peers."""
    file = lent.out / "speed.json"
    size = ["--quick", "--budget", str(int(max(30.0, lent.deadline - time.monotonic() - 5.0)))]
    if lent.is_rehearsal:
        size = ["--cases", "justright/Tiny/2/float32", "--device", "cpu", "--seconds", "0.2"]
    lent.run("benchmarks.gpu", [*size, "--json", str(file)])
    return {"lines": [json.loads(line) for line in file.read_text().splitlines()]}


def measure_memory(lent: Lent) -> dict[str, Any]:
    """The most that the GPU holds while 20 seeds of each network train, taken as it is needed; None in a rehearsal."""
    seeds = "2" if lent.is_rehearsal else "20"
    variables = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    with tempfile.TemporaryFile("w+") as said:
        monitor = None
        with suppress(OSError):
            monitor = subprocess.Popen(MONITOR, stdout=said, stderr=subprocess.DEVNULL)
        try:
            few = [] if lent.is_rehearsal else FEW_EPOCHS
            times = lent.quick("memory", "--seeds", seeds, *few, **variables)
        finally:
            if monitor:
                monitor.terminate()
                monitor.wait()
        said.seek(0)
        used = [int(line) for line in said.read().split() if line.isdigit()]
    return {
        "seconds": times,
        "device_megabytes": max(used, default=None),
        "before": used[0] if used else None,
    }


# Name -> what it does, and the most seconds that it may take.
STEPS: dict[str, tuple[Callable[[Lent], Any], float]] = {
    "quick": (time_quick, 90.0),
    "kills": (kill_and_resume, 200.0),
    "grid": (compare_lanes("grid"), 150.0),
    "seats": (compare_lanes("seats"), 90.0),
    "precision": (compare_precisions, 150.0),
    "workers": (compare_workers, 250.0),
    "speed": (measure_speed, 200.0),
    "memory": (measure_memory, 90.0),
}


def measure_everything(options: argparse.Namespace) -> int:
    """Run the steps, write a line of JSON for each result, and return how many steps gave none."""
    began = time.monotonic()
    end = began + options.budget
    missing = 0
    with tempfile.TemporaryDirectory() as folder:
        lent = Lent(Path(folder), options.rehearse, end)
        for name in options.steps or STEPS:
            step, limit = STEPS[name]
            if end - time.monotonic() < LEAST_SECONDS:
                write_line(options.json, {"step": name, "error": "no time is left"})
                missing += 1
                continue
            started = time.monotonic()
            lent.deadline = min(end, started + limit * (REHEARSAL_FACTOR if lent.is_rehearsal else 1))
            try:
                for result in results_of(step(lent)):
                    if name == "quick":
                        lent.quick_times = result
                    spent = round(time.monotonic() - started, 1)
                    write_line(options.json, {"step": name, "spent": spent} | result)
            except (StepError, OSError) as error:
                missing += 1
                write_line(options.json, {"step": name, "error": str(error)})
    print(f"{time.monotonic() - began:.0f} s; steps without a result: {missing}", file=sys.stderr)
    return missing


def results_of(found: dict[str, Any] | Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the results of a step, which may have several."""
    yield from [found] if isinstance(found, dict) else found
