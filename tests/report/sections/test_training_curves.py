"""Which lines a figure holds, and which range it opens with."""

from __future__ import annotations

import pytest

from justright.report.blocks import CurveFigure
from justright.report.sections.scaling_table import scaling_rows
from justright.report.sections.training_curves import (
    best_points,
    curve_figures,
    curve_lines,
    opening_range,
    rate_lines,
)


def study(*variants, curves=()):
    """Return the part of a summary that figures read; variants are (name, group, baseline)."""
    listed = [{"name": n, "group": g, "baseline": b, "runs": []} for n, g, b in variants]
    return {"variants": listed, "curves": list(curves), "data_scaling": []}


def run(seed, x, *, variant="A", rows=10, **metrics):
    """Return one thinned run."""
    return {"variant": variant, "seed": seed, "train_rows": rows, "epoch": x, "metrics": metrics}


def test_group_opens_with_its_members_and_their_baselines():
    """A remedy is only seen beside what it changes."""
    figures = curve_figures(
        study(("Large", "sizes", None), ("Tiny", "sizes", None), ("L2", "regularizers", "Large"))
    )
    every = ("Large", "Tiny", "L2")
    assert figures == [
        CurveFigure("curves-0", "Size curves", ("Large", "Tiny"), every),
        CurveFigure("curves-1", "Regularizer curves", ("Large", "L2"), every),
    ]


def test_the_study_s_first_variant_stands_beside_a_group_that_changes_another():
    """Tiny among the regularizers, as in the tutorial."""
    figures = curve_figures(
        study(
            ("Tiny", "sizes", None),
            ("Small", "sizes", None),
            ("Large", "sizes", None),
            ("L2", "more", "Large"),
        )
    )
    assert [figure.shown for figure in figures] == [("Tiny", "Small", "Large"), ("Tiny", "Large", "L2")]


def test_what_a_large_group_is_compared_with_stays_shown():
    """Of many remedies some must be switched on; what they change need not be."""
    remedies = [(f"R{number}", "remedies", "Large") for number in range(12)]
    figures = curve_figures(study(*remedies, ("Large", "sizes", None), ("Tiny", "sizes", None)))
    shown = next(figure.shown for figure in figures if figure.title == "Remedies curves")
    assert len(shown) == 8
    assert "Large" in shown


def test_group_inside_another_figure_has_none_of_its_own():
    """The same lines are not drawn twice."""
    figures = curve_figures(study(("Large", "sizes", None), ("L2", "regularizers", "Large")))
    assert [figure.title for figure in figures] == ["Regularizer curves"]


def test_no_more_variants_open_than_there_are_colours():
    """Two lines of one colour cannot be told apart; the legend switches others on."""
    (figure,) = curve_figures(study(*((f"v{i}", "", None) for i in range(12))))
    assert figure.shown == tuple(f"v{i}" for i in range(8))


def test_mean_line_covers_the_epochs_that_all_seeds_have():
    """By hand: means of two seeds at the two epochs they share."""
    curves = [run(0, [0, 1, 5], loss=[1.0, 2.0, 3.0]), run(1, [0, 1], loss=[3.0, 2.0])]
    lines = curve_lines(study(curves=curves), "loss")
    assert lines[-1] == {"v": "A", "k": "train", "s": "", "x": [0, 1], "y": [2.0, 2.0]}
    assert [line["s"] for line in lines] == ["0", "1", ""]


def test_only_runs_of_the_largest_training_size_are_drawn():
    """Learning curves over rows are another figure."""
    curves = [run(0, [0], loss=[9.0], rows=5), run(0, [0], loss=[1.0])]
    assert {line["y"][0] for line in curve_lines(study(curves=curves), "loss")} == {1.0}


def test_points_that_were_not_measured_are_left_out():
    """The fixed subset is measured at some epochs only."""
    lines = curve_lines(study(curves=[run(0, [0, 1, 2], fixed_loss=[0.5, None, 0.4])]), "loss")
    assert [(line["k"], line["x"]) for line in lines] == [("fixed", [0, 2])] * 2


def test_best_points_are_the_recorded_ones(summary):
    """The dot stands where the run's own record puts it."""
    points = best_points(summary, "binary_crossentropy")
    assert len(points) == 21
    record = summary["variants"][0]["runs"][0]
    assert points[0] == {
        "v": "Tiny",
        "s": "0",
        "x": record["best_epoch"],
        "y": record["best"]["val_binary_crossentropy"],
    }


def test_variants_with_one_schedule_share_its_line():
    """Equal learning rates are one line, whoever trained longer."""
    curves = [
        run(0, [0, 1, 2], variant="A", learning_rate=[0.1, 0.05, 0.02]),
        run(0, [0, 1], variant="B", learning_rate=[0.1, 0.05]),
        run(0, [0, 1], variant="C", learning_rate=[0.1, 0.1]),
    ]
    lines = rate_lines(study(("A", "", None), ("B", "", None), ("C", "", None), curves=curves))
    assert lines == [
        {"v": "A, B", "x": [0, 1, 2], "y": [0.1, 0.05, 0.02]},
        {"v": "C", "x": [0, 1], "y": [0.1, 0.1]},
    ]


def test_range_opens_on_what_was_gained_when_one_line_runs_away():
    """A loss that ends at 3 must not flatten a gain of 0.1."""
    line = {"k": "val", "s": "0", "x": [0, 1, 2], "y": [0.7, 0.6, 3.0]}
    opening, full = opening_range([line], is_share=False).values()
    assert opening == pytest.approx([0.565, 0.735])
    assert full == pytest.approx([0.528, 3.072])


def test_range_is_the_full_one_when_nothing_runs_away():
    """There is nothing to zoom into."""
    opening, full = opening_range(
        [{"k": "val", "s": "0", "x": [0, 1], "y": [0.7, 0.6]}], is_share=False
    ).values()
    assert opening == full == pytest.approx([0.597, 0.703])


def test_range_of_an_accuracy_holds_its_highest_value():
    """Of an accuracy the best is the highest."""
    opening, _ = opening_range(
        [{"k": "val", "s": "0", "x": [0, 1, 2], "y": [0.5, 0.7, 0.0]}], is_share=True
    ).values()
    assert opening[0] < 0.5 < 0.7 < opening[1]


def test_no_lines_have_no_range():
    """A metric that was never measured has no figure."""
    assert opening_range([], is_share=False) is None


def test_scaling_rows_tell_measured_from_forecast():
    """A forecast is never drawn as a measurement; its line begins where those end."""
    point = {"train_rows": 100, "mean": 0.6, "low": 0.5, "high": 0.7}
    curves = [{"variant": "A", "measured": [point], "forecast": [{**point, "train_rows": 200}]}]
    assert [(row["x"], row["kind"]) for row in scaling_rows(curves)] == [
        (100, "measured"),
        (100, "join"),
        (200, "forecast"),
    ]
