"""TensorBoard event files, read without TensorFlow."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from justright.errors import InputError
from justright.logs.formats.registry import read_log, read_logs
from justright.records.boards.curve_files import write_run


def test_old_style_scalars_are_read_as_new_ones(tmp_path, event_writer):
    """PyTorch writes simple values, Keras tensors: both are scalars."""
    event_writer(tmp_path / "run", "val/loss", {0: 0.5, 1: 0.25}, old_style=True)
    assert read_log(tmp_path / "run").metrics["val_loss"].tolist() == [0.5, 0.25]


def test_our_own_event_files_are_read(tmp_path):
    """A study's TensorBoard folder is a log like any other; what counts steps in it is left out."""
    metrics = {name: np.linspace(1, 0.5, 300) for name in ("loss", "val_loss")}
    write_run(tmp_path / "run", metrics, steps_per_epoch=20, walls=np.ones(300))
    curves = read_log(tmp_path / "run")
    assert curves.epochs.tolist() == list(range(300))
    assert {name: values.tolist() for name, values in curves.metrics.items()} == {
        name: np.float32(values).tolist() for name, values in metrics.items()
    }


def test_runs_in_one_folder_stay_apart(tmp_path, event_writer):
    """The tutorial's logs/sizes/Tiny/{train,validation} and its sisters are one run each."""
    for name in ("Tiny", "Large"):
        event_writer(tmp_path / name / "train", "epoch_loss", {0: 0.5})
        event_writer(tmp_path / name / "validation", "epoch_loss", {0: 0.75})
    runs = read_logs(tmp_path)
    assert [run.name for run in runs] == [str(tmp_path / "Large"), str(tmp_path / "Tiny")]
    assert [sorted(run.metrics) for run in runs] == [["loss", "val_loss"]] * 2
    with pytest.raises(InputError) as caught:
        read_log(tmp_path)
    assert str(caught.value) == (
        f"A log must hold one run; {str(tmp_path)!r} holds 2: {str(tmp_path / 'Large')!r}, {str(tmp_path / 'Tiny')!r}. "
        "Name one of them."
    )


def test_a_record_cut_off_at_the_end_is_a_run_still_being_written(tmp_path, event_writer):
    """What came before the cut is read."""
    path = event_writer(tmp_path / "run", "val_loss", {0: 0.5, 1: 0.25})
    path.write_bytes(path.read_bytes()[:-3])
    assert read_log(path).metrics["val_loss"].tolist() == [0.5]


def test_damage_is_named_with_its_place(tmp_path, event_writer):
    """A flipped bit in a record is found by its checksum."""
    path = event_writer(tmp_path / "run", "val_loss", {0: 0.5})
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_log(path)
    start = len(content) - len(content[content.rindex(b"val_loss") :])
    message = str(caught.value)
    assert message.startswith(
        f"Records of an event file must match their checksums; {str(path)!r} is damaged at byte "
    )
    assert message.endswith(" or is not an event file. Copy it again from where it was written.")
    assert 0 < int(message.split("byte ")[1].split(" ")[0]) < start


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 150), byte=st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused(tmp_path, event_writer, position, byte):
    """No byte of an event file can raise anything but InputError."""
    folder = tmp_path / "run"
    path = next(folder.iterdir()) if folder.exists() else event_writer(folder, "val_loss", {0: 0.5, 1: 0.25})
    content = bytearray(path.read_bytes())
    content[position % len(content)] = byte
    damaged = tmp_path / "x.tfevents.1"
    damaged.write_bytes(content)
    with contextlib.suppress(InputError):
        assert read_logs(damaged)
