"""Standard input and named pipes are read as files are."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading

import pytest
from tests.refusals import refusal

from justright.data import pipes, read
from justright.data.pipes import came_from_pipe, is_pipe, keep_pipe
from justright.data.read import read_table
from justright.errors import InputError

TABLE = b"x,y\n" + b"".join(b"%d,%d\n" % (row, row % 2) for row in range(20))


@pytest.fixture
def pipe(tmp_path):
    """Return a named pipe that somebody writes `content` into."""
    writers = []

    def make(content: bytes) -> str:
        path = tmp_path / f"pipe-{len(writers)}"
        os.mkfifo(path)
        writers.append(threading.Thread(target=write, args=(path, content), daemon=True))
        writers[-1].start()
        return str(path)

    yield make
    for writer in writers:
        writer.join(10)


def write(path, content):
    """Write into a named pipe; its reader may leave early."""
    try:
        path.write_bytes(content)
    except BrokenPipeError:
        return


@pytest.mark.parametrize("content", [TABLE, gzip.compress(TABLE)], ids=["text", "gzip"])
def test_a_table_is_read_from_a_named_pipe(pipe, content):
    """Its format is found by its content: a pipe's name promises nothing."""
    source = pipe(content)
    table = read_table(source, target="y")
    assert (table.rows, table.source.source) == (20, source)


def test_a_table_is_read_from_standard_input():
    """By '-' and by the system's own name for it."""
    program = (
        "import sys; from justright.data.read import read_table\n"
        "table = read_table(sys.argv[1], target='y'); print(table.rows, table.source.source)"
    )
    for name in ("-", "/dev/stdin"):
        done = subprocess.run(
            [sys.executable, "-c", program, name], input=TABLE, capture_output=True, timeout=60, check=False
        )
        assert (done.stdout.decode(), done.stderr) == (f"20 {name}\n", b"")


def test_waiting_is_told_before_the_first_byte(pipe, tmp_path):
    """Whoever shows progress can say so, since nobody may ever write."""
    told = []
    source = pipe(TABLE)
    keep_pipe(source, tmp_path / "kept", progress=told.append, limit=1_000)
    assert [(one.bytes, one.address) for one in told] == [(0, repr(source)), (len(TABLE), repr(source))]
    assert (tmp_path / "kept").read_bytes() == TABLE


def test_a_pipe_that_never_ends_is_cut_off(pipe, monkeypatch):
    """At the limit of all tables."""
    monkeypatch.setattr(read, "MAX_TABLE_BYTES", 50)
    source = pipe(TABLE)
    assert refusal(read_table, source, target="y") == (
        f"{source!r}: a table must take at most 50 bytes; more arrive. Send only the rows you need."
    )


def test_an_empty_pipe_is_named(pipe):
    """As an empty file is."""
    source = pipe(b"")
    assert (
        refusal(read_table, source) == f"{source!r}: a table must have at least one row; the file is empty."
    )


def test_a_full_disk_under_the_copy_is_one_sentence(pipe, monkeypatch):
    """The copy of what a pipe brings needs room."""
    source = pipe(TABLE)
    monkeypatch.setattr(read, "keep_pipe", no_room)
    with pytest.raises(InputError) as caught:
        read_table(source)
    assert str(caught.value).startswith(f"{source!r}: there must be room for a copy in ")
    assert str(caught.value).endswith(
        "; there is none: No space left on device. Free some space, or name another folder as TMPDIR."
    )
    with open(source, "rb") as file:  # noqa: PTH123  # let the writer go
        file.read()


def no_room(*_, **__):
    """Stand in for a disk without room."""
    raise OSError(28, "No space left on device")


def test_a_pipe_that_is_gone_is_told_from_a_missing_file():
    """The name of a shell's pipe means nothing in the next command."""
    with pytest.raises(InputError) as caught:
        read_table("/dev/fd/9999")
    assert str(caught.value).endswith(
        "there is no '/dev/fd/9999'. It was the pipe of a command that has ended: pipe the table in again."
    )


@pytest.mark.parametrize("name", ["/dev/null", "/dev/zero"])
def test_a_device_is_no_table(name):
    """Neither is it missing, nor would it ever end."""
    assert (
        refusal(read_table, name)
        == f"`source` must be a file or a pipe; {name!r} is a device. Pipe its bytes in."
    )


def test_a_name_that_no_file_can_have_is_one_sentence():
    """Too long for any file system."""
    name = "x" * 300 + ".csv"
    assert (
        refusal(read_table, name) == f"`source` must be a readable file; {name!r} is not: File name too long."
    )


def test_files_are_no_pipes(tmp_path):
    """Even when they are redirected to standard input, they can be read again."""
    path = tmp_path / "t.csv"
    path.write_bytes(TABLE)
    assert not is_pipe(str(path))
    assert not came_from_pipe(str(path))
    assert not is_pipe("a\0b")
    assert came_from_pipe("/dev/fd/63")
    assert pipes.pipe_name("-") == "standard input"
