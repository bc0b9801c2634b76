"""W&B's run files, written by hand; `with_libraries` has the same by W&B itself."""

from __future__ import annotations

import json
import struct
import zlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.logs.formats.registry import read_logs

BLOCK = 32768
LOSSES = [0.7, 0.6, 0.5, 0.45]


def varint(number):
    """Return a whole number in protocol buffers' encoding."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def text_field(number, content):
    """Return a field of text or of a message."""
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def history(step, metrics):
    """Return the record of one call of `log`."""
    items = b"".join(
        text_field(
            1, b"".join(text_field(2, part) for part in name.split(">")) + text_field(16, json.dumps(value))
        )
        for name, value in metrics.items()
    )
    return text_field(2, items + text_field(2, varint(1 << 3) + varint(step)))


def framed(records):
    """Return a file's bytes: pieces of records in blocks of 32 KiB, with checksums."""
    content = bytearray(b":W&B\xe1\xbe\x00")
    for record in records:
        is_first = True
        while True:
            left = BLOCK - len(content) % BLOCK
            if left < 7:
                content += bytes(left)
                continue
            piece, record = record[: left - 7], record[left - 7 :]
            kind = (1 if is_first else 4) if not record else (2 if is_first else 3)
            content += struct.pack("<IHB", zlib.crc32(bytes([kind]) + piece), len(piece), kind) + piece
            is_first = False
            if not record:
                break
    return bytes(content)


def write_run(path, records, *, run_id="abc", name="calm-owl-7"):
    """Write a run's file."""
    about = text_field(17, text_field(1, run_id) + text_field(8, name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(framed([about, *records]))
    return path


def rows(losses, *, first=0):
    """Return records of training by step, and validation with the epoch on every second step."""
    for place, loss in enumerate(losses, start=first):
        more = {"val>loss": loss + 0.1, "epoch": place // 2} if place % 2 else {}
        yield history(place, {"_step": place, "train>loss": loss, "note": "words", **more})


def test_a_run_is_read_as_it_is(tmp_path):
    """Nested keys are joined, W&B's own numbers and words are left out, and the epoch of each step is known."""
    path = write_run(tmp_path / "wandb" / "run-1-abc" / "run-abc.wandb", rows(LOSSES))
    for source in (path, path.parent, tmp_path):
        (run,) = read_logs(source).curves
        assert run.name == f"{path} (calm-owl-7)"
        assert {curve.written: curve.values.tolist() for curve in run.curves} == {
            "train/loss": LOSSES,
            "val/loss": [0.7, 0.55],
        }
        assert (run.unit, run.epochs) == ("step", {1: 0, 3: 1})


def test_records_that_span_blocks_are_joined(tmp_path):
    """A long record is cut at 32 KiB, and a block may end in too few bytes for a header."""
    losses = [1 / (place + 1) for place in range(1500)]
    long = history(1500, {"words": "x" * 70_000, "train>loss": 0.25})
    path = write_run(
        tmp_path / "run-abc.wandb",
        [*(history(at, {"train>loss": loss}) for at, loss in enumerate(losses)), long],
    )
    (run,) = read_logs(path).curves
    assert run.curves[0].values.tolist() == [*losses, 0.25]


def test_numbers_in_any_form_are_read(tmp_path):
    """NaN and infinity are words in JSON; a number may have a field of its own; a flag is no number."""
    step_two, step_three = (text_field(2, varint(1 << 3) + varint(step)) for step in (2, 3))
    whole = text_field(2, text_field(1, text_field(1, "loss") + varint(5 << 3) + varint(3)) + step_two)
    real = text_field(1, "loss") + varint(6 << 3 | 1) + struct.pack("<d", 0.5)
    records = [
        history(0, {"loss": "NaN", "flag": True}),
        history(1, {"loss": "Infinity"}),
        whole,
        text_field(2, text_field(1, real) + step_three),
    ]
    (run,) = read_logs(write_run(tmp_path / "run-abc.wandb", records)).curves
    assert [curve.written for curve in run.curves] == ["loss"]
    assert repr(run.curves[0].values.tolist()) == "[nan, inf, 3.0, 0.5]"


def test_a_resumed_run_is_one(tmp_path):
    """It has two folders, and one id."""
    write_run(tmp_path / "run-1-abc" / "run-abc.wandb", rows(LOSSES))
    write_run(tmp_path / "run-2-abc" / "run-abc.wandb", rows([0.4, 0.3], first=4))
    write_run(tmp_path / "run-3-xyz" / "run-xyz.wandb", rows([0.9, 0.8]), run_id="xyz")
    first, second = read_logs(tmp_path).curves
    assert first.curves[0].values.tolist() == [*LOSSES, 0.4, 0.3]
    assert second.curves[0].values.tolist() == [0.9, 0.8]


def test_a_file_cut_off_is_read_up_to_there(tmp_path):
    """And it is said."""
    path = write_run(tmp_path / "run-abc.wandb", rows(LOSSES))
    path.write_bytes(path.read_bytes()[:-5])
    (run,) = read_logs(path).curves
    assert run.curves[0].values.tolist() == LOSSES[:-1]
    assert run.notes[0] == (
        "The end of 'run-abc.wandb' is not whole, as while training goes on: it was left out."
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=st.binary(max_size=60))
def test_any_record_is_read_or_left_out(tmp_path, record):
    """No bytes with a right checksum can raise anything but InputError."""
    path = tmp_path / "run-abc.wandb"
    path.write_bytes(
        framed(
            [history(0, {"loss": 0.5}), record, text_field(2, record), text_field(2, text_field(1, record))]
        )
    )
    (run,) = read_logs(path).curves
    assert run.curves[0].values[0] == 0.5


def test_another_file_is_refused(tmp_path):
    """With what to do instead."""
    path = tmp_path / "run-abc.wandb"
    path.write_bytes(b"something else")
    assert refusal(read_logs, path) == (
        f"A W&B file must begin with ':W&B'; {str(path)!r} does not. Export its history, for instance with "
        "`wandb.Api().run('ENTITY/PROJECT/RUN').history().to_csv('run.csv')`, and pass that file."
    )


def test_a_summary_is_no_log(tmp_path):
    """One number for each metric; in a run's folder it is passed over."""
    path = tmp_path / "files" / "wandb-summary.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"_step": 3, "_runtime": 9.5, "val/loss": 0.5}))
    assert refusal(read_logs, path) == (
        f"A training log must hold curves; {str(path)!r} is a W&B summary, one number for each metric. Export its history, for "
        "instance with `wandb.Api().run('ENTITY/PROJECT/RUN').history().to_csv('run.csv')`, and pass that file."
    )
    write_run(tmp_path / "run-abc.wandb", rows(LOSSES))
    runs = read_logs(tmp_path)
    assert (len(runs.curves), runs.refused) == (1, ())
