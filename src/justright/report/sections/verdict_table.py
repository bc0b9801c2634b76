"""The table that answers the question: each variant's verdict, and its loss and score on all kinds of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from justright.diagnosis import labels
from justright.diagnosis.scores.metric_list import FOREMOST
from justright.report.blocks import Block, Cell, Column, Folded, Media, Row, Section, Step, Table, Text
from justright.report.fit_map import (
    CELL_FACTOR,
    CELLS,
    POSSIBLE,
    SHOWN,
    FitPoint,
    fit_bar,
    fit_points,
    label_words,
)
from justright.report.notable_variants import (
    CHOSEN_WORDS,
    MOST_LISTED,
    MOST_PRINTED,
    MOST_WHOLE,
    notable_variants,
    rest_words,
)
from justright.report.number_formats import (
    MISSING,
    format_count,
    format_interval,
    format_loss,
    format_metric,
    format_short,
    format_span,
    is_share,
    mean_of,
    metric_words,
)
from justright.report.palette import page_colours
from justright.report.precision_words import precision_sentence
from justright.report.summary import RunSummary, Summary, VariantSummary, VerdictSummary, measuring_rows
from justright.study.directions import EARLIER_END

PARTS = ("fixed", "validation", "test")
# What the columns of test rows hold in a study without any.
NO_TEST_ROWS = "There are no test rows: in their place stand validation rows, each half at the epoch that the other half chose."
BAR_HEADING = " tight|free"  # above the middle of the bars


def verdict_blocks(summary: Summary) -> list[Block]:
    """Return the table of verdicts, and what its numbers and words mean."""
    table = Table("Verdicts", _columns(summary), tuple(_rows(summary)), css="answer")
    every, few = summary["variants"], main_variants(summary)
    # Sentences that say what is wrong with each network explain its label better than a legend.
    legend = "" if any(one["verdict"].get("answer") for one in few) else meanings(few)
    notes = (
        *(_short_note(summary), *weights_sentence(summary)),
        *(_bar_note(summary), precision_sentence(summary), legend),
    )
    return [
        table,
        *_rest(summary),
        Text(f"{_note(summary)}\n{meanings(every)}", "note below", Media.WRITTEN),
        Text("\n".join(filter(None, notes)), media=Media.TERMINAL),
    ]


def verdict_cell(variant: VariantSummary, loss: str) -> Cell:
    """Return a variant's verdict, what is shown as well, and since when it overfits."""
    label = labels.label_named(variant["verdict"]["label"])
    text = label_words(variant["verdict"])
    since, short = since_words(variant, loss)
    return Cell(
        text,
        detail=f"({label.name} {since})" if since and text != label.name else since,
        short=text if text != label.name else f"{label.name} {short}".strip(),
        shortest=label.name,
        tone=label.tone,
        symbol=label.symbol,
        is_pill=True,
    )


def has_catalogue(summary: Summary) -> bool:
    """Return whether a study tried remedies of the catalogue, which have a table of their own."""
    return bool(summary["strengths"])


def main_variants(summary: Summary) -> list[VariantSummary]:
    """Return the variants that a terminal shows: beside a table of remedies only what they change and the best."""
    notable = notable_variants(summary, MOST_PRINTED)
    if not has_catalogue(summary):
        return notable
    choice = summary["choice"]
    best = {choice["variant"] if choice else None, summary["best_variant"]}
    main = [one for one in summary["variants"] if not one["remedy"] or one["name"] in best]
    names = {one["name"] for one in notable}
    return main if len(main) <= MOST_PRINTED else [one for one in main if one["name"] in names]


def meanings(variants: Iterable[VariantSummary]) -> str:
    """Return what the verdicts on these variants mean, each of them once, in one line."""
    found = {variant["verdict"]["label"] for variant in variants}
    return " ".join(
        f"{label.name.capitalize()}: {label.meaning}." for label in labels.labels() if label.name in found
    )


def counting_runs(variant: VariantSummary) -> list[RunSummary]:
    """Return the runs that tables average."""
    return [run for run in variant["runs"] if run["counts"]]


def since_words(variant: VariantSummary, loss: str) -> tuple[str, str]:
    """Return since when a variant overfits, in a page and in a narrow column: empty for other verdicts.

    Where nothing was measured after the last good epoch, no epoch can be named: it is by how much at the end. A network that
    overfits for another reason than time has no such epoch.

    Example:
        >>> verdict = {"label": "overfits", "onset_epoch": {"low": 9, "high": 105, "last": 265}}
        >>> since_words({"verdict": verdict, "runs": []}, "loss")
        ('after epoch 105', 'after 105')
    """
    onset = variant["verdict"]["onset_epoch"] or {}
    high, last = onset.get("high"), onset.get("last")
    if (
        variant["verdict"]["label"] != labels.OVERFITS.name
        or high is None
        or not _is_by_time(variant["verdict"])
    ):
        return "", ""
    if last is None:  # judged by a version that did not say
        last = min((run["epochs"] - 1 for run in counting_runs(variant)), default=high)
    if high < last:
        return f"after epoch {format_count(high)}", f"after {format_count(high)}"
    rise = _rise(variant, loss)
    return f"by {format_loss(rise)} at the end" if rise else "", "at the end"


def _is_by_time(verdict: VerdictSummary) -> bool:
    """Return whether what overfits trained for too long; earlier versions called nothing else so."""
    answer, tighter = verdict.get("answer"), verdict.get("tighter")
    if not answer:
        return True
    return "after epoch" in answer or bool(tighter and tighter["kind"] == EARLIER_END)


def _rise(variant: VariantSummary, loss: str) -> float | None:
    """Return how much the loss rose from the best to the last epoch, on test rows or else on validation rows."""
    runs = counting_runs(variant)
    on_test = [(run["test"].get(loss), run["test_last"].get(loss)) for run in runs]
    on_validation = [(run["best"].get(f"val_{loss}"), run["last"].get(f"val_{loss}")) for run in runs]
    for ends in (on_test, on_validation):
        rise = mean_of(last - best for best, last in ends if best is not None and last is not None)
        if rise is not None:
            return rise if rise > 0 else None
    return None


def _columns(summary: Summary) -> tuple[Column, ...]:
    loss, score = metric_words(summary["loss"]), metric_words(summary["score"])
    word, short = ("accuracy", "acc.") if is_share(summary["score"]) else ("error", "error")
    early: dict[str, Any] = {"shortens": Step.SPREADS, "leaves": Step.NARROW}
    late: dict[str, Any] = {"css": "main", "shortens": Step.NARROW}
    live = Media.PAGE | Media.TERMINAL
    has_bars = _has_bars(summary)
    # What gives way to the bars.
    given: dict[str, Any] = {"leaves": Step.NARROW} if has_bars else {}
    later: dict[str, Any] = {"leaves": Step.FEW} if has_bars else {}
    bars = Column("Gains", BAR_HEADING, is_text=True, leaves=Step.LEAST, media=Media.TERMINAL)
    return (
        Column("Variant", "variant", is_text=True),
        Column("Verdict", is_text=True, media=Media.WRITTEN),
        Column("Parameters", "parameters", "params", shortens=Step.NARROW, **later),
        Column("Best epoch", "best\nepoch", css="wide"),
        Column("Train", "train\nloss", group=loss, card="Loss, train", **early),
        Column(
            "Validation", "val.\nloss", group=loss, card="Loss, validation", shortens=Step.SPREADS, **given
        ),
        Column("Test", "test\nloss", group=loss, card="Loss, test", css="main"),
        Column("Train", f"train\n{word}", group=score, card=f"{score}, train", **early, media=live),
        Column("Validation", f"val.\n{word}", group=score, card=f"{score}, validation", **early, media=live),
        Column("Test", f"test\n{word}", f"test\n{short}", score, f"{score}, test", **late),
        *([_foremost_column(summary)] if _has_foremost(summary) else []),
        *([bars] if has_bars else []),
        Column("Verdict", "verdict", is_text=True, shortens=Step.DETAILS, media=Media.TERMINAL),
    )


def _has_foremost(summary: Summary) -> bool:
    """Return whether the metric that people ask for first was measured; pages have a table of all of them."""
    name, _ = FOREMOST[summary["task"]]
    return any(variant["metrics"].get(name) for variant in summary["variants"])


def _foremost_column(summary: Summary) -> Column:
    metric, heading = FOREMOST[summary["task"]]
    return Column(
        metric, f"test\n{heading}", shortens=Step.SPREADS, leaves=Step.DETAILS, media=Media.TERMINAL
    )


def _foremost_cell(variant: VariantSummary, summary: Summary) -> Cell:
    name, _ = FOREMOST[summary["task"]]
    ends = variant["metrics"].get(name)
    value, low, high = (ends["mean"], ends["low"], ends["high"]) if ends else (None, None, None)
    return Cell(
        format_metric(name, value, low, high),
        short=format_short(name, value, low, high),
        shortest=format_short(name, value),
    )


def _has_bars(summary: Summary) -> bool:
    """Return whether gains were measured for any variant that a terminal shows."""
    return bool(summary["margin"] and fit_points(main_variants(summary)))


def _bar_cell(variant: VariantSummary, summary: Summary) -> Cell:
    point = FitPoint.of(variant["name"], variant["verdict"])
    return Cell(fit_bar(point, summary["margin"] or 0) if point.is_measured else MISSING)


def _bar_note(summary: Summary) -> str:
    """Return how the bars are read; empty where there are none."""
    if not _has_bars(summary):
        return ""
    most = f"{CELL_FACTOR ** (CELLS - 1):.0f}"
    return (
        f"Bars: gain by something tighter | freer, 1 to {most} margins; {SHOWN} shown, {POSSIBLE} possible."
    )


def _rows(summary: Summary) -> Iterable[Row]:
    """Yield a row for each notable variant, and one for the reference model."""
    loss, score = summary["loss"], summary["score"]
    colours = page_colours(variant["name"] for variant in summary["variants"])
    shown = {variant["name"] for variant in main_variants(summary)}
    has_foremost, has_bars = _has_foremost(summary), _has_bars(summary)
    for variant in notable_variants(summary, MOST_WHOLE):
        name = variant["name"]
        is_best = name == summary["best_variant"] and len(summary["variants"]) > 1
        verdict = verdict_cell(variant, loss)
        runs = counting_runs(variant)
        epochs = [run["best_epoch"] for run in runs if run["best_epoch"] is not None]
        ends = variant["intervals"] | {"test": variant["test"]}
        yield Row(
            (
                Cell(name, remark="best on validation" if is_best else "", swatch=colours[name]),
                verdict,
                Cell(format_count(variant["parameters"])),
                Cell(format_span(epochs)),
                *_measured(runs, loss, [ends.get(part) for part in PARTS]),
                *_measured(runs, score, [ends.get(f"{part}_score") for part in PARTS]),
                *([_foremost_cell(variant, summary)] if has_foremost else []),
                *([_bar_cell(variant, summary)] if has_bars else []),
                verdict,
            ),
            media=Media.EVERYWHERE if name in shown else Media.WRITTEN,
        )
    if reference := summary["reference"]:
        label, missing = Cell("reference", tone="open", is_pill=True), Cell(MISSING)
        test = {"mean": reference["test"], "low": reference.get("low"), "high": reference.get("high")}
        measured = {"mean": reference.get("score")} | (reference.get("metrics") or {}).get(score, {})
        yield Row(
            (
                Cell(reference["name"], swatch="var(--muted)"),
                label,
                missing,
                missing,
                *_measured([], loss, [None, None, test]),
                *_measured([], score, [None, None, measured]),
                *([missing] if has_foremost else []),
                *([missing] if has_bars else []),
                label,
            ),
            media=Media.WRITTEN,
        )


def _rest(summary: Summary) -> list[Block]:
    """Return the other variants with their verdicts and test losses, folded away."""
    whole = {variant["name"] for variant in notable_variants(summary, MOST_WHOLE)}
    rest = [variant for variant in summary["variants"] if variant["name"] not in whole]
    if not rest:
        return []
    rows = []
    for variant in rest[:MOST_LISTED]:
        *_, test = _measured(counting_runs(variant), summary["loss"], [None, None, variant["test"]])
        verdict = verdict_cell(variant, summary["loss"])
        name = Cell(variant["name"])
        rows.append(
            Row((name, replace(verdict, is_pill=False), Cell(format_count(variant["parameters"])), test))
        )
    columns = (
        Column("Variant", is_text=True),
        Column("Verdict", is_text=True),
        Column("Parameters"),
        Column(f"{metric_words(summary['loss'])}, test"),
    )
    head = Cell(rest_words(summary["variants"], notable_variants(summary, MOST_WHOLE)))
    left_out = len(rest) - len(rows)
    more = [Text(f"{left_out:,} more are in result.json.", media=Media.WRITTEN)] if left_out else []
    return [
        Text(
            f"The table shows {len(whole)} of {len(summary['variants']):,} variants: {CHOSEN_WORDS}.",
            media=Media.WRITTEN,
        ),
        Folded(head, (Table("More variants", columns, tuple(rows)), *more)),
    ]


def _measured(
    runs: Sequence[RunSummary], metric: str, intervals: Sequence[Mapping[str, Any] | None]
) -> Iterable[Cell]:
    """Yield one metric at the best epochs, on training, validation and test rows, each as exact as its interval.

    Training values are those of the fixed subset, in inference mode and without penalties, where it was measured: only
    they compare with the others. Only the interval of test rows is shown in every medium: they alone measure.
    """
    means = {
        "fixed": mean_of(_first(run["best"], (f"fixed_{metric}", metric)) for run in runs),
        "validation": mean_of(run["best"].get(f"val_{metric}") for run in runs),
        "test": mean_of(run["test"].get(metric) for run in runs),
    }
    for (part, mean), ends in zip(means.items(), intervals, strict=True):
        value, low, high = ((ends or {}).get(end) for end in ("mean", "low", "high"))
        value = mean if value is None else value
        yield Cell(
            format_metric(metric, value, low, high),
            detail=format_interval(metric, low, high) if part == "test" else "",
            short=format_short(metric, value, low, high),
            shortest="" if part == "test" else format_short(metric, value),
        )


def _first(values: Mapping[str, float | None], names: Sequence[str]) -> float | None:
    return next((values[name] for name in names if values.get(name) is not None), None)


def _note(summary: Summary) -> str:
    """Return what the table's numbers are."""
    many = len(summary["seeds"]) > 1
    means = "Means over seeds at each run's best epoch" if many else "Values at each network's best epoch"
    part = measuring_rows(summary)
    over = f"seeds and {part} rows" if many else f"{part} rows only: one seed speaks about that network alone"
    chose = "which validation rows chose; only test rows measure."
    if part == "validation":
        chose = f"which validation rows chose. {NO_TEST_ROWS}"
    below = f"Differences of test loss below {format_loss(summary['margin'] or 0)}"
    small = f" {below} are taken as too small to matter." if summary["margin"] else ""
    weights = " ".join(("", *weights_sentence(summary)))
    return f"{means}, {chose} Brackets: 95 % intervals over {over}.{small}{weights}"


def weights_sentence(summary: Summary) -> list[str]:
    """Return the sentence about where weights of rows count, and what the rows that measure are worth; none without weights."""
    weights = summary["table"].get("weights")
    if not weights:
        return []
    column = f" ({weights['column']})" if weights["column"] else ""
    if weights["count"] != "all":
        return [f"Weights{column} count in the training loss alone: here each row counts once."]
    part = measuring_rows(summary)
    rows, worth = summary["rows"][part], weights["effective_rows"].get(part)
    tell = (
        f": {format_count(rows)} {part} rows tell as much as {format_count(round(worth))} of equal weight"
        if worth
        else ""
    )
    return [f"Rows count by their weights{column}, in training and here{tell}."]


def _short_note(summary: Summary) -> str:
    """Return the same for a terminal."""
    loss, score, seeds = summary["loss"], summary["score"], len(summary["seeds"])
    error = "" if is_share(score) else f", error: {metric_words(score).lower()}"
    means = "one seed" if seeds == 1 else f"mean of {seeds} seeds"
    rows = "" if measuring_rows(summary) == "test" else f" {NO_TEST_ROWS}"
    return f"Loss: {metric_words(loss).lower()}{error} at the best epoch, {means}; ±: half a 95 % interval.{rows}"


VERDICTS = Section("answer", "Verdicts", verdict_blocks, is_answer=True)
