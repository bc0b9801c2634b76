"""Studies that tests of exports share: one of classes, one of numbers, each trained once in a few seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import justright as jr

# All rows in one batch: its order then says nothing, and plain Keras must give the same numbers.
RECIPE = jr.Recipe(batch_size=240, max_epochs=6, patience=4)


def table_of(rows: int = 360) -> pl.DataFrame:
    """Return a table of a text, a raw number and a small one, with a class and a price to predict."""
    random = np.random.default_rng(0)
    colour, size = random.choice(["blue", "green", "red"], rows), random.normal(1_000, 300, rows).round(2)
    sold = np.where((colour == "red") ^ (size > 1_000), "yes", "no")
    price = (50_000 + 30 * size + 9_000 * (colour == "red")).round()
    small = random.normal(size=rows).round(4)
    return pl.DataFrame({"colour": colour, "size": size, "small": small, "sold": sold, "price": price})


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> Path:
    """A folder with both tables as CSV files."""
    folder = tmp_path_factory.mktemp("exports")
    table_of().drop("price").write_csv(folder / "sold.csv")
    table_of().drop("sold").write_csv(folder / "price.csv")
    return folder


@pytest.fixture(scope="session")
def classes(tables) -> jr.Result:
    """A study of two classes: a plain network with two seeds, and one with everything that `mlp` has."""
    split = jr.read_table(tables / "sold.csv", target="sold").split(80, train=240, test=40)
    variants = {"Tiny": jr.mlp(8), "L2": jr.mlp(8, 4, l2=0.001, dropout=0.1, batch_normalization=True)}
    study = jr.Study(split, variants, RECIPE, seeds=2, reference=False)
    return study.run(tables / "classes", workers=1, report=False)


@pytest.fixture(scope="session")
def numbers(tables) -> jr.Result:
    """A study of a numeric target, in whose units its network predicts."""
    split = jr.read_table(tables / "price.csv", target="price").split(80, train=240, test=40)
    study = jr.Study(split, {"Tiny": jr.mlp(8, l2=0.01)}, RECIPE, reference=False, neighbours=False)
    return study.run(tables / "numbers", workers=1, report=False)
