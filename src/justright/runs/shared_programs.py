"""Which variants an accelerator trains side by side in one compiled program: those of the same layers and recipe.

Factors of penalties, dropout rates, weight decay and constant learning rates are inputs of a program, a value for each lane.
So a grid of 30 penalties and 3 seeds is one stack of 90 lanes instead of 30 stacks of 3.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import replace

from justright.study.families import Mlp
from justright.study.recipe import Recipe
from justright.study.variant import Build

# Options of an optimizer that differ between lanes: one is a part of its state, the other an input of the program.
BY_LANE = ("learning_rate", "weight_decay")


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
    if type(build) is not Mlp or recipe.has_functions:
        return None
    same = replace(
        build, l1=float(build.l1 > 0), l2=float(build.l2 > 0), dropout=0.5 if build.dropout else 0.0
    )
    return same, _without_strengths(recipe)


def companions(name: str, build: Build, recipe: Recipe) -> Hashable:
    """Return a key: variants with the same one may be lanes of one stack.

    A penalty of zero is trained like any other, with the factor 0: it neither draws random numbers nor adds a layer, as dropout
    would. L1 penalties are left alone, since without one a network may be padded.

    Example:
        >>> recipe = Recipe()
        >>> large, l2, dropout = Mlp((16,)), Mlp((16,), l2=0.1), Mlp((16,), dropout=0.5)
        >>> companions("Large", large, recipe) == companions("L2", l2, recipe)
        True
        >>> companions("Large", large, recipe) == companions("Dropout", dropout, recipe)
        False
    """
    return shared_form(replace(build, l2=0.0) if type(build) is Mlp else build, recipe) or name


def _without_strengths(recipe: Recipe) -> str:
    """Return a recipe as text, in which the strengths that lanes have for themselves are the same for all."""
    values = recipe.to_dict()
    optimizer = values.get("optimizer") or {}
    config = dict(optimizer.get("config", {}))
    for name in BY_LANE:
        if isinstance(config.get(name), float) and config[name] > 0:
            config[name] = 1.0
    if config:
        values["optimizer"] = optimizer | {"config": config}
    return json.dumps(values, sort_keys=True)
