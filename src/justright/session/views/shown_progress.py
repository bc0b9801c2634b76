"""What shows the progress of a study where it is run: a table that changes in a notebook or on a terminal, else lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from justright.errors import JustrightError
from justright.records.faults import content_faults
from justright.records.folder import StudyFolder, holds_study
from justright.records.reader import StoreReader
from justright.report.terminal.terminal import progress
from justright.session.views.progress import StudyProgress

if TYPE_CHECKING:
    from justright.runs.events import Sink
    from justright.study.study import Study


@contextmanager
def shown_progress(study: Study, folder: str | Path | None = None) -> Iterator[Sink]:
    """Yield the sink that shows a study's progress while the block runs.

    Args:
        study: what is trained.
        folder: the study folder, whose runs may have ended before; None if it is a new one.
    """
    state = StudyProgress(study)
    if folder is not None and holds_study(folder):
        # A folder that cannot be read is refused, with its reason, by whoever trains in it.
        with (
            suppress(JustrightError),
            StoreReader(StudyFolder.open(folder, "read")) as store,
            content_faults(store.path),
        ):
            state.take_recorded(store.runs())
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
