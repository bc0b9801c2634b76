"""What the chosen variant predicts, beside the reference model: curves, calibration, confusion, and single rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from justright.report.blocks import Block, Cell, Chart, Column, Folded, Media, Row, Section, Table, Text
from justright.report.number_formats import format_count, format_metric
from justright.report.palette import page_colours
from justright.report.prediction_plots import calibration_plot, rate_curve_plot, scatter_plot
from justright.report.summary import Record, Summary

MOST_CONFUSED = 12  # classes of a table that a page has room for
REFERENCE = "var(--muted)"


def prediction_blocks(summary: Summary) -> list[Block]:
    """Return charts of the chosen variant and the reference model; nothing for a study judged by a version without them."""
    models = summary["pictures"].get("models") or []
    if not models:
        return []
    known = page_colours(variant["name"] for variant in summary["variants"])
    colours = {model["name"]: known.get(model["name"], REFERENCE) for model in models}
    legend = tuple(colours.items())
    return [Text(_note(summary), media=Media.PAGE), *_charts(summary, models, colours, legend)]


def _charts(
    summary: Summary,
    models: Sequence[Record],
    colours: Mapping[str, str],
    legend: tuple[tuple[str, str], ...],
) -> list[Block]:
    """Return a chart for each kind of picture that the models have, and the tables of confusion."""
    names = [each["name"] for each in summary["table"].get("classes") or []]
    if summary["task"] == "regression":
        plot = scatter_plot(summary["table"].get("target") or "target", models, colours)
        return [Chart("residuals", "Predicted against true values", plot, "Predicted against true", legend)]
    second = repr(names[1]) if len(names) == 2 else ""
    blocks: list[Block] = []
    for name, title, across, up in (
        ("roc", "ROC curve", "False positive rate", "True positive rate"),
        ("precision_recall", "Precision and recall", "Recall", "Precision"),
    ):
        shown = [model for model in models if model.get(name)]
        if shown:
            plot = rate_curve_plot(name, (across, up), shown, colours)
            label = f"{title} of class {second}"
            blocks.append(Chart(name.replace("_", "-"), label, plot, label, () if blocks else legend))
    about = f"of class {second}" if second else "of the predicted class"
    plot = calibration_plot(models, colours)
    title = f"Calibration: probability {about}, told and seen"
    blocks.append(Chart("calibration", title, plot, title, () if blocks else legend))
    return [*blocks, *_confusions(models, names)]


def _confusions(models: Sequence[Record], names: Sequence[str]) -> list[Block]:
    """Return a table of own against predicted classes for each model, that of the chosen variant open."""
    blocks: list[Block] = []
    for number, model in enumerate(models):
        counts = model.get("confusion")
        if not counts:
            continue
        table = confusion_table(model["name"], counts, names)
        left_out = len(counts) - len(table.rows)
        rest = [Text(f"The {left_out} classes with the fewest rows are left out.")] if left_out else []
        head = Text(f"{table.label}: rows, and their share of the own class.", media=Media.WRITTEN)
        inside: tuple[Block, ...] = (table, *rest)
        blocks += [head, *inside] if number == 0 else [Folded(Cell(table.label), inside)]
    return blocks


def confusion_table(model: str, counts: Sequence[Sequence[float]], names: Sequence[str]) -> Table:
    """Return rows of each own class by predicted class, of at most `MOST_CONFUSED` classes: those with the most rows."""
    largest = sorted(range(len(counts)), key=lambda one: -sum(counts[one]))[:MOST_CONFUSED]
    shown = sorted(largest)
    rows = []
    for own in shown:
        total = sum(counts[own])
        cells = [
            Cell(
                format_count(counts[own][said]),
                detail=format_metric("accuracy", counts[own][said] / total) if total else "",
                tone="good" if own == said and counts[own][said] else None,
            )
            for said in shown
        ]
        rows.append(Row((Cell(_name(names, own)), *cells)))
    columns = (
        Column("Own class", is_text=True),
        *(Column(f"predicted {_name(names, said)}") for said in shown),
    )
    return Table(f"Confusion of {model}", columns, tuple(rows), css="confusion", media=Media.WRITTEN)


def _name(names: Sequence[str], number: int) -> str:
    return names[number] if number < len(names) else str(number)


def _note(summary: Summary) -> str:
    """Return which rows and runs are drawn."""
    models = summary["pictures"]["models"]
    is_test = summary["pictures"].get("part") == "test"
    rows = "Test rows" if is_test else "Validation rows, which chose the epoch and so flatter a little"
    chosen = models[0]["name"]
    if summary["task"] == "regression":
        return f"{rows}, at most 400 of them; {chosen} by the run with the lowest seed, at its best epoch. On the line a prediction is right."
    many = len(summary["seeds"]) > 1
    runs = "means over seeds" if many else "one seed"
    bars = " Bars: 95 % intervals of the share that came true, over rows."
    return f"{rows} at each run's best epoch, {runs}.{bars}"


PREDICTIONS = Section("predictions", "Predictions", prediction_blocks, nav="Predictions")
