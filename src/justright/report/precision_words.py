"""In which precision networks were trained, and on what, in words that people know."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from justright.diagnosis.words.numbers import listed_briefly
from justright.report.summary import Summary
from justright.report.worker_words import tried_sentence

# Of matrix products: everything else is float32 in each.
PRECISIONS: Mapping[str, str] = MappingProxyType(
    {
        "float32": "float32",
        "tensorfloat32": "TF32 (tensor cores)",
        "bfloat16": "bfloat16 operands, float32 sums",
    }
)


def precision_words(precisions: Mapping[str, str]) -> str:
    """Return the precision of each variant in words, those of one precision together.

    Args:
        precisions: variant -> precision, as a recipe names it.

    Example:
        >>> precision_words({"Tiny": "tensorfloat32", "Large": "tensorfloat32"})
        'TF32 (tensor cores)'
        >>> precision_words({"Tiny": "float32", "Small": "float32", "Large": "bfloat16"})
        'float32 for Tiny and Small; bfloat16 operands, float32 sums for Large'
    """
    return words_by_variant({name: PRECISIONS.get(one, one) for name, one in precisions.items()})


def words_by_variant(words: Mapping[str, str]) -> str:
    """Return what is said of each variant, those of which the same is said together; alone if it is said of all.

    Example:
        >>> words_by_variant({"Tiny": "45", "Small": "45", "Large": "2"})
        '45 for Tiny and Small; 2 for Large'
    """
    names: dict[str, list[str]] = {}
    for name, said in words.items():
        names.setdefault(said, []).append(name)
    if len(names) == 1:
        return next(iter(names))
    return "; ".join(f"{said} for {listed_briefly(same)}" for said, same in names.items())


def lanes_words(summary: Summary) -> str:
    """Return how many runs of each variant trained side by side on an accelerator; empty where none did, or none say so."""
    lanes = {one["name"]: str(one["lanes"]) for one in summary["variants"] if one["lanes"]}
    return f"up to {words_by_variant(lanes)}" if lanes else ""


def precision_sentence(summary: Summary) -> str:
    """Return in which precision a study was trained, on which accelerators, if any, how many runs side by side, by how many workers.

    Empty without variants.
    """
    words = sentence_of({one["name"]: one["precision"] for one in summary["variants"]}, summary["device"])
    lanes = lanes_words(summary)
    beside = [f"Runs side by side: {lanes}."] if lanes else []
    return " ".join([words, *beside, *map(tried_sentence, summary["workers_tried"])])


def sentence_of(precisions: Mapping[str, str], device: str | None) -> str:
    """Return the sentence on these variants' precisions and the accelerators that train them.

    Example:
        >>> sentence_of({"Tiny": "tensorfloat32"}, "2 x NVIDIA H100 80GB HBM3")
        'Precision: TF32 (tensor cores), on 2 x NVIDIA H100 80GB HBM3.'
    """
    if not precisions:
        return ""
    return f"Precision: {precision_words(precisions)}{f', on {device}' if device else ''}."
