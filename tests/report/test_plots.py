"""The tutorial's plot, checked on the Axes it returns."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter
from tests.refusals import refusal

from justright.colours import LIGHT
from justright.report import plot_history
from justright.session.result import Result


@pytest.fixture(autouse=True)
def _close_figures():
    """Leave no figure behind."""
    yield
    plt.close("all")


def labelled(ax):
    """Return the lines with a label of their own."""
    return {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}


def one_run(values, **more):
    """Return the curves of one run whose training and validation losses are `values`."""
    return pl.DataFrame(
        {
            "variant": "A",
            "seed": 0,
            "train_rows": 10,
            "epoch": np.arange(len(values)),
            "loss": values,
            "val_loss": values,
        }
        | more
    )


def test_training_is_solid_validation_dashed_and_each_variant_has_one_colour(curves):
    """The plot reads as the tutorial's does."""
    lines = labelled(plot_history(curves, "binary_crossentropy"))
    assert list(lines) == ["Tiny Train", "Tiny Val", "Large Train", "Large Val"]
    assert [line.get_linestyle() for line in lines.values()] == ["-", "--", "-", "--"]
    tiny, large = (colors.to_hex(lines[f"{name} Train"].get_color()) for name in ("Tiny", "Large"))
    assert (
        colors.to_hex(lines["Tiny Val"].get_color())
        == tiny
        != large
        == colors.to_hex(lines["Large Val"].get_color())
    )


def test_axes_carry_words_and_the_legend_names_every_line(curves):
    """A reader needs no code to know what is drawn."""
    ax = plot_history(curves, "binary_crossentropy")
    assert ax.get_xlabel() == "Epochs trained"
    assert ax.get_ylabel() == "Binary crossentropy"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(labelled(ax))


def test_line_is_the_mean_over_seeds_and_the_band_spans_them(curves):
    """Several seeds are one line, with a band from the lowest to the highest."""
    ax = plot_history(curves, "binary_crossentropy", variants=["Large"])
    table = (
        curves.filter(pl.col("variant") == "Large")
        .sort("seed", "epoch")["binary_crossentropy"]
        .to_numpy()
        .reshape(3, 60)
    )
    np.testing.assert_allclose(labelled(ax)["Large Train"].get_ydata(), table.mean(0), rtol=1e-12)
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(table.min())
    assert band[:, 1].max() == pytest.approx(table.max())


def test_first_epoch_keeps_its_place_on_a_logarithmic_axis(curves):
    """Keras' epoch 0 is one epoch trained: 1 has a logarithm, 0 would vanish."""
    ax = plot_history(curves, "binary_crossentropy")
    ax.set_xscale("log")
    assert labelled(ax)["Tiny Train"].get_xdata().tolist() == list(range(1, 61))
    assert ax.get_xlim()[0] <= 1


def test_a_result_s_plot_has_the_report_s_colours():
    """The store gives curves by name, the report colours variants in the study's order."""
    summary = {"variants": [{"name": "Tiny"}, {"name": "Large"}]}
    frame = pl.concat([one_run([1.0, 2.0], variant=name) for name in ("Large", "Tiny")])
    ordered = Result._ordered_curves(SimpleNamespace(summary=summary, curves=frame))  # type: ignore[arg-type]
    lines = labelled(plot_history(ordered, "loss"))
    assert [name for name in lines if name.endswith("Train")] == ["Tiny Train", "Large Train"]
    assert lines["Tiny Train"].get_color() == LIGHT[0]


@pytest.mark.parametrize(
    ("epochs", "names"),
    [
        (8, ["1", "2", "5"]),
        (60, ["1", "2", "5", "10", "20", "50"]),
        (9_000, ["1", "2", "5", "10", "20", "50", "100", "200", "500", "1,000", "2,000", "5,000", "10,000"]),
    ],
)
def test_a_logarithmic_axis_names_plain_numbers(epochs, names):
    """2 × 10⁰ epochs is nobody's number; the axis is made logarithmic after it was drawn on, as in the README."""
    ax = plot_history(one_run(np.linspace(1, 0, epochs)), "loss")
    ax.set_xscale("log")
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    shown = [tick.label1.get_text() for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert [name for name in shown if float(name.replace(",", "")) >= 1] == names
    assert not any(label.get_text() for label in ax.xaxis.get_ticklabels(minor=True))


def test_ticks_that_the_caller_chose_stay():
    """Ours replace matplotlib's, nothing else."""
    ax = plot_history(one_run(np.ones(50)), "loss")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(mine := FuncFormatter(lambda value, _: "mine"))
    ax.set_xlim(1, 1_000)
    ax.figure.canvas.draw()
    assert ax.xaxis.get_major_formatter() is mine


def test_the_legend_of_a_figure_of_its_own_covers_no_curve(curves):
    """It stands to the right of the axes, inside the figure."""
    ax = plot_history(curves, "binary_crossentropy")
    ax.figure.canvas.draw()
    legend, frame = ax.get_legend().get_window_extent(), ax.get_window_extent()
    assert legend.x0 >= frame.x1
    assert legend.x1 <= ax.figure.bbox.x1


def test_more_variants_than_colours_still_look_different():
    """The ninth has the first one's colour, and marks that it has not."""
    frame = pl.concat([one_run([1.0, 2.0], variant=f"V{number}") for number in range(17)])
    lines = [line for name, line in labelled(plot_history(frame, "loss")).items() if name.endswith("Train")]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 17
    assert lines[0].get_color() == lines[8].get_color()


@pytest.mark.parametrize("std", [1.0, 10.0])
def test_smoothing_spreads_one_epoch_over_a_gaussian_of_that_deviation(std):
    """`smoothing_std` really is the standard deviation, in epochs, of what is drawn."""
    spike = np.zeros(201)
    spike[100] = 1.0
    line = labelled(plot_history(one_run(spike), "loss", smoothing_std=std))["A Train"]
    weights, epochs = line.get_ydata(), line.get_xdata() - 101
    assert weights.sum() == pytest.approx(1.0, abs=1e-3)
    # The kernel is cut at four deviations, which takes less than 0.2 % off its spread.
    assert np.sqrt((weights * epochs**2).sum()) == pytest.approx(std, rel=0.002 if std > 1 else 0.02)


def test_unsmoothed_values_stay_faintly_behind():
    """Smoothing hides nothing."""
    values = np.random.default_rng(0).normal(size=50)
    ax = plot_history(one_run(values), "loss", smoothing_std=5)
    faint = [line for line in ax.get_lines() if line.get_label() == "_measured"]
    assert [line.get_alpha() < 0.5 for line in faint] == [True, True]
    np.testing.assert_array_equal(faint[0].get_ydata(), values)


def test_unsmoothed_single_run_is_drawn_once_as_measured():
    """Without seeds or smoothing there is nothing to draw behind."""
    values = np.array([3.0, 1.0, 2.0])
    ax = plot_history(one_run(values), "loss")
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == [[3.0, 1.0, 2.0]] * 2
    assert len(ax.collections) == 0


def test_only_the_largest_training_size_is_drawn():
    """Runs on fewer rows are another question."""
    frame = pl.concat([one_run([1.0, 2.0]), one_run([5.0, 6.0], train_rows=99)])
    assert labelled(plot_history(frame, "loss"))["A Train"].get_ydata().tolist() == [5.0, 6.0]


def test_mean_ends_with_the_shortest_seed():
    """A mean over fewer and fewer seeds would jump where one stops."""
    frame = pl.concat([one_run([1.0, 2.0, 3.0]), one_run([3.0, 4.0], seed=1)])
    assert labelled(plot_history(frame, "loss"))["A Train"].get_ydata().tolist() == [2.0, 3.0]


def test_values_that_were_not_measured_are_not_drawn():
    """A diverged run ends where it diverged."""
    assert labelled(plot_history(one_run([1.0, 2.0, np.nan]), "loss"))["A Val"].get_xdata().tolist() == [1, 2]


def test_given_axes_are_drawn_on_and_no_figure_is_made(curves):
    """The caller's figure is the caller's."""
    figure, ax = plt.subplots()
    before = plt.get_fignums()
    assert plot_history(curves, "loss", ax=ax) is ax
    assert plt.get_fignums() == before == [figure.number]


def test_colour_of_a_variant_does_not_depend_on_which_are_drawn(curves):
    """Two figures of one study can be compared by colour."""
    all_lines, one = (labelled(plot_history(curves, "loss", variants=names)) for names in (None, ["Large"]))
    assert one["Large Val"].get_color() == all_lines["Large Val"].get_color()


def test_unknown_metric_is_refused_with_the_nearest(curves):
    """A misspelt metric draws nothing."""
    assert refusal(plot_history, curves, "acuracy") == (
        "`metric` must be one of 'loss', 'binary_crossentropy', 'accuracy', 'learning_rate'; got 'acuracy'. "
        "Did you mean 'accuracy'?"
    )


def test_unknown_variant_is_refused(curves):
    """A misspelt variant draws nothing."""
    assert (
        refusal(plot_history, curves, "loss", variants=["tiny"])
        == "`variants` must be one of 'Tiny', 'Large'; got 'tiny'. Did you mean 'Tiny'?"
    )


@pytest.mark.parametrize("std", [-1.0, float("nan"), float("inf")])
def test_unusable_smoothing_is_refused(curves, std):
    """There is no Gaussian of such a width."""
    assert refusal(plot_history, curves, "loss", smoothing_std=std) == (
        f"`smoothing_std` must be a finite number of epochs, at least 0; got {std!r}. 0 does not smooth."
    )


def test_a_logarithmic_axis_and_its_range_are_asked_for_in_the_same_call(curves):
    """One call makes the tutorial's picture, with plain ticks."""
    ax = plot_history(curves, "binary_crossentropy", ylim=(0.5, 0.7), log_x=True)
    ax.figure.canvas.draw()
    assert (ax.get_xscale(), ax.get_ylim()) == ("log", (0.5, 0.7))
    assert "10" in [text.get_text() for text in ax.get_xticklabels()]


@pytest.mark.parametrize("ylim", [(0.7, 0.5), (0.5,), 0.5, (0.0, float("inf")), ("a", "b")])
def test_a_range_that_no_axis_has_is_refused(curves, ylim):
    """Upside down, endless, or no range at all."""
    assert refusal(plot_history, curves, "loss", ylim=ylim) == (
        f"`ylim` must be two finite numbers, the lower one first; got {ylim!r}. Leave it out to show all values."
    )


STUDY = {
    "loss": "loss",
    "variants": [
        {"name": "Tiny", "group": "sizes", "baseline": None},
        {"name": "Small", "group": "sizes", "baseline": None},
        {"name": "Large", "group": "sizes", "baseline": None},
        {"name": "L2", "group": "regularizers", "baseline": "Large"},
    ],
}


class Study:
    """What a result needs to draw curves: variants with their groups, and the curves of each."""

    def __init__(self, summary=STUDY):
        self.summary = summary
        self.curves = pl.concat([one_run([1.0, 2.0], variant=one["name"]) for one in summary["variants"]])

    plot, _compared, _ordered_curves = Result.plot, Result._compared, Result._ordered_curves


@pytest.mark.parametrize(
    ("group", "names"), [("sizes", ["Tiny", "Small", "Large"]), ("regularizers", ["Tiny", "Large", "L2"])]
)
def test_a_group_is_drawn_with_what_it_changes_and_the_first_variant(group, names):
    """As the tutorial compares them: Tiny stands among the regularizers."""
    lines = labelled(Study().plot("loss", group=group))
    assert [name.removesuffix(" Train") for name in lines if name.endswith("Train")] == names
    assert lines["Large Train"].get_color() == LIGHT[2]


def test_the_loss_of_the_verdicts_is_drawn_unless_a_metric_is_named():
    """The call without arguments shows what the study is about."""
    assert Study().plot().get_ylabel() == "Loss"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"group": "size"},
            "`group` must be one of 'sizes', 'regularizers'; got 'size'. Did you mean 'sizes'?",
        ),
        (
            {"group": "sizes", "variants": ["L2"]},
            "Curves are drawn of a group or of variants; got `group` 'sizes' and `variants` ['L2']. Leave one of them out.",
        ),
    ],
)
def test_a_group_that_cannot_be_drawn_is_refused(arguments, message):
    """Unknown, or beside variants of the caller's."""
    assert refusal(Study().plot, "loss", **arguments) == message


def test_a_study_without_groups_says_so():
    """There is nothing to choose from."""
    study = Study({"variants": [{"name": "A", "group": "", "baseline": None}]})
    assert refusal(study.plot, "loss", group="sizes") == (
        "`group` must be left out for a study whose variants have no groups; got 'sizes'. Name `variants` instead."
    )
