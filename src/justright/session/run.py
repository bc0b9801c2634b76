"""One study from description to result: the place where table, engine, records, verdicts and reports meet."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from justright.data import describe_table
from justright.errors import FolderError, InputError
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.faults import content_faults
from justright.records.files import write_atomically
from justright.records.fingerprints import versions
from justright.records.folder import Mode, StudyFolder, holds_study, new_folder_beside
from justright.records.models import save_model_atomically
from justright.records.rebuild import open_store
from justright.records.store import Store
from justright.records.tensorboard import TensorBoardFiles, mend_event_files
from justright.runs.events import Event, ReferenceMeasured, RowKind, RunKey, Sink, VariantBuilt
from justright.runs.losses import constant_loss
from justright.runs.place import available_cores
from justright.runs.tasks import CHECKPOINT_SECONDS, Storage
from justright.session.extend import Remaining, check_same_study, find_remaining, fingerprints
from justright.session.judge import TARGETS, judge_folder, summarise_folder, write_report, write_result
from justright.session.prepare import prepare_study
from justright.session.result import Result, open_result
from justright.study.recipe import steps_per_epoch
from justright.study.spec import read_spec, study_to_dict
from justright.study.study import Study
from justright.workers.engines import open_pool
from justright.workers.interrupts import interruptible
from justright.workers.machine import processor_name
from justright.workers.train import study_rows, train_study
from justright.workers.watch import HANG_SECONDS

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
    hang_seconds: float = HANG_SECONDS,
) -> Result:
    """Train what is missing of a study in folder `out`, judge it, write its reports and return its result.

    A folder that holds this study is resumed. More seeds, variants and epochs than it holds are added, and other test
    rows take the place of those before; runs that have ended are not trained again for that.

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
        hang_seconds: how long a worker may say nothing without computing before it is ended and its runs tried again.

    Returns:
        The result; `interrupted` when Ctrl-C or SIGTERM ended training early, and the same call goes on.

    Raises:
        InputError: a variant cannot be built, memory does not suffice, or a time is none; nothing has been trained then.
        FolderError: the folder holds another study, belongs to another process, or can no longer be written; what was
            recorded stays.
    """
    _check_seconds(checkpoint_seconds=checkpoint_seconds, hang_seconds=hang_seconds)
    path = Path(new_folder_beside(out) if new else out)
    mode: Mode = "resume" if holds_study(path) else "create"
    with StudyFolder.open(path, mode) as folder, _open_noting(folder) as (store, repairs):
        session = _Session(study, folder, store, tuple(sinks), fingerprints(study))
        with content_faults(store.path):  # the folder may be a stranger's
            session.check_same_study()
        interrupted = session.train(
            command,
            engine=engine,
            workers=workers,
            address=ray_address,
            checkpoint_seconds=checkpoint_seconds,
            hang_seconds=hang_seconds,
        )
        if not interrupted:  # who pressed Ctrl-C waits for checkpoints, not for a report
            session.conclude()
        repaired = repairs()
    return Result(path, interrupted=interrupted, repairs=repaired)


@contextmanager
def _open_noting(folder: StudyFolder) -> Iterator[tuple[Store, Callable[[], tuple[str, ...]]]]:
    """Yield the folder's store, and a function that returns what was found damaged, or failed, since it was opened."""
    store, rebuilt = open_store(folder)
    with store:
        known = len(store.notes()) - (rebuilt is not None)
        yield store, lambda: tuple(note.text for note in store.notes()[known:] if not note.is_routine)


def _check_seconds(**times: float) -> None:
    """Raise InputError for a time that is none."""
    for name, seconds in times.items():
        if not seconds > 0:  # also NaN
            raise InputError(f"`{name}` must be more than 0 seconds; got {seconds!r}.")


@dataclass(slots=True)
class _Session:
    """One call of `run_study` on its open folder."""

    study: Study
    folder: StudyFolder
    store: Store
    sinks: tuple[Sink, ...]
    fingerprints: dict[str, Any]
    remaining: Remaining = field(init=False)

    def check_same_study(self) -> None:
        """Raise FolderError when the folder holds another study, naming what differs."""
        fingerprints = check_same_study(self.store, self.fingerprints)
        self.remaining = find_remaining(self.study, self.store, self.fingerprints)
        self.fingerprints = fingerprints

    def adopt(self, command: str, configs: Mapping[str, str]) -> None:
        """Make the folder one of this study; killed in between, the same or the former command goes on.

        What is recorded is not touched before every variant has been built.
        """
        if self.remaining.has_other_test:
            self.store.forget_test()
        self.describe(command, configs)
        self.store.set_meta("fingerprints", self.fingerprints)
        for run in self.remaining.reopened:
            self.store.extend_run(run)

    def describe(self, command: str, configs: Mapping[str, str]) -> None:
        """Write down the study, its table and this machine, before anything trains."""
        rows = study_rows(self.study)
        table = describe_table(self.study.split.table)
        parts = {"parts": self.study.split.sizes, "constant_loss": constant_loss(rows)}
        self.store.set_meta("table", dict(table) | parts)
        targets: dict[RowKind, Any] = {"validation": rows.validation[1], "test": rows.test[1]}
        self.store.write_reference(TARGETS, targets)
        self.store.set_meta("environment", _environment())
        if command or self.store.get_meta("command") is None:
            self.store.set_meta("command", command)
        self._write_study(configs)

    def train(self, command: str, *, engine: str, checkpoint_seconds: float, **options: Any) -> bool:
        """Train what is missing; return whether it was interrupted. `options` are those of `open_pool`."""
        remaining = self.remaining
        if remaining.is_nothing or not self.store.runs():
            self.adopt(command, {event.variant: event.config for event in self.store.variants()})
        if remaining.is_nothing:
            return False
        started = time.monotonic()
        storage = Storage(self.folder.path, write_tensors, read_tensors, save_model_atomically)
        jobs = len(remaining.wanted - remaining.ended) + len(remaining.revisited)
        interrupted = False
        try:
            with (
                interruptible(),
                open_pool(engine, study_rows(self.study), storage, jobs=max(1, jobs), **options) as pool,
            ):
                train_study(
                    self.study,
                    pool,
                    self._handler(),
                    model_path=self._model_path,
                    ended=remaining.ended,
                    saved=remaining.saved,
                    revisited=remaining.revisited,
                    measure_reference=remaining.reference,
                    on_built=lambda built: self.adopt(
                        command, {name: event.config for name, event in built.items()}
                    ),
                    checkpoint_seconds=checkpoint_seconds,
                )
        except KeyboardInterrupt:
            interrupted = True
        spent = self.store.get_meta("wall_seconds", 0.0) + time.monotonic() - started
        self.store.set_meta("wall_seconds", spent)
        return interrupted

    def conclude(self) -> None:
        """Judge what is recorded and write result.json and report.html; what a kill left of event files is mended."""
        study = read_spec(self.folder.study_path)
        mend_event_files(self.folder, self.store, study)
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
        trained = {record.run.variant for record in self.store.runs()}
        before = {event.variant: event for event in self.store.variants() if event.variant in trained}

        def handle(event: Event) -> None:
            if isinstance(event, VariantBuilt):
                self._check_same_model(before.get(event.variant, event), event)
            if isinstance(event, ReferenceMeasured):
                self._store_reference(event)
            for sink in sinks:
                sink.handle(event)

        return handle

    def _check_same_model(self, before: VariantBuilt, now: VariantBuilt) -> None:
        """Raise FolderError when a builder makes another model than the one whose runs the folder holds."""
        if (before.parameters, before.config) != (now.parameters, now.config):
            counts = f"{before.parameters:,} parameters, now {now.parameters:,}"
            same = f"{now.parameters:,} parameters as before, other layers or options"
            raise FolderError(
                f"{str(self.folder.path)!r} holds another study: variant {now.variant!r} built another model "
                f"({same if before.parameters == now.parameters else counts}). "
                "Run that one again, choose another --out, or start beside it with --new."
            )

    def _store_reference(self, event: ReferenceMeasured) -> None:
        self.store.write_reference(event.name, {"validation": event.validation, "test": event.test})
        score = None if event.test_score != event.test_score else event.test_score
        self.store.set_meta(
            "reference", {"name": event.name, "iterations": event.iterations, "test_score": score}
        )

    def _model_path(self, run: RunKey) -> str:
        return self.folder.relative(self.folder.model_path(run, full_rows=self.study.split.sizes["train"]))

    def _write_study(self, configs: Mapping[str, str]) -> None:
        """Write study.toml: this study, with the seeds and variants that the folder already holds."""
        import tomli_w

        values = study_to_dict(self.study, configs)
        if self.folder.study_path.is_file() and self.store.runs():
            before = read_spec(self.folder.study_path)
            values["seeds"] = sorted({*before.get("seeds", []), *values["seeds"]})
            values["variants"] = before.get("variants", {}) | values["variants"]
        write_atomically(self.folder.study_path, tomli_w.dumps(values).encode())


def _environment() -> dict[str, Any]:
    """Return versions and machine, for the report."""
    return {
        "python": platform.python_version(),
        **versions(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor_name(),
        "cores": len(available_cores()),
    }
