"""What training logs say, for a terminal: a table of runs, then the sentences about each run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from justright.diagnosis.labels import label_named
from justright.logs.reading import NOT_SEEN
from justright.report.number_formats import format_seven
from justright.report.terminal.study_report import TONE_STYLES
from justright.report.terminal.terminal import Terminal, new_table
from justright.report.terminal.text import plain, shorten, spelled

if TYPE_CHECKING:
    from justright.logs.reading import CurveReading

OTHER_COLUMNS = 52  # cells taken by all columns but the run's name


def print_readings(terminal: Terminal, readings: Sequence[CurveReading]) -> None:
    """Print a table of the runs, what each of them says, and once what no curve can say."""
    terminal.print(readings_table(terminal, readings))
    for reading in readings:
        terminal.print()
        terminal.print(Text(f"{plain(reading.name)}: {reading.label}", style="bold"))
        for sentence in reading.sentences:
            if sentence != NOT_SEEN:
                terminal.print(Padding(Text(plain(sentence)), (0, 0, 0, 2), expand=False))
    terminal.print()
    terminal.print(NOT_SEEN)


def readings_table(terminal: Terminal, readings: Sequence[CurveReading]) -> Table:
    """Return the table of runs; names are cut from the left, where paths are alike."""
    table = new_table()
    for number, header in enumerate(("run", "epochs", "best epoch", "lowest", "last", "reading")):
        table.add_column(header, justify="right" if 0 < number < 5 else "left", no_wrap=True)
    symbols = terminal.symbols
    width = max(12, terminal.width - OTHER_COLUMNS)
    for reading in readings:
        table.add_row(
            shorten(plain(reading.name)[::-1], width, symbols)[::-1],  # the end of a path tells runs apart
            f"{reading.epochs:,}",
            f"{reading.best_epoch:g}",
            spelled(format_seven(reading.best), symbols),
            spelled(format_seven(reading.last), symbols),
            Text(reading.label, style=TONE_STYLES[label_named(reading.label).tone]),
        )
    return table
