"""The built-in studies: TensorFlow's tutorial "Overfit and underfit", its halves, and a short form of it.

Source: https://www.tensorflow.org/tutorials/keras/overfit_and_underfit
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from justright.data import Split, Table
from justright.errors import InputError, one_of
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.study import Study
from justright.study.variant import Variant

TUTORIAL_VALIDATION_ROWS = 1_000
TUTORIAL_TRAIN_ROWS = 10_000
# Any other table: shares of the rows that choose and that measure.
VALIDATION_SHARE = 0.15
TEST_SHARE = 0.25

# `quick` must end within the minutes of `make run`: 512-wide networks pass their best epoch on 10,000 rows
# before epoch 40, so 60 epochs show the turn, and a patience of 20 stops what has turned.
QUICK_EPOCHS = 60
QUICK_PATIENCE = 20

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
        summary: one line for help texts.
        variants: what it trains.
        recipe: how, as a function of nothing so that each study gets its own.
    """

    name: str
    summary: str
    variants: tuple[Variant, ...]
    recipe: Callable[[], Recipe]

    def on(self, split: Split, *, recipe: Recipe | None = None, seeds: int = 1) -> Study:
        """Return this study on `split`, with `recipe` in place of its own."""
        return Study(split, self.variants, recipe or self.recipe(), seeds=seeds, name=self.name)


def named_study(name: str) -> NamedStudy:
    """Return the built-in study called `name`.

    Raises:
        InputError: there is none.
    """
    if name not in STUDIES:
        raise one_of("study", name, STUDIES)
    return STUDIES[name]


def default_split(
    table: Table, *, test_table: Table | None = None, validation_table: Table | None = None
) -> Split:
    """Return the split the command line uses when none is described.

    HIGGS and its simulation are split as in the tutorial: the first 1,000 rows validate, the next 10,000
    learn, all others measure. Any other table is split at random, stratified by class.

    Raises:
        InputError: the table has too few rows.
    """
    if table.source.source in HEAD_SOURCES:
        head = 0 if validation_table else TUTORIAL_VALIDATION_ROWS
        if table.rows < head + TUTORIAL_TRAIN_ROWS:
            raise InputError(
                f"The tutorial's split of {table.source.source!r} needs {head + TUTORIAL_TRAIN_ROWS:,} rows (validation "
                f"{head:,}, training {TUTORIAL_TRAIN_ROWS:,}); got {table.rows:,}. Give --rows "
                f"{head + TUTORIAL_TRAIN_ROWS} or more, or describe another [split] in a study file."
            )
        return table.split(
            validation=head,
            train=TUTORIAL_TRAIN_ROWS,
            test=0 if test_table else None,
            order="head",
            test_table=test_table,
            validation_table=validation_table,
        )
    return table.split(
        validation=0 if validation_table else VALIDATION_SHARE,
        train=None,
        test=0 if test_table else TEST_SHARE,
        order="random" if table.task == "regression" else "stratified",
        test_table=test_table,
        validation_table=validation_table,
    )


def _quick_recipe() -> Recipe:
    return Recipe(max_epochs=QUICK_EPOCHS, patience=QUICK_PATIENCE)


HEAD_SOURCES = ("higgs", "higgs-sim")

STUDIES: dict[str, NamedStudy] = {
    study.name: study
    for study in (
        NamedStudy(
            "quick", "the tutorial's seven networks with a short recipe", SIZES + REGULARIZERS, _quick_recipe
        ),
        NamedStudy(
            "tutorial", "the tutorial's seven networks with its own recipe", SIZES + REGULARIZERS, Recipe
        ),
        NamedStudy("sizes", "Tiny, Small, Medium and Large with the tutorial's recipe", SIZES, Recipe),
        NamedStudy(
            "regularizers",
            "Large against L2, dropout and both, with Tiny for comparison",
            (SIZES[0], SIZES[3], *REGULARIZERS),
            Recipe,
        ),
    )
}
