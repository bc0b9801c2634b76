"""One study from description to result: the place where table, engine, records, verdicts and reports meet."""

from __future__ import annotations

import platform
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from justright.data import describe_table
from justright.engine.baseline import constant_loss
from justright.engine.events import Event, ReferenceMeasured, RunKey, Sink
from justright.engine.executors import open_executor
from justright.engine.machine import available_cores, processor_name
from justright.engine.plan import SavedStack
from justright.engine.tasks import CHECKPOINT_SECONDS, Storage, StudyRows
from justright.engine.train import study_rows, train_study
from justright.errors import FolderError
from justright.judging import judge_folder, summarise_folder, write_report, write_result
from justright.preparing import prepare_study
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.files import write_atomically
from justright.records.fingerprints import changed, versions
from justright.records.folder import Mode, StudyFolder, holds_study, new_folder_beside
from justright.records.models import save_model_atomically
from justright.records.store import Store
from justright.records.tensorboard import TensorBoardFiles
from justright.result import Result, open_result
from justright.study.recipe import steps_per_epoch
from justright.study.spec import read_spec, study_to_dict
from justright.study.study import Study

__all__ = ["Result", "open_result", "prepare_study", "run_study"]


def run_study(
    study: Study,
    out: str | Path,
    *,
    workers: int | None = None,
    engine: str = "local",
    ray_address: str | None = None,
    sinks: Sequence[Sink] = (),
    new: bool = False,
    command: str = "",
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Result:
    """Train what is missing of a study in folder `out`, judge it, write its reports and return its result.

    A folder that holds this study is resumed; more seeds, variants and epochs than it holds are added.

    Args:
        study: what to train.
        out: the study folder.
        workers: stacks trained at the same time; None takes a worker a core.
        engine: 'local', or 'ray' for a Ray cluster.
        ray_address: the cluster; None starts one on this machine.
        sinks: take every event after it is stored, for instance a live view.
        new: start in a fresh folder beside `out` when that holds a study already.
        command: the shell command that makes this study again, for the report.
        checkpoint_seconds: training time between checkpoints: the most that a kill can cost.

    Returns:
        The result; `interrupted` when Ctrl-C or SIGTERM ended training early, and the same call goes on.

    Raises:
        InputError: a variant cannot be built; nothing has been trained then.
        FolderError: the folder holds another study, belongs to another process, or cannot be written.
    """
    path = Path(new_folder_beside(out) if new else out)
    mode: Mode = "resume" if holds_study(path) else "create"
    with StudyFolder.open(path, mode) as folder, Store(folder) as store:
        session = _Session(study, folder, store, tuple(sinks))
        session.check_same_study()
        session.describe(command)
        interrupted = session.train(
            workers=workers, engine=engine, ray_address=ray_address, checkpoint_seconds=checkpoint_seconds
        )
        if not interrupted:  # who pressed Ctrl-C waits for checkpoints, not for a report
            session.conclude()
    return Result(path, interrupted=interrupted)


@dataclass(slots=True)
class _Session:
    """One call of `run_study` on its open folder."""

    study: Study
    folder: StudyFolder
    store: Store
    sinks: tuple[Sink, ...]

    def check_same_study(self) -> None:
        """Raise FolderError when the folder holds another study, naming what differs; remember ours when it is new."""
        current = _fingerprints(self.study)
        stored = self.store.get_meta("fingerprints")
        if stored is not None:
            differences = changed(stored, _restricted(current, stored))
            if differences:
                raise FolderError(
                    f"{str(self.folder.path)!r} holds another study: {'; '.join(differences)}. "
                    "Run that one again, choose another --out, or start beside it with --new."
                )
            current["variants"] = stored["variants"] | current["variants"]
        self.store.set_meta("fingerprints", current)

    def describe(self, command: str) -> None:
        """Write down the study, its table and this machine, before anything trains."""
        rows = study_rows(self.study)
        table = describe_table(self.study.split.table)
        parts = {"parts": self.study.split.sizes, "constant_loss": constant_loss(rows)}
        self.store.set_meta("table", dict(table) | parts)
        self.store.set_meta("environment", _environment())
        if command or self.store.get_meta("command") is None:
            self.store.set_meta("command", command)
        self._write_study({event.variant: event.config for event in self.store.variants()})

    def train(
        self, *, workers: int | None, engine: str, ray_address: str | None, checkpoint_seconds: float
    ) -> bool:
        """Train what is missing; return whether it was interrupted."""
        ended = {record.run for record in self.store.runs() if record.is_ended and record.outcome != "failed"}
        wanted = {RunKey(variant.name, seed, rows) for variant, seed, rows in self.study.runs()}
        needs_reference = self.study.reference and self.store.get_meta("reference") is None
        if wanted <= ended and not needs_reference:
            return False
        started = time.monotonic()
        storage = Storage(self.folder.path, write_tensors, read_tensors, save_model_atomically)
        rows: StudyRows = study_rows(self.study)
        handle = self._handler()
        try:
            with (
                _interruptible(),
                open_executor(
                    engine, rows, storage, workers=workers, jobs=len(wanted - ended), address=ray_address
                ) as executor,
            ):
                train_study(
                    self.study,
                    executor,
                    handle,
                    workers=executor.workers,
                    model_path=self._model_path,
                    ended=ended,
                    saved=self._usable_checkpoints(wanted),
                    measure_reference=needs_reference,
                    on_built=lambda built: self._write_study(
                        {name: event.config for name, event in built.items()}
                    ),
                    checkpoint_seconds=checkpoint_seconds,
                )
        except KeyboardInterrupt:
            return True
        finally:
            spent = self.store.get_meta("wall_seconds", 0.0) + time.monotonic() - started
            self.store.set_meta("wall_seconds", spent)
        return False

    def conclude(self) -> None:
        """Judge what is recorded and write result.json and report.html."""
        study = read_spec(self.folder.study_path)
        judge_folder(self.store, study)
        summary = summarise_folder(self.store, study)
        write_result(self.folder, summary)
        write_report(self.folder, summary)

    def _handler(self) -> Callable[[Event], None]:
        """Return what takes the engine's events: the store first, then files and views."""
        split = self.study.split
        recipes = {variant.name: self.study.recipe_of(variant) for variant in self.study.variants}
        tensorboard = TensorBoardFiles(
            self.folder,
            self.store,
            full_rows=split.sizes["train"],
            steps_per_epoch=lambda run: steps_per_epoch(run.train_rows, recipes[run.variant].batch_size),
        )
        sinks: list[Sink] = [self.store, tensorboard, *self.sinks]

        def handle(event: Event) -> None:
            if isinstance(event, ReferenceMeasured):
                self._store_reference(event)
            for sink in sinks:
                sink.handle(event)

        return handle

    def _store_reference(self, event: ReferenceMeasured) -> None:
        self.store.write_reference(event.name, {"validation": event.validation, "test": event.test})
        score = None if event.test_score != event.test_score else event.test_score
        self.store.set_meta(
            "reference", {"name": event.name, "iterations": event.iterations, "test_score": score}
        )

    def _usable_checkpoints(self, wanted: set[RunKey]) -> list[SavedStack]:
        """Return the checkpoints to go on from; a damaged one is named in the diary and its stack starts anew."""
        usable = []
        for record in self.store.checkpoints():
            if not wanted.intersection(record.lanes):
                continue
            try:
                read_tensors(self.folder.inside(record.path))
            except FolderError as error:
                self.store.note("checkpoint damaged", str(error))
                self.store.forget_checkpoint(record.stack)
                continue
            usable.append(SavedStack(record.stack, record.path, record.lanes))
        return usable

    def _model_path(self, run: RunKey) -> str:
        return self.folder.relative(self.folder.model_path(run, full_rows=self.study.split.sizes["train"]))

    def _write_study(self, configs: Mapping[str, str]) -> None:
        """Write study.toml: this study, with the seeds and variants that the folder already holds."""
        import tomli_w

        values = study_to_dict(self.study, configs)
        if self.folder.study_path.is_file():
            before = read_spec(self.folder.study_path)
            values["seeds"] = sorted({*before.get("seeds", []), *values["seeds"]})
            values["variants"] = before.get("variants", {}) | values["variants"]
        write_atomically(self.folder.study_path, tomli_w.dumps(values).encode())


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM interrupt as Ctrl-C does, where this is the main thread."""
    try:
        previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # not the main thread: signals are somebody else's business
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _fingerprints(study: Study) -> dict[str, Any]:
    """Return the description that decides whether a folder holds this study; see `records.fingerprints`."""
    values = study_to_dict(study)
    variants = {
        name: {
            key: value for key, value in member.items() if key not in ("group", "baseline", "keras_config")
        }
        for name, member in values["variants"].items()
    }
    split = study.split
    return {
        "table": split.table.fingerprint,
        "split": split.fingerprint,
        "recipe": values["recipe"],
        "variants": variants,
        "versions": versions(),
    }


def _restricted(current: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return `current` together with variants that only the folder holds: leaving some out is no change."""
    return dict(current) | {"variants": stored["variants"] | current["variants"]}


def _environment() -> dict[str, Any]:
    """Return versions and machine, for the report."""
    return {
        "python": platform.python_version(),
        **versions(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor_name(),
        "cores": len(available_cores()),
    }
