"""Sizes that training keeps to and memory plans rely on."""

from __future__ import annotations

MEBIBYTE = 1 << 20
# Rows are evaluated in pieces of at most this size, to bound the memory of activations.
PIECE_ROWS = 8_192
# Batch orders and validation losses of one chunk, on the host and again on the device.
CHUNK_BYTES = 48 * MEBIBYTE
# A worker keeps at most this many compiled programs. Each takes 20 to 60 MB in JAX and in the allocator: when all were kept, a
# study of 46 variants with 3 seeds grew to 3 GB per worker, and the tutorial's seven with 20 seeds grew by 195 MB. Dropping them
# costs a second or two: the stacks of a variant follow one another, and the files of the compile cache stay.
KEPT_PROGRAMS = 8
