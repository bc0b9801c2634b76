"""From a file, URL, array or frame to a table, and from a table to disjoint rows that learn, choose and measure.

Neither Keras nor JAX is imported here; Polars only when a table is read.
"""

from justright.data import tables
from justright.data.arrays import Task
from justright.data.describe import describe_table
from justright.data.read import read_table
from justright.data.sources import ReadProgress, Source, default_source, sources
from justright.data.split import Order, SplitSpec
from justright.data.table import MEMORY_SOURCE, Split, Table, TableSource, align_table

__all__ = [
    "MEMORY_SOURCE",
    "Order",
    "ReadProgress",
    "Source",
    "Split",
    "SplitSpec",
    "Table",
    "TableSource",
    "Task",
    "align_table",
    "default_source",
    "describe_table",
    "read_table",
    "sources",
    "tables",
]
