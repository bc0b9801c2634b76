"""TensorBoard event files, read without TensorFlow."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from justright.errors import InputError
from justright.logs.formats.registry import read_logs
from justright.records.boards.curve_files import write_run
from justright.records.event_files import event_records

LOSSES = {epoch: 0.7 * 0.9**epoch for epoch in range(10)}
STEPS = {50 * epoch + 49: value for epoch, value in LOSSES.items()}


def read_one(path):
    """Return the one run of a log."""
    (run,) = read_logs(path).curves
    return run


def values(run):
    """Return name -> values."""
    return {curve.written: curve.values.tolist() for curve in run.curves}


def rounded(losses):
    """Return values as event files hold them, in 32 bits."""
    return np.float32(list(losses.values())).tolist()


@pytest.fixture
def write_tags(event_writer):
    """Return a function that writes an event file with several tags, as PyTorch's SummaryWriter does."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    def write(folder, tags, *, name="events.out.tfevents.1.host.2.3", wall=1e9):
        folder.mkdir(parents=True, exist_ok=True)
        points = sorted((step, tag, value) for tag, losses in tags.items() for step, value in losses.items())
        records = [event_records([Event(wall_time=wall, file_version="brain.Event:2")])]
        for place, (step, tag, value) in enumerate(points):
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            records.append(event_records([Event(wall_time=wall + place, step=step, summary=summary)]))
        (folder / name).write_bytes(b"".join(records))
        return folder / name

    return write


def test_old_style_scalars_are_read_as_new_ones(tmp_path, event_writer):
    """PyTorch writes simple values, Keras tensors: both are scalars."""
    event_writer(tmp_path / "old", "val/loss", LOSSES, old_style=True)
    event_writer(tmp_path / "new", "val/loss", LOSSES)
    new, old = read_logs(tmp_path).curves
    assert values(old) == values(new) == {"val/loss": rounded(LOSSES)}
    assert old.unit == "epoch"


@pytest.mark.parametrize(
    "name", ["events.out.tfevents", "events.out.tfevents.1664082589.host.4004.0.v2", "run.tfevents.a"]
)
def test_event_files_have_any_ending(tmp_path, write_tags, name):
    """CatBoost writes none."""
    path = write_tags(tmp_path, {"val_loss": LOSSES}, name=name)
    assert values(read_one(path)) == values(read_one(tmp_path)) == {"val_loss": rounded(LOSSES)}


def test_our_own_event_files_are_read(tmp_path):
    """A study's TensorBoard folder is a log like any other; what counts steps in it is left out."""
    metrics = {name: np.linspace(1, 0.5, 300) for name in ("loss", "val_loss")}
    write_run(tmp_path / "run", metrics, steps_per_epoch=20, walls=np.ones(300))
    run = read_one(tmp_path / "run")
    assert {(curve.role, curve.written): curve.values.tolist() for curve in run.curves} == {
        ("train", "train/epoch_loss"): np.float32(metrics["loss"]).tolist(),
        ("validation", "validation/epoch_loss"): np.float32(metrics["val_loss"]).tolist(),
    }
    assert all(curve.at.tolist() == list(range(300)) for curve in run.curves)


def test_a_study_of_ours_is_its_variants_with_seeds_as_members(tmp_path, event_writer):
    """tensorboard/GROUP/VARIANT/seed-N/{train,validation}."""
    for variant in ("Tiny", "Large"):
        for seed in (0, 1):
            for half in ("train", "validation"):
                event_writer(
                    tmp_path / "sizes" / variant / f"seed-{seed}" / half, "epoch_loss", {0: seed, 1: 0.5}
                )
    runs = read_logs(tmp_path).curves
    assert [(run.group, run.member) for run in runs] == [
        (str(tmp_path / "sizes" / variant), f"seed {seed}")
        for variant in ("Large", "Tiny")
        for seed in (0, 1)
    ]
    assert all([curve.role for curve in run.curves] == ["train", "validation"] for run in runs)


def test_runs_in_one_folder_stay_apart(tmp_path, event_writer):
    """The tutorial's logs/sizes/Tiny/{train,validation} and its sisters are one run each."""
    for name in ("Tiny", "Large"):
        event_writer(tmp_path / name / "train", "epoch_loss", {0: 0.5})
        event_writer(tmp_path / name / "validation", "epoch_loss", {0: 0.75})
    runs = read_logs(tmp_path).curves
    assert [run.name for run in runs] == [str(tmp_path / "Large"), str(tmp_path / "Tiny")]
    assert [[curve.role for curve in run.curves] for run in runs] == [["train", "validation"]] * 2


@pytest.mark.parametrize(
    ("folders", "home"),
    [
        (("train", "test"), ""),
        (("Training", "Eval"), ""),
        (("exp_train", "exp_val"), "exp"),
        (("train-exp", "dev-exp"), "exp"),
        (("learn", "test"), ""),
    ],
)
def test_two_writers_of_one_run_are_told_by_their_folders(tmp_path, write_tags, folders, home):
    """Side by side, named by what they measure."""
    for folder, shift in zip(folders, (0, 0.1), strict=True):
        write_tags(tmp_path / folder, {"loss": {epoch: value + shift for epoch, value in LOSSES.items()}})
    run = read_one(tmp_path)
    assert run.name == str(tmp_path / home)
    assert run.curves[0].role == "train"
    assert run.curves[1].role != "train"
    assert run.tool == ("trees" if "learn" in folders else "network")


def test_added_scalars_are_series_of_the_run_around_them(tmp_path, write_tags):
    """add_scalars('Loss/all', {'train': ..., 'val': ...}) makes a folder for each, with the main tag in it."""
    write_tags(tmp_path / "run", {"lr": LOSSES})
    for key in ("train", "val"):
        write_tags(tmp_path / "run" / f"Loss_all_{key}", {"Loss/all": LOSSES})
        write_tags(tmp_path / "run" / f"acc_{key}", {"acc": LOSSES})
    run = read_one(tmp_path)
    assert run.name == str(tmp_path / "run")
    assert sorted(values(run)) == ["Loss/all_train", "Loss/all_val", "acc_train", "acc_val", "lr"]


def test_scalars_that_tensorboardx_added_are_series_of_the_run_around_them(tmp_path, write_tags):
    """Its folders lie in each other: loss/train and loss/val, each with the tag 'loss'."""
    write_tags(tmp_path / "run", {"acc/val": LOSSES})
    for key in ("train", "val"):
        write_tags(tmp_path / "run" / "loss" / key, {"loss": LOSSES})
    run = read_one(tmp_path)
    assert run.name == str(tmp_path / "run")
    assert {curve.written: curve.role for curve in run.curves} == {
        "acc/val": "validation",
        "loss/train": "train",
        "loss/val": "validation",
    }


def test_a_lone_folder_is_a_run_whatever_it_is_called(tmp_path, write_tags):
    """Nothing is next to it that it could belong to."""
    write_tags(tmp_path / "exp_train", {"loss": LOSSES})
    assert read_one(tmp_path).name == str(tmp_path / "exp_train")


def test_a_tag_says_more_than_its_folder(tmp_path, write_tags):
    """Ultralytics calls its first run 'train'."""
    write_tags(tmp_path / "detect" / "train", {"train/box_loss": LOSSES, "val/box_loss": LOSSES})
    run = read_one(tmp_path)
    assert {curve.written: curve.role for curve in run.curves} == {
        "train/box_loss": "train",
        "val/box_loss": "validation",
    }


def test_steps_are_steps_and_know_their_epochs(tmp_path, write_tags):
    """Lightning and Hugging Face log the epoch of each step beside the rest."""
    epochs = {step: float(place) for place, step in enumerate(STEPS)}
    write_tags(tmp_path, {"train_loss": STEPS, "val_loss": STEPS, "epoch": epochs, "hp_metric": {0: -1.0}})
    run = read_one(tmp_path)
    assert sorted(values(run)) == ["train_loss", "val_loss"]
    assert (run.unit, run.epochs) == ("step", epochs)
    assert run.curves[0].at.tolist() == list(STEPS)


def test_steps_without_epochs_are_steps(tmp_path, write_tags):
    """Training by step, validation now and then."""
    write_tags(tmp_path, {"train/loss": dict.fromkeys(range(200), 0.5), "val/loss": STEPS})
    assert read_one(tmp_path).unit == "step"


def test_two_counters_in_one_log_are_taken_to_end_together(tmp_path, write_tags):
    """Training logged by step, validation by epoch: common in PyTorch programs, and said."""
    write_tags(tmp_path, {"train/loss": STEPS, "val/loss": LOSSES})
    run = read_one(tmp_path)
    assert run.unit == "epoch"
    assert run.curves[0].at[-1] == run.curves[1].at[-1] == 9
    assert run.notes == (
        "'train/loss' counts steps up to 499 and 'val/loss' epochs up to 9: they were taken to end together.",
    )


def test_a_resumed_run_goes_on_in_a_second_file(tmp_path, write_tags):
    """The later file's values replace those of the first from its first step on."""
    write_tags(tmp_path, {"train/loss": LOSSES, "val/loss": LOSSES}, name="events.out.tfevents.1")
    later = {6: 0.3, 7: 0.2}
    write_tags(tmp_path, {"train/loss": later, "val/loss": later}, name="events.out.tfevents.2", wall=2e9)
    run = read_one(tmp_path)
    expected = [*rounded(LOSSES)[:6], *rounded(later)]
    assert values(run) == {"train/loss": expected, "val/loss": expected}
    assert run.notes == (
        "Training was resumed from epoch 6: what was logged of that and later epochs before (4 epochs) was left out.",
    )


def test_a_restarted_run_is_an_attempt_of_its_own_in_all_its_folders(tmp_path, write_tags):
    """Keras writes into the same two folders again; the clock tells which files belong together."""
    for place, wall in enumerate((1e9, 2e9)):
        for half, shift in (("train", 0.0), ("validation", 0.1)):
            losses = {
                epoch: value + shift + 0.01 * place for epoch, value in list(LOSSES.items())[: 10 - 4 * place]
            }
            write_tags(
                tmp_path / half, {"epoch_loss": losses}, name=f"events.out.tfevents.{place}.v2", wall=wall
            )
    last, earlier = read_logs(tmp_path).curves
    assert [len(curve.at) for curve in last.curves] == [6, 6]
    assert [len(curve.at) for curve in earlier.curves] == [10, 10]
    assert earlier.is_earlier


def test_scalars_of_layers_and_hyperparameters_are_left_out(tmp_path, write_tags):
    """A folder of nothing else, as add_hparams makes, is no run."""
    tags = ("weights/fc1", "gradient_norm/fc1", "parameter_mean/fc1", "hparam/accuracy")
    write_tags(tmp_path / "run", {"val/loss": LOSSES, **dict.fromkeys(tags, LOSSES)})
    write_tags(tmp_path / "run" / "1668", {"hparam/accuracy": {0: 0.5}})
    assert values(read_one(tmp_path)) == {"val/loss": rounded(LOSSES)}


def test_a_record_cut_off_at_the_end_is_a_run_still_being_written(tmp_path, event_writer):
    """What came before the cut is read, and the cut is said."""
    path = event_writer(tmp_path / "run", "val_loss", {0: 0.5, 1: 0.25})
    path.write_bytes(path.read_bytes()[:-3])
    run = read_one(path)
    assert values(run) == {"val_loss": [0.5]}
    assert run.notes == (
        f"The last record of {path.name!r} is half written, as while training goes on: it was left out.",
    )


def test_damage_is_named_with_its_place(tmp_path, event_writer):
    """A flipped bit in the only record of a value is found by its checksum."""
    path = event_writer(tmp_path / "run", "val_loss", {0: 0.5})
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_logs(path)
    start = len(content) - len(content[content.rindex(b"val_loss") :])
    message = str(caught.value)
    assert message.startswith(
        f"Records of an event file must match their checksums; {str(path)!r} is damaged at byte "
    )
    assert message.endswith(" or is not an event file. Copy it again from where it was written.")
    assert 0 < int(message.split("byte ")[1].split(" ")[0]) < start


def test_values_before_damage_are_judged_and_the_damage_is_said(tmp_path, write_tags):
    """A long run is not lost for its end."""
    path = write_tags(tmp_path, {"val_loss": LOSSES})
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    run = read_one(path)
    assert values(run) == {"val_loss": rounded(LOSSES)[:-1]}
    (note,) = run.notes
    assert note.startswith("Records of an event file must match their checksums;")
    assert note.endswith(" What was read before that is judged.")


def test_a_damaged_file_costs_only_itself(tmp_path, write_tags):
    """The other runs of the folder are read, and it is said."""
    write_tags(tmp_path / "good", {"val_loss": LOSSES})
    write_tags(tmp_path / "bad", {"val_loss": LOSSES}).write_bytes(b"no event file at all")
    runs = read_logs(tmp_path)
    assert [run.name for run in runs.curves] == [str(tmp_path / "good")]
    assert len(runs.refused) == 1
    assert str(tmp_path / "bad") in runs.refused[0]


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
        assert read_logs(damaged).curves
