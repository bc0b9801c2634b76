"""Each run's curves as TensorBoard event files, with the tags and steps of `keras.callbacks.TensorBoard`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.errors import InputError
from justright.records.entries import open_regular
from justright.records.event_files import event_record, read_events, scalar_of, scalar_records
from justright.records.faults import disk_faults
from justright.records.files import write_atomically
from justright.records.folder import StudyFolder
from justright.records.reader import RunRecord, StoreReader
from justright.runs.events import EpochBlock, Event, RunKey, StackCheckpoint
from justright.study.recipe import steps_per_epoch

PARTS = ("train", "validation")  # subfolders, named as Keras names them
# One file per folder, so that it can be rewritten in place. TensorBoard accepts any name with "tfevents" in it.
EVENT_FILE = "events.out.tfevents.0000000000.justright.v2"
FILE_VERSION = "brain.Event:2"
OTHER_EVENTS = 2  # of each file: the first says its version, the second may hold the model
# Metrics that are measured only at some epochs; elsewhere NaN means "not measured" and nothing is written.
FIXED_PREFIX = "fixed_"

Metrics = Mapping[str, npt.NDArray[np.float64]]


class TensorBoardFiles:
    """A sink that keeps each run's event files in step with the store; put it after the store.

    New epochs are appended if they continue those in the files. Otherwise, when a run begins or starts again, its files
    are rewritten from the store, which already has the new epochs.

    Args:
        folder: the study folder.
        store: where the curves and the models' configurations are.
        full_rows: training rows of the whole split.
        steps_per_epoch: run -> optimizer steps of one of its epochs.

    Raises:
        FolderError: from `handle` and `mend`: the disk is full, read-only or gone.
    """

    def __init__(
        self,
        folder: StudyFolder,
        store: StoreReader,
        *,
        full_rows: int,
        steps_per_epoch: Callable[[RunKey], int],
    ) -> None:
        self._folder = folder
        self._store = store
        self._full_rows = full_rows
        self._steps_per_epoch = steps_per_epoch
        self._written: dict[
            RunKey, tuple[int, float]
        ] = {}  # run -> epochs in its files, wall time of the last

    def handle(self, event: Event) -> None:
        """Write the epochs that a checkpoint made durable; Keras would write nothing for other events."""
        if not isinstance(event, StackCheckpoint):
            return
        blocks: dict[RunKey, list[EpochBlock]] = {}
        for block in event.blocks:
            blocks.setdefault(block.run, []).append(block)
        for run, new in blocks.items():
            self._take(run, new)
        for finished in event.finished:
            # The store has forgotten what lies beyond the end, such as all epochs of a run that failed.
            if finished.epochs != self._written.get(finished.run, (finished.epochs, 0.0))[0]:
                self._rewrite(self._record(finished.run))

    def mend(self) -> list[str]:
        """Rewrite the event files that do not hold each recorded epoch once, and return their folders' names.

        A process that is killed may leave them behind the store.
        """
        mended = []
        for record in self._store.runs():
            path = self._run_path(record.run)
            if not is_level(path, epochs=record.epochs, steps_per_epoch=self._steps_per_epoch(record.run)):
                self._rewrite(record, seconds=record.train_seconds or 0.0)
                mended.append(self._folder.relative(path))
        return mended

    def _take(self, run: RunKey, blocks: list[EpochBlock]) -> None:
        path = self._run_path(run)
        for block in blocks:
            epochs, last_wall = self._written.get(run, (-1, 0.0))
            if block.first_epoch != epochs or not _is_ours_alone(path):
                self._rewrite(self._record(run))
                return
            # If the clock is set back, a curve must not run backwards on TensorBoard's axis of wall times.
            walls = np.linspace(last_wall, max(last_wall, time.time()), block.epochs + 1)[1:]
            append_run(
                path,
                block.metrics,
                steps_per_epoch=self._steps_per_epoch(run),
                first=epochs,
                walls=walls,
            )
            self._written[run] = (epochs + block.epochs, walls[-1])

    def _record(self, run: RunKey) -> RunRecord:
        return next(record for record in self._store.runs() if record.run == run)

    def _rewrite(self, record: RunRecord, *, seconds: float = 0.0) -> None:
        """Write a run's files from the store; `seconds` of training, ending now, are spread over its epochs."""
        variant, seed, train_rows = record.run
        curves = self._store.curves(variant=variant, seed=seed, train_rows=train_rows)
        columns = {name: curves[name].to_numpy() for name in curves.columns[4:]}
        # Empty columns belong to metrics of other runs, unless this run ended without a number.
        metrics = {
            name: values
            for name, values in columns.items()
            if name in record.last or not np.isnan(values).all()
        }
        configs = {variant.variant: variant.config for variant in self._store.variants()}
        now = time.time()
        write_run(
            self._run_path(record.run),
            metrics,
            steps_per_epoch=self._steps_per_epoch(record.run),
            walls=np.linspace(now - seconds, now, len(curves)),
            config=configs.get(variant, ""),
        )
        self._written[record.run] = (len(curves), now)

    def _run_path(self, run: RunKey) -> Path:
        return self._folder.tensorboard_run_path(run, full_rows=self._full_rows)


def mend_event_files(folder: StudyFolder, store: StoreReader, study: Mapping[str, Any]) -> list[str]:
    """Rewrite the event files of an owned folder that do not hold each recorded epoch once; return their folders' names.

    Args:
        folder: the study folder.
        store: its database.
        study: the plain values of its study.toml.

    Raises:
        FolderError: the disk is full, read-only or gone.
    """

    def steps(run: RunKey) -> int:
        recipe = study["variants"].get(run.variant, {}).get("recipe") or study["recipe"]
        return steps_per_epoch(run.train_rows, recipe["batch_size"])

    rows = store.get_meta("table")["parts"]["train"]
    return TensorBoardFiles(folder, store, full_rows=rows, steps_per_epoch=steps).mend()


def write_run(
    path: Path, metrics: Metrics, *, steps_per_epoch: int, walls: npt.NDArray[np.float64], config: str = ""
) -> None:
    """Write a run's event files, each atomically.

    Args:
        path: the run's folder; `train` and `validation` are made in it.
        metrics: name -> (epochs,), from epoch 0 on.
        steps_per_epoch: optimizer steps of an epoch.
        walls: (epochs,) wall times, in seconds since 1970.
        config: the model's JSON configuration, for TensorBoard's graph page; empty writes none.

    Raises:
        FolderError: the disk is full, read-only or gone.
    """
    start = float(walls[0]) if len(walls) else time.time()
    records = _records(metrics, steps_per_epoch=steps_per_epoch, first=0, walls=walls)
    for part in PARTS:
        head = _version_record(start) + (_model_record(config, start) if part == "train" and config else b"")
        write_atomically(path / part / EVENT_FILE, head + records[part])


def append_run(
    path: Path, metrics: Metrics, *, steps_per_epoch: int, first: int, walls: npt.NDArray[np.float64]
) -> None:
    """Append epochs from `first` on to event files that `write_run` wrote; arguments and errors as there."""
    records = _records(metrics, steps_per_epoch=steps_per_epoch, first=first, walls=walls)
    for part in PARTS:
        file = path / part / EVENT_FILE
        with disk_faults(file, "write the event file"), open(file, "ab", opener=open_regular) as stream:
            stream.write(records[part])


def is_level(path: Path, *, epochs: int, steps_per_epoch: int) -> bool:
    """Return whether a run's event files are undamaged and hold each of its epochs once, in order."""
    if not epochs and not _is_there(path):
        return True
    numbers = np.arange(epochs)
    iterations = (numbers + 1) * steps_per_epoch
    expected = {
        "train": numbers.tolist(),
        "validation": np.stack([iterations, numbers], axis=1).ravel().tolist(),
    }
    try:
        return all(
            _scalar_steps(path / part / EVENT_FILE, most=len(expected[part]) + 1) == expected[part]
            for part in PARTS
        )
    except (InputError, OSError):
        return False


def _scalar_steps(file: Path, *, most: int) -> list[int]:
    """Return the steps of the records that hold scalars, in the order of the file; `most` of them, for it may hold any number."""
    events = islice(read_events(file), most + OTHER_EVENTS)
    summaries = ((event.step, event.summary.value) for event in events)
    return [step for step, values in summaries if values and scalar_of(values[0]) is not None][:most]


def _is_there(path: Path) -> bool:
    return all((path / part / EVENT_FILE).is_file() for part in PARTS)


def _is_ours_alone(path: Path) -> bool:
    """Return whether a run's event files are there and have no other name, under which appending would change them, too."""
    try:
        return all((path / part / EVENT_FILE).stat().st_nlink == 1 for part in PARTS)
    except OSError:
        return False


def _records(
    metrics: Metrics, *, steps_per_epoch: int, first: int, walls: npt.NDArray[np.float64]
) -> dict[str, bytes]:
    """Return the bytes of consecutive epochs for each part: part -> records, epoch by epoch."""
    epochs = first + np.arange(len(walls))
    # Keras evaluates after the epoch's last step: its `evaluation_` tags count optimizer iterations.
    iterations = (epochs + 1) * steps_per_epoch
    train = {f"epoch_{name}": values for name, values in metrics.items() if not name.startswith("val_")}
    validation = {
        name.removeprefix("val_"): values for name, values in metrics.items() if name.startswith("val_")
    }
    evaluated = {f"evaluation_{name}_vs_iterations": values for name, values in validation.items()}
    ended = {f"epoch_{name}": values for name, values in validation.items()}
    fixed = {tag for tag in train if tag.startswith(f"epoch_{FIXED_PREFIX}")}
    pairs = zip(
        scalar_records(evaluated, iterations, walls), scalar_records(ended, epochs, walls), strict=True
    )
    return {
        "train": b"".join(scalar_records(train, epochs, walls, optional=fixed)),
        "validation": b"".join(record for pair in pairs for record in pair),
    }


def _version_record(wall: float) -> bytes:
    """Return the first record of an event file."""
    from tensorboard.compat.proto.event_pb2 import Event as Proto

    return event_record(Proto(wall_time=wall, file_version=FILE_VERSION))


def _model_record(config: str, wall: float) -> bytes:
    """Return the record that shows the model on TensorBoard's graph page, as Keras writes it."""
    from tensorboard.compat.proto.event_pb2 import Event as Proto

    event = Proto(wall_time=wall)
    item = event.summary.value.add(tag="keras")
    item.metadata.plugin_data.plugin_name = "graph_keras_model"
    item.metadata.plugin_data.content = b"1"
    item.tensor.dtype = 7  # DT_STRING
    item.tensor.tensor_shape.SetInParent()
    item.tensor.string_val.append(config.encode())
    return event_record(event)
