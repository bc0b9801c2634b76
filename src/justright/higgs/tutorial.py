"""Studies of the tutorial "Overfit and underfit": the whole, its halves, and what would have helped its largest network.

Source: https://www.tensorflow.org/tutorials/keras/overfit_and_underfit
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from justright.study.catalogue import ladder, remedies
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.remedy import LADDER_GROUP, Facts
from justright.study.studies import REGULARIZERS, SIZES, NamedStudy
from justright.study.variant import Variant

# `remedies` compares what stops late (dropout, weight averaging) with what stops early: on 10,000 rows of HIGGS the
# latest of them pass their best epoch before epoch 100.
REMEDIES_RECIPE = Recipe(max_epochs=150, patience=20)
REMEDIES_SEEDS = (
    3  # the fewest whose differences tell an effect from luck reasonably well; see docs/verdicts.md
)
# The combination's schedule ends at the epoch limit: on cross-validated rows of HIGGS 90 epochs give what 120 do. It must
# not stop half-way down.
LADDER_EPOCHS = 100
LADDER_PATIENCE = 40
# A combination of remedies, in the order in which they are added; steps that do not suit a table are left out.
LADDER_BASE = Variant("Base", mlp(256, 256, 256), group=LADDER_GROUP)
LADDER_STEPS = (
    ("Standardised inputs", (1,)),
    ("Cosine and sine of phi", (1,)),
    ("Random turns", (1,)),
    ("Random reflections", (1,)),
    ("Random mirrors", (1,)),
    ("Jets by b-tag", (1,)),
    ("Logarithms", (1,)),
    ("Masses and momenta", (1,)),
    ("Masses of groups", (1,)),
    ("Soft limits", (2.0,)),
    ("Cosine schedule", (0.003,)),
    ("Dropout", (0.5, 0.3)),
)


def _remedies_variants(facts: Facts) -> tuple[Variant, ...]:
    """Return Large's remedies from the catalogue, and the combination step by step."""
    own, limits = REMEDIES_RECIPE, {"max_epochs": LADDER_EPOCHS, "patience": LADDER_PATIENCE}
    # A limit that the caller chose is the combination's limit too.
    kept: dict[str, Any] = {
        name: value for name, value in limits.items() if getattr(facts.recipe, name) == getattr(own, name)
    }
    base = replace(LADDER_BASE, recipe=replace(facts.recipe, **kept))
    return (*remedies(SIZES[-1], facts), base, *ladder(base, LADDER_STEPS, facts))


STUDIES: tuple[NamedStudy, ...] = (
    NamedStudy("tutorial", SIZES + REGULARIZERS),
    NamedStudy("sizes", SIZES),
    # Large against L2, dropout and both, with Tiny for comparison.
    NamedStudy("regularizers", (SIZES[0], SIZES[3], *REGULARIZERS)),
    NamedStudy("remedies", (SIZES[-1],), REMEDIES_RECIPE, _remedies_variants, remedies, REMEDIES_SEEDS),
)
