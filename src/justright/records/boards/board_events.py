"""The events of TensorBoard's plugins: numbers, texts, histograms, models and hyperparameters, without TensorFlow.

Each value says by name which plugin shows it, and holds a tensor (tensorboard/compat/proto/summary.proto).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from justright.records.boards.shared_files import one_name_each, write_shared
from justright.records.entries import open_regular
from justright.records.event_files import CRC_BYTES, FLOAT32, FLOAT64, LENGTH_BYTES, event_records

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

FILE_VERSION = "brain.Event:2"
# TensorBoard accepts any name with "tfevents" in it, and reads the files of a folder in the order of their names.
FILE_NAME = "events.out.tfevents.{number:010d}.justright.v2"
STRING = 7  # element type of tensors (types.proto)
# The first record's wall time: after the header and the number of its field.
WALL_OFFSET = LENGTH_BYTES + CRC_BYTES + 1

# A file's content, given the wall time of its events.
Content = Callable[[float], bytes]


class Point(NamedTuple):
    """A value at a step."""

    step: int
    value: Summary.Value


def version_event(wall: float) -> Event:
    """Return the first event of a file."""
    from tensorboard.compat.proto.event_pb2 import Event

    return Event(wall_time=wall, file_version=FILE_VERSION)


def point_event(point: Point, wall: float) -> Event:
    """Return the event of one point."""
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event(wall_time=wall, step=point.step)
    event.summary.value.append(point.value)
    return event


def file_of(points: Iterable[Point], wall: float) -> bytes:
    """Return the content of an event file."""
    return event_records([version_event(wall), *(point_event(point, wall) for point in points)])


def keep_file(paths: Sequence[Path], content: Content, now: float) -> bool:
    """Write an event file under each of its names, unless it is there; return whether it was written.

    Raises:
        FolderError: the disk is full, read-only or gone.
    """
    if all(_holds(path, content) for path in one_name_each(paths)):
        return False
    write_shared(paths, content(now))
    return True


def scalar(tag: str, number: float) -> Summary.Value:
    """Return a number as a value."""
    value = _value(tag, "scalars", FLOAT32)
    with np.errstate(over="ignore"):  # beyond float32 it is infinite, as in curves
        value.tensor.tensor_content = np.asarray(number, "<f4").tobytes()
    return value


def text(tag: str, markdown: str) -> Summary.Value:
    """Return a text as a value; TensorBoard renders Markdown, and removes what could run."""
    value = _value(tag, "text", STRING)
    value.tensor.string_val.append(markdown.encode())
    return value


def keras_model(config: str) -> Summary.Value:
    """Return a model's JSON configuration as Keras writes it for the graph page."""
    value = _value("keras", "graph_keras_model", STRING)
    value.metadata.plugin_data.content = b"1"
    value.tensor.string_val.append(config.encode())
    return value


def histogram(tag: str, edges: npt.ArrayLike, counts: npt.ArrayLike) -> Summary.Value:
    """Return a histogram as a value.

    Shape:
        edges: (bins + 1,)
        counts: (bins,)
    """
    ends = np.asarray(edges, np.float64)
    buckets = np.column_stack([ends[:-1], ends[1:], np.asarray(counts, np.float64)])
    value = _value(tag, "histograms", FLOAT64, shape=buckets.shape)
    value.tensor.tensor_content = buckets.astype("<f8").tobytes()
    return value


def hyperparameter_value(tag: str, content: bytes) -> Summary.Value:
    """Return a message of the plugin for hyperparameters as a value, which has no number of its own."""
    value = _value(tag, "hparams", FLOAT32, shape=(0,))
    value.metadata.plugin_data.content = content
    return value


def _value(tag: str, plugin: str, element: int, *, shape: tuple[int, ...] = ()) -> Summary.Value:
    from tensorboard.compat.proto.summary_pb2 import Summary

    value = Summary.Value(tag=tag)
    value.metadata.plugin_data.plugin_name = plugin
    value.tensor.dtype = element
    value.tensor.tensor_shape.SetInParent()  # for a single number or text: a shape without dimensions
    for size in shape:
        value.tensor.tensor_shape.dim.add(size=size)
    return value


def _holds(path: Path, content: Content) -> bool:
    """Return whether a file holds what `content` gives for the wall time that stands in it."""
    try:
        with open(path, "rb", opener=open_regular) as file:
            (wall,) = struct.unpack("<d", file.read(WALL_OFFSET + 8)[WALL_OFFSET:])
            if not math.isfinite(wall):
                return False
            file.seek(0)
            expected = content(wall)
            return file.read(len(expected) + 1) == expected
    except (OSError, struct.error):
        return False
