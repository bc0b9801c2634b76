"""Histograms of a table: the counts are NumPy's, and what is drawn is what is counted."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import colors
from tests.refusals import refusal

from justright.colours import LIGHT
from justright.data.histograms.feature_summaries import MAX_HISTOGRAMS
from justright.data.histograms.histogram_display import feature_histograms, value_histogram
from justright.data.read import read_table


@pytest.fixture(autouse=True)
def _closed_figures():
    """No figure stays open."""
    yield
    plt.close("all")


def make_table(features=3, rows=90):
    """Return a table of normal features and two classes, one twice as frequent as the other."""
    values = np.random.default_rng(3).normal(size=(rows, features)).astype(np.float32)
    return read_table((values, (np.arange(rows) % 3 == 0).astype(int)))


def outlines(ax):
    """Return (colour, heights) of the outlines on small axes; the areas below them come in between."""
    return [
        (colors.to_hex(one.get_edgecolor()), one.get_data().values)
        for one in ax.patches
        if not one.get_fill()
    ]


def test_a_feature_is_counted_by_class_and_drawn_in_shares_of_it():
    """Against NumPy; classes of 30 and 60 rows are drawn as high as each other."""
    table = make_table()
    ax = table.plot_histograms(bins=7)
    assert [small.get_title() for small in ax.child_axes] == list(table.feature_names)
    values = table.features[:, 1].astype(np.float64)
    edges = np.histogram_bin_edges(values, 7)
    for own, (colour, heights) in enumerate(outlines(ax.child_axes[1])):
        counts, _ = np.histogram(values[table.target == own], edges)
        assert colour == LIGHT[own]
        np.testing.assert_allclose(heights, counts / counts.sum())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1"]


def test_chosen_features_are_drawn_in_their_order():
    """Also beyond those that would be drawn anyway."""
    table = make_table(features=MAX_HISTOGRAMS + 5)
    assert len(table.plot_histograms().child_axes) == MAX_HISTOGRAMS
    chosen = ["column_64", "column_0"]
    assert [small.get_title() for small in table.plot_histograms(chosen).child_axes] == chosen


def test_small_histograms_and_their_numbers_do_not_overlap():
    """Of a page of features, drawn at the size of its own figure."""
    ax = make_table(features=28).plot_histograms()
    ax.figure.canvas.draw()
    boxes = [small.get_tightbbox() for small in ax.child_axes]
    assert not any(a.overlaps(b) for number, a in enumerate(boxes) for b in boxes[number + 1 :])


def test_a_numeric_target_has_no_classes_to_tell_apart():
    """One outline, and no legend."""
    values = np.random.default_rng(4).normal(size=(50, 2)).astype(np.float32)
    ax = read_table((values, values[:, 0] * 2)).plot_histograms()
    assert [len(outlines(small)) for small in ax.child_axes] == [1, 1]
    assert ax.get_legend() is None


def test_the_flat_histogram_counts_all_values_of_all_features():
    """The tutorial's: NumPy's histogram of the flattened table."""
    table = make_table()
    ax = table.plot_histograms(flat=True, bins=101)
    heights, edges, _ = ax.patches[0].get_data()
    counts, expected = np.histogram(table.features.astype(np.float64).ravel(), 101)
    assert heights.tolist() == counts.tolist()
    np.testing.assert_allclose(edges, expected)


@pytest.mark.parametrize(
    "values", [[5.0, 5.0], [1.0, np.nextafter(np.float32(1), np.float32(2))], [-3.4e38, 3.4e38]]
)
def test_any_values_have_a_flat_histogram(values):
    """One value, neighbours among numbers, the largest range: each is counted once."""
    features = np.array(values, np.float32)[:, None]
    found = value_histogram(features, bins=101)
    assert found.counts.sum() == 2
    assert found.edges[0] <= features.min() <= features.max() <= found.edges[-1]


def test_given_axes_are_drawn_on_and_no_figure_is_made():
    """The caller's figure is the caller's."""
    figure, (left, right) = plt.subplots(1, 2)
    table = make_table()
    assert table.plot_histograms(ax=left) is left
    assert table.plot_histograms(flat=True, ax=right) is right
    assert plt.get_fignums() == [figure.number]


def test_shares_of_a_class_without_rows_are_zero():
    """It is a class of the table, though none of these rows has it."""
    features, target = np.array([[0.0], [1.0]], np.float32), np.zeros(2, np.float32)
    (only,) = feature_histograms(features, ("x",), target, ("no", "yes"), bins=2).features
    assert only.shares.tolist() == [[0.5, 0.5], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"features": ["column_1", "colum_2"]},
            "`features` must be one of 'column_0', 'column_1', 'column_2'; got 'colum_2'. Did you mean 'column_2'?",
        ),
        ({"features": []}, "`features` must name at least one feature; got none. None draws all."),
        ({"bins": 0}, "`bins` must be a whole number of at least 1; got 0."),
        (
            {"features": ["column_0"], "flat": True},
            "`features` must be left out with `flat`, which draws all values together; got ['column_0'].",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    """With what there is."""
    assert refusal(make_table().plot_histograms, **arguments) == message
