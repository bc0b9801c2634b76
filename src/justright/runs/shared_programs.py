"""Which variants an accelerator trains side by side in one compiled program: those of the same layers and recipe.

Factors of penalties, dropout rates, weight decay, learning rates and the numbers of their schedules are inputs of a program, a
value for each lane. So a grid of 30 penalties and 3 seeds is one stack of 90 lanes instead of 30 stacks of 3.

Of a multilayer perceptron the description says what its program is. Of other models only the traced step does: see
`training/together/traced_steps.py`.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from justright.runs.events import StepTraced
from justright.study.families import Mlp
from justright.study.recipe import Recipe, decaying_adam
from justright.study.variant import Build

# Options of an optimizer that differ between lanes: the first is a part of its state, the others are inputs of the program.
BY_LANE = ("learning_rate", "weight_decay")
# The same of some optimizers of Keras: others ask what the number is, or compute with it in Python.
BY_LANE_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(("Adam", "AdamW", "Adamax", "Nadam", "Adagrad", "Adadelta", "Lion"), ("clipnorm",))
    | dict.fromkeys(("RMSprop", "SGD"), ("clipnorm", "momentum"))
)
# Numbers of Keras' schedules that are inputs of a program, by the names of both option and attribute. The others change how XLA
# computes (a power that is 1), or which way is taken.
SCHEDULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "CosineDecay": ("initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps"),
        "CosineDecayRestarts": ("initial_learning_rate", "first_decay_steps", "alpha"),
        "ExponentialDecay": ("initial_learning_rate", "decay_steps", "decay_rate"),
        "InverseTimeDecay": ("initial_learning_rate", "decay_steps", "decay_rate"),
        "PiecewiseConstantDecay": ("values",),
        "PolynomialDecay": ("initial_learning_rate", "decay_steps", "end_learning_rate"),
    }
)
SCHEDULE_MODULE = "keras.optimizers.schedules"


def says_its_program(build: Build, recipe: Recipe) -> bool:
    """Return whether plain values say what the program of a network is: others are traced, a user's functions with them."""
    return type(build) is Mlp and not recipe.has_functions


def shared_form(build: Build, recipe: Recipe) -> tuple[Build, str] | None:
    """Return what a network and its recipe have in common with all whose program is the same; None if only they know.

    Whether a strength is there at all makes another program: what is not there costs nothing.

    Example:
        >>> recipe = Recipe()
        >>> shared_form(Mlp((16,), l2=0.1), recipe) == shared_form(Mlp((16,), l2=0.3), recipe)
        True
        >>> shared_form(Mlp((16,), l2=0.1), recipe) == shared_form(Mlp((16,)), recipe)
        False
    """
    if type(build) is not Mlp or not says_its_program(build, recipe):
        return None
    same = replace(
        build,
        l1=float(build.l1 > 0),
        l2=float(build.l2 > 0),
        dropout=0.5 if build.dropout else 0.0,
        input_noise=0.5 if build.input_noise else 0.0,
    )
    return same, _without_strengths(recipe)


def companions(name: str, build: Build, recipe: Recipe, traced: StepTraced | None = None) -> Hashable:
    """Return a key: variants with the same one may be lanes of one stack.

    A multilayer perceptron without a penalty is trained like one with an L2 penalty, with the factor 0: it neither draws random
    numbers nor adds a layer, as dropout would. That changes no bit unless its zeros are added to other penalties, or a norm
    of the gradient is taken, whose sum XLA orders anew. L1 penalties are left alone, since without one a network may be padded.

    Args:
        name: of the variant.
        build: of its network.
        recipe: a resolved one.
        traced: its step, if that was traced.

    Example:
        >>> recipe = Recipe()
        >>> large, l2, dropout = Mlp((16,)), Mlp((16,), l2=0.1), Mlp((16,), dropout=0.5)
        >>> companions("Large", large, recipe) == companions("L2", l2, recipe)
        True
        >>> companions("Large", large, recipe) == companions("Dropout", dropout, recipe)
        False
    """
    if type(build) is Mlp and says_its_program(build, recipe):
        is_free = not build.l1 and _is_elementwise(recipe)
        return shared_form(replace(build, l2=0.0) if is_free else build, recipe) or name
    return name if traced is None else (traced.form, without_optimizer(recipe))


def begun_companions(name: str, build: Build, recipe: Recipe) -> Hashable:
    """Return a key: runs that share a checkpoint, and whose variants have the same one, may go on in one stack.

    That their steps are the same was found when they began. Only the epoch limit may have changed since.
    """
    return companions(name, build, recipe) if says_its_program(build, recipe) else without_optimizer(recipe)


def without_optimizer(recipe: Recipe) -> str:
    """Return everything about a recipe as text that a traced step does not say."""
    values = {name: value for name, value in recipe.to_dict().items() if name != "optimizer"}
    return json.dumps(values, sort_keys=True)


def _is_elementwise(recipe: Recipe) -> bool:
    """Return whether the step of each weight depends on no other weight's gradient; of optimizers that are not Keras', nobody knows."""
    optimizer = recipe.optimizer or decaying_adam(1)
    config = optimizer.get("config", {})
    clips = any(config.get(name) for name in ("clipnorm", "global_clipnorm"))
    return optimizer.get("class_name") in BY_LANE_OF and _is_of_keras(optimizer) and not clips


def _is_of_keras(optimizer: Mapping[str, Any]) -> bool:
    return optimizer.get("module") == "keras.optimizers" and optimizer.get("registered_name") is None


def _without_strengths(recipe: Recipe) -> str:
    """Return a recipe as text, in which the strengths that lanes have for themselves are the same for all."""
    values = recipe.to_dict()
    optimizer = values.get("optimizer") or {}
    config = dict(optimizer.get("config", {}))
    others = BY_LANE_OF.get(str(optimizer.get("class_name")), ()) if _is_of_keras(optimizer) else ()
    for name in (*BY_LANE, *others):
        if isinstance(config.get(name), float) and config[name] > 0:
            config[name] = 1.0
    if isinstance(config.get("learning_rate"), Mapping):
        config["learning_rate"] = _without_numbers(config["learning_rate"])
    if config:
        values["optimizer"] = optimizer | {"config": config}
    return json.dumps(values, sort_keys=True)


def _without_numbers(schedule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return Keras' description of a schedule, in which the numbers that lanes have for themselves are the same for all."""
    config = schedule.get("config")
    is_own = schedule.get("module") != SCHEDULE_MODULE or schedule.get("registered_name") is not None
    if is_own or not isinstance(config, Mapping):
        return schedule
    changed = {
        name: _masked(config[name])
        for name in SCHEDULES.get(str(schedule.get("class_name")), ())
        if name in config
    }
    return {**schedule, "config": {**config, **changed}}


def _masked(value: object) -> object:
    """Return 1 for a number, and as many for several; anything else as it is."""
    if isinstance(value, list | tuple):
        return [_masked(one) for one in value]
    return 1.0 if isinstance(value, int | float) and not isinstance(value, bool) else value
