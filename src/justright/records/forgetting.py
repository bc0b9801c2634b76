"""What a folder forgets so that it can be extended: the parts of an ended run that more epochs or other test rows replace.

Each function is part of its caller's transaction.
"""

from __future__ import annotations

import sqlite3

from justright.runs.events import RunKey
from justright.runs.grid import measured_epochs

WHERE_RUN = "variant = ? AND seed = ? AND train_rows = ?"
FORGET_END = """
    UPDATE runs SET outcome = NULL, reason = '', epochs = NULL, best_epoch = NULL, train_seconds = NULL,
        best = '{}', last = '{}', test = '{}', test_last = '{}'
    WHERE id = ?
"""


def forget_run(connection: sqlite3.Connection, run: RunKey) -> None:
    """Remove everything recorded about a run."""
    connection.execute(f"DELETE FROM runs WHERE {WHERE_RUN}", run)  # noqa: S608  # a constant


def forget_end(connection: sqlite3.Connection, run: RunKey) -> None:
    """Remove what only the end of a run gave; what stays is what it had recorded on its way there.

    Those are its curves, and its validation losses at epochs on the grid.
    """
    (row,) = connection.execute(f"SELECT id FROM runs WHERE {WHERE_RUN}", run).fetchall()  # noqa: S608  # a constant
    connection.execute(FORGET_END, row)
    connection.execute("DELETE FROM row_losses WHERE run = ? AND kind != 'validation'", row)
    epochs = connection.execute("SELECT epoch FROM row_losses WHERE run = ?", row).fetchall()
    off_grid = [(*row, epoch) for (epoch,) in epochs if not measured_epochs(epoch, 1)[0]]
    connection.executemany("DELETE FROM row_losses WHERE run = ? AND epoch = ?", off_grid)


def forget_test(connection: sqlite3.Connection) -> None:
    """Remove all that was measured on test rows, by runs and by the reference model."""
    connection.execute("UPDATE runs SET test = '{}', test_last = '{}'")
    connection.execute("DELETE FROM row_losses WHERE kind IN ('test', 'test_score', 'test_output')")
    connection.execute("DELETE FROM reference")
    connection.execute("DELETE FROM meta WHERE key = 'reference'")
