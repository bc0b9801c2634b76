"""What is measured of a run: at which epochs the loss of each row is kept, and which training rows are measured then."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# For every network of the tutorial the best epoch comes late enough to be bracketed by this many first epochs.
DENSE_EPOCHS = 20
# Then about 24 epochs per decade: neighbours differ by 10 %, finer than any onset can be told from noise.
RATIO = 1.1


def measured_epochs(first_epoch: int, epochs: int) -> npt.NDArray[np.bool_]:
    """Return which of `epochs` epochs from `first_epoch` on lie on the grid.

    Example:
        >>> np.flatnonzero(measured_epochs(0, 40)).tolist()[-8:]
        [19, 20, 22, 25, 27, 30, 33, 37]
    """
    wanted = np.arange(first_epoch, first_epoch + epochs)
    spaced = int(np.log(max(first_epoch + epochs, DENSE_EPOCHS) / (DENSE_EPOCHS - 1)) / np.log(RATIO)) + 1
    grid = np.floor((DENSE_EPOCHS - 1) * RATIO ** np.arange(1, spaced + 1))
    return (wanted < DENSE_EPOCHS) | np.isin(wanted, grid)


def fixed_rows(train_rows: int, count: int) -> npt.NDArray[np.int64]:
    """Return which training rows are measured in inference mode: the same for all runs on so many rows, drawn once.

    Args:
        train_rows: of the run.
        count: how many are wanted.

    Example:
        >>> fixed_rows(10, 3).tolist(), fixed_rows(3, 1_000).tolist()
        ([2, 4, 6], [0, 1, 2])
    """
    drawn = np.random.default_rng(0).permutation(train_rows)[: min(count, train_rows)]
    return np.sort(drawn)
