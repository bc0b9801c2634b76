"""What a log says as sections of blocks, which page and Markdown show the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from justright.logs.curve_labels import LOG_LABELS
from justright.logs.run_reading import Advice, RunReading, SetReading
from justright.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Folded,
    Heading,
    Lead,
    Media,
    Pairs,
    Row,
    Sentences,
    Table,
    Text,
    Todo,
    Todos,
)
from justright.report.logs.log_panels import LEGEND, panel_label, panel_plot, training_plot
from justright.report.logs.log_words import (
    best_and_last,
    codes_of_sentence,
    format_value,
    metric_title,
    numbers_of,
    other_findings,
    rest_words,
    telling_first,
    what_it_did,
)
from justright.report.logs.shown_curves import judged_panel, panels, training_curves
from justright.report.number_formats import metric_words
from justright.report.terminal.curve_drawing import draw_bars
from justright.report.terminal.text import UNICODE

MOST_NAMED = 8  # runs in the page's navigation
MOST_METRICS = 8  # rows of the table of other metrics; more are folded away
MOST_BRIEF = 12  # runs told of in Markdown beyond their line in the table
MOST_EARLIER = 20  # attempts that are listed
SPARK_COLUMNS = 40  # characters of a curve in Markdown


@dataclass(frozen=True, slots=True)
class LogSection:
    """One section of a log's report, as the template of pages reads it."""

    name: str
    title: str
    nav: str = ""
    is_answer: bool = False


def log_sections(
    runs: Sequence[RunReading], refused: Sequence[str], medium: Media
) -> Iterator[tuple[LogSection, list[Block]]]:
    """Yield the sections of a log's report, with the blocks that a medium shows: an overview of several runs, then each run."""
    counted = [run for run in runs if not run.is_earlier]
    earlier = [run for run in runs if run.is_earlier]
    sections: list[tuple[LogSection, list[Block]]] = []
    if len(counted) > 1:
        sections.append((LogSection("runs", "Runs", "Runs", is_answer=True), [runs_block(counted)]))
    is_alone = len(counted) == 1
    is_brief = medium is Media.MARKDOWN and not is_alone  # a comment on a pull request is no place for pages
    for number, run in enumerate(counted[: MOST_BRIEF if is_brief else None], 1):
        name = f"run-{number}"
        nav = run.name if 1 < len(counted) <= MOST_NAMED else ""
        blocks = _answer(run) + _todos(run.advice[:1]) if is_brief else run_blocks(run, name)
        sections.append((LogSection(name, run.name, nav, is_answer=is_alone), blocks))
    if earlier:
        sections.append(
            (
                LogSection("earlier", "Earlier attempts"),
                [Text("A later run took their place."), runs_block(earlier[:MOST_EARLIER])],
            )
        )
    if refused:
        sections.append((LogSection("refused", "Not read"), [Sentences(tuple(refused))]))
    for section, blocks in sections:
        yield section, [block for block in blocks if medium in block.media]


def run_blocks(run: RunReading, name: str) -> list[Block]:
    """Return all about one run; `name` begins the names of its charts."""
    blocks = [*_answer(run), *_curve_blocks(run, name)]
    if run.sets:
        blocks.append(sets_block(run))
        blocks.append(Sentences(tuple(_spark(run, one) for one in run.sets), media=Media.MARKDOWN))
    if findings := [" ".join(pair) for pair in other_findings(run)]:
        blocks += [Heading("Findings"), Sentences(tuple(findings))]
    if run.advice:
        blocks += [Heading("What to do"), *_todos(run.advice)]
    blocks += metrics_blocks(run)
    if run.members:
        blocks.append(Folded(Cell(f"{len(run.members):,} pooled runs"), (runs_block(run.members),)))
    if run.notes:
        blocks += [Heading("Notes"), Sentences(run.notes)]
    blocks.append(Pairs(_provenance(run), media=Media.WRITTEN))
    return blocks


def _answer(run: RunReading) -> list[Block]:
    return [Lead(label_cell(run.label), run.sentence, codes_of_sentence(run))]


def _todos(advice: Sequence[Advice]) -> list[Block]:
    return [Todos(tuple(Todo(one.words, one.basis, one.command) for one in advice))]


def label_cell(label: str) -> Cell:
    """Return a label as a verdict."""
    known = LOG_LABELS[label]
    return Cell(known.name, tone=known.tone, symbol=known.symbol, is_pill=True, hint=known.meaning)


def runs_block(runs: Sequence[RunReading]) -> Table:
    """Return the table of several runs."""
    rows = []
    for run in runs:
        judged = run.sets[0].judged if run.sets else None
        rows.append(Row((Cell(run.name), label_cell(run.label), *map(Cell, best_and_last(judged)))))
    columns = (Column("Run", is_text=True), Column("Reading", is_text=True), *NUMBER_COLUMNS)
    return Table("Runs", columns, tuple(rows))


def sets_block(run: RunReading) -> Table:
    """Return the table of evaluation sets with the metric that each is judged by."""
    rows = tuple(
        Row(
            (
                Cell(one.title),
                label_cell(one.label),
                Cell(metric_words(one.judged.metric), hint=one.judged.written),
                *map(Cell, best_and_last(one.judged)),
                Cell(what_it_did(one.judged)),
            )
        )
        for one in run.sets
    )
    columns = (
        Column("Evaluated on", is_text=True),
        Column("Reading", is_text=True),
        Column("Judged by", is_text=True),
        *NUMBER_COLUMNS,
        Column("What it did", is_text=True, css="did"),
    )
    # Of a single set a page has the numbers below its chart.
    return Table("Evaluation sets", columns, rows, media=Media.WRITTEN if len(rows) > 1 else Media.MARKDOWN)


def metrics_blocks(run: RunReading) -> list[Block]:
    """Return the table of the metrics that no label is about; where they are many, the rest is folded away."""
    metrics = telling_first(run)
    rows = tuple(
        Row(
            (
                Cell(metric_title(one, metric, alone=len(run.sets) == 1), hint=metric.written),
                *map(Cell, best_and_last(metric)),
                Cell(what_it_did(metric)),
            )
        )
        for one, metric in metrics
    )
    columns = (
        Column("Other metrics", is_text=True),
        *NUMBER_COLUMNS,
        Column("What it did", is_text=True, css="did"),
    )
    if len(rows) <= MOST_METRICS:
        return [Table("Other metrics", columns, rows)] if rows else []
    rest, said = rows[MOST_METRICS:], rest_words(metrics[MOST_METRICS:])
    return [
        Table("Other metrics", columns, rows[:MOST_METRICS]),
        Folded(Cell(said), (Table(said, columns, rest),), media=Media.PAGE),
        Text(said, media=Media.MARKDOWN),
    ]


NUMBER_COLUMNS = (Column("Best at"), Column("Best"), Column("Last"))  # for `best_and_last`


def _curve_blocks(run: RunReading, name: str) -> list[Block]:
    """Return the charts of a run; the first has the legend of all."""
    charts: list[Block] = []
    drawn = list(panels(run))
    is_drawn = (True, any(one.trained.has_points for one in drawn), any(one.metric.since for one in drawn))
    legend = tuple(itertools.compress(LEGEND, is_drawn))
    for number, panel in enumerate(drawn):
        title = metric_title(panel.set, panel.metric, alone=len(run.sets) == 1)
        note = numbers_of(run, panel.metric) + "."
        charts.append(
            Chart(
                f"{name}-{number}",
                panel_label(run, panel),
                panel_plot(run, panel),
                title,
                legend if number == 0 else (),
                note,
            )
        )
    if not run.sets:
        for number, (curve, shown) in enumerate(itertools.islice(training_curves(run), MOST_METRICS)):
            plot = training_plot(run, curve.written, shown)
            charts.append(Chart(f"{name}-{number}", f"{curve.written} on training rows", plot, curve.written))
    return charts


def _spark(run: RunReading, one: SetReading) -> str:
    """Return a set's judged curve in a line."""
    panel = judged_panel(run, one)
    if panel is None:
        return f"{one.title}: no finite values"
    curve = panel.evaluated
    low, high = float(curve.values.min()), float(curve.values.max())
    columns = min(SPARK_COLUMNS, len(curve.at))
    bars = draw_bars(
        curve.at, curve.values, columns=columns, span=panel.span, ends=(low, high), symbols=UNICODE
    )
    return f"{one.title} {bars.strip()} {format_value(low)} to {format_value(high)}"


def _provenance(run: RunReading) -> tuple[tuple[str, str], ...]:
    points = max((one.judged.points for one in run.sets), default=0)
    said = [("log", run.name), ("format", run.format), ("time in", f"{run.unit}s")]
    if points:
        said.append(("evaluations", f"{points:,}"))
    return tuple(said)
