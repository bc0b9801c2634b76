"""Charts of predictions as the page draws them: rates against rates, calibration, and predicted against true values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from justright.report.axes import Axis, linear_axis
from justright.report.charts import BOX, Path, Plot, outline, place_dot, widened
from justright.report.number_formats import format_count

PAD = 0.04  # of the range of values, on every side


def rate_curve_plot(
    name: str, titles: tuple[str, str], models: Sequence[Mapping[str, Any]], colours: Mapping[str, str]
) -> Plot:
    """Return one rate against another for each model; for a ROC curve also the line of guessing.

    Args:
        name: of the curves: 'roc' or 'precision_recall'.
        titles: of both axes.
        models: {name, and under the curves' name {x, y}}.
        colours: name -> CSS colour.
    """
    x, y = (linear_axis(title, 0.0, 1.0) for title in titles)
    guessing = (Path(f"M0 {BOX}L{BOX} 0", "guess"),) if name == "roc" else ()
    lines = tuple(
        Path(
            outline(list(zip(model[name]["x"], model[name]["y"], strict=True))),
            "train mean",
            colours[model["name"]],
            model["name"],
        )
        for model in models
    )
    return Plot(x, y, guessing + lines)


def calibration_plot(models: Sequence[Mapping[str, Any]], colours: Mapping[str, str]) -> Plot:
    """Return the share that came true against the probability told, with intervals, and the line of equal ones."""
    x, y = linear_axis("Probability told", 0.0, 1.0), linear_axis("Share that came true", 0.0, 1.0)
    paths, dots = [Path(f"M0 {BOX}L{BOX} 0", "guess")], []
    for model in models:
        bins, colour = model["calibration"], colours[model["name"]]
        paths.append(Path(outline(list(zip(bins["told"], bins["seen"], strict=True))), "train mean", colour))
        for told, seen, low, high, rows in zip(
            *(bins[key] for key in ("told", "seen", "low", "high", "rows")), strict=True
        ):
            hint = f"{model['name']}: told {told:.3f}, came true for {seen:.3f} of {format_count(max(1, rows))} rows"
            paths.append(Path(outline([(told, low), (told, high)]), "rule faint", colour))
            dots.append(place_dot((told, seen), colour, hint))
    return Plot(x, y, tuple(paths), tuple(dots))


def scatter_plot(target: str, models: Sequence[Mapping[str, Any]], colours: Mapping[str, str]) -> Plot:
    """Return predicted against true values, a dot for each row, and the line on which both are equal."""
    values = [value for model in models for key in ("true", "predicted") for value in model[key]]
    low, high = widened(min(values), max(values), share=PAD)
    x, y = linear_axis(f"True {target}", low, high), linear_axis("Predicted", low, high)
    paths = [Path(f"M0 {BOX}L{BOX} 0", "guess")]
    paths += [
        Path(_dots(model["true"], model["predicted"], x), "cloud", colours[model["name"]], model["name"])
        for model in reversed(models)  # the chosen variant on top
    ]
    return Plot(x, y, tuple(paths))


def _dots(true: Sequence[float], predicted: Sequence[float], axis: Axis) -> str:
    """Return one path of many dots: lines of no length, which have round ends."""
    return "".join(
        outline([(axis.place(at), axis.place(up))]) for at, up in zip(true, predicted, strict=True)
    )
