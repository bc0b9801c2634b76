"""Write access to the study's database, which makes the events of training durable."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import repeat

import numpy as np
import numpy.typing as npt

from justright.data.readers.databases.guarded_connection import GuardedConnection, quoted
from justright.errors import FolderError
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.codec import losses_to_blob, metrics_to_json
from justright.records.faults import content_faults, database_faults
from justright.records.files import remove
from justright.records.folder import StudyFolder
from justright.records.reader import RUN_ENDED, RUN_FAILED, RUN_STARTED, StoreReader
from justright.records.schema import BUSY_SECONDS, open_for_writing
from justright.runs.checkpoint_lanes import take_lanes
from justright.runs.events import (
    EpochBlock,
    Event,
    PlanMade,
    RowKind,
    RowLosses,
    RunFinished,
    RunKey,
    RunMeasured,
    RunStarted,
    StackCheckpoint,
    VariantBuilt,
    WorkersTried,
)
from justright.runs.grid import measured_epochs
from justright.runs.plain import to_json

KEY_COLUMNS = frozenset({"run", "epoch"})  # of the table `epochs`; a metric of that name gets another column
REOPEN = """
    UPDATE runs SET outcome = NULL, reason = '', epochs = NULL, best_epoch = NULL, train_seconds = NULL,
        best = '{}', last = '{}', test = '{}', test_last = '{}'
    WHERE id = ?
"""


@dataclass(frozen=True, slots=True)
class Division:
    """A checkpoint whose lanes are to be put into several.

    Args:
        stack: whose checkpoint.
        parts: path of each new one, relative to the study folder -> its stack and the runs in it.
    """

    stack: str
    parts: Mapping[str, tuple[str, tuple[RunKey, ...]]]


class Store(StoreReader):
    """The only writer of a study's database, and a sink of events.

    Each event is one transaction: after a crash it is recorded as a whole or not at all. Epochs that arrive again, as after
    a resume, replace the recorded ones.

    Args:
        folder: the study folder, opened to create or to resume.
        busy_seconds: how long to wait for a reading program.

    Raises:
        FolderError: as for `StoreReader`, or the folder is open only for reading, full, or gone.
    """

    def __init__(self, folder: StudyFolder, *, busy_seconds: float = BUSY_SECONDS) -> None:
        if folder.mode == "read":
            raise FolderError(
                f"A store needs a folder opened with mode 'create' or 'resume'; {str(folder.path)!r} was opened with "
                "'read'. Use StoreReader."
            )
        super().__init__(folder, busy_seconds=busy_seconds)
        self._identity = _identity(self.path.stat())
        with content_faults(self.path):  # what it names as checkpoints may be anything
            self._remove_orphans()

    def handle(self, event: Event) -> None:
        """Store one event; progress and the rest of a plan, which are for the live view, are ignored."""
        match event:
            case VariantBuilt():
                self._put_variant(event)
            case PlanMade(variant_lanes=lanes) if lanes:
                self._put_lanes(dict(lanes))
            case WorkersTried():
                self._put_tried(event)
            case RunStarted():
                self._put_started(event)
            case RunFinished():
                with self._transaction():
                    self._put_finished(event)
            case StackCheckpoint():
                self._put_checkpoint(event)
            case RunMeasured():
                self._put_test(event)

    def set_meta(self, key: str, value: object) -> None:
        """Store a plain value under `key`; NaN and infinities in it become None."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, to_json(value)))

    def note(self, kind: str, text: str) -> None:
        """Add a line to the study's diary: a fault, a retry, a repair."""
        with self._transaction():
            self._put_note(kind, text)

    def write_reference(self, name: str, losses: Mapping[RowKind, npt.NDArray[np.float32]]) -> None:
        """Replace the row losses of the reference model `name`: kind of rows -> (rows,)."""
        rows = (
            (name, kind, losses_to_blob(values)) for kind, values in losses.items()
        )  # large: one at a time
        with self._transaction() as connection:
            connection.execute("DELETE FROM reference WHERE name = ?", (name,))
            connection.executemany("INSERT INTO reference VALUES (?, ?, ?)", rows)

    def extend_run(self, run: RunKey) -> None:
        """Reopen an ended run: remove what its end added.

        Its curves stay, as do its validation losses at the epochs at which every run is measured.
        """
        with self._transaction() as connection:
            number = self._run_number(run)
            connection.execute(REOPEN, (number,))
            connection.execute("DELETE FROM row_losses WHERE run = ? AND kind != 'validation'", (number,))
            epochs = self._rows("SELECT epoch FROM row_losses WHERE run = ?", (number,))
            at_end = [(number, epoch) for (epoch,) in epochs if not measured_epochs(epoch, 1)[0]]
            connection.executemany("DELETE FROM row_losses WHERE run = ? AND epoch = ?", at_end)

    def forget_test(self) -> None:
        """Remove all that runs and the reference model measured on test rows, so that other rows can be measured."""
        with self._transaction() as connection:
            connection.execute("UPDATE runs SET test = '{}', test_last = '{}'")
            connection.execute("DELETE FROM row_losses WHERE kind IN ('test', 'test_score', 'test_output')")
            connection.execute("DELETE FROM reference")
            connection.execute("DELETE FROM meta WHERE key = 'reference'")

    def forget_checkpoint(self, stack: str) -> None:
        """Remove a stack's checkpoint, for instance a damaged one: the stack then starts from its first epoch."""
        paths = self._checkpoint_files(stack)
        with self._transaction() as connection:
            connection.execute("DELETE FROM checkpoints WHERE stack = ?", (stack,))
        for path in paths:
            remove(self.folder.inside(path))

    def divide_checkpoint(self, division: Division) -> None:
        """Put a checkpoint's lanes into several; nothing happens if that was done before.

        Raises:
            FolderError: it cannot be read, or the others not be written; all is as before then.
        """
        found = {record.stack: record for record in self.checkpoints()}.get(division.stack)
        if found is None:
            return
        tensors, metadata = read_tensors(self.folder.inside(found.path))
        for path, (name, runs) in division.parts.items():
            places = [found.lanes.index(run) for run in runs]
            words = metadata | {"stack": name, "runs": json.dumps(runs), "waiting": "[]"}
            write_tensors(self.folder.inside(path), take_lanes(tensors, places), words)
        with self._transaction() as connection:
            connection.execute("DELETE FROM checkpoints WHERE stack = ?", (division.stack,))
            for path, (name, runs) in division.parts.items():
                row = (name, path, found.epoch, to_json(runs))
                connection.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)", row)
        remove(self.folder.inside(found.path))

    def _connect(self, busy_seconds: float) -> GuardedConnection:
        return open_for_writing(self.path, busy_seconds=busy_seconds)

    def _metered(self) -> AbstractContextManager[None]:
        return self._connection.metered(renewed=True)  # training may take days

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection inside a transaction that is durable if the block succeeds, and undone if it fails."""
        connection = self._connection
        with database_faults(self.path):
            self._check_in_place()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # some errors, such as a full disk, have already rolled back
                    connection.execute("ROLLBACK")
                raise

    def _check_in_place(self) -> None:
        """Raise FolderError if the database was deleted or replaced: SQLite would go on writing to the deleted file."""
        try:
            in_place = _identity(self.path.stat()) == self._identity
        except OSError:
            in_place = False
        if not in_place:
            raise FolderError(
                f"The study folder must stay in place while a study runs; {str(self.path)!r} was removed or replaced. "
                "Put it back, or choose another folder, and run the same command again."
            )

    def _remove_orphans(self) -> None:
        """Remove checkpoint files that the database does not name: they were never recorded, or have been replaced."""
        named = {self.folder.inside(record.path) for record in self.checkpoints()}
        if self.folder.checkpoints_path.is_dir():
            for path in self.folder.checkpoints_path.iterdir():
                if path.is_file() and path not in named:
                    remove(path)

    def _checkpoint_files(self, stack: str) -> set[str]:
        return {path for (path,) in self._rows("SELECT path FROM checkpoints WHERE stack = ?", (stack,))}

    def _put_variant(self, event: VariantBuilt) -> None:
        row = (event.variant, event.parameters, event.summary, event.config, to_json(event.layers))
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO variants VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
                " parameters = excluded.parameters, summary = excluded.summary, config = excluded.config,"
                " layers = excluded.layers",
                row,
            )

    def _put_lanes(self, lanes: Mapping[str, int]) -> None:
        found = self.get_meta("variant_lanes", {})
        most = {name: max(count, found.get(name, 0)) for name, count in lanes.items()}
        self.set_meta("variant_lanes", found | most)

    def _put_tried(self, event: WorkersTried) -> None:
        """Store the latest trial of each number of workers; one of fewer ends what came of more."""
        found = [one for one in self.get_meta("workers_tried", []) if one["tried"] < event.tried]
        self.set_meta("workers_tried", [*found, asdict(event)])

    def _put_started(self, event: RunStarted) -> None:
        with self._transaction() as connection:
            number = self._run_number(event.run)
            connection.execute("UPDATE runs SET worker = ? WHERE id = ?", (event.worker, number))
            self._put_note(RUN_STARTED, f"{_words(event.run)}: from epoch {event.epoch} on {event.worker}")

    def _put_checkpoint(self, event: StackCheckpoint) -> None:
        """Store blocks, ended runs and the checkpoint's name together, then remove obsolete checkpoint files."""
        current = self.folder.inside(event.path)
        obsolete = {self.folder.inside(path) for path in self._checkpoint_files(event.stack)} - {current}
        with self._transaction() as connection:
            for block in event.blocks:
                self._put_block(block)
            for finished in event.finished:
                self._put_finished(finished)
            connection.execute("DELETE FROM checkpoints WHERE stack = ?", (event.stack,))
            if event.lanes:
                row = (event.stack, event.path, event.epoch, to_json(event.lanes))
                connection.execute("INSERT INTO checkpoints VALUES (?, ?, ?, ?)", row)
                parked = [(one.stack, one.path, one.epoch, to_json(one.lanes)) for one in event.parked]
                connection.executemany("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)", parked)
            else:
                obsolete.add(current)
        for path in obsolete:
            remove(path)

    def _put_block(self, block: EpochBlock) -> None:
        number = self._run_number(block.run)
        columns = [quoted(self._metric_column(name)) for name in block.metrics]
        epochs = range(block.first_epoch, block.first_epoch + block.epochs)
        values = [np.asarray(metric, dtype=np.float64).tolist() for metric in block.metrics.values()]
        rows = zip(repeat(number, block.epochs), epochs, *values, strict=True)
        marks = ", ".join("?" * (2 + len(columns)))
        # sqlite3 stores a NaN as NULL.
        names = ", ".join(["run", "epoch", *columns])
        sql = f"INSERT OR REPLACE INTO epochs ({names}) VALUES ({marks})"  # noqa: S608  # names are quoted
        self._connection.executemany(sql, rows)
        self._put_rows(number, block.rows)

    def _put_finished(self, event: RunFinished) -> None:
        if event.model_path is not None:
            self.folder.inside(event.model_path)
        number = self._run_number(event.run)
        metrics = [
            metrics_to_json(values) for values in (event.best, event.last, event.test, event.test_last)
        ]
        self._connection.execute(
            "UPDATE runs SET outcome = ?, reason = ?, epochs = ?, best_epoch = ?, train_seconds = ?,"
            " best = ?, last = ?, test = ?, test_last = ?, model_path = ? WHERE id = ?",
            (
                *(event.outcome, event.reason, event.epochs, event.best_epoch, event.train_seconds),
                *(*metrics, event.model_path, number),
            ),
        )
        # Remove what is left of an earlier attempt that had come further.
        beyond = (number, event.epochs)
        self._connection.execute("DELETE FROM epochs WHERE run = ? AND epoch >= ?", beyond)
        self._connection.execute("DELETE FROM row_losses WHERE run = ? AND epoch >= ?", beyond)
        self._put_rows(number, event.rows)
        kind = RUN_FAILED if event.outcome == "failed" else RUN_ENDED
        self._put_note(
            kind, f"{_words(event.run)}: {event.outcome} after {event.epochs} epochs. {event.reason}"
        )

    def _put_test(self, event: RunMeasured) -> None:
        with self._transaction() as connection:
            number = self._run_number(event.run)
            metrics = (metrics_to_json(event.test), metrics_to_json(event.test_last))
            connection.execute("UPDATE runs SET test = ?, test_last = ? WHERE id = ?", (*metrics, number))
            self._put_rows(number, event.rows)

    def _put_rows(self, number: int, rows: Iterable[RowLosses]) -> None:
        # One at a time: they may be large.
        values = ((number, item.kind, item.epoch, losses_to_blob(item.losses)) for item in rows)
        self._connection.executemany("INSERT OR REPLACE INTO row_losses VALUES (?, ?, ?, ?)", values)

    def _put_note(self, kind: str, text: str) -> None:
        time = datetime.now(UTC).isoformat(timespec="seconds")
        self._connection.execute("INSERT INTO events (time, kind, text) VALUES (?, ?, ?)", (time, kind, text))

    def _run_number(self, run: RunKey) -> int:
        """Return the key of a run's row, which is added if missing."""
        self._connection.execute(
            "INSERT INTO runs (variant, seed, train_rows) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", run
        )
        return int(
            self._rows("SELECT id FROM runs WHERE variant = ? AND seed = ? AND train_rows = ?", run)[0][0]
        )

    def _metric_column(self, metric: str) -> str:
        """Return the column of `epochs` that holds a metric, which is added if missing."""
        names, columns = self._metric_columns()
        if metric in names:
            return columns[names.index(metric)]
        column = _free_column(metric, taken=KEY_COLUMNS.union(columns))
        self._connection.execute(f"ALTER TABLE epochs ADD COLUMN {quoted(column)} REAL")
        self._connection.execute("INSERT INTO metrics VALUES (?, ?)", (metric, column))
        return column


def _free_column(metric: str, *, taken: Iterable[str]) -> str:
    """Return a column name for a metric: its own name, unless that differs from another only in case.

    Example:
        >>> _free_column("AUC", taken={"auc"}), _free_column("loss", taken={"auc"})
        ('AUC_2', 'loss')
    """
    used = {column.casefold() for column in taken}
    plain = "".join(mark if mark.isprintable() else "_" for mark in metric)
    column, number = plain, 1
    while column.casefold() in used:
        number += 1
        column = f"{plain}_{number}"
    return column


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _words(run: RunKey) -> str:
    return f"{run.variant}, seed {run.seed}, {run.train_rows} rows"
