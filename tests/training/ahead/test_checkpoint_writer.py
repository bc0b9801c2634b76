"""The event of a checkpoint follows its files, in the thread that trains."""

from __future__ import annotations

import threading

import pytest

from justright.errors import FolderError
from justright.runs.events import StackCheckpoint
from justright.training.ahead.checkpoint_writer import CheckpointWriter


def checkpoint(epoch):
    """An event."""
    return StackCheckpoint("v", f"checkpoints/{epoch}", epoch, (), (), ())


def test_a_checkpoint_is_said_once_it_is_written():
    """Not while another thread still writes; what is asked for at the end is waited for."""
    said, may_write, has_written = [], threading.Event(), threading.Event()

    def emit(event):
        said.append((event.epoch, threading.current_thread()))

    def write():
        may_write.wait(10.0)
        has_written.set()
        return checkpoint(1)

    own = threading.current_thread()
    with CheckpointWriter(emit, aside=True) as writer:
        writer.write(write)
        writer.tell()
        assert said == []
        may_write.set()
        writer.wait()
        assert has_written.is_set()
        assert said == [(1, own)]
        writer.write(lambda: checkpoint(2))
        writer.wait()
        writer.tell()
        assert said == [(1, own), (2, own)]


def test_on_a_processor_training_waits():
    """No other thread takes its time."""
    said, threads = [], []

    def write():
        threads.append(threading.current_thread())
        return checkpoint(1)

    with CheckpointWriter(said.append, aside=False) as writer:
        writer.write(write)
        assert said == [checkpoint(1)]
    assert threads == [threading.current_thread()]


def test_a_checkpoint_that_cannot_be_written_ends_training_and_is_not_said():
    """With the error of whoever wrote it."""

    def write():
        raise FolderError("The disk is full.")

    said = []
    with CheckpointWriter(said.append, aside=True) as writer:
        writer.write(write)
        with pytest.raises(FolderError, match=r"^The disk is full\.$"):
            writer.wait()
    assert said == []


def test_an_error_in_training_waits_for_the_writer_and_says_nothing_of_it():
    """The stack is tried again from the checkpoint before, and may write the same file."""
    said, may_write, written = [], threading.Event(), []

    def write():
        may_write.wait(10.0)
        written.append(1)
        return checkpoint(1)

    def train():
        with CheckpointWriter(said.append, aside=True) as writer:
            writer.write(write)
            may_write.set()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        train()
    assert (written, said) == ([1], [])
