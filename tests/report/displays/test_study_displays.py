"""Plots of a whole study: what they hold, and what they draw of it."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import colors
from tests.refusals import refusal

from justright.colours import LIGHT
from justright.errors import FolderError
from justright.report.displays.capacity_display import capacity_display
from justright.report.displays.effect_display import BETTER, OPEN, WORSE, effect_display
from justright.report.displays.schedule_display import schedule_display
from justright.report.displays.size_display import size_display


def dots_of(ax):
    """Return (x, y, colour, fill) of every dot that stands for itself."""
    return [
        (*line.get_xydata()[0], colors.to_hex(line.get_color()), line.get_markerfacecolor())
        for line in ax.lines
        if line.get_marker() == "o" and line.get_linestyle() == "None"
    ]


def scaled(summary):
    """Return the study with a learning curve of one variant, over by-hand numbers."""
    points = [
        {"train_rows": rows, "mean": mean, "low": mean - 0.01, "high": mean + 0.02}
        for rows, mean in ((1_000, 0.7), (3_000, 0.65), (10_000, 0.62), (20_000, 0.61))
    ]
    curve = {"variant": "Small", "measured": points[:3], "forecast": points[3:]}
    return summary | {"data_scaling": [curve]}


def test_effects_are_the_rows_of_the_report_best_first(summary):
    """By hand: the three remedies of the fixture, with their intervals."""
    display = effect_display(summary)
    assert display.names == ("Combined vs Large", "Dropout vs Large", "L2 vs Large")
    np.testing.assert_allclose(display.differences[0], [-0.0529, -0.0599, -0.0469])
    assert display.margin == summary["margin"]


def test_the_best_effect_stands_on_top_beside_its_name(summary):
    """The axis of rows runs downwards; what lies within the margin is shaded."""
    display = effect_display(summary)
    ax = display.plot()
    assert [text.get_text() for text in ax.get_yticklabels()] == list(display.names)
    assert ax.yaxis_inverted()
    assert [(x, y) for x, y, *_ in dots_of(ax)] == [(-0.0529, 0), (-0.0271, 1), (-0.0213, 2)]
    band = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    np.testing.assert_allclose([band.x0, band.x1], [-display.margin, display.margin], atol=1e-9)
    assert ax.get_xlabel() == "Difference of test loss: to the left is better"


def test_the_colour_of_an_effect_says_what_is_certain(summary):
    """An interval on one side of zero decides; one without ends decides nothing."""
    ends = np.array([[-0.2, -0.3, -0.1], [0.2, 0.1, 0.3], [0.1, -0.1, 0.3], [-0.1, np.nan, np.nan]])
    display = replace(effect_display(summary), names=("a", "b", "c", "d"), differences=ends)
    assert [dot[2] for dot in dots_of(display.plot())] == [BETTER, WORSE, OPEN, OPEN]


def test_a_study_without_remedies_has_no_plot_of_effects(summary):
    """It says how to try some."""
    assert refusal(effect_display, summary | {"effects": []}, error=FolderError) == (
        "A plot of effects needs a network and a remedy that changes it, both trained to their end; the study has none. "
        "To measure remedies: justright run --out DIR --study remedies --of Tiny"
    )
    with pytest.raises(FolderError, match=r'study\.run\("DIR", study="remedies", of="Tiny"\)$'):
        effect_display(summary | {"effects": [], "source": "<memory>"})


def test_capacity_holds_losses_at_the_best_epochs_by_rising_size(summary):
    """Parameters, training loss and measured loss of each variant; NaN where the fixture has none."""
    display = capacity_display(summary)
    assert display.names[:3] == ("Tiny", "Small", "Medium")
    assert display.parameters[:3].tolist() == [481, 753, 10_241]
    tests = [variant["test"] for variant in summary["variants"]]
    np.testing.assert_array_equal(display.measured[0], [tests[0][key] for key in ("mean", "low", "high")])
    assert np.isnan(display.training).all()
    assert display.ladders == ("sizes",) * 4 + (None,) * 3
    assert (display.loss, display.rows) == ("Binary crossentropy", "test")
    assert display.reference == ("Gradient-boosted trees", 0.5664)


def test_lines_of_capacity_join_sizes_and_never_a_change_of_one(summary):
    """Large with a penalty has no more parameters than Large."""
    display = replace(capacity_display(summary), training=np.linspace(0.6, 0.5, 7))
    ax = display.plot()
    lines = [line for line in ax.lines if line.get_linestyle() in ("-", "--") and len(line.get_xdata()) > 2]
    sizes = [481, 753, 10_241, 803_329]
    assert [line.get_xdata().tolist() for line in lines] == [sizes, sizes]
    np.testing.assert_array_equal(lines[0].get_ydata(), display.training[:4])
    np.testing.assert_array_equal(lines[1].get_ydata(), display.measured[:4, 0])
    assert ax.get_xscale() == "log"


def test_dots_of_capacity_are_hollow_for_training_rows_and_have_the_report_s_colours(summary):
    """One hollow and one full dot for each variant."""
    display = replace(capacity_display(summary), training=np.linspace(0.6, 0.5, 7))
    dots = dots_of(display.plot())
    assert [colour for *_, colour, fill in dots if fill == "white"] == list(LIGHT[:7])
    assert [y for _, y, _, fill in dots if fill != "white"] == display.measured[:, 0].tolist()


def test_names_of_capacity_do_not_overlap(summary):
    """Also where four networks have the same number of parameters."""
    ax = capacity_display(summary).plot()
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) >= 6
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_a_study_without_measured_networks_has_no_plot_of_capacity(summary):
    """It says what to do."""
    assert refusal(capacity_display, summary | {"variants": []}, error=FolderError) == (
        "A plot of capacity needs networks that were measured; the study has none yet. Run the same command again."
    )


def test_data_are_measured_points_and_a_dashed_forecast_that_begins_at_the_last(summary):
    """A forecast is never drawn as a measurement, and every number of rows is named."""
    display = size_display(scaled(summary))
    (curve,) = display.curves
    assert (curve.name, curve.colour) == ("Small", LIGHT[1])
    np.testing.assert_allclose(curve.measured[1], [3_000, 0.65, 0.64, 0.67])
    ax = display.plot()
    solid, dashed = ax.lines
    assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
    assert solid.get_xdata().tolist() == [1_000, 3_000, 10_000]
    assert dashed.get_xydata().tolist() == [[10_000, 0.62], [20_000, 0.61]]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1,000", "3,000", "10,000", "20,000"]
    assert ax.get_ylabel() == "Test binary crossentropy"


def test_a_study_on_one_number_of_rows_has_no_plot_of_data(summary):
    """It says how to make one."""
    assert refusal(size_display, summary, error=FolderError) == (
        "A plot of data needs runs on several numbers of training rows, trained to their end; the study has none. "
        "To make one: justright run TABLE --target COLUMN --study data, or from Python a Study with "
        "train_sizes=jr.learning_sizes(ROWS)."
    )


def test_a_schedule_has_one_line_however_many_variants_follow_it(summary):
    """Epochs are counted as trained, from 1, as in the plot of curves."""
    ax = schedule_display(summary).plot()
    (line,) = ax.lines
    assert line.get_label() == "every variant"
    assert line.get_xdata()[0] == 1
    np.testing.assert_allclose(line.get_ydata(), 0.001 / (1 + (line.get_xdata() - 1) / 1000), rtol=1e-5)
    assert ax.get_ylim()[0] == 0


def test_a_study_without_rates_has_no_plot_of_its_schedule(summary):
    """It says why."""
    assert refusal(schedule_display, summary | {"curves": []}, error=FolderError) == (
        "A plot of the schedule needs recorded learning rates; the study has none. Its optimizers have none, or no epoch "
        "has ended yet."
    )


@pytest.mark.parametrize("make", [effect_display, capacity_display, schedule_display, size_display])
def test_given_axes_are_drawn_on(summary, make):
    """The caller's figure is the caller's."""
    figure, ax = plt.subplots()
    assert make(scaled(summary)).plot(ax) is ax
    assert plt.get_fignums() == [figure.number]


def test_long_names_leave_room_for_what_is_drawn(summary):
    """A name may have 80 characters, and an effect has two."""
    names = ("x" * 170, "b", "c")
    ax = replace(effect_display(summary), names=names).plot()
    ax.figure.canvas.draw()
    assert ax.get_yticklabels()[0].get_text() == "x" * 39 + "…"
    assert ax.get_window_extent().width > 0.4 * ax.figure.bbox.width


def test_a_name_with_dollar_signs_is_no_formula(summary):
    """Formulas are not read, and cannot fail."""
    names = ("$\\broken$", "b", "c")
    ax = replace(effect_display(summary), names=names).plot()
    ax.figure.canvas.draw()
    assert ax.get_yticklabels()[0].get_text() == "\\$\\broken\\$"
