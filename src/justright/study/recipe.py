"""The recipe: how a variant is trained. Pure data; Keras is imported only when a Keras object is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, get_args

from justright.data.checks import check_amount, check_share, check_switch, check_whole
from justright.data.read_options import Task
from justright.errors import InputError, check_each_of, check_one_of, raise_together
from justright.study.class_weights import check_class_weight, weights_by_class
from justright.study.keras_descriptions import (
    Described,
    check_keras_optimizer,
    described_loss,
    described_metrics,
    name_of,
    plain,
)

Precision = Literal["auto", "float32", "tensorfloat32", "bfloat16"]

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

BatchOrders = Literal["auto", "host", "device"]

BATCH_ORDERS: tuple[BatchOrders, ...] = get_args(BatchOrders)

Stop = Literal["patience", "settled"]

STOPS: tuple[Stop, ...] = get_args(Stop)


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """What networks are trained on, as far as it decides how a recipe is computed.

    Args:
        platform: 'cpu', 'cuda', 'rocm', 'tpu', 'metal' or another word of JAX's.
        has_tensorfloat32: whether it multiplies in TensorFloat-32, as NVIDIA's GPUs do from compute capability 8.0 on.
    """

    platform: str = "cpu"
    has_tensorfloat32: bool = False

    @property
    def is_accelerator(self) -> bool:
        """Whether it is not the processor itself: lanes are computed together there."""
        return self.platform != "cpu"

    @property
    def default_precision(self) -> Precision:
        """What the matrix products of Keras on JAX are there."""
        if self.platform == "tpu":
            return "bfloat16"
        return "tensorfloat32" if self.has_tensorfloat32 else "float32"


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
    {
        "label_smoothing": 0.0,
        "mixup": 0.0,
        "ema": 0.0,
        "stop": "patience",
        "loss": None,
        "metrics": (),
        "class_weight": None,
        "batch_orders": "auto",
    }
)
# What is left out of plain values besides: orders that the host makes, which is all there were before.
HOST_ORDERS = ("batch_orders", "host")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a variant is trained: optimizer, batch size, epoch limit, stopping rule, loss and metrics.

    The defaults are those of TensorFlow's tutorial "Overfit and underfit". Keras' optimizers, losses and metrics are kept as
    their serialised configurations, so that a recipe stays plain data; only a function of your own stays one.

    Args:
        batch_size: training rows per step; a last partial batch is used, not dropped.
        max_epochs: epochs after which every run ends.
        patience: epochs without a new best `monitor` after which a run stops; None never stops early.
        monitor: metric that chooses the epoch; None means `val_` + the loss of the task. Accuracies, and metrics that
            Keras knows to rise, are maximised, everything else is minimised.
        optimizer: a Keras optimizer, its serialised configuration, or None for Adam under
            InverseTimeDecay(0.001, 1000 epochs of steps, 1).
        precision: of matrix products: 'float32', 'tensorfloat32' (operands with 10 bits, on GPUs that have it), or 'bfloat16'
            (operands with 7 bits); sums and weights are float32 in each. 'auto' takes what Keras takes on the device.
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
        loss: what training minimises instead of the loss of the task: a Keras loss, its name or configuration, or a
            function (y_true, y_pred) -> (rows,). Verdicts stay about the loss of the task, in which all variants, the
            constant prediction and the reference can be compared.
        metrics: further metrics of each epoch, as Keras' objects, names or configurations, or functions like a loss.
        class_weight: how much rows count in the training loss by their class: 'balanced' for rows / (classes * rows of
            the class), or class -> weight, where classes left out weigh 1. Validation and test losses are not weighted.
        batch_orders: where the order of an epoch's rows is drawn, by different generators: 'host', 'device', or 'auto' for the
            device where that is an accelerator, which would wait for the host.

    Raises:
        InputError: a value is out of range.
    """

    batch_size: int = 500
    max_epochs: int = 10_000
    patience: int | None = 200
    monitor: str | None = None
    optimizer: Mapping[str, Any] | None = None
    precision: Precision = "auto"
    from_logits: bool | None = None
    measure_rows: int = 1_000
    label_smoothing: float = LATER["label_smoothing"]
    mixup: float = LATER["mixup"]
    ema: float = LATER["ema"]
    stop: Stop = LATER["stop"]
    loss: Described | None = LATER["loss"]
    metrics: Sequence[Described] = LATER["metrics"]
    class_weight: Literal["balanced"] | Mapping[Any, float] | None = LATER["class_weight"]
    batch_orders: BatchOrders = LATER["batch_orders"]

    def __post_init__(self) -> None:
        whole = [
            name
            for name in ("batch_size", "max_epochs", "patience", "measure_rows")
            if name != "patience" or self.patience is not None
        ]
        raise_together(
            *(partial(check_whole, name, getattr(self, name), least=1) for name in whole),
            partial(check_one_of, "precision", self.precision, PRECISIONS),
            partial(check_one_of, "batch_orders", self.batch_orders, BATCH_ORDERS),
            partial(check_one_of, "stop", self.stop, STOPS),
            *([] if self.from_logits is None else [partial(check_switch, "from_logits", self.from_logits)]),
            partial(check_share, "label_smoothing", self.label_smoothing),
            partial(check_share, "ema", self.ema),
            partial(check_amount, "mixup", self.mixup),
            partial(self._keep, "optimizer", check_keras_optimizer),
            partial(self._keep, "loss", described_loss),
            partial(self._keep, "metrics", described_metrics),
            partial(self._keep, "class_weight", check_class_weight),
        )
        if self.loss is not None and self.label_smoothing:
            raise InputError(
                f"`label_smoothing` smooths the loss of the task, and `loss` replaces it; got {self.label_smoothing!r} and "
                f"{name_of(self.loss)!r}. Give one of them; some of Keras' losses take a `label_smoothing` themselves."
            )

    def _keep(self, name: str, normalise: Callable[[Any], Any]) -> None:
        """Replace one option by its plain form."""
        object.__setattr__(self, name, normalise(getattr(self, name)))

    @property
    def has_functions(self) -> bool:
        """Whether a loss or metric is a Python function, which no plain values describe."""
        return any(callable(one) for one in (self.loss, *self.metrics))

    def resolve(self, task: Task, train_rows: int, class_names: Sequence[str] | None = None) -> Recipe:
        """Return the recipe with everything filled in that depends on the table.

        Args:
            task: the table's task; gives the default monitor.
            train_rows: training rows of the study; gives the steps per epoch of the default schedule.
            class_names: the table's classes, which `class_weight` must name; None does not check them.

        Raises:
            InputError: `monitor` is not a validation metric of this task or not the one that `stop` follows, the task has
                no labels to smooth or to weigh, or there is no such class.
        """
        monitor = self.monitor or f"val_{LOSSES[task]}"
        raise_together(
            partial(self._check_task, task),
            partial(self._check_monitor, monitor, task),
            lambda: weights_by_class(self.class_weight, class_names) if class_names else None,
        )
        optimizer = self.optimizer or decaying_adam(steps_per_epoch(train_rows, self.batch_size))
        return replace(self, monitor=monitor, optimizer=optimizer)

    def on(self, device: DeviceKind | None) -> Recipe:
        """Return the recipe with what 'auto' means on a kind of device; None: on unknown ones, as a cluster's.

        Raises:
            InputError: the device has no such products.

        Example:
            >>> (
            ...     Recipe().on(DeviceKind("cpu")).precision,
            ...     Recipe().on(DeviceKind("cuda", has_tensorfloat32=True)).precision,
            ... )
            ('float32', 'tensorfloat32')
        """
        if self.precision == "tensorfloat32" and device and not device.has_tensorfloat32:
            where = "this accelerator" if device.is_accelerator else "a CPU"
            raise InputError(
                "`precision` 'tensorfloat32' needs an NVIDIA GPU of compute capability 8.0 or more; networks are trained on "
                f"{where} here. Take 'auto' or 'float32', or 'bfloat16' for speed."
            )
        device = device or DeviceKind()
        orders: BatchOrders = "device" if device.is_accelerator else "host"
        return replace(
            self,
            precision=device.default_precision if self.precision == "auto" else self.precision,
            batch_orders=orders if self.batch_orders == "auto" else self.batch_orders,
        )

    def _check_task(self, task: Task) -> None:
        allowed = {"label_smoothing": "0", "class_weight": "None"} if task == "regression" else {}
        for name, none in allowed.items():
            if value := getattr(self, name):
                raise InputError(
                    f"`{name}` must be {none} for a regression target, which has no classes; got {value!r}. "
                    "Leave it out."
                )

    def _check_monitor(self, monitor: str, task: Task) -> None:
        own = [*([] if self.loss is None else [name_of(self.loss)]), *map(name_of, self.metrics)]
        default, *others = monitors(task)
        check_one_of("monitor", monitor, (default, *others, *(f"val_{name}" for name in own)))
        if self.stop == "settled" and monitor != default:
            raise InputError(
                f"`stop` 'settled' follows the validation loss row by row, so `monitor` must be {default!r} with it; "
                f"got {monitor!r}. Leave `monitor` out, or stop by 'patience'."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values for TOML; options that are None, or new and unused, are left out."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values = {
            name: value
            for name, value in values.items()
            if (name not in LATER or value != LATER[name]) and (name, value) != HOST_ORDERS
        }
        return {name: plain(value) for name, value in values.items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe that `to_dict` described.

        Raises:
            InputError: a key is not an option of a recipe.
        """
        if not isinstance(values, Mapping):
            raise InputError(f"A recipe must be a table of options; got {values!r}.")
        check_each_of("option of a recipe", values, cls.__slots__)
        # A recipe without patience is written by leaving the key out.
        return cls(**{"patience": None, **values})


def monitors(task: Task) -> tuple[str, ...]:
    """Return the metrics that may choose an epoch for `task`; the first is the default."""
    return (f"val_{LOSSES[task]}", "val_loss", f"val_{SCORES[task]}")


def recipe_values(variant: Mapping[str, Any], study: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the plain values of the recipe that trains a variant: its own takes the place of the study's, as a whole.

    Args:
        variant: the plain values of its description.
        study: the plain values of the study.

    Example:
        >>> recipe_values({"recipe": {"max_epochs": 60}}, {"recipe": {"max_epochs": 30, "mixup": 0.2}})
        {'max_epochs': 60}
    """
    recipe: Mapping[str, Any] = variant.get("recipe") or study.get("recipe", {})
    return recipe


def steps_per_epoch(train_rows: int, batch_size: int) -> int:
    """Return the optimizer steps of one epoch, a last partial batch included."""
    return -(-train_rows // batch_size)


def decaying_adam(steps: int, rate: float = INITIAL_LEARNING_RATE) -> dict[str, Any]:
    """Return Keras' configuration of the tutorial's optimizer for `steps` steps per epoch, beginning at a learning rate.

    Example:
        >>> decaying_adam(20)["config"]["learning_rate"]["config"]["decay_steps"]
        20000
    """
    schedule = {
        "module": "keras.optimizers.schedules",
        "class_name": "InverseTimeDecay",
        "config": {
            "initial_learning_rate": rate,
            "decay_steps": steps * DECAY_EPOCHS,
            "decay_rate": DECAY_RATE,
            "staircase": False,
        },
    }
    return {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": schedule}}
