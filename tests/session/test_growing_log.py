"""Watching a log that grows: each `wait` of these tests is what happens to the file meanwhile."""

from __future__ import annotations

import contextlib

import pytest
from tests.refusals import refusal

from justright.logs.choices import NO_CHOICES
from justright.session.growing_log import stamp_of, watch

HEADER = "epoch,loss,val_loss\n"


def rows(first, last):
    """Return lines of a log, with a loss that falls."""
    return "".join(f"{epoch},{1 / epoch:.4f},{2 / epoch:.4f}\n" for epoch in range(first, last + 1))


@pytest.fixture
def happen(tmp_path):
    """Return a function that watches a log while steps happen, one per wait, and returns (epochs of each reading, what was said)."""

    def run(*steps, path=tmp_path / "log.csv", choices=NO_CHOICES):
        left, said = list(steps), []

        def wait(seconds):
            assert seconds == 0.5
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        readings = []
        with contextlib.suppress(KeyboardInterrupt):
            for reading in watch(path, choices, every_seconds=0.5, say=said.append, wait=wait):
                readings.append(len(reading.run.curves.curves[-1].at))
        return readings, said

    return run


def test_each_time_the_log_has_grown_there_is_a_reading(tmp_path, happen):
    """One at once, one for each change, none while nothing happens."""
    log = tmp_path / "log.csv"
    log.write_text(HEADER + rows(1, 3))

    def grow():
        with log.open("a") as file:
            file.write(rows(4, 5))

    assert happen(lambda: None, grow, lambda: None) == ([3, 5], [])


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path, happen):
    """It says so once, also while the log is still empty or without a value."""
    log = tmp_path / "log.csv"
    steps = (
        lambda: None,
        lambda: log.write_text(""),
        lambda: log.write_text(HEADER + rows(1, 2)),
    )
    assert happen(*steps) == (
        [2],
        [
            f"There is no {str(log)!r} yet: waiting for it.",
            f"Waiting for a log that can be read. A training log must hold something; {str(log)!r} is empty.",
        ],
    )


def test_a_log_that_is_replaced_or_cut_is_read_again(tmp_path, happen):
    """A second training with the same file: the curves are those that are there now."""
    log = tmp_path / "log.csv"
    log.write_text(HEADER + rows(1, 6))

    def replace():
        (tmp_path / "new.csv").write_text(HEADER + rows(1, 4))
        (tmp_path / "new.csv").replace(log)

    assert happen(log.unlink, replace, lambda: log.write_text(HEADER + rows(1, 2))) == (
        [6, 4, 2],
        [f"There is no {str(log)!r} yet: waiting for it."],
    )


def test_a_folder_is_read_again_when_a_file_in_it_changes(tmp_path, happen):
    """Files that come later belong to it; a checkpoint beside the log changes nothing."""
    folder = tmp_path / "run"

    def begin():
        folder.mkdir()
        (folder / "metrics.csv").write_text(HEADER + rows(1, 3))

    steps = (
        begin,
        lambda: (folder / "model.ckpt").write_bytes(b"weights"),
        lambda: (folder / "metrics.csv").write_text(HEADER + rows(1, 5)),
    )
    readings, said = happen(*steps, path=folder)
    assert (readings, said) == ([3, 5], [f"There is no {str(folder)!r} yet: waiting for it."])


def test_a_half_written_line_costs_nothing_but_itself(tmp_path, happen):
    """The writer is in the middle of it."""
    log = tmp_path / "log.csv"
    log.write_text(HEADER + rows(1, 3) + "4,0.2")
    assert happen(lambda: log.write_text(HEADER + rows(1, 4))) == ([3, 4], [])


def test_a_file_of_the_same_size_and_time_is_the_same(tmp_path):
    """The stamp is what the system says of the file, not its content."""
    log = tmp_path / "log.csv"
    assert stamp_of(log) == {}
    log.write_text("a")
    first = stamp_of(log)
    assert stamp_of(log) == first
    log.write_text("ab")
    assert stamp_of(log) != first


def test_the_time_between_looks_must_be_positive(tmp_path):
    """Refused at once, not at the first look."""
    assert refusal(watch, tmp_path, every_seconds=0.0) == "`every_seconds` must be positive; got 0.0."
