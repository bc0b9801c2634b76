"""A project of Keras Tuner: its trials, with the curves that callbacks wrote beside them.

Keras Tuner itself keeps one epoch of each trial, its best. There are curves with `callbacks=[TensorBoard(...)]` or
`CSVLogger(..., append=True)` in `search`, and where a tuner of one's own reports each epoch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePath

from justright.data.checks import counted, listed
from justright.errors import InputError
from justright.logs.discovery.folders import natural_key
from justright.logs.formats.tuners.executions import EXECUTION, in_events, in_tables, is_log, match_trials
from justright.logs.formats.tuners.trials import OF_TUNER, TRIAL_FILE, Trial, is_trial, objective_of
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import LogFormat, Source

PROJECT_FILE = "oracle.json"
MAX_FILES = 10_000  # of a project that are looked at, as of any log folder
MAX_NAMES = 5  # of trials that a message lists


def project_files(folder: Path) -> tuple[Path, ...]:
    """Return the trials of a project, and the logs below it."""
    if not (folder / PROJECT_FILE).is_file():
        return ()
    trials = [path for path in folder.glob(f"trial_*/{TRIAL_FILE}") if _is_plain(path)]
    if not trials:
        return ()
    below = islice(folder.rglob("*"), MAX_FILES)
    return (
        *sorted(trials, key=natural_key),
        *sorted(path for path in below if _is_plain(path) and is_log(path)),
    )


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _read(source: Source) -> Iterator[LoggedRun]:
    """Yield a run for each trial with a curve, or for each of its executions, then logs that belong to no trial."""
    trials = {trial.id: trial for trial in _trials(source)}
    found: dict[str, list[LoggedRun]] = {
        trial.id: [curve] for trial in trials.values() if (curve := trial.curve()) is not None
    }
    others = []
    for executions in (in_events(source), in_tables(source, trials)):
        of_trial = match_trials(executions, trials)
        taken = {id(one) for group in of_trial.values() for one in group}
        others += [one.run for one in executions if id(one) not in taken]
        for name, group in of_trial.items():
            found.setdefault(name, [one.run for one in group])
    if trials and not found and not others:
        raise InputError(" ".join([*source.refused, _no_curves(source, list(trials.values()))]))
    missing = [name for name in trials if name not in found]
    if missing:
        source.refused.append(
            f"{counted(len(missing), 'trial')} of {source.name!r} {'has' if len(missing) == 1 else 'have'} no curve: "
            f"{listed(missing, most=MAX_NAMES)}."
        )
    for name in trials:
        yield from _runs_of(trials, found, name, project=source.path.name if source.files else "")
    yield from _numbered(others)


def _trials(source: Source) -> Iterator[Trial]:
    """Yield the trials of a project, or the one of a lone file."""
    if not source.files:
        yield Trial.of_source(source)
    for path in source.files:
        if path.name == TRIAL_FILE:
            try:
                yield Trial.of_source(Source.of_file(path, source.choices))
            except InputError as error:
                source.refused.append(str(error))


def _runs_of(
    trials: Mapping[str, Trial], found: Mapping[str, Sequence[LoggedRun]], name: str, *, project: str
) -> Iterator[LoggedRun]:
    """Yield the runs of a trial: one, or one for each execution, which are pooled as seeds are."""
    trial, runs = trials[name], found.get(name, ())
    # Other projects beside this one have trials of the same names.
    title = str(PurePath(project, trial.name))
    for number, run in enumerate(runs):
        if len(runs) > 1:
            member = f"{EXECUTION} {number}"
            yield replace(run, name=f"{title}, {member}", member=member, group=title)
        else:
            series, notes = _with_parents(trials, found, trial, run)
            yield replace(run, name=title, series=series, notes=(*run.notes, *notes))


def _with_parents(
    trials: Mapping[str, Trial], found: Mapping[str, Sequence[LoggedRun]], trial: Trial, run: LoggedRun
) -> tuple[list[Series], tuple[str, ...]]:
    """Return a run's series after those of the trials that it goes on from, and a sentence that says so."""
    series, seen = list(run.series), {trial.id}
    notes: tuple[str, ...] = ()
    while trial.parent in trials and trial.parent not in seen:
        start, trial = trial.first_epoch, trials[trial.parent]
        seen.add(trial.id)
        if len(found.get(trial.id, ())) != 1:
            break
        before = {one.written: one for one in found[trial.id][0].series}
        series = [_after(before[one.written], one, start) if one.written in before else one for one in series]
        notes = (
            f"Epochs before {start} are those of trial {trial.id}, whose best weights it went on from.",
            *notes,
        )
    return series, notes


def _after(before: Series, series: Series, start: float) -> Series:
    """Return a series after the part of another one that was logged before an epoch; order tells time in it."""
    kept = [(at, value) for at, value in zip(before.at, before.values, strict=True) if at < start]
    at, values = [at for at, _ in kept], [value for _, value in kept]
    return replace(series, at=[*at, *series.at], values=[*values, *series.values], lines=[])


def _no_curves(source: Source, trials: Sequence[Trial]) -> str:
    """Return what to say of trials without curves: what is known of them, and how to get curves."""
    place = Path(source.name) if source.files else Path(source.name).parent.parent
    callback = f"keras.callbacks.CSVLogger({str(place / 'trials.csv')!r}, append=True)"
    if any(f"{OF_TUNER}bracket" in trial.values for trial in trials):  # one trial goes on with another
        callback = f"keras.callbacks.TensorBoard({str(place / 'logs')!r})"
    return (
        f"A project of Keras Tuner must hold curves, of which the tuner itself keeps no more than the best epoch; "
        f"{source.name!r} holds none for its {counted(len(trials), 'trial')}{_best_of(trials)}. Make the tuner with overwrite=True, "
        f"pass callbacks=[{callback}] to `search`, and diagnose the folder again."
    )


def _best_of(trials: Sequence[Trial]) -> str:
    """Return which trial was best, in brackets; empty if none has a score."""
    objective = objective_of(trials)
    scored = [trial for trial in trials if math.isfinite(trial.score)]
    if not objective or not scored:
        return ""
    best = (max if objective in scored[0].rising else min)(scored, key=lambda trial: trial.score)
    return f" (best: {best.name} with {objective} {best.score:.4g})"


def _numbered(runs: Sequence[LoggedRun]) -> list[LoggedRun]:
    """Return runs of no known trial, those of one file or folder with numbers; they are runs of their own, not executions."""
    count = Counter(run.name for run in runs)
    seen: Counter[str] = Counter()
    numbered = []
    for run in runs:
        seen[run.name] += 1
        numbered.append(
            replace(run, name=f"{run.name}, fit {seen[run.name]}") if count[run.name] > 1 else run
        )
    return numbered


KERAS_TUNER = LogFormat(
    "keras-tuner",
    "a project of Keras Tuner into which a callback logged",
    _read,
    is_trial,
    folder_files=project_files,
)
