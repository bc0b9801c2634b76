"""The state of runs in training, one lane per run, and the rows they see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from justright.runs.tasks import ChosenRows, PartArrays
from justright.runs.weighted_means import relative_weights
from justright.training.network import Network
from justright.training.settled import TENSORS as SETTLING_TENSORS

# What the host keeps beside the lanes.
FIRST_WEIGHTS = "first_weights"  # histograms of them
HOST_TENSORS = (
    "best_metrics",
    "last_metrics",
    "train_seconds",
    "began_seconds",
    FIRST_WEIGHTS,
    *SETTLING_TENSORS,
)
# Outcomes of a lane, as data inside the program. LIMITED: at the epoch limit, while others go on.
ALIVE, STOPPED, DIVERGED, SETTLED, LIMITED = 0, 1, 2, 3, 4


class Rows(NamedTuple):
    """One kind of rows.

    Shape:
        x: (rows, features) float32; with `places`, those of a table in which these rows are. None stands for the table that
            holds the training rows.
        y: (rows,) targets.
        weights: (rows,) of the loss that training minimises; None weighs all the same.
        places: (rows,) int32, where in `x` each row is; None if all are there, in their order.
        shares: (rows,) of the rows in means of losses and metrics: weights with mean 1; None if all count the same.
    """

    x: Any
    y: Any
    weights: Any = None
    places: Any = None
    shares: Any = None

    def among(self, table: Any) -> Rows:
        """Return these rows with the table that holds the training rows, if that is where they are."""
        return self._replace(x=table) if self.x is None else self


def rows_of(part: PartArrays, weights: npt.NDArray[np.float32] | None) -> Rows:
    """Return features, targets and how much rows count in means as rows, on the host."""
    features, targets = part
    shares = None if weights is None else relative_weights(weights).astype(np.float32)
    if isinstance(features, ChosenRows):
        return Rows(None, targets, places=features.places, shares=shares)
    return Rows(features, targets, shares=shares)


def device_rows(part: PartArrays, weights: npt.NDArray[np.float32] | None) -> Rows:
    """Return the same on the device; on a CPU, arrays that are aligned as JAX needs them are not copied."""
    return jax.device_put(rows_of(part, weights))


def mean_of_rows(values: Any, shares: Any) -> Any:
    """Return the mean over (rows,) values, which count by their `shares`; None counts all the same."""
    return values.mean() if shares is None else (values * shares).mean()


class Data(NamedTuple):
    """The rows a program trains on, the rows that choose the epoch, and the training rows it measures as well."""

    train: Rows
    validation: Rows
    fixed: Rows


class Lane(NamedTuple):
    """The whole state of one run. With a leading axis (lanes,), that of a stack.

    Args:
        weights, others, optimizer: values of trainable, non-trainable and optimizer variables.
        best_weights, best_others: values at the best epoch so far, averaged ones where weights are averaged.
        best_value: the monitored metric there; best_epoch: which one (-1: none yet).
        wait: epochs since then; outcome: ALIVE, STOPPED, DIVERGED, SETTLED or LIMITED; epochs: trained so far.
        average_weights, average_others: averages of `weights` and `others`; empty where weights are not averaged.
    """

    weights: list[Any]
    others: list[Any]
    optimizer: list[Any]
    best_weights: list[Any]
    best_others: list[Any]
    best_value: Any
    best_epoch: Any
    wait: Any
    outcome: Any
    epochs: Any
    average_weights: list[Any]
    average_others: list[Any]

    @property
    def measured(self) -> tuple[list[Any], list[Any]]:
        """Trainable and non-trainable values that are measured after an epoch: the averages where there are any."""
        if self.average_weights:
            return self.average_weights, self.average_others
        return self.weights, self.others


def first_lane(network: Network, *, is_averaged: bool = False) -> Lane:
    """Return the state of a run before its first epoch, on the host, from the network's initial values."""
    return _first(network.initial_values(), is_averaged=is_averaged, shape=())


def first_lanes(values: Mapping[str, list[Any]], lanes: int, *, is_averaged: bool = False) -> Lane:
    """Return the state of a stack before its first epoch, on the host, from the initial values (lanes, ...) of all."""
    return _first(values, is_averaged=is_averaged, shape=(lanes,))


def _first(values: Mapping[str, list[Any]], *, is_averaged: bool, shape: tuple[int, ...]) -> Lane:
    return Lane(
        **values,
        best_weights=values["weights"],
        best_others=values["others"],
        best_value=np.full(shape, np.inf, np.float32),
        best_epoch=np.full(shape, -1, np.int32),
        wait=np.zeros(shape, np.int32),
        outcome=np.full(shape, ALIVE, np.int32),
        epochs=np.zeros(shape, np.int32),
        average_weights=values["weights"] if is_averaged else [],
        average_others=values["others"] if is_averaged else [],
    )


def stack_lanes(lanes: list[Lane]) -> Lane:
    """Return single lanes as a stack on the device, with a leading axis (lanes,).

    NumPy stacks them: JAX would compile a program for each shape, as it would for `jnp.asarray`.
    """
    return jax.tree.map(lambda *values: jax.device_put(np.stack(values)), *lanes)


def lane_of(stack: Lane, index: int) -> Lane:
    """Return one lane of a stack."""
    return jax.tree.map(lambda values: values[index], stack)


def flatten_lanes(lanes: Lane) -> dict[str, npt.NDArray[Any]]:
    """Return the state as named arrays; lists become name/0000, name/0001, ..."""
    tensors: dict[str, npt.NDArray[Any]] = {}
    for name, value in lanes._asdict().items():
        if isinstance(value, list):
            tensors |= {f"{name}/{index:04d}": np.asarray(item) for index, item in enumerate(value)}
        else:
            tensors[name] = np.asarray(value)
    return tensors


def without_optimizer(tensors: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return named arrays without the optimizer's: all that a run needs once it no longer trains, in half the space."""
    return {name: values for name, values in tensors.items() if not name.startswith("optimizer/")}


def unflatten_lanes(tensors: dict[str, npt.NDArray[Any]]) -> Lane:
    """Return the state that `flatten_lanes` named."""
    values: dict[str, Any] = {name: [] for name in Lane._fields}
    for key in sorted(tensors):
        name, _, index = key.partition("/")
        if index:
            values[name].append(jnp.asarray(tensors[key]))
        else:
            values[name] = jnp.asarray(tensors[key])
    return Lane(**values)
