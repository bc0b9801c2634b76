"""The changes that remedies make: pure functions (baseline, strength, facts) -> the baseline with one change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from justright.errors import InputError
from justright.study.families import Mlp
from justright.study.recipe import steps_per_epoch
from justright.study.remedy import Change, Facts
from justright.study.variant import Variant

# The tutorial's L2 penalty next to dropout: a stronger one undoes what dropout allows.
L2_BESIDE_DROPOUT = 0.0001
L2_PER_L1 = 10.0  # both penalties then pull equally on a weight of 0.05, a usual one in a layer of 512 units
# Keras has a separate optimizer AdamW; every other optimizer takes `weight_decay` itself.
WITH_DECAY = {"Adam": "AdamW"}


def fewer_units(baseline: Variant, strength: float, facts: Facts) -> Variant:
    """Return the baseline with `strength` of the units of every hidden layer, at least one.

    Example:
        >>> from justright.study.recipe import Recipe
        >>> facts = Facts("binary", (), 100, Recipe())
        >>> fewer_units(Variant("Large", Mlp((512, 512))), 0.25, facts).build.units
        (128, 128)
    """
    family = network_of(baseline)
    return _with(baseline, units=tuple(max(1, round(width * strength)) for width in family.units))


def fewer_layers(baseline: Variant, strength: float, facts: Facts) -> Variant:
    """Return the baseline without its last `strength` hidden layers; one always stays."""
    units = network_of(baseline).units
    return _with(baseline, units=units[: max(1, len(units) - int(strength))])


def l1_l2(baseline: Variant, strength: float, facts: Facts) -> Variant:
    """Return the baseline with an L1 penalty of `strength` and an L2 penalty of ten times that."""
    return _with(baseline, l1=strength, l2=L2_PER_L1 * strength)


def l2_dropout(baseline: Variant, strength: float, facts: Facts) -> Variant:
    """Return the baseline with dropout of `strength` and a light L2 penalty, the tutorial's 'Combined'."""
    return _with(baseline, dropout=strength, l2=L2_BESIDE_DROPOUT)


def weight_decay(baseline: Variant, strength: float, facts: Facts) -> Variant:
    """Return the baseline with decoupled weight decay (Loshchilov & Hutter 2019), its schedule kept."""
    optimizer = facts.optimizer_of(baseline)
    config = dict(optimizer.get("config", {})) | {"weight_decay": strength}
    name = str(optimizer["class_name"])
    return _with_recipe(
        baseline, facts, optimizer=optimizer | {"class_name": WITH_DECAY.get(name, name), "config": config}
    )


def cosine_schedule(baseline: Variant, strength: float, facts: Facts) -> Variant:
    """Return the baseline with a learning rate that falls from `strength` along a half cosine to 0 at the epoch limit."""
    recipe, optimizer = facts.recipe_of(baseline), facts.optimizer_of(baseline)
    steps = recipe.max_epochs * steps_per_epoch(facts.train_rows, recipe.batch_size)
    schedule = {
        "module": "keras.optimizers.schedules",
        "class_name": "CosineDecay",
        "config": {"initial_learning_rate": strength, "decay_steps": steps},
    }
    config = dict(optimizer.get("config", {})) | {"learning_rate": schedule}
    return _with_recipe(baseline, facts, optimizer=optimizer | {"config": config})


def longer_training(baseline: Variant, strength: float, facts: Facts) -> Variant:
    """Return the baseline with `strength` times the epoch limit, and times the patience where there is one.

    Example:
        >>> from justright.study.recipe import Recipe
        >>> facts = Facts("binary", (), 100, Recipe(max_epochs=60, patience=None))
        >>> longer_training(Variant("Tiny", Mlp((4,))), 2.0, facts).recipe.max_epochs
        120
    """
    recipe = facts.recipe_of(baseline)
    patience = None if recipe.patience is None else round(recipe.patience * strength)
    limit = round(recipe.max_epochs * strength)
    return _with_recipe(baseline, facts, max_epochs=limit, patience=patience)


def family_option(option: str) -> Change:
    """Return the change that sets one option of a family to its strength."""
    return lambda baseline, strength, facts: _with(baseline, **{option: strength})


def family_switch(option: str) -> Change:
    """Return the change that switches one option of a family on."""
    return lambda baseline, strength, facts: _with(baseline, **{option: True})


def recipe_option(option: str) -> Change:
    """Return the change that sets one option of the recipe to its strength."""
    return lambda baseline, strength, facts: _with_recipe(baseline, facts, **{option: strength})


def network_of(baseline: Variant) -> Mlp:
    """Return the description of a baseline's network.

    Raises:
        InputError: it does not describe a network of dense layers.
    """
    if not isinstance(baseline.build, Mlp):
        raise InputError(
            f"Variant {baseline.name!r} must be of a family, such as mlp(64, 64), to change its architecture; "
            f"got {baseline.build!r}."
        )
    return baseline.build


def _with(baseline: Variant, **options: Any) -> Variant:
    return replace(baseline, build=replace(network_of(baseline), **options))


def _with_recipe(baseline: Variant, facts: Facts, **options: Any) -> Variant:
    return replace(baseline, recipe=replace(facts.recipe_of(baseline), **options))
