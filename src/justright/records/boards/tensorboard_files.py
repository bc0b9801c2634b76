"""The event files of a study folder: where they are, and how they are kept in step with the store.

    tensorboard/                              the study: hyperparameters, features, and verdicts
    tensorboard/GROUP/VARIANT/seed-N/         a run: how it was set up, how it ended, its weights
    tensorboard/GROUP/VARIANT/seed-N/{train,validation}/      its curves

A variant that several groups show has such a folder in each of them, whose files are the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from justright.records.boards.board_events import Content, keep_file
from justright.records.boards.curve_files import (
    EVENT_FILE,
    PARTS,
    append_run,
    can_append,
    is_level,
    last_wall_time,
    write_run,
)
from justright.records.boards.groups import groups_of
from justright.records.boards.hyperparameters import hyperparameters
from justright.records.boards.run_summaries import (
    END_FILE,
    START_FILE,
    WEIGHT_FILE,
    end_content,
    kept_content,
    shows_weights,
    start_content,
    weight_content,
)
from justright.records.boards.shared_files import one_name_each, write_shared
from justright.records.boards.study_summaries import (
    STUDY_FILE,
    VERDICT_FILE,
    keep_verdicts,
    study_content,
)
from justright.records.files import remove
from justright.records.folder import StudyFolder, run_name
from justright.records.reader import RunRecord, StoreReader
from justright.runs.events import EpochBlock, Event, RunKey, RunMeasured, StackCheckpoint, VariantBuilt
from justright.study.recipe import recipe_values, steps_per_epoch

OWN_FILE = re.compile(r"events\.out\.tfevents\.\d{10}\.justright\.v2")
VERDICT_TAG = "verdict"
WHOLE_STUDY = ""  # the name under which the verdicts of all variants are given


class TensorBoardFiles:
    """A sink that keeps each run's event files in step with the store; put it after the store.

    New epochs are appended if they continue those in the files. Otherwise, when a run begins or its files are behind, they
    are rewritten from the store, which already has the new epochs.

    Args:
        folder: the study folder.
        store: where the curves and the models' configurations are.
        study: the plain values of its study.toml.
        full_rows: training rows of the whole split.

    Raises:
        FolderError: from `handle` and `mend`: the disk is full, read-only or gone.
    """

    def __init__(
        self, folder: StudyFolder, store: StoreReader, study: Mapping[str, Any], *, full_rows: int
    ) -> None:
        self._folder = folder
        self._store = store
        self._study = study
        self._full_rows = full_rows
        self._groups = groups_of(study["variants"])
        # run -> epochs in its files, wall time of the last
        self._written: dict[RunKey, tuple[int, float]] = {}
        self._models: dict[str, VariantBuilt] = {}
        self._has_study = False  # whether this process has looked at the file of the whole study

    def handle(self, event: Event) -> None:
        """Write the epochs that a checkpoint made durable, and how runs ended; Keras would write nothing for other events."""
        if isinstance(event, RunMeasured):
            self._keep_summaries(self._store.run(event.run))
        if not isinstance(event, StackCheckpoint):
            return
        blocks: dict[RunKey, list[EpochBlock]] = {}
        for block in event.blocks:
            blocks.setdefault(block.run, []).append(block)
        for run, new in blocks.items():
            self._take(run, new)
        for finished in event.finished:
            record = self._store.run(finished.run)
            # The store has forgotten what lies beyond the end, such as all epochs of a run that failed.
            if finished.epochs != self._written.get(finished.run, (finished.epochs, 0.0))[0]:
                self._rewrite(record)
            self._keep_summaries(record)

    def mend(self) -> list[str]:
        """Rewrite the event files that do not hold what is recorded, and return the names of their runs' folders.

        A process that is killed may leave them behind the store. Files of runs that an earlier version, or another
        grouping of variants, kept elsewhere are removed.
        """
        mended = []
        records = self._store.runs()
        for record in records:
            paths = self._run_paths(record.run)
            steps = self._steps_per_epoch(record.run)
            is_whole = is_level(paths[0], epochs=record.epochs, steps_per_epoch=steps, others=paths[1:])
            if not is_whole:
                self._rewrite(record, seconds=record.train_seconds or 0.0)
            has_changed = self._keep_summaries(record)
            if has_changed or not is_whole:
                mended.append(self._folder.relative(paths[0]))
        self._keep_study()
        self._remove_strays([record.run for record in records])
        return mended

    def write_verdicts(self, verdicts: Mapping[str, str]) -> None:
        """Write what was found, after what was found before.

        Args:
            verdicts: variant -> Markdown; `WHOLE_STUDY` -> that of all variants.
        """
        tags = {f"{VERDICT_TAG}/{name}" if name else VERDICT_TAG: said for name, said in verdicts.items()}
        keep_verdicts(self._folder.tensorboard_path / VERDICT_FILE, tags, time.time())

    def _take(self, run: RunKey, blocks: list[EpochBlock]) -> None:
        if not self._has_study:
            self._keep_study()
        path, *others = self._run_paths(run)
        if run not in self._written:
            self._pick_up(run, blocks[0].first_epoch)
        for block in blocks:
            epochs, last_wall = self._written.get(run, (-1, 0.0))
            if block.first_epoch != epochs or not can_append(path, others):
                record = self._store.run(run)
                self._rewrite(record)
                self._keep_summaries(record)
                return
            # If the clock is set back, a curve must not run backwards on TensorBoard's axis of wall times.
            walls = np.linspace(last_wall, max(last_wall, time.time()), block.epochs + 1)[1:]
            append_run(
                path,
                block.metrics,
                steps_per_epoch=self._steps_per_epoch(run),
                first=epochs,
                walls=walls,
                others=others,
            )
            self._written[run] = (epochs + block.epochs, walls[-1])

    def _pick_up(self, run: RunKey, epochs: int) -> None:
        """Take over the files of an earlier process if they hold the epochs before these, and no others.

        A running TensorBoard keeps files open: it sees what is appended, and never what replaces them.
        """
        path, *others = self._run_paths(run)
        steps = self._steps_per_epoch(run)
        if epochs and is_level(path, epochs=epochs, steps_per_epoch=steps, others=others):
            self._written[run] = (epochs, last_wall_time(path))
            self._keep_summaries(self._store.run(run))

    def _rewrite(self, record: RunRecord, *, seconds: float = 0.0) -> None:
        """Write a run's curves from the store; `seconds` of training, ending now, are spread over its epochs."""
        variant, seed, train_rows = record.run
        curves = self._store.curves(variant=variant, seed=seed, train_rows=train_rows)
        columns = {name: curves[name].to_numpy() for name in curves.columns[4:]}
        # Empty columns belong to metrics of other runs, unless this run ended without a number.
        metrics = {
            name: values
            for name, values in columns.items()
            if name in record.last or not np.isnan(values).all()
        }
        now = time.time()
        model = self._model_of(variant)
        path, *others = self._run_paths(record.run)
        write_run(
            path,
            metrics,
            steps_per_epoch=self._steps_per_epoch(record.run),
            walls=np.linspace(now - seconds, now, len(curves)),
            config=model.config if model else "",
            others=others,
        )
        self._written[record.run] = (len(curves), now)

    def _keep_summaries(self, record: RunRecord) -> bool:
        """Write what is known of a run once, as far as that is not in its files; return whether anything was."""
        if not record.epochs and not record.is_ended:
            return False
        run, paths = record.run, self._run_paths(record.run)
        chosen = hyperparameters(run, self._study, self._model_of(run.variant))
        name = run_name(run, full_rows=self._full_rows)
        has_changed = self._keep(paths, START_FILE, start_content(run, chosen, name))
        if not record.is_ended:
            self._remove(path / file for path in paths for file in (END_FILE, WEIGHT_FILE))
            return has_changed
        has_changed |= self._keep(paths, END_FILE, end_content(record))
        return self._keep_weights(record, paths) or has_changed

    def _keep_weights(self, record: RunRecord, paths: Sequence[Path]) -> bool:
        best, files = record.best_epoch, [path / WEIGHT_FILE for path in paths]
        if record.model_path is None or best is None:
            self._remove(files)
            return False
        model = self._folder.inside(record.model_path)
        kept = kept_content(model, best)
        if kept is not None:
            return self._keep(paths, WEIGHT_FILE, kept)
        if all(shows_weights(file, best) for file in one_name_each(files)):
            return False
        content = weight_content(model, best)
        if content is not None:
            write_shared(files, content(time.time()))
        return content is not None

    def _keep_study(self) -> None:
        facts = self._store.get_meta("table", {})
        content = study_content(self._study, self._store.variants(), facts)
        self._keep([self._folder.tensorboard_path], STUDY_FILE, content)
        self._has_study = True

    def _keep(self, folders: Sequence[Path], name: str, content: Content) -> bool:
        return keep_file([folder / name for folder in folders], content, time.time())

    def _remove_strays(self, runs: Iterable[RunKey]) -> None:
        """Remove event files of ours where none should be, and the folders that are empty then."""
        top = self._folder.tensorboard_path
        wanted = {top / name for name in (STUDY_FILE, VERDICT_FILE)}
        for run in runs:
            for path in self._run_paths(run):
                wanted |= {path / name for name in (START_FILE, END_FILE, WEIGHT_FILE)}
                wanted |= {path / part / EVENT_FILE for part in PARTS}
        self._remove(
            path for path in top.rglob("events.*") if OWN_FILE.fullmatch(path.name) and path not in wanted
        )

    def _remove(self, paths: Iterable[Path]) -> None:
        for path in list(paths):
            remove(path)
            for folder in path.parents:
                if folder == self._folder.tensorboard_path:
                    break
                try:
                    folder.rmdir()
                except OSError:  # something else is in it
                    break

    def _model_of(self, variant: str) -> VariantBuilt | None:
        """Return what is known of a variant's model, which is read once: all models of a study are built before one trains."""
        if variant not in self._models:
            self._models = {event.variant: event for event in self._store.variants()}
        return self._models.get(variant)

    def _steps_per_epoch(self, run: RunKey) -> int:
        recipe = recipe_values(self._study["variants"].get(run.variant, {}), self._study)
        return steps_per_epoch(run.train_rows, recipe["batch_size"])

    def _run_paths(self, run: RunKey) -> list[Path]:
        return [
            self._folder.tensorboard_run_path(run, full_rows=self._full_rows, group=group)
            for group in self._groups.get(run.variant, ("",))
        ]


def mend_event_files(
    folder: StudyFolder, store: StoreReader, study: Mapping[str, Any], verdicts: Mapping[str, str]
) -> list[str]:
    """Rewrite the event files of an owned folder that do not hold what is recorded; return the names of their runs' folders.

    Args:
        folder: the study folder.
        store: its database.
        study: the plain values of its study.toml.
        verdicts: as for `TensorBoardFiles.write_verdicts`.

    Raises:
        FolderError: the disk is full, read-only or gone.
    """
    files = TensorBoardFiles(folder, store, study, full_rows=store.get_meta("table")["parts"]["train"])
    mended = files.mend()
    if verdicts:
        files.write_verdicts(verdicts)
    return mended
