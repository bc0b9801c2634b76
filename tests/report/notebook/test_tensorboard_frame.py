"""TensorBoard in a notebook: which folder it is started on, and which program is started."""

from __future__ import annotations

import os
import shlex
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from justright.report.notebook.tensorboard_frame import BINARY, show_tensorboard


@pytest.fixture
def started(monkeypatch) -> list[Any]:
    """What TensorBoard's own notebook support was asked for, in place of a server."""
    seen: list[Any] = []
    support = SimpleNamespace(start=lambda words: seen.append((shlex.split(words), os.environ.get(BINARY))))
    monkeypatch.setitem(sys.modules, "tensorboard", SimpleNamespace(notebook=support))
    monkeypatch.setenv(BINARY, "")  # so that it is put back afterwards
    monkeypatch.delenv(BINARY)
    return seen


def test_tensorboard_is_started_on_the_study_s_event_files(started, tmp_path, monkeypatch) -> None:
    """Whatever is in the path; with the program beside this Python, which need not be on the kernel's PATH."""
    program = tmp_path / "tensorboard"
    program.touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    show_tensorboard(tmp_path / "my runs" / "a'b")
    assert started == [(["--logdir", str(tmp_path / "my runs" / "a'b")], str(program))]


def test_a_program_that_the_user_named_is_kept(started, tmp_path, monkeypatch) -> None:
    """As is the search on the PATH where none lies beside Python."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    show_tensorboard(tmp_path)
    (tmp_path / "tensorboard").touch()
    monkeypatch.setenv(BINARY, "/opt/tensorboard")
    show_tensorboard(tmp_path)
    assert [program for _, program in started] == [None, "/opt/tensorboard"]
