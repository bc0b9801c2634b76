"""`justright tensorboard` as a program: it serves until Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from justright.cli.main import main
from justright.records.folder import StudyFolder
from justright.records.store import Store

COMMAND = [sys.executable, "-m", "justright", "tensorboard"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study in which nothing has trained yet."""
    with StudyFolder.open(tmp_path / "study", "create") as folder, Store(folder):
        return folder.path


def test_it_prints_its_address_serves_there_and_ends_with_ctrl_c(folder: Path) -> None:
    """The address is all of stdout, so that a script can read it; ending it so is no failure."""
    command = [*COMMAND, str(folder), "--port", "0", "--host", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip()
            with urllib.request.urlopen(f"{address}data/environment") as answer:
                assert answer.status == 200
                assert str(folder / "tensorboard") in answer.read().decode()
            process.send_signal(signal.SIGINT)
            rest, said = process.communicate()
        finally:
            process.kill()
    assert address.startswith("http://127.0.0.1:")
    assert (process.returncode, rest) == (0, "")
    assert "Traceback" not in said


def test_a_folder_that_is_no_study_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With one sentence and exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(["tensorboard", str(tmp_path)])
    assert ended.value.code == 2
    out, said = capsys.readouterr()
    assert out == ""
    assert said == (
        f"justright: A study folder must be one that `justright run` wrote; {str(tmp_path)!r} is not: it has no study.db. "
        "Give the path that was given as --out.\n"
    )
