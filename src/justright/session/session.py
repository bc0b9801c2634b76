"""One study from description to result: where table, training, records, verdicts and reports meet."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.data.describe import describe_table
from justright.data.guards.registry import find_warnings
from justright.errors import FolderError, MemoryLimitError
from justright.records.boards.tensorboard_files import TensorBoardFiles
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.faults import content_faults
from justright.records.files import write_atomically
from justright.records.fingerprints import versions
from justright.records.folder import Mode, StudyFolder, holds_study, new_folder_beside
from justright.records.models import save_model_atomically
from justright.records.rebuild import open_store
from justright.records.store import Store
from justright.runs.events import Event, ReferenceMeasured, RowKind, Sink, VariantBuilt
from justright.runs.losses import constant_loss, constant_losses, constant_prediction
from justright.runs.place import available_cores
from justright.runs.tasks import Storage
from justright.session.extend import Remaining, check_same_study, find_remaining, fingerprints
from justright.session.neighbourhood import with_neighbours
from justright.session.options import RunOptions
from justright.session.outputs import CONSTANT, judge_folder, summarise_folder, write_result
from justright.session.predictor import plan_of
from justright.session.result import Result
from justright.session.row_outputs import TARGETS
from justright.session.trust import remember
from justright.study.families import Family
from justright.study.neighbours import ladder_sentence, without_wider
from justright.study.raw_inputs import raw_input_warning
from justright.study.spec import study_to_dict
from justright.study.study import Study, has_functions
from justright.workers.accelerators import find_accelerators
from justright.workers.engines import device_kind, open_pool
from justright.workers.interrupts import interruptible
from justright.workers.machine import processor_name
from justright.workers.train import study_rows, train_study

if TYPE_CHECKING:
    from justright.report.summary import Summary


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
        given: single options, which override those in `options`: `workers`, `engine`, `ray_address`, `new`,
            `checkpoint_seconds`, `hang_seconds` and `keep_workers`.

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
    study = with_neighbours(study, path).on(device_kind(how.engine))
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
            if note and note not in {one.text for one in store.notes()}:
                store.note("neighbours", note)
            accelerators = find_accelerators() if how.engine == "local" else None
            device = str(accelerators) if accelerators else ""
            session = _Session(study, folder, store, tuple(sinks), command, merged, remaining, device)
            interrupted = session.train(how)
            # Whoever pressed Ctrl-C waits for checkpoints, not for a report.
            summary = None if interrupted else session.conclude()
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
        describe = self.write_study if is_new else self.adopt
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
                ) as pool,
            ):
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
        for kind, text in (
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
        self._describe()
        self.write_study(configs)
        self.store.set_meta("fingerprints", self.fingerprints)
        for run in self.remaining.reopened:
            self.store.extend_run(run)

    def write_study(self, configs: Mapping[str, str]) -> None:
        """Write plan.json, and study.toml: this study, with the seeds and variants that the folder already holds.

        Args:
            configs: variant -> how Keras describes its model, for those that were built.
        """
        import tomli_w

        plan = json.dumps(plan_of(self.study.split).to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(self.folder.plan_path, f"{plan}\n".encode())
        values = study_to_dict(self.study, configs)
        if self.folder.study_path.is_file() and self.store.runs():
            before = self.folder.read_study()
            values["seeds"] = sorted({*before.get("seeds", []), *values["seeds"]})
            values["variants"] = before.get("variants", {}) | values["variants"]
        remember(values)  # as what the user named: a stranger's tables were asked about before they were read
        write_atomically(self.folder.study_path, tomli_w.dumps(values).encode())

    def conclude(self) -> Summary:
        """Judge what is recorded, write result.json, and return the summary."""
        study = self.folder.read_study()
        judge_folder(self.store, study)
        summary = summarise_folder(self.store, study)
        write_result(self.folder, summary)
        return summary

    def _describe(self) -> None:
        """Record the table, the targets of its rows and this machine."""
        table = describe_table(self.study.split.table)
        warnings = [one.to_dict() for one in find_warnings(self.study.split)]
        rows = study_rows(self.study)
        constant = {"constant_loss": constant_loss(rows), "constant": constant_prediction(rows).tolist()}
        parts = {"parts": self.study.split.sizes} | constant
        self.store.set_meta("table", table | parts)
        targets: dict[RowKind, Any] = {"validation": rows.validation[1], "test": rows.test[1]}
        self.store.write_reference(TARGETS, targets)
        constants: dict[RowKind, Any] = {
            kind: constant_losses(rows, values).astype("float32") for kind, values in targets.items()
        }
        self.store.write_reference(CONSTANT, constants)
        self.store.set_meta("warnings", warnings)
        self.store.set_meta("environment", _environment(self.device))
        if self.command or self.store.get_meta("command") is None:
            self.store.set_meta("command", self.command)

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


def _environment(device: str) -> dict[str, Any]:
    """Return versions and machine, for the report; `device` names its accelerators, if it has any."""
    return {
        **({"device": device} if device else {}),
        "python": platform.python_version(),
        **versions(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor_name(),
        "cores": len(available_cores()),
    }
