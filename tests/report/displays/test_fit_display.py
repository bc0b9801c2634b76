"""The fit map with matplotlib: its arrays, in units of the loss."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import colors
from tests.refusals import refusal

from justright.colours import LIGHT
from justright.errors import FolderError
from justright.report.displays.fit_display import fit_display


def dots_of(ax):
    """Return name -> (line of the dot)."""
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def test_arrays_are_the_gains_with_their_intervals(summary):
    """A row for each network; NaN where nothing was measured."""
    display = fit_display(summary)
    assert display.names == tuple(variant["name"] for variant in summary["variants"])
    np.testing.assert_allclose(display.tighter[2], [0.1432, 0.1343, 0.1521])
    np.testing.assert_allclose(display.freer[3], [-0.0201, -0.0303, -0.0099])
    np.testing.assert_allclose(display.headroom[0], [0.048, 0.044, 0.052])
    variants = [
        variant | {"verdict": variant["verdict"] | {"freer": None}} for variant in summary["variants"]
    ]
    assert np.isnan(fit_display(summary | {"variants": variants}).freer).all()


def test_dots_stand_at_the_gains_in_units_of_the_loss(summary):
    """And have the colours of the report; negative ones stand on their edge, and are called so."""
    ax = fit_display(summary).plot()
    dots = dots_of(ax)
    assert dots["Medium"].get_xydata().tolist() == [[pytest.approx(0.1432), pytest.approx(0.0502)]]
    assert colors.to_hex(dots["Medium"].get_color()) == LIGHT[2]
    (_, at), (x, _) = dots["Large"].get_xydata()[0], ax.get_xlim()
    ticks = dict(zip((text.get_text() for text in ax.get_yticklabels()), ax.get_yticks(), strict=True))
    assert at == pytest.approx(ticks["<0"], abs=1e-7)  # ticks are placed to a hundredth of a per cent
    assert x < at < 0
    assert ax.get_xlabel() == "Gain by something tighter (test loss)"
    assert {"0.0011", "0.02", "0.05"} <= set(ticks)


def test_large_and_small_gains_are_far_from_each_other(summary):
    """0.0011 and 0.3 on one axis: a logarithmic one beyond the margin, where equal factors are equal distances."""
    ax = fit_display(summary).plot()
    at = ax.transData.transform([(gain, 0.0) for gain in (0.0, 0.0011, 0.01, 0.1)])[:, 0]
    np.testing.assert_allclose(at[3] - at[2], np.log(10) * (at[1] - at[0]), rtol=1e-6)


def test_every_network_is_named_without_overlap(summary):
    """As far as there is room, which seven have."""
    ax = fit_display(summary).plot()
    ax.figure.canvas.draw()
    names = [text for text in ax.texts if text.get_text() in fit_display(summary).names]
    assert len(names) == 7
    boxes = [text.get_window_extent() for text in names]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_given_axes_are_drawn_on(summary):
    """The caller's figure is the caller's."""
    figure, ax = plt.subplots()
    assert fit_display(summary).plot(ax) is ax
    assert plt.get_fignums() == [figure.number]


def test_a_study_without_gains_has_no_map(summary):
    """It says what to do."""
    variants = [
        variant | {"verdict": variant["verdict"] | {"freer": None, "tighter": None}}
        for variant in summary["variants"]
    ]
    assert refusal(fit_display, summary | {"variants": variants}, error=FolderError) == (
        "A fit map needs verdicts with measured gains; the study has none: none of its runs has been judged, or an "
        "earlier version judged them. Run the same command again."
    )
