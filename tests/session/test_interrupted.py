"""Interrupted and killed studies: the same command again ends with exactly what an uninterrupted one gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest

from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.session.result import open_result

# The command line as users have it, except that every event prints a line and checkpoints follow each other quickly.
DRIVER = """
import sys
import justright.session.session as running
from justright.cli.main import main
from justright.runs.events import StackCheckpoint

class Lines:
    def handle(self, event):
        ended = "".join(" ended" for _ in event.finished) if isinstance(event, StackCheckpoint) else ""
        print(type(event).__name__ + ended, file=sys.stderr, flush=True)

original = running.run_study
running.run_study = lambda *arguments, **options: original(
    *arguments, **(options | {"sinks": [Lines()], "checkpoint_seconds": 0.1})
)
main(sys.argv[1:])
"""
STUDY = """
name = "interrupted"
seeds = 2
[recipe]
batch_size = 100
max_epochs = 8000
[variants.Plain]
family = "mlp"
units = [8]
[variants.Dropped]
family = "mlp"
units = [8]
dropout = 0.3
batch_normalization = true
"""
STOP_SECONDS = 5.0  # what an interrupted command may take to end, on a machine with nothing else to do
BUSY_STOP_SECONDS = 60.0  # that it ends at all, where other tests compete for the processors
ROWS, FEATURES = 600, 5


@pytest.fixture(scope="module", autouse=True)
def _heard():
    """Let commands hear SIGINT: they inherit that it is ignored, where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a table, a study file, and room for what XLA compiles."""
    folder = tmp_path_factory.mktemp("interrupted")
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, FEATURES))
    y = (x[:, 0] * x[:, 1] + 0.3 * random.normal(size=ROWS) > 0).astype(int)
    lines = [
        ",".join([*(f"{value:.5f}" for value in row), str(label)]) for row, label in zip(x, y, strict=True)
    ]
    (folder / "rows.csv").write_text("a,b,c,d,e,label\n" + "\n".join(lines) + "\n")
    (folder / "study.toml").write_text(STUDY)
    return folder


class Command:
    """`justright run` in a process of its own, whose events can be waited for."""

    def __init__(self, place: Path, out: str) -> None:
        arguments = ["run", "rows.csv", "--target", "label", "--study", "study.toml", "--out", out]
        cache = {
            "JAX_COMPILATION_CACHE_DIR": str(place / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, *arguments, "--workers", "2"],
            cwd=place,
            env=os.environ | cache,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, event: str, *, times: int = 1) -> None:
        """Read events until one has come `times` times."""
        seen = []
        for line in self.process.stderr:
            seen.append(line.strip())
            times -= seen[-1] == event
            if times == 0:
                return
        pytest.fail(f"The command ended before {event!r}; it said: {seen[-20:]}")

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def end(self) -> tuple[int, str]:
        """Return exit code and the rest of what it said."""
        said = self.process.stderr.read()
        return self.process.wait(), said

    def workers(self) -> list[psutil.Process]:
        """Its worker processes."""
        return psutil.Process(self.process.pid).children()


def contents(folder: Path) -> dict[str, object]:
    """Return everything a study found, as bytes and plain values: what must not depend on interruptions."""
    found: dict[str, object] = {}
    with StoreReader(StudyFolder.open(folder)) as store:
        for row in store.curves().partition_by("variant", "seed", as_dict=True).items():
            found[f"curves {row[0]}"] = row[1].to_numpy()[:, 2:].astype(np.float64).tobytes()
        for record in store.runs():
            values = (record.best, record.last, record.test, record.test_last)
            found[f"run {record.run}"] = (
                record.outcome,
                record.reason,
                record.epochs,
                record.best_epoch,
                values,
            )
            for kind in ("validation", "fixed", "test"):
                for epoch, losses in store.row_losses(record.run, kind).items():
                    found[f"rows {record.run} {kind} {epoch}"] = losses.tobytes()
            model = keras.saving.load_model(folder / record.model_path)
            found[f"model {record.run}"] = [np.asarray(value).tobytes() for value in model.get_weights()]
        found["judgement"] = store.get_meta("judgement")
        found["reference"] = {
            name: {kind: losses.tobytes() for kind, losses in kinds.items()}
            for name, kinds in store.reference().items()
        }
        found["checkpoints"] = store.checkpoints()
    found["result"] = {
        key: value for key, value in open_result(folder).result.items() if key != "wall_seconds"
    }
    return found


@pytest.fixture(scope="module")
def uninterrupted(place):
    """What the study finds when it is not interrupted."""
    with Command(place, "whole") as command:
        code, said = command.end()
    assert code == 0, said
    return contents(place / "whole")


def assert_same(folder: Path, expected: dict[str, object]) -> None:
    """Compare part by part, so that a failure names the part and not megabytes."""
    found = contents(folder)
    assert found.keys() == expected.keys()
    assert [key for key in expected if found[key] != expected[key]] == []


def interrupt(place: Path, number: signal.Signals) -> None:
    """Start the study or go on with it, and send it a signal once it trains."""
    with Command(place, "touched") as command:
        command.wait_for("StackCheckpoint")
        is_idle = os.getloadavg()[0] <= os.cpu_count()
        asked = time.monotonic()
        command.process.send_signal(number)
        code, said = command.end()
        assert time.monotonic() - asked < (STOP_SECONDS if is_idle else BUSY_STOP_SECONDS), number.name
    assert code == 130, said
    assert "interrupted; nothing recorded is lost. To go on: justright run rows.csv" in said
    with StoreReader(StudyFolder.open(place / "touched")) as store:
        assert store.checkpoints(), said  # something to go on from


@pytest.mark.slow
def test_signals_and_kills_change_nothing(place, uninterrupted):
    """Ctrl-C, SIGTERM, kill -9 of a worker and of the coordinator, one after the other; then on to the end.

    Curves, best epochs, row losses, model weights, verdicts, and result.json are bit-identical.
    """
    interrupt(place, signal.SIGINT)
    interrupt(place, signal.SIGTERM)
    with Command(place, "touched") as command:
        command.wait_for("StackCheckpoint")
        command.workers()[0].kill()
        command.wait_for("StackCheckpoint ended")
        command.process.kill()
        assert command.end()[0] == -signal.SIGKILL
    with Command(place, "touched") as command:
        code, said = command.end()
        assert code == 0, said
    assert_same(place / "touched", uninterrupted)


@pytest.mark.slow
def test_a_second_run_of_an_ended_study_trains_nothing(place, uninterrupted):
    """The same command on a complete folder names the table, emits no event at all, and changes nothing in it."""
    table = (
        "rows.csv: 5 features, target label (binary: two values, 0 and 1), rows: 360 train, 90 validation, 150 test.\n"
        "All columns are numbers.\nPrecision: float32.\n"
    )
    with Command(place, "whole") as command:
        assert command.end() == (0, table)
    assert_same(place / "whole", uninterrupted)


@pytest.mark.slow
def test_workers_die_with_their_coordinator(place):
    """After kill -9 of the coordinator no worker goes on writing into a folder that another command may own."""
    with Command(place, "orphans") as command:
        command.wait_for("StackProgress")
        workers = command.workers()
        assert len(workers) == 2
        command.process.kill()
        gone, alive = psutil.wait_procs(workers, timeout=10)
    assert len(gone) == 2
    assert alive == []
