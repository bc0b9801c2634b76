"""The saved models of a study, and which of them are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.data.checks import listed
from justright.errors import FolderError, InputError, near_miss

if TYPE_CHECKING:
    import keras
    import polars as pl

    from justright.report.summary import Summary

MAX_LISTED = 12  # variants named in a message


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A run's saved model: the weights of the epoch that validation rows chose.

    Args:
        variant: the variant's name.
        seed: the run's seed.
        epoch: the chosen epoch, counted from 0.
        validation: the validation loss at that epoch; optimistic, since it chose the epoch.
        path: the `.keras` file.
        counts: whether tables average the run: it is of the largest training size, and has ended well.
    """

    variant: str
    seed: int
    epoch: int
    validation: float
    path: Path
    counts: bool = True

    def load(self, *, custom_objects: Mapping[str, Any] | None = None) -> keras.Model:
        """Return the Keras model, on whatever backend Keras has in this process.

        It takes features, which the study's plan makes of columns; `predict` takes the columns themselves.

        Args:
            custom_objects: own layers and functions that this process has not registered with Keras, by name.

        Raises:
            InputError: the file contains code, or a class that is not known here.
            FolderError: the file is missing or damaged.
        """
        from justright.records.models import load_model

        return load_model(self.path, custom_objects)

    def predict(
        self,
        rows: object,
        *,
        proba: bool = True,
        threshold: float | None = None,
        custom_objects: Mapping[str, Any] | None = None,
    ) -> pl.DataFrame:
        """Return a prediction for each row of raw columns: as `load_predictor(model.path).predict(rows)`.

        The model is loaded each time; keep what `load_predictor` returns for many calls.
        """
        from justright.session.predictor import load_predictor

        predictor = load_predictor(self.path, custom_objects=custom_objects)
        return predictor.predict(rows, proba=proba, threshold=threshold)


def choose_models(
    models: Sequence[SavedModel],
    summary: Summary,
    folder: Path,
    *,
    variant: str | None = None,
    seed: int | None = None,
    ensemble: bool = False,
) -> tuple[SavedModel, ...]:
    """Return the models that are to predict: one, or all seeds of a variant.

    Args:
        models: of the study, by rising validation loss.
        summary: of the study.
        folder: the study folder, for messages.
        variant: whose models; None takes that of the best one or, for an ensemble, of what the study's validation rows chose.
        seed: the run; None takes the one with the lowest validation loss.
        ensemble: whether all seeds of the variant predict together.

    Raises:
        InputError: the study has no such variant or seed, or both `seed` and `ensemble` are given.
        FolderError: no run has ended with a model yet.
    """
    if seed is not None and ensemble:
        raise InputError(
            f"`seed` names one run, `ensemble` takes all; got seed {seed} and both. Give one of them."
        )
    names = [item["name"] for item in summary["variants"]]
    if variant is not None and variant not in names:
        raise InputError(
            f"`variant` must be one of the study's, {listed(names, most=MAX_LISTED)}; got {variant!r}."
            f"{near_miss(variant, names)}"
        )
    if not models:
        raise FolderError(
            f"{str(folder)!r} must hold a run that has ended with a model to have a best one; none has. See what became of "
            f"them: justright show {folder}"
        )
    if variant is None:
        choice: dict[str, Any] = summary["choice"] or {}
        variant = str(choice.get("variant", models[0].variant)) if ensemble else models[0].variant
        if not ensemble and seed is None:
            return (models[0],)
    own = [model for model in models if model.variant == variant and model.counts]
    if not own:
        raise FolderError(
            f"Variant {variant!r} of {str(folder)!r} must have a run that ended with a model; it has none. Name another."
        )
    if ensemble:
        return tuple(own)
    if seed is None:
        return (own[0],)
    found = [model for model in own if model.seed == seed]
    if not found:
        seeds = ", ".join(str(model.seed) for model in sorted(own, key=lambda model: model.seed)[:MAX_LISTED])
        raise InputError(f"`seed` must be one of the runs of {variant!r}, {seeds}; got {seed}.")
    return (found[0],)
