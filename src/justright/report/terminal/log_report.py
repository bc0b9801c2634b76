"""What training logs say, for a terminal of any width: the answer, a small curve, the numbers behind it, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from justright.logs.finding_pages import Page
from justright.logs.run_reading import Advice, RunReading
from justright.report.logs.log_words import (
    codes_of_sentence,
    numbers_of,
    other_findings,
    rest_words,
    telling_first,
)
from justright.report.logs.shown_curves import judged_panel, training_curves
from justright.report.number_formats import metric_words
from justright.report.terminal.curve_figure import INDENT, print_panel, print_training
from justright.report.terminal.log_tables import label_text, metrics_table, runs_table, sets_table
from justright.report.terminal.terminal import Terminal
from justright.report.terminal.text import plain, shorten, spelled

MOST_CURVES = 3  # evaluation sets with a curve of their own; more share a table
ROWS_ALONE, ROWS_BESIDE = 4, 3  # of a curve
MOST_NAME = 60  # columns of a name where it is one of many
MOST_METRICS = 8  # in the table of other metrics
MOST_LISTED = 3  # names of runs that share an advice
MOST_SAID = 12  # runs that are told of beyond their line in the table


def print_readings(terminal: Terminal, runs: Sequence[RunReading]) -> None:
    """Print what runs say: one in full, several as a table and briefly each; those that a later one replaced in a line."""
    counted = [run for run in runs if not run.is_earlier]
    if len(counted) == 1:
        print_run(terminal, counted[0])
    elif counted:
        terminal.print(runs_table(terminal, counted))
        for run in counted[:MOST_SAID]:
            terminal.print()
            print_head(terminal, run)
        _print_common_advice(terminal, counted[:MOST_SAID])
        more = len(counted) - MOST_SAID
        others = f"{more:,} more runs are in the table. " if more > 0 else ""
        terminal.print()
        terminal.print(f"{others}For all about one of them, give its log alone, or add --run NAME.")
    _print_earlier(terminal, [run for run in runs if run.is_earlier])


def print_run(terminal: Terminal, run: RunReading) -> None:
    """Print all about one run."""
    print_head(terminal, run)
    _print_sets(terminal, run)
    if run.members:
        terminal.print()
        _print_inside(terminal, runs_table(terminal, run.members, name="pooled"))
    findings = list(other_findings(run))
    if findings:
        _print_heading(terminal, "Findings")
    for code, words in findings:
        _print_item(terminal, code, _text(terminal, words))
    if run.advice:
        _print_heading(terminal, "What to do")
    for number, advice in enumerate(run.advice, 1):
        _print_advice(terminal, f"{number}.", advice)
    if run.notes:
        _print_heading(terminal, "Notes")
    for note in run.notes:
        _print_item(terminal, "-", _text(terminal, note))


def print_brief(terminal: Terminal, run: RunReading) -> None:
    """Print one run's answer, and the first thing to do."""
    print_head(terminal, run)
    if run.advice:
        _print_advice(terminal, ">", run.advice[0])


def print_page(terminal: Terminal, page: Page) -> None:
    """Print what a finding's code means."""
    terminal.print(Text(f"{page.code}: {page.title}", style="bold"))
    for heading, words in (
        ("", page.meaning),
        ("How it is decided", page.decided),
        ("What to do", page.remedy),
    ):
        if heading:
            _print_heading(terminal, heading)
        _print_inside(terminal, _text(terminal, words))


def print_head(terminal: Terminal, run: RunReading) -> None:
    """Print a run's name, label and sentence."""
    label = label_text(run.label, terminal.symbols)
    label.stylize("bold")
    codes = codes_of_sentence(run)
    terminal.print(
        Text.assemble((f"{plain(run.name)}: ", "bold"), label, (f" {codes}" if codes else "", "dim"))
    )
    _print_inside(terminal, _text(terminal, run.sentence))


def _print_sets(terminal: Terminal, run: RunReading) -> None:
    """Print a curve for each evaluation set, or for the first of many, and the other metrics in one table."""
    drawn = run.sets if len(run.sets) <= MOST_CURVES else run.sets[:1]
    for one in drawn:
        title = f"{one.title}, {metric_words(one.judged.metric).lower()}"
        label = f": {one.label}" if len(run.sets) > 1 else ""
        terminal.print()
        _print_inside(terminal, Text(plain(title + label), style="bold"))
        if panel := judged_panel(run, one):
            print_panel(terminal, panel, rows=ROWS_ALONE if len(drawn) == 1 else ROWS_BESIDE)
        _print_inside(terminal, _text(terminal, numbers_of(run, one.judged) + "."))
    if len(drawn) < len(run.sets):
        terminal.print()
        _print_inside(terminal, sets_table(terminal, run))
    if not run.sets:
        for curve, shown in list(training_curves(run))[:1]:
            terminal.print()
            _print_inside(terminal, Text(plain(curve.written), style="bold"))
            print_training(terminal, shown, rows=ROWS_ALONE)
    others = telling_first(run)
    if others:
        terminal.print()
        _print_inside(terminal, metrics_table(terminal, others[:MOST_METRICS], alone=len(run.sets) == 1))
    if len(others) > MOST_METRICS:
        said = f"{rest_words(others[MOST_METRICS:])} For all of them: --html FILE."
        _print_inside(terminal, _text(terminal, said))


def _print_common_advice(terminal: Terminal, runs: Sequence[RunReading]) -> None:
    """Print the first thing to do for each run, once for all runs that it is for."""
    first: dict[Advice, list[RunReading]] = {}
    for run in runs:
        for advice in run.advice[:1]:
            first.setdefault(advice, []).append(run)
    if first:
        _print_heading(terminal, "What to do first")
    for advice, those in first.items():
        names = [shorten(run.name, MOST_NAME, terminal.symbols) for run in those]
        more = f" and {len(names) - MOST_LISTED:,} more" if len(names) > MOST_LISTED else ""
        about = "" if len(those) == len(runs) else f"{', '.join(names[:MOST_LISTED])}{more}: "
        _print_advice(terminal, "-", replace(advice, words=about + advice.words))


def _print_earlier(terminal: Terminal, runs: Sequence[RunReading]) -> None:
    """Print one line about the runs whose place a later one took."""
    if not runs:
        return
    named = [f"{shorten(run.name, MOST_NAME, terminal.symbols)} ({run.label})" for run in runs[:MOST_SAID]]
    more = len(runs) - len(named)
    terminal.print()
    terminal.print(
        f"Earlier attempt{'' if len(runs) == 1 else 's'}, replaced by a later run: {', '.join(named)}"
        f"{f' and {more:,} more' if more else ''}."
    )


def _print_advice(terminal: Terminal, mark: str, advice: Advice) -> None:
    """Print one thing to do, why it is believed, and its command on a line of its own, to be copied."""
    words = _text(terminal, advice.words)
    words.append(f" [{advice.basis}]", style="dim")
    _print_item(terminal, mark, words)
    if advice.command:
        terminal.say(" " * (INDENT + 3) + plain(advice.command))


def _print_heading(terminal: Terminal, words: str) -> None:
    terminal.print()
    terminal.print(Text(words, style="bold"))


def _print_item(terminal: Terminal, mark: str, words: Text) -> None:
    """Print words behind a mark, their further lines under the first."""
    grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(mark, words)
    terminal.print(grid)


def _print_inside(terminal: Terminal, shown: RenderableType) -> None:
    terminal.print(Padding(shown, (0, 0, 0, INDENT), expand=False))


def _text(terminal: Terminal, words: str) -> Text:
    return Text(spelled(plain(words), terminal.symbols))
