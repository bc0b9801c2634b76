"""Hugging Face's trainer_state.json, alone or in the newest checkpoint of an output folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from justright.errors import InputError
from justright.logs.formats.json_shapes.logged_rows import flatten, read_rows
from justright.logs.logged_run import LoggedRun, Series, Unit
from justright.logs.metric_names import parse_name
from justright.logs.source import LogFormat, Source

FILE_NAME = "trainer_state.json"
CHECKPOINT = re.compile(r"checkpoint-(\d{1,15})")
EVALUATION = "eval_"
# What Trainer measures about each evaluation, under the name of its set.
COSTS = (
    "_runtime",
    "_samples_per_second",
    "_steps_per_second",
    "_jit_compilation_time",
    "_model_preparation_time",
)
# The entry that ends a run holds means over all of it, not measurements.
LAST_ENTRY = frozenset({"train_runtime", "total_flos"})
MAX_LISTED = 10_000  # entries of a folder that are looked at for checkpoints


def _matches(source: Source) -> bool:
    return isinstance(source.value, dict) and isinstance(source.value.get("log_history"), list)


def _read(source: Source) -> list[LoggedRun]:
    notes: Sequence[str] = ()
    if source.files:
        one = Source.of_file(source.files[0])
        notes = one.notes
        source = replace(one, path=source.path, choices=source.choices)
    state = source.value
    if not _matches(source):
        raise InputError(
            f"A {FILE_NAME} must have `log_history`, a list; {source.name!r} has none. Pass the file that Trainer wrote."
        )
    entries = [
        flatten(entry)
        for entry in state["log_history"]
        if isinstance(entry, dict) and not LAST_ENTRY & entry.keys()
    ]
    found = read_rows(entries, choices=source.choices)
    names = [one.written for one in found.series]
    sets = evaluation_sets(names)
    series = [_of_set(one, sets) for one in found.series if not one.written.endswith(COSTS)]
    if not series:
        raise InputError(
            f"`log_history` must hold metrics; that of {source.name!r} has none, only the summary that ends a run. "
            "Set `logging_steps` and `eval_strategy` in TrainingArguments, and train again."
        )
    repeats = _without_repeats([one for one in series if one.role == "validation"], found.unit)
    steps = _checkpoint_steps(source.path, state)
    to_epoch = {step: epoch for entry in entries for step, epoch in _step_and_epoch(entry)}
    checkpoints = {
        (to_epoch.get(step) if found.unit == "epoch" else step): name for step, name in steps.items()
    }
    return [
        LoggedRun(
            source.name,
            series,
            found.unit,
            found.epochs,
            (*notes, *found.notes, *repeats),
            {at: name for at, name in checkpoints.items() if at is not None},
            tool="network",
        )
    ]


def _step_and_epoch(entry: Mapping[str, float | str]) -> list[tuple[float, float]]:
    step, epoch = entry.get("step"), entry.get("epoch")
    return [(step, epoch)] if isinstance(step, float) and isinstance(epoch, float) else []


def evaluation_sets(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of evaluation sets, longest first; none if there is only one, which Trainer does not name.

    Example:
        >>> evaluation_sets(
        ...     ["loss", "eval_stsb_loss", "eval_stsb_runtime", "eval_quora_loss", "eval_quora_runtime"]
        ... )
        ('quora', 'stsb')
        >>> evaluation_sets(["loss", "eval_loss", "eval_runtime", "eval_mlm_loss"])
        ()
    """
    of_evaluations = [name.removeprefix(EVALUATION) for name in names if name.startswith(EVALUATION)]
    if "loss" in of_evaluations or "runtime" in of_evaluations:
        return ()
    timed = {name.removesuffix("_runtime") for name in of_evaluations if name.endswith("_runtime")}
    with_loss = {name.removesuffix("_loss") for name in of_evaluations if name.endswith("_loss")}
    return tuple(sorted(timed or with_loss, key=lambda name: (-len(name), name)))


def _of_set(one: Series, sets: Sequence[str]) -> Series:
    """Say of a series on which rows it was measured, and of an evaluation's which set and metric it is."""
    name = one.written.removeprefix(EVALUATION)
    if name == one.written:
        one.role = "train" if name == "loss" else None
        return one
    one.role = "validation"
    one.set = next((set_name for set_name in sets if name.startswith(set_name + "_")), "")
    one.metric = parse_name(name.removeprefix(f"{one.set}_") if one.set else name).metric
    return one


def _without_repeats(evaluations: Sequence[Series], unit: Unit) -> tuple[str, ...]:
    """Leave out what was evaluated again at the same step, and say so.

    After `load_best_model_at_end`, `trainer.evaluate()` measures the best weights, and logs them at the last step: as the end of
    the curve they would hide that the network had become worse.
    """
    repeated: set[float] = set()
    for one in evaluations:
        kept = [place for place, at in enumerate(one.at) if place == 0 or at != one.at[place - 1]]
        repeated |= {at for before, at in pairwise(one.at) if at == before}
        one.at, one.values = [one.at[place] for place in kept], [one.values[place] for place in kept]
        one.lines = [one.lines[place] for place in kept] if one.lines else []
    if not repeated:
        return ()
    return (
        f"An evaluation was repeated at {unit} {max(repeated):g}; the first was taken, since the second may be of the best weights.",
    )


def _checkpoint_steps(path: Path, state: Mapping[str, Any]) -> dict[float, str]:
    """Return step -> name of each checkpoint that lies beside the log or is named in it as the best."""
    folder = path if path.is_dir() else path.parent
    names = _checkpoints(folder.parent if CHECKPOINT.fullmatch(folder.name) else folder)
    best = state.get("best_model_checkpoint")
    if isinstance(best, str) and (match := CHECKPOINT.fullmatch(re.split(r"[/\\]", best.rstrip("/\\"))[-1])):
        names.setdefault(int(match[1]), match[0])
    return {float(step): name for step, name in sorted(names.items())}


def _checkpoints(folder: Path) -> dict[int, str]:
    """Return step -> name of the checkpoints in a folder; none if it cannot be listed."""
    try:
        names = [entry.name for entry in islice(folder.iterdir(), MAX_LISTED)]
    except OSError:
        return {}
    return {int(match[1]): name for name in names if (match := CHECKPOINT.fullmatch(name))}


def _folder_files(folder: Path) -> tuple[Path, ...]:
    """Return the state that knows most: the folder's own, or that of its last checkpoint."""
    checkpoints = sorted(_checkpoints(folder).items(), reverse=True)
    candidates = [folder / FILE_NAME, *(folder / name / FILE_NAME for _, name in checkpoints)]
    return next(((path,) for path in candidates if path.is_file()), ())


TRAINER_STATE = LogFormat(
    "huggingface-trainer",
    "Hugging Face's trainer_state.json",
    _read,
    _matches,
    folder_files=_folder_files,
)
