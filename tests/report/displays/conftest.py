"""Plots of these tests are drawn in figures that nobody keeps."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def _closed_figures():
    """No figure stays open."""
    yield
    plt.close("all")
