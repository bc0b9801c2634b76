"""A study folder of one run that something else trains: what it tells becomes the same records as a study's own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from justright.errors import FolderError
from justright.records.boards.tensorboard_files import TensorBoardFiles
from justright.records.folder import StudyFolder, holds_study
from justright.records.store import Store
from justright.runs.events import (
    EpochBlock,
    Event,
    RunFinished,
    RunKey,
    RunStarted,
    StackCheckpoint,
    VariantBuilt,
)
from justright.runs.tasks import checkpoint_path
from justright.session.extend import fingerprints
from justright.session.folders.study_files import conclude, describe_study, write_study
from justright.session.result import Result
from justright.study.spec import study_to_dict
from justright.study.study import Study


class FitFolder:
    """The folder of one run, owned until it has ended or `close` is called.

    Args:
        path: of the folder, which must not hold a study.
        study: of one variant and one seed.
        built: how the variant's model is described.
        worker: where it trains.
        environment: what else the report should say about where.

    Raises:
        FolderError: the folder holds something else already, belongs to another process, or cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        study: Study,
        built: VariantBuilt,
        *,
        worker: str,
        environment: Mapping[str, Any],
    ) -> None:
        [(variant, seed, rows)] = study.runs()
        self.run = RunKey(variant.name, seed, rows)
        self._started = time.monotonic()
        self._folder = StudyFolder.open(path, "create")
        try:
            self._store = Store(self._folder)
            self._describe(study, built, environment)
            self._tensorboard = TensorBoardFiles(
                self._folder, self._store, study_to_dict(study), full_rows=rows
            )
            self._handle(RunStarted(self.run, 0, worker))
        except BaseException:
            self._folder.close()
            raise

    @property
    def model_path(self) -> Path:
        """Where the run's model goes."""
        return self._folder.model_path(self.run, full_rows=self.run.train_rows)

    def record(self, blocks: Sequence[EpochBlock]) -> None:
        """Make epochs durable."""
        epochs = blocks[-1].first_epoch + blocks[-1].epochs
        self._handle(self._checkpoint(epochs, tuple(blocks), ()))

    def note(self, text: str) -> None:
        """Add a line to the diary, and so to the result's `repairs`."""
        self._store.note("fit", text)

    def finish(self, finished: RunFinished, blocks: Sequence[EpochBlock]) -> Result:
        """Record how the run ended, with its last epochs; judge it, write the report and give the folder up."""
        self._handle(self._checkpoint(finished.epochs, tuple(blocks), (finished,)))
        self._store.set_meta("wall_seconds", time.monotonic() - self._started)
        summary = conclude(self._folder, self._store)
        repairs = [note.text for note in self._store.notes() if not note.is_routine]
        self.close()  # the report mends event files, as their owner
        result = Result(self._folder.path, summary=summary, repairs=repairs)
        result.try_report()
        return result

    def close(self) -> None:
        """Give the folder up; harmless if called twice."""
        self._store.close()
        self._folder.close()

    def relative(self, path: Path) -> str:
        """Return a path in the folder as it is recorded."""
        return self._folder.relative(path)

    def _describe(self, study: Study, built: VariantBuilt, environment: Mapping[str, Any]) -> None:
        describe_study(self._store, study, environment=environment)
        self._store.set_meta("command", "")
        write_study(self._folder, self._store, study, {built.variant: built.config} if built.config else {})
        self._store.set_meta("fingerprints", fingerprints(study))
        self._store.handle(built)

    def _checkpoint(
        self, epochs: int, blocks: tuple[EpochBlock, ...], finished: tuple[RunFinished, ...]
    ) -> StackCheckpoint:
        """Return the event that makes epochs count; no state is kept from which training could go on."""
        stack = self._folder.model_path(self.run, full_rows=self.run.train_rows).stem
        return StackCheckpoint(stack, checkpoint_path(stack, epochs), epochs, (), blocks, finished)

    def _handle(self, event: Event) -> None:
        self._store.handle(event)
        self._tensorboard.handle(event)


def check_fresh(folder: str | Path) -> None:
    """Raise FolderError if a folder holds a study, so that a training could not be recorded in it."""
    if holds_study(folder):
        raise FolderError(
            f"`folder` must be a new one, for one training; {str(folder)!r} holds a study. Give another path, or new=True to "
            "have a number added to this one."
        )
