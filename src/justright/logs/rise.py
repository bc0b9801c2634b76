"""Whether one noisy curve rises after its lowest stretch, judged against its own epoch-to-epoch noise.

The curve is cut into windows; the last window's mean is compared with the lowest window's. The variance of a window's
mean comes from the epochs' residuals around local parabolas, read as a first-order autoregression, since losses of
consecutive epochs are correlated. (A Newey-West sum over the same residuals was tried: detrending makes it far too small
for strongly correlated noise.) The lowest of K windows is low by luck as well: the critical value is
Bonferroni's for K comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from justright.statistics.intervals import student_quantile

MIN_EPOCHS = 20  # half of them estimate the noise around a parabola, and fewer do not suffice
MIN_WINDOW = 3
MAX_WINDOW = 200  # longer windows blur a turn; 200 epochs average noise away already
WINDOWS = 10  # a window is a tenth of the curve
ERROR_RATE = 0.05  # two-sided
# A local parabola spans four windows: shorter ones swallow the noise, longer ones miss the trend.
SPAN_WINDOWS = 4
PARAMETERS = 3  # of a parabola; straight lines were tried, and took the bend of a falling curve for noise
MAX_CORRELATION = 0.98  # a higher estimate is due to a trend that the parabolas missed


@dataclass(frozen=True, slots=True)
class Change:
    """A difference along a curve, with a 95 % interval.

    Args:
        value: how much the loss changed.
        low: lower end of the interval.
        high: upper end.
        best_window: first and last position of the lowest window.
        end_window: first and last position of the last window.
    """

    value: float
    low: float
    high: float
    best_window: tuple[int, int]
    end_window: tuple[int, int]


def rise_after_best(values: npt.NDArray[np.float64]) -> Change:
    """Return the mean of the last window minus that of the lowest window of a curve.

    Args:
        values: (epochs,), finite, at least `MIN_EPOCHS` of them.

    Returns:
        The change; its interval is simultaneous over all windows that could have been the lowest.

    Example:
        >>> rise = rise_after_best(np.concatenate([np.linspace(1, 0.5, 50), np.linspace(0.5, 0.9, 50)]))
        >>> round(rise.value, 1), rise.low > 0
        (0.3, True)
    """
    window = _window(len(values))
    means = _window_means(values, window)
    start = int(np.argmin(means))
    end = len(values) - window
    comparisons = max(1, len(values) // window - 1)
    error = _mean_error(values, window) * np.sqrt(
        2.0 if end - start >= window else 2.0 * (end - start) / window
    )
    reach = float(_critical_value(ERROR_RATE / comparisons, len(values)) * error)
    value = float(means[-1] - means[start])
    return Change(value, value - reach, value + reach, (start, start + window - 1), (end, len(values) - 1))


def end_slope(values: npt.NDArray[np.float64]) -> Change:
    """Return the mean of the last window minus that of the one before: negative while still falling.

    Args:
        values: (epochs,), finite, at least `MIN_EPOCHS` of them.
    """
    window = _window(len(values))
    means = _window_means(values, window)
    end = len(values) - window
    value = float(means[-1] - means[end - window])
    reach = float(_critical_value(ERROR_RATE, len(values)) * _mean_error(values, window) * np.sqrt(2.0))
    return Change(value, value - reach, value + reach, (end - window, end - 1), (end, len(values) - 1))


def _critical_value(error_rate: float, epochs: int) -> float:
    """Return the two-sided critical value when half of `epochs` residuals estimate the noise."""
    return float(student_quantile(epochs // 2 - 2, 1 - error_rate))


def _window(epochs: int) -> int:
    return int(np.clip(epochs // WINDOWS, MIN_WINDOW, MAX_WINDOW))


def _window_means(values: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Return the mean of every stretch of `window` epochs, shape (epochs - window + 1,)."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    return np.asarray((sums[window:] - sums[:-window]) / window)


def _mean_error(values: npt.NDArray[np.float64], window: int) -> float:
    """Return the standard error of a window's mean.

    It comes from the residuals around local parabolas in the second half of the curve: the first epochs, where the loss
    plunges, are neither noise nor compared.
    """
    tail = values[len(values) // 2 :]
    span = min(len(tail), SPAN_WINDOWS * window)
    residuals = _detrended(tail, span)
    variance = float(residuals @ residuals) / len(residuals)
    if variance == 0:
        return 0.0
    lag_one = float(residuals[1:] @ residuals[:-1]) / (variance * len(residuals))
    # A parabola fitted to `span` points pulls the correlation down by about (3 + 5 phi) / span: (1 + 3 phi) / span for
    # a level alone (Marriott and Pope, 1954), and (1 + phi) / span more for each further coefficient.
    correlation = float(np.clip((lag_one * span + 3) / (span - 5), 0.0, MAX_CORRELATION))
    return float(np.sqrt(variance / window * _inflation(correlation, window)))


def _inflation(correlation: float, window: int) -> float:
    """Return the variance of a mean of `window` AR(1) values over that of independent ones.

    Example:
        >>> _inflation(0.0, 10), round(_inflation(0.5, 2), 2)
        (1.0, 1.5)
    """
    lags = np.arange(1, window)
    return float(1 + 2 * np.sum((1 - lags / window) * correlation**lags))


def _detrended(values: npt.NDArray[np.float64], span: int) -> npt.NDArray[np.float64]:
    """Return `values` minus parabolas fitted to stretches of `span` epochs, corrected for their three parameters."""
    pieces = []
    for start in range(0, len(values) - span + 1, span) or (0,):
        stop = len(values) if start + 2 * span > len(values) else start + span
        piece = values[start:stop]
        basis = np.linalg.qr(np.vander(np.linspace(-1, 1, len(piece)), PARAMETERS))[0]
        residual = piece - basis @ (basis.T @ piece)
        pieces.append(residual * np.sqrt(len(piece) / (len(piece) - PARAMETERS)))
    return np.concatenate(pieces)
