"""Checkpoints written beside training."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from justright.runs.events import Event, StackCheckpoint

Write = Callable[[], StackCheckpoint]


class CheckpointWriter:
    """Writes one checkpoint after the other and emits its event, in the thread that trains, once all its files are there.

    Args:
        emit: receives the events.
        aside: whether to write in another thread, as beside an accelerator; otherwise training waits.
    """

    def __init__(self, emit: Callable[[Event], None], *, aside: bool) -> None:
        self._emit = emit
        self._thread = ThreadPoolExecutor(1, "checkpoint") if aside else None
        self._written: Future[StackCheckpoint] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the thread: what is tried again must not write the same files at the same time."""
        if self._thread is not None:
            self._thread.shutdown()

    def write(self, write: Write) -> None:
        """Begin to write a checkpoint; the one before has been waited for."""
        if self._thread is None:
            self._emit(write())
        else:
            self._written = self._thread.submit(write)

    def tell(self) -> None:
        """Emit the event of a checkpoint that is there."""
        if self._written is not None and self._written.done():
            self.wait()

    def wait(self) -> None:
        """Wait for the last checkpoint, if any, and emit its event.

        Raises:
            FolderError: it cannot be written.
        """
        if self._written is not None:
            written, self._written = self._written, None
            self._emit(written.result())
