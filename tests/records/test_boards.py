"""Event files in groups: which folders show a variant, files with several names, and what stands beside curves."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from justright.records.boards.curve_files import EVENT_FILE, write_run
from justright.records.boards.groups import group_folder, groups_of
from justright.records.boards.hyperparameters import hyperparameters, metric_tags
from justright.records.boards.run_summaries import END_FILE, START_FILE
from justright.records.boards.shared_files import append_shared, are_ours, one_name_each, write_shared
from justright.records.boards.study_summaries import STUDY_FILE, VERDICT_FILE
from justright.records.boards.tensorboard_files import WHOLE_STUDY, TensorBoardFiles
from justright.records.event_files import read_events
from justright.runs.events import EpochBlock, RunFinished, RunKey, RunMeasured, StackCheckpoint, VariantBuilt
from justright.study.studies import named_study

RUN = RunKey("Tiny", 0, 10_000)
STUDY = {
    "name": "tutorial",
    "seeds": [0],
    "recipe": {"batch_size": 500},
    "variants": {
        "Tiny": {"group": "sizes"},
        "Large": {"group": "sizes"},
        "L2": {"group": "regularizers", "baseline": "Large"},
    },
}
PLACES = ("sizes/Tiny/seed-0", "regularizers/Tiny/seed-0")


@pytest.fixture
def files(folder, store) -> TensorBoardFiles:
    """The sink of a study whose variant Tiny stands in two groups."""
    return TensorBoardFiles(folder, store, STUDY, full_rows=10_000)


def block(first: int, last: int) -> EpochBlock:
    """Epochs of a falling loss."""
    losses = 1 / (1 + np.arange(first, last))
    return EpochBlock(RUN, first, {"loss": losses, "val_loss": losses + 0.5})


def train(folder, store, files, first: int, last: int, *, ends: bool = False) -> None:
    """Let store and files handle a checkpoint, as the coordinator does."""
    folder.checkpoints_path.mkdir(exist_ok=True)
    best = {"loss": 0.1, "val_loss": 0.5, "learning_rate": 0.001, "fixed_accuracy": float("nan")}
    end = RunFinished(RUN, "finished", "", last, last - 1, 1.0, best, best, {"loss": 0.25}, {"loss": 0.5})
    event = StackCheckpoint("stack", "checkpoints/a", last, (RUN,), (block(first, last),), (end,) * ends)
    store.handle(event)
    files.handle(event)


def seen(path: Path, tag: str) -> list[tuple[int, float]]:
    """Return the points of a scalar as TensorBoard reads a folder."""
    return points(reader_of(path), tag)


def reader_of(path: Path) -> EventAccumulator:
    """Return TensorBoard's own reader of a folder, which has read what is there."""
    reader = EventAccumulator(str(path), size_guidance={"tensors": 0})
    reader.Reload()
    return reader


def points(reader: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    """Return the points of a scalar that a reader has found so far."""
    return [
        (event.step, float(np.frombuffer(event.tensor_proto.tensor_content, "<f4")[0]))
        for event in reader.Tensors(tag)
    ]


def tags(path: Path) -> dict[str, int]:
    """Return tag -> number of points in a file."""
    found: dict[str, int] = {}
    for event in read_events(path):
        for value in event.summary.value:
            found[value.tag] = found.get(value.tag, 0) + 1
    return found


def inodes(folder) -> dict[str, int]:
    """Return event file -> which file of the disk it is a name of."""
    top = folder.tensorboard_path
    return {path.relative_to(top).as_posix(): path.stat().st_ino for path in sorted(top.rglob("events.*"))}


def expected(epochs: int) -> list[tuple[int, float]]:
    """Return the training losses of `block`."""
    return [(epoch, float(np.float32(1 / (1 + epoch)))) for epoch in range(epochs)]


def test_the_tutorial_shows_its_groups_as_tensorflows_does() -> None:
    """Tiny is the baseline of both; Large is what the regularizers change."""
    variants = {
        one.name: {"group": one.group, "baseline": one.baseline} for one in named_study("tutorial").variants
    }
    assert groups_of(variants) == {
        "Tiny": ("sizes", "regularizers"),
        "Small": ("sizes",),
        "Medium": ("sizes",),
        "Large": ("sizes", "regularizers"),
        "L2": ("regularizers",),
        "Dropout": ("regularizers",),
        "Combined": ("regularizers",),
    }


@pytest.mark.parametrize(
    ("variants", "groups"),
    [
        ({"Net": {}}, {"Net": ("",)}),
        (
            {"Net": {}, "Wider": {"group": "near", "baseline": "Net"}},
            {"Net": ("", "near"), "Wider": ("near",)},
        ),
        ({"A": {"group": "Near"}, "B": {"group": "near", "baseline": "A"}}, {"A": ("Near",), "B": ("Near",)}),
        ({"A": {"group": "x"}, "B": {"group": "x", "baseline": "A"}}, {"A": ("x",), "B": ("x",)}),
        ({"A": {"group": "x", "baseline": "gone"}}, {"A": ("x",)}),
    ],
    ids=["no group", "a baseline without one", "case alone", "one group", "a baseline that is missing"],
)
def test_a_variant_stands_in_its_group_and_in_those_that_change_it(variants, groups) -> None:
    """And nowhere twice."""
    assert groups_of(variants) == groups


@pytest.mark.parametrize("group", ["a/b", "..", "../up", "C:\\x", "a\0b", "\n", "x" * 300, "é" * 300, " . "])
def test_a_group_of_any_name_has_a_folder_inside(folder, group) -> None:
    """A group is any text, in a study file from anybody."""
    path = folder.tensorboard_run_path(RUN, full_rows=1, group=group_folder(group))
    path.mkdir(parents=True)
    assert path.resolve().is_relative_to(folder.tensorboard_path.resolve())


def test_every_epoch_is_in_each_group_once_and_on_the_disk_once(folder, store, files) -> None:
    """Checkpoint after checkpoint, also when a new process goes on."""
    train(folder, store, files, 0, 4)
    train(folder, store, files, 4, 10)
    again = TensorBoardFiles(folder, store, STUDY, full_rows=10_000)
    train(folder, store, again, 10, 12)
    train(folder, store, again, 12, 20, ends=True)
    for place in PLACES:
        assert seen(folder.tensorboard_path / place / "train", "epoch_loss") == expected(20)
    one, other = (
        {path.name: path.stat().st_ino for path in folder.tensorboard_path.joinpath(place).rglob("events.*")}
        for place in PLACES
    )
    assert one == other
    assert again.mend() == []


def test_a_running_tensorboard_sees_each_checkpoint(folder, store, files) -> None:
    """The same reader goes on where it was, under both names, and finds how the run ended."""
    train(folder, store, files, 0, 4)
    curves = [reader_of(folder.tensorboard_path / place / "train") for place in PLACES]
    ends = reader_of(folder.tensorboard_path / PLACES[1])
    for first, last in ((4, 9), (9, 20)):
        assert [points(reader, "epoch_loss") for reader in curves] == [expected(first)] * 2
        assert "run_best/val_loss" not in ends.Tags()["tensors"]
        train(folder, store, files, first, last, ends=last == 20)
        for reader in (*curves, ends):
            reader.Reload()
    assert [points(reader, "epoch_loss") for reader in curves] == [expected(20)] * 2
    assert points(ends, "run_best/val_loss") == [(19, 0.5)]


def test_curves_come_before_what_was_best() -> None:
    """TensorBoard sorts tags; single points, which hyperparameters are compared by, are not what people look for first."""
    tags = metric_tags({"task": "binary", "parts": {"test": 1}})
    assert min("epoch_loss", *tags) == "epoch_loss"


def test_a_running_tensorboard_sees_a_study_go_on(folder, store, files) -> None:
    """A new process appends to the files of the one before, which a reader may have open, if they are whole."""
    train(folder, store, files, 0, 4)
    curves = [reader_of(folder.tensorboard_path / place / "train") for place in PLACES]
    again = TensorBoardFiles(folder, store, STUDY, full_rows=10_000)
    before = inodes(folder)
    train(folder, store, again, 4, 9)
    assert inodes(folder) == before
    for reader in curves:
        reader.Reload()
        assert points(reader, "epoch_loss") == expected(9)
    walls = [
        event.wall_time for event in read_events(folder.tensorboard_path / PLACES[0] / "train" / EVENT_FILE)
    ]
    assert walls == sorted(walls)


@pytest.mark.parametrize("harm", ["one name gone", "one name damaged", "copied", "both damaged"])
def test_files_of_two_groups_are_mended(folder, store, files, harm) -> None:
    """A copy of the folder may hold two files where there was one: that is no damage."""
    train(folder, store, files, 0, 20, ends=True)
    first, second = (folder.tensorboard_path / place / "train" / EVENT_FILE for place in PLACES)
    content = first.read_bytes()
    if harm != "both damaged":
        second.unlink()
    if harm == "copied":
        second.write_bytes(content)
    elif harm != "one name gone":
        second.write_bytes(content[:-3])
    assert files.mend() == ([] if harm == "copied" else ["tensorboard/sizes/Tiny/seed-0"])
    assert files.mend() == []
    for place in PLACES:
        assert seen(folder.tensorboard_path / place / "train", "epoch_loss") == expected(20)


def test_a_file_with_a_name_elsewhere_is_replaced_not_changed(folder, store, files, tmp_path) -> None:
    """A stranger's folder may hold a hard link to a file of mine."""
    train(folder, store, files, 0, 4)
    mine = tmp_path / "mine"
    mine.hardlink_to(folder.tensorboard_path / PLACES[0] / "train" / EVENT_FILE)
    before = mine.read_bytes()
    train(folder, store, files, 4, 20)
    assert mine.read_bytes() == before
    for place in PLACES:
        assert seen(folder.tensorboard_path / place / "train", "epoch_loss") == expected(20)


def test_without_hard_links_each_group_has_a_file(folder, store, files, monkeypatch) -> None:
    """As on FAT: the same points under each name, appended to both."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    train(folder, store, files, 0, 4)
    train(folder, store, files, 4, 20, ends=True)
    for place in PLACES:
        path = folder.tensorboard_path / place / "train"
        assert seen(path, "epoch_loss") == expected(20)
        assert (path / EVENT_FILE).stat().st_nlink == 1
    assert files.mend() == []


def test_appending_counts_names(tmp_path) -> None:
    """Each file gets the bytes once, however many of its names are given; a name that is not given is noticed."""
    paths = [tmp_path / name / "file" for name in "abc"]
    write_shared(paths, b"one")
    assert are_ours(paths)
    append_shared(paths, b" two")
    assert {path.read_bytes() for path in paths} == {b"one two"}
    assert not are_ours(paths[:2])
    assert not are_ours([*paths, tmp_path / "missing"])


def test_a_file_with_several_names_is_read_once(tmp_path) -> None:
    """Under the first of them; names of no file are all kept, so that whoever reads them notices."""
    paths = [tmp_path / name / "file" for name in "abc"]
    write_shared(paths[:2], b"one")
    assert one_name_each(paths) == [paths[0], paths[2]]
    write_shared(paths[2:], b"one")
    assert one_name_each(paths) == [paths[0], paths[2]]


def test_the_files_of_a_run_say_how_it_began_and_ended(folder, store, files) -> None:
    """The end is there when the run has ended, without metrics that were not measured; the study's file from the start."""
    train(folder, store, files, 0, 4)
    place = folder.tensorboard_path / PLACES[0]
    assert tags(place / START_FILE) == {"_hparams_/session_start_info": 1}
    assert not (place / END_FILE).exists()
    assert tags(folder.tensorboard_path / STUDY_FILE) == {"_hparams_/experiment": 1}
    train(folder, store, files, 4, 6, ends=True)
    assert list(tags(place / END_FILE)) == [
        *("run_best/loss", "run_best/val_loss", "run_best/epoch", "test/loss"),
        "_hparams_/session_end_info",
    ]


def test_other_test_rows_change_how_a_run_ended(folder, store, files) -> None:
    """And nothing else."""
    train(folder, store, files, 0, 4, ends=True)
    place = folder.tensorboard_path / PLACES[1]
    start = (place / START_FILE).stat().st_ino
    measured = RunMeasured(RUN, {"loss": 0.75}, {"loss": 1.0}, ())
    store.handle(measured)
    files.handle(measured)
    assert seen(place, "test/loss") == [(3, 0.75)]
    assert (place / START_FILE).stat().st_ino == start


def test_a_run_that_goes_on_has_not_ended(folder, store, files) -> None:
    """More epochs were asked for: what was its end is removed until it has another one."""
    train(folder, store, files, 0, 4, ends=True)
    store.extend_run(RUN)
    again = TensorBoardFiles(folder, store, STUDY, full_rows=10_000)
    train(folder, store, again, 4, 6)
    place = folder.tensorboard_path / PLACES[1]
    assert not (place / END_FILE).exists()
    train(folder, store, again, 6, 8, ends=True)
    assert seen(place, "run_best/epoch") == [(7, 7.0)]


def test_files_of_an_earlier_version_move(folder, store, files) -> None:
    """It had no groups: the same curves are shown once, in their groups; files of others stay."""
    train(folder, store, files, 0, 4, ends=True)
    former = folder.tensorboard_path / "Tiny" / "seed-0"
    losses = {"loss": np.ones(4), "val_loss": np.ones(4)}
    write_run(former, losses, steps_per_epoch=20, walls=np.arange(1.0, 5.0))
    notes = folder.tensorboard_path / "mine" / "events.out.tfevents.1.host"
    notes.parent.mkdir()
    notes.touch()
    assert files.mend() == []
    assert not former.parent.exists()
    assert notes.exists()
    assert seen(folder.tensorboard_path / PLACES[0] / "train", "epoch_loss") == expected(4)


def verdicts(folder) -> list[tuple[str, int, str]]:
    """Return tag, step and text of each verdict in the study's file."""
    return [
        (value.tag, event.step, value.tensor.string_val[0].decode())
        for event in read_events(folder.tensorboard_path / VERDICT_FILE, most_bytes=1 << 20)
        for value in event.summary.value
    ]


def test_a_verdict_follows_the_one_before(folder, store, files) -> None:
    """A running TensorBoard sees each; what has not changed is not said twice."""
    train(folder, store, files, 0, 4, ends=True)
    long = "overfits, " + "since " * 1_000
    files.write_verdicts({WHOLE_STUDY: "one is undecided", "Tiny": "undecided"})
    reader = reader_of(folder.tensorboard_path)
    files.write_verdicts({WHOLE_STUDY: "one is undecided", "Tiny": "undecided"})
    files.write_verdicts({WHOLE_STUDY: "one is undecided", "Tiny": long, "Large": "underfits"})
    assert verdicts(folder) == [
        ("verdict", 0, "one is undecided"),
        ("verdict/Tiny", 0, "undecided"),
        ("verdict/Tiny", 1, long),
        ("verdict/Large", 0, "underfits"),
    ]
    reader.Reload()
    assert [event.step for event in reader.Tensors("verdict/Tiny")] == [0, 1]
    assert files.mend() == []


@pytest.mark.parametrize("harm", ["cut", "changed", "doubled", "another's", "gone"])
def test_damaged_verdicts_begin_anew(folder, store, files, harm) -> None:
    """All of them; and what is behind a hard link elsewhere stays."""
    train(folder, store, files, 0, 4, ends=True)
    files.write_verdicts({"Tiny": "undecided", "Large": "underfits"})
    path, mine = folder.tensorboard_path / VERDICT_FILE, folder.path.parent / "mine"
    content = path.read_bytes()
    if harm == "another's":
        mine.hardlink_to(path)
    elif harm == "gone":
        path.unlink()
    else:
        harmed = {"cut": content[:-3], "changed": content[:-9] + b"?" + content[-8:], "doubled": content * 2}
        path.write_bytes(harmed[harm])
    files.write_verdicts({"Tiny": "overfits", "Large": "underfits"})
    assert verdicts(folder) == [("verdict/Tiny", 0, "overfits"), ("verdict/Large", 0, "underfits")]
    assert not mine.exists() or mine.read_bytes() == content


def test_hyperparameters_of_a_model_of_ones_own_are_read_from_keras_description() -> None:
    """Where the study file names no units: those of its dense layers, without the last."""
    layers = [{"class_name": "Dense", "config": {"units": units}} for units in (32, 8, 1)]
    layers[0]["config"]["kernel_regularizer"] = {"class_name": "L2", "config": {"l2": 0.01}}
    config = str({"config": {"layers": layers}}).replace("'", '"')
    study = {
        "recipe": {"optimizer": {"class_name": "SGD", "config": {"learning_rate": 0.5}}, "mixup": 0.2},
        "variants": {"Mine": {"builder": "mine:net"}},
    }
    built = VariantBuilt("Mine", 7, "", config, ())
    assert hyperparameters(RunKey("Mine", 3, 50), study, built) == {
        "variant": "Mine",
        "family": "mine:net",
        "units": "32, 8",
        "parameters": 7,
        "regularizers": "l2 0.01, mixup 0.2",
        "l1": 0.0,
        "l2": 0.01,
        "dropout": 0.0,
        "optimizer": "SGD",
        "schedule": "constant",
        "learning_rate": 0.5,
        "seed": 3,
        "train_rows": 50,
    }


def test_what_is_not_known_of_a_model_is_left_out() -> None:
    """Keras could not describe it."""
    built = VariantBuilt("Mine", 7, "", "", ())
    assert hyperparameters(RunKey("Mine", 3, 50), {"variants": {}}, built) == {
        "variant": "Mine",
        "family": "Keras model",
        "parameters": 7,
        "seed": 3,
        "train_rows": 50,
    }
