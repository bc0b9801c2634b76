"""A small table that a model learns by heart in seconds, and how a log of that is compared with what its library says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

import justright as jr

ROWS, FEATURES = 300, 5


class Rows:
    """Half of the rows train, half validate; the first feature tells a little about the target, which is 0 or 1."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(ROWS, FEATURES))
        y = (x[:, 0] + rng.normal(size=ROWS) > 0).astype(np.int64)
        half = ROWS // 2
        self.train = x[:half], y[:half]
        self.validation = x[half:], y[half:]


@pytest.fixture(scope="session")
def rows() -> Rows:
    """The table."""
    return Rows()


@pytest.fixture
def read_curve() -> Callable[..., npt.NDArray[np.float64]]:
    """Return a function that reads one curve of the run that counts in a log, or of an object."""

    def read(source: object, role: str, metric: str = "loss") -> npt.NDArray[np.float64]:
        reading = jr.diagnose(source)
        found = [
            one for one in reading.run.curves.curves if one.role == role and one.metric == metric.lower()
        ]
        listed = [(one.role, one.set, one.metric) for one in reading.run.curves.curves]
        assert len(found) == 1, f"one curve of {role} {metric} among {listed}"
        return found[0].values

    return read
