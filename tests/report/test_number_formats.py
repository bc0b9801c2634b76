"""Numbers as reports print them."""

from __future__ import annotations

import pytest

from justright.report.number_formats import (
    format_duration,
    format_interval,
    format_loss,
    format_metric,
    format_span,
    metric_words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (format_metric("val_accuracy", 0.7149), "71.5 %"),
        (format_metric("loss", float("nan")), "–"),
        (format_loss(0.0), "0.0000"),
        (format_loss(0.00001234), "1.234e−05"),
        (format_loss(1_234_567.0), "1.23e6"),
        (format_loss(0.0, signed=True), "+0.0000"),
        (format_interval("accuracy", 0.7, 0.725), "[70.0, 72.5]"),
        (format_interval("loss", None, 0.7), ""),
        (format_span([]), "–"),
        (format_duration(59.97), "1 min 0 s"),
        (format_duration(3_599.6), "1 h 0 min"),
        (format_duration(None), "–"),
        (metric_words("fixed_mean_squared_error"), "Mean squared error"),
    ],
)
def test_numbers_read_well(text, expected):
    """Shares as percentages, losses with four decimals, true minus signs, no sixty seconds."""
    assert text == expected
