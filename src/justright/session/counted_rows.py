"""How much each row of a study counts where losses and metrics are averaged, as its folder recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.diagnosis.evidence import Losses
from justright.records.reader import StoreReader
from justright.runs.events import RowKind
from justright.runs.grid import fixed_rows
from justright.runs.weighted_means import Floats, linearised, relative_weights
from justright.study.recipe import recipe_values

# Stored next to the reference models' losses: the weights of the rows. Under 'fixed' are those of all training rows.
WEIGHTS = "(weights)"
SCORE_ENDING = "_score"


@dataclass(frozen=True, slots=True, eq=False)
class CountedRows:
    """The weights of a study's rows.

    Args:
        weights: kind of rows -> (rows,), under 'fixed' those of all training rows; empty where all count the same, as in studies
            whose weights are for training alone.
        study: the plain values of study.toml, which say how many training rows are in the fixed subset.
    """

    weights: Mapping[str, npt.NDArray[np.float32]]
    study: Mapping[str, Any]

    @classmethod
    def of(cls, store: StoreReader, study: Mapping[str, Any]) -> CountedRows:
        """Return those of a folder."""
        return cls(store.reference().get(WEIGHTS, {}), study)

    def part(self, kind: str) -> Floats | None:
        """Return (rows,) weights of validation or test rows, with mean 1; None if all count the same."""
        found = self.weights.get(kind)
        return None if found is None or not len(found) else relative_weights(found)

    def fixed(self, variant: str, train_rows: int) -> Floats | None:
        """Return the same of the fixed subset of a run's training rows.

        Args:
            variant: of the run.
            train_rows: of the run.
        """
        found = self.weights.get("fixed")
        if found is None:
            return None
        recipe = recipe_values(self.study["variants"][variant], self.study)
        return relative_weights(found[fixed_rows(train_rows, recipe["measure_rows"])])

    def of_run(self, kind: RowKind, variant: str, train_rows: int) -> Floats | None:
        """Return the weights of the rows of any kind that a run measured."""
        part = kind.removesuffix(SCORE_ENDING)
        return self.fixed(variant, train_rows) if part == "fixed" else self.part(part)

    def linearised(self, kind: str, losses: Losses) -> Losses:
        """Return (rows,) losses of validation or test rows as evidence has them; those of other rows stay as they are."""
        weights = self.part(kind)
        return linearised(losses, weights) if weights is not None and len(weights) == len(losses) else losses
