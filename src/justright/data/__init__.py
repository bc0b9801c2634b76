"""From a file, URL, array or frame to a table, and from a table to disjoint rows that learn, choose and measure.

Polars is imported only when a table is read, and names only on first use, so that help texts can list the formats
without NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from justright.data import tables as tables
    from justright.data.arrays import Task as Task
    from justright.data.describe import describe_table as describe_table
    from justright.data.read import read_table as read_table
    from justright.data.sources import ReadProgress as ReadProgress
    from justright.data.split import Order as Order
    from justright.data.split import SplitSpec as SplitSpec
    from justright.data.table import MEMORY_SOURCE as MEMORY_SOURCE
    from justright.data.table import Split as Split
    from justright.data.table import Table as Table
    from justright.data.table import TableSource as TableSource
    from justright.data.table import align_table as align_table

# Name -> the module that defines it.
EXPORTS = {
    "MEMORY_SOURCE": "table",
    "Order": "split",
    "ReadProgress": "sources",
    "Split": "table",
    "SplitSpec": "split",
    "Table": "table",
    "TableSource": "table",
    "Task": "arrays",
    "align_table": "table",
    "describe_table": "describe",
    "read_table": "read",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any name
    """Import a name when it is first used (PEP 562)."""
    if name not in EXPORTS:
        raise AttributeError(f"module 'justright.data' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"justright.data.{EXPORTS[name]}"), name)
    globals()[name] = value
    return value
