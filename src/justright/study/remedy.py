"""One remedy: a named change of one thing about a baseline, at one or several strengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from justright.data.read_options import Task
from justright.data.table import Split
from justright.errors import InputError
from justright.study.directions import REGULARIZATION
from justright.study.families import Mlp
from justright.study.raw_inputs import needs_standardising
from justright.study.recipe import Recipe
from justright.study.variant import Variant

# Groups of variants: remedies of one baseline, the steps of a combination, and the neighbours of a single network.
GROUP = "remedies"
LADDER_GROUP = "steps"
NEIGHBOUR_GROUP = "neighbours"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a remedy may know about the study it is for.

    Args:
        task: the table's task.
        feature_names: the table's.
        train_rows: number of training rows, which gives the steps per epoch.
        recipe: the study's, resolved for its table, which trains a baseline without a recipe of its own.
        is_standardised: whether variants standardise their inputs anyway, unless they say otherwise.
    """

    task: Task
    feature_names: tuple[str, ...]
    train_rows: int
    recipe: Recipe
    is_standardised: bool = False

    @classmethod
    def of(cls, split: Split, recipe: Recipe | None = None) -> Facts:
        """Return the facts of a study on `split` with this recipe."""
        table, rows = split.table, split.sizes["train"]
        resolved = (recipe or Recipe()).resolve(table.task, rows)
        return cls(table.task, table.feature_names, rows, resolved, needs_standardising(split))

    def recipe_of(self, variant: Variant) -> Recipe:
        """Return the recipe that trains `variant`, resolved."""
        return (variant.recipe or self.recipe).resolve(self.task, self.train_rows)

    def optimizer_of(self, variant: Variant) -> dict[str, Any]:
        """Return the Keras configuration of the optimizer that trains `variant`."""
        return dict(self.recipe_of(variant).optimizer or {})


Change = Callable[[Variant, float, Facts], Variant]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to change a baseline.

    Args:
        name: its unique name, as in tables.
        summary: what it changes, in one sentence.
        strengths: what `change` is called with, weakest first.
        change: (baseline, strength, facts) -> the baseline with that one change; name and role are filled in later.
        kind: the change in the words of `directions.py`, which say whether it is freer, tighter or neither.
        needs_family: whether it can change only members of a family, not any Keras model.
        is_for: whether it makes sense for a table.
    """

    name: str
    summary: str
    strengths: tuple[float, ...]
    change: Change
    kind: str = REGULARIZATION
    needs_family: bool = True
    is_for: Callable[[Facts], bool] = lambda _: True

    @property
    def has_degrees(self) -> bool:
        """Whether there is more than one strength."""
        return len(self.strengths) > 1

    def can_change(self, baseline: Variant, facts: Facts) -> bool:
        """Return whether this remedy can be applied to `baseline`."""
        return (isinstance(baseline.build, Mlp) or not self.needs_family) and self.is_for(facts)

    def apply(self, baseline: Variant, strength: float, facts: Facts, *, name: str = "") -> Variant:
        """Return the variant: `baseline` with this one change.

        Args:
            baseline: what is changed.
            strength: how strongly; see `strengths`.
            facts: about the study.
            name: of the new variant; empty makes one from remedy and strength.

        Raises:
            InputError: the remedy does not apply to the baseline or the table.
        """
        if not self.can_change(baseline, facts):
            raise InputError(
                f"Remedy {self.name!r} must have a baseline of a family, such as mlp(64, 64), and a table it is for; "
                f"got variant {baseline.name!r}. Leave the remedy out."
            )
        changed = self.change(baseline, strength, facts)
        return replace(
            changed,
            name=name or self.label(strength),
            baseline=baseline.name,
            group=GROUP,
            remedy=self.name,
            strength=strength if self.has_degrees else None,
            change=self.kind,
        )

    def label(self, strength: float) -> str:
        """Return the name of the variant with this strength.

        Example:
            >>> Remedy(
            ...     "Dropout", "zeroes units", (0.2, 0.5), lambda baseline, strength, facts: baseline
            ... ).label(0.5)
            'Dropout 0.5'
        """
        return f"{self.name} {strength:g}" if self.has_degrees else self.name
