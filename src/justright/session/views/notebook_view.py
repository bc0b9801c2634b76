"""The live view in a notebook: the terminal's table as HTML, which the cell's output shows and replaces."""

from __future__ import annotations

import importlib
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console

from justright.report.terminal.text import UNICODE
from justright.session.views.live import LiveView

if TYPE_CHECKING:
    from justright.runs.events import Event
    from justright.session.views.progress import StudyProgress

SECONDS_PER_FRAME = 0.5  # each is a message to the browser
WIDTH, HEIGHT = 110, 45  # columns and lines of a frame, at most
HINT = "Interrupting the kernel stops; the same cell resumes."
# Colours of words come with them; all else is the notebook's own, in any theme.
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
FRAME = f'<pre style="font: 12px/1.35 {FONT}; overflow-x: auto; background: none">{{code}}</pre>'


class NotebookView:
    """A sink that draws what it hears, twice a second at most."""

    def __init__(self, progress: StudyProgress) -> None:
        """Show the view of a study that has not started."""
        self.view = LiveView(progress, UNICODE, hint=HINT)
        self._shown: Any = None
        self._drawn_at = 0.0
        self.draw()

    def handle(self, event: Event) -> None:
        """Take one event, and draw if the last frame is old enough."""
        self.view.handle(event)
        if time.monotonic() - self._drawn_at >= SECONDS_PER_FRAME:
            self.draw()

    def draw(self) -> None:
        """Show the present state in the cell's output, in place of what was there."""
        ipython: Any = importlib.import_module("IPython.display")
        frame = ipython.HTML(self.html())
        if self._shown is None:
            self._shown = ipython.display(frame, display_id=True)
        else:
            self._shown.update(frame)
        self._drawn_at = time.monotonic()

    def html(self) -> str:
        """Return the present frame as HTML."""
        console = Console(file=io.StringIO(), width=WIDTH, record=True, force_jupyter=False, highlight=False)
        console.print(self.view.frame(WIDTH, HEIGHT))
        return console.export_html(code_format=FRAME, inline_styles=True)


@contextmanager
def notebook_view(progress: StudyProgress) -> Iterator[NotebookView]:
    """Show a study's progress below the cell while the block runs; the last frame stays."""
    view = NotebookView(progress)
    try:
        yield view
    finally:
        view.draw()
