"""A study: table, split, variants, seeds and training sizes as one frozen description."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Self, cast, get_args

from justright.data.checks import check_switch, check_whole, is_finite_number, is_whole
from justright.data.read_options import Task
from justright.data.split import PARTS
from justright.data.table import Split
from justright.errors import InputError, check_one_of, raise_together
from justright.study.families import Family
from justright.study.keras_edits import is_plain
from justright.study.raw_inputs import standardise_where_needed
from justright.study.recipe import DeviceKind, Recipe
from justright.study.shown_study import study_card, study_text
from justright.study.sweep import Grid
from justright.study.variant import (
    Build,
    CompiledConfig,
    KerasConfig,
    Variant,
    as_variants,
    check_name,
)

MAX_SEEDS = 10_000  # more is a typing error: 10,000 runs of the smallest network are hours
# A number of seeds means 1, 2, ...: they are counted as people count.
FIRST_SEED = 1
MAX_SEED = 2**31 - 1  # Keras' set_random_seed passes seeds on to NumPy and JAX as 32-bit numbers
# The fewest training sizes that a forecast accepts: three parameters, one size to test by, one to see scatter by.
DEFAULT_COUNT = 5
# Each size is twice the one before: five then span a factor of 16, and a forecast to 4 times goes on for two steps.
RATIO = 2
LEAST_ROWS = 2  # one row has one class: nothing can be learned from it

LEAST_COUNTING = 2  # rows of each part that must count: one does not show how much rows differ

WeightedRows = Literal["all", "train"]

WEIGHTED_ROWS: tuple[WeightedRows, ...] = get_args(WeightedRows)


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that will be trained, as plain data: one run per variant, seed and training size.

    Args:
        split: which rows learn, choose and measure.
        variants: names mapped to builders (a family member such as `mlp(16)`, a callable without
            arguments that returns a `keras.Model`, or a `keras.Model`), `Variant` objects, or a `jr.grid`.
        recipe: how every variant without a recipe of its own is trained.
        seeds: how many seeds (numbered from 1), or which ones; None takes those of a `jr.grid`, else 1.
        train_sizes: numbers of training rows, nested subsets of the split's; empty means all of them.
        name: a word for the study, printed and stored.
        margin: smallest difference of test losses that matters, in units of the loss; None takes 1 % of
            the gain of the study's best variant over the constant prediction.
        reference: whether gradient-boosted trees are trained on the same rows for comparison.
        standardize_target: whether networks learn a numeric target in units of its standard deviation on the training
            rows, from its mean. Losses and predictions are in the target's own units either way.
        neighbours: whether a study of one network also trains its neighbours, which show what would help: one wider, one
            narrower, one with dropout, one that trains for longer.
        weighted_rows: where the table's weights of rows count: 'all' for every mean of a loss or metric as well as in training,
            'train' for the training loss alone. None is 'all', or what the folder has that the study goes on in.

    Raises:
        InputError: a value is out of range, or names clash.

    Example:
        >>> import justright as jr
        >>> split = jr.read_table("higgs-sim", rows=3_000).split(validation=500, train=2_000, order="head")
        >>> study = jr.Study(split, {"Tiny": jr.mlp(16), "Small": jr.mlp(16, 16)}, seeds=2)
        >>> len(list(study.runs()))
        4
    """

    split: Split
    variants: tuple[Variant, ...]
    recipe: Recipe
    seeds: tuple[int, ...]
    train_sizes: tuple[int, ...]
    name: str
    margin: float | None
    reference: bool
    standardize_target: bool
    neighbours: bool
    weighted_rows: WeightedRows | None

    def __init__(
        self,
        split: Split,
        variants: Mapping[str, Any] | Sequence[Variant],
        recipe: Recipe | None = None,
        *,
        seeds: int | Sequence[int] | None = None,
        train_sizes: Sequence[int] = (),
        name: str = "custom",
        margin: float | None = None,
        reference: bool = True,
        standardize_target: bool = True,
        neighbours: bool = True,
        weighted_rows: WeightedRows | None = None,
    ) -> None:
        raise_together(partial(_check_split, split), partial(_check_recipe, recipe))
        rows = split.sizes["train"]
        base = recipe or Recipe()
        members = standardise_where_needed(as_variants(variants), split)
        if seeds is None and isinstance(variants, Grid):
            seeds = variants.seeds
        task, classes = split.table.task, split.table.class_names
        check_name(name)
        _check_baselines(members)
        if margin is not None and not (is_finite_number(margin) and margin > 0):
            raise InputError(f"`margin` must be a positive number in units of the loss; got {margin!r}.")
        check_switch("reference", reference)
        check_switch("standardize_target", standardize_target)
        check_switch("neighbours", neighbours)
        if weighted_rows is not None:
            check_one_of("weighted_rows", weighted_rows, WEIGHTED_ROWS)
            if split.table.weights is None:
                raise InputError(
                    f"`weighted_rows` says where weights of rows count; got {weighted_rows!r}, and the table has no weights. Name "
                    "their column with `weights` when reading it."
                )
        if weighted_rows != "train":
            _check_weights(split)
        members = tuple(raise_together(*(partial(_as_compiled, one, base, task) for one in members)))
        fields = {
            "split": split,
            "variants": tuple(
                replace(member, recipe=member.recipe.resolve(task, rows, classes))
                if member.recipe
                else member
                for member in members
            ),
            "recipe": base.resolve(task, rows, classes),
            "seeds": _as_seeds(1 if seeds is None else seeds),
            "train_sizes": _as_train_sizes(train_sizes, rows),
            "name": name,
            "margin": margin,
            "reference": reference,
            "standardize_target": standardize_target,
            "neighbours": neighbours,
            "weighted_rows": weighted_rows,
        }
        for field, value in fields.items():
            object.__setattr__(self, field, value)

    def __repr__(self) -> str:
        return study_text(self)

    def _repr_html_(self) -> str:
        """Return what will be trained, for notebooks."""
        return study_card(self)

    @property
    def measures_weighted_rows(self) -> bool:
        """Whether rows count by their weights where losses and metrics are averaged, and not in the training loss alone."""
        return self.split.table.weights is not None and self.weighted_rows != "train"

    def recipe_of(self, variant: Variant) -> Recipe:
        """Return the recipe that trains `variant`: its own, or the study's."""
        return variant.recipe or self.recipe

    def on(self, device: DeviceKind | None) -> Self:
        """Return the study with recipes for a kind of device; see `Recipe.on`.

        Raises:
            InputError: the device cannot train one of its recipes.
        """
        variants = tuple(
            replace(one, recipe=one.recipe.on(device)) if one.recipe else one for one in self.variants
        )
        return replace(self, variants=variants, recipe=self.recipe.on(device))

    def variant(self, name: str) -> Variant:
        """Return the variant called `name`.

        Raises:
            KeyError: there is none.
        """
        return {member.name: member for member in self.variants}[name]

    def runs(self) -> Iterator[tuple[Variant, int, int]]:
        """Yield (variant, seed, training rows) of every run, in the order of the description."""
        for member in self.variants:
            for rows in self.train_sizes or (self.split.sizes["train"],):
                for seed in self.seeds:
                    yield member, seed, rows


def _as_compiled(member: Variant, recipe: Recipe, task: Task) -> Variant:
    """Return a variant with the recipe that a compiled model asks for; others as they are."""
    build = member.build
    if not isinstance(build, CompiledConfig):
        return member
    return replace(member, recipe=build.recipe(member.name, member.recipe, recipe, task))


def has_functions(study: Study) -> bool:
    """Return whether a user's own functions or classes build, train or measure a network of the study.

    A description names such a class, such as a layer that was registered with Keras, and does not say what it computes.
    """
    recipes = [study.recipe_of(variant) for variant in study.variants]
    return (
        not all(_is_described(variant.build) for variant in study.variants)
        or any(recipe.has_functions for recipe in recipes)
        or not all(is_plain(json.dumps(recipe.to_dict())) for recipe in recipes)
    )


def _is_described(build: Build) -> bool:
    """Return whether a description says all that a network computes."""
    return isinstance(build, Family) or (isinstance(build, KerasConfig) and is_plain(build.json))


def learning_sizes(rows: int, count: int = DEFAULT_COUNT) -> tuple[int, ...]:
    """Return `count` training sizes, each about twice the one before, the largest `rows`: for `Study(train_sizes=...)`.

    Together they cost about twice as much as the largest alone.

    Args:
        rows: all training rows.
        count: how many sizes.

    Raises:
        InputError: `rows` or `count` is not a whole number, or there are too few rows for so many sizes.

    Example:
        >>> learning_sizes(10_000)
        (625, 1250, 2500, 5000, 10000)
    """
    check_whole("count", count, least=1)
    least = LEAST_ROWS * RATIO ** (count - 1)
    if not is_whole(rows, least=least):
        raise InputError(
            f"`rows` must be a whole number of at least {least:,} for {count} sizes, each twice the one before and the "
            f"smallest {LEAST_ROWS}; got {rows!r}. Train on more rows, or on fewer sizes."
        )
    return tuple(round(rows / RATIO**step) for step in reversed(range(count)))


def _check_split(split: object) -> None:
    if not isinstance(split, Split):
        raise InputError(
            "`split` must be the split of a table, such as jr.read_table(...).split(validation=0.2); got "
            f"{_in_words(split)}. Say which rows train, validate and test."
        )


def _check_recipe(recipe: object) -> None:
    if recipe is not None and not isinstance(recipe, Recipe):
        raise InputError(
            f"`recipe` must be a jr.Recipe; got {_in_words(recipe)}. Write jr.Recipe(batch_size=..., max_epochs=...)."
        )


def _check_weights(split: Split) -> None:
    """Raise InputError if rows that choose or measure have no weights, while those that train have."""
    if split.table.weights is None:
        return
    for part in PARTS:
        weights = split.weights(part)
        if weights is None:
            raise InputError(
                f"Weights count wherever losses are averaged: the table of {part} rows must have some, as that of training rows "
                'has. Read it with `weights`, or give the study weighted_rows="train".'
            )
        counting = int((weights > 0).sum())
        if counting < min(LEAST_COUNTING, len(weights)):
            raise InputError(
                f"At least {LEAST_COUNTING} of the {len(weights):,} {part} rows must have a weight above 0, so that they can "
                f"differ; {counting} {'has' if counting == 1 else 'have'} one. Take other rows."
            )


def _in_words(value: object) -> str:
    return (
        repr(value) if isinstance(value, str | int | float) or value is None else f"a {type(value).__name__}"
    )


def _check_baselines(variants: Sequence[Variant]) -> None:
    names = {member.name for member in variants}
    raise_together(*(partial(_check_baseline, member, names) for member in variants))


def _check_baseline(member: Variant, names: set[str]) -> None:
    baseline: object = member.baseline  # from a file, it may be of any kind, even unhashable
    is_other = isinstance(baseline, str) and baseline in names and baseline != member.name
    if baseline is not None and not is_other:
        raise InputError(
            f"The baseline of variant {member.name!r} must be another variant of the study; got {member.baseline!r}."
        )


def _as_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    is_count = isinstance(seeds, int) and is_whole(seeds, least=0)
    # One more than allowed is enough to refuse; a range cannot hold any whole number that a file may state.
    count = min(cast("int", seeds), MAX_SEEDS + 1) if is_count else 0
    chosen: Sequence[object] = (
        range(FIRST_SEED, FIRST_SEED + count)
        if is_count
        else (seeds if isinstance(seeds, list | tuple) else ())
    )
    if not 1 <= len(chosen) <= MAX_SEEDS:
        raise InputError(f"`seeds` must be a number in 1..{MAX_SEEDS} or a list of seeds; got {seeds!r}.")
    for seed in chosen:
        if not is_whole(seed, least=0) or cast("int", seed) > MAX_SEED:
            raise InputError(f"A seed must be a whole number in 0..{MAX_SEED}; got {seed!r}.")
    if len(set(chosen)) != len(chosen):
        raise InputError(f"`seeds` must differ from each other; got {list(chosen)!r}.")
    return cast("tuple[int, ...]", tuple(chosen))


def _as_train_sizes(sizes: Sequence[int], rows: int) -> tuple[int, ...]:
    if not isinstance(sizes, Sequence) or isinstance(sizes, str):
        raise InputError(f"`train_sizes` must be a list of whole numbers; got {sizes!r}.")
    for size in sizes:
        if not is_whole(size, least=1) or size > rows:
            raise InputError(
                f"`train_sizes` must be whole numbers in 1..{rows}, the training rows; got {size!r}."
            )
    return tuple(sorted(set(sizes)))
