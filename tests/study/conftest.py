"""A small table and its split, which study descriptions are about."""

from __future__ import annotations

import numpy as np
import pytest

from justright.data.read import read_table
from justright.data.table import Split


@pytest.fixture(scope="session")
def split() -> Split:
    """100 rows of 3 features and a binary target: 20 validate, 60 learn, 20 measure."""
    random = np.random.default_rng(0)
    x = random.normal(size=(100, 3)).astype(np.float32)
    return read_table((x, (np.arange(100) % 2).astype(np.float32))).split(validation=20, train=60, test=20)
