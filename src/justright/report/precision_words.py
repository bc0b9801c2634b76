"""In which precision networks were trained, and on what, in words that people know."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from justright.diagnosis.words.numbers import listed_briefly
from justright.report.summary import Summary

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
    names: dict[str, list[str]] = {}
    for name, precision in precisions.items():
        names.setdefault(precision, []).append(name)
    words = {precision: PRECISIONS.get(precision, precision) for precision in names}
    if len(names) == 1:
        return next(iter(words.values()))
    return "; ".join(f"{words[one]} for {listed_briefly(same)}" for one, same in names.items())


def precision_sentence(summary: Summary) -> str:
    """Return in which precision a study was trained, and on which accelerators, if any; empty without variants."""
    return sentence_of({one["name"]: one["precision"] for one in summary["variants"]}, summary["device"])


def sentence_of(precisions: Mapping[str, str], device: str | None) -> str:
    """Return the sentence on these variants' precisions and the accelerators that train them.

    Example:
        >>> sentence_of({"Tiny": "tensorfloat32"}, "2 x NVIDIA H100 80GB HBM3")
        'Precision: TF32 (tensor cores), on 2 x NVIDIA H100 80GB HBM3.'
    """
    if not precisions:
        return ""
    return f"Precision: {precision_words(precisions)}{f', on {device}' if device else ''}."
