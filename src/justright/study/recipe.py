"""The recipe: how a variant is trained. Pure data; Keras is imported only when a Keras object is passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, get_args

from justright.data.checks import check_amount, check_share, check_switch, check_whole
from justright.data.read_options import Task
from justright.errors import InputError, check_one_of

Precision = Literal["float32", "bfloat16"]

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

Stop = Literal["patience", "settled"]

STOPS: tuple[Stop, ...] = get_args(Stop)

# The tutorial's schedule: InverseTimeDecay(0.001, decay_steps=STEPS_PER_EPOCH * 1000, decay_rate=1).
INITIAL_LEARNING_RATE = 0.001
DECAY_EPOCHS = 1_000
DECAY_RATE = 1.0

LOSSES: Mapping[Task, str] = MappingProxyType(
    {
        "binary": "binary_crossentropy",
        "multiclass": "sparse_categorical_crossentropy",
        "regression": "mean_squared_error",
    }
)
SCORES: Mapping[Task, str] = MappingProxyType(
    {"binary": "accuracy", "multiclass": "accuracy", "regression": "mean_absolute_error"}
)
# Options that came after version 0.1.0: left out of plain values at their default, so that old fingerprints hold.
LATER: Mapping[str, Any] = MappingProxyType(
    {"label_smoothing": 0.0, "mixup": 0.0, "ema": 0.0, "stop": "patience"}
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a variant is trained: optimizer, batch size, epoch limit and stopping rule.

    The defaults are those of TensorFlow's tutorial "Overfit and underfit". A Keras optimizer is kept as its
    serialised configuration, so that a recipe stays plain data.

    Args:
        batch_size: training rows per step; a last partial batch is used, not dropped.
        max_epochs: epochs after which every run ends.
        patience: epochs without a new best `monitor` after which a run stops; None never stops early.
        monitor: metric that chooses the epoch; None means `val_` + the loss of the task. Accuracies are
            maximised, everything else is minimised.
        optimizer: a Keras optimizer, its serialised configuration, or None for Adam under
            InverseTimeDecay(0.001, 1000 epochs of steps, 1).
        precision: 'float32', or 'bfloat16' for bf16 operands with f32 accumulation and f32 weights.
        from_logits: whether models end in logits; None decides from the activation of the last layer.
        measure_rows: training rows of the fixed subset that is measured in inference mode.
        label_smoothing: share of each target's weight that is spread evenly over all classes in the training loss, in
            [0, 1), as in Keras' losses; validation and test losses are never smoothed.
        mixup: alpha of the Beta(alpha, alpha) distribution from which each step draws the weight that mixes its rows
            with their neighbours in the batch, inputs and losses alike (Zhang et al. 2018, section 2); 0 is off.
        ema: decay per step of the exponential moving average of weights, in [0, 1), that is validated, chosen from,
            measured and saved in place of the weights that train; 0 is off.
        stop: 'patience', or 'settled' to stop sooner where neither the best epoch nor the verdict can plausibly change
            any more (docs/settled.md); `patience` then still ends what never settles.

    Raises:
        InputError: a value is out of range.
    """

    batch_size: int = 500
    max_epochs: int = 10_000
    patience: int | None = 200
    monitor: str | None = None
    optimizer: Mapping[str, Any] | None = None
    precision: Precision = "float32"
    from_logits: bool | None = None
    measure_rows: int = 1_000
    label_smoothing: float = LATER["label_smoothing"]
    mixup: float = LATER["mixup"]
    ema: float = LATER["ema"]
    stop: Stop = LATER["stop"]

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_epochs", "patience", "measure_rows"):
            value = getattr(self, name)
            if value is not None or name != "patience":
                check_whole(name, value, least=1)
        check_one_of("precision", self.precision, PRECISIONS)
        check_one_of("stop", self.stop, STOPS)
        if self.from_logits is not None:
            check_switch("from_logits", self.from_logits)
        check_share("label_smoothing", self.label_smoothing)
        check_share("ema", self.ema)
        check_amount("mixup", self.mixup)
        object.__setattr__(self, "optimizer", _optimizer_config(self.optimizer))

    def resolve(self, task: Task, train_rows: int) -> Recipe:
        """Return the recipe with everything filled in that depends on the table.

        Args:
            task: the table's task; gives the default monitor.
            train_rows: training rows of the study; gives the steps per epoch of the default schedule.

        Raises:
            InputError: `monitor` is not a validation metric of this task or not the one that `stop` follows, or the task
                has no labels to smooth.
        """
        if self.label_smoothing and task == "regression":
            raise InputError(
                f"`label_smoothing` must be 0 for a regression target, which has no classes; got {self.label_smoothing!r}. "
                "Leave it out."
            )
        allowed = monitors(task)
        monitor = self.monitor or allowed[0]
        check_one_of("monitor", monitor, allowed)
        if self.stop == "settled" and monitor != allowed[0]:
            raise InputError(
                f"`stop` 'settled' follows the validation loss row by row, so `monitor` must be {allowed[0]!r} with it; "
                f"got {monitor!r}. Leave `monitor` out, or stop by 'patience'."
            )
        optimizer = self.optimizer or decaying_adam(steps_per_epoch(train_rows, self.batch_size))
        return replace(self, monitor=monitor, optimizer=optimizer)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values for TOML; options that are None, or new and unused, are left out."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values = {name: value for name, value in values.items() if name not in LATER or value != LATER[name]}
        return {name: without_none(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe that `to_dict` described.

        Raises:
            InputError: a key is not an option of a recipe.
        """
        if not isinstance(values, Mapping):
            raise InputError(f"A recipe must be a table of options; got {values!r}.")
        for name in values:
            check_one_of("recipe", name, cls.__slots__)
        # A recipe without patience is written by leaving the key out.
        return cls(**{"patience": None, **values})


def monitors(task: Task) -> tuple[str, ...]:
    """Return the metrics that may choose an epoch for `task`; the first is the default."""
    return (f"val_{LOSSES[task]}", "val_loss", f"val_{SCORES[task]}")


def steps_per_epoch(train_rows: int, batch_size: int) -> int:
    """Return the optimizer steps of one epoch, a last partial batch included."""
    return -(-train_rows // batch_size)


def decaying_adam(steps: int) -> dict[str, Any]:
    """Return Keras' configuration of the tutorial's optimizer for `steps` steps per epoch.

    Example:
        >>> decaying_adam(20)["config"]["learning_rate"]["config"]["decay_steps"]
        20000
    """
    schedule = {
        "module": "keras.optimizers.schedules",
        "class_name": "InverseTimeDecay",
        "config": {
            "initial_learning_rate": INITIAL_LEARNING_RATE,
            "decay_steps": steps * DECAY_EPOCHS,
            "decay_rate": DECAY_RATE,
            "staircase": False,
        },
    }
    return {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": schedule}}


def _optimizer_config(optimizer: object) -> dict[str, Any] | None:
    """Return a Keras optimizer (or its configuration) as plain nested dictionaries."""
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
        import keras

        config: dict[str, Any] = without_none(keras.saving.serialize_keras_object(optimizer))
        _check_no_average(config["config"])
        return config
    raise InputError(
        f"`optimizer` must be a Keras optimizer or its serialised configuration; got {optimizer!r}. "
        "Pass for instance keras.optimizers.Adam(0.001)."
    )


def _check_no_average(config: object) -> None:
    """Refuse Keras' own averaging, which takes effect only when `fit` ends: validation would judge other weights."""
    if isinstance(config, Mapping) and config.get("use_ema"):
        raise InputError(
            "`optimizer` must not average weights itself; got use_ema=True. Set the recipe's `ema` instead, for instance "
            "ema=0.99: the averaged weights are then validated, measured and saved."
        )


def without_none(value: Any) -> Any:
    """Return nested dictionaries without keys that are None, which TOML cannot write."""
    if isinstance(value, Mapping):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return value
