"""Every kind of warning about a table and its split: a new one is one file and one line here."""

from __future__ import annotations

from justright.data.guards.class_counts import find_absent_classes, find_rare_classes
from justright.data.guards.drift import find_drift
from justright.data.guards.leaks import find_leaks
from justright.data.guards.row_counts import find_copies, find_few_rows, find_lost_rows
from justright.data.guards.row_order import find_order_effect
from justright.data.guards.table_warning import Guard, TableWarning
from justright.data.guards.target_identifier import find_identifier
from justright.data.shared_arrays import release_memory
from justright.data.table import Split


def find_warnings(split: Split) -> tuple[TableWarning, ...]:
    """Return what may spoil the verdicts of a study on this split, the gravest first; nothing for a healthy table.

    Of feature values only those of training rows are looked at (and those of a separate test table, compared with them).

    Example:
        >>> import justright as jr
        >>> find_warnings(jr.read_table("higgs-sim").split(1_000, train=10_000, order="head"))
        ()
    """
    found = tuple(warning for guard in GUARDS for warning in guard(split))
    release_memory()
    return found


# In the order in which they are said.
GUARDS: tuple[Guard, ...] = (
    find_identifier,
    find_leaks,
    find_copies,
    find_order_effect,
    find_lost_rows,
    find_few_rows,
    find_absent_classes,
    find_rare_classes,
    find_drift,
)
