"""Studies as a console and a notebook show them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import keras
import numpy as np
import pytest

import justright as jr


@pytest.fixture
def split() -> jr.Split:
    """A hundred rows of two classes."""
    x = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    return jr.read_table((x, (x[:, 0] > 0).astype(np.float32))).split(validation=20, train=50, test=30)


def build() -> keras.Model:
    """Return a network."""
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])


def test_a_study_is_a_few_lines_of_text(split) -> None:
    """How many runs of what, on which rows, how, and each variant."""
    remedy = jr.Variant(
        "Slow", jr.mlp(16, dropout=0.5), jr.Recipe(batch_size=10, patience=None), baseline="Tiny"
    )
    variants = (
        jr.Variant("Tiny", jr.mlp(16)),
        jr.Variant("Mine", build),
        remedy,
        jr.Variant("Keras", build()),
    )
    study = jr.Study(split, variants, jr.Recipe(max_epochs=50), seeds=2, name="mine", train_sizes=(25, 50))
    lines = repr(study).splitlines()
    assert lines[0] == "Study('mine'): 4 variants x 2 seeds x 2 training sizes"
    assert lines[1].endswith(", of the rows 50 train, 20 validate, 30 test")
    assert lines[3:] == [
        "  recipe: Adam, batches of 500, at most 50 epochs, patience 200",
        "  training sizes: 25, 50",
        "  Tiny   Mlp(units=(16,))",
        "  Mine   build()",
        "  Slow   Mlp(units=(16,), dropout=0.5)",
        "  Keras  a Keras model",
    ]
    texts = ["".join(row.itertext()) for row in ET.fromstring(study._repr_html_()).iter("tr")]
    assert (
        texts[-2]
        == "SlowMlp(units=(16,), dropout=0.5)TinyAdam, batches of 10, at most 10,000 epochs, no early stopping"
    )


def test_a_study_of_one_network_says_that_neighbours_come(split) -> None:
    """They are trained, too."""
    assert repr(jr.Study(split, {"A": build})).startswith(
        "Study('custom'): 1 variant x 1 seed, and neighbours\n"
    )
    alone = jr.Study(split, {"A": build}, neighbours=False)
    assert repr(alone).startswith("Study('custom'): 1 variant x 1 seed\n")


def test_many_variants_are_counted_not_listed(split) -> None:
    """Twelve stand for all, in text and in the card."""
    study = jr.Study(split, {f"V{number}": jr.mlp(number + 1) for number in range(40)})
    assert repr(study).endswith("\n  and 28 more")
    assert "and 28 more variants" in study._repr_html_()
    assert len(repr(study).splitlines()) < 20
