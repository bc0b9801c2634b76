"""One study from description to result: where table, training, records, verdicts and reports meet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from justright.errors import FolderError, MemoryLimitError
from justright.records.boards.tensorboard_files import TensorBoardFiles
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.faults import content_faults
from justright.records.folder import Mode, StudyFolder, holds_study, new_folder_beside
from justright.records.models import save_model_atomically
from justright.records.rebuild import open_store
from justright.records.store import Store
from justright.runs.events import Event, ReferenceMeasured, Sink, VariantBuilt
from justright.runs.tasks import Storage
from justright.session.extend import (
    Remaining,
    check_same_study,
    find_remaining,
    fingerprints,
    with_recorded_weights,
)
from justright.session.folders.study_files import conclude, describe_study, write_study
from justright.session.neighbourhood import with_neighbours
from justright.session.options import RunOptions
from justright.session.predictor import plan_of
from justright.session.result import Result
from justright.study.families import Family
from justright.study.neighbours import ladder_sentence, without_wider
from justright.study.own_models.compiled_model import compiled_sentence
from justright.study.raw_inputs import raw_input_warning
from justright.study.spec import study_to_dict
from justright.study.study import Study, has_functions
from justright.study.variant import CompiledConfig
from justright.workers.accelerators import accelerator_fault
from justright.workers.engines import accelerators_of, device_kind, open_pool
from justright.workers.interrupts import interruptible
from justright.workers.train import study_rows, train_study

WIDER_LEFT_OUT = "The wider neighbour does not fit into memory and was left out, so nothing shows whether more capacity would help."


def run_study(
    study: Study,
    out: str | Path,
    options: RunOptions | None = None,
    *,
    sinks: Sequence[Sink] = (),
    command: str = "",
    report: bool = True,
    **given: Any,
) -> Result:
    """Train what is still missing of a study in folder `out`, judge it, write its report and return its result.

    A folder that holds this study is resumed: further seeds, variants and epochs are added, and other test rows replace
    the previous ones. Runs that have ended are not trained again for that. A study of one network gets neighbours, unless it
    was made with `neighbours=False`.

    Args:
        study: what to train.
        out: the study folder.
        options: how to train; None takes every default.
        sinks: receive every event after it is stored, for instance a live view.
        command: the shell command that repeats this study, for the report.
        report: whether to write report.html; without it, `Result.write_report` does.
        given: single options, which override those in `options`: `workers`, `engine`, `ray_address`, `devices_per_run`,
            `new`, `checkpoint_seconds`, `hang_seconds` and `keep_workers`.

    Returns:
        The result; `interrupted` when Ctrl-C or SIGTERM ended training early: the same call resumes. A report that
        cannot be written is named in its `repairs`: the verdicts stand without it.

    Raises:
        InputError: a variant cannot be built, memory does not suffice, or an option does not fit. Nothing has been
            trained.
        FolderError: the folder holds another study, belongs to another process, or can no longer be written; what was
            recorded stays.
    """
    how = replace(options or RunOptions(), **given)
    path = Path(new_folder_beside(out) if how.new else out)
    study = with_recorded_weights(with_neighbours(study, path), path).on(device_kind(how.engine))
    try:
        result = _run_on(path, study, how, sinks, command)
    except MemoryLimitError:
        smaller = without_wider(study.variants)
        if len(smaller) == len(study.variants):
            raise
        result = _run_on(path, replace(study, variants=smaller), how, sinks, command, note=WIDER_LEFT_OUT)
    if report and not result.interrupted:
        result.try_report()
    return result


def _run_on(
    path: Path, study: Study, how: RunOptions, sinks: Sequence[Sink], command: str, *, note: str = ""
) -> Result:
    """Train what is missing of exactly these variants in a folder, judge it, and return the result; see `run_study`.

    `note` is what the folder and the result say about the study.
    """
    mode: Mode = "resume" if holds_study(path) else "create"
    with StudyFolder.open(path, mode) as folder:
        store, rebuilt = open_store(folder)
        with store:
            known = len(store.notes()) - (rebuilt is not None)
            with content_faults(store.path):  # the folder may be a stranger's
                current = fingerprints(study)
                merged = check_same_study(store, current)
                remaining = find_remaining(study, store, current)
            fault = accelerator_fault() if how.engine == "local" else None
            without = f"Networks train on the processor: {fault}." if fault else ""
            for kind, text in (("neighbours", note), ("accelerators", without)):
                if text and text not in {one.text for one in store.notes()}:
                    store.note(kind, text)
            device = str(accelerators_of(how.engine) or "")
            session = _Session(study, folder, store, tuple(sinks), command, merged, remaining, device)
            interrupted = session.train(how)
            # Whoever pressed Ctrl-C waits for checkpoints, not for a report.
            summary = None if interrupted else conclude(folder, store)
            # What was found damaged, or failed, since the store was opened.
            repairs = [note.text for note in store.notes()[known:] if not note.is_routine]
    return Result(path, interrupted=interrupted, repairs=repairs, summary=summary)


@dataclass(frozen=True, slots=True)
class _Session:
    """One call of `run_study` on its open folder."""

    study: Study
    folder: StudyFolder
    store: Store
    sinks: tuple[Sink, ...]
    command: str
    fingerprints: dict[str, Any]
    remaining: Remaining
    device: str

    def train(self, how: RunOptions) -> bool:
        """Train what is missing; return whether it was interrupted."""
        remaining = self.remaining
        is_new = not self.store.runs()
        if remaining.is_nothing or is_new:
            self.adopt({event.variant: event.config for event in self.store.variants()})
        if remaining.is_nothing:
            return False
        # The folder of a new study describes all of it except how its variants were built.
        describe = partial(write_study, self.folder, self.store, self.study) if is_new else self.adopt
        started = time.monotonic()
        save_model = partial(save_model_atomically, plan=plan_of(self.study.split).to_dict())
        storage = Storage(self.folder.path, write_tensors, read_tensors, save_model)
        jobs = len(remaining.wanted - remaining.ended) + len(remaining.revisited)
        full_rows = self.study.split.sizes["train"]
        interrupted = False
        try:
            with (
                interruptible(),
                open_pool(
                    how.engine,
                    study_rows(self.study),
                    storage,
                    jobs=max(1, jobs),
                    workers=how.workers,
                    address=how.ray_address,
                    hang_seconds=how.hang_seconds,
                    keep=how.keep_workers and not has_functions(self.study),
                    devices_per_run=how.devices_per_run,
                ) as pool,
            ):
                if pool.accelerators:
                    threading.Thread(target=_import_what_follows, daemon=True).start()
                train_study(
                    self.study,
                    pool,
                    self._handler(),
                    model_path=lambda run: self.folder.relative(
                        self.folder.model_path(run, full_rows=full_rows)
                    ),
                    ended=remaining.ended,
                    saved=remaining.saved,
                    revisited=remaining.revisited,
                    measure_reference=remaining.reference,
                    on_built=lambda built: self.take_built(built, describe),
                    checkpoint_seconds=how.checkpoint_seconds,
                )
        except KeyboardInterrupt:
            interrupted = True
        spent = self.store.get_meta("wall_seconds", 0.0) + time.monotonic() - started
        self.store.set_meta("wall_seconds", spent)
        return interrupted

    def take_built(
        self, built: Mapping[str, VariantBuilt], describe: Callable[[Mapping[str, str]], None]
    ) -> None:
        """Describe the models that were built, and say once what their user should know about them."""
        describe({name: event.config for name, event in built.items()})
        own = [one.name for one in self.study.variants if not isinstance(one.build, Family)]
        layers = [(name, [kind for _, kind, *_ in built[name].layers]) for name in own]
        said = {note.text for note in self.store.notes()}
        compiled = [
            ("compiled", compiled_sentence(one.name, one.build.options))
            for one in self.study.variants
            if isinstance(one.build, CompiledConfig) and one.baseline is None  # others are its neighbours
        ]
        for kind, text in (
            *compiled,
            ("raw inputs", raw_input_warning(self.study.split, layers)),
            ("neighbours", ladder_sentence(self.study.variants)),
        ):
            if text and text not in said:
                self.store.note(kind, text)

    def adopt(self, configs: Mapping[str, str]) -> None:
        """Make the folder one of this study; if killed half-way, the same or the previous command resumes.

        A folder with runs is not touched before every variant has been built.
        """
        if self.remaining.has_other_test:
            self.store.forget_test()
        describe_study(self.store, self.study, environment={"device": self.device} if self.device else None)
        if self.command or self.store.get_meta("command") is None:
            self.store.set_meta("command", self.command)
        write_study(self.folder, self.store, self.study, configs)
        self.store.set_meta("fingerprints", self.fingerprints)
        for division in self.remaining.divided:
            self.store.divide_checkpoint(division)
        for run in self.remaining.reopened:
            self.store.extend_run(run)

    def _handler(self) -> Callable[[Event], None]:
        """Return the sinks for the events of training: the store first, then files and views."""
        full_rows = self.study.split.sizes["train"]
        tensorboard = TensorBoardFiles(
            self.folder, self.store, study_to_dict(self.study), full_rows=full_rows
        )
        sinks: list[Sink] = [self.store, tensorboard, *self.sinks]
        trained = {record.run.variant for record in self.store.runs()}
        before = {event.variant: event for event in self.store.variants() if event.variant in trained}

        def handle(event: Event) -> None:
            if isinstance(event, VariantBuilt):
                self._check_same_model(before.get(event.variant, event), event)
            if isinstance(event, ReferenceMeasured):
                self.store.write_reference(
                    event.name,
                    {
                        "validation": event.validation,
                        "test": event.test,
                        "validation_output": event.validation_output,
                        "test_output": event.test_output,
                    },
                )
                values = {"iterations": event.iterations, "test_score": event.test_score}
                self.store.set_meta("reference", {"name": event.name} | values)
            for sink in sinks:
                sink.handle(event)

        return handle

    def _check_same_model(self, before: VariantBuilt, now: VariantBuilt) -> None:
        """Raise FolderError if a builder makes a different model from the one whose runs the folder holds."""
        if (before.parameters, before.config) != (now.parameters, now.config):
            counts = f"{before.parameters:,} parameters, now {now.parameters:,}"
            same = f"{now.parameters:,} parameters as before, other layers or options"
            raise FolderError(
                f"{str(self.folder.path)!r} holds another study: variant {now.variant!r} built another model "
                f"({same if before.parameters == now.parameters else counts}). "
                "Run that one again, choose another --out, or start in a fresh folder with --new."
            )


def _import_what_follows() -> None:
    """Import what judges and reports, while an accelerator trains and this process waits."""
    from scipy import special  # noqa: F401  # the same

    import justright.report.html
    import justright.report.sections.registry
    import justright.report.terminal.study_report  # noqa: F401  # imported again when they are needed
