"""What the runs of a folder said about each row that measures, and the metrics of that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from justright.data.read_options import Task
from justright.diagnosis.ensembles import agreeing_logits
from justright.diagnosis.evidence import Losses
from justright.diagnosis.measured import chosen_by_halves, cross_fitted
from justright.diagnosis.scores.metrics import (
    NEEDS_TEST,
    UNENDED,
    Targets,
    class_predictions,
    constant_metrics,
    counted_weights,
    find_logits,
    loss_metrics,
    measure_metrics,
    output_metrics,
    without_metrics,
)
from justright.diagnosis.scores.pictures import class_pictures, value_pictures
from justright.records.reader import RunRecord, StoreReader
from justright.runs.events import RowKind
from justright.runs.outcomes import is_measured
from justright.runs.weighted_means import Floats, linearised
from justright.session.counted_rows import WEIGHTS, CountedRows
from justright.statistics.class_metrics import ClassPredictions
from justright.statistics.estimates import Estimates

# Stored next to the reference models' losses: the targets of the rows.
TARGETS = "(targets)"
Part = Literal["validation", "test"]
OUTPUTS: dict[Part, RowKind] = {"validation": "validation_output", "test": "test_output"}
Metrics = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class MeasuringRows:
    """The rows of a folder that measure: test rows, or validation rows without any.

    Args:
        store: the folder's store.
        task: the table's task.
        part: which rows.
        targets: (rows,) class numbers, or values.
        reference: kind of rows -> what the reference model recorded; empty without one.
        constant: what the best constant on training rows predicts; empty in folders of old versions.
        weights: (rows,) how much each row counts, with mean 1; None if all count the same.
    """

    store: StoreReader
    task: Task
    part: Part
    targets: Targets
    reference: Mapping[str, Losses]
    constant: Sequence[float]
    weights: Floats | None

    @classmethod
    def of(cls, store: StoreReader) -> MeasuringRows:
        """Return those of a folder."""
        facts, named = store.get_meta("table"), store.get_meta("reference")
        part: Part = "test" if facts["parts"]["test"] else "validation"
        recorded = store.reference()
        return cls(
            store,
            facts["task"],
            part,
            recorded.get(TARGETS, {}).get(part, np.empty(0, np.float32)),
            recorded.get(named["name"], {}) if named else {},
            facts.get("constant") or (),
            CountedRows(recorded.get(WEIGHTS, {}), {}).part(part),
        )

    def outputs(self, record: RunRecord) -> tuple[Losses, bool] | None:
        """Return (rows * outputs,) of a run at its chosen epoch, and whether they are logits; None if not recorded."""
        said = recorded_at_best(self.store, record, OUTPUTS[self.part])
        if said is None or not len(self.targets) or not len(said) or len(said) % len(self.targets):
            return None
        losses = recorded_at_best(self.store, record, self.part)
        return said, find_logits(said, self.targets, losses, self.task)

    def pictures(self, name: str, records: Iterable[RunRecord]) -> dict[str, Any] | None:
        """Return what a page draws of a variant's predictions; None if no run that ended well recorded any."""
        return self._drawn(name, [self.outputs(one) for one in records if is_measured(one.outcome)])

    def reference_pictures(self, name: str) -> dict[str, Any] | None:
        """Return the same of the reference model."""
        return self._drawn(name, [self.reference_outputs()])

    def reference_outputs(self) -> tuple[Losses, bool] | None:
        """Return what the reference model said, as `outputs` does; None if not recorded."""
        said = self.reference.get(OUTPUTS[self.part], np.empty(0, np.float32))
        return (
            (said, False) if len(said) and len(self.targets) and not len(said) % len(self.targets) else None
        )

    def predictions(self, found: Iterable[tuple[Losses, bool] | None]) -> list[ClassPredictions]:
        """Return what classes were predicted, from the outputs of runs; those not recorded, or not finite, are left out."""
        given = [one for one in found if one is not None and np.isfinite(one[0]).all()]
        if self.weights is None:
            return [class_predictions(said, self.targets, are_logits=are) for said, are in given]
        counting, weights = self.weights > 0, counted_weights(self.weights)
        return [
            class_predictions(
                said.reshape(len(self.targets), -1)[counting],
                self.targets[counting],
                are_logits=are,
                weights=weights,
            )
            for said, are in given
        ]

    def values(self, found: Iterable[tuple[Losses, bool] | None]) -> list[Losses]:
        """Return (rows,) predicted values of each run, likewise."""
        return [one[0] for one in found if one is not None and np.isfinite(one[0]).all()]

    def metrics(self, records: Iterable[RunRecord]) -> Metrics:
        """Return the metrics of a variant from those of its runs that ended well."""
        return measure_metrics(self.task, self.run_metrics(records), reason=UNENDED)

    def reference_metrics(self) -> Metrics:
        """Return the metrics of the reference model; without test rows it chose its size on the rows that measure."""
        found = self.reference_outputs()
        if found is None:
            return measure_metrics(self.task, [])
        one = output_metrics(found[0], self.targets, self.task, are_logits=False, weights=self.weights)
        return measure_metrics(self.task, [one])

    def constant_metrics(self) -> Metrics:
        """Return the metrics of the best constant on training rows; empty if that is not known."""
        if not len(self.constant) or not len(self.targets):
            return {}
        return constant_metrics(self.constant, self.targets, self.task, weights=self.weights)

    def _drawn(self, name: str, found: Sequence[tuple[Losses, bool] | None]) -> dict[str, Any] | None:
        if self.task == "regression":
            values = self.values(found)
            return {"name": name} | value_pictures(values[0], self.targets) if values else None
        predictions = self.predictions(found)
        return {"name": name} | class_pictures(predictions) if predictions else None

    def run_metrics(self, records: Iterable[RunRecord]) -> Iterator[Estimates]:
        """Yield the metrics of each run that ended well, as far as it recorded what they take."""
        for record in records:
            if not is_measured(record.outcome):
                continue
            if self.part == "test":
                found = self.outputs(record)
                if found is not None:
                    yield output_metrics(
                        *(found[0], self.targets, self.task), are_logits=found[1], weights=self.weights
                    )
                continue
            if not self._has_known_losses(record):
                yield without_metrics(self.task, NEEDS_TEST)
                continue
            losses = self.store.row_losses(record.run, "validation")
            finite = {epoch: values for epoch, values in losses.items() if np.isfinite(values).all()}
            if finite:
                yield loss_metrics(self._cross_fitted(finite), self.targets, self.task, weights=self.weights)

    def _cross_fitted(self, validation: Mapping[int, Losses]) -> Losses:
        """Return (rows,) losses, of each half at the epoch that the other chooses: as they were recorded, not linearised."""
        weights = self.weights
        if weights is None:
            return cross_fitted(validation)[0]
        chosen = chosen_by_halves(
            {epoch: linearised(values, weights) for epoch, values in validation.items()}, weights
        )
        halves = (validation[epoch] for epoch in chosen)
        return np.where(np.arange(len(weights)) % 2 == 0, *halves)

    def _has_known_losses(self, record: RunRecord) -> bool:
        """Return whether a run's losses are those of its task, by what it said at its best epoch."""
        said = recorded_at_best(self.store, record, "validation_output")
        losses = recorded_at_best(self.store, record, "validation")
        if said is None or losses is None or len(losses) != len(self.targets) or len(said) % len(losses):
            return False
        rows = said.reshape(len(losses), -1)
        return agreeing_logits(rows, self.targets, losses, self.task) is not None


def recorded_at_best(store: StoreReader, record: RunRecord, kind: RowKind) -> Losses | None:
    """Return what a run recorded for one kind of rows at its best epoch; None if it recorded nothing."""
    best = record.best_epoch
    return None if best is None else store.row_losses(record.run, kind, epoch=best).get(best)
