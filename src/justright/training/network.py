"""A Keras model as pure functions: built once per architecture, initialised once per seed."""

from __future__ import annotations

import copy
import gc
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from justright.data.read_options import Task
from justright.errors import BOLD, InputError, in_short
from justright.runs.describe_model import describe_model
from justright.runs.events import VariantBuilt
from justright.runs.tasks import ChosenRows, TargetUnits
from justright.study.families import Family
from justright.study.keras_descriptions import name_of
from justright.study.recipe import LOSSES, SCORES, Recipe
from justright.study.registered import revival_fault
from justright.study.variant import Build, KerasConfig, check_is_keras
from justright.training.initial_draws import blank_draws, shared_draws
from justright.training.keras_objects import Outputs, mean_of_probe, own_loss, own_metric
from justright.training.last_layer import ends_in_logits, hides_probabilities, in_units, predicts_any_number
from justright.training.masks import hashed_dropout
from justright.training.normalization import adapt_normalization, normalization_from_state
from justright.training.objective import Objective, objective_for
from justright.training.several_inputs import as_one_input

# Keras' loss of each task, the same as a metric, and its score.
KERAS_CLASSES: dict[Task, tuple[Any, Any, Any]] = {
    "binary": (
        *(keras.losses.BinaryCrossentropy, keras.metrics.BinaryCrossentropy),
        keras.metrics.BinaryAccuracy,
    ),
    "multiclass": (
        *(keras.losses.SparseCategoricalCrossentropy, keras.metrics.SparseCategoricalCrossentropy),
        keras.metrics.SparseCategoricalAccuracy,
    ),
    "regression": (
        *(keras.losses.MeanSquaredError, keras.metrics.MeanSquaredError),
        keras.metrics.MeanAbsoluteError,
    ),
}
# Keras collects garbage before each model, 40 ms with a few compiled programs in memory. That pays where the models before
# this one hold megabytes; Python collects the others in its own time.
COLLECTED_PARAMETERS = 50_000
ONE_ARRAY = (
    "Its `call` is given one array (rows, features); a model of several inputs must be a functional one, keras.Model(inputs, "
    "output)."
)
SEED_STATE = "seed_generator_state"  # Keras' name of the variable from which a layer draws its randomness


@dataclass(frozen=True, slots=True)
class Network:
    """A built Keras model with its optimizer and objective.

    Args:
        model: its variables hold the initial weights of the seed it was built with.
        optimizer: built for the model's trainable variables.
        objective: loss and score by row.
        random_states: positions, among the non-trainable variables, of the states that layers draw randomness from.
        built: the model as its builder returned it; `model` may also bring its outputs to a target's units.
    """

    model: Any
    optimizer: Any
    objective: Objective
    random_states: tuple[int, ...]
    built: Any

    def initial_values(self) -> dict[str, list[npt.NDArray[Any]]]:
        """Return copies of the current values on the host: trainable, other, and optimizer variables."""
        return {
            name: [np.array(variable.value) for variable in variables]
            for name, variables in self._variables().items()
        }

    def shapes(self) -> dict[str, list[tuple[int, ...]]]:
        """Return the shapes of the same values."""
        return {
            name: [tuple(variable.shape) for variable in variables]
            for name, variables in self._variables().items()
        }

    def rises(self, monitor: str) -> bool:
        """Return whether larger values of a monitored metric are better."""
        own = {f"val_{one.name}": bool(one.rises) for one in self.objective.metrics}
        return own.get(monitor, monitor.endswith("accuracy"))

    def _variables(self) -> dict[str, list[Any]]:
        return {
            "weights": self.model.trainable_variables,
            "others": self.model.non_trainable_variables,
            "optimizer": self.optimizer.variables,
        }

    def apply(self, weights: Any, others: Any, x: Any, *, training: bool) -> tuple[Any, list[Any], list[Any]]:
        """Return outputs (rows, outputs) float32, new non-trainable values, and penalties, as a pure function.

        Args:
            weights: values of the trainable variables.
            others: values of the non-trainable ones.
            x: (rows, features) float32.
            training: whether layers behave as in training; dropout draws hashed masks then.
        """
        mode = {"training": training} if _takes_training(self.model) else {}
        with normalization_from_state(), hashed_dropout():
            outputs, others, penalties = self.model.stateless_call(
                weights, others, x, return_losses=True, **mode
            )
        return outputs.astype("float32"), others, penalties


def _takes_training(model: Any) -> bool:
    """Return whether a model can be told to train: a user's own class need not have that argument, as in Keras' `fit`."""
    parameters = inspect.signature(model.call).parameters.values()
    return any(one.name == "training" or one.kind is one.VAR_KEYWORD for one in parameters)


def build_network(
    name: str,
    build: Build,
    recipe: Recipe,
    *,
    seed: int,
    features: int,
    outputs: int,
    task: Task,
    units: TargetUnits | None = None,
    feature_names: Sequence[str] = (),
    train_x: Callable[[], npt.NDArray[np.float32] | ChosenRows] | None = None,
    is_blank: bool = False,
) -> Network:
    """Return the network of a variant with the initial weights that `seed` gives.

    Exactly what plain Keras gives after `keras.utils.clear_session(); keras.utils.set_random_seed(seed)`. With
    `train_x`, which gives the run's training rows (rows, features), Normalization layers are adapted to them. With `units`,
    a model whose last operation is linear predicts in the target's units. With `feature_names`, a model of several inputs gets
    the features that these are named after. One that `is_blank` is only looked at: a family's has zeros for drawn weights, which
    saves drawing them; models of one's own are built as ever.

    Raises:
        InputError: the builder fails, returns no model, or the model does not fit the table.
    """
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)
    with blank_draws() if is_blank and isinstance(build, Family) else shared_draws():
        model = built = _build_model(name, build, features, outputs, feature_names)
        if model.count_params() > COLLECTED_PARAMETERS:
            gc.collect()
        _check_outputs(name, model, features, outputs, task)
        if units is not None and not predicts_any_number(model):
            units = None
        if units is not None:
            model = in_units(model, units, features)
        optimizer = _build_optimizer(name, recipe)
        optimizer.build(model.trainable_variables)
    if train_x is None:
        _check_logits(name, model, recipe, features=features, task=task)
        _check_described(name, built)
    else:
        adapt_normalization(model, train_x)
    states = tuple(
        position
        for position, variable in enumerate(model.non_trainable_variables)
        if variable.name == SEED_STATE
    )
    objective = _objective_of(name, model, recipe, task=task, outputs=outputs, units=units)
    return Network(model, optimizer, objective, states, built)


def describe_network(name: str, network: Network) -> VariantBuilt:
    """Return the description of a variant's model before it trains."""
    return describe_model(name, network.model, built=network.built)


def _objective_of(
    name: str, model: Any, recipe: Recipe, *, task: Task, outputs: int, units: TargetUnits | None
) -> Objective:
    """Return what a model is trained and measured by, with the recipe's own loss and metrics."""
    from_logits = gives_logits(model, recipe)
    objective = objective_for(task, from_logits=from_logits, label_smoothing=recipe.label_smoothing)
    given = Outputs(task, outputs, are_logits=from_logits and task != "regression")
    loss = None if recipe.loss is None else own_loss(name, recipe.loss, given)
    known = (objective.loss_name, objective.score_name)  # recorded anyway
    metrics = tuple(
        own_metric(name, metric, given) for metric in recipe.metrics if name_of(metric) not in known
    )
    unit = 1.0
    if units is not None:
        unit = mean_of_probe(loss, units.scale, units.offset) if loss else units.scale**2
    return replace(objective, own_loss=loss, metrics=metrics, unit=unit)


def gives_logits(model: Any, recipe: Recipe) -> bool:
    """Return whether a model's outputs are logits: what the recipe says, or else its last layer."""
    return ends_in_logits(model) if recipe.from_logits is None else recipe.from_logits


def compiled_model(network: Network, recipe: Recipe, task: Task) -> Any:
    """Return the network's model compiled with Keras' own loss and metrics, ready to be saved."""
    loss, same, score = KERAS_CLASSES[task]
    from_logits = gives_logits(network.model, recipe)
    reads = {} if task == "regression" else {"from_logits": from_logits}
    threshold = {"threshold": 0.0 if from_logits else 0.5} if task == "binary" else {}
    metrics = [same(name=LOSSES[task], **reads), score(name=SCORES[task], **threshold)]
    metrics += [one.compiled for one in network.objective.metrics if one.compiled is not None]
    own = network.objective.own_loss
    minimised = own.compiled if own and own.compiled is not None else loss(**reads)
    optimizer = _build_optimizer("", recipe)
    with shared_draws():  # plain Keras warns about a saved optimizer that is not built
        optimizer.build(network.model.trainable_variables)
    network.model.compile(optimizer=optimizer, loss=minimised, metrics=metrics)
    return network.model


def _build_model(name: str, build: Build, features: int, outputs: int, feature_names: Sequence[str]) -> Any:
    try:
        if isinstance(build, Family):
            return build(features, outputs)
        # Keras' safe mode is the default here: a configuration with code (a Lambda layer) is refused.
        model = keras.models.model_from_json(build.json) if isinstance(build, KerasConfig) else build()
    except Exception as error:
        if fault := revival_fault(error):
            raise InputError(
                f"Variant {name!r} cannot be made again from what Keras says about it: {fault}. Let its class's "
                "`__init__` take **kwargs and pass them to `super().__init__`, or pass a function that makes it."
            ) from error
        raise InputError(f"Variant {name!r} cannot be built: {type(error).__name__}: {error}") from error
    if not isinstance(model, keras.Model):
        check_is_keras(f"What the builder of variant {name!r} returns", model)
        raise InputError(f"The builder of variant {name!r} must return a keras.Model; got {model!r}.")
    if model.compiled:
        raise InputError(
            f"The builder of variant {name!r} returned a compiled keras.Model, whose optimizer, loss and metrics would not be "
            "used. Pass the model itself instead of its builder, or return it uncompiled, with a Recipe beside it."
        )
    if not model.built:
        _build_by_calling(name, model, features)
    return as_one_input(name, model, feature_names, count=features)


def _build_by_calling(name: str, model: Any, features: int) -> None:
    """Build a model by calling it: a subclassed one need not define `build`. A sequential one would take as many rows only."""
    try:
        if isinstance(model, keras.Sequential):
            model.build((None, features))
        else:
            model(keras.ops.zeros((1, features)))
    except Exception as error:
        hint = "" if isinstance(model, keras.Sequential) else f". {ONE_ARRAY}"
        raise _uncallable(name, features, error, hint) from error


def _check_outputs(name: str, model: Any, features: int, outputs: int, task: Task) -> None:
    """Raise InputError unless the model takes the table's rows and gives one output vector per row."""
    expected = (None, features)
    given = getattr(model, "input_shape", expected)
    # Of a model that `fit` or a call has built, Keras notes that batch's number of rows, and takes any.
    if tuple(given)[1:] != expected[1:]:
        raise InputError(
            f"Variant {name!r} must take inputs of shape {expected}, the table's features; it takes {given}."
        )
    if any(_lacks_boundaries(layer) for layer in model._flatten_layers(recursive=True)):
        raise InputError(
            f"Variant {name!r} has a Discretization layer without boundaries; only Normalization layers are adapted to "
            "training rows. Give it `bin_boundaries`."
        )
    try:
        given = model.compute_output_spec(keras.KerasTensor((None, features)))
    except Exception as error:
        raise _uncallable(name, features, error) from error
    if isinstance(given, list | tuple | dict):
        what = f"a {type(given).__name__} of {len(given)}" if len(given) == 1 else len(given)
        raise InputError(
            f"Variant {name!r} must give one output; it gives {what}. Let it give the one that is to be judged: "
            "keras.Model(inputs, output)."
        )
    shape = tuple(given.shape)
    if shape != (None, outputs):
        raise InputError(
            f"Variant {name!r} must end in shape (None, {outputs}) for a {task} target; it ends in {shape}. "
            f"Let the last layer be Dense({outputs})."
        )
    if not model.trainable_variables:
        raise InputError(f"Variant {name!r} must have trainable weights; it has none.")


def _lacks_boundaries(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Discretization) and not layer.bin_boundaries


def _check_described(name: str, model: Any) -> None:
    """Raise InputError for a model that could be trained and not saved."""
    try:
        keras.saving.serialize_keras_object(model)
    except Exception as error:
        raise InputError(
            f"Variant {name!r} must be a model that Keras can save, with all layers in it; {in_short(error)}"
        ) from error


def _check_logits(name: str, model: Any, recipe: Recipe, *, features: int, task: Task) -> None:
    """Raise InputError where outputs would be taken for logits, though they seem to be probabilities."""
    if task == "regression" or recipe.from_logits is not None or not ends_in_logits(model):
        return
    if hides_probabilities(model, features):
        raise InputError(
            f"Variant {name!r} gives numbers from 0 to 1, and its `call` does not show whether they are probabilities. Say "
            "Recipe(from_logits=False) if a sigmoid or softmax makes them, from_logits=True if they are logits."
        )


def _uncallable(name: str, features: int, error: Exception, hint: str = "") -> InputError:
    # Keras puts the reason, in bold type, between two paragraphs about where it was met.
    parts = BOLD.sub("", str(error)).split("\n\n")
    reason = parts[1] if len(parts) > 1 and parts[0].startswith("Exception encountered") else parts[0]
    return InputError(f"Variant {name!r} cannot be called on rows of {features} features: {reason}{hint}")


def _build_optimizer(name: str, recipe: Recipe) -> Any:
    if recipe.optimizer is None:
        raise InputError("A recipe must be resolved for its table before it is used; call `Recipe.resolve`.")
    try:
        optimizer = keras.optimizers.deserialize(copy.deepcopy(dict(recipe.optimizer)))
    except Exception as error:
        raise InputError(f"The optimizer of variant {name!r} cannot be built: {error}") from error
    if not isinstance(optimizer, keras.optimizers.Optimizer):  # Keras returns an unknown name as it is
        raise InputError(f"The optimizer of variant {name!r} cannot be built: Keras knows no {optimizer!r}.")
    return optimizer
