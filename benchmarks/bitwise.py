"""Have two study folders the same curves, bit by bit? For comparing two versions, machines or numbers of workers.

    python -m benchmarks.bitwise FOLDER OTHER

Compared are every metric of every epoch, the losses of single rows, the reference's losses, and how each run ended:
outcome, epochs, best epoch and final metrics. Times, workers and file paths may differ. The databases are read from
copies, with SQL alone, so that no version's reader stands between. The exit code is 1 when anything differs.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.arguments import program_parser

DATABASE = "study.db"
ENDS = ("outcome", "epochs", "best_epoch")
FINAL_METRICS = ("best", "last", "test", "test_last")  # each a dict in JSON
SHOWN = 10


@dataclass
class Measured:
    """What a study folder says that its runs came to, by the run's name.

    Args:
        runs: name -> how it ended, by column, and its final metrics.
        epochs: epoch of a run -> its metrics.
        row_losses: rows measured at an epoch -> their losses as stored.
    """

    runs: dict[str, dict[str, Any]]
    epochs: dict[str, dict[str, Any]]
    row_losses: dict[str, dict[str, bytes]]

    @classmethod
    def read(cls, folder: Path) -> Measured:
        """Read a study folder without writing to it.

        Raises:
            SystemExit: there is no database in it.
        """
        if not (folder / DATABASE).is_file():
            raise SystemExit(f"A study folder holds {DATABASE}; {str(folder)!r} does not.")
        with tempfile.TemporaryDirectory() as aside:
            for path in folder.glob(
                f"{DATABASE}*"
            ):  # with what SQLite has not yet written into the database itself
                if not path.name.endswith("-shm"):
                    shutil.copy(path, aside)
            with closing(sqlite3.connect(Path(aside) / DATABASE)) as database:
                database.row_factory = sqlite3.Row
                return cls._from(database)

    @classmethod
    def _from(cls, database: sqlite3.Connection) -> Measured:
        runs = database.execute("SELECT * FROM runs").fetchall()
        names = {run["id"]: f"{run['variant']}, seed {run['seed']}, {run['train_rows']} rows" for run in runs}
        metrics = database.execute("SELECT name, column_name FROM metrics").fetchall()
        epochs = {
            f"{names[row['run']]}: epoch {row['epoch']}": {name: row[column] for name, column in metrics}
            for row in database.execute("SELECT * FROM epochs")
        }
        losses = {
            f"{names[run]}: {kind} rows at epoch {epoch}": {"losses": blob}
            for run, kind, epoch, blob in database.execute("SELECT run, kind, epoch, losses FROM row_losses")
        }
        losses |= {
            f"{name}: {kind} rows": {"losses": blob}
            for name, kind, blob in database.execute("SELECT name, kind, losses FROM reference")
        }
        return cls({names[run["id"]]: end_of(run) for run in runs}, epochs, losses)

    def __str__(self) -> str:
        return f"{len(self.runs)} runs, {len(self.epochs)} epochs, {len(self.row_losses)} row losses"


def end_of(run: sqlite3.Row) -> dict[str, Any]:
    """Return how a run ended: `ENDS`, and each of its final metrics under a name of its own."""
    finals = {column: json.loads(run[column]) for column in FINAL_METRICS}
    return {column: run[column] for column in ENDS} | {
        f"{column} {metric}": value for column, values in finals.items() for metric, value in values.items()
    }


def differences(first: Measured, other: Measured) -> Iterator[str]:
    """Yield a sentence about each value that differs or is in one folder only, in a fixed order."""
    for one, two in (
        (first.runs, other.runs),
        (first.epochs, other.epochs),
        (first.row_losses, other.row_losses),
    ):
        for name in one | two:
            if name not in one or name not in two:
                yield f"{name}: only in the {'first' if name in one else 'second'} folder"
                continue
            for key in one[name] | two[name]:
                values = one[name].get(key), two[name].get(key)
                if exact(values[0]) != exact(values[1]):
                    yield f"{name}: {key} {described(*values)}"


def exact(value: object) -> object:
    """Return a value that is equal only to one with the same bits; every NaN to every other.

    Example:
        >>> exact(0.0) == exact(-0.0), exact(float("nan")) == exact(float("nan")), exact(1) == exact(1.0)
        (False, True, True)
    """
    return float(value).hex() if isinstance(value, int | float) else value


def described(first: object, second: object) -> str:
    if isinstance(first, bytes) and isinstance(second, bytes):
        count = sum(a != b for a, b in zip(first, second, strict=False)) + abs(len(first) - len(second))
        return f"differ in {count} of {max(len(first), len(second))} bytes"
    return f"{first!r} and {second!r}"


def main() -> int:
    parser = program_parser(__doc__)
    parser.add_argument("folders", type=Path, nargs=2, metavar="FOLDER")
    first, other = map(Measured.read, parser.parse_args().folders)
    found = differences(first, other)
    shown = list(islice(found, SHOWN))
    for line in shown:
        print(line)
    left = sum(1 for _ in found)
    if left:
        print(f"... and {left} more")
    print(f"differences: {len(shown) + left}" if shown else f"identical: {first}")
    return int(bool(shown))


if __name__ == "__main__":
    sys.exit(main())
