"""The labels of curves, and what reports say about them or draw for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from justright.diagnosis.labels import Label

# Curves cannot show that a network is just right: none of their labels is good news without reserve.
LOG_LABELS: Mapping[str, Label] = MappingProxyType(
    {
        one.name: one
        for one in (
            Label(
                "overfits",
                "↑",
                "validation grew worse while training went on getting better",
                "overfits",
                "overfit",
                "bad",
            ),
            Label(
                "overfits by loss only",
                "↑",
                "the loss grew worse, the metric did not: confidence suffers, not the ranking",
                "overfits by loss only",
                "overfit by loss only",
                "warning",
            ),
            Label(
                "still improving",
                "↓",
                "validation was still getting better when the log ends",
                "is still improving",
                "are still improving",
                "warning",
            ),
            Label(
                "flat", "=", "validation has settled: neither better nor worse", "is flat", "are flat", "good"
            ),
            Label("diverged", "×", "training itself went wrong", "diverged", "diverged", "broken"),
            Label(
                "unstable",
                "~",
                "validation jumps by more than what it gained",
                "is unstable",
                "are unstable",
                "bad",
            ),
            Label(
                "too short",
                "?",
                "too few evaluations for a verdict",
                "is too short to judge",
                "are too short to judge",
                "open",
            ),
            Label("undecided", "?", "neither shown nor excluded", "is undecided", "are undecided", "open"),
        )
    }
)
