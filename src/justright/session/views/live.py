"""The live view on a terminal: one line per variant while a study trains, drawn by Rich."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from justright.report.number_formats import format_seven, mean_of
from justright.report.terminal.sparkline import sparkline
from justright.report.terminal.terminal import Terminal
from justright.report.terminal.text import Symbols, shorten, spelled
from justright.session.views.progress import RunState, State, StudyProgress, VariantState

if TYPE_CHECKING:
    from justright.runs.events import Event

FRAMES_PER_SECOND = 2  # a frame costs up to 8 ms: 1 to 2 % of a core that training could use
OTHER_LINES = 3  # of a frame: the header, the line about variants left out, and the cursor's own
HINT = "Ctrl-C stops; the same command resumes."
WIDE = 110  # columns from which the longer names, states and sparklines fit
WIDTHS = {False: (12, 17, 8), True: (22, 27, 24)}  # of a name, a state and a sparkline, by whether they do
# The first of these that any seed of a variant is in names the whole line.
STATE_STYLES: dict[State, str] = {
    "training": "cyan",
    "compiling": "yellow",
    "waiting": "dim",
    "failed": "red",
    "diverged": "red",
    "stopped early": "green",
    "finished": "green",
}


class LiveView:
    """A sink that keeps what the terminal shows; Rich's own thread draws it."""

    def __init__(self, progress: StudyProgress, symbols: Symbols, *, hint: str = HINT) -> None:
        """Return the view of a study that has not started; `hint` says how to stop it."""
        self.hint = hint
        self.progress = progress
        self.symbols = symbols
        self.started = time.monotonic()
        self._lock = threading.Lock()

    def handle(self, event: Event) -> None:
        """Take one event; nothing is drawn here."""
        with self._lock:
            self.progress.handle(event)

    def frame(self, width: int, height: int | None = None) -> RenderableType:
        """Return the frame for a terminal of `width` columns and `height` lines; None shows every variant."""
        with self._lock:
            table = _header(width)
            plan = [f"{self.progress.plan}."] if self.progress.plan else []
            lines = _lines([*plan, *self.progress.tried[-1:], *self._footer()], width)
            variants = list(self.progress.variants.values())
            shown = variants if height is None else _fitting(variants, height - len(lines) - OTHER_LINES)
            for variant in shown:
                table.add_row(*_cells(variant, width, self.symbols))
            if len(shown) < len(variants):
                lines.insert(0, f"  {self.symbols.ellipsis} {len(variants) - len(shown)} more variants")
            return Group(
                table, *(Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in lines)
            )

    def _footer(self) -> list[str]:
        """Return sentences about how far the study is, and how to stop it."""
        runs = [run for _, run in self.progress.runs()]
        over = sum(run.is_over for run in runs)
        parts = [f"{over} of {len(runs)} runs done", f"{clock(time.monotonic() - self.started)} elapsed"]
        left = self.progress.seconds_left()
        if left is not None:
            parts.append(f"{time_left(*left, self.symbols)} left")
        hint = [] if over == len(runs) else [self.hint]
        return [", ".join(parts) + ".", *hint]


@contextmanager
def live_view(progress: StudyProgress, terminal: Terminal) -> Iterator[LiveView]:
    """Show a study's progress on `terminal` while the block runs; the last frame stays."""
    view = LiveView(progress, terminal.symbols)
    with Live(
        console=terminal,
        refresh_per_second=FRAMES_PER_SECOND,
        get_renderable=lambda: view.frame(terminal.width, terminal.height),
        redirect_stdout=False,  # results belong to stdout, which may be a pipe
        redirect_stderr=False,
    ):
        yield view
    terminal.print()  # what was found stands apart from how it went


def clock(seconds: float) -> str:
    """Return a duration as m:ss or h:mm:ss.

    Example:
        >>> clock(75), clock(3_725)
        ('1:15', '1:02:05')
    """
    whole = round(seconds)
    minutes = f"{whole // 60 % 60}:{whole % 60:02}"
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}" if whole >= 3600 else minutes


def time_left(least: float, most: float, symbols: Symbols) -> str:
    """Return how long a study can still take: one time when both bounds agree, else their range.

    Example:
        >>> from justright.report.terminal.text import ASCII
        >>> time_left(40, 3_000, ASCII), time_left(300, 300, ASCII)
        ('0:40 - 50:00', 'about 5:00')
    """
    if round(least) == round(most):
        return f"about {clock(most)}"
    return f"{clock(least)} {symbols.dash} {clock(most)}"


def _fitting(variants: list[VariantState], most: int) -> list[VariantState]:
    """Return at most so many variants: those that train first, then those that ended, then those that wait.

    A catalogue of forty variants does not fit into a window, and a terminal cuts off the bottom: the time left.
    """
    ranks = {"training": 0, "compiling": 0, "waiting": 2}
    ranked = sorted(
        range(len(variants)),
        key=lambda number: min(ranks.get(run.state, 1) for run in variants[number].runs.values()),
    )
    return [variants[number] for number in sorted(ranked[: max(1, most)])]


def _lines(sentences: list[str], width: int) -> list[str]:
    """Return sentences on as few lines as possible; a sentence is cut only where it alone is too wide.

    Example:
        >>> _lines(["7 runs.", "Ctrl-C stops."], 18), _lines(["7 runs.", "Ctrl-C stops."], 80)
        (['  7 runs.', '  Ctrl-C stops.'], ['  7 runs. Ctrl-C stops.'])
    """
    lines = ["  " + sentences[0]]
    for sentence in sentences[1:]:
        if len(lines[-1]) + 1 + len(sentence) <= width - 1:
            lines[-1] += " " + sentence
        else:
            lines.append("  " + sentence)
    return lines


def _header(width: int) -> Table:
    """Return the empty table; every width is fixed, so that lines never wrap and never jump."""
    name, state, trail = WIDTHS[width >= WIDE]
    table = Table(box=None, padding=(0, 1), pad_edge=True, header_style="bold", show_edge=False)
    table.add_column("variant", width=name, no_wrap=True)
    table.add_column("state", width=state, no_wrap=True)
    for heading in ("epoch", "train", "val", "no gain"):
        table.add_column(heading, width=7, justify="right", no_wrap=True)
    table.add_column("val loss" if width >= WIDE else "", width=trail, no_wrap=True)
    return table


def _cells(variant: VariantState, width: int, symbols: Symbols) -> list[Text]:
    wide = width >= WIDE
    name, _, trail = WIDTHS[wide]
    runs = list(variant.runs.values())
    busy = [run for run in runs if not run.is_over and run.state != "waiting"] or runs
    state, words = _state(runs, symbols, wide=wide)
    waits = [run.waited for run in busy if run.epoch]
    cells = (
        shorten(variant.name, name, symbols),
        words,
        _count(max(run.epoch for run in runs)),
        _loss((run.train for run in busy), symbols),
        _loss((run.validation for run in busy), symbols),
        _count(min(waits)) if waits else "",
        sparkline(variant.trail, trail, symbols),
    )
    styles = ("", STATE_STYLES[state], "", "", "", "dim", "")
    return [Text(cell, style=style) for cell, style in zip(cells, styles, strict=True)]


def _state(runs: list[RunState], symbols: Symbols, *, wide: bool) -> tuple[State, str]:
    """Return the state to colour by and the words for it; several seeds are counted."""
    state = next(state for state in STATE_STYLES if any(run.state == state for run in runs))
    over = sum(run.is_over for run in runs)
    if over < len(runs):
        is_plain = len(runs) == 1 or (over == 0 and state == "waiting")
        return state, state if is_plain else f"{state} {over}/{len(runs)}{' done' if wide else ''}"
    if state == "stopped early":
        return state, _stopped(runs, symbols, wide=wide)
    count = sum(run.state == state for run in runs)
    return state, state if count == len(runs) else f"{state} {count}/{len(runs)}"


def _stopped(runs: list[RunState], symbols: Symbols, *, wide: bool) -> str:
    """Return where the runs stopped early, and where their best epochs lie when there is room to say so."""
    ends = [run.epoch for run in runs if run.state == "stopped early"]
    said = f"stopped at {_span(ends, symbols)}"
    best = [run.best_epoch for run in runs if run.best_epoch is not None]
    return f"{said}, best {_span(best, symbols)}" if wide and best else said


def _span(values: list[int], symbols: Symbols) -> str:
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low}{symbols.dash}{high}"


def _count(value: int) -> str:
    return f"{value:,}" if value else ""


def _loss(values: Iterable[float], symbols: Symbols) -> str:
    return spelled(format_seven(mean_of(values)), symbols)
