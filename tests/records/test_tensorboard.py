"""Event files: what TensorBoard reads from them is what Keras' own callback would have logged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from justright.errors import FolderError
from justright.records.boards.curve_files import EVENT_FILE, PARTS, append_run, is_level, write_run
from justright.records.boards.tensorboard_files import TensorBoardFiles
from justright.records.event_files import read_events
from justright.records.folder import StudyFolder
from justright.records.store import Store
from justright.runs.events import EpochBlock, RunFinished, RunKey, StackCheckpoint, VariantBuilt

KERAS = json.loads((Path(__file__).parent / "fixtures" / "keras_tensorboard.json").read_text())
RUN = RunKey("Tiny", 0, 10_000)
STUDY = {"recipe": {"batch_size": 500}, "variants": {}}
TWO_GROUPS = {"Tiny": {"group": "sizes"}, "L2": {"group": "regularizers", "baseline": "Tiny"}}


def logged(folder: Path) -> list[list[object]]:
    """Return what tools/make_keras_tensorboard.py returns, of our file."""
    found: list[list[object]] = []
    for event in read_events(folder / EVENT_FILE):
        if event.file_version:
            found.append([event.file_version])
        for value in event.summary.value:
            plugin, tensor = value.metadata.plugin_data, value.tensor
            content = tensor.string_val[0].decode() if tensor.string_val else tensor.tensor_content.hex()
            shape = [axis.size for axis in tensor.tensor_shape.dim]
            found.append(
                [
                    event.step,
                    value.tag,
                    plugin.plugin_name,
                    plugin.content.decode(),
                    tensor.dtype,
                    shape,
                    content,
                ]
            )
    return found


def seen_by_tensorboard(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return tag -> (step, value) of every scalar, as TensorBoard itself reads them."""
    reader = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    reader.Reload()
    return {
        tag: [(event.step, float(make_ndarray(event.tensor_proto))) for event in reader.Tensors(tag)]
        for tag in reader.Tags()["tensors"]
        if reader.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
    }


def expected(metrics, prefix: str, name: str, steps) -> list[tuple[int, float]]:
    """Return what TensorBoard should see of a metric: float32 values at the epochs measured."""
    pairs = zip(steps, np.float32(metrics[prefix + name]), strict=True)
    return [
        (int(step), float(value))
        for step, value in pairs
        if not (name.startswith("fixed_") and np.isnan(value))
    ]


@pytest.fixture
def curves() -> Callable[[int], dict[str, np.ndarray]]:
    """A maker of curves whose fixed-subset metrics are measured at some epochs only."""

    def make(epochs: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(epochs)
        curves = {
            name: rng.normal(size=epochs) for name in ("loss", "val_loss", "learning_rate", "fixed_accuracy")
        }
        curves["fixed_accuracy"][rng.random(epochs) < 0.7] = np.nan
        return curves

    return make


@pytest.fixture
def files(folder, store) -> TensorBoardFiles:
    """The sink, with 20 steps per epoch."""
    return TensorBoardFiles(folder, store, STUDY, full_rows=10_000)


def feed(
    store: Store, files: TensorBoardFiles, folder, metrics, first: int, last: int, run: RunKey = RUN
) -> None:
    """Let store and files handle epochs first..last - 1 as one checkpoint, as the coordinator does."""
    folder.checkpoints_path.mkdir(exist_ok=True)
    block = EpochBlock(run, first, {name: values[first:last] for name, values in metrics.items()})
    event = StackCheckpoint("stack", "checkpoints/a", last, (run,), (block,), ())
    store.handle(event)
    files.handle(event)


def test_the_same_curves_are_logged_exactly_as_keras_logs_them(tmp_path) -> None:
    """Tags, steps, plugins, types, shapes and bytes of every value equal those of Keras' own event files."""
    metrics = {name: np.array(values) for name, values in KERAS["curves"].items()}
    write_run(
        tmp_path, metrics, steps_per_epoch=KERAS["steps_per_epoch"], walls=np.ones(2), config=KERAS["config"]
    )
    for part in PARTS:
        assert sorted(logged(tmp_path / part), key=repr) == sorted(KERAS["logged"][part], key=repr)
        assert logged(tmp_path / part)[0] == ["brain.Event:2"]


def test_tensorboard_reads_the_whole_curves(tmp_path, curves) -> None:
    """Across every length of a step's number, and with metrics that are not measured at every epoch."""
    metrics = curves(900)
    write_run(tmp_path, metrics, steps_per_epoch=20, walls=np.linspace(1, 2, 900))
    epochs = np.arange(900)
    assert seen_by_tensorboard(tmp_path / "train") == {
        f"epoch_{name}": expected(metrics, "", name, epochs)
        for name in ("loss", "learning_rate", "fixed_accuracy")
    }
    assert seen_by_tensorboard(tmp_path / "validation") == {
        "epoch_loss": expected(metrics, "val_", "loss", epochs),
        "evaluation_loss_vs_iterations": expected(metrics, "val_", "loss", (epochs + 1) * 20),
    }


def test_special_values_are_written_as_keras_writes_them(tmp_path) -> None:
    """A diverged run's NaN and infinities are shown, a float64 beyond float32 as infinity; zero and its sign, too."""
    losses = np.array([np.nan, np.inf, -np.inf, 1e300, 0.0, -0.0, 1e-45])
    write_run(tmp_path, {"loss": losses}, steps_per_epoch=1, walls=np.ones(7))
    contents = [row[6] for row in logged(tmp_path / "train")[1:]]
    with np.errstate(over="ignore"):
        assert contents == [value.tobytes().hex() for value in losses.astype("<f4")]


def test_files_written_in_pieces_equal_files_written_at_once(tmp_path, curves) -> None:
    """Chunk by chunk, byte by byte, given the same wall times."""
    metrics, walls = curves(300), np.linspace(5, 6, 300)
    write_run(tmp_path / "once", metrics, steps_per_epoch=20, walls=walls)
    begun = {name: values[:1] for name, values in metrics.items()}
    write_run(tmp_path / "pieces", begun, steps_per_epoch=20, walls=walls[:1])
    for first, last in ((1, 2), (2, 130), (130, 300)):
        piece = {name: values[first:last] for name, values in metrics.items()}
        append_run(tmp_path / "pieces", piece, steps_per_epoch=20, first=first, walls=walls[first:last])
    for part in PARTS:
        pieces, once = ((tmp_path / name / part / EVENT_FILE).read_bytes() for name in ("pieces", "once"))
        assert pieces == once


def test_the_sink_keeps_files_level_with_the_store(folder, store, files, curves) -> None:
    """Checkpoint after checkpoint, for a run on all rows and one on fewer; the model is on the graph page."""
    store.handle(VariantBuilt("Tiny", 1, "", '{"class_name": "Sequential"}', ()))
    metrics, small = curves(30), RunKey("Tiny", 0, 1_000)
    for first, last in ((0, 10), (10, 11), (11, 30)):
        feed(store, files, folder, metrics, first, last)
    feed(store, files, folder, metrics, 0, 30, small)
    for name, steps in (("seed-0", 20), ("seed-0-rows-1000", 2)):
        seen = seen_by_tensorboard(folder.tensorboard_path / "Tiny" / name / "validation")
        assert seen["evaluation_loss_vs_iterations"] == expected(
            metrics, "val_", "loss", steps * np.arange(1, 31)
        )
        seen = seen_by_tensorboard(folder.tensorboard_path / "Tiny" / name / "train")
        assert seen["epoch_fixed_accuracy"] == expected(metrics, "", "fixed_accuracy", range(30))
    model = logged(folder.tensorboard_path / "Tiny" / "seed-0" / "train")[1]
    assert model == [0, "keras", "graph_keras_model", "1", 7, [], '{"class_name": "Sequential"}']


def assert_level(folder, store: Store, run: RunKey = RUN, place: str = "") -> None:
    """Check a run's event files in one place point by point against the store, as TensorBoard reads them."""
    curves = store.curves(variant=run.variant, seed=run.seed, train_rows=run.train_rows)
    metrics = {name: curves[name].to_numpy() for name in curves.columns[4:]}
    epochs = curves["epoch"].to_numpy()
    path = folder.tensorboard_path / place / run.variant / f"seed-{run.seed}"
    steps = {"epoch_loss": epochs, "evaluation_loss_vs_iterations": (epochs + 1) * 20}
    assert seen_by_tensorboard(path / "validation") == {
        tag: expected(metrics, "val_", "loss", steps[tag]) for tag in steps if len(epochs)
    }
    points = {
        f"epoch_{name}": expected(metrics, "", name, epochs)
        for name in metrics
        if not name.startswith("val_")
    }
    assert seen_by_tensorboard(path / "train") == {tag: found for tag, found in points.items() if found}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_epoch_is_in_the_files_once(tmp_path_factory, curves, data) -> None:
    """However checkpoints cut a run into blocks, whenever a new process goes on or a run starts again, in one group or in two.

    Blocks may overlap with those before, as after a lost checkpoint, and come in any order within a checkpoint; a killed
    process may have lost the tail of a file, written it twice, or stored a checkpoint that is in no file.
    """
    metrics = curves(60)
    study = STUDY | {"variants": data.draw(st.sampled_from([{}, TWO_GROUPS]), label="variants")}
    places = ("sizes", "regularizers") if study["variants"] else ("",)
    place = tmp_path_factory.mktemp("sequence")
    with StudyFolder.open(place / "study", "create") as folder, Store(folder) as store:
        epoch = 0
        files = None
        for _ in range(data.draw(st.integers(1, 5), label="checkpoints")):
            if files is None or data.draw(st.booleans(), label="new process"):
                files = TensorBoardFiles(folder, store, study, full_rows=10_000)
                harm_files(
                    folder, data.draw(st.sampled_from(["none", "tail lost", "doubled", "gone"]), label="harm")
                )
            epoch = data.draw(st.integers(0, epoch), label="start")
            blocks = []
            for length in data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3), label="blocks"):
                block = {name: values[epoch : epoch + length] for name, values in metrics.items()}
                blocks.append(EpochBlock(RUN, epoch, block))
                epoch += length
            blocks = data.draw(st.permutations(blocks), label="order")
            event = StackCheckpoint("stack", "checkpoints/a", epoch, (RUN,), tuple(blocks), ())
            store.handle(event)
            if data.draw(st.integers(0, 4), label="killed between") == 0:
                files = None
                continue
            files.handle(event)
            for place in places:
                assert_level(folder, store, place=place)
            assert files.mend() == []
        again = TensorBoardFiles(folder, store, study, full_rows=10_000)
        mended = again.mend()
        assert files is None or mended == []
        for place in places:
            assert_level(folder, store, place=place)


def harm_files(folder, harm: str) -> None:
    """Do to all event files what a killed process, or an earlier version, left of them."""
    for path in list(folder.tensorboard_path.rglob(EVENT_FILE)):
        content = path.read_bytes()
        if harm == "gone":
            path.unlink()
        elif harm != "none":
            path.write_bytes(content[: len(content) * 2 // 3] if harm == "tail lost" else content * 2)


def test_a_run_that_failed_has_no_epochs_in_its_files(folder, store, files, curves) -> None:
    """The store forgets the epochs of a run whose worker died twice, and so do the files."""
    feed(store, files, folder, curves(20), 0, 10)
    failed = RunFinished(RUN, "failed", "It died.", 0, None, 0.0, {}, {}, {}, {})
    event = StackCheckpoint("stack", "checkpoints/b", 0, (), (), (failed,))
    store.handle(event)
    files.handle(event)
    assert len(store.curves()) == 0
    assert_level(folder, store)
    assert files.mend() == []


def test_losses_that_never_were_a_number_stay_in_the_files(folder, store, files) -> None:
    """A run that diverged in its first epoch: its NaN is shown, before and after its files are rewritten."""
    metrics = {name: np.full(1, np.nan) for name in ("loss", "val_loss")}
    last = dict.fromkeys(metrics, np.nan)
    diverged = RunFinished(RUN, "diverged", "It left the numbers.", 1, None, 0.0, {}, last, {}, {})
    event = StackCheckpoint("s", "checkpoints/a", 1, (RUN,), (EpochBlock(RUN, 0, metrics),), (diverged,))
    store.handle(event)
    files.handle(event)
    seen = seen_by_tensorboard(folder.tensorboard_path / "Tiny" / "seed-0" / "validation")
    np.testing.assert_equal(seen["epoch_loss"], [(0, np.nan)])
    assert files.mend() == []


def test_a_resumed_run_has_each_epoch_once(folder, store, files, curves) -> None:
    """A new process rewrites what the killed one left: a torn record, or epochs the store never took."""
    metrics = curves(20)
    feed(store, files, folder, metrics, 0, 10)
    for part in PARTS:
        path = folder.tensorboard_path / "Tiny" / "seed-0" / part / EVENT_FILE
        path.write_bytes(path.read_bytes() + path.read_bytes()[:-7])
    resumed = TensorBoardFiles(folder, store, STUDY, full_rows=10_000)
    feed(store, resumed, folder, metrics, 10, 20)
    seen = seen_by_tensorboard(folder.tensorboard_path / "Tiny" / "seed-0" / "train")
    assert seen["epoch_loss"] == expected(metrics, "", "loss", range(20))


def test_a_clock_set_back_loses_nothing(folder, store, files, curves, monkeypatch) -> None:
    """By a day, in the middle of a run: every epoch is there once, in the order of steps, and time stands still."""
    metrics = curves(20)
    feed(store, files, folder, metrics, 0, 10)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86_400.0)
    feed(store, files, folder, metrics, 10, 20)
    path = folder.tensorboard_path / "Tiny" / "seed-0" / "train"
    assert seen_by_tensorboard(path)["epoch_loss"] == expected(metrics, "", "loss", range(20))
    walls = [event.wall_time for event in read_events(path / EVENT_FILE)]
    assert walls == sorted(walls)
    assert [record.epochs for record in store.runs()] == [20]
    store.note("one", "first")
    store.note("two", "second")
    assert [note.kind for note in store.notes()] == ["one", "two"]


def test_a_file_removed_while_training_is_written_anew(folder, store, files, curves) -> None:
    """Somebody cleaned up; the whole curve is back at the next checkpoint."""
    metrics = curves(20)
    feed(store, files, folder, metrics, 0, 10)
    (folder.tensorboard_path / "Tiny" / "seed-0" / "train" / EVENT_FILE).unlink()
    feed(store, files, folder, metrics, 10, 20)
    seen = seen_by_tensorboard(folder.tensorboard_path / "Tiny" / "seed-0" / "train")
    assert seen["epoch_loss"] == expected(metrics, "", "loss", range(20))


@pytest.mark.parametrize(
    "harm",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:5],
        lambda content: content[: len(content) // 2] + b"\0" + content[len(content) // 2 + 1 :],
        lambda content: b"\xff" * len(content),
        lambda content: content + content[len(content) // 2 :],
        lambda content: content * 2,
        lambda content: content + content[:30],
        None,
    ],
    ids=["empty", "torn", "header only", "changed", "garbage", "half again", "doubled", "begun", "missing"],
)
def test_damaged_event_files_are_named_and_mended(folder, store, files, curves, harm) -> None:
    """Of two runs, only the damaged one's files are rewritten; a second check finds nothing."""
    metrics, other = curves(20), RunKey("Tiny", 1, 10_000)
    feed(store, files, folder, metrics, 0, 20)
    feed(store, files, folder, metrics, 0, 20, other)
    path = folder.tensorboard_path / "Tiny" / "seed-1" / "validation" / EVENT_FILE
    if harm is None:
        path.unlink()
    else:
        path.write_bytes(harm(path.read_bytes()))
    assert files.mend() == ["tensorboard/Tiny/seed-1"]
    assert files.mend() == []
    assert is_level(path.parents[1], epochs=20, steps_per_epoch=20)
    assert seen_by_tensorboard(path.parent)["epoch_loss"] == expected(metrics, "val_", "loss", range(20))


def test_files_behind_the_store_are_mended(folder, store, files, curves) -> None:
    """As when the process was killed between storing a run's last epochs and appending them."""
    metrics = curves(20)
    feed(store, files, folder, metrics, 0, 19)
    last = {name: values[19:] for name, values in metrics.items()}
    store.handle(StackCheckpoint("stack", "checkpoints/a", 20, (RUN,), (EpochBlock(RUN, 19, last),), ()))
    assert files.mend() == ["tensorboard/Tiny/seed-0"]


def test_metrics_of_other_runs_are_not_logged(folder, store, files) -> None:
    """A metric that only another variant has adds no column of zeros or NaN here."""
    other = RunKey("Large", 0, 10_000)
    feed(store, files, folder, {"loss": np.ones(2), "auc": np.ones(2)}, 0, 2, other)
    feed(store, files, folder, {"loss": np.ones(2)}, 0, 2)
    assert set(seen_by_tensorboard(folder.tensorboard_path / "Tiny" / "seed-0" / "train")) == {"epoch_loss"}


def test_events_other_than_checkpoints_write_nothing(folder, files) -> None:
    """Keras would not, either."""
    files.handle(VariantBuilt("Tiny", 1, "", "", ()))
    assert not folder.tensorboard_path.exists()


def test_a_name_that_leaves_the_folder_is_refused(folder, store, files) -> None:
    """Whatever a database says."""
    with pytest.raises(FolderError, match=r"^A name inside a study folder must be one plain file name"):
        feed(store, files, folder, {"loss": np.ones(1)}, 0, 1, RunKey("../x", 0, 1))
