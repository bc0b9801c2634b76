"""Keras' optimizers, losses and metrics as plain data: names, or serialised configurations."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from justright.errors import InputError, in_short

# A Keras name, a serialised configuration, or a function of a user.
Described = str | Mapping[str, Any] | Callable[..., Any]
# The ends of names that Keras numbers when several objects of a class are made: 'auc_1'.
NUMBERED = re.compile(r"_\d+$")
# A function of a user in plain values is only named: MODULE:NAME.
FUNCTION_MARK = ":"


@dataclass(frozen=True, slots=True, eq=False)
class OwnMetricClass:
    """A metric of a user's own class, to be made anew wherever it is computed.

    Args:
        kind: the subclass of `keras.metrics.Metric`.
        config: the arguments that make it, as its `get_config` says.
        name: under which it is recorded.
    """

    kind: type
    config: Mapping[str, Any]
    name: str

    def __call__(self) -> Any:  # of Keras, which is imported only where one is made
        """Return a new metric."""
        return self.kind.from_config(dict(self.config))  # type: ignore[attr-defined]  # of Keras

    @property
    def text(self) -> str:
        """How plain values name it: MODULE:NAME, and its arguments if it has any besides what every metric has."""
        own = {name: value for name, value in self.config.items() if name not in ("name", "dtype")}
        said = f" {json.dumps(own, sort_keys=True, default=repr)}" if own else ""
        return f"{self.kind.__module__}{FUNCTION_MARK}{self.kind.__qualname__}{said}"


def check_keras_optimizer(optimizer: object) -> dict[str, Any] | None:
    """Return a Keras optimizer (or its configuration) as plain nested dictionaries; None for None.

    Raises:
        InputError: it is none, or averages weights itself.
    """
    if optimizer is None:
        return None
    if isinstance(optimizer, Mapping):
        if "class_name" not in optimizer:
            raise InputError(
                "`optimizer` must be a Keras optimizer or its serialised configuration with a 'class_name'; "
                f"got keys {sorted(optimizer)!r}."
            )
        _check_no_average(optimizer.get("config"))
        return dict(optimizer)
    if hasattr(optimizer, "get_config") and hasattr(optimizer, "stateless_apply"):
        config = _serialised(optimizer)
        _check_no_average(config["config"])
        return _of_any_backend(config)
    raise InputError(
        f"`optimizer` must be a Keras optimizer or its serialised configuration; got {optimizer!r}. "
        "Pass for instance keras.optimizers.Adam(0.001)."
    )


def _of_any_backend(config: dict[str, Any]) -> dict[str, Any]:
    """Return an optimizer's description by its public name: some backends have subclasses of their own."""
    if not config["module"].startswith("keras.src."):
        return config
    kept = {name: value for name, value in config.items() if name != "registered_name"}
    return kept | {"module": "keras.optimizers"}


def described_objects(nested: object) -> Iterator[dict[str, Any]]:
    """Yield what Keras says of each object of a class, at any depth of a description.

    Example:
        >>> dense = {"class_name": "Dense", "config": {"kernel_regularizer": {"class_name": "L2"}}}
        >>> [one["class_name"] for one in described_objects({"layers": [dense]})]
        ['Dense', 'L2']
    """
    if isinstance(nested, list):
        for each in nested:
            yield from described_objects(each)
    elif isinstance(nested, dict):
        if "class_name" in nested:
            yield nested
        for each in nested.values():
            yield from described_objects(each)


def described_loss(loss: object) -> Described | None:
    """Return a loss as a name, a configuration or a function; None for None.

    Raises:
        InputError: it is none of these.
    """
    return None if loss is None else _described("loss", loss, "keras.losses.Huber()")


def described_metrics(metrics: object) -> tuple[Described, ...]:
    """Return metrics as names, configurations or functions.

    Raises:
        InputError: one is none of these, or two have the same name.
    """
    if isinstance(metrics, str) or not isinstance(metrics, Sequence):
        raise InputError(f"`metrics` must be a list of Keras metrics or their names; got {metrics!r}.")
    found = tuple(_described("metrics", metric, "keras.metrics.AUC()") for metric in metrics)
    names = [name_of(metric) for metric in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"`metrics` must have names that differ; got {twice!r} more than once. Pass name=... to one."
        )
    return found


def name_of(described: Described) -> str:
    """Return the name under which a loss or metric is recorded: as Keras names it.

    Example:
        >>> name_of("mae"), name_of({"class_name": "AUC", "config": {"name": "auc"}})
        ('mae', 'auc')
    """
    if isinstance(described, str):
        return described
    if isinstance(described, Mapping):
        config = described.get("config")
        if isinstance(config, str):  # a registered function
            return config
        named = config.get("name") if isinstance(config, Mapping) else None
        return str(named or _snake(str(described["class_name"])))
    name = getattr(described, "name", None) or getattr(described, "__name__", "")
    return name if isinstance(name, str) and name.isidentifier() else "own_function"


def plain(value: Any) -> Any:
    """Return an option of a recipe as TOML can write it: without None, a function as MODULE:NAME.

    Example:
        >>> plain(("mae", {"config": {"name": None, "axis": -1}}))
        ['mae', {'config': {'axis': -1}}]
    """
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, OwnMetricClass):
        return value.text
    if callable(value):
        kind = value if hasattr(value, "__qualname__") else type(value)
        return f"{kind.__module__}{FUNCTION_MARK}{kind.__qualname__}"
    return without_none(value)


def without_none(value: Any) -> Any:
    """Return nested dictionaries without keys that are None, which TOML cannot write."""
    if isinstance(value, Mapping):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return value


def _described(option: str, given: object, example: str) -> Described:
    """Return one loss or metric as plain data, if it is Keras' own; a function of a user as it is."""
    if isinstance(given, str) and given and FUNCTION_MARK not in given:
        return given
    if isinstance(given, str) and given:
        raise InputError(
            f"`{option}` names {given!r}, a Python function, which a study file cannot hold. Run the study from Python "
            "again, with the function itself, or use a loss or metric of Keras."
        )
    if isinstance(given, Mapping) and isinstance(given.get("class_name"), str):
        return dict(without_none(given))
    is_keras = (getattr(given, "__module__", None) or "").split(".")[0] == "keras"
    if is_keras and hasattr(given, "get_config"):
        config = _serialised(given)
        values = config["config"]
        values["name"] = unnumbered(values.get("name"), config["class_name"])
        config["config"] = values = _forgotten_options(given) | values
        values.pop("reduction", None)  # rows are reduced by the engine
        return config
    if is_keras and callable(given) and not isinstance(given, type):
        return str(given.__name__)  # type: ignore[attr-defined]  # a function of Keras
    if hasattr(given, "update_state") and hasattr(given, "get_config") and not isinstance(given, type):
        return _own_metric(given)
    if callable(given) and not isinstance(given, type):
        return given
    raise InputError(
        f"`{option}` must be of Keras, by object, name or configuration, or a function (y_true, y_pred) -> (rows,); "
        f"got {given!r}. Pass for instance {example}."
    )


def _own_metric(metric: Any) -> OwnMetricClass:
    """Return what makes a metric of a user's own class anew.

    Raises:
        InputError: its `get_config` does not say what its `__init__` needs.
    """
    kind = type(metric)
    try:
        config = metric.get_config()
        kind.from_config(dict(config))
    except (TypeError, ValueError, NotImplementedError) as error:
        raise InputError(
            f"`metrics` must be made again in other processes; {kind.__name__} cannot be: {in_short(error)} Let its `get_config` "
            "return all arguments of its `__init__`."
        ) from error
    return OwnMetricClass(kind, config, unnumbered(config.get("name"), kind.__name__))


def _serialised(given: Any) -> dict[str, Any]:
    import keras

    config: dict[str, Any] = without_none(keras.saving.serialize_keras_object(given))
    return config


def _forgotten_options(given: Any) -> dict[str, Any]:
    """Return the options of a Keras loss as it was made: Keras 3.15 leaves Huber's `delta` out of its configuration."""
    accepted = inspect.signature(type(given).__init__).parameters
    return {
        name: value
        for name, value in getattr(given, "_fn_kwargs", {}).items()
        if name in accepted and value is not None
    }


def unnumbered(name: str | None, class_name: str) -> str:
    """Return a name without the number that Keras gave it because it was not the first of its class."""
    own = _snake(class_name)
    return own if name is None or NUMBERED.sub("", name) == own else name


def _snake(class_name: str) -> str:
    """Return a class's name as Keras names its objects.

    Example:
        >>> _snake("AUC"), _snake("BinaryFocalCrossentropy"), _snake("F1Score")
        ('auc', 'binary_focal_crossentropy', 'f1_score')
    """
    spaced = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()


def _check_no_average(config: object) -> None:
    """Refuse Keras' own averaging, which takes effect only when `fit` ends: validation would judge other weights."""
    if isinstance(config, Mapping) and config.get("use_ema"):
        raise InputError(
            "`optimizer` must not average weights itself; got use_ema=True. Set the recipe's `ema` instead, for instance "
            "ema=0.99: the averaged weights are then validated, measured and saved."
        )
