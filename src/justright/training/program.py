"""The compiled program of a stack: a chunk of epochs for all lanes, with validation and early stopping inside.

The loop lives here only. Everything random is derived from (seed, epoch, step), never carried, so that neither
resuming nor the length of a chunk can change a result.

Lanes are mapped one after the other on a CPU (`lax.map`: vmapped lanes gain nothing there, and a lane's
arithmetic then does not depend on its neighbours) and vmapped on accelerators, which also draw the batch orders.
"""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from justright.data.shared_arrays import release_memory
from justright.runs.limits import KEPT_PROGRAMS, PIECE_ROWS
from justright.runs.shared_programs import shared_form, without_optimizer
from justright.runs.tasks import ChosenRows, StackTask, StudyRows
from justright.study.families import Family
from justright.study.recipe import Recipe, steps_per_epoch
from justright.study.variant import KerasConfig
from justright.training.ahead.building import BUILDING
from justright.training.ahead.executable import Executable
from justright.training.devices.placement import Placement, built_on_host, on_host
from justright.training.jaxpr import rewrite
from justright.training.lanes import ALIVE, DIVERGED, STOPPED, Data, Lane, Rows, mean_of_rows
from justright.training.network import Network, build_network
from justright.training.orders import DeviceOrders, drawn_mixes, drawn_order
from justright.training.padding import padded_build
from justright.training.step import TrainStep, Values
from justright.training.strengths import Strengths, StrengthValues, find_strengths
from justright.training.together.lane_strengths import LaneStrengths, find_lane_strengths

# Epochs of a chunk whose validation losses leave an accelerator, at most: those of all epochs would be most of what is copied.
SLOTS = 32
# Vmapped lanes of networks from so many parameters on: milliseconds per epoch on an H100 with 1 and with 5 steps in a row: Large in
# bfloat16, 32 lanes, 16.8 and 15.5; 8 lanes 7.0 and 6.6; but 1 lane 4.2 and 4.4, Medium, 64 lanes, 3.04 and 3.06; Tiny, 256 lanes, 1.78 and 1.84.
UNROLLED_PARAMETERS, UNROLLED_STEPS = 100_000, 5
NEVER = 2**31 - 1  # patience of a recipe that never stops early


class Standing(NamedTuple):
    """How the lanes of a stack stand, without their values; fields as in `Lane`, each (lanes,)."""

    best_epoch: Any
    wait: Any
    outcome: Any
    epochs: Any


def metric_names(network: Network) -> tuple[str, ...]:
    """Return the metrics of an epoch, in the order of the program's output."""
    objective = network.objective
    loss, score = objective.loss_name, objective.score_name
    measured = ("loss", loss, score, *([objective.own_name] if objective.own_name else []))
    own = [metric.name for metric in objective.metrics]
    return (
        *(*measured, *(f"val_{name}" for name in measured)),
        *(f"fixed_{loss}", f"fixed_{score}"),
        "learning_rate",
        *(*own, *(f"val_{name}" for name in own)),
    )


class Program:
    """Compiled functions for stacks of one network under one recipe.

    Args:
        network: model, optimizer and objective.
        recipe: a resolved recipe.
        one_by_one: whether lanes are mapped (CPU) rather than vmapped (accelerators).
        placement: where the values of lanes are; None for one device.
        compiler_options: of XLA, for the training program.
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        *,
        one_by_one: bool = True,
        placement: Placement | None = None,
        compiler_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.placement = placement or Placement()
        # Whether the program can be compiled from shapes alone, before there are values.
        self.is_ahead = not one_by_one and self.placement.is_single
        self.metric_names = metric_names(network)
        self._one_by_one = one_by_one
        self._parameters = sum(math.prod(shape) for shape in network.shapes()["weights"])
        monitor = recipe.monitor or ""
        self._monitored = self.metric_names.index(monitor)
        self._val_loss = self.metric_names.index("val_loss")
        self._sign = -1.0 if network.rises(monitor) else 1.0
        self._step = rewrite(
            TrainStep(network, recipe),
            bfloat16=recipe.precision == "bfloat16",
            copies=one_by_one,
            narrow_outputs=not one_by_one,
        )
        # A CPU's products are float32 in any case; those of an accelerator only if that is asked for.
        products = "highest" if recipe.precision == "float32" and not one_by_one else None
        parts = network.model, network.optimizer
        strengths: Strengths | LaneStrengths = (
            find_strengths(*parts) if one_by_one else find_lane_strengths(*parts)
        )
        self._strengths = strengths
        run_chunk = _with_strengths(
            strengths, self._run_chunk, products, donate_argnums=1, compiler_options=compiler_options or None
        )
        self.run_chunk: Any = Executable(run_chunk) if self.is_ahead else run_chunk
        # Penalties and dropout have no part in what is measured, so that any strengths will do.
        measure_rows = _with_strengths(strengths, self._measure_rows, products)
        self.measure_rows = self.placement.sharding(measure_rows)
        self.measure_lanes = Executable(_with_strengths(strengths, self._measure_lanes, products))

    @property
    def strengths(self) -> StrengthValues:
        """Those of the network that it was traced for, as `run_chunk` takes them for a lane."""
        return self._strengths.values()

    def strengths_of(self, network: Network) -> StrengthValues:
        """Return the strengths of a network that computes the same, as `run_chunk` takes them for its vmapped lane."""
        if not isinstance(self._strengths, LaneStrengths):
            raise TypeError("lanes that are mapped one after the other have the strengths of one network")
        return self._strengths.values_of(network.model, network.optimizer)

    def _run_chunk(
        self,
        lanes: Lane,
        orders: Any,
        measured: Any,
        first_epoch: Any,
        epochs: Any,
        data: Data,
        mixes: Any = None,
        slots: Any = None,
        strengths: Any = None,
    ) -> Any:
        """Train up to `epochs` epochs; end sooner when no lane is alive.

        Shape:
            orders: (length, lanes, train rows) int32, or `DeviceOrders` to draw them here.
            measured: (length,) bool, whether the fixed subset is; vmapped lanes may each have their own, (length, lanes).
            first_epoch: () int32; (lanes,) for vmapped lanes that began at different times.
            mixes: (length, lanes, steps) float32, the weight of each step's mixture; None where rows are not mixed, or
                orders are drawn here.
            slots: (length,) int32, where the validation losses of each epoch go, below `SLOTS`, or `SLOTS` to drop them; None
                keeps those of all epochs.
            strengths: `StrengthValues` (lanes, ...) of vmapped lanes; None gives all of them those of the network.

        Returns:
            lanes, metrics (length, lanes, metrics), validation losses (length or `SLOTS`, lanes, validation rows), the number
            of epochs that ran, and the state of the lanes without their values; entries from there on, and of lanes not
            alive, are NaN.
        """
        length, width = measured.shape[0], lanes.outcome.shape[0]
        metrics = jnp.full((length, width, len(self.metric_names)), jnp.nan, jnp.float32)
        kept = length if slots is None else SLOTS
        losses = jnp.full((kept, width, data.validation.y.shape[0]), jnp.nan, jnp.float32)
        train_lanes = self._train_one_by_one if self._one_by_one else partial(self._train_together, strengths)

        def goes_on(carry: Any) -> Any:
            index, lanes, *_ = carry
            return (index < epochs) & (lanes.outcome == ALIVE).any()

        def one_epoch(carry: Any) -> Any:
            index, lanes, metrics, losses = carry
            epoch = first_epoch + index
            if isinstance(orders, DeviceOrders):
                plans = self._drawn_plans(orders, epoch)
            else:
                plans = orders[index], None if mixes is None else mixes[index]
            lanes, values, rows = train_lanes(lanes, plans, epoch, measured[index], data)
            if slots is None:
                losses = losses.at[index].set(rows)
            else:
                losses = losses.at[slots[index]].set(rows, mode="drop")
            return index + 1, lanes, metrics.at[index].set(values), losses

        ran, lanes, metrics, losses = lax.while_loop(
            goes_on, one_epoch, (jnp.int32(0), lanes, metrics, losses)
        )
        lanes = self.placement.keep(lanes, outer=1)
        return lanes, metrics, losses, ran, Standing(*(getattr(lanes, name) for name in Standing._fields))

    def _drawn_plans(self, orders: DeviceOrders, epoch: Any) -> tuple[Any, Any]:
        """Return the orders (lanes, train rows) of one epoch, and the weights of mixtures (lanes, steps) or None."""
        rows, recipe = orders.places.shape[0], self.recipe
        epochs = jnp.broadcast_to(epoch, orders.keys.shape[:1])
        order = jax.vmap(lambda words, epoch: drawn_order(words, epoch, rows))(orders.keys, epochs)
        order = jnp.take(orders.places, order, axis=0, mode="clip")
        if not recipe.mixup:
            return order, None
        steps = steps_per_epoch(rows, recipe.batch_size)
        drawn = jax.vmap(lambda words, epoch: drawn_mixes(words, epoch, steps, recipe.mixup))
        return order, drawn(orders.keys, epochs)

    def _train_one_by_one(self, lanes: Lane, plans: Any, epoch: Any, measured: Any, data: Data) -> Any:
        """Return the lanes after one epoch, its metrics and its validation losses; lanes that have ended take no time."""
        nothing = jnp.full(len(self.metric_names), jnp.nan, jnp.float32)
        no_losses = jnp.full(data.validation.y.shape[0], jnp.nan, jnp.float32)

        def one_lane(part: tuple[Lane, Any, Any]) -> Any:
            lane, *plan = part
            return lax.cond(
                lane.outcome == ALIVE,
                lambda: self._train_epoch(
                    lane,
                    plan,
                    epoch,
                    data,
                    fixed=lambda weights, others: lax.cond(
                        measured,
                        lambda: self._fixed_metrics(weights, others, data.fixed),
                        lambda: jnp.full(2, jnp.nan, jnp.float32),
                    ),
                ),
                lambda: (lane, nothing, no_losses),
            )

        return lax.map(one_lane, (lanes, *plans))

    def _train_together(
        self, strengths: Any, lanes: Lane, plans: Any, epoch: Any, measured: Any, data: Data
    ) -> Any:
        """Return the same for vmapped lanes: all are trained, and those that had ended stay as they were.

        A branch inside of vmapped lanes would always take both ways, so the fixed subset is measured outside of them.
        """
        not_yet = jnp.full(2, jnp.nan, jnp.float32)
        epochs = jnp.broadcast_to(epoch, lanes.outcome.shape)

        def one_lane(part: tuple[Lane, Any, Any, Any, Any]) -> Any:
            lane, own, epoch, *plan = part
            is_alive = lane.outcome == ALIVE
            with self._strengths.replaced(own) if own is not None else nullcontext():
                after, metrics, losses = self._train_epoch(
                    *(lane, plan, epoch, data),
                    fixed=lambda weights, others: not_yet,
                    steps_in_a_row=self._steps_in_a_row(before.shape[0]),
                )
            kept = jax.tree.map(partial(jnp.where, is_alive), after, lane)
            return kept, jnp.where(is_alive, metrics, jnp.nan), jnp.where(is_alive, losses, jnp.nan)

        before = lanes.outcome
        lanes, metrics, losses = jax.vmap(one_lane)((lanes, strengths, epochs, *plans))
        fixed = lax.cond(
            measured.any(),
            lambda: jax.vmap(lambda weights, others: self._fixed_metrics(weights, others, data.fixed))(
                *lanes.measured
            ),
            lambda: jnp.full((before.shape[0], 2), jnp.nan, jnp.float32),
        )
        fixed = jnp.where(((before == ALIVE) & measured)[:, None], fixed, jnp.nan)
        first = next(place for place, name in enumerate(self.metric_names) if name.startswith("fixed_"))
        return lanes, metrics.at[:, first : first + 2].set(fixed), losses

    def _train_epoch(
        self,
        lane: Lane,
        plan: Any,
        epoch: Any,
        data: Data,
        *,
        fixed: Callable[[Any, Any], Any],
        steps_in_a_row: int = 1,
    ) -> Any:
        """Return the lane after one epoch, the epoch's metrics and its validation losses by row.

        `plan` is the order of training rows, and the weights of mixtures (steps,) or None; `fixed` gives the metrics of the
        fixed subset.
        """
        lane, train = self._train(lane, plan, epoch, data.train, steps_in_a_row)
        weights, others = lane.measured
        has_own = bool(self.network.objective.metrics)
        objective = self.network.objective
        losses, scores, *more, penalty = self._evaluate(
            weights,
            others,
            data.validation.among(data.train.x),
            with_minimised=objective.own_loss is not None,
            with_outputs=has_own,
        )
        minimised = more[0] if objective.own_loss else losses
        own_loss, loss, score = (
            mean_of_rows(values, data.validation.shares) for values in (minimised, losses, scores)
        )
        means = [own_loss + objective.in_units(penalty), loss, score]
        validation = jnp.stack([*means, *([own_loss] if objective.own_name else [])])
        rate = self._learning_rate(lane.optimizer)
        own = self._own_metrics(weights, others, data, more[-1]) if has_own else []
        metrics = jnp.concatenate([train, validation, fixed(weights, others), rate[None], *own])
        metrics = metrics.astype(jnp.float32)
        lane = lane._replace(epochs=epoch + 1)
        return self._choose_epoch(lane, epoch, metrics), metrics, losses

    def _train(self, lane: Lane, plan: Any, epoch: Any, rows: Rows, steps_in_a_row: int) -> Any:
        """Return the lane after the steps of one epoch, and the means of what they measured."""
        order, mixes = plan
        size = min(self.recipe.batch_size, order.shape[0])
        full, rest = divmod(order.shape[0], size)
        first_step = epoch * (full + (rest > 0))

        def step(values: Values, item: Any) -> Any:
            number, chosen, mix = item
            batch = jax.tree.map(lambda part: jnp.take(part, chosen, axis=0, mode="clip"), rows)
            return self._step(values, number, batch, mix)

        values = Values(*(getattr(lane, name) for name in Values._fields))
        numbers, parts = first_step + jnp.arange(full), order[: full * size].reshape(full, size)
        items = numbers, parts, None if mixes is None else mixes[:full]
        values, sums = lax.scan(step, values, items, unroll=min(steps_in_a_row, full))
        totals = sums.sum(0) * size
        if rest:
            last = (first_step + full, order[full * size :], None if mixes is None else mixes[full])
            values, measured = step(values, last)
            totals = totals + measured * rest
        return lane._replace(**values._asdict()), totals / order.shape[0]

    def _steps_in_a_row(self, lanes: int) -> int:
        """Return how many steps of vmapped lanes are compiled one after the other, before the loop goes round.

        Between them XLA writes the weights that an update gives in bfloat16 as well. It takes half as long again to compile.
        """
        return UNROLLED_STEPS if lanes > 1 and self._parameters >= UNROLLED_PARAMETERS else 1

    def _evaluate(
        self,
        weights: Any,
        others: Any,
        rows: Rows,
        *,
        with_minimised: bool = False,
        with_outputs: bool = False,
    ) -> Any:
        """Return losses (rows,), scores (rows,), on request minimised losses (rows,) and outputs (rows, outputs), and the penalty.

        In inference mode; the penalty is summed over layers.
        """
        table = rows.x if rows.places is not None else None
        count = rows.y.shape[0]

        def piece(rows: Rows) -> Any:
            x = rows.x if table is None else jnp.take(table, rows.places, axis=0, mode="clip")
            outputs, _, penalties = self.network.apply(weights, others, x, training=False)
            objective = self.network.objective
            penalty = jnp.float32(sum(penalties))
            functions = [objective.row_losses, objective.row_scores]
            functions += [objective.minimised] if with_minimised else []
            values = tuple(function(rows.y, outputs) for function in functions)
            return (*values, outputs) if with_outputs else values, penalty

        by_row = (rows if table is None else rows._replace(x=None))._replace(shares=None)
        pieces, rest = divmod(count, PIECE_ROWS)
        split = count - rest
        parts = []
        if pieces:
            stacked = jax.tree.map(
                lambda values: values[:split].reshape(pieces, PIECE_ROWS, *values.shape[1:]), by_row
            )
            values, penalties = lax.map(piece, stacked)
            parts.append(([value.reshape(split, *value.shape[2:]) for value in values], penalties[0]))
        if rest:
            parts.append(piece(jax.tree.map(lambda values: values[split:], by_row)))
        joined = zip(*(values for values, _ in parts), strict=True)
        return *(jnp.concatenate(values) for values in joined), parts[0][1]

    def _fixed_metrics(self, weights: Any, others: Any, rows: Rows) -> Any:
        losses, scores, _ = self._evaluate(weights, others, rows)
        return jnp.stack([mean_of_rows(values, rows.shares) for values in (losses, scores)])

    def _own_metrics(self, weights: Any, others: Any, data: Data, outputs: Any) -> list[Any]:
        """Return the values of the recipe's metrics on the fixed subset, and on validation rows, whose outputs are given."""
        *_, fixed, _ = self._evaluate(weights, others, data.fixed, with_outputs=True)
        return [
            jnp.stack([metric.value(rows.y, given, rows.shares) for metric in self.network.objective.metrics])
            for rows, given in ((data.fixed, fixed), (data.validation, outputs))
        ]

    def _learning_rate(self, optimizer: Any) -> Any:
        """Return the learning rate after the epoch's last step, as Keras reports it."""
        import keras

        mapping = list(zip(self.network.optimizer.variables, optimizer, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return jnp.asarray(keras.ops.convert_to_tensor(self.network.optimizer.learning_rate), jnp.float32)

    def _choose_epoch(self, lane: Lane, epoch: Any, metrics: Any) -> Lane:
        """Return the lane with its best epoch and outcome brought up to date, as Keras' EarlyStopping does."""
        value = metrics[self._monitored] * self._sign
        finite = jnp.isfinite(metrics[0]) & jnp.isfinite(metrics[self._val_loss])
        better = finite & (value < lane.best_value)
        wait = jnp.where(better, 0, lane.wait + 1)
        best_weights, best_others = lax.cond(
            better, lambda: lane.measured, lambda: (lane.best_weights, lane.best_others)
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
        """Return losses (rows,), scores (rows,) and outputs (rows, outputs) of one lane, in inference mode."""
        losses, scores, outputs, _ = self._evaluate(weights, others, rows, with_outputs=True)
        return losses, scores, outputs

    def _measure_lanes(self, best: Any, last: Any, chosen: Any, rows: Rows) -> Any:
        """Return the same, twice and with a leading axis, for the `chosen` lanes (lanes,) of a stack.

        `best` and `last` are (trainable, other) values of all its lanes.
        """
        values = jax.tree.map(lambda one: jnp.take(one, chosen, axis=0, mode="clip"), (best, last))
        return tuple(jax.vmap(partial(self._measure_rows, rows=rows))(*one) for one in values)


def _with_strengths(
    strengths: Strengths | LaneStrengths, function: Callable[..., Any], products: str | None, **options: Any
) -> partial[Any]:
    """Return `function` compiled with the strengths of its model as inputs; `options` are those of `jax.jit`.

    `products` is the precision of matrix products in JAX's words; None leaves it to the device.
    """

    def traced(values: Any, *arguments: Any) -> Any:
        with (
            strengths.replaced(values),
            jax.default_matmul_precision(products) if products else nullcontext(),
        ):
            return function(*arguments)

    traced.__name__ = function.__name__  # the name of the program in profiles and in the compile cache
    return partial(jax.jit(traced, **options), strengths.values())


ProgramCache = dict[Any, Program]


def stack_program(
    task: StackTask, rows: StudyRows, cache: ProgramCache, *, kept: Collection[Any] = ()
) -> Program:
    """Return the compiled functions of a stack, for the network that its own is padded to; recent ones are shared.

    All but `kept` ones are dropped before the cache would hold more than `KEPT_PROGRAMS`.
    """
    key = program_key(task, rows)
    if key not in cache:
        if len(cache) >= KEPT_PROGRAMS:
            _forget(cache, kept)
        build = padded_build(task.build, task.recipe)
        # Nobody asks for this network's values, so an accelerator need not hold them.
        with on_host() if task.together else nullcontext():
            padded = replace(task, build=build)
            network = stack_network(padded, rows, seed=task.runs[0].seed, is_blank=task.together)
        cache[key] = Program(
            network,
            task.recipe,
            one_by_one=not task.together,
            placement=Placement(task.devices),
            compiler_options=_compiler_options(task),
        )
    return cache[key]


def program_key(task: StackTask, rows: StudyRows) -> Any:
    """Return what the program of a stack depends on; where lanes are computed together, not on their strengths."""
    build = padded_build(task.build, task.recipe)
    is_described = isinstance(build, Family | KerasConfig) and not task.recipe.has_functions
    described: Any = build if is_described else task.variant
    recipe = json.dumps(task.recipe.to_dict())
    if task.form:
        described, recipe = task.form, without_optimizer(task.recipe)
    elif task.together:
        described, recipe = shared_form(build, task.recipe) or (described, recipe)
    rows_alike = (
        rows.features,
        rows.feature_names,
        rows.outputs,
        rows.task,
        rows.units,
        rows.measures_weighted,
    )
    return (
        *(described, recipe, len(task.train_index), len(task.runs), task.together, task.devices),
        *rows_alike,
    )


def _compiler_options(task: StackTask) -> Mapping[str, Any]:
    """Return what XLA is told about a stack's program.

    Its own Triton kernels need products to be timed, which is not reproducible: a single lane of 512 units takes 4.2 ms per epoch
    with them and 3.0 without (H100, jax 0.11.2). Several lanes are as fast with them, or faster.
    """
    is_single = task.together and len(task.runs) == 1 and jax.default_backend() == "gpu"
    return {"xla_gpu_enable_triton_gemm": False} if is_single else {}


def _forget(cache: ProgramCache, kept: Collection[Any]) -> None:
    """Drop programs, what JAX keeps of them, and the memory that the allocator holds in reserve."""
    for key in cache.keys() - set(kept):
        del cache[key]
    jax.clear_caches()
    gc.collect()
    release_memory()


def stack_network(task: StackTask, rows: StudyRows, *, seed: int, is_blank: bool = False) -> Network:
    """Return the network of a stack's variant with the initial weights of `seed`, adapted to its training rows.

    Of one that `is_blank`, nobody asks for its weights.
    """
    with BUILDING.held(), built_on_host(task.devices):
        return build_network(
            *(task.variant, task.build, task.recipe),
            seed=seed,
            features=rows.features,
            outputs=rows.outputs,
            task=rows.task,
            units=rows.units,
            feature_names=rows.feature_names,
            train_x=lambda: ChosenRows(rows.train[0], rows.places(task.train_index)),
            is_blank=is_blank,
        )
