"""Limits of size and time that training keeps, and that plans and options count on."""

from __future__ import annotations

MEBIBYTE = 1 << 20
# Rows are evaluated in pieces of this size at most, to bound the memory of activations.
PIECE_ROWS = 8_192
# Batch orders and validation losses of one chunk, on the host and again on the device.
CHUNK_BYTES = 48 * MEBIBYTE
# A worker keeps compiled programs until it would have more than these. What JAX keeps of one and what compiling it leaves to
# the allocator is 20 to 60 MB: when they were kept for ever, 46 variants of 3 seeds had grown to 3 GB a worker, and the
# tutorial's seven of 20 seeds by 195 MB. The stacks of a variant come one after the other, and the files of the compile cache
# stay: starting afresh costs a second or two.
KEPT_PROGRAMS = 8
# How long training may go on before its state is written down: the most work that a kill can cost.
CHECKPOINT_SECONDS = 10.0
# A worker speaks once per chunk, about every second. Silent for ten minutes without using a processor, it waits for
# something that will not come.
HANG_SECONDS = 600.0
