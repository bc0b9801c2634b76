"""One line about bfloat16, where this processor makes it worth saying."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from justright.study.study import Study

WIDE = 256  # units from which on matrix products are where the time of a network goes


def precision_hint(study: Study) -> str | None:
    """Return what bfloat16 would do here for a study's wide networks; None where they have it, or would gain nothing.

    Args:
        study: with its recipes; models of the user's own are not looked into.
    """
    from justright.study.families import Mlp
    from justright.workers.accelerators import may_have_accelerators
    from justright.workers.machine import has_bfloat16_products

    precisions = {
        study.recipe_of(variant).precision
        for variant in study.variants
        if isinstance(variant.build, Mlp) and max(variant.build.units, default=0) >= WIDE
    }
    if not precisions or may_have_accelerators():
        return None
    is_faster = has_bfloat16_products()
    if is_faster is False and "bfloat16" in precisions:
        return "This processor has no bfloat16 products: --precision bfloat16 gains no speed here."
    if is_faster and precisions == {"float32"}:
        return "This processor has bfloat16 products: --precision bfloat16 trains wide networks faster, and as well."
    return None
