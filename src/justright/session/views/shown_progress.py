"""What shows the progress of a study where it is run: a table that changes in a notebook or on a terminal, else lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from justright.report.terminal.terminal import progress
from justright.session.views.progress import StudyProgress

if TYPE_CHECKING:
    from justright.runs.events import Sink
    from justright.study.study import Study


@contextmanager
def shown_progress(study: Study) -> Iterator[Sink]:
    """Yield the sink that shows a study's progress while the block runs."""
    state = StudyProgress(study)
    if is_notebook():
        from justright.session.views.notebook_view import notebook_view

        with notebook_view(state) as view:
            yield view
        return
    terminal = progress()
    if terminal.is_terminal and not terminal.is_dumb_terminal:
        from justright.session.views.live import live_view

        with live_view(state, terminal) as live:
            yield live
    else:
        from justright.session.views.dots import DotLog

        yield DotLog(state, terminal)


def is_notebook() -> bool:
    """Return whether this process runs the cells of a notebook: IPython with a kernel, of Jupyter, VS Code or Colab."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
