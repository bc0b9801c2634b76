"""How the values of each weight are distributed: what is kept of weights that are not saved, such as those before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

BINS = 30  # as TensorBoard's own histograms
# Kinds of types (NumPy's letters) whose values are no weights: flags, and counters and states of random numbers.
NO_WEIGHTS = "biu"

# Under this name a saved model says how its weights were distributed.
HISTOGRAMS = "weight_histograms"

Histogram = list[float]
"""The lowest and the highest edge, and the count in each of `BINS` equal bins."""


def histogram_of(values: npt.ArrayLike) -> Histogram:
    """Return the histogram of an array's finite values; empty if it has fewer than two, or holds no weights.

    Example:
        >>> histogram_of([0.0, 1.0, 1.0])[:3], sum(histogram_of([0.0, 1.0, 1.0])[2:])
        ([0.0, 1.0, 1.0], 3.0)
    """
    array = np.asarray(values)
    if array.dtype.kind in NO_WEIGHTS or array.size < 2:
        return []
    finite = np.asarray(array, np.float64).ravel()
    finite = finite[np.isfinite(finite)]
    if len(finite) < 2:
        return []
    counts, edges = np.histogram(finite, BINS)
    return [float(edges[0]), float(edges[-1]), *map(float, counts)]


def weight_histograms(values: Iterable[npt.ArrayLike]) -> list[Histogram]:
    """Return the histogram of each weight."""
    return [histogram_of(one) for one in values]


def bins_of(histogram: Sequence[float]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return a histogram's edges (BINS + 1,) and counts (BINS,).

    Raises:
        ValueError: it is none.
    """
    low, high, *counts = (float(one) for one in histogram)
    if len(counts) != BINS or not np.isfinite([low, high, *counts]).all():
        raise ValueError(f"a histogram has {BINS} bins")
    return np.linspace(low, high, BINS + 1), np.array(counts)


def weight_names(paths: Iterable[str], model: str) -> list[str]:
    """Return a name for each weight, by its path in Keras without the model's own name; no name twice.

    Example:
        >>> weight_names(["net/dense/kernel", "net/dense/bias", "dense/bias"], "net")
        ['dense/kernel', 'dense/bias', 'dense/bias_1']
    """
    seen: Counter[str] = Counter()
    names = []
    for path in paths:
        name = path.removeprefix(f"{model}/")
        names.append(f"{name}_{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def run_histograms(
    names: Sequence[str],
    first: Sequence[Histogram],
    *,
    last: tuple[int, Iterable[npt.ArrayLike]],
    best: tuple[int, Iterable[npt.ArrayLike]],
) -> dict[str, dict[str, Histogram]]:
    """Return as plain values how a run's weights were distributed before training, and after its last and its best epoch.

    Args:
        names: of the weights.
        first: the histogram of each before training; of others than these, or of none, they are left out.
        last: the last epoch, and the weights after it.
        best: the same of the best one.
    """
    steps = {0: first} if len(first) == len(names) else {}
    return kept_histograms(
        names, steps | {epoch: weight_histograms(weights) for epoch, weights in (last, best)}
    )


def kept_histograms(
    names: Sequence[str], steps: Mapping[int, Sequence[Histogram]]
) -> dict[str, dict[str, Histogram]]:
    """Return step -> weight -> histogram as plain values; a weight without one is left out.

    Of several at a step the last one counts: weights before training stand at the step of the first epoch, as its own do.

    Args:
        names: of the weights.
        steps: the epoch that TensorBoard shows -> the histogram of each weight.
    """
    return {
        str(step): {name: one for name, one in zip(names, histograms, strict=True) if one}
        for step, histograms in sorted(steps.items())
    }
