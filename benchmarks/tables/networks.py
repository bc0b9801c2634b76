"""What a study folder says about its best network, and how that does on test rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import justright as jr
from benchmarks.tables.rivals import Floats, Measured, score
from justright.data.read_options import Task
from justright.data.table import Split
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader


@dataclass(frozen=True)
class Best:
    """The network that validation rows choose.

    Args:
        name: of its variant.
        verdict: its label.
        says: why, a sentence each, and what the study says besides.
        measured: on test rows, the mean over seeds.
    """

    name: str
    verdict: str
    says: tuple[str, ...]
    measured: Measured


def best_network(folder: Path, split: Split) -> Best | None:
    """Return the network that a finished study recommends; None if it recommends none."""
    result = jr.open_result(folder)
    if result.summary["choice"] is None:
        return None
    name = result.summary["choice"]["variant"]
    summary = next(one for one in result.summary["variants"] if one["name"] == name)
    seeds = [run["seed"] for run in summary["runs"] if run["counts"] and run["best_epoch"] is not None]
    kind, truth = ("test", split.arrays("test")[1])
    if len(truth) == 0:
        kind, truth = ("validation", split.arrays("validation")[1])
    losses, scores = [], []
    with StoreReader(StudyFolder.open(folder, "read")) as store:
        for record in store.runs():
            if record.run.variant == name and record.run.seed in seeds:
                recorded, outputs = (
                    next(iter(store.row_losses(record.run, part, epoch=record.best_epoch).values()))  # type: ignore[arg-type]  # two of the kinds of rows
                    for part in (kind, f"{kind}_output")
                )
                losses.append(recorded)
                said = predictions(outputs.reshape(len(truth), -1), split.table.task)
                scores.append(score(split.table.task, said, truth))
    says = (*summary["verdict"]["reasons"], *result.summary["facts"])
    measured = Measured(np.mean(losses, axis=0, dtype=np.float64), float(np.mean(scores)))
    return Best(name, summary["verdict"]["label"], says, measured)


def predictions(outputs: npt.NDArray[Any], task: Task) -> Floats:
    """Return what a built-in network's outputs mean: numbers, or (rows, classes or 1) probabilities of their logits."""
    values = outputs.astype(np.float64)
    if task == "regression":
        return values
    if values.shape[1] == 1:
        return np.asarray(np.exp(-np.logaddexp(0.0, -values)))
    return np.asarray(np.exp(values - np.logaddexp.reduce(values, axis=1, keepdims=True)))
