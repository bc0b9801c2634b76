"""A training by `model.fit` as the study of one network: what it learns, how it was compiled, and what it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from justright.callbacks.fit_rows import FitData, FitRows
from justright.callbacks.model_measures import check_width, model_outputs
from justright.data.read_options import Task
from justright.runs.describe_model import describe_model
from justright.runs.events import VariantBuilt
from justright.runs.grid import fixed_rows
from justright.runs.limits import PIECE_ROWS
from justright.study.keras_descriptions import OwnMetricClass, name_of
from justright.study.own_models.compiled_model import is_task_loss, known_options, without_task_loss
from justright.study.recipe import Recipe
from justright.study.study import Study
from justright.study.variant import Build, KerasConfig, Variant

STUDY_NAME = "model.fit"


@dataclass(frozen=True, slots=True, eq=False)
class FitStudy:
    """What is known of a training before its first epoch.

    Args:
        study: its description.
        built: that of its model.
        rows: kind of rows -> what is measured: validation, fixed and, where there are any, test.
        task: what is learned.
        width: numbers that the model gives for each row.
        are_logits: whether they are logits.
        is_task_loss: whether it minimises the loss of the task itself, up to penalties.
        unknown: what could not be said of how it was compiled, a sentence each.
        doubt: what is probably a mistake in how it was compiled; empty without one.
    """

    study: Study
    built: VariantBuilt
    rows: Mapping[str, FitRows]
    task: Task
    width: int
    are_logits: bool
    is_task_loss: bool
    unknown: tuple[str, ...]
    doubt: str


def fit_study(
    model: Any,  # noqa: ANN401  # of Keras
    data: FitData,
    *,
    name: str,
    seed: int,
    epochs: int,
    steps: int | None,
    measure_rows: int,
    from_logits: bool | None,
    backend: str,
) -> FitStudy:
    """Return the study of a training that is about to begin.

    Args:
        model: built and compiled.
        data: its rows.
        name: of the network.
        seed: of the run.
        epochs: at which it ends.
        steps: per epoch, from which the batch size follows; None if unknown.
        measure_rows: training rows of the fixed subset.
        from_logits: whether the model ends in logits; None decides by its loss, or else by its last layer.
        backend: of Keras.

    Raises:
        InputError: the model does not fit the rows, or is none that can be judged.
    """
    options, unknown = known_options(model)
    # Keras measures them in `fit`, and a study file could not hold their code: commands would refuse the folder.
    options["metrics"] = tuple(
        one for one in options.get("metrics", ()) if not isinstance(one, OwnMetricClass)
    )
    loss = options.get("loss")
    outputs = model_outputs(model, data.parts["validation"], most=PIECE_ROWS)
    width = outputs.shape[1]
    task = data.task(width, None if loss is None else name_of(loss))
    split = data.as_split(task, width, f"These rows were recorded while model.fit trained on {backend}.")
    check_width(task, width, len(split.table.class_names))
    if from_logits is not None:
        options["from_logits"] = from_logits
    are_logits = task != "regression" and _ends_in_logits(model, options.get("from_logits"))
    train = data.parts["train"]
    recipe = Recipe(
        batch_size=_batch_size(len(train), steps),
        max_epochs=epochs,
        patience=None,
        precision="float32",  # what Keras computed in is not known here; the layers' types are in the configuration
        measure_rows=measure_rows,
        **without_task_loss(options, task),
    )
    built = describe_model(name, model)
    variant = Variant(name, _build_of(model, built))
    study = Study(
        split,
        [variant],
        recipe,
        seeds=[seed],
        name=STUDY_NAME,
        reference=False,
        standardize_target=False,
        neighbours=False,
    )
    rows = {
        "validation": data.parts["validation"],
        "fixed": train.taken(fixed_rows(len(train), measure_rows)),
    }
    rows |= {"test": data.parts["test"]} if "test" in data.parts else {}
    is_own = loss is not None and is_task_loss(loss, task)
    doubt = "" if task == "regression" or are_logits else _doubt(outputs)
    return FitStudy(study, built, rows, task, width, are_logits, is_own, tuple(unknown), doubt)


def _doubt(outputs: npt.NDArray[Any]) -> str:
    """Return a sentence about outputs that are taken for probabilities and are none; empty if they are."""
    low, high = float(outputs.min()), float(outputs.max())
    if low >= 0 and high <= 1:
        return ""
    return (
        f"The loss takes the model's outputs for probabilities, but they lie between {low:.3g} and {high:.3g}: Keras cuts them off "
        "at 0 and 1, and learns little. Compile it with from_logits=True, or let the last layer be a sigmoid or softmax."
    )


def _ends_in_logits(model: Any, said: bool | None) -> bool:  # noqa: ANN401
    if said is not None:
        return said
    from justright.training.last_layer import ends_in_logits

    return ends_in_logits(model)


def _batch_size(rows: int, steps: int | None) -> int:
    """Return the smallest batch size with which an epoch over so many rows takes so many steps.

    Example:
        >>> _batch_size(10_000, 20), _batch_size(1_000, 32), _batch_size(100, None)
        (500, 32, 32)
    """
    if not steps:
        return 32  # Keras' default
    return max(1, -(-rows // steps))


def _build_of(model: Any, built: VariantBuilt) -> Build:  # noqa: ANN401
    """Return what a description calls the model: its configuration or, where it has none, its class."""
    if built.config:
        return KerasConfig(built.config)

    def build() -> Any:  # noqa: ANN401
        return model

    build.__module__, build.__qualname__ = type(model).__module__, type(model).__qualname__
    builder: Callable[[], Any] = build
    return builder
