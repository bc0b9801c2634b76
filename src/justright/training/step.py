"""One optimizer step of one run: the batch, its loss, the update, and the average of weights over steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from justright.study.recipe import Recipe
from justright.training.keras_objects import RowFunction
from justright.training.lanes import Rows, mean_of_rows
from justright.training.network import Network

# Draws that one step may make from one layer's random state before it would meet the next step's.
DRAWS_PER_STEP = 1_024


class Values(NamedTuple):
    """What a step changes; fields as in `Lane`."""

    weights: list[Any]
    others: list[Any]
    optimizer: list[Any]
    average_weights: list[Any]
    average_others: list[Any]


class TrainStep:
    """The step of one network under one recipe, as a pure function.

    Args:
        network: model, optimizer and objective.
        recipe: a resolved recipe.
    """

    def __init__(self, network: Network, recipe: Recipe) -> None:
        self._network = network
        self._decay = recipe.ema

    def __call__(self, values: Values, number: Any, batch: Rows, mix: Any) -> Any:
        """Return the values after one step, and (loss, loss without penalties, score) of its batch.

        Args:
            values: before the step.
            number: of the step, counted from the run's first.
            batch: its rows.
            mix: weight of each row in its mixture with the next row of the batch; None mixes nothing.
        """
        weights, others, optimizer = values[:3]
        others = self._derive_randomness(others, number)
        # The batch is a random part of a random order, so the next row is as good a partner as a drawn one, and no
        # row is its own partner. One weight per step, as in figure 1a of Zhang et al. 2018.
        partner = None if mix is None else jax.tree.map(lambda part: jnp.roll(part, -1, axis=0), batch)
        x = batch.x if partner is None else mix * batch.x + (1.0 - mix) * partner.x

        def mean_of(function: RowFunction, outputs: Any, *, is_weighted: bool) -> Any:
            def mean(rows: Rows) -> Any:
                return mean_of_rows(function(rows.y, outputs), rows.weights if is_weighted else rows.shares)

            value = mean(batch)
            return value if partner is None else mix * value + (1.0 - mix) * mean(partner)

        def loss_of(weights: Any) -> Any:
            outputs, new_others, penalties = self._network.apply(weights, others, x, training=True)
            loss, metrics = self._losses(
                lambda function, *, is_weighted=False: mean_of(function, outputs, is_weighted=is_weighted),
                penalties,
                is_weighted=batch.weights is not None,
            )
            return loss, (new_others, metrics)

        gradients, (others, metrics) = jax.grad(loss_of, has_aux=True)(weights)
        weights, optimizer = self._network.optimizer.stateless_apply(optimizer, gradients, weights)
        weights, others = list(weights), list(others)
        averages = self._average(values, weights, others, number)
        return Values(weights, others, list(optimizer), *averages), metrics

    def _losses(
        self, mean: Callable[..., Any], penalties: list[Any], *, is_weighted: bool
    ) -> tuple[Any, Any]:
        """Return what is minimised, and (that, the loss without penalties, smoothing and weights, score, own loss).

        What is minimised is weighted as in Keras: the sum of weighted losses over the number of rows. The others are means in
        which classes count the same, and rows by their shares.
        """
        objective = self._network.objective
        plain = mean(objective.row_losses)
        function = objective.smoothed_losses or objective.minimised
        is_plain = function is objective.row_losses and not is_weighted
        minimised = plain if is_plain else mean(function, is_weighted=is_weighted)
        own = [mean(objective.minimised)] if objective.own_name else []
        loss = (minimised if objective.unit == 1.0 else minimised / objective.unit) + sum(penalties)
        return loss, jnp.stack([objective.in_units(loss), plain, mean(objective.row_scores), *own])

    def _derive_randomness(self, others: list[Any], step: Any) -> list[Any]:
        """Return the non-trainable values with every random state set from (its seed, `step`)."""
        others = list(others)
        for position in self._network.random_states:
            state = others[position]
            others[position] = state.at[1].set((step * DRAWS_PER_STEP).astype(state.dtype))
        return others

    def _average(self, values: Values, weights: list[Any], others: list[Any], number: Any) -> Any:
        """Return the running averages after this step; empty where weights are not averaged.

        With bias correction (Kingma and Ba 2015, section 3): at step t the newest values get (1 - d) / (1 - d^t). So the
        first average is the first step's weights, and the initial weights, which say nothing, never count; a warm start
        from them would still give them 37 % after 1 / (1 - d) steps. Moving statistics of batch normalisation are
        averaged in the same way, because they describe the activations that those weights gave; values that are not
        floating-point numbers (counts, random states) are not averaged.
        """
        if not self._decay:
            return [], []
        steps = (number + 1).astype(jnp.float32)
        share = (1.0 - self._decay) / -jnp.expm1(steps * math.log(self._decay))

        def moved(average: Any, new: Any) -> Any:
            return average + share.astype(new.dtype) * (new - average) if _is_float(new) else new

        return (
            list(map(moved, values.average_weights, weights)),
            list(map(moved, values.average_others, others)),
        )


def _is_float(value: Any) -> bool:
    return bool(jnp.issubdtype(value.dtype, jnp.floating))
