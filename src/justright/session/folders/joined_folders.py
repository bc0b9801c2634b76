"""`join`: the runs of several study folders, such as trainings that were recorded one by one, as one study."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from justright.data.checks import listed
from justright.errors import InputError, raise_together
from justright.records.boards.tensorboard_files import TensorBoardFiles
from justright.records.files import write_atomically
from justright.records.fingerprints import changed
from justright.records.folder import StudyFolder
from justright.records.reader import RunRecord, StoreReader
from justright.records.store import Store
from justright.runs.events import (
    EpochBlock,
    Event,
    RowKind,
    RowLosses,
    RunFinished,
    RunKey,
    RunStarted,
    StackCheckpoint,
    VariantBuilt,
)
from justright.runs.tasks import checkpoint_path
from justright.session.folders.study_files import conclude, write_values
from justright.session.result import Result
from justright.study.own_models.architecture import is_same_network
from justright.study.recipe import recipe_values
from justright.study.variant import check_name

NAME = "joined"
KEY_COLUMNS = 4  # of curves: variant, seed, train_rows, epoch
MOST_LISTED = 5
# What a folder records of its table and machine, which is the same for all folders of the same rows.
SHARED_META = ("table", "warnings")
ROW_KINDS: tuple[RowKind, ...] = get_args(RowKind)


def join(folders: Sequence[str | Path], out: str | Path, *, name: str = NAME) -> Result:
    """Return the result of one study that holds the runs of several folders, judged as a whole, in folder `out`.

    Trainings that `justright.callbacks.JustRight` recorded, seeds of one network or different networks, become comparable so:
    their effects are paired by row and by seed. The folders stay as they are. Runs that have not ended are left out.

    Args:
        folders: at least two study folders with the same training, validation and test rows.
        out: the new study folder.
        name: of the joined study.

    Raises:
        InputError: there are fewer than two folders, their rows differ, two hold the same run, or networks of one name differ.
            Nothing has been written.
        FolderError: a folder holds no study, or `out` holds something already.

    Example:
        >>> import justright as jr
        >>> jr.join(["runs/seed-1", "runs/seed-2"], "runs/both").verdicts  # doctest: +SKIP
    """
    check_name(name)
    if isinstance(folders, str | Path) or len(folders) < 2:
        raise InputError(f"`folders` must be a list of at least two study folders; got {folders!r}.")
    with ExitStack() as stack:
        members = [_Member.of(path, stack) for path in folders]
        raise_together(
            *(lambda other=other: _check_rows(members[0], other) for other in members[1:]),
            lambda: _check_runs(members),
            lambda: _check_networks(members),
        )
        folder = stack.enter_context(StudyFolder.open(out, "create"))
        store = stack.enter_context(Store(folder))
        _write(folder, store, members, name)
        summary = conclude(folder, store)
        repairs = [note.text for note in store.notes() if not note.is_routine]
    result = Result(folder.path, summary=summary, repairs=repairs)
    result.try_report()
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """One of the folders.

    Args:
        folder: opened to be read.
        store: its database.
        study: the plain values of its study.toml.
        prints: its fingerprints.
        built: variant -> how its model is described.
        runs: those that have ended.
    """

    folder: StudyFolder
    store: StoreReader
    study: dict[str, Any]
    prints: dict[str, Any]
    built: dict[str, VariantBuilt]
    runs: tuple[RunRecord, ...]

    @classmethod
    def of(cls, path: str | Path, stack: ExitStack) -> _Member:
        folder = StudyFolder.open(path, "read")
        store = stack.enter_context(StoreReader(folder))
        return cls(
            *(folder, store, folder.read_study(), store.get_meta("fingerprints", {})),
            {one.variant: one for one in store.variants()},
            tuple(record for record in store.runs() if record.is_ended),
        )

    @property
    def name(self) -> str:
        """The folder as messages name it."""
        return repr(str(self.folder.path))

    def recipe(self, variant: str) -> dict[str, Any]:
        """The plain values of the recipe that trained a variant."""
        return dict(recipe_values(self.study["variants"][variant], self.study))


def _check_rows(first: _Member, other: _Member) -> None:
    kinds = {
        "split": "training or validation rows",
        "test": "test rows",
        "standardize_target": "units of the target",
        "weighted_rows": "rows that count by weights",
    }
    found = [words for key, words in kinds.items() if first.prints.get(key) != other.prints.get(key)]
    if first.study.get("train_sizes") != other.study.get("train_sizes"):
        found.append("training sizes")
    if found:
        raise InputError(
            f"Folders can be joined if their rows are the same; {' and '.join(found)} of {other.name} are not those of "
            f"{first.name}. Compare them with justright.compare."
        )


def _check_runs(members: Sequence[_Member]) -> None:
    """Raise InputError if a folder has no ended run, or two folders the same one."""
    empty = [str(one.folder.path) for one in members if not one.runs]
    if empty:
        raise InputError(
            f"Folders can be joined if each holds a run that has ended; {listed(empty, most=MOST_LISTED)} "
            f"hold{'s' * (len(empty) == 1)} none. Leave it out, or finish its training."
        )
    held: dict[RunKey, _Member] = {}
    twice = []
    for member in members:
        for record in member.runs:
            if record.run in held:
                where = f"{held[record.run].name} and {member.name}"
                twice.append(f"{record.run.variant!r} with seed {record.run.seed} in {where}")
            held[record.run] = member
    if twice:
        raise InputError(
            f"Folders can be joined if no two hold the same run; got {'; '.join(twice[:MOST_LISTED])}. Train each with a seed, "
            "or a name, of its own: JustRight(..., name=..., seed=...)."
        )


def _check_networks(members: Sequence[_Member]) -> None:
    """Raise InputError if networks of one name are not the same, or were trained in different ways."""
    first: dict[str, _Member] = {}
    different = []
    for member in members:
        for name, now in member.built.items():
            before = first.setdefault(name, member)
            was = before.built[name]
            if was.parameters != now.parameters:
                found = [f"{was.parameters:,} and {now.parameters:,} parameters"]
            elif not is_same_network(was.config, now.config):
                found = ["other layers or options"]
            else:
                pair = {"recipe": before.recipe(name)}, {"recipe": member.recipe(name)}
                found = changed(*pair) or (changed(*reversed(pair)) and ["max_epochs differs"])
            if found:
                different.append(f"{name!r} in {before.name} and {member.name}: {'; '.join(found)}")
    if different:
        raise InputError(
            f"Folders can be joined if networks of one name are the same; they differ for {' | '.join(different[:MOST_LISTED])}. "
            "Give each network a name of its own."
        )


def _write(folder: StudyFolder, store: Store, members: Sequence[_Member], name: str) -> None:
    first = members[0]
    study = _joined_study(members, name)
    for key in SHARED_META:
        store.set_meta(key, first.store.get_meta(key))
    store.set_meta("environment", _joined_environment(members))
    store.set_meta("command", "")
    store.set_meta("wall_seconds", sum(one.store.get_meta("wall_seconds", 0.0) for one in members))
    variants = {key: values for one in members for key, values in one.prints.get("variants", {}).items()}
    store.set_meta("fingerprints", first.prints | {"variants": variants, "recipe": study["recipe"]})
    measured = next((one for one in members if one.store.get_meta("reference")), first)
    store.set_meta("reference", measured.store.get_meta("reference"))
    for reference, losses in measured.store.reference().items():
        store.write_reference(reference, losses)  # type: ignore[arg-type]  # kinds of rows, as they were written
    write_atomically(folder.plan_path, first.folder.plan_path.read_bytes())
    write_values(folder, study)
    files = TensorBoardFiles(folder, store, study, full_rows=store.get_meta("table")["parts"]["train"])

    def handle(event: Event) -> None:
        store.handle(event)
        files.handle(event)

    for built in {key: one for member in reversed(members) for key, one in member.built.items()}.values():
        handle(built)
    for member in members:
        for record in member.runs:
            _copy_run(record, member, folder, handle)
        unended = len(member.store.runs()) - len(member.runs)
        if unended:
            store.note("join", f"{unended} of the runs in {member.name} had not ended and were left out.")


def _joined_study(members: Sequence[_Member], name: str) -> dict[str, Any]:
    """Return the plain values of the joined study: variants keep the recipes that trained them."""
    recipe = dict(members[0].study["recipe"])
    variants: dict[str, Any] = {}
    for member in members:
        for variant, values in member.study["variants"].items():
            own = member.recipe(variant)
            kept = {key: value for key, value in values.items() if key != "recipe"}
            variants.setdefault(variant, kept | ({} if own == recipe else {"recipe": own}))
    seeds = sorted({record.run.seed for member in members for record in member.runs})
    return {
        **members[0].study,
        "name": name,
        "seeds": seeds,
        "reference": any(one.study.get("reference", False) for one in members),
        "neighbours": False,
        "recipe": recipe,
        "variants": variants,
    }


def _joined_environment(members: Sequence[_Member]) -> dict[str, Any]:
    """Return versions and machines; where they differ, all of them."""
    found: dict[str, list[Any]] = {}
    for member in members:
        for key, value in member.store.get_meta("environment", {}).items():
            if value not in found.setdefault(key, []):
                found[key].append(value)
    return {
        key: values[0] if len(values) == 1 else ", ".join(map(str, values)) for key, values in found.items()
    }


def _copy_run(
    record: RunRecord, member: _Member, folder: StudyFolder, handle: Callable[[Event], None]
) -> None:
    run = record.run
    if record.model_path is not None:
        content = member.folder.inside(record.model_path).read_bytes()
        write_atomically(folder.inside(record.model_path), content)
    curves = member.store.curves(**run._asdict())
    metrics = {name: curves[name].to_numpy() for name in curves.columns[KEY_COLUMNS:]}
    block = EpochBlock(run, 0, metrics, tuple(_rows(record, member.store)))
    finished = RunFinished(
        *(run, record.outcome or "failed", record.reason, record.epochs, record.best_epoch),
        *(record.train_seconds or 0.0, record.best, record.last, record.test, record.test_last),
        model_path=record.model_path,
    )
    stack = f"{run.variant}-{run.seed}-{run.train_rows}"
    blocks = (block,) if record.epochs else ()
    handle(RunStarted(run, 0, record.worker))
    handle(
        StackCheckpoint(stack, checkpoint_path(stack, record.epochs), record.epochs, (), blocks, (finished,))
    )


def _rows(record: RunRecord, store: StoreReader) -> Iterator[RowLosses]:
    for kind in ROW_KINDS:
        for epoch, losses in store.row_losses(record.run, kind).items():
            yield RowLosses(record.run, kind, epoch, losses)
