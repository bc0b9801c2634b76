"""Comparisons of any two variants of a study, or of a variant with the reference, over the seeds that both share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from justright.diagnosis.evidence import ReferenceEvidence
from justright.diagnosis.measured import Measured
from justright.statistics.paired import PairedLosses
from justright.statistics.simultaneous import draws_for

Seeds = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Models that share some seeds.

    Args:
        losses: what comparisons of them need.
        numbers: variant -> its number in `losses`; the reference is None.
    """

    losses: PairedLosses
    numbers: Mapping[str | None, int]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The variants of a study, to be compared in pairs.

    Args:
        measured: what `measure_study` returned.
        reference: another kind of model, if any; it is the same whatever the seed.
        seed: of the draws.
    """

    measured: Mapping[str, Measured]
    reference: ReferenceEvidence | None = None
    seed: int = 0
    _found: dict[Seeds, Members] = field(default_factory=dict)

    def shared_seeds(self, *names: str) -> Seeds:
        """Return the seeds that all these variants were measured with, rising."""
        every = dict.fromkeys(self.measured[name].seeds for name in names)
        first, *others = every
        return tuple(sorted(set(first).intersection(*others))) if others else first

    def over(self, seeds: Seeds) -> Members:
        """Return all models that were measured with these seeds; prepared once, since most variants share all seeds."""
        if seeds not in self._found:
            self._found[seeds] = self._prepare(seeds)
        return self._found[seeds]

    def has_reference(self, variant: str) -> bool:
        """Return whether a variant can be compared with the reference: measured on the same rows, and finite."""
        reference = self.reference
        return (
            reference is not None
            and reference.test.shape == self.measured[variant].best.shape[1:]
            and bool(np.isfinite(reference.test).all())
        )

    def _prepare(self, seeds: Seeds) -> Members:
        wanted = set(seeds)
        found: dict[str | None, np.ndarray] = {}
        for name in sorted(self.measured):
            one = self.measured[name]
            if one.seeds == seeds:
                found[name] = one.best
            elif wanted <= set(one.seeds):
                found[name] = one.best[[one.seeds.index(seed) for seed in seeds]]
        if self.reference is not None and self.has_reference(next(name for name in found if name)):
            rows = self.reference.test
            found[None] = np.broadcast_to(rows, (len(seeds), len(rows)))
        rng = draws_for(self.seed, "pairs", *map(str, seeds))
        return Members(
            PairedLosses.of(list(found.values()), rng), {name: number for number, name in enumerate(found)}
        )
