"""TensorBoard event files with the tags and steps of Keras' own TensorBoard callback (keras.callbacks.TensorBoard)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from justright.records.faults import disk_faults
from justright.records.files import write_atomically
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.records.tfrecord import frame, read_payloads
from justright.runs.events import EpochBlock, Event, RunKey, StackCheckpoint

PARTS = ("train", "validation")  # subfolders, named as Keras names them
# One file a folder, so that it can be rebuilt in place. TensorBoard takes any name with "tfevents" in it.
EVENT_FILE = "events.out.tfevents.0000000000.justright.v2"
FILE_VERSION = "brain.Event:2"
FIXED_PREFIX = (
    "fixed_"  # measured at some epochs only; elsewhere NaN means "not measured" and nothing is written
)

Metrics = Mapping[str, npt.NDArray[np.float64]]


class TensorBoardFiles:
    """A sink that keeps each run's event files level with the store; put it after the store.

    The first time a run is heard of, its files are written anew from the store, which mends whatever a killed process
    left; after that they are appended to.

    Args:
        folder: the study folder.
        store: where the curves and the models' configurations are.
        full_rows: training rows of the whole split.
        steps_per_epoch: run -> optimizer steps of one of its epochs.

    Raises:
        FolderError: from `handle` and `repair`: the disk is full, read-only or gone.
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
        self._last_wall: dict[RunKey, float] = {}  # run -> when its files were last written

    def handle(self, event: Event) -> None:
        """Write the epochs that a checkpoint made durable; other events say nothing that Keras would write."""
        if isinstance(event, StackCheckpoint):
            for block in event.blocks:
                self._take(block)

    def repair(self) -> list[str]:
        """Rebuild the event files that are missing, damaged or behind the store, and return their folders' names."""
        rebuilt = []
        for record in self._store.runs():
            path = self._run_path(record.run)
            if record.epochs and not is_level(path, epochs=record.epochs):
                self._rewrite(record.run, seconds=record.train_seconds or 0.0)
                rebuilt.append(self._folder.relative(path))
        return rebuilt

    def _take(self, block: EpochBlock) -> None:
        path = self._run_path(block.run)
        begun = self._last_wall.get(block.run)
        if begun is None or not _is_there(path):
            self._rewrite(block.run, seconds=0.0)
            return
        # A clock that was set back must not make a curve run backwards on TensorBoard's axis of wall times.
        walls = np.linspace(begun, max(begun, time.time()), block.epochs + 1)[1:]
        append_run(
            path,
            block.metrics,
            steps_per_epoch=self._steps_per_epoch(block.run),
            first=block.first_epoch,
            walls=walls,
        )
        self._last_wall[block.run] = walls[-1]

    def _rewrite(self, run: RunKey, *, seconds: float) -> None:
        """Write a run's files from the store; `seconds` of training, ending now, are spread over its epochs."""
        curves = self._store.curves(variant=run.variant, seed=run.seed, train_rows=run.train_rows)
        columns = {name: curves[name].to_numpy() for name in curves.columns[4:]}
        # Columns that are empty throughout belong to other runs' metrics.
        metrics = {name: values for name, values in columns.items() if not np.isnan(values).all()}
        configs = {variant.variant: variant.config for variant in self._store.variants()}
        now = time.time()
        walls = np.linspace(now - seconds, now, len(curves))
        steps = self._steps_per_epoch(run)
        write_run(
            self._run_path(run),
            metrics,
            steps_per_epoch=steps,
            walls=walls,
            config=configs.get(run.variant, ""),
        )
        self._last_wall[run] = now

    def _run_path(self, run: RunKey) -> Path:
        return self._folder.tensorboard_run_path(run, full_rows=self._full_rows)


def write_run(
    path: Path, metrics: Metrics, *, steps_per_epoch: int, walls: npt.NDArray[np.float64], config: str = ""
) -> None:
    """Write a run's event files anew, each atomically.

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
    """Append epochs from `first` on to event files that `write_run` began; arguments and errors as there."""
    records = _records(metrics, steps_per_epoch=steps_per_epoch, first=first, walls=walls)
    for part in PARTS:
        file = path / part / EVENT_FILE
        with disk_faults(file, "write the event file"), file.open("ab") as stream:
            stream.write(records[part])


def is_level(path: Path, *, epochs: int) -> bool:
    """Return whether a run's event files are there, undamaged, and end with epoch `epochs - 1`."""
    from tensorboard.compat.proto.event_pb2 import Event as Proto

    for part in PARTS:
        file = path / part / EVENT_FILE
        payloads = read_payloads(file) if file.is_file() else None
        if not payloads or Proto.FromString(payloads[-1]).step != epochs - 1:
            return False
    return True


def _is_there(path: Path) -> bool:
    return all((path / part / EVENT_FILE).is_file() for part in PARTS)


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
    pairs = zip(
        _event_records(evaluated, iterations, walls), _event_records(ended, epochs, walls), strict=True
    )
    return {
        "train": b"".join(_event_records(train, epochs, walls)),
        "validation": b"".join(record for pair in pairs for record in pair),
    }


def _event_records(
    tagged: Metrics, steps: npt.NDArray[np.int64], walls: npt.NDArray[np.float64]
) -> list[bytes]:
    """Return one record a step, holding every tag that was measured then.

    Steps at which the same tags were measured, and whose number takes the same bytes, share a layout and are made
    together.
    """
    records = [b""] * len(steps)
    tags = list(tagged)
    if not tags:
        return records
    values = np.stack([tagged[tag] for tag in tags], axis=1)
    optional = np.array([tag.startswith(f"epoch_{FIXED_PREFIX}") for tag in tags])
    written = ~(np.isnan(values) & optional)
    widths = _varint_widths(steps)
    layouts, which = np.unique(np.column_stack([written, widths]), axis=0, return_inverse=True)
    for number, layout in enumerate(layouts):
        members = np.flatnonzero(which == number)
        kept = np.flatnonzero(layout[:-1])
        payloads = _payloads(
            [tags[at] for at in kept], values[np.ix_(members, kept)], steps[members], walls[members]
        )
        for at, record in zip(members, frame(payloads), strict=True):
            records[at] = record.tobytes()
    return records


def _payloads(
    tags: list[str],
    values: npt.NDArray[np.float64],
    steps: npt.NDArray[np.int64],
    walls: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint8]:
    """Return the (steps, bytes) serialised `Event` messages of steps that share a layout.

    Event: field 1 wall_time (fixed 64), field 2 step (varint, absent when 0), field 5 summary. The messages differ only
    in the bytes of these numbers, so one message is serialised and the numbers are written into its copies.
    """
    template = np.frombuffer(_event(tags, 0.0, int(steps[0])), np.uint8)
    width = int(_varint_widths(steps[:1])[0])
    payloads = np.repeat(template[None], len(steps), axis=0)
    payloads[:, 1:9] = walls.astype("<f8")[:, None].view(np.uint8)
    for byte in range(width):
        more = 0x80 if byte < width - 1 else 0
        payloads[:, 10 + byte] = (steps >> (7 * byte)) & 0x7F | more
    # The values' bytes are where messages of 0.0 and of a float without any zero bit differ.
    ones = np.frombuffer(_event(tags, np.frombuffer(b"\xff" * 4, "<f4")[0], int(steps[0])), np.uint8)
    with np.errstate(over="ignore"):  # float32 as Keras writes it; a loss beyond its range is inf there too
        bits = np.ascontiguousarray(values.astype("<f4"))
    payloads[:, template != ones] = bits.view(np.uint8)
    return payloads


def _event(tags: list[str], value: float, step: int) -> bytes:
    """Return one serialised event that gives every tag the same value, encoded as TensorFlow 2 does."""
    from tensorboard.compat.proto.event_pb2 import Event as Proto

    event = Proto(wall_time=1.0, step=step)
    for tag in tags:
        item = event.summary.value.add(tag=tag)
        item.metadata.plugin_data.plugin_name = "scalars"
        item.tensor.dtype = 1  # DT_FLOAT
        item.tensor.tensor_shape.SetInParent()  # a scalar: a shape without dimensions
        item.tensor.tensor_content = np.asarray(value, "<f4").tobytes()
    return bytes(event.SerializeToString(deterministic=True))


def _varint_widths(steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return how many bytes each step takes as a varint: seven bits a byte, 0 for a step of 0, which is left out.

    Example:
        >>> _varint_widths(np.array([0, 1, 127, 128, 20_000]))
        array([0, 1, 1, 2, 3])
    """
    bits = np.frexp(steps.astype(np.float64))[1]
    return np.asarray(-(-bits // 7), dtype=np.int64)


def _version_record(wall: float) -> bytes:
    """Return the first record of an event file."""
    from tensorboard.compat.proto.event_pb2 import Event as Proto

    return _framed(Proto(wall_time=wall, file_version=FILE_VERSION).SerializeToString())


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
    return _framed(event.SerializeToString())


def _framed(payload: bytes) -> bytes:
    return frame(np.frombuffer(payload, np.uint8)[None]).tobytes()
