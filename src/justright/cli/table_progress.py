"""A progress bar in bytes and rows while a table is downloaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from justright.report.terminal.terminal import Terminal
from justright.report.terminal.text import plain, shorten

if TYPE_CHECKING:
    from justright.data.sources import ReadProgress

BAR_CELLS = 20
ADDRESS_CELLS = 34  # leaves room for bar, bytes and rows on 80 columns
FRAMES_PER_SECOND = 4
LINE_SECONDS = 10.0  # between lines where there is no terminal: a sign of life in a log


class ReadingLine:
    """Shows how far reading has come: a transient bar on a terminal, a line now and then and at the end elsewhere.

    Local files that are read quickly show nothing.
    """

    def __init__(self, terminal: Terminal, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Return a line that is not shown yet; `clock` returns seconds since some moment."""
        self.terminal = terminal
        self._clock = clock
        self._said_at = clock()
        self._latest: ReadProgress | None = None
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._latest is not None and kind is None:
            self.terminal.say(f"Read {_amount(self._latest)} from {plain(self._latest.address)}")

    def __call__(self, latest: ReadProgress) -> None:
        """Show how far reading has come."""
        is_first, self._latest = self._latest is None, latest
        if not self.terminal.is_terminal or self.terminal.is_dumb_terminal:
            is_waiting = is_first and not (latest.bytes or latest.rows)
            if is_waiting or self._clock() - self._said_at >= LINE_SECONDS:
                self._said_at = self._clock()
                so_far = "" if is_waiting else f": {_amount(latest)} so far"
                self.terminal.say(f"Reading {plain(latest.address)}{so_far}.")
            return
        if self._bar is None:
            self._bar = self._new_bar()
            self._task = self._bar.add_task(
                shorten(latest.address, ADDRESS_CELLS, self.terminal.symbols), amount=""
            )
            self._bar.start()
        done = latest.rows if latest.rows else None
        self._bar.update(self._task, completed=done, total=latest.total_rows, amount=_amount(latest))

    def _new_bar(self) -> Progress:
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(BAR_CELLS),
            TextColumn("{task.fields[amount]}", markup=False),
            console=self.terminal,
            transient=True,
            refresh_per_second=FRAMES_PER_SECOND,
        )


def _amount(latest: ReadProgress) -> str:
    """Return bytes, and rows once there are some; before that, that nothing has come yet."""
    if not (latest.bytes or latest.rows):
        return "waiting for the first byte"
    size = f"{latest.bytes / 1e6:.1f} MB"
    return f"{latest.rows:,} rows, {size}" if latest.rows else size
