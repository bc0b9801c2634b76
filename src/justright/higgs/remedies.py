"""Remedies from the physics of collisions: symmetries, masses, and the order of jets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

from justright.errors import InputError
from justright.higgs.columns import collision_columns
from justright.higgs.kinematics import particle_columns, positive_columns
from justright.higgs.physics import HiggsMlp
from justright.study.changes import network_of
from justright.study.directions import AUGMENTATION, OTHER_INPUTS
from justright.study.remedy import Facts, Remedy
from justright.study.variant import Variant

Columns = Callable[[Sequence[str]], dict[str, Any]]


def _remedy(
    name: str, summary: str, kind: str = OTHER_INPUTS, *, columns: Columns | None = None, **options: Any
) -> Remedy:
    """Return the remedy that sets options of `HiggsMlp`.

    The baseline becomes a member of that family; without further options it is the same network.

    Args:
        name: its name in tables.
        summary: what it changes.
        kind: the change in the words of `directions.py`.
        columns: finds further columns that the options need; raises InputError for a table without them.
        options: those of `HiggsMlp`.
    """

    def change(baseline: Variant, strength: float, facts: Facts) -> Variant:
        family = network_of(baseline)
        if not isinstance(family, HiggsMlp):
            kept: dict[str, Any] = {one.name: getattr(family, one.name) for one in fields(family)}
            family = HiggsMlp(**kept | collision_columns(facts.feature_names))
        needed = columns(facts.feature_names) if columns else {}
        return replace(baseline, build=replace(family, **needed | options))

    def is_for(facts: Facts) -> bool:
        try:
            (columns or collision_columns)(facts.feature_names)
        except InputError:
            return False
        return True

    return Remedy(name, summary, (1,), change, kind, is_for=is_for)


def _positive_columns(feature_names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the columns of momenta and masses of a table that has those of all particles."""
    particle_columns(feature_names)
    return {"positive": positive_columns(feature_names)}


REMEDIES: tuple[Remedy, ...] = (
    _remedy(
        "Random turns",
        "training turns all phi of a row by one random angle: a collision has no preferred direction",
        AUGMENTATION,
        rotate=True,
    ),
    _remedy(
        "Random reflections",
        "training gives all eta of a row one random sign: the beam's two ends are alike",
        AUGMENTATION,
        reflect=True,
    ),
    _remedy(
        "Random mirrors",
        "training gives all phi of a row one random sign: a collision and its mirror image are alike",
        AUGMENTATION,
        mirror=True,
    ),
    _remedy(
        "Cosine and sine of phi",
        "each phi enters as its cosine and sine, so that -pi and pi are the same",
        angles="cosine and sine",
    ),
    _remedy(
        "Relative phi",
        "each phi enters as cosine and sine of its angle to the lepton's, which no turn changes",
        angles="relative",
    ),
    _remedy(
        "Angles between particles",
        "cosines of the angles between any two particles, and sizes of their differences in eta, are given as well",
        pairs=True,
    ),
    _remedy(
        "Masses and momenta",
        "masses of all pairs of particles, and sums of their momenta, are given as well",
        columns=particle_columns,
        kinematics=True,
    ),
    _remedy(
        "Masses of groups",
        "masses of three and more particles, and with the W that made the lepton, are given as well",
        columns=particle_columns,
        systems=True,
    ),
    _remedy(
        "Jets by b-tag",
        "jets come in the order of their b-tags, then momenta, so that those of a b quark have fixed places",
        columns=particle_columns,
        order_jets=True,
    ),
    _remedy(
        "Logarithms",
        "momenta and masses enter as their logarithms",
        columns=_positive_columns,
        logarithms=True,
    ),
)
