"""The built-in studies for any table: the tutorial "Overfit and underfit" with a short recipe, and on ever more rows.

Source: https://www.tensorflow.org/tutorials/keras/overfit_and_underfit
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from justright.data.sources import sources
from justright.data.split import Order
from justright.data.table import Split, Table
from justright.errors import InputError, check_one_of
from justright.plugins import plugged_in
from justright.study.directions import REGULARIZATION
from justright.study.families import mlp
from justright.study.neighbours import LINEAR_L2, neighbours
from justright.study.recipe import Recipe, decaying_adam, steps_per_epoch
from justright.study.remedy import Facts
from justright.study.study import Study, learning_sizes
from justright.study.variant import Variant

# Any other table: shares of the rows that choose and that measure.
VALIDATION_SHARE = 0.15
TEST_SHARE = 0.25

# `quick` must end within the minutes of `make run`: 512-wide networks pass their best epoch on 10,000 rows
# before epoch 40, so 60 epochs show the turn. What has turned stops when it is settled, or after a patience of 20.
QUICK_EPOCHS = 60
QUICK_PATIENCE = 20
# The tutorial's epoch has 20 steps. Smaller tables get as many from smaller batches, and from more epochs where even the
# smallest batches do not suffice.
MIN_STEPS, LEAST_BATCH = 20, 16
# And they may train for longer: networks of 16 units still improve after the 1,200 steps of 60 epochs (iris: 0.41, and 0.09 for
# logistic regression). Those that do not are stopped long before.
ENOUGH_STEPS = 6_000
# What other tables are tried with first: if a linear model does as well as the networks, they have nothing to show. It has few
# weights, which may take larger steps than Adam's usual 0.001.
LINEAR_RATE = 0.01

# `data`: every size must pass its own best epoch, or its curve tells of epochs instead of rows. With dropout that takes
# some 200 epochs of 10,000 rows, with fewer rows more epochs that cost less.
DATA_EPOCHS = 1_500
DATA_PATIENCE = 50
DATA_SEEDS = 3

LARGE = (512, 512, 512, 512)

SIZES = (
    Variant("Tiny", mlp(16), group="sizes"),
    Variant("Small", mlp(16, 16), group="sizes"),
    Variant("Medium", mlp(64, 64, 64), group="sizes"),
    Variant("Large", mlp(*LARGE), group="sizes"),
)
REGULARIZERS = (
    Variant("L2", mlp(*LARGE, l2=0.001), baseline="Large", group="regularizers"),
    Variant("Dropout", mlp(*LARGE, dropout=0.5), baseline="Large", group="regularizers"),
    Variant("Combined", mlp(*LARGE, l2=0.0001, dropout=0.5), baseline="Large", group="regularizers"),
)


@dataclass(frozen=True, slots=True)
class NamedStudy:
    """A built-in study.

    Args:
        name: what `--study` takes.
        variants: what it trains.
        recipe: how it trains.
        more: makes further variants, which depend on the table.
        around: makes the variants of one network, for `--of`; None if the study is not about one.
        seeds: default number of runs per variant.
        train_sizes: how many training rows there are -> the sizes to train on; None trains on all rows only.
        fits_rows: whether batch size and epoch limit fit the number of training rows.
    """

    name: str
    variants: tuple[Variant, ...]
    recipe: Recipe = field(default_factory=Recipe)
    more: Callable[[Facts], tuple[Variant, ...]] | None = None
    around: Callable[[Variant, Facts], tuple[Variant, ...]] | None = None
    seeds: int = 1
    train_sizes: Callable[[int], tuple[int, ...]] | None = None
    fits_rows: bool = False

    def recipe_for(self, split: Split) -> Recipe:
        """Return the recipe for the rows of a split: with `fits_rows`, networks get enough steps on small tables, too."""
        return _with_enough_steps(self.recipe, split.sizes["train"]) if self.fits_rows else self.recipe

    def on(
        self, split: Split, *, recipe: Recipe | None = None, seeds: int | None = None, of: str | None = None
    ) -> Study:
        """Return this study on `split`.

        Args:
            split: the rows.
            recipe: replaces its own unless it is None.
            seeds: the same.
            of: the network of the default study that it is about, if it is about one; None takes its own.

        Raises:
            InputError: there is no such network.
        """
        chosen = recipe or self.recipe_for(split)
        if of is not None and self.around is not None:
            network = _default_network(of, split, chosen)
            variants: tuple[Variant, ...] = (network, *self.around(network, Facts.of(split, chosen)))
        else:
            has_linear = self.fits_rows and self.around is None and not _has_own_split(split.table)
            first = _linear(chosen, split) if has_linear else ()
            variants = first + self.variants + (self.more(Facts.of(split, chosen)) if self.more else ())
        return Study(
            split,
            variants,
            chosen,
            seeds=self.seeds if seeds is None else seeds,
            train_sizes=self.train_sizes(split.sizes["train"]) if self.train_sizes else (),
            name=self.name,
        )


def _default_network(name: str, split: Split, recipe: Recipe) -> Variant:
    """Return a network of the default study as one that stands for itself."""
    known = {one.name: one for one in STUDIES[0].on(split, recipe=recipe).variants}
    check_one_of("--of", name, known)
    return replace(known[name], baseline=None, change="")


def _has_own_split(table: Table) -> bool:
    source = sources().get(table.source.source)
    return bool(source and source.split)


def _linear(recipe: Recipe, split: Split) -> tuple[Variant, ...]:
    """Return logistic or linear regression as a network without hidden layers, without and with a penalty."""
    steps = steps_per_epoch(split.sizes["train"], recipe.batch_size)
    own = recipe if recipe.optimizer else replace(recipe, optimizer=decaying_adam(steps, LINEAR_RATE))
    return (
        Variant("Linear", mlp(), own, group="sizes"),
        # Nothing else is tighter than it.
        Variant("Linear L2", mlp(l2=LINEAR_L2), own, "Linear", "sizes", change=REGULARIZATION),
    )


def _with_enough_steps(recipe: Recipe, rows: int) -> Recipe:
    """Return a recipe with smaller batches, and then more epochs, where there are few rows.

    Batches of 500 make one step per epoch of 500 rows: 60 steps teach no network anything (iris: a loss of 0.87 with 16 units,
    0.41 with batches of 16).
    """
    size = recipe.batch_size
    while size > LEAST_BATCH and rows < MIN_STEPS * size:
        size = max(LEAST_BATCH, 1 << ((size - 1).bit_length() - 1))
    if size == recipe.batch_size:
        return recipe
    steps = steps_per_epoch(rows, size)
    times = -(-MIN_STEPS // steps)
    patience = None if recipe.patience is None else recipe.patience * times
    epochs = max(recipe.max_epochs * times, -(-ENOUGH_STEPS // steps))
    return replace(recipe, batch_size=size, max_epochs=epochs, patience=patience)


def studies() -> dict[str, NamedStudy]:
    """Return the built-in studies by name: the default one, those of plug-ins, and the others."""
    first, *others = STUDIES
    return {study.name: study for study in (first, *plugged_in("studies"), *others)}


def named_study(name: str) -> NamedStudy:
    """Return the built-in study called `name`.

    Raises:
        InputError: there is none.
    """
    known = studies()
    check_one_of("study", name, known)
    return known[name]


def default_split(
    table: Table, *, test_table: Table | None = None, validation_table: Table | None = None
) -> Split:
    """Return the split that the command line uses when none is given.

    A named source may have its own: HIGGS and its simulation are split as in the tutorial. Any other table is split
    by time where it has times, else at random, stratified by class.

    Raises:
        InputError: the table has too few rows.
    """
    source = sources().get(table.source.source)
    if source and source.split:
        validation, train = 0 if validation_table else source.split.validation, source.split.train
        if table.rows < validation + train:
            raise InputError(
                f"The default split of {source.name!r} needs {validation + train:,} rows (validation {validation:,}, "
                f"training {train:,}); got {table.rows:,}. Give --rows {validation + train} or more, or describe another "
                "[split] in a study file."
            )
        sizes: dict[str, Any] = {"validation": validation, "train": train}
        order: Order | None = "head"
    else:
        sizes = {"validation": VALIDATION_SHARE, "test": TEST_SHARE}
        order = None  # as the table is
    return table.split(**sizes, order=order, test_table=test_table, validation_table=validation_table)


STUDIES: tuple[NamedStudy, ...] = (
    NamedStudy(
        "quick",
        SIZES + REGULARIZERS,
        Recipe(max_epochs=QUICK_EPOCHS, patience=QUICK_PATIENCE, stop="settled"),
        fits_rows=True,
    ),
    NamedStudy(
        "data",
        (SIZES[1], SIZES[3], REGULARIZERS[2]),
        Recipe(max_epochs=DATA_EPOCHS, patience=DATA_PATIENCE),
        seeds=DATA_SEEDS,
        train_sizes=learning_sizes,
    ),
    NamedStudy(
        "neighbours",
        (SIZES[2],),
        Recipe(max_epochs=QUICK_EPOCHS, patience=QUICK_PATIENCE, stop="settled"),
        lambda facts: neighbours(SIZES[2], facts),
        neighbours,
        fits_rows=True,
    ),
)
