"""Calls of `fit` during a search of Keras Tuner, as its callbacks logged them, and of which trial each of them is.

On TensorFlow the callback of TensorBoard writes into TRIAL/executionN. On other backends those of all trials share a folder, as
they share a file of CSVLogger: there the values tell, for a trial's metrics are those of the best epoch of its executions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from justright.errors import InputError
from justright.logs.discovery.halves import ROLES
from justright.logs.formats.csv_logs import KERAS_CSV
from justright.logs.formats.trackers.tfevents import TENSORBOARD
from justright.logs.formats.tuners.trials import Points, Trial, objective_of, same
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import Source

CSV_ENDINGS = (".csv", ".log", ".tsv")
EXECUTION = "execution"  # folders of TensorBoard's callback on TensorFlow: TRIAL/execution0
KERAS_TAG = "epoch_"


@dataclass(frozen=True, slots=True)
class Execution:
    """One call of `fit` as a callback logged it, with its metrics in Keras' words."""

    run: LoggedRun
    metrics: Mapping[str, Points]

    def at_best(self, objective: str, *, rises: bool) -> dict[str, float]:
        """Return its metrics at the epoch that Keras Tuner takes: the first with the objective's best value."""
        points = {at: value for at, value in self.metrics.get(objective, {}).items() if math.isfinite(value)}
        if not points:
            return {}
        best = (max if rises else min)(points, key=points.__getitem__)
        return {name: values[best] for name, values in self.metrics.items() if best in values}


def is_log(path: Path) -> bool:
    """Return whether a file is one of TensorBoard's, or begins as those of CSVLogger do."""
    if TENSORBOARD.claims(path):
        return True
    if path.suffix.lower() not in CSV_ENDINGS:
        return False
    try:
        with path.open("rb") as file:
            return file.read(6).startswith((b"epoch,", b"epoch;", b"epoch\t"))
    except OSError:  # gone, or not ours to read
        return False


def in_events(source: Source) -> list[Execution]:
    """Return the executions in TensorBoard's files: each has files of its own, that for training begun first."""
    homes: dict[Path, list[Path]] = {}
    for path in source.files:
        if TENSORBOARD.claims(path):
            in_half = path.parent.name.lower() in ROLES
            homes.setdefault(path.parent.parent if in_half else path.parent, []).append(path)
    found = []
    for files in homes.values():
        for pair in _executions(files):
            part = Source(source.path, files=tuple(pair), choices=source.choices, refused=source.refused)
            found += [Execution(run, _metrics(run)) for run in TENSORBOARD.runs(part) if run.series]
    return found


def in_tables(source: Source, trials: Mapping[str, Trial]) -> list[Execution]:
    """Return the executions in CSV files, where each begins at an epoch that is not after the one before."""
    found = []
    for path in source.files:
        if path.suffix.lower() not in CSV_ENDINGS:
            continue
        if any(trial.first_epoch for trial in trials.values()):
            source.refused.append(
                f"{path.name!r} was left out: rows of one CSV file do not tell which trial Hyperband went on with. "
                "Pass keras.callbacks.TensorBoard to `search` instead."
            )
            continue
        try:
            runs = KERAS_CSV.runs(Source.of_file(path, source.choices))
        except InputError as error:
            source.refused.append(str(error))
            continue
        found += [Execution(part, _metrics(part)) for run in runs for part in _split(run)]
    return found


def match_trials(executions: Sequence[Execution], trials: Mapping[str, Trial]) -> dict[str, list[Execution]]:
    """Return the executions of each trial, as far as their folders or their values tell."""
    found: dict[str, list[Execution]] = {}
    unknown = []
    for one in executions:
        *_, folder, execution = ("", "", *Path(one.run.name).parts)
        if folder in trials and execution.startswith(EXECUTION):
            found.setdefault(folder, []).append(one)
        else:
            unknown.append(one)
    left = [trial for name, trial in trials.items() if name not in found]
    if not left or not unknown:
        return found
    objective = objective_of(trials.values())
    best = [one.at_best(objective, rises=objective in left[0].rising) for one in unknown]
    sizes = sorted({1, max(1, round(len(unknown) / len(left)))})
    free = list(range(len(unknown)))
    for trial in left:
        group = next(
            (
                free[start : start + size]
                for size in sizes
                for start in range(len(free) - size + 1)
                if _are_of(trial, [best[at] for at in free[start : start + size]])
            ),
            [],
        )
        if group:
            found[trial.id] = [unknown[at] for at in group]
            free = [at for at in free if at not in group]
    return found


def _executions(files: Sequence[Path]) -> list[list[Path]]:
    """Return the event files of one folder and its halves, those of one execution together: a second file of a half begins one."""
    groups: list[list[Path]] = []
    for path in sorted(
        files, key=lambda path: [int(part) if part.isdecimal() else 0 for part in path.name.split(".")]
    ):
        if not groups or path.parent in {other.parent for other in groups[-1]}:
            groups.append([])
        groups[-1].append(path)
    return groups


def _split(run: LoggedRun) -> Iterator[LoggedRun]:
    """Yield the parts of a run between epochs that are not after the one before."""
    at = run.series[0].at if run.series else []
    if any(one.at != at for one in run.series):
        yield run
        return
    starts = [place for place in range(len(at)) if not place or at[place] <= at[place - 1]]
    for start, stop in zip(starts, [*starts[1:], len(at)], strict=True):
        parts = [
            replace(one, at=one.at[start:stop], values=one.values[start:stop], lines=one.lines[start:stop])
            for one in run.series
        ]
        yield replace(run, series=parts)


def _metrics(run: LoggedRun) -> dict[str, Points]:
    """Return the metrics of a run under the names that Keras' History gives them."""
    return {_keras_name(one): dict(zip(one.at, one.values, strict=True)) for one in run.series}


def _keras_name(series: Series) -> str:
    """Return the name that Keras' History gives what its callbacks logged.

    Example:
        >>> _keras_name(Series("validation/epoch_loss", [], [], role="validation"))
        'val_loss'
    """
    tag = series.written.rpartition("/")[2]
    if not tag.startswith(KERAS_TAG):
        return series.written
    return ("val_" if series.role == "validation" else "") + tag.removeprefix(KERAS_TAG)


def _are_of(trial: Trial, best: Sequence[Mapping[str, float]]) -> bool:
    """Return whether a trial's metrics are the means of those of some executions."""
    told = {name: next(iter(points.values())) for name, points in trial.metrics.items() if len(points) == 1}
    return bool(told) and all(
        all(name in one for one in best) and same(sum(one[name] for one in best) / len(best), value)
        for name, value in told.items()
    )
