"""Studies that tests of exports share: one of classes, one of numbers, each trained once in a few seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
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


def own_network() -> keras.Model:
    """Return a graph of layers that is no chain, with slices of columns, that ends in a probability."""
    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(4, activation="tanh")(keras.layers.Rescaling(0.001)(inputs))
    both = keras.layers.Concatenate()([hidden, inputs[:, 0:2]])
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(both))


@pytest.fixture
def rows_of_table() -> pl.DataFrame:
    """The columns of both studies."""
    return table_of()


@pytest.fixture(scope="session")
def classes_split() -> jr.Split:
    """The rows of `classes`, from a frame: a folder cannot name it."""
    return jr.read_table(table_of().drop("price"), target="sold").split(80, train=240, test=40)


@pytest.fixture(scope="session")
def classes(classes_split, tmp_path_factory) -> jr.Result:
    """A study of two classes: a family's network with two seeds, and one's own that is trained in another way."""
    own = replace(
        RECIPE,
        class_weight={"yes": 3.0},
        label_smoothing=0.1,
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        metrics=[keras.metrics.AUC(name="area")],
        monitor="val_area",
        patience=None,
    )
    variants = [
        jr.Variant("Tiny", jr.mlp(8, l2=0.001, batch_normalization=True)),
        jr.Variant("Own", own_network(), own),
    ]
    study = jr.Study(classes_split, variants, RECIPE, seeds=2, reference=False)
    return study.run(tmp_path_factory.mktemp("classes") / "study", workers=1, report=False, keep_workers=True)


@pytest.fixture(scope="session")
def price_table(tmp_path_factory) -> Path:
    """The table of `numbers`, a file, with how much each of its rows counts."""
    path = tmp_path_factory.mktemp("numbers") / "price.csv"
    frame = table_of().drop("sold")
    counts = np.random.default_rng(9).integers(0, 4, frame.height)
    frame.with_columns(count=pl.Series(counts)).write_csv(path)
    return path


@pytest.fixture(scope="session")
def numbers(price_table) -> jr.Result:
    """A study of a numeric target, in whose units its network predicts, on rows that count differently."""
    split = jr.read_table(price_table, target="price", weights="count").split(80, train=240, test=40)
    study = jr.Study(split, {"Tiny": jr.mlp(8, l2=0.01)}, RECIPE, reference=False, neighbours=False)
    return study.run(price_table.parent / "study", workers=1, report=False, keep_workers=True)
