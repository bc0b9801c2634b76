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
from justright.study.families import Mlp, mlp
from justright.study.recipe import Recipe
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
# A gradient holds error x scale x input, and Adam squares it. Larger targets are left as they are: on one with an outlier
# of 8.6e8 all runs diverged, as they would where such squares leave float32.
MAX_OUTPUT_SCALE = 1e6
# An input column whose mean or spread is larger is raw: years, prices. HIGGS' columns lie within 2, whole numbers of a few
# categories within 10.
MAX_INPUT_SCALE = 10.0


@dataclass(frozen=True, slots=True)
class NamedStudy:
    """A built-in study.

    Args:
        name: what `--study` takes.
        variants: what it trains.
        recipe: how it trains.
        more: makes further variants, which depend on the table.
        seeds: default number of runs per variant.
        train_sizes: how many training rows there are -> the sizes to train on; None trains on all rows only.
    """

    name: str
    variants: tuple[Variant, ...]
    recipe: Recipe = field(default_factory=Recipe)
    more: Callable[[Facts], tuple[Variant, ...]] | None = None
    seeds: int = 1
    train_sizes: Callable[[int], tuple[int, ...]] | None = None

    def on(self, split: Split, *, recipe: Recipe | None = None, seeds: int | None = None) -> Study:
        """Return this study on `split`; `recipe` and `seeds` replace its own unless they are None.

        The tutorial's table is scaled and has two classes. For raw columns, inputs are standardised; for a numeric target,
        outputs are also brought to its units.
        """
        chosen = recipe or self.recipe
        facts = Facts.of(split, chosen, is_standardised=needs_standardising(split))
        more = self.more(facts) if self.more else ()
        return Study(
            split,
            _in_units_of(split, self.variants + more) if facts.is_standardised else self.variants + more,
            chosen,
            seeds=self.seeds if seeds is None else seeds,
            train_sizes=self.train_sizes(split.sizes["train"]) if self.train_sizes else (),
            name=self.name,
        )


def needs_standardising(split: Split) -> bool:
    """Return whether built-in studies standardise the inputs: for a numeric target, and for columns far from unit size.

    A network whose weights move by 0.001 per step learns little from columns of years or prices, whatever its size.
    """
    if split.table.task == "regression":
        return True
    count = split.sizes["train"]
    means = sum(block.sum(0, dtype="float64") for block in split.blocks("train")) / count
    squares = sum(((block - means) ** 2).sum(0) for block in split.blocks("train"))
    return bool(max(abs(means).max(), (squares / count).max() ** 0.5) > MAX_INPUT_SCALE)


def _in_units_of(split: Split, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """Return variants that standardise inputs, and predict in the units of a numeric target.

    Penalties are multiplied by the target's variance, as the squared error is: L2 0.001 then means the same for prices in
    euros and in millions. Targets beyond `MAX_OUTPUT_SCALE` stay as they are.
    """
    options: dict[str, Any] = {"standardize": True}
    penalty = 1.0
    if split.table.task == "regression":
        target = split.table.target[split.train].astype("float64")
        scale = float(target.std()) or 1.0
        if scale > MAX_OUTPUT_SCALE:
            return variants
        # With unscaled inputs the first predictions would be too large: 1e8 for prices of 1e5 (measured).
        options |= {"output_scale": scale, "output_offset": float(target.mean())}
        penalty = scale**2

    def scaled(family: Mlp) -> Mlp:
        return replace(family, l1=family.l1 * penalty, l2=family.l2 * penalty, **options)

    return tuple(
        replace(one, build=scaled(one.build)) if isinstance(one.build, Mlp) else one for one in variants
    )


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
    ),
    NamedStudy(
        "data",
        (SIZES[1], SIZES[3], REGULARIZERS[2]),
        Recipe(max_epochs=DATA_EPOCHS, patience=DATA_PATIENCE),
        seeds=DATA_SEEDS,
        train_sizes=learning_sizes,
    ),
)
