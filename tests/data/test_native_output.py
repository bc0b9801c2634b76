"""Compiled libraries that read a damaged file print nothing in addition to our own message."""

from __future__ import annotations

import io
import os
import threading

import polars as pl
import pytest

from justright.data.read_options import READ_ALL
from justright.data.readers.arrow import read_arrow
from justright.data.readers.native_output import STDERR, held_stderr
from justright.data.readers.parquet import read_parquet
from justright.errors import InputError

EVERY = 3  # of a file's bytes, every third is changed in turn: each kind of damage is met in seconds


@pytest.mark.parametrize(("kind", "read"), [("parquet", read_parquet), ("ipc", read_arrow)])
def test_a_damaged_file_is_refused_without_a_word_of_its_readers(kind, read, tmp_path, capfd) -> None:
    """Some of these files make Polars panic, which prints pages of a stack trace where it is not held."""
    frame = pl.DataFrame({"x": [1.0, 2.0, None], "z": ["a", "b", "c"], "label": [0, 1, 0]})
    buffer = io.BytesIO()
    getattr(frame, f"write_{kind}")(buffer)
    good, path, refused = buffer.getvalue(), tmp_path / "t", 0
    for place in range(0, len(good), EVERY):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0xA5]) + good[place + 1 :])
        try:
            read(path, "'t'", READ_ALL)
        except InputError:
            refused += 1
    assert refused > len(good) // EVERY // 10
    assert capfd.readouterr().err == ""


def print_and_raise(error: BaseException) -> None:
    """Print as compiled code does, and fail."""
    os.write(STDERR, b"thread panicked")
    raise error


def test_what_is_printed_before_an_error_is_dropped_and_after_it_shown(capfd) -> None:
    """Standard error is restored, whatever was raised."""
    for error in (InputError("x"), KeyboardInterrupt()):
        with pytest.raises(type(error)), held_stderr():
            print_and_raise(error)
        os.write(STDERR, b"after;")
    assert capfd.readouterr().err == "after;after;"


def test_what_is_printed_before_success_is_printed_late(capfd) -> None:
    """Another thread's message must not be lost; blocks may be nested."""
    with held_stderr(), held_stderr():
        os.write(STDERR, b"kept")
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "kept"


def test_without_standard_error_nothing_is_held(capfd) -> None:
    """A program without a console has none."""
    saved = os.dup(STDERR)
    os.close(STDERR)
    try:
        with held_stderr():
            pass
    finally:
        os.dup2(saved, STDERR)
        os.close(saved)


def test_threads_take_turns(capfd) -> None:
    """Two that read tables at the same time would otherwise put back each other's file."""
    before = os.fstat(STDERR)

    def read() -> None:
        for _ in range(50):
            with held_stderr():
                pass

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.path.samestat(os.fstat(STDERR), before)
