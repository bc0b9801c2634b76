"""What a folder still lacks of a study: runs to train, to continue beyond their old limit, or to measure again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from justright.errors import FolderError
from justright.records.checkpoints import read_tensors
from justright.records.fingerprints import changed, versions
from justright.records.folder import StudyFolder, holds_study
from justright.records.models import damage_of
from justright.records.reader import CheckpointRecord, RunRecord
from justright.records.store import Division, Store
from justright.runs.events import RunKey
from justright.runs.tasks import checkpoint_path
from justright.study.spec import ROLE_KEYS, recorded_weighted_rows, study_to_dict
from justright.study.study import Study
from justright.workers.plan import Revisit, SavedStack, companion_groups, stack_name

# Keys of a variant's description that say nothing about its numbers.
NOT_TRAINED = (*ROLE_KEYS, "keras_config")


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left to do, found without changing what is recorded.

    Args:
        wanted: every run of the study.
        ended: runs that need no more training.
        reopened: ended runs that train again: from where a lower epoch limit ended them or, if that state is lost, from
            their first epoch to the same numbers.
        saved: stacks to continue.
        divided: checkpoints to divide before that: some of their runs have left the study, or no longer share a program.
        revisited: stacks of ended runs that are to be measured on the study's test rows, or whose models are lost.
        has_other_test: whether the recorded runs were measured on other test rows.
        reference: whether the reference model is to be trained.
    """

    wanted: frozenset[RunKey]
    ended: frozenset[RunKey]
    reopened: tuple[RunKey, ...]
    saved: tuple[SavedStack, ...]
    revisited: tuple[Revisit, ...]
    has_other_test: bool
    reference: bool
    divided: tuple[Division, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether the folder holds the whole study."""
        return self.wanted <= self.ended and not self.revisited and not self.reference


def fingerprints(study: Study) -> dict[str, Any]:
    """Return the description that decides whether a folder holds this study; see `records.fingerprints`."""
    values = study_to_dict(study)
    return {
        "split": study.split.digest("train", "validation"),
        "test": study.split.digest("test"),
        "recipe": values["recipe"],
        "variants": {
            name: {key: value for key, value in member.items() if key not in NOT_TRAINED}
            for name, member in values["variants"].items()
        },
        "versions": versions(),
        **{key: values[key] for key in ("standardize_target", "weighted_rows") if key in values},
    }


def with_recorded_weights(study: Study, folder: str | Path) -> Study:
    """Return a study in which weights count where they do in the folder that it goes on in, unless it says where itself."""
    if study.split.table.weights is None or study.weighted_rows is not None or not holds_study(folder):
        return study
    opened = StudyFolder.open(folder, "read")
    if not opened.study_path.is_file():  # fingerprints then tell whether it is this study
        return study
    return replace(study, weighted_rows=recorded_weighted_rows(opened.read_study()))


def check_same_study(store: Store, current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fingerprints to remember: those of the study, and those of variants that only the folder holds.

    Raises:
        FolderError: the folder holds runs of another study; the message names what differs.
    """
    stored = store.get_meta("fingerprints")
    if stored is None or not store.runs():  # until something has trained, anything may change
        return dict(current)
    merged = dict(current) | {"variants": stored["variants"] | current["variants"]}
    differences = changed(*map(_comparable, (stored, merged), (merged, stored)))
    missing = [name for name in stored["variants"] if name not in current["variants"]]
    if missing and stored["test"] != current["test"]:
        differences.append(
            f"the test rows differ, and variant {missing[0]!r}, measured on those before, is left out"
        )
    if differences:
        raise FolderError(
            f"{str(store.folder.path)!r} holds another study: {'; '.join(differences)}. "
            "Run that one again, choose another --out, or start in a fresh folder with --new."
        )
    return merged


def _comparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's description without the builders that the other does not name.

    A model of a callable is read from study.toml as Keras described it; that it is the same is checked when it is built.
    """
    return dict(one) | {
        "variants": {
            name: {
                key: value
                for key, value in member.items()
                if key != "builder" or key in other["variants"].get(name, {})
            }
            for name, member in one["variants"].items()
        }
    }


def find_remaining(study: Study, store: Store, current: Mapping[str, Any]) -> Remaining:
    """Return what the folder still lacks; damaged checkpoints and models are named in its diary and made again."""
    stored = store.get_meta("fingerprints", current)
    other_test = stored["test"] != current["test"]
    records = {record.run: record for record in store.runs()}
    wanted = frozenset(RunKey(variant.name, seed, rows) for variant, seed, rows in study.runs())
    extended = {run for run, record in records.items() if _is_below_limit(study, record)}
    ended = {
        run for run, record in records.items() if record.is_ended and record.outcome != "failed"
    } - extended
    has_test = study.split.sizes["test"] > 0
    unmeasured = {
        run
        for run in ended
        if has_test and (other_test or not records[run].test) and records[run].best_epoch is not None
    }
    unsaved = {run for run in sorted(wanted & ended) if _has_lost_model(store, records[run])}
    stacks, divided = _usable_stacks(study, store, (wanted - ended) | unmeasured | unsaved)
    lost = (unmeasured | unsaved).difference(*(stack.runs for stack in stacks))
    revisited = [
        Revisit(
            stack, frozenset(unmeasured.intersection(stack.runs)), frozenset(unsaved.intersection(stack.runs))
        )
        for stack in stacks
    ]
    ended -= lost
    return Remaining(
        wanted=wanted,
        ended=frozenset(ended),
        reopened=tuple(sorted(extended | lost)),
        saved=tuple(stack for stack in stacks if not ended.issuperset((*stack.runs, *stack.waiting))),
        revisited=tuple(one for one in revisited if one.unmeasured or one.unsaved),
        has_other_test=other_test and bool(records),
        reference=study.reference and (other_test or store.get_meta("reference") is None),
        divided=tuple(divided),
    )


def _is_below_limit(study: Study, record: RunRecord) -> bool:
    """Return whether a run ended by an epoch limit lower than the study's."""
    limits = {variant.name: study.recipe_of(variant).max_epochs for variant in study.variants}
    return record.outcome == "finished" and record.epochs < limits.get(record.run.variant, 0)


def _has_lost_model(store: Store, record: RunRecord) -> bool:
    """Return whether the model that a run saved is missing or damaged, and note it in the diary."""
    if record.model_path is None:
        return False
    damage = damage_of(store.folder.inside(record.model_path))
    if damage:
        store.note("model damaged", f"Model {record.model_path!r} is made again: {damage}.")
    return bool(damage)


def _usable_stacks(
    study: Study, store: Store, runs: frozenset[RunKey]
) -> tuple[list[SavedStack], list[Division]]:
    """Return the stacks with any of `runs` whose checkpoints can be read, and what must be divided for them to be there."""
    stacks: list[SavedStack] = []
    divided: list[Division] = []
    seated = {run for record in store.checkpoints() for run in record.lanes}
    for record in store.checkpoints():
        metadata = _metadata_of(store, record) if runs.intersection(record.lanes) else None
        if metadata is None:
            continue
        # Runs that have come to another stack since, as after a change of the study, no longer wait in this one.
        listed = [RunKey(*run) for run in json.loads(metadata.get("waiting", "[]"))]
        waiting = tuple(run for run in listed if run in runs and run not in seated)
        if len(companion_groups(study, (*record.lanes, *waiting))) > 1:
            waiting = ()
        seated.update(waiting)
        parts = [SavedStack(record.stack, record.path, record.lanes, waiting)]
        groups = companion_groups(study, record.lanes)
        if len(groups) > 1:
            named = [(stack_name(group), group) for group in groups]
            parts = [SavedStack(name, checkpoint_path(name, record.epoch), group) for name, group in named]
            divided.append(Division(record.stack, {one.path or "": (one.name, one.runs) for one in parts}))
        stacks += [one for one in parts if runs.intersection(one.runs)]
    return stacks, divided


def _metadata_of(store: Store, record: CheckpointRecord) -> dict[str, str] | None:
    """Return what a checkpoint says of itself; None if it cannot be read."""
    try:
        return read_tensors(store.folder.inside(record.path))[1]
    except FolderError as error:
        store.note("checkpoint damaged", str(error))
        store.forget_checkpoint(record.stack)
        return None
