"""The record of one training: measured after each epoch, kept in a study folder, judged in the end."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.callbacks.best_so_far import as_number
from justright.callbacks.fit_study import FitStudy
from justright.callbacks.model_measures import Measures, measure, model_outputs
from justright.records.models import save_model_atomically
from justright.runs.events import EpochBlock, RowKind, RowLosses, RunFinished
from justright.runs.grid import measured_epochs
from justright.runs.outcomes import Outcome
from justright.runs.weight_histograms import (
    HISTOGRAMS,
    Histogram,
    run_histograms,
    weight_histograms,
    weight_names,
)
from justright.session.folders.fit_folder import FitFolder
from justright.session.predictor import plan_of
from justright.session.result import Result
from justright.study.keras_descriptions import name_of
from justright.study.recipe import LOSSES, SCORES

# Epochs are made durable at most so often: what a kill can cost, and longer than that takes.
FLUSH_SECONDS = 1.0
# What the share of right classes is called in Keras' logs.
ACCURACIES = ("accuracy", "acc", "binary_accuracy", "sparse_categorical_accuracy", "categorical_accuracy")
SCORES_OF: dict[RowKind, RowKind] = {
    "validation": "validation_score",
    "fixed": "fixed_score",
    "test": "test_score",
}
OUTPUTS_OF: dict[RowKind, RowKind] = {"validation": "validation_output", "test": "test_output"}

Weights = list[npt.NDArray[Any]]


class FitRecord:
    """One training from its first epoch to its verdict.

    Args:
        path: of the study folder, which is made.
        fit: what is trained.
        model: the network before its first epoch.
        worker: where.
        environment: what else the report should say about where.

    Raises:
        FolderError: the folder cannot be made.
    """

    def __init__(
        self,
        path: str | Path,
        fit: FitStudy,
        model: Any,  # noqa: ANN401  # of Keras
        *,
        worker: str,
        environment: Mapping[str, Any],
    ) -> None:
        self.epochs = 0
        self.is_over = False  # whether it diverged: later epochs are not recorded
        self._fit = fit
        self._folder = FitFolder(path, fit.study, fit.built, worker=worker, environment=environment)
        for sentence in fit.unknown:
            self._folder.note(f"Not all that was compiled could be described. {sentence}")
        self._first = weight_histograms(model.get_weights())  # before training
        self._best_epoch: int | None = None
        self._best_loss = math.inf
        self._weights: dict[str, Weights] = {}  # after the best and the last epoch
        self._metrics: dict[str, dict[str, float]] = {"best": {}, "last": {}}
        self._waiting: list[EpochBlock] = []
        self._flushed = self._started = time.monotonic()

    def take_epoch(self, model: Any, logs: Mapping[str, Any]) -> None:  # noqa: ANN401  # of Keras
        """Measure the model after an epoch, and keep its weights if it is the best so far."""
        epoch, loss = self.epochs, LOSSES[self._fit.task]
        validation = self._measure(model, "validation")
        is_measured = bool(measured_epochs(epoch, 1)[0])
        fixed = self._measure(model, "fixed").means if is_measured else (math.nan, math.nan)
        metrics = self._named(model, logs, validation, fixed)
        rows = (self._row_losses("validation", epoch, validation),) if is_measured else ()
        self._waiting.append(
            EpochBlock(
                self._folder.run, epoch, {name: np.array([value]) for name, value in metrics.items()}, rows
            )
        )
        self.epochs += 1
        self.is_over = not (math.isfinite(metrics["loss"]) and math.isfinite(metrics["val_loss"]))
        self._weights["last"], self._metrics["last"] = model.get_weights(), metrics
        value = metrics[f"val_{loss}"]
        if not self.is_over and value < self._best_loss:
            self._best_epoch, self._best_loss = epoch, value
            self._weights["best"], self._metrics["best"] = self._weights["last"], metrics
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Make all epochs so far durable."""
        if self._waiting:
            self._folder.record(self._waiting)
            self._waiting = []
        self._flushed = time.monotonic()

    def finish(self, model: Any, outcome: Outcome, reason: str) -> Result:  # noqa: ANN401
        """Measure the best and the last weights, save the best, and return the judged result.

        The model has its own weights afterwards.

        Args:
            model: that was trained.
            outcome: how training ended, unless it diverged.
            reason: one sentence.
        """
        seconds, last = time.monotonic() - self._started, self.epochs - 1
        if self.is_over:
            outcome, reason = "diverged", f"A loss was not finite at epoch {last}."
        best, own = self._best_epoch, model.get_weights()
        measured: dict[str, tuple[dict[str, float], tuple[RowLosses, ...]]] = {
            "best": ({}, ()),
            "last": ({}, ()),
        }
        path = None
        try:
            # A run that diverged before a first finite epoch has nothing to be measured or saved.
            if best is not None:
                model.set_weights(self._weights["best"])
                measured["best"], path = self._measure_all(model, best, "best"), self._save(model)
                model.set_weights(self._weights["last"])
                measured["last"] = self._measure_all(model, last, "last")
        finally:
            model.set_weights(own)
        (best_test, rows), (last_test, last_rows) = measured["best"], measured["last"]
        finished = RunFinished(
            *(self._folder.run, outcome, reason, self.epochs, best, seconds),
            *(self._metrics["best"] or dict.fromkeys(self._metrics["last"], math.nan), self._metrics["last"]),
            *(best_test, last_test),
            rows=rows + (last_rows if best != last else ()),
            model_path=path,
        )
        return self._folder.finish(finished, self._waiting)

    def close(self) -> None:
        """Make what was recorded durable, as far as that is possible, and give the folder up, without a verdict."""
        try:
            self.flush()
        finally:
            self._folder.close()

    def _measure(self, model: Any, kind: str) -> Measures:  # noqa: ANN401
        rows = self._fit.rows[kind]
        return measure(model_outputs(model, rows), rows, self._fit.task, are_logits=self._fit.are_logits)

    def _measure_all(
        self,
        model: Any,  # noqa: ANN401
        epoch: int,
        which: str,
    ) -> tuple[dict[str, float], tuple[RowLosses, ...]]:
        """Return loss and score on test rows, and what a study records of all rows; see `training.stacks.run_end`."""
        loss_name, score_name = LOSSES[self._fit.task], SCORES[self._fit.task]
        test: dict[str, float] = {}
        rows: list[RowLosses] = []
        kinds: tuple[RowKind, ...] = ("validation", "fixed", "test")
        for kind in (one for one in kinds if one in self._fit.rows):
            measured = self._measure(model, kind)
            if kind != "validation" or not measured_epochs(epoch, 1)[0]:
                rows.append(self._row_losses(kind, epoch, measured))
            if which == "best":
                run = self._folder.run
                rows.append(RowLosses(run, SCORES_OF[kind], epoch, measured.scores.astype(np.float32)))
                if kind in OUTPUTS_OF:
                    outputs = measured.outputs.astype(np.float32).ravel()
                    rows.append(RowLosses(run, OUTPUTS_OF[kind], epoch, outputs))
            loss, score = measured.means
            if kind == "test":
                test = {"loss": loss, loss_name: loss, score_name: score}
            elif kind == "fixed":
                self._metrics[which] = self._metrics[which] | {
                    f"fixed_{loss_name}": loss,
                    f"fixed_{score_name}": score,
                }
        return test, tuple(rows)

    def _row_losses(self, kind: RowKind, epoch: int, measured: Measures) -> RowLosses:
        return RowLosses(self._folder.run, kind, epoch, measured.losses.astype(np.float32))

    def _named(
        self,
        model: Any,  # noqa: ANN401
        logs: Mapping[str, Any],
        validation: Measures,
        fixed: tuple[float, float],
    ) -> dict[str, float]:
        """Return the metrics of an epoch under a study's names, in its order; NaN where something is not known.

        What Keras reports of training rows is taken as it is; what a study measures on other rows is measured.
        """
        loss, score = LOSSES[self._fit.task], SCORES[self._fit.task]
        said = {name: value for name, given in logs.items() if (value := as_number(given)) is not None}
        trained, val_trained = said.pop("loss", math.nan), said.pop("val_loss", validation.means[0])
        is_known = loss not in said and self._fit.is_task_loss and not model.losses  # without penalties
        known = said.pop(loss, trained if is_known else math.nan)
        metrics = {
            "loss": trained,
            loss: known,
            score: self._training_score(said, score),
            "val_loss": val_trained,
            f"val_{loss}": validation.means[0],
            f"val_{score}": validation.means[1],
            f"fixed_{loss}": fixed[0],
            f"fixed_{score}": fixed[1],
            "learning_rate": said.pop("learning_rate", _learning_rate(model)),
        }
        left = {name: value for name, value in said.items() if name.removeprefix("val_") not in ACCURACIES}
        return metrics | {name: value for name, value in left.items() if name not in metrics}

    def _training_score(self, said: Mapping[str, float], score: str) -> float:
        """Return the score that Keras reports of training rows; NaN if it reports none, or compares logits with 0.5."""
        fit = self._fit
        names: tuple[str, ...] = ACCURACIES
        if fit.task == "regression":
            names = (score, "mae")
        elif fit.are_logits and fit.width == 1:
            names = tuple(
                name_of(one)
                for one in fit.study.recipe.metrics
                if isinstance(one, Mapping)
                and one["class_name"] == "BinaryAccuracy"
                and one["config"].get("threshold") == 0.0
            )
        return next((said[name] for name in names if name in said), math.nan)

    def _save(self, model: Any) -> str | None:  # noqa: ANN401
        """Save the model as it is; return its path, or None where Keras cannot save it, which is noted."""
        run, path = self._folder.run, self._folder.model_path
        about = run._asdict() | {
            "epoch": self._best_epoch,
            "are_logits": self._fit.are_logits,
            HISTOGRAMS: self._histograms(model),
        }
        # A model of several inputs takes no rows of a plan: it is loaded, and fed, by its owner.
        plan = plan_of(self._fit.study.split).to_dict() if self._fit.rows["validation"].is_table else None
        try:
            save_model_atomically(model, path, about, plan=plan)
        except (NotImplementedError, TypeError, ValueError, AttributeError) as error:
            self._folder.note(f"Keras could not save the model: {error}.")
            return None
        return self._folder.relative(path)

    def _histograms(self, model: Any) -> dict[str, dict[str, Histogram]]:  # noqa: ANN401
        """Return how the weights were distributed before training, if it had any then, and after the last and the best epoch."""
        return run_histograms(
            weight_names((one.path for one in model.weights), model.name),
            self._first,
            last=(self.epochs - 1, self._weights["last"]),
            best=(self._best_epoch or 0, self._weights["best"]),
        )


def _learning_rate(model: Any) -> float:  # noqa: ANN401
    import keras

    try:
        return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    except (AttributeError, TypeError, ValueError):  # an optimizer of one's own
        return math.nan
