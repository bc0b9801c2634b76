"""Benchmarks are programs outside the package: importable here as `python -m benchmarks.x` finds them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from justright.workers.processes import XLA_FLAGS

# Before Keras or JAX is imported anywhere in this process; the same flags workers get.
os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = " ".join(XLA_FLAGS)

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
