"""Writing whole files or nothing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.refusals import refusal

from justright.errors import FolderError
from justright.records import files
from justright.records.files import ASIDE_PREFIX, make_folders, remove_leftovers, replacing, write_atomically


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The calls that matter for durability, in order, with the names of the files they were about."""
    calls: list[tuple[str, ...]] = []
    real_fsync, real_replace, real_write = os.fsync, os.replace, Path.write_bytes

    def fsync(descriptor: int) -> None:
        calls.append(("fsync", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        real_fsync(descriptor)

    def replace(source: Path, target: Path, **options: object) -> None:
        calls.append(("replace", Path(source).name, Path(target).name))
        real_replace(source, target, **options)

    def write(path: Path, data: bytes) -> int:
        calls.append(("write", path.name, data.decode()))
        return real_write(path, data)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(Path, "write_bytes", write)
    return calls


def content_after_power_cut(calls: list[tuple[str, ...]], name: str, before: str | None) -> str | None:
    """Return what `name` holds after a power cut that drops whatever was not flushed: the worst case of POSIX.

    A file's content is durable once the file was flushed, a rename once its folder was; a rename may also reach the disk
    early, before unflushed content: that is why the worst case takes it at once when the content is not flushed.
    """
    cached: dict[str, str] = {}
    flushed: dict[str, str] = {}
    durable, renamed = before, None
    for call in calls:
        if call[0] == "write":
            cached[call[1]] = call[2]
        elif call[0] == "fsync" and call[1] in cached:
            flushed[call[1]] = cached[call[1]]
        elif call[0] == "replace" and call[2] == name:
            renamed = flushed.get(call[1], "")
            durable = "" if call[1] not in flushed else durable
        elif call[0] == "fsync" and renamed is not None:
            durable = renamed
    return durable


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to name what is flushed")
def test_a_file_is_written_aside_flushed_renamed_and_its_folder_flushed(tmp_path, trace) -> None:
    """The four calls come in exactly that order."""
    write_atomically(tmp_path / "result.json", b"new")
    aside = trace[0][1]
    assert aside.startswith(ASIDE_PREFIX)
    assert aside.endswith("-result.json")
    assert trace == [
        ("write", aside, "new"),
        ("fsync", aside),
        ("replace", aside, "result.json"),
        ("fsync", tmp_path.name),
    ]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to name what is flushed")
def test_a_power_cut_at_any_call_leaves_the_old_or_the_new_content(tmp_path, trace) -> None:
    """Cut after each call in turn, dropping what was not flushed; with another order the same check fails."""
    write_atomically(tmp_path / "result.json", b"new")
    states = [content_after_power_cut(trace[:cut], "result.json", "old") for cut in range(5)]
    assert states == ["old", "old", "old", "old", "new"]
    write, flush, replace, flush_folder = trace
    unflushed = [write, replace, flush, flush_folder]
    assert content_after_power_cut(unflushed[:2], "result.json", "old") == ""


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path) -> None:
    """An exception in the block undoes everything, and is not swallowed."""
    target = tmp_path / "model.keras"
    target.write_bytes(b"old")

    def write_half() -> None:
        with replacing(target) as aside:
            aside.write_bytes(b"half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match=r"^half way$"):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]
    assert target.read_bytes() == b"old"


def test_a_full_disk_is_one_clear_message_and_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    """A flush that finds no space ends in a FolderError with what to do."""
    target = tmp_path / "result.json"
    target.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert refusal(write_atomically, target, b"new", error=FolderError) == (
        f"Cannot write at {str(target)!r}: the disk is full. Free some space and run the same command again; "
        "what was recorded is kept."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert target.read_bytes() == b"old"


def test_a_read_only_folder_is_one_clear_message(tmp_path, monkeypatch) -> None:
    """Refused permission names the path and says what to do."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert refusal(write_atomically, tmp_path / "report.html", b"", error=FolderError) == (
        f"Cannot write at {str(tmp_path / 'report.html')!r}: it may not be written. "
        "Choose another folder, or change its permissions."
    )


def test_a_parent_that_is_a_file_is_one_clear_message(tmp_path) -> None:
    """Making a folder below a file fails with the reason."""
    (tmp_path / "file").write_bytes(b"")
    assert refusal(make_folders, tmp_path / "file" / "below", error=FolderError) == (
        f"Cannot make the folder at {str(tmp_path / 'file' / 'below')!r}: File exists. "
        "Correct that, or choose another folder."
    )


def test_a_process_that_may_write_no_more_leaves_what_was_there(tmp_path) -> None:
    """A real limit of the operating system (ulimit -f), as good as a full disk."""
    target = tmp_path / "result.json"
    target.write_bytes(b"old")
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from justright.records.files import write_atomically\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"write_atomically(Path({str(target)!r}), b'x' * 5000)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert "FolderError: Cannot write at" in done.stderr
    assert "the disk is full" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert target.read_bytes() == b"old"


def test_leftovers_of_killed_processes_are_removed_and_counted(tmp_path) -> None:
    """Only files that were being written aside go."""
    (tmp_path / "models").mkdir()
    for name in (f"{ASIDE_PREFIX}12345678-a.keras", "b.keras"):
        (tmp_path / "models" / name).write_bytes(b"")
    assert remove_leftovers(tmp_path) == 1
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["b.keras"]


def test_removing_what_is_not_there_is_no_error(tmp_path) -> None:
    """A checkpoint that is already gone needs no second removal."""
    files.remove(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []
