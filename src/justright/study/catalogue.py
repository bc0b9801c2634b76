"""The catalogue of remedies, and the variants made from it: all for one baseline, or a combination step by step.

A remedy changes one thing about a baseline, its architecture or its recipe, and leaves everything else as it is: a
paired difference of losses on test rows is then the effect of that one thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from justright.data.table import Split
from justright.errors import InputError, check_one_of
from justright.plugins import plugged_in
from justright.study import changes
from justright.study.directions import (
    AUGMENTATION,
    AVERAGING,
    LESS_CAPACITY,
    LONGER_TRAINING,
    NOISE,
    OTHER_INPUTS,
    OTHER_TRAINING,
    REGULARIZATION,
)
from justright.study.remedy import GROUP, LADDER_GROUP, Facts, Remedy
from justright.study.variant import Build, Variant


def remedies(
    baseline: Variant,
    facts: Facts | Split,
    *,
    only: Sequence[str] | None = None,
    extra: Mapping[str, Build] | None = None,
) -> tuple[Variant, ...]:
    """Return the variants of the catalogue for one baseline: every remedy that applies, at every strength.

    A baseline of a family gets all remedies that suit the table; any other Keras model gets those that do not change its
    architecture. Early stopping and the ensemble of seeds need no variant: every study measures them.

    Args:
        baseline: the variant that is changed; must be in the study as well.
        facts: the study's split, or its facts where its recipe is not the default one.
        only: names of remedies; None takes all that apply.
        extra: your own remedies, name -> builder of the changed model.

    Raises:
        InputError: a name in `only` is unknown or cannot be applied, or nothing is left.

    Example:
        >>> from justright.study.families import Mlp
        >>> from justright.study.recipe import Recipe
        >>> facts = Facts("binary", ("a", "b"), 1_000, Recipe().resolve("binary", 1_000))
        >>> made = remedies(Variant("Large", Mlp((64, 64))), facts, only=["Dropout", "Fewer layers"])
        >>> [variant.name for variant in made]
        ['Dropout 0.2', 'Dropout 0.5', 'Dropout 0.7', 'Fewer layers 1']
    """
    known = facts if isinstance(facts, Facts) else Facts.of(facts)
    chosen = catalogue() if only is None else tuple(remedy_named(name) for name in only)
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
        steps: (remedy, strengths), in order; those that do not suit the table are left out. The next step builds on the
            first strength of a remedy, so only the last step gains from several.
        facts: about the study.

    Example:
        >>> from justright.study.families import Mlp
        >>> from justright.study.recipe import Recipe
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
    found = {remedy.name: remedy for remedy in catalogue()}
    check_one_of("remedy", name, found)
    return found[name]


def _strengths(remedy: Remedy, baseline: Variant, facts: Facts) -> list[Variant]:
    """Return one variant per strength; those that change nothing, or no more than a weaker one, are left out."""
    seen = [(baseline.build, facts.recipe_of(baseline))]
    made = []
    for strength in remedy.strengths:
        one = remedy.apply(baseline, strength, facts)
        if (one.build, facts.recipe_of(one)) not in seen:
            seen.append((one.build, facts.recipe_of(one)))
            made.append(one)
    return made


def catalogue() -> tuple[Remedy, ...]:
    """Return every remedy, those of plug-ins last."""
    return (*CATALOGUE, *plugged_in("remedies"))


def _has_classes(facts: Facts) -> bool:
    return facts.task != "regression"


def _has_raw_inputs(facts: Facts) -> bool:
    return not facts.is_standardised


CATALOGUE: tuple[Remedy, ...] = (
    Remedy(
        "Fewer units",
        "every hidden layer keeps this share of its units",
        (0.25, 0.0625),
        changes.fewer_units,
        LESS_CAPACITY,
    ),
    Remedy(
        "Fewer layers",
        "this many hidden layers are left out, the last first; one always stays",
        (1, 3),
        changes.fewer_layers,
        LESS_CAPACITY,
    ),
    Remedy(
        "L1",
        "the loss also counts the absolute kernel weights, times this",
        (1e-5, 1e-4, 1e-3),
        changes.family_option("l1"),
    ),
    Remedy(
        "L2",
        "the loss also counts the squared kernel weights, times this",
        (1e-4, 1e-3, 1e-2),
        changes.family_option("l2"),
    ),
    Remedy(
        "L1 + L2",
        "an L1 penalty of this factor and an L2 penalty of ten times it",
        (1e-5, 1e-4),
        changes.l1_l2,
    ),
    Remedy(
        "AdamW",
        "each step also shrinks all weights by this times the learning rate, apart from the gradient",
        (0.1, 1.0, 10.0),
        changes.weight_decay,
        needs_family=False,
    ),
    Remedy(
        "Dropout",
        "training zeroes this share of the hidden units at random, different ones at each step",
        (0.2, 0.5, 0.7),
        changes.family_option("dropout"),
    ),
    Remedy(
        "L2 + dropout",
        "dropout of this share together with the tutorial's L2 penalty of 0.0001",
        (0.2, 0.5),
        changes.l2_dropout,
    ),
    Remedy(
        "Batch normalisation",
        "each hidden layer is brought to mean 0 and variance 1 over the batch before its activation",
        (1,),
        changes.family_switch("batch_normalization"),
        OTHER_TRAINING,
    ),
    Remedy(
        "Input noise",
        "training adds Gaussian noise of this standard deviation to each input",
        (0.1, 0.3),
        changes.family_option("input_noise"),
        NOISE,
    ),
    Remedy(
        "Mixup",
        "training mixes each row with another one, by a weight from Beta(this, this)",
        (0.2, 1.0),
        changes.recipe_option("mixup"),
        AUGMENTATION,
        needs_family=False,
    ),
    Remedy(
        "Label smoothing",
        "training spreads this share of each label over all classes",
        (0.05, 0.2),
        changes.recipe_option("label_smoothing"),
        needs_family=False,
        is_for=_has_classes,
    ),
    Remedy(
        "Weight averaging",
        "an exponential moving average of the weights (EMA) with this decay per step is validated and kept",
        (0.98, 0.995, 0.998),
        changes.recipe_option("ema"),
        AVERAGING,
        needs_family=False,
    ),
    Remedy(
        "Cosine schedule",
        "the learning rate falls from this along a half cosine to 0 at the epoch limit",
        (0.001, 0.003),
        changes.cosine_schedule,
        OTHER_TRAINING,
        needs_family=False,
    ),
    Remedy(
        "Longer training",
        "the epoch limit and the patience are twice as large",
        (2,),
        changes.longer_training,
        LONGER_TRAINING,
        needs_family=False,
    ),
    Remedy(
        "Standardised inputs",
        "each column is brought to mean 0 and variance 1 over the training rows",
        (1,),
        changes.family_switch("standardize"),
        OTHER_INPUTS,
        is_for=_has_raw_inputs,
    ),
    Remedy(
        "Soft limits",
        "each input, standardised, enters as 2 tanh(x / 2): none is larger than 2, and small ones hardly change",
        (2.0,),
        changes.family_option("soft_limit"),
        OTHER_INPUTS,
    ),
)
