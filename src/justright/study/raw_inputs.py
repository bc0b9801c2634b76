"""Columns far from unit size, such as years and prices, from which a network learns little unless they are standardised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from justright.data.table import Split
from justright.study.families import Mlp
from justright.study.variant import Variant

# An input column whose mean or spread is larger is raw: years, prices. HIGGS' columns lie within 2, whole numbers of a few
# categories within 10.
MAX_INPUT_SCALE = 10.0
# Keras' layers that bring what they are given to unit size.
NORMALIZATIONS = frozenset({"Normalization", "BatchNormalization", "LayerNormalization"})


def needs_standardising(split: Split) -> bool:
    """Return whether networks standardise the inputs: for a numeric target, and for columns far from unit size.

    A network whose weights move by 0.001 per step learns little from columns of years or prices, whatever its size.
    """
    return split.table.task == "regression" or has_raw_columns(split)


def has_raw_columns(split: Split) -> bool:
    """Return whether a column's mean or spread over the training rows is above `MAX_INPUT_SCALE`."""
    count = split.sizes["train"]
    means = sum(block.sum(0, dtype="float64") for block in split.blocks("train")) / count
    squares = sum(((block - means) ** 2).sum(0) for block in split.blocks("train"))
    return bool(max(abs(means).max(), (squares / count).max() ** 0.5) > MAX_INPUT_SCALE)


def standardise_where_needed(variants: tuple[Variant, ...], split: Split) -> tuple[Variant, ...]:
    """Return the variants; those that leave it open standardise their inputs if the training rows need it."""
    are_open = [isinstance(one.build, Mlp) and one.build.standardize is None for one in variants]
    if not any(are_open) or not needs_standardising(split):
        return variants
    return tuple(
        replace(one, build=replace(one.build, standardize=True)) if is_open else one  # type: ignore[type-var]  # an Mlp
        for one, is_open in zip(variants, are_open, strict=True)
    )


def raw_input_warning(split: Split, layers: Iterable[tuple[str, Iterable[str]]]) -> str | None:
    """Return the sentence that says which models see raw columns as they are; None if there are none.

    Args:
        split: the table and its training rows.
        layers: (variant, classes of its layers) of the models that are no family's.
    """
    bare = [name for name, classes in layers if not NORMALIZATIONS & set(classes)]
    if not bare or not has_raw_columns(split):
        return None
    named = ", ".join(map(repr, bare))
    return (
        f"Some columns have a mean or spread above {MAX_INPUT_SCALE:g}, and {named} {'takes' if len(bare) == 1 else 'take'} "
        "them as they are, which slows learning or prevents it. Begin with keras.layers.Normalization(): it is adapted to "
        "the training rows by itself."
    )
