"""Variants made by remedies: the whole catalogue on one baseline, or a combination step by step.

A remedy changes one thing of a baseline - its architecture or its recipe - and leaves everything else as it is, so
that a paired difference of losses on test rows is the effect of that one thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from justright.data import Split
from justright.errors import InputError, one_of
from justright.study.catalogue import CATALOGUE
from justright.study.changes import Facts
from justright.study.remedy import GROUP, REGULARIZATION, Remedy
from justright.study.variant import Build, Variant

LADDER_GROUP = "steps"


def remedies(
    baseline: Variant,
    facts: Facts | Split,
    *,
    only: Sequence[str] | None = None,
    extra: Mapping[str, Build] | None = None,
) -> tuple[Variant, ...]:
    """Return the variants of the catalogue for one baseline, every remedy that can change it at every strength.

    A baseline of a family gets all that the table allows; any other Keras model those that need no change of its
    architecture. Early stopping and the ensemble of seeds need no variant: they are measured in every study.

    Args:
        baseline: what is changed; must be in the study as well.
        facts: the study's split, or its facts where its recipe is not the default one.
        only: names of remedies; None takes all that can be applied.
        extra: remedies of your own, name -> builder of the changed model; give each of several strengths a variant.

    Raises:
        InputError: a name in `only` is unknown or cannot be applied, or nothing is left.

    Example:
        >>> from justright.study import Mlp, Recipe
        >>> facts = Facts("binary", ("a", "b"), 1_000, Recipe().resolve("binary", 1_000))
        >>> made = remedies(Variant("Large", Mlp((64, 64))), facts, only=["Dropout", "Fewer layers"])
        >>> [variant.name for variant in made]
        ['Dropout 0.2', 'Dropout 0.5', 'Dropout 0.7', 'Fewer layers 1']
    """
    known = facts if isinstance(facts, Facts) else Facts.of(facts)
    chosen = CATALOGUE if only is None else tuple(remedy_named(name) for name in only)
    made = [
        variant
        for remedy in chosen
        if only is not None or remedy.can_change(baseline, known)
        for variant in _strengths(remedy, baseline, known)
    ]
    made += [
        Variant(name, build, baseline.recipe, baseline.name, GROUP, remedy=name, change=REGULARIZATION)
        for name, build in (extra or {}).items()
    ]
    if not made:
        raise InputError(f"Variant {baseline.name!r} must be changed by some remedy; none of {only!r} does.")
    return tuple(made)


def ladder(
    baseline: Variant, steps: Sequence[tuple[str, Sequence[float]]], facts: Facts
) -> tuple[Variant, ...]:
    """Return the steps of a combination: each changes the one before it by one remedy, the first the baseline.

    Args:
        baseline: where the combination starts; must be in the study as well.
        steps: (remedy, strengths), in order; those that cannot be applied to the table are left out. The next step
            builds on the first strength of a remedy, so only the last step gains by several.
        facts: about the study.

    Example:
        >>> from justright.study import Mlp, Recipe
        >>> facts = Facts("binary", ("a", "b"), 1_000, Recipe().resolve("binary", 1_000))
        >>> made = ladder(
        ...     Variant("Base", Mlp((64,))), [("Standardised inputs", [1]), ("Dropout", [0.2, 0.4])], facts
        ... )
        >>> [(variant.name, variant.baseline) for variant in made][1:]
        [('Step 2 Dropout 0.2', 'Step 1 Standardised inputs'), ('Step 2 Dropout 0.4', 'Step 1 Standardised inputs')]
    """
    made: list[Variant] = []
    before, number = baseline, 0
    for name, strengths in steps:
        remedy = remedy_named(name)
        if not remedy.can_change(before, facts):
            continue
        number += 1
        variants = [
            replace(
                remedy.apply(before, strength, facts, name=f"Step {number} {remedy.label(strength)}"),
                group=LADDER_GROUP,
            )
            for strength in strengths
        ]
        made += variants
        before = variants[0]
    return tuple(made)


def remedy_named(name: str) -> Remedy:
    """Return the remedy of the catalogue called `name`.

    Raises:
        InputError: there is none.
    """
    found = {remedy.name: remedy for remedy in CATALOGUE}
    if name not in found:
        raise one_of("remedy", name, found)
    return found[name]


def _strengths(remedy: Remedy, baseline: Variant, facts: Facts) -> list[Variant]:
    """Return a variant a strength; those that change nothing, or no more than a weaker one, are left out."""
    seen = [(baseline.build, facts.recipe_of(baseline))]
    made = []
    for strength in remedy.strengths:
        one = remedy.apply(baseline, strength, facts)
        if (one.build, facts.recipe_of(one)) not in seen:
            seen.append((one.build, facts.recipe_of(one)))
            made.append(one)
    return made
