"""What holds the training of a network back, read from Keras' own description of it and from its recipe.

Two networks of one size can then be compared: the one with the stronger brakes is the tighter one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from justright.study.keras_descriptions import described_objects

# Options of layers that count, by the end of the layer's class name: dropout in all its forms, and noise.
LAYER_OPTIONS = {"Dropout": ("rate", "dropout"), "Noise": ("stddev", "noise")}
# Options of a layer that hold a penalty, and the penalties that Keras knows.
PENALIZED = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "embeddings_regularizer")
PENALTIES = ("l1", "l2")
RECIPE_OPTIONS = ("mixup", "label_smoothing", "ema")


def brakes_of(config: str, recipe: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the brakes of a network by name, the strongest of each kind; those that are off are left out.

    Args:
        config: the text of `keras.Model.to_json()`.
        recipe: the recipe as plain values, `Recipe.to_dict()`.

    Returns:
        None where Keras could not describe the model, so that nothing is known about its layers.

    Example:
        >>> layer = {"class_name": "Dropout", "config": {"rate": 0.5}}
        >>> brakes_of(json.dumps({"config": {"layers": [layer]}}), {"mixup": 0.2})
        {'dropout': 0.5, 'mixup': 0.2}
    """
    try:
        described = json.loads(config)
    except ValueError:
        return None
    found: dict[str, float] = {}
    options = recipe.get("optimizer") or {}
    decay = options.get("config", {}).get("weight_decay") if isinstance(options, Mapping) else None
    recipe_values = [(name, recipe.get(name)) for name in RECIPE_OPTIONS] + [("weight decay", decay)]
    for name, value in [*_of_layers(described), *recipe_values]:
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            found[name] = max(found.get(name, 0.0), float(value))
    return found


def is_tighter(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Return whether any brake of `one` is stronger than that of `other`: any regularization that is added counts.

    Example:
        >>> is_tighter({"dropout": 0.5, "l2": 1e-4}, {"l2": 1e-3}), is_tighter({}, {"l2": 1e-3})
        (True, False)
    """
    return any(value > other.get(name, 0.0) for name, value in one.items())


def _of_layers(described: object) -> Iterator[tuple[str, Any]]:
    """Yield (brake, value) of every layer in a description, at any depth."""
    for one in described_objects(described):
        config = one.get("config")
        if not isinstance(config, Mapping):
            continue
        for ending, (option, name) in LAYER_OPTIONS.items():
            if str(one["class_name"]).endswith(ending):
                yield name, config.get(option)
        for option in PENALIZED:
            penalty = config.get(option)
            if isinstance(penalty, Mapping) and isinstance(penalty.get("config"), Mapping):
                yield from ((name, penalty["config"].get(name)) for name in PENALTIES)
