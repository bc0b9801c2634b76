"""The tables of what training logs say, for a terminal: runs, evaluation sets, and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from justright.logs.curve_labels import LOG_LABELS
from justright.logs.run_reading import MetricReading, RunReading, SetReading
from justright.report.logs.log_words import best_and_last, metric_title, what_it_did
from justright.report.logs.shown_curves import Panel, judged_panel, shown_ends, training_curves
from justright.report.terminal.curve_drawing import draw_bars
from justright.report.terminal.terminal import TONE_STYLES, Terminal, new_table
from justright.report.terminal.text import Symbols, plain, shorten, spelled

CURVE_COLUMNS = 16  # of a curve in a table
LEAST_NAME = 20  # columns: before a name has fewer, the last column is left out
GAP = 2  # columns between two columns of a table: one is of padding, one may be a line


def runs_table(terminal: Terminal, runs: Sequence[RunReading], *, name: str = "run") -> Table:
    """Return the table of runs; names are cut from the left, where paths are alike."""
    rows = []
    for run in runs:
        first = run.sets[0] if run.sets else None
        panel = judged_panel(run, first) if first else None
        judged = best_and_last(first.judged if first else None)
        small = (
            _small_training(run, terminal.symbols) if first is None else _small_curve(panel, terminal.symbols)
        )
        rows.append([plain(run.name), run.label, *judged, small])
    return _table(terminal, (name, "reading", "best at", "best", "last", "curve"), rows, from_left=True)


def sets_table(terminal: Terminal, run: RunReading) -> Table:
    """Return the table of evaluation sets where they are many."""
    rows = [
        [
            plain(one.title),
            one.label,
            *best_and_last(one.judged),
            _small_curve(judged_panel(run, one), terminal.symbols),
        ]
        for one in run.sets
    ]
    return _table(terminal, ("evaluation set", "reading", "best at", "best", "last", "curve"), rows)


def metrics_table(
    terminal: Terminal, metrics: Iterable[tuple[SetReading, MetricReading]], *, alone: bool
) -> Table:
    """Return the table of metrics that no label is about; `alone`: of a single evaluation set."""
    rows = [
        [
            plain(metric_title(one, metric, alone=alone)),
            what_it_did(metric, is_brief=True),
            *best_and_last(metric),
        ]
        for one, metric in metrics
    ]
    return _table(terminal, ("metric", "what it did", "best at", "best", "last"), rows)


def label_text(label: str, symbols: Symbols) -> Text:
    """Return a label with its symbol, in the colour of its tone."""
    known = LOG_LABELS[label]
    return Text(f"{spelled(known.symbol, symbols)} {label}", style=TONE_STYLES[known.tone])


def _table(
    terminal: Terminal, headings: Sequence[str], rows: Sequence[Sequence[str]], *, from_left: bool = False
) -> Table:
    """Return a table whose first column has the columns that the others leave; a curve at the end gives way to it."""
    symbols = terminal.symbols
    shown: list[list[str | Text]] = [
        [
            label_text(cell, symbols) if heading == "reading" else spelled(cell, symbols)
            for heading, cell in zip(headings, row, strict=True)
        ]
        for row in rows
    ]
    wide = max(cell_len(row[0]) for row in rows)
    count = len(headings)
    if headings[-1] == "curve" and _room(terminal, headings, shown) < min(wide, LEAST_NAME):
        count -= 1
    room = max(1, _room(terminal, headings[:count], shown))
    table = new_table()
    for number, heading in enumerate(headings[:count]):
        is_text = number in (0, 1) or heading == "curve"
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=True)
    for (name, *_), (_, *cells) in zip(rows, shown, strict=True):
        short = shorten(name[::-1], room, symbols)[::-1] if from_left else shorten(name, room, symbols)
        table.add_row(short, *cells[: count - 1])
    return table


def _room(terminal: Terminal, headings: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> int:
    """Return the columns that all but the first column of a table leave."""
    taken = 0
    for number, heading in enumerate(headings[1:], 1):
        widest = max(cell_len(cell.plain if isinstance(cell := row[number], Text) else cell) for row in rows)
        taken += max(cell_len(heading), widest) + GAP
    return terminal.width - taken - GAP


def _small_curve(panel: Panel | None, symbols: Symbols) -> str:
    if panel is None:
        return ""
    curve, ends = panel.evaluated, panel.ends(with_training=False)
    return draw_bars(
        curve.at, curve.values, columns=CURVE_COLUMNS, span=panel.span, ends=ends, symbols=symbols
    )


def _small_training(run: RunReading, symbols: Symbols) -> str:
    """Return the first loss on training rows, where nothing else was logged."""
    for _, curve in training_curves(run):
        span = (float(curve.at[0]), float(curve.at[-1]))
        ends = shown_ends([curve.values], is_more=False)
        return draw_bars(curve.at, curve.values, columns=CURVE_COLUMNS, span=span, ends=ends, symbols=symbols)
    return ""
