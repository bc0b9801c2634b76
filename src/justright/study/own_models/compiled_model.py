"""What a compiled Keras model says about its training: its optimizer, loss and metrics as options of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from justright.data.checks import listed
from justright.errors import InputError, raise_together
from justright.study.keras_descriptions import (
    Described,
    check_keras_optimizer,
    described_loss,
    described_metrics,
    name_of,
    unnumbered,
)
from justright.study.recipe import LOSSES

# Keras' words for "the loss and the accuracy that fit the outputs"; both are recorded of every network.
RECORDED_ANYWAY = frozenset({"accuracy", "acc", "crossentropy", "ce"})
# What a subclass may define to train in a way of its own, in Keras' words.
OWN_STEPS = ("train_step", "compute_loss", "compute_metrics", "fit", "train_on_batch")
FROM_LOGITS = "from_logits"
MOST_LISTED = 8

Options = Mapping[str, Any]


def compiled_options(model: Any) -> dict[str, Any]:  # of Keras
    """Return how a model was compiled, as options of a recipe: `optimizer`, `loss`, `metrics` and, if known, `from_logits`.

    Args:
        model: a compiled `keras.Model`.

    Raises:
        InputError: some of that cannot be an option of a recipe; the message names all.
    """
    parts = raise_together(
        *(partial(read, model) for read in (_optimizer_of, _loss_of, _metrics_of)),
        partial(_check_steps, model),
    )
    return {name: value for part in parts if part for name, value in part.items()}


def known_options(model: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the options that can be said of a compiled model, and a sentence for each that cannot."""
    found: dict[str, Any] = {}
    unknown: list[str] = []
    for read in (_optimizer_of, _loss_of, _metrics_of):
        try:
            found |= read(model)
        except InputError as error:
            unknown.append(str(error))
    return found, unknown


def without_task_loss(options: Options, task: str) -> dict[str, Any]:
    """Return options without a loss that is the task's own, which is recorded, and minimised, anyway.

    Example:
        >>> without_task_loss({"loss": "mean_squared_error", "metrics": ()}, "regression")
        {'metrics': ()}
    """
    loss = options.get("loss")
    is_own = loss is not None and is_task_loss(loss, task)
    return {name: value for name, value in options.items() if name != "loss" or not is_own}


def is_task_loss(loss: Described, task: str) -> bool:
    """Return whether a described loss is the one of a task, without any option that changes it."""
    name = LOSSES[task]  # type: ignore[index]  # a task
    if not isinstance(loss, Mapping):
        return loss == name
    config = loss.get("config")
    is_plain = not isinstance(config, Mapping) or not config.get("label_smoothing")
    return is_plain and loss["class_name"] == "".join(part.capitalize() for part in name.split("_"))


def compiled_sentence(name: str, options: Options) -> str:
    """Return how a variant is trained, in words.

    Example:
        >>> compiled_sentence(
        ...     "Mine", {"optimizer": {"class_name": "Adam"}, "loss": "mae", "metrics": ("auc",)}
        ... )
        "Variant 'Mine' trains as it was compiled: with Adam, the loss mae and the metric auc."
    """
    loss, metrics = options.get("loss"), [name_of(one) for one in options.get("metrics", ())]
    parts = [str(options["optimizer"]["class_name"])]
    parts += [f"the loss {name_of(loss)}"] if loss is not None else []
    parts += [f"the metric{'s' * (len(metrics) > 1)} {', '.join(metrics)}"] if metrics else []
    words = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"Variant {name!r} trains as it was compiled: with {words}."


def _optimizer_of(model: Any) -> dict[str, Any]:
    if getattr(model, "optimizer", None) is None:
        raise InputError("A compiled model must have an optimizer; it has none. Compile it with one.")
    described = check_keras_optimizer(model.optimizer) or {}
    named = described["config"].get("name")
    config = described["config"] | {"name": unnumbered(named, described["class_name"])}
    return {"optimizer": described | {"config": config}}


def _loss_of(model: Any) -> dict[str, Any]:
    loss = _only(getattr(model, "loss", None))
    if loss is None:
        raise InputError(
            "A compiled model must have a loss; it has none. Compile it with one, or leave it uncompiled."
        )
    compiled = getattr(model, "_compile_loss", None)  # `get_compile_config` warns about functions
    weights = getattr(compiled, "_user_loss_weights", None)
    if isinstance(loss, list | tuple | dict) or weights is not None:
        found = f"{len(loss)} losses" if isinstance(loss, list | tuple | dict) else "loss weights"
        raise InputError(f"A compiled model must have one loss, without loss weights; it has {found}.")
    loss = _own_name(loss)
    described = described_loss(loss)
    logits = _reads_logits(loss)
    return {"loss": described} | ({} if logits is None else {FROM_LOGITS: logits})


def _metrics_of(model: Any) -> dict[str, Any]:
    compiled = getattr(model, "_compile_metrics", None)  # Keras has no public list of the objects
    if getattr(compiled, "_user_weighted_metrics", None):
        raise InputError(
            "A compiled model's metrics must not be weighted; it has weighted_metrics. Give them as metrics."
        )
    given = _only(getattr(compiled, "_user_metrics", None) or [])
    members = list(given) if isinstance(given, list | tuple) else [given]
    if any(isinstance(one, list | tuple | dict) for one in members):
        raise InputError("A compiled model must have the metrics of one output; it has those of several.")
    kept = [one for one in members if not (isinstance(one, str) and one in RECORDED_ANYWAY)]
    return {"metrics": described_metrics(kept)}


def _check_steps(model: Any) -> None:
    """Refuse a class that trains in a way of its own, which only its own `fit` would follow."""
    kind = type(model)
    plain = next(base for base in kind.__mro__ if base.__module__.split(".")[0] == "keras")
    own = [name for name in OWN_STEPS if getattr(kind, name, None) is not getattr(plain, name, None)]
    if own:
        raise InputError(
            f"A compiled model must train by Keras' own steps; {kind.__name__} defines {listed(own, most=MOST_LISTED)}. "
            "Train it with model.fit and justright.callbacks.JustRight, which records any training."
        )


def _only(given: Any) -> Any:
    """Return the one member of a list or dictionary of one, at any depth; anything else as it is."""
    while isinstance(given, list | tuple | dict) and len(given) == 1:
        [given] = given.values() if isinstance(given, dict) else given
    return given


def _own_name(loss: Any) -> Any:
    """Return a loss's name as Keras' function has it, for a short name such as 'mse'; other losses as they are."""
    if not isinstance(loss, str):
        return loss
    import keras

    try:
        return str(getattr(keras.losses.get(loss), "__name__", loss))
    except ValueError:  # of a name that Keras does not know, which training says
        return loss


def _reads_logits(loss: Any) -> bool | None:
    """Return whether a loss of Keras takes outputs for logits; None if it does not say."""
    if hasattr(loss, "get_config"):
        found = loss.get_config().get(FROM_LOGITS)
        return found if isinstance(found, bool) else None
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
    is_keras = isinstance(loss, str) or (getattr(loss, "__module__", None) or "").startswith("keras.")
    return False if is_keras and name.endswith("crossentropy") else None
