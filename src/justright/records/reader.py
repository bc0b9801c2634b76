"""Read access to a study folder's database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from justright.data.readers.databases.guarded_connection import GuardedConnection, quoted
from justright.errors import FolderError
from justright.records.codec import lanes_from_json, losses_from_blob, metrics_from_json
from justright.records.faults import database_faults
from justright.records.folder import StudyFolder
from justright.records.schema import BUSY_SECONDS, open_for_reading
from justright.runs.events import RowKind, RunKey, VariantBuilt
from justright.runs.outcomes import Outcome

if TYPE_CHECKING:
    import polars

SELECT_RUNS = """
    SELECT variant, seed, train_rows, worker, outcome, reason,
        coalesce((SELECT max(epoch) + 1 FROM epochs WHERE run = runs.id), 0),
        best_epoch, train_seconds, best, last, test, test_last, model_path
    FROM runs
"""
# What one question may bring into memory, so that a stranger's database ends in a sentence. Texts of all runs, of all models
# or of the diary; of 1,000 variants with 3 seeds they take some 50 MB.
MAX_RESULT_BYTES = 128 << 20
ROW_BYTES = 64  # what a row takes besides its texts and losses, at least
# Python's objects take 20 times the JSON text; the judgement of 1,000 variants is 10 MB of it.
MAX_JSON_BYTES = 64 << 20
MAX_LOSS_BYTES = 4 << 30  # row by row, of one run: as much as a table may take
MAX_CURVE_NUMBERS = 400_000_000  # 1,000 variants, 3 seeds, 10,000 epochs, 12 metrics: 3.2 GB
BLOCK_ROWS = 10_000  # of curves, which are Python's objects only that long
# Kinds of notes.
RUN_STARTED, RUN_ENDED, RUN_FAILED = "run started", "run ended", "run failed"
ROUTINE_NOTES = frozenset({RUN_STARTED, RUN_ENDED})


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The record of a run, without its curves and row losses.

    Args:
        run: which.
        worker: where it last trained.
        outcome: how it ended; None until it has.
        reason: the sentence that explains the outcome, or empty.
        epochs: epochs recorded so far.
        best_epoch: the epoch that validation rows chose; None until the run has ended, and for one without any.
        train_seconds: wall time of training; None until the run ended.
        best: every metric at the best epoch; empty until the run ended, like the next three.
        last: every metric at the last epoch.
        test: loss and score on test rows at the best epoch.
        test_last: the same at the last epoch.
        model_path: the saved model, relative to the folder; None if there is none.
    """

    run: RunKey
    worker: str
    outcome: Outcome | None
    reason: str
    epochs: int
    best_epoch: int | None
    train_seconds: float | None
    best: dict[str, float]
    last: dict[str, float]
    test: dict[str, float]
    test_last: dict[str, float]
    model_path: str | None

    @property
    def is_ended(self) -> bool:
        """Whether the run has an outcome."""
        return self.outcome is not None


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """The latest checkpoint of a stack; `path` is relative to the folder, `lanes` are the runs in it."""

    stack: str
    path: str
    epoch: int
    lanes: tuple[RunKey, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the study's diary; `time` is UTC in ISO 8601, for people to read."""

    time: str
    kind: str
    text: str

    @property
    def is_routine(self) -> bool:
        """Whether it only says that a run started, or ended without failing."""
        return self.kind in ROUTINE_NOTES


class StoreReader:
    """Read access to a study's database, even while another process writes to it.

    Args:
        folder: the study folder, opened in any mode.
        busy_seconds: how long to wait for a lock.

    Raises:
        DamagedError: the database is not readable; `rebuild` recovers what it can.
        FolderError: it is of a newer version, locked or gone. Every method may raise these two.
    """

    def __init__(self, folder: StudyFolder, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.folder = folder
        self.path = folder.database_path
        self._connection = self._connect(busy_seconds)

    def close(self) -> None:
        """Close the database; harmless to call twice."""
        with database_faults(self.path):
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def runs(self) -> list[RunRecord]:
        """Return every run known, by variant, seed and training size."""
        rows = self._rows(f"{SELECT_RUNS} ORDER BY variant, seed, train_rows")
        return [_run_record(*row) for row in rows]

    def run(self, run: RunKey) -> RunRecord:
        """Return one of the runs known, without reading the others."""
        (row,) = self._rows(f"{SELECT_RUNS} WHERE variant = ? AND seed = ? AND train_rows = ?", run)
        return _run_record(*row)

    def variants(self) -> list[VariantBuilt]:
        """Return the variants in the order they were built."""
        rows = self._rows("SELECT name, parameters, summary, config, layers FROM variants ORDER BY rowid")
        return [
            VariantBuilt(
                name, parameters, summary, config, tuple(tuple(layer) for layer in json.loads(layers))
            )
            for name, parameters, summary, config, layers in rows
        ]

    def curves(
        self,
        *,
        variant: str | None = None,
        seed: int | None = None,
        train_rows: int | None = None,
        epochs: int | None = None,
    ) -> polars.DataFrame:
        """Return the curves of all runs, or of those that match; of the first `epochs` epochs, or all.

        Returns:
            One row per run and epoch, sorted: variant, seed, train_rows, epoch (from 0), then one float64 column per
            metric in the order first seen; NaN where it was not measured (and -0.0 becomes 0.0).
        """
        import polars

        names, columns = self._metric_columns()
        # One query per run: its epochs are stored together and in order, so nothing is sorted. Each column is a list of
        # arrays, joined one column after the other: a long study should not be in memory twice.
        runs = self._rows(
            "SELECT id, variant, seed, train_rows FROM runs WHERE variant = coalesce(?, variant)"
            " AND seed = coalesce(?, seed) AND train_rows = coalesce(?, train_rows) ORDER BY 2, 3, 4",
            (variant, seed, train_rows),
        )
        parts: list[list[npt.NDArray[np.float64]]] = [[np.empty(0)] for _ in range(1 + len(columns))]
        which, numbers = [], 0
        for at, (number, *_) in enumerate(runs):
            for block in self._epoch_blocks(number, columns, epochs):
                numbers += block.size
                if numbers > MAX_CURVE_NUMBERS:
                    raise self._too_much(f"curves of more than {MAX_CURVE_NUMBERS:,} numbers")
                which.append(np.full(len(block), at))
                for part, values in zip(parts, block.T, strict=True):
                    part.append(values.copy())
        keys = {
            "variant": polars.Series([run[1] for run in runs], dtype=polars.String),
            "seed": polars.Series([run[2] for run in runs], dtype=polars.Int64),
            "train_rows": polars.Series([run[3] for run in runs], dtype=polars.Int64),
        }
        rows = np.concatenate([np.empty(0, np.int64), *which])
        frame = {name: series.gather(rows) for name, series in keys.items()}
        for name, part in zip(("epoch", *names), parts, strict=True):
            values = np.concatenate(part)
            part.clear()
            with np.errstate(invalid="raise"):  # an epoch that is not a number is damage, not a warning
                frame[name] = polars.Series(values.astype(np.int64) if part is parts[0] else values)
        return polars.DataFrame(frame)

    def row_losses(
        self, run: RunKey, kind: RowKind, *, epoch: int | None = None
    ) -> dict[int, npt.NDArray[np.float32]]:
        """Return the losses row by row, (rows,) float32, for each epoch at which they were recorded, in order.

        Args:
            run: which run.
            kind: which rows.
            epoch: only of this epoch.
        """
        rows = self._each(
            "SELECT epoch, losses FROM row_losses JOIN runs ON runs.id = run"
            " WHERE variant = ? AND seed = ? AND train_rows = ? AND kind = ? AND epoch = coalesce(?, epoch) ORDER BY epoch",
            (*run, kind, epoch),
            most_bytes=MAX_LOSS_BYTES,
        )
        return {epoch: losses_from_blob(blob) for epoch, blob in rows}

    def checkpoints(self) -> list[CheckpointRecord]:
        """Return the current checkpoint of every stack, by name."""
        rows = self._rows("SELECT stack, path, epoch, lanes FROM checkpoints ORDER BY stack")
        return [
            CheckpointRecord(stack, path, epoch, lanes_from_json(lanes)) for stack, path, epoch, lanes in rows
        ]

    def get_meta(self, key: str, default: Any = None) -> Any:  # noqa: ANN401  # nested plain values
        """Return what `set_meta` stored under `key`, as plain values, or `default`."""
        rows = list(self._each("SELECT value FROM meta WHERE key = ?", (key,), most_bytes=MAX_JSON_BYTES))
        return json.loads(rows[0][0]) if rows else default

    def reference(self) -> dict[str, dict[str, npt.NDArray[np.float32]]]:
        """Return the reference models' losses: name -> kind of rows -> (rows,) float32."""
        losses: dict[str, dict[str, npt.NDArray[np.float32]]] = {}
        select = "SELECT name, kind, losses FROM reference ORDER BY name, kind"
        for name, kind, blob in self._each(select, most_bytes=MAX_LOSS_BYTES):
            losses.setdefault(name, {})[kind] = losses_from_blob(blob)
        return losses

    def notes(self) -> list[Note]:
        """Return the study's diary, oldest first; the order does not depend on the clock."""
        return [Note(*row) for row in self._rows("SELECT time, kind, text FROM events ORDER BY id")]

    def _connect(self, busy_seconds: float) -> GuardedConnection:
        return open_for_reading(self.path, busy_seconds=busy_seconds)

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return list(self._each(sql, values))

    def _each(
        self, sql: str, values: Sequence[object] = (), *, most_bytes: int = MAX_RESULT_BYTES
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of an answer.

        Raises:
            FolderError: they take more than `most_bytes`, or too long.
        """
        left = most_bytes
        with database_faults(self.path), self._metered():
            for row in self._connection.execute(sql, values):
                left -= ROW_BYTES + sum(len(value) for value in row if isinstance(value, str | bytes))
                if left < 0:
                    raise self._too_much(f"an answer of more than {most_bytes:,} bytes")
                yield row

    def _epoch_blocks(
        self, run: int, columns: Sequence[str], epochs: int | None
    ) -> Iterator[npt.NDArray[np.float64]]:
        """Yield a run's epochs in order, the first `epochs` or all, as arrays of (rows, 1 + metrics): the epoch, then its metrics; NULL becomes NaN."""
        selected = ", ".join(map(quoted, ["epoch", *columns]))
        select = f"SELECT {selected} FROM epochs WHERE run = ? ORDER BY epoch LIMIT ?"  # noqa: S608  # names are quoted
        most = -1 if epochs is None else epochs  # -1 is no limit
        with database_faults(self.path), self._metered():
            cursor = self._connection.execute(select, (run, most))
            while rows := cursor.fetchmany(BLOCK_ROWS):
                yield np.array(rows, dtype=np.float64)

    def _metered(self) -> AbstractContextManager[None]:
        """Count what a block spends of the time that all questions may take together."""
        return self._connection.metered()

    def _too_much(self, what: str) -> FolderError:
        return FolderError(
            f"The database {str(self.path)!r} must fit in memory; it holds {what}. "
            "No study writes that: take the folder from its source again."
        )

    def _metric_columns(self) -> tuple[list[str], list[str]]:
        """Return the metrics' names and the columns that hold them, in the order first seen."""
        pairs = self._rows("SELECT name, column_name FROM metrics ORDER BY rowid")
        return [name for name, _ in pairs], [column for _, column in pairs]


def _run_record(
    variant: str, seed: int, train_rows: int, *facts: Any
) -> RunRecord:  # as SELECT_RUNS names them
    """Return one row of SELECT_RUNS as a record."""
    worker, outcome, reason, epochs, best_epoch, train_seconds, *texts, model_path = facts
    if best_epoch is not None and best_epoch < 0:  # -1: written up to version 0.1
        best_epoch = None
    best, last, test, test_last = map(metrics_from_json, texts)
    return RunRecord(
        *(RunKey(variant, seed, train_rows), worker, outcome, reason, epochs, best_epoch, train_seconds),
        *(best, last, test, test_last, model_path),
    )
