"""Study folders: what may be opened, who owns them, and that nothing leaves them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.errors import FolderError
from justright.records.folder import StudyFolder, holds_study, new_folder_beside
from justright.runs.events import RunKey

HOLD = """
import sys
from justright.records.folder import StudyFolder
folder = StudyFolder.open(sys.argv[1], "resume")
print("owned", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The path of a folder that holds a study and has no owner."""
    with StudyFolder.open(tmp_path / "study", "create") as folder:
        folder.database_path.write_bytes(b"")
    return tmp_path / "study"


@pytest.fixture
def other_owner(study: Path):
    """Another process that owns the study."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(study)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "owned\n"
    yield process
    process.kill()
    process.communicate()


def test_files_lie_where_the_documentation_says(tmp_path) -> None:
    """Every path of the layout, for a run on all rows and one on fewer."""
    folder = StudyFolder(tmp_path, "read")
    run, part = RunKey("L2 + dropout", 3, 10_000), RunKey("Tiny", 0, 500)
    assert {
        "study": folder.relative(folder.study_path),
        "plan": folder.relative(folder.plan_path),
        "database": folder.relative(folder.database_path),
        "checkpoints": folder.relative(folder.checkpoints_path),
        "tensorboard": folder.relative(folder.tensorboard_path),
        "run": folder.relative(folder.tensorboard_run_path(run, full_rows=10_000)),
        "part": folder.relative(folder.tensorboard_run_path(part, full_rows=10_000)),
        "models": folder.relative(folder.models_path),
        "model": folder.relative(folder.model_path(run, full_rows=10_000)),
        "part model": folder.relative(folder.model_path(part, full_rows=10_000)),
        "result": folder.relative(folder.result_path),
        "report": folder.relative(folder.report_path),
    } == {
        "study": "study.toml",
        "plan": "plan.json",
        "database": "study.db",
        "checkpoints": "checkpoints",
        "tensorboard": "tensorboard",
        "run": "tensorboard/L2 + dropout/seed-3",
        "part": "tensorboard/Tiny/seed-0-rows-500",
        "models": "models",
        "model": "models/L2 + dropout/seed-3.keras",
        "part model": "models/Tiny/seed-0-rows-500.keras",
        "result": "result.json",
        "report": "report.html",
    }


def test_a_second_process_is_told_who_owns_the_folder(study, other_owner) -> None:
    """The message names the owner's process, host and since when, and what to do."""
    owner = json.loads((study / "owner.json").read_text())
    assert (owner["pid"], owner["host"]) == (other_owner.pid, socket.gethostname())
    assert refusal(StudyFolder.open, study, "resume", error=FolderError) == (
        f"One process at a time may use a study folder; {str(study)!r} is taken: process {other_owner.pid} on host "
        f"{socket.gethostname()!r} has used it since {owner['since']}. Wait for it, or choose another folder."
    )


def test_an_owner_whose_note_is_damaged_still_owns(study, other_owner) -> None:
    """The lock counts, not the note about it."""
    (study / "owner.json").write_text("{")
    assert refusal(StudyFolder.open, study, "resume", error=FolderError) == (
        f"One process at a time may use a study folder; {str(study)!r} is taken: another process is using it. "
        "Wait for it, or choose another folder."
    )


def test_a_folder_can_be_read_while_another_process_owns_it(study, other_owner) -> None:
    """Reading takes no lock and leaves the owner's note alone."""
    with StudyFolder.open(study, "read") as folder:
        assert folder.path == study
    assert (study / "owner.json").exists()


def test_a_killed_owner_does_not_block(study, other_owner) -> None:
    """The lock ends with the process; the note it left behind is replaced."""
    other_owner.send_signal(signal.SIGKILL)
    other_owner.wait()
    with StudyFolder.open(study, "resume"):
        assert json.loads((study / "owner.json").read_text())["pid"] == os.getpid()
    assert not (study / "owner.json").exists()


def test_one_process_cannot_own_a_folder_twice(study) -> None:
    """Two studies of one process would overwrite each other as two processes would."""
    with (
        StudyFolder.open(study, "resume"),
        pytest.raises(FolderError, match=f"process {os.getpid()} on host"),
    ):
        StudyFolder.open(study, "resume")
    with StudyFolder.open(study, "resume"):
        pass


def test_closing_twice_is_harmless(study) -> None:
    """Ctrl-C handlers and context managers may both close."""
    folder = StudyFolder.open(study, "resume")
    folder.close()
    folder.close()
    assert not (study / "owner.json").exists()


@pytest.mark.parametrize("mode", ["read", "resume"])
@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda path: None, "there is nothing"),
        (lambda path: path.write_bytes(b""), "it is a file"),
        (lambda path: path.mkdir(), "it has no study.db"),
    ],
)
def test_a_path_without_a_study_is_refused(tmp_path, mode, make, found) -> None:
    """`show`, `report` and resuming say what is there instead."""
    path = tmp_path / "study"
    make(path)
    assert refusal(StudyFolder.open, path, mode, error=FolderError) == (
        f"A study folder must be one that `justright run` wrote; {str(path)!r} is not: {found}. "
        "Give the path that was given as --out."
    )


def test_a_new_study_is_not_put_on_a_file(tmp_path) -> None:
    """A file where the folder should be stays what it is."""
    (tmp_path / "runs").write_bytes(b"mine")
    assert refusal(StudyFolder.open, tmp_path / "runs", "create", error=FolderError) == (
        f"The study folder must be a folder; {str(tmp_path / 'runs')!r} is a file. Choose another path."
    )
    assert (tmp_path / "runs").read_bytes() == b"mine"


def test_a_new_study_is_not_put_among_other_files(tmp_path) -> None:
    """A folder with somebody's files is refused, and none of ours is left there."""
    (tmp_path / "thesis.tex").write_bytes(b"")
    (tmp_path / "video.mp4").write_bytes(b"")
    assert refusal(StudyFolder.open, tmp_path, "create", error=FolderError) == (
        f"A new study needs an empty folder; {str(tmp_path)!r} holds 'thesis.tex' and 1 more. Choose another path."
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.tex", "video.mp4"]


def test_a_new_study_is_not_put_on_another(study) -> None:
    """Whether to resume is the caller's decision."""
    assert refusal(StudyFolder.open, study, "create", error=FolderError) == (
        f"A new study needs an empty folder; {str(study)!r} holds a study. Resume it, or start a new one."
    )


def test_a_creation_that_was_killed_can_be_repeated(tmp_path) -> None:
    """Before the database exists there is no study, and what was written does no harm."""
    with StudyFolder.open(tmp_path / "study", "create") as folder:
        folder.study_path.write_text("")
    assert not holds_study(tmp_path / "study")
    with StudyFolder.open(tmp_path / "study", "create") as folder:
        assert folder.mode == "create"


def test_a_folder_that_may_not_be_made_is_one_clear_message(tmp_path, monkeypatch) -> None:
    """As where the parent folder is read-only."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert refusal(StudyFolder.open, tmp_path / "study", "create", error=FolderError) == (
        f"Cannot make the folder at {str(tmp_path / 'study')!r}: it may not be written. "
        "Choose another folder, or change its permissions."
    )


def test_an_unknown_mode_is_refused(tmp_path) -> None:
    """With the modes there are."""
    assert refusal(StudyFolder.open, tmp_path, "raed") == (
        "`mode` must be one of 'create', 'resume', 'read'; got 'raed'. Did you mean 'read'?"
    )


def test_a_new_folder_beside_takes_the_first_free_number(tmp_path) -> None:
    """The path itself while nothing is there, then -2, -3; a file counts as taken."""
    path = tmp_path / "higgs"
    found = [new_folder_beside(path).name]
    path.mkdir()
    found.append(new_folder_beside(path).name)
    (tmp_path / "higgs-2").write_bytes(b"")
    found.append(new_folder_beside(path).name)
    assert found == ["higgs", "higgs-2", "higgs-3"]


@pytest.mark.parametrize(
    "name", ["..", "/etc/passwd", "models/../../x", "a\\b", "", "a\0b", "line\nbreak", "é" * 200]
)
def test_names_that_leave_the_folder_are_refused(tmp_path, name) -> None:
    """Recorded paths are checked when used: a database may be damaged or made by somebody else."""
    with pytest.raises(FolderError):
        StudyFolder(tmp_path, "read").inside(name)


def test_a_link_that_leads_out_is_refused(tmp_path) -> None:
    """A recorded path must not follow a link to somebody else's file."""
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "models").symlink_to(tmp_path)
    assert refusal(StudyFolder(tmp_path / "study", "read").inside, "models/x.keras", error=FolderError) == (
        f"A study folder must hold files and folders only; 'models' in {str(tmp_path / 'study')!r} is a link. "
        "Put a copy of what it leads to in its place; the folder as a whole may be a link."
    )


@given(name=st.text(max_size=40), seed=st.integers(), rows=st.integers(0))
def test_no_name_of_a_variant_leads_out_of_the_folder(name, seed, rows) -> None:
    """Whatever the name, the files of its runs lie two levels below `models` and `tensorboard`, or it is refused."""
    folder = StudyFolder(Path("/study"), "read")
    try:
        model = folder.model_path(RunKey(name, seed, rows), full_rows=1)
        events = folder.tensorboard_run_path(RunKey(name, seed, rows), full_rows=1)
    except FolderError:
        return
    assert os.path.normpath(model) == str(model)
    assert os.path.normpath(events) == str(events)
    assert model.parents[1] == folder.models_path
    assert events.parents[1] == folder.tensorboard_path
    assert folder.relative(model) == f"models/{name}/{model.name}"


@given(st.text(max_size=40))
def test_a_recorded_path_lies_inside_or_is_refused(text) -> None:
    """For any text a database might hold."""
    folder = StudyFolder(Path("/study"), "read")
    try:
        path = folder.inside(text)
    except FolderError:
        return
    assert Path(os.path.normpath(path)).is_relative_to("/study")
    assert path != Path("/study")
