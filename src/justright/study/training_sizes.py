"""How many rows to train on, to see what more would be worth."""

from __future__ import annotations

from justright.data.checks import is_whole
from justright.errors import InputError

DEFAULT_COUNT = (
    5  # the fewest that a forecast accepts: three parameters, one size to test by, one to see scatter by
)
# Each size is twice the one before: five then span a factor of 16, and a forecast to 4 times goes on for two steps.
RATIO = 2
LEAST_ROWS = 2  # one row has one class: nothing can be learned from it


def learning_sizes(rows: int, count: int = DEFAULT_COUNT) -> tuple[int, ...]:
    """Return `count` training sizes, each about twice the one before, the largest `rows`: for `Study(train_sizes=...)`.

    Together they cost about twice as much as the largest alone.

    Args:
        rows: all training rows.
        count: how many sizes.

    Raises:
        InputError: `rows` or `count` is no whole number, or there are too few rows for so many sizes.

    Example:
        >>> learning_sizes(10_000)
        (625, 1250, 2500, 5000, 10000)
    """
    if not is_whole(count, least=1):
        raise InputError(f"`count` must be a whole number of at least 1; got {count!r}.")
    least = LEAST_ROWS * RATIO ** (count - 1)
    if not is_whole(rows, least=least):
        raise InputError(
            f"`rows` must be a whole number of at least {least:,} for {count} sizes, each twice the one before and the "
            f"smallest {LEAST_ROWS}; got {rows!r}. Train on more rows, or on fewer sizes."
        )
    return tuple(round(rows / RATIO**step) for step in reversed(range(count)))
