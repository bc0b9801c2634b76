"""The database: what is stored comes back, whole transactions or nothing, and clear words when it cannot."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from justright.errors import FolderError
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.folder import StudyFolder
from justright.records.reader import CheckpointRecord, RunRecord, StoreReader
from justright.records.store import Division, Store
from justright.runs.events import (
    EpochBlock,
    RunFinished,
    RunKey,
    RunStarted,
    StackCheckpoint,
    StackProgress,
    VariantBuilt,
    WorkersTried,
)

RUN = RunKey("Tiny", 0, 10_000)
OTHER = RunKey("Tiny", 1, 10_000)

# Writes checkpoint after checkpoint, each with one more epoch, until it is killed; says each number once it is stored.
WRITE_FOREVER = """
import sys
import numpy as np
from justright.runs.events import EpochBlock, RunKey, StackCheckpoint
from justright.records.folder import StudyFolder
from justright.records.store import Store
run = RunKey("Tiny", 0, 10_000)
folder = StudyFolder.open(sys.argv[1], "create")
store = Store(folder)
folder.checkpoints_path.mkdir()
epoch = 0
while True:
    (folder.checkpoints_path / f"{epoch}").write_bytes(b"")
    block = EpochBlock(run, epoch, {"loss": np.array([1 / (1 + epoch)])})
    store.handle(StackCheckpoint("stack", f"checkpoints/{epoch}", epoch + 1, (run,), (block,), ()))
    print(epoch, flush=True)
    epoch += 1
"""


def test_a_checkpoint_with_blocks_and_an_ended_run_comes_back(store, block, finished, checkpoint) -> None:
    """Runs, curves, row losses, the checkpoint's name: every value, NaN and infinities included."""
    store.handle(RunStarted(RUN, 0, "worker-1"))
    ended = finished()
    store.handle(checkpoint("a", blocks=(block(), block(OTHER)), finished=(ended,), lanes=(OTHER,)))
    first, second = store.runs()
    assert [repr(store.run(one.run)) for one in (first, second)] == [repr(first), repr(second)]
    assert repr(first) == repr(
        RunRecord(
            run=RUN,
            worker="worker-1",
            outcome="finished",
            reason="It reached the limit.",
            epochs=5,
            best_epoch=3,
            train_seconds=1.5,
            best={"loss": 0.1, "val_loss": math.nan},
            last={"loss": math.inf},
            test={"loss": 0.25},
            test_last={"loss": 0.5},
            model_path="models/Tiny/seed-0.keras",
        )
    )
    assert second == RunRecord(OTHER, "", None, "", 5, None, None, {}, {}, {}, {}, None)
    assert (first.is_ended, second.is_ended) == (True, False)
    assert store.checkpoints() == [CheckpointRecord("stack-0", "checkpoints/a", 5, (OTHER,))]
    assert {kind: list(store.row_losses(RUN, kind)) for kind in ("validation", "fixed", "test")} == {
        "validation": [0],
        "fixed": [],
        "test": [4],
    }
    np.testing.assert_array_equal(store.row_losses(RUN, "validation")[0], np.float32([0, np.nan, np.inf]))
    assert store.row_losses(RUN, "test")[4].dtype == np.float32


def test_curves_are_sorted_and_hold_every_metric(store, block, checkpoint) -> None:
    """Sorted by variant, seed, rows and epoch whatever the order of arrival; NaN where not measured."""
    small = RunKey("Tiny", 0, 500)
    big = RunKey("Large", 7, 10_000)
    blocks = (
        block(OTHER),
        block(RUN, first=5),
        block(RUN),
        EpochBlock(big, 0, {"val_auc": np.array([0.5])}),
        block(small, epochs=1),
    )
    store.handle(checkpoint("a", blocks=blocks))
    curves = store.curves()
    assert curves.columns == [
        *("variant", "seed", "train_rows", "epoch"),
        *("loss", "val_loss", "fixed_accuracy", "learning_rate", "val_auc"),
    ]
    assert curves.dtypes == [polars.String, *[polars.Int64] * 3, *[polars.Float64] * 5]
    keys = [("Large", 7, 10_000, 0), ("Tiny", 0, 500, 0)]
    keys += [("Tiny", 0, 10_000, epoch) for epoch in range(10)] + [
        ("Tiny", 1, 10_000, epoch) for epoch in range(5)
    ]
    assert curves.select("variant", "seed", "train_rows", "epoch").rows() == keys
    mine = store.curves(variant="Tiny", seed=0, train_rows=10_000)
    expected = block(RUN, epochs=10).metrics
    for name, values in expected.items():
        np.testing.assert_array_equal(mine[name].to_numpy(), values)
    assert mine["val_auc"].is_nan().all()
    assert mine.null_count().sum_horizontal().item() == 0


def test_first_epochs_and_the_rows_of_one_epoch_are_read_alone(store, block, checkpoint) -> None:
    """Two blocks of five epochs, each with the row losses of its first epoch."""
    store.handle(checkpoint("a", blocks=(block(), block(first=5)), finished=(), lanes=(RUN,)))
    every, first = store.curves(), store.curves(epochs=1)
    assert first.equals(every.head(1))
    assert list(store.row_losses(RUN, "validation")) == [0, 5]
    alone = store.row_losses(RUN, "validation", epoch=5)
    assert list(alone) == [5]
    np.testing.assert_array_equal(alone[5], store.row_losses(RUN, "validation")[5])
    assert store.row_losses(RUN, "validation", epoch=4) == {}


def test_an_empty_study_has_empty_curves(store) -> None:
    """The columns are there, and their types."""
    assert store.curves().schema == {
        "variant": polars.String,
        "seed": polars.Int64,
        "train_rows": polars.Int64,
        "epoch": polars.Int64,
    }
    assert (store.runs(), store.checkpoints(), store.reference()) == ([], [], {})


def test_epochs_delivered_again_replace_those_recorded(store, block, checkpoint) -> None:
    """After a resume the same epochs arrive once more; nothing doubles."""
    store.handle(checkpoint("a", blocks=(block(epochs=8),)))
    store.handle(checkpoint("b", blocks=(block(first=4, epochs=6, shift=1.0),)))
    mine = store.curves()
    assert mine["epoch"].to_list() == list(range(10))
    old, new = block(epochs=10).metrics["loss"], block(epochs=10, shift=1.0).metrics["loss"]
    np.testing.assert_array_equal(mine["loss"].to_numpy(), np.concatenate([old[:4], new[4:]]))


def test_a_run_that_ends_sooner_the_second_time_leaves_nothing_behind(
    store, block, finished, checkpoint
) -> None:
    """Epochs and row losses beyond the end are of an attempt that no longer counts."""
    store.handle(checkpoint("a", blocks=(block(epochs=8), block(first=8))))
    store.handle(finished(epochs=6))
    assert store.curves()["epoch"].to_list() == list(range(6))
    assert list(store.row_losses(RUN, "validation")) == [0]


def test_the_checkpoint_before_is_removed_after_the_new_one_is_recorded(store, folder, checkpoint) -> None:
    """One current file a stack; when the last lane is done, none and no row."""
    store.handle(checkpoint("a"))
    store.handle(checkpoint("b"))
    assert [path.name for path in folder.checkpoints_path.iterdir()] == ["b"]
    store.handle(checkpoint("c", lanes=()))
    assert list(folder.checkpoints_path.iterdir()) == []
    assert store.checkpoints() == []


def test_a_checkpoint_that_fails_is_not_recorded_in_part(
    store, folder, block, checkpoint, monkeypatch
) -> None:
    """Blocks, ended runs and the checkpoint's name are one transaction: an error at its end undoes all of it."""
    store.handle(checkpoint("a", blocks=(block(),)))
    before = store.curves()

    def fail(*_: object) -> None:
        raise RuntimeError("half way")

    monkeypatch.setattr(Store, "_put_finished", fail)
    with pytest.raises(RuntimeError, match=r"^half way$"):
        store.handle(checkpoint("b", blocks=(block(first=5), block(OTHER)), finished=(None,)))
    assert store.curves().equals(before)
    assert [record.run for record in store.runs()] == [RUN]
    assert store.checkpoints() == [CheckpointRecord("stack-0", "checkpoints/a", 5, (RUN,))]
    assert sorted(path.name for path in folder.checkpoints_path.iterdir()) == ["a", "b"]


def test_checkpoint_files_nobody_recorded_are_removed_when_the_store_opens(store, folder, checkpoint) -> None:
    """A process killed between writing a file and recording it leaves the file, not its promise."""
    store.handle(checkpoint("a"))
    checkpoint("never-recorded")
    store.close()
    with Store(folder):
        assert [path.name for path in folder.checkpoints_path.iterdir()] == ["a"]


def test_kill_9_loses_nothing_that_was_recorded(tmp_path) -> None:
    """A writer killed at full speed: what it said was stored is there, checkpoint and curve agree, more can be added."""
    path = tmp_path / "study"
    command = [sys.executable, "-c", WRITE_FOREVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        said = [int(writer.stdout.readline()) for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        said += [int(line) for line in writer.stdout.read().splitlines()]
    assert (path / "study.db-wal").stat().st_size > 0
    with StudyFolder.open(path) as folder, StoreReader(folder) as reader:
        read = reader.curves()
    with StudyFolder.open(path, "resume") as folder, Store(folder) as store:
        curves, (current,) = store.curves(), store.checkpoints()
        assert read.equals(curves)
        assert curves["epoch"].to_list() == list(range(current.epoch))
        assert curves["loss"].to_list() == [1 / (1 + epoch) for epoch in range(current.epoch)]
        assert current.epoch in (said[-1] + 1, said[-1] + 2)  # the last one may have been stored but not said
        assert [file.name for file in folder.checkpoints_path.iterdir()] == [str(current.epoch - 1)]
        store.handle(StackCheckpoint("stack", current.path, current.epoch, current.lanes, (), ()))


def test_variants_come_back_in_the_order_built(store) -> None:
    """Layers as tuples; a variant built again is replaced in place."""
    built = VariantBuilt("Tiny", 481, "Model: ...", "{}", (("dense", "Dense", "(None, 16)", 464),))
    other = VariantBuilt("Large", 1, "", "", ())
    for event in (built, other, built):
        store.handle(event)
    assert store.variants() == [built, other]


def test_progress_is_not_stored(store) -> None:
    """Progress is only for the live view."""
    store.handle(StackProgress("stack-0", (RUN,), 3, 1.0, {RUN: {"loss": 1.0}}, {RUN: 0}))
    assert (store.runs(), store.notes()) == ([], [])


def test_meta_judgement_and_reference_come_back(store) -> None:
    """Plain values, replaced as a whole; what JSON lacks becomes None."""
    store.set_meta("versions", {"jax": "0.10.2"})
    store.set_meta("versions", {"jax": "0.10.3", "low": math.nan})
    assert store.get_meta("versions") == {"jax": "0.10.3", "low": None}
    assert (store.get_meta("absent"), store.get_meta("absent", 3)) == (None, 3)
    store.set_meta("judgement", {"effects": [{"difference": np.float64(0.5)}]})
    assert store.get_meta("judgement") == {"effects": [{"difference": 0.5}]}
    losses = np.float32([0.25, np.nan])
    store.write_reference("boosted trees", {"test": np.float32([1]), "validation": losses})
    store.write_reference("boosted trees", {"test": losses})
    np.testing.assert_equal(store.reference(), {"boosted trees": {"test": losses}})


def test_the_diary_says_what_happened(store, finished) -> None:
    """Runs' beginnings and ends, and notes, in order."""
    store.handle(RunStarted(RUN, 3, "worker-1"))
    store.note("retry", "The worker was killed.")
    store.handle(finished())
    assert [(note.kind, note.text) for note in store.notes()] == [
        ("run started", "Tiny, seed 0, 10000 rows: from epoch 3 on worker-1"),
        ("retry", "The worker was killed."),
        ("run ended", "Tiny, seed 0, 10000 rows: finished after 5 epochs. It reached the limit."),
    ]
    assert [note.is_routine for note in store.notes()] == [True, False, True]


def test_an_extended_run_keeps_its_curve_and_is_open_again(store, block, finished, checkpoint) -> None:
    """More epochs go on from what is there."""
    store.handle(checkpoint("a", blocks=(block(),), finished=(finished(),)))
    store.extend_run(RUN)
    (record,) = store.runs()
    assert (record.outcome, record.epochs, record.best_epoch, record.best) == (None, 5, None, {})
    store.handle(checkpoint("b", blocks=(block(first=5),), finished=(finished(epochs=10),)))
    (record,) = store.runs()
    assert (record.outcome, record.epochs, record.best_epoch) == ("finished", 10, 8)
    assert list(store.row_losses(RUN, "test")) == [
        9
    ]  # those of its first end are not those of its last epoch


def test_a_forgotten_checkpoint_is_gone_with_its_file(store, folder, checkpoint) -> None:
    """For a checkpoint that turned out to be damaged."""
    store.handle(checkpoint("a"))
    store.forget_checkpoint("stack-0")
    assert store.checkpoints() == []
    assert list(folder.checkpoints_path.iterdir()) == []


def test_a_divided_checkpoint_is_two_with_their_own_lanes(store, folder) -> None:
    """The old file is gone, and dividing again changes nothing."""
    lanes = tuple(RunKey(name, seed, 10) for name in ("A", "B") for seed in (1, 2))
    tensors = {
        "weights/0000": np.arange(12.0).reshape(4, 3),
        "outcome": np.arange(4, dtype=np.int32),
        "train_seconds": np.array([8.0]),
    }
    old = "checkpoints/old.safetensors"
    write_tensors(folder.inside(old), tensors, {"stack": "both", "epoch": "10", "runs": "[]"})
    store.handle(StackCheckpoint("both", old, 10, lanes, (), ()))
    parts = {
        "checkpoints/b.safetensors": ("B", (lanes[3], lanes[2])),
        "checkpoints/rest.safetensors": ("rest", (lanes[0], lanes[1])),
    }
    for _ in range(2):
        store.divide_checkpoint(Division("both", parts))
        assert store.checkpoints() == [
            CheckpointRecord(name, path, 10, runs) for path, (name, runs) in parts.items()
        ]
        names = {path.name for path in folder.checkpoints_path.iterdir()}
        assert names == {"b.safetensors", "rest.safetensors"}
    for path, (name, runs) in parts.items():
        found, words = read_tensors(folder.inside(path))
        assert words == {"stack": name, "epoch": "10", "runs": json.dumps(runs), "waiting": "[]"}
        places = [lanes.index(run) for run in runs]
        np.testing.assert_array_equal(found["outcome"], places)
        np.testing.assert_array_equal(found["weights/0000"], tensors["weights/0000"][places])
        np.testing.assert_array_equal(found["train_seconds"], [8.0])


def test_a_checkpoint_and_those_of_the_runs_that_left_it_count_together(store, checkpoint, folder) -> None:
    """One transaction; all of their files stay."""
    left = StackCheckpoint("left", "checkpoints/left", 3, (OTHER,), (), ())
    (folder.path / "checkpoints").mkdir()
    folder.inside(left.path).write_bytes(b"state")
    store.handle(replace(checkpoint("a"), parked=(left,)))
    store.handle(checkpoint("b"))
    assert store.checkpoints() == [
        CheckpointRecord("left", "checkpoints/left", 3, (OTHER,)),
        CheckpointRecord("stack-0", "checkpoints/b", 5, (RUN,)),
    ]
    assert {path.name for path in folder.checkpoints_path.iterdir()} == {"b", "left"}


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd"])
def test_paths_that_leave_the_folder_are_refused_and_not_recorded(store, path) -> None:
    """Neither a checkpoint nor a model may lie outside."""
    with pytest.raises(FolderError, match=r"^(Every file of a study|A name inside a study folder) must"):
        store.handle(StackCheckpoint("stack", path, 1, (RUN,), (), ()))
    with pytest.raises(FolderError):
        store.handle(RunFinished(RUN, "failed", "", 0, -1, 0.0, {}, {}, {}, {}, (), path))
    assert (store.checkpoints(), store.runs()) == ([], [])


def test_metrics_that_differ_in_case_only_or_are_named_like_keys_keep_apart(store) -> None:
    """SQLite's column names ignore case, and `run` and `epoch` are taken."""
    metrics = {
        name: np.array([float(at)])
        for at, name in enumerate(["auc", "AUC", "Epoch", "run", 'x"; DROP', "é\0"])
    }
    store.handle(StackCheckpoint("stack", "checkpoints/a", 1, (RUN,), (EpochBlock(RUN, 0, metrics),), ()))
    assert {name: store.curves()[name].item() for name in metrics} == {
        name: at for at, name in enumerate(metrics)
    }


# Surrogates cannot be written as UTF-8 and so cannot come from any file or terminal.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    variant=texts,
    seed=st.integers(-(2**63), 2**63 - 1),
    rows=st.integers(0, 2**63 - 1),
    metrics=st.dictionaries(texts, st.floats(), min_size=1, max_size=4),
)
def test_any_names_and_numbers_come_back_and_break_nothing(store, variant, seed, rows, metrics) -> None:
    """Names are only ever parameters or quoted identifiers; floats come back bit by bit, but for the sign of zero."""
    run = RunKey(variant, seed, rows)
    curves = {name: np.array([value]) for name, value in metrics.items()}
    store.handle(StackCheckpoint("s", "checkpoints/a", 1, (run,), (EpochBlock(run, 0, curves),), ()))
    store.handle(RunFinished(run, "finished", variant, 1, 0, 0.0, metrics, {}, {}, {}))
    (record,) = [record for record in store.runs() if record.run == run]
    np.testing.assert_equal(record.best, metrics)
    mine = store.curves(variant=variant, seed=seed, train_rows=rows)
    unsigned = {name: value + 0 for name, value in metrics.items()}  # -0.0 becomes 0.0
    np.testing.assert_equal({name: mine[name].item() for name in metrics}, unsigned)
    assert store.checkpoints() == [CheckpointRecord("s", "checkpoints/a", 1, (run,))]


def test_the_latest_trial_of_another_worker_is_kept(store):
    """A third worker's is of no account any more once a second is tried again."""
    for event in (WorkersTried(2, 2, 1.4), WorkersTried(3, 3, 1.2), WorkersTried(3, 1, None, reason="gone")):
        store.handle(event)
    assert [(one["tried"], one["kept"]) for one in store.get_meta("workers_tried", [])] == [(2, 2), (3, 1)]
    store.handle(WorkersTried(2, 1, 0.9))
    assert store.get_meta("workers_tried", []) == [asdict(WorkersTried(2, 1, 0.9))]
