"""Losses and metrics of Keras, or of a user, as functions of targets and outputs.

Whatever a model ends in, they see what they expect. One that can take logits is told whether it gets them. Others of Keras get
probabilities, but for hinges, which are about the outputs themselves. Classes come as one column, or as one-hot rows for a
loss or metric of several classes that is not `sparse_`. Functions of a user get classes as one column, and the outputs as the
model gives them.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from justright.data.read_options import Task
from justright.errors import InputError
from justright.study.keras_descriptions import Described, OwnMetricClass, name_of

RowFunction = Callable[[Any, Any], Any]
MetricFunction = Callable[[Any, Any, Any], Any]
FROM_LOGITS = "from_logits"
PROBE_ROWS = 3  # enough to see whether there is one number per row


@dataclass(frozen=True, slots=True)
class OwnLoss:
    """A loss that takes the place of the task's in training.

    Args:
        name: under which it is recorded.
        row_losses: (targets, outputs) -> (rows,).
        compiled: what a saved model is compiled with; None where plain Keras could not load it or would compute another one.
    """

    name: str
    row_losses: RowFunction
    compiled: Any


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """A metric beside those of the task.

    Args:
        name: under which it is recorded.
        value: (targets, outputs, shares) -> one number for all rows, which count by their (rows,) shares, or all the same.
        rises: whether larger is better; None if Keras does not say.
        compiled: as in `OwnLoss`.
    """

    name: str
    value: MetricFunction
    rises: bool | None
    compiled: Any


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a model gives for each row.

    Args:
        task: the table's task.
        count: numbers per row.
        are_logits: whether they are logits; False for probabilities and predictions.
    """

    task: Task
    count: int
    are_logits: bool

    @property
    def probe(self) -> tuple[Any, Any]:
        """Targets and outputs of a few rows."""
        kind = np.int32 if self.task == "multiclass" else np.float32
        return np.arange(PROBE_ROWS).astype(kind) % 2, np.full((PROBE_ROWS, self.count), 0.5, np.float32)


def own_loss(variant: str, described: Described, outputs: Outputs) -> OwnLoss:
    """Return the loss that a recipe describes.

    Raises:
        InputError: Keras knows no such loss, or it does not give one number per row.
    """
    name = name_of(described)
    loss = _keras_loss(described, are_logits=outputs.are_logits)
    function = loss.call if isinstance(loss, keras.losses.Loss) else loss
    row_losses = _seeing(
        function, name, outputs, is_own=callable(described), takes_logits=_takes_logits(loss)
    )
    try:
        shape: Any = jax.eval_shape(row_losses, *outputs.probe).shape
    except Exception as error:
        raise InputError(
            f"The loss {name!r} of variant {variant!r} cannot be computed: {type(error).__name__}: {error}"
        ) from error
    if shape != (PROBE_ROWS,):
        raise InputError(
            f"The loss {name!r} of variant {variant!r} must be one number per row, so that rows can be weighed; for "
            f"{PROBE_ROWS} rows it has shape {shape}. Take another one."
        )
    is_same = _is_same_in_keras(described, loss, outputs)
    return OwnLoss(name, row_losses, loss if is_same else None)


def own_metric(variant: str, described: Described, outputs: Outputs) -> OwnMetric:
    """Return a metric that a recipe describes.

    Raises:
        InputError: Keras knows no such metric, or it does not give one number.
    """
    name = name_of(described)
    metric = _keras_metric(described, name, are_logits=outputs.are_logits)
    saved = None if callable(described) else type(metric).from_config(metric.get_config())
    see = _seeing(
        lambda y, p: (y, p),
        *(name, outputs),
        is_own=callable(described),
        takes_logits=_takes_logits(metric),
    )
    try:
        metric.update_state(*see(*outputs.probe))  # some make their variables now
        metric.reset_state()
        empty = [np.asarray(variable.value) for variable in metric.variables]

        def value(targets: Any, given: Any, shares: Any) -> Any:
            weights = {} if shares is None else {"sample_weight": shares}
            state = metric.stateless_update_state(empty, *see(targets, given), **weights)
            return metric.stateless_result(state)

        shape = jax.eval_shape(value, *outputs.probe, None).shape
    except Exception as error:
        raise InputError(
            f"The metric {name!r} of variant {variant!r} cannot be computed: {type(error).__name__}: {error}"
        ) from error
    if shape != ():
        raise InputError(
            f"The metric {name!r} of variant {variant!r} must be one number; it has shape {shape}. "
            "Take its mean over classes, for instance with average='macro'."
        )
    direction = getattr(metric, "_direction", None)  # what Keras' own EarlyStopping goes by
    rises = None if direction is None else direction == "up"
    return OwnMetric(name, value, rises, saved if _is_same_in_keras(described, metric, outputs) else None)


def _keras_loss(described: Described, *, are_logits: bool) -> Any:
    """Return a loss object or function that knows whether outputs are logits, if it can."""
    if isinstance(described, str):
        found = _found("loss", keras.losses.get, described)
        # A function has options, too, only as the class that wraps it.
        kind = getattr(keras.losses, _camel(getattr(found, "__name__", "")), None)
        found = kind() if isinstance(kind, type) else found
    elif isinstance(described, Mapping):
        found = _found("loss", keras.losses.deserialize, copy.deepcopy(dict(described)))
    else:
        return described
    if isinstance(found, keras.losses.Loss):
        return _told(found, are_logits=are_logits)
    return partial(found, from_logits=are_logits) if _has_argument(found) else found


def _keras_metric(described: Described, name: str, *, are_logits: bool) -> Any:
    if isinstance(described, str):
        found = _found("metric", keras.metrics.get, described)
    elif isinstance(described, Mapping):
        found = _found("metric", keras.metrics.deserialize, copy.deepcopy(dict(described)))
    else:
        found = described() if isinstance(described, OwnMetricClass) else described
    if not isinstance(found, keras.metrics.Metric):
        function = partial(found, from_logits=are_logits) if _has_argument(found) else found
        return keras.metrics.MeanMetricWrapper(function, name=name)
    found = type(found).from_config(found.get_config() | {"name": name})
    return _told(found, are_logits=are_logits)


def _found(kind: str, get: Callable[[Any], Any], described: Any) -> Any:
    try:
        found = get(described)
    except Exception as error:
        raise InputError(
            f"Keras must know the {kind} {name_of(described)!r}; it does not: {error}"
        ) from error
    if isinstance(found, str):  # Keras returns some unknown names as they are
        raise InputError(f"Keras must know the {kind} {name_of(described)!r}; it does not.")
    return found


def _told(found: Any, *, are_logits: bool) -> Any:
    """Return a loss or metric of Keras that knows whether it gets logits."""
    config = found.get_config()
    if FROM_LOGITS not in config:
        return found
    return type(found).from_config(config | {FROM_LOGITS: are_logits})


def _takes_logits(found: Any) -> bool:
    if isinstance(found, partial):
        return FROM_LOGITS in found.keywords
    return hasattr(found, "get_config") and FROM_LOGITS in found.get_config()


def _has_argument(function: Any) -> bool:
    return FROM_LOGITS in inspect.signature(function).parameters


def _seeing(
    function: RowFunction, name: str, outputs: Outputs, *, is_own: bool, takes_logits: bool
) -> RowFunction:
    """Return `function` of what it expects to see, from targets (rows,) and a model's outputs."""
    is_raw = is_own or takes_logits or "hinge" in name or not outputs.are_logits
    is_one_hot = outputs.task == "multiclass" and not is_own and not name.startswith("sparse")

    def see(targets: Any, given: Any) -> Any:
        values = given if is_raw else _probabilities(given)
        if is_one_hot:
            return function(jax.nn.one_hot(targets, outputs.count), values)
        return function(targets[:, None], values)

    return see


def _probabilities(logits: Any) -> Any:
    return jax.nn.sigmoid(logits) if logits.shape[-1] == 1 else jax.nn.softmax(logits)


def _is_same_in_keras(described: Described, found: Any, outputs: Outputs) -> bool:
    """Return whether plain Keras, which loads a model without this package, computes the same from its outputs."""
    if callable(described) or not hasattr(found, "get_config"):
        return False
    loaded = type(found).from_config(found.get_config())
    if getattr(loaded, "_fn_kwargs", None) != getattr(found, "_fn_kwargs", None):
        return False  # Keras 3.15 saves a Huber without its delta
    name = name_of(described)
    is_one_hot = outputs.task == "multiclass" and not name.startswith("sparse")
    return not is_one_hot and (not outputs.are_logits or _takes_logits(found) or "hinge" in name)


def _camel(name: str) -> str:
    """Return the name of the class that wraps a function of Keras.

    Example:
        >>> _camel("binary_focal_crossentropy")
        'BinaryFocalCrossentropy'
    """
    return "".join(part.capitalize() for part in name.split("_"))


def mean_of_probe(loss: OwnLoss, scale: float, offset: float) -> float:
    """Return the mean loss of a target one `scale` above and one below a prediction of `offset`: 1 if that is no size.

    For a squared error that is the variance. It brings losses in a target's own units to the size of 1.
    """
    targets = jnp.array([offset - scale, offset + scale], jnp.float32)
    value = float(loss.row_losses(targets, jnp.full((2, 1), offset, jnp.float32)).mean())
    return value if np.isfinite(value) and value > 0 else 1.0
