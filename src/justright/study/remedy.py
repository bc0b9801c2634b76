"""One remedy: a named way to change a baseline by one thing, at one or several strengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from justright.errors import InputError
from justright.study.changes import Change, Facts
from justright.study.families import Mlp
from justright.study.variant import Variant

GROUP = "remedies"
# What a remedy does, in the words of verdicts. Of these only longer training can show that its baseline underfits.
LESS_CAPACITY = "less capacity"
LONGER_TRAINING = "longer training"
REGULARIZATION = "regularization"


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to change a baseline.

    Args:
        name: what tables call it; unique.
        summary: what it changes, in one sentence.
        strengths: what `change` is called with, weakest first.
        change: (baseline, strength, facts) -> the baseline with that one change; name and role are filled in later.
        kind: the change in the words of verdicts; only those of `UNDERFIT_CHANGES` can show underfitting.
        needs_family: whether only a family member can be changed so, not any Keras model.
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
            name: of the new variant; empty makes one of remedy and strength.

        Raises:
            InputError: the baseline or the table cannot be changed so.
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
