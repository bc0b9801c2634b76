"""Where a study is run decides how its progress is shown."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from justright.report.terminal.terminal import Terminal
from justright.session import runnable
from justright.session.runnable import Study
from justright.session.views import notebook_view, shown_progress
from justright.session.views.dots import DotLog
from justright.session.views.live import LiveView
from justright.session.views.notebook_view import NotebookView


@dataclass
class Cell:
    """The output of a notebook's cell: what it showed, one frame in place of the other."""

    frames: list[str] = field(default_factory=list)

    def display(self, frame: Any, *, display_id: bool) -> Cell:
        """Show the first frame."""
        assert display_id
        assert not self.frames
        self.frames.append(frame.data)
        return self

    def update(self, frame: Any) -> None:
        """Replace it."""
        self.frames.append(frame.data)


@pytest.fixture
def cell(monkeypatch) -> Cell:
    """A notebook, as this process sees it."""
    cell = Cell()
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    display.HTML = lambda data: SimpleNamespace(data=data)
    display.display = cell.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return cell


def test_a_notebook_shows_a_frame_at_once_and_the_last_one_at_the_end(make, cell) -> None:
    """Between them only what is half a second old is drawn again: each frame is a message to a browser."""
    with shown_progress.shown_progress(make.study()) as view:
        assert isinstance(view, NotebookView)
        assert len(cell.frames) == 1
        for epoch in range(20, 420, 20):
            view.handle(make.progress("Tiny", epoch, epoch / 10))
        view.handle(make.end("Tiny", "stopped early"))
    assert len(cell.frames) < 5
    first, last = cell.frames[0], cell.frames[-1]
    assert "0 of 3 runs done" in first
    assert "stopped at" not in first
    assert "stopped at" in last
    assert "1 of 3 runs done" in last
    assert "Interrupting the kernel stops; the same cell resumes." in last
    assert last.startswith("<pre ")


def test_a_frame_that_is_old_enough_is_drawn_again(make, cell, monkeypatch) -> None:
    """With the event that comes then."""
    monkeypatch.setattr(notebook_view, "SECONDS_PER_FRAME", 0.0)
    view = NotebookView(shown_progress.StudyProgress(make.study()))
    view.handle(make.progress("Tiny", 20, 2.0))
    assert len(cell.frames) == 2


def test_a_variant_s_name_cannot_be_markup_in_a_notebook(make, cell) -> None:
    """Rich escapes it."""
    view = NotebookView(shown_progress.StudyProgress(make.study()))
    view.view.progress.variants["Tiny"].name = "<b>x"
    assert "&lt;b&gt;x" in view.html()


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_ipython_in_a_terminal_is_no_notebook(monkeypatch, shell) -> None:
    """Nor is a process that only imported it."""
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert not shown_progress.is_notebook()


def test_a_script_shows_a_table_on_a_terminal_and_lines_elsewhere(make, monkeypatch, capsys) -> None:
    """Both on stderr: stdout is the script's own."""
    monkeypatch.setattr(shown_progress, "is_notebook", lambda: False)
    with shown_progress.shown_progress(make.study()) as view:
        assert isinstance(view, DotLog)
    console = Terminal(sys.stderr)
    monkeypatch.setattr(type(console), "is_terminal", True)
    monkeypatch.setattr(type(console), "is_dumb_terminal", False)
    with shown_progress.shown_progress(make.study()) as view:
        assert isinstance(view, LiveView)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("progress", [True, False])
def test_progress_can_be_silenced(make, monkeypatch, progress) -> None:
    """Only the sinks that were given hear the study then."""
    heard: list[Any] = []
    monkeypatch.setattr(runnable, "run_study", lambda study, out, sinks=(), **_: heard.append(list(sinks)))
    monkeypatch.setattr(runnable, "with_neighbours", lambda study, folder: study)
    Study.run(make.study(), "unused", progress=progress, sinks=["own"])
    assert heard[0][0] == "own"
    assert len(heard[0]) == 1 + progress
