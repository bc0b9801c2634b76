"""What launchers write before each line is no part of a log, and of several processes one is read."""

from __future__ import annotations

import json

import pytest

from justright.logs.formats.registry import read_logs

TRAIN = [0.7, 0.6, 0.5, 0.45]
VALIDATION = [0.72, 0.65, 0.66, 0.7]
LINES = [
    f"Epoch {number}/4 train_loss: {train} val_loss: {validation}"
    for number, (train, validation) in enumerate(zip(TRAIN, VALIDATION, strict=True), 1)
]


def read(tmp_path, text):
    """Return the only run in a text."""
    path = tmp_path / "slurm-123.out"
    path.write_text(text)
    (curves,) = read_logs(path).curves
    return curves


def values_of(curves):
    """Return the values of each curve, and check that they are of the epochs 1 to 4."""
    assert curves.unit == "epoch"
    assert all(one.at.tolist() == [1, 2, 3, 4] for one in curves.curves)
    return {one.written: one.values.tolist() for one in curves.curves}


@pytest.mark.parametrize(
    "prefix",
    [
        *("{}: ", " {}: ", "[rank{}]: ", "[rank {}] ", "Rank {}: ", "[{}]:", "[default{}]: ", "[GPU {}] "),
        *("[1,{}]<stdout>:", "[1,mpirank:{},algo-1]<stdout>:"),
        "[rank{}]:[I131 12:00:01.123 train.py:31] ",
    ],
)
@pytest.mark.parametrize("processes", [1, 2])
def test_the_lines_of_one_process_are_read(tmp_path, prefix, processes):
    """Those of the first, without its number; the others measure the same network."""
    text = "".join(
        f"{prefix.format(process)}{line.replace('0.', f'{process}.') if process else line}\n"
        for line in LINES
        for process in range(processes)
    )
    curves = read(tmp_path, f"srun: job 1 started\n{text}")
    assert values_of(curves) == {"train_loss": TRAIN, "val_loss": VALIDATION}
    several = "The log holds the lines of 2 processes: those of process 0 were read."
    assert curves.notes == ((several,) if processes == 2 else ())


def test_numbers_that_count_are_no_processes(tmp_path):
    """Each is there once."""
    pairs = enumerate(zip(TRAIN, VALIDATION, strict=True), 1)
    text = "".join(
        f"{number}: train loss {train}, val loss {validation}\n" for number, (train, validation) in pairs
    )
    curves = read(tmp_path, text)
    assert [one.values.tolist() for one in curves.curves] == [TRAIN, VALIDATION]


@pytest.mark.parametrize("name", ["message", "msg", "text", "log"])
def test_messages_of_json_are_read_where_they_hold_the_numbers(tmp_path, name):
    """As Python's JSON formatters and Loguru write them."""
    records = [{"time": "12:00:01", "level": "INFO", "line": 33, name: f"{line}\n"} for line in LINES]
    curves = read(tmp_path, "".join(f"{json.dumps(record)}\n" for record in records))
    assert values_of(curves) == {"train_loss": TRAIN, "val_loss": VALIDATION}


def test_messages_beside_numbers_of_their_own_are_left_alone(tmp_path):
    """The fields count."""
    pairs = enumerate(zip(TRAIN, VALIDATION, strict=True), 1)
    records = [
        {"message": "loss 9.9", "epoch": number, "train_loss": train, "val_loss": validation}
        for number, (train, validation) in pairs
    ]
    curves = read(tmp_path, "".join(f"{json.dumps(record)}\n" for record in records))
    assert values_of(curves) == {"train_loss": TRAIN, "val_loss": VALIDATION}
