"""From a file, URL, array or frame to a table, and from a table to disjoint rows that learn, choose and measure.

Neither Keras nor JAX is imported here; Polars only when a table is read.
"""

from justright.data import tables
from justright.data.align import align_table
from justright.data.describe import describe_table
from justright.data.progress import ReadProgress
from justright.data.read import read_table
from justright.data.split import Order, Split, SplitSpec
from justright.data.table import MEMORY_SOURCE, Table, TableSource, Task

__all__ = [
    "MEMORY_SOURCE",
    "Order",
    "ReadProgress",
    "Split",
    "SplitSpec",
    "Table",
    "TableSource",
    "Task",
    "align_table",
    "describe_table",
    "read_table",
    "tables",
]
