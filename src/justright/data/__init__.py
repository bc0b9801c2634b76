"""From a file, URL, array or frame to a table, and from a table to disjoint rows that learn, choose and measure.

Neither Keras nor JAX is imported here; Polars only when a table is read.
"""
