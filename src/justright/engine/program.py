"""The compiled program of a stack: a chunk of epochs for all lanes, validation and early stopping inside.

The loop lives here once. Everything random is derived from (seed, epoch, step), never carried, so that neither
resuming nor the length of a chunk can change a result.

Lanes are mapped one after the other on a CPU (`lax.map`: vmapped lanes gain nothing there, and a lane's
arithmetic then does not depend on its neighbours) and vmapped on accelerators.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from justright.engine.masks import hashed_dropout
from justright.engine.memory import PIECE_ROWS
from justright.engine.network import Network
from justright.engine.rewriting import rewrite
from justright.study.recipe import Recipe

# Outcomes of a lane, as data inside the program.
ALIVE, STOPPED, DIVERGED = 0, 1, 2
NEVER = 2**31 - 1  # patience of a recipe that never stops early
# Draws that one step may make from one layer's random state before it would meet the next step's.
DRAWS_PER_STEP = 1_024


class Rows(NamedTuple):
    """Features (rows, features) float32 and targets (rows,) of one kind of rows."""

    x: Any
    y: Any


class Data(NamedTuple):
    """The rows a program trains on, chooses by, and measures besides."""

    train: Rows
    validation: Rows
    fixed: Rows


class Lane(NamedTuple):
    """The whole state of one run. With a leading axis (lanes,), that of a stack.

    Args:
        weights, others, optimizer: values of trainable, non-trainable and optimizer variables.
        best_weights, best_others: values at the best epoch so far.
        best_value: the monitored metric there; best_epoch: which one (-1: none yet).
        wait: epochs since; outcome: ALIVE, STOPPED or DIVERGED; epochs: trained so far.
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


def metric_names(network: Network) -> tuple[str, ...]:
    """Return the metrics of an epoch, in the order of the program's output."""
    loss, score = network.objective.loss_name, network.objective.score_name
    return (
        *("loss", loss, score),
        *("val_loss", f"val_{loss}", f"val_{score}"),
        *(f"fixed_{loss}", f"fixed_{score}"),
        "learning_rate",
    )


def first_lane(network: Network) -> Lane:
    """Return the state of a run before its first epoch, from the network's initial values."""
    values = network.initial_values()
    return Lane(
        **values,
        best_weights=[value.copy() for value in values["weights"]],
        best_others=[value.copy() for value in values["others"]],
        best_value=jnp.float32(jnp.inf),
        best_epoch=jnp.int32(-1),
        wait=jnp.int32(0),
        outcome=jnp.int32(ALIVE),
        epochs=jnp.int32(0),
    )


class Program:
    """Compiled functions for stacks of one network under one recipe.

    Args:
        network: model, optimizer and objective.
        recipe: a resolved recipe.
        one_by_one: whether lanes are mapped (CPU) rather than vmapped (accelerators).
    """

    def __init__(self, network: Network, recipe: Recipe, *, one_by_one: bool = True) -> None:
        self.network = network
        self.recipe = recipe
        self.metric_names = metric_names(network)
        self._map = _map_one_by_one if one_by_one else _map_together
        monitor = recipe.monitor or ""
        self._monitored = self.metric_names.index(monitor)
        self._sign = -1.0 if monitor.endswith("accuracy") else 1.0
        self._step = rewrite(self._train_step, bfloat16=recipe.precision == "bfloat16")
        self.run_chunk = jax.jit(self._run_chunk, donate_argnums=0)
        self.measure_rows = jax.jit(self._measure_rows)

    def _run_chunk(
        self, lanes: Lane, orders: Any, measured: Any, first_epoch: Any, epochs: Any, data: Data
    ) -> Any:
        """Train up to `epochs` epochs; end sooner when no lane is alive.

        Shape:
            orders: (length, lanes, train rows) int32; measured: (length,) bool.

        Returns:
            lanes, metrics (length, lanes, metrics), validation losses (length, lanes, validation rows), and
            the number of epochs that ran; entries from there on, and of lanes not alive, are NaN.
        """
        length, width = orders.shape[:2]
        metrics = jnp.full((length, width, len(self.metric_names)), jnp.nan, jnp.float32)
        losses = jnp.full((length, width, data.validation.x.shape[0]), jnp.nan, jnp.float32)

        def goes_on(carry: Any) -> Any:
            index, lanes, *_ = carry
            return (index < epochs) & (lanes.outcome == ALIVE).any()

        def one_epoch(carry: Any) -> Any:
            index, lanes, metrics, losses = carry
            epoch = first_epoch + index

            def one_lane(lane: Lane, order: Any) -> Any:
                return lax.cond(
                    lane.outcome == ALIVE,
                    lambda: self._train_epoch(lane, order, epoch, measured[index], data),
                    lambda: (
                        lane,
                        jnp.full_like(metrics[0, 0], jnp.nan),
                        jnp.full_like(losses[0, 0], jnp.nan),
                    ),
                )

            lanes, values, rows = self._map(one_lane, (lanes, orders[index]))
            return index + 1, lanes, metrics.at[index].set(values), losses.at[index].set(rows)

        ran, lanes, metrics, losses = lax.while_loop(
            goes_on, one_epoch, (jnp.int32(0), lanes, metrics, losses)
        )
        return lanes, metrics, losses, ran

    def _train_epoch(self, lane: Lane, order: Any, epoch: Any, measured: Any, data: Data) -> Any:
        """Return the lane after one epoch, the epoch's metrics and its validation losses by row."""
        batch = min(self.recipe.batch_size, order.shape[0])
        full, rest = divmod(order.shape[0], batch)
        first_step = epoch * (full + (rest > 0))
        values = (lane.weights, lane.others, lane.optimizer)

        def step(values: Any, item: Any) -> Any:
            number, rows = item
            batch = jax.tree.map(lambda part: jnp.take(part, rows, axis=0, mode="clip"), data.train)
            return self._step(values, number, batch)

        steps = (first_step + jnp.arange(full), order[: full * batch].reshape(full, batch))
        values, sums = lax.scan(step, values, steps)
        totals = sums.sum(0) * batch
        if rest:
            values, last = step(values, (first_step + full, order[full * batch :]))
            totals = totals + last * rest
        train = totals / order.shape[0]
        weights, others, optimizer = values
        losses, scores, penalty = self._evaluate(weights, others, data.validation)
        fixed = lax.cond(
            measured,
            lambda: self._fixed_metrics(weights, others, data.fixed),
            lambda: jnp.full(2, jnp.nan, jnp.float32),
        )
        validation = jnp.stack([losses.mean() + penalty, losses.mean(), scores.mean()])
        rate = self._learning_rate(optimizer)
        metrics = jnp.concatenate([train, validation, fixed, rate[None]]).astype(jnp.float32)
        lane = lane._replace(weights=weights, others=others, optimizer=optimizer, epochs=epoch + 1)
        return self._choose_epoch(lane, epoch, metrics), metrics, losses

    def _train_step(self, values: Any, number: Any, batch: Rows) -> Any:
        """Return the values after one optimizer step, and (loss, loss without penalties, score) of its batch."""
        weights, others, optimizer = values
        others = self._derive_randomness(others, number)

        def loss_of(weights: Any) -> Any:
            with hashed_dropout():
                outputs, new_others, penalties = self.network.model.stateless_call(
                    weights, others, batch.x, training=True, return_losses=True
                )
            outputs = outputs.astype(jnp.float32)
            plain = self.network.objective.row_losses(batch.y, outputs).mean()
            loss = plain + sum(penalties)
            score = self.network.objective.row_scores(batch.y, outputs).mean()
            return loss, (new_others, jnp.stack([loss, plain, score]))

        gradients, (others, metrics) = jax.grad(loss_of, has_aux=True)(weights)
        weights, optimizer = self.network.optimizer.stateless_apply(optimizer, gradients, weights)
        return (list(weights), list(others), list(optimizer)), metrics

    def _derive_randomness(self, others: list[Any], step: Any) -> list[Any]:
        """Return the non-trainable values with every random state set from (its seed, `step`)."""
        others = list(others)
        for position in self.network.random_states:
            state = others[position]
            others[position] = state.at[1].set((step * DRAWS_PER_STEP).astype(state.dtype))
        return others

    def _evaluate(self, weights: Any, others: Any, rows: Rows) -> Any:
        """Return losses (rows,), scores (rows,) and the summed penalty, in inference mode."""

        def piece(rows: Rows) -> Any:
            outputs, _, penalties = self.network.model.stateless_call(
                weights, others, rows.x, training=False, return_losses=True
            )
            outputs = outputs.astype(jnp.float32)
            objective = self.network.objective
            penalty = jnp.float32(sum(penalties))
            return objective.row_losses(rows.y, outputs), objective.row_scores(rows.y, outputs), penalty

        count = rows.x.shape[0] // PIECE_ROWS
        split = count * PIECE_ROWS
        parts = []
        if count:
            stacked = jax.tree.map(
                lambda values: values[:split].reshape(count, PIECE_ROWS, *values.shape[1:]), rows
            )
            losses, scores, penalties = lax.map(piece, stacked)
            parts.append((losses.ravel(), scores.ravel(), penalties[0]))
        if split < rows.x.shape[0]:
            parts.append(piece(jax.tree.map(lambda values: values[split:], rows)))
        return *(jnp.concatenate([part[item] for part in parts]) for item in (0, 1)), parts[0][2]

    def _fixed_metrics(self, weights: Any, others: Any, rows: Rows) -> Any:
        losses, scores, _ = self._evaluate(weights, others, rows)
        return jnp.stack([losses.mean(), scores.mean()])

    def _learning_rate(self, optimizer: Any) -> Any:
        """Return the learning rate after the epoch's last step, as Keras reports it."""
        import keras

        mapping = list(zip(self.network.optimizer.variables, optimizer, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return jnp.asarray(keras.ops.convert_to_tensor(self.network.optimizer.learning_rate), jnp.float32)

    def _choose_epoch(self, lane: Lane, epoch: Any, metrics: Any) -> Lane:
        """Return the lane with its best epoch and outcome brought up to date, as Keras' EarlyStopping does."""
        value = metrics[self._monitored] * self._sign
        finite = jnp.isfinite(metrics[0]) & jnp.isfinite(metrics[3])
        better = finite & (value < lane.best_value)
        wait = jnp.where(better, 0, lane.wait + 1)
        best_weights, best_others = lax.cond(
            better, lambda: (lane.weights, lane.others), lambda: (lane.best_weights, lane.best_others)
        )
        patience = self.recipe.patience or NEVER
        stopped = jnp.where((wait >= patience) & (epoch > 0), STOPPED, ALIVE)
        return lane._replace(
            best_weights=best_weights,
            best_others=best_others,
            best_value=jnp.where(better, value, lane.best_value),
            best_epoch=jnp.where(better, epoch, lane.best_epoch).astype(jnp.int32),
            wait=wait.astype(jnp.int32),
            outcome=jnp.where(finite, stopped, DIVERGED).astype(jnp.int32),
        )

    def _measure_rows(self, weights: Any, others: Any, rows: Rows) -> Any:
        """Return losses (rows,) and scores (rows,) of one lane's weights, in inference mode."""
        losses, scores, _ = self._evaluate(weights, others, rows)
        return losses, scores


def stack_lanes(lanes: list[Lane]) -> Lane:
    """Return single lanes as a stack, with a leading axis (lanes,)."""
    return jax.tree.map(lambda *values: jnp.stack(values), *lanes)


def lane_of(stack: Lane, index: int) -> Lane:
    """Return one lane of a stack."""
    return jax.tree.map(lambda values: values[index], stack)


def _map_one_by_one(function: Any, arguments: Any) -> Any:
    return lax.map(lambda items: function(*items), arguments)


def _map_together(function: Any, arguments: Any) -> Any:
    return jax.vmap(function)(*arguments)
