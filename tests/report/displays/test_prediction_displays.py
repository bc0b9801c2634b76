"""Plots of predictions with matplotlib: what they hold is what they draw."""

from __future__ import annotations

import numpy as np

from justright.diagnosis.scores.metrics import class_predictions
from justright.diagnosis.scores.pictures import calibration_bins
from justright.report.displays.prediction_displays import (
    CalibrationDisplay,
    ConfusionDisplay,
    CurveDisplay,
    ResidualDisplay,
)

X = np.linspace(0, 1, 5)


def test_curves_of_runs_are_drawn_behind_their_mean():
    """And models on the same axes have colours of their own."""
    display = CurveDisplay(
        "A", "A (ROC AUC 0.8)", X, np.array([X, X**2]), ("run 1", "run 2"), are_runs=True, is_roc=True
    )
    ax = display.plot()
    np.testing.assert_array_equal(ax.lines[2].get_ydata(), (X + X**2) / 2)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("False positive rate", "True positive rate")
    colours = [line.get_color() for line in display.plot(ax).lines if line.get_label().startswith("A")]
    assert len(set(colours)) == 2


def test_curves_of_classes_have_a_label_each():
    """One against the rest."""
    display = CurveDisplay("A", "A", X, np.array([X, X]), ("cat", "dog"), are_runs=False, is_roc=False)
    ax = display.plot()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["cat", "dog"]
    assert ax.get_xlabel() == "Recall"


def test_calibration_is_drawn_bin_by_bin():
    """Told against seen."""
    runs = [class_predictions([0.2, 0.2, 0.9], np.array([0, 1, 1]), are_logits=False)]
    ax = CalibrationDisplay("A", "A", calibration_bins(runs)).plot()
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[0.2, 0.5], [0.9, 1.0]])


def test_confusion_has_rows_in_its_cells():
    """Own classes down, predicted ones across."""
    ax = ConfusionDisplay("A", np.array([[3.0, 1.0], [0.0, 0.0]]), ("no", "yes")).plot()
    assert [text.get_text() for text in ax.texts] == ["3", "1", "0", "0"]
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0.75, 0.25], [0, 0]])


def test_residuals_are_drawn_as_predicted_against_true():
    """Of the first run; the object has those of all."""
    display = ResidualDisplay("A", "A", np.array([1.0, 2.0]), np.array([[1.5, 2.0], [0.0, 0.0]]), "price")
    ax = display.plot()
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), [[1.0, 1.5], [2.0, 2.0]])
    assert ax.get_xlabel() == "True price"
    np.testing.assert_array_equal(display.residuals, [[0.5, 0.0], [-1.0, -2.0]])


def test_names_with_dollar_signs_are_no_formulas():
    """Of classes, models and targets, which come from tables: what is no formula could not be drawn at all."""
    bad = "$\\nonsense{$"
    confusion = ConfusionDisplay(bad, np.ones((2, 2)), (bad, "no")).plot()
    curves = CurveDisplay("A", bad, X, np.array([X, X]), (bad, "no"), are_runs=False, is_roc=True).plot()
    residuals = ResidualDisplay("A", bad, np.array([1.0]), np.array([[1.5]]), bad).plot()
    for ax in (confusion, curves, residuals):
        ax.figure.canvas.draw()
    assert residuals.get_xlabel() == "True \\$\\nonsense{\\$"
