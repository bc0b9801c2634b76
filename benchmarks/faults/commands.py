"""The study that faults meet: made, run by commands of its own, and compared bit by bit."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.faults.driver import ACCELERATORS
from benchmarks.faults.forks import Forked, start_forked
from benchmarks.host import cache_variables
from justright.workers.accelerators import Accelerators

ROWS, FEATURES = 600, 5
STUDY = """
name = "faults"
seeds = 2
[recipe]
batch_size = 100
max_epochs = {epochs}
[variants.Dropped]
family = "mlp"
units = [16, 16]
dropout = 0.3
[variants.Normalised]
family = "mlp"
units = [8]
batch_normalization = true
l2 = 0.001
"""
DIVERGING = """
[variants.Steep]
family = "mlp"
units = [8]
activation = "relu"
[variants.Steep.recipe]
batch_size = 100
max_epochs = {epochs}
optimizer = {{ module = "keras.optimizers", class_name = "SGD", config = {{ learning_rate = 1e12 }} }}
"""
# On an accelerator: each variant's runs share a program, as lanes. Dropped has the device's own precision, Mixed ends by
# patience, lane by lane, and Wide has the products of large networks.
ACCELERATED_STUDY = """
name = "faults"
seeds = {seeds}
neighbours = false
[recipe]
batch_size = 10
max_epochs = {epochs}
[variants.Dropped]
family = "mlp"
units = [16, 16]
dropout = 0.3
[variants.Mixed]
family = "mlp"
units = [8]
batch_normalization = true
l2 = 0.001
[variants.Mixed.recipe]
batch_size = 10
max_epochs = {epochs}
patience = 40
precision = "float32"
mixup = 0.2
[variants.Wide]
family = "mlp"
units = [512, 192]
dropout = 0.2
[variants.Wide.recipe]
batch_size = 100
max_epochs = {epochs}
precision = "bfloat16"
"""
ACCELERATED_SEEDS = [1, 2, 3, 4]
DRIVER = "import sys; from benchmarks.faults.driver import run_command; run_command(sys.argv[1:])"
CHECKPOINT_SECONDS = 0.3
RAY_SERVERS = ("raylet", "gcs_server")


@dataclass
class Place:
    """A folder with a table, two study files, and the study folders made from them.

    Args:
        path: of the folder.
        epochs: of the study.
        is_forked: whether commands are forks of a process that has imported everything.
        accelerators: what commands train on; None for the CPU.
        commands: started so far.
        found: what the undisturbed study found.
    """

    path: Path
    epochs: int
    is_forked: bool = True
    accelerators: Accelerators | None = None
    commands: int = 0
    found: dict[str, str] = field(default_factory=dict)

    def make(self) -> None:
        """Write table and study files."""
        numbers = np.random.default_rng(0)
        x = numbers.normal(size=(ROWS, FEATURES))
        y = (x[:, 0] * x[:, 1] + 0.3 * numbers.normal(size=ROWS) > 0).astype(int)
        os.environ.update(
            cache_variables(self.path / "compiled"),
            OMP_NUM_THREADS="1",  # as each worker has it; read when scikit-learn is imported, before the fork
            PYTHONPATH=os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path),
        )
        if self.accelerators:
            os.environ[ACCELERATORS] = json.dumps(asdict(self.accelerators))
        lines = [
            ",".join([*(f"{value:.5f}" for value in row), str(label)])
            for row, label in zip(x, y, strict=True)
        ]
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "rows.csv").write_text("a,b,c,d,e,label\n" + "\n".join(lines) + "\n")
        text = self.describe()
        (self.path / "study.toml").write_text(text)
        (self.path / "diverging.toml").write_text(text + DIVERGING.format(epochs=self.epochs))

    @property
    def workers(self) -> int:
        """How many train a study."""
        return 1 if self.accelerators else 2

    def describe(self, seeds: Sequence[int] = ACCELERATED_SEEDS, *, epochs: int | None = None) -> str:
        """Return the study file for the device; on an accelerator with other seeds or epochs, if they are given."""
        text = ACCELERATED_STUDY if self.accelerators else STUDY
        return text.format(epochs=epochs or self.epochs, seeds=list(seeds))

    def start(
        self,
        out: str,
        *,
        study: str = "study",
        engine: Sequence[str] = (),
        is_forked: bool | None = None,
        **environment: str,
    ) -> Command:
        """Start `justright run` into the study folder `out`; see `command`."""
        words = ["run", "rows.csv", "--target", "label", "--study", f"{study}.toml", "--out", out, "--quiet"]
        words += ["--workers", str(self.workers), "--checkpoint-seconds", str(CHECKPOINT_SECONDS), *engine]
        return self.command(words, out, is_forked=is_forked, **environment)

    def command(
        self, words: list[str], out: str, *, is_forked: bool | None = None, **environment: str
    ) -> Command:
        """Start `justright` with these words, which are about the study folder `out`.

        Args:
            words: the arguments.
            out: the study folder.
            is_forked: whether it is forked; None for what the benchmark was asked to do.
            environment: what to add to it; see `driver` for the variables that mean something there.
        """
        self.commands += 1
        log = self.path / f"command-{self.commands}.log"
        if self.is_forked if is_forked is None else is_forked:
            return Command(start_forked(words, log, self.path, environment), log, self.path / out)
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, *words],
                cwd=self.path,
                env=os.environ | environment,
                stdout=subprocess.DEVNULL,
                stderr=file,
            )
        return Command(process, log, self.path / out)


@dataclass
class Command:
    """A running command."""

    process: subprocess.Popen | Forked
    log: Path
    folder: Path

    def workers(self) -> list[psutil.Process]:
        """Its worker processes or Ray actors, in no order."""
        below = self.descendants()
        if any(name_of(process).startswith(RAY_SERVERS) for process in below):
            return [process for process in below if name_of(process).startswith("ray::RayWorker")]
        keepers = [process for process in below if "justright.workers.ray_keeper" in words_of(process)]
        return [] if keepers else below

    def descendants(self) -> list[psutil.Process]:
        """All processes that it has started, directly or not."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def wait_for_checkpoint(self, stacks: int = 1, *, since: float = 0.0) -> None:
        """Wait until states of so many stacks, written after `since`, are in the folder, or the command has ended."""
        while not self.is_over() and len(self.written(since)) < stacks:
            time.sleep(0.05)

    def written(self, since: float) -> list[Path]:
        """Return the states of stacks that were written after `since`, a time of the file system's clock."""
        found = []
        for path in self.folder.glob("checkpoints/*.safetensors"):
            with suppress(FileNotFoundError):  # replaced by its successor meanwhile
                if path.stat().st_mtime > since:
                    found.append(path)
        return found

    def end(self, seconds: float = float("inf")) -> tuple[int, str]:
        """Wait for its end, or end it after so many seconds; return its exit code and what it said."""
        deadline = time.monotonic() + seconds
        while seconds < float("inf") and not self.is_over() and time.monotonic() < deadline:
            time.sleep(0.01)
        if not self.is_over() and seconds < float("inf"):
            self.process.kill()
        code = self.process.wait()
        return code, " ".join(self.log.read_text().split())


def words_of(process: psutil.Process) -> list[str]:
    """Return a process's command line; empty if it has ended."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def name_of(process: psutil.Process) -> str:
    """Return the file name of a process's program, or what it calls itself; empty if it has ended."""
    return Path(next(iter(words_of(process)), "")).name


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of everything that a study found; no fault may change one."""
    from justright.records.folder import StudyFolder
    from justright.records.reader import StoreReader

    found: dict[str, str] = {}
    with StoreReader(StudyFolder.open(folder)) as store:
        for record in store.runs():
            run = record.run
            curves = store.curves(variant=run.variant, seed=run.seed).drop("variant").to_numpy()
            found[f"curves of {run}"] = digest(curves.astype(np.float64).tobytes())
            ends = (record.outcome, record.epochs, record.best_epoch, record.best, record.last)
            found[f"end of {run}"] = digest(repr((*ends, record.test, record.test_last)).encode())
            for kind in ("validation", "fixed", "test"):
                losses = store.row_losses(run, kind)
                found[f"{kind} rows of {run}"] = digest(
                    b"".join(epoch.to_bytes(4, "big") + values.tobytes() for epoch, values in losses.items())
                )
            if record.model_path:
                found[f"model of {run}"] = model_digest(folder / record.model_path)
        found["judgement"] = digest(repr(store.get_meta("judgement")).encode())
        reference = store.reference()
        found["reference"] = digest(
            b"".join(
                reference[name][kind].tobytes() for name in reference for kind in sorted(reference[name])
            )
        )
    for path in sorted(folder.glob("tensorboard/**/*.tfevents.*")):
        found[f"event file {path.relative_to(folder)}"] = digest(repr(points_of(path)).encode())
    return found


def points_of(path: Path) -> list[tuple[str, int, bytes]]:
    """Return each (tag, step, value) of an event file as TensorBoard reads it; what stands there twice is there twice."""
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    events = LegacyEventFileLoader(str(path)).Load()
    return sorted(
        (value.tag, event.step, said_by(value)) for event in events for value in event.summary.value
    )


def said_by(value: Any) -> bytes:
    """Return the number, histogram, text or hyperparameters that a summary's value holds, without times."""
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    plugin = value.metadata.plugin_data
    if plugin.plugin_name != "hparams":
        return value.tensor.tensor_content + b"".join(value.tensor.string_val)
    data = HParamsPluginData.FromString(plugin.content)
    for part, when in (("session_start_info", "start_time_secs"), ("session_end_info", "end_time_secs")):
        if data.HasField(part):
            getattr(data, part).ClearField(when)
    return data.SerializeToString(deterministic=True)


def model_digest(path: Path) -> str:
    """Return a digest of a saved model's weights."""
    from justright.records.models import load_model

    return digest(
        b"".join(np.ascontiguousarray(values).tobytes() for values in load_model(path).get_weights())
    )


def digest(content: bytes) -> str:
    """Return a short name for some bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Return the names of what differs or is missing."""
    return [name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)]
