"""A validation curve above that of training, with its values at the left and its times below, for a terminal."""

from __future__ import annotations

import numpy as np
from rich.text import Text

from justright.logs.curve_labels import LOG_LABELS
from justright.report.logs.log_words import format_since, format_time, format_value
from justright.report.logs.shown_curves import Panel, ShownCurve, shown_ends
from justright.report.terminal.curve_drawing import draw_bars, draw_curve, place_columns
from justright.report.terminal.terminal import TONE_STYLES, Terminal
from justright.report.terminal.text import UNICODE, Symbols, spelled

INDENT = 2
LABEL_WIDTH = 10  # of values beside a curve
LEAST_COLUMNS, MOST_COLUMNS = 10, 100  # of a curve: a longer one is not read more easily
# Where a metric began to worsen, where it was best, and where it was not a finite number any more.
CARET, BEST, LOST = "^", "*", "×"
LINE = {True: ("─", "└", "│"), False: ("-", "+", "|")}  # of the axes: along, at the corner, up


def print_panel(terminal: Terminal, panel: Panel, *, rows: int) -> None:
    """Print the curve on an evaluation set in some rows, one row for training, and a line of times."""
    ends = panel.ends(with_training=False)
    _print_curve(terminal, panel.evaluated, span=panel.span, rows=rows, ends=ends)
    _, corner, up = LINE[terminal.symbols is UNICODE]
    if panel.trained.has_points:
        bars = draw_bars(
            panel.trained.at,
            panel.trained.values,
            columns=_columns(terminal),
            span=panel.span,
            ends=shown_ends([panel.trained.values], is_more=panel.is_more),
            symbols=terminal.symbols,
        )
        _print_line(terminal, "training", up, Text(bars, style="dim"))
    axis, words = _axis(panel, _columns(terminal), terminal.symbols)
    _print_line(terminal, "", corner, axis)
    _print_line(terminal, "", " ", words)


def print_training(terminal: Terminal, curve: ShownCurve, *, rows: int) -> None:
    """Print a loss on training rows, where nothing else was logged."""
    span = (float(curve.at[0]), float(curve.at[-1]))
    ends = shown_ends([curve.values], is_more=False)
    _print_curve(terminal, curve, span=span, rows=rows, ends=ends)
    along, corner, _ = LINE[terminal.symbols is UNICODE]
    columns = _columns(terminal)
    words = Places(columns)
    words.put_ends(span)
    _print_line(terminal, "", corner, Text(along * columns, style="dim"))
    _print_line(terminal, "", " ", Text(words.text, style="dim"))


class Places:
    """One line of words, each near its column; those for which there is no room are left out.

    Example:
        >>> places = Places(20)
        >>> places.put_ends((0.0, 89.0))
        >>> places.put(8, "best 30")
        >>> places.text
        '0    best 30      89'
    """

    def __init__(self, width: int) -> None:
        self._cells = [" "] * width

    def put_ends(self, span: tuple[float, float]) -> None:
        """Put the first and the last time at either end."""
        self.put(0, format_time(span[0]))
        self.put(len(self._cells) - 1, format_time(span[1]))

    def put(self, column: int, words: str) -> None:
        """Put words in the middle of a column, or as near as leaves two spaces between words."""
        width = len(words)
        last = len(self._cells) - width
        wanted = max(0, min(last, column - width // 2))
        starts = range(max(0, wanted - width), min(last, wanted + width) + 1)
        for start in sorted(starts, key=lambda each: abs(each - wanted)):
            if all(cell == " " for cell in self._cells[max(0, start - 2) : start + width + 2]):
                self._cells[start : start + width] = words
                return

    @property
    def text(self) -> str:
        """The line."""
        return "".join(self._cells).rstrip()


def _columns(terminal: Terminal) -> int:
    room = terminal.width - INDENT - LABEL_WIDTH - 2
    return max(LEAST_COLUMNS, min(MOST_COLUMNS, room))


def _print_curve(
    terminal: Terminal, curve: ShownCurve, *, span: tuple[float, float], rows: int, ends: tuple[float, float]
) -> None:
    size = (_columns(terminal), rows)
    lines = draw_curve(curve.at, curve.values, size=size, span=span, ends=ends, symbols=terminal.symbols)
    labels = {0: format_value(ends[1]), rows - 1: format_value(ends[0])}
    for number, line in enumerate(lines):
        _print_line(terminal, labels.get(number, ""), LINE[terminal.symbols is UNICODE][2], Text(line))


def _print_line(terminal: Terminal, label: str, side: str, line: Text) -> None:
    head = " " * INDENT + f"{spelled(label, terminal.symbols):>{LABEL_WIDTH}}{side}"
    terminal.print(Text.assemble((head, "dim"), line), no_wrap=True, overflow="crop")


def _axis(panel: Panel, columns: int, symbols: Symbols) -> tuple[Text, Text]:
    """Return the line below a curve with its marks, and the times below that."""
    metric, words = panel.metric, Places(columns)
    words.put_ends(panel.span)
    axis = Text(LINE[symbols is UNICODE][0] * columns, style="dim")
    if metric.direction is None:
        return axis, Text(words.text, style="dim")
    best, *since = place_columns(np.array([metric.best_at, *(metric.since or ())]), columns, panel.span)
    marks = dict.fromkeys(range(since[0], since[1] + 1), CARET) if since else {}
    tone = TONE_STYLES[LOG_LABELS[panel.set.label].tone]
    if metric.since is not None:
        said = spelled(f"{CARET} worse since {format_since(metric.since)}", symbols)
        words.put(int(since[0] + since[1]) // 2, said)
    if panel.lost_at is not None:
        (lost,) = place_columns(np.array([panel.lost_at]), columns, panel.span)
        sign = spelled(LOST, symbols)
        marks |= dict.fromkeys(range(int(lost), columns), sign)
        words.put((int(lost) + columns) // 2, f"{sign} not finite since {format_time(panel.lost_at)}")
    words.put(int(best), f"{BEST} best {format_time(metric.best_at)}")
    marks[int(best)] = BEST
    cells = [(marks.get(column, ""), character) for column, character in enumerate(axis.plain)]
    axis = Text()
    for mark, character in cells:
        axis.append(
            mark or character, style="dim" if not mark else "bold" if mark == BEST else f"bold {tone}"
        )
    return axis, Text(words.text, style="dim")
