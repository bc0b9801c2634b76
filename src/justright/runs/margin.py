"""The margin: the smallest difference of losses that matters."""

from __future__ import annotations

import numpy as np

# A difference below 1 % of what can be learned (constant prediction minus best loss) is not worth acting on.
MARGIN_SHARE = 0.01
# Where nothing beats the constant prediction there is no such scale; then 0.1 % of the constant's own loss.
MARGIN_FLOOR_SHARE = 0.001


def default_margin(constant_loss: float, best_loss: float) -> float:
    """Return the smallest difference that counts: 1 % of what can be learned.

    Args:
        constant_loss: loss of the best constant prediction.
        best_loss: the study's lowest loss.

    Example:
        >>> round(default_margin(0.69, 0.57), 6), default_margin(0.69, 0.70)
        (0.0012, 0.00069)
    """
    learnable = constant_loss - best_loss
    if np.isfinite(learnable) and learnable > 0:
        return MARGIN_SHARE * learnable
    return MARGIN_FLOOR_SHARE * abs(constant_loss) or np.finfo(np.float32).tiny.item()
