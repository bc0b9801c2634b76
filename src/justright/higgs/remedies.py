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
from justright.study.remedy import Change, Facts, Remedy
from justright.study.variant import Variant


def _physics(**options: Any) -> Change:
    """Return the change that sets options of `HiggsMlp`.

    The baseline becomes a member of that family; without further options it is the same network.
    """

    def change(baseline: Variant, strength: float, facts: Facts) -> Variant:
        family = network_of(baseline)
        if not isinstance(family, HiggsMlp):
            kept: dict[str, Any] = {one.name: getattr(family, one.name) for one in fields(family)}
            family = HiggsMlp(**kept | dict(collision_columns(facts.feature_names)))
        return replace(baseline, build=replace(family, **options))

    return change


def _particles(option: str) -> Change:
    """Return the change that switches on an option of `HiggsMlp` that needs all particles."""

    def change(baseline: Variant, strength: float, facts: Facts) -> Variant:
        columns = particle_columns(facts.feature_names)
        return _physics(**columns, **{option: True})(baseline, strength, facts)

    return change


def _logarithms(baseline: Variant, strength: float, facts: Facts) -> Variant:
    """Return the baseline with logarithms in place of momenta and masses."""
    positive = positive_columns(facts.feature_names)
    return _physics(logarithms=True, positive=positive)(baseline, strength, facts)


def _finds(columns: Callable[[Sequence[str]], object]) -> Callable[[Facts], bool]:
    """Return a check of whether `columns` finds its columns in a study's table, instead of raising InputError."""

    def is_for(facts: Facts) -> bool:
        try:
            columns(facts.feature_names)
        except InputError:
            return False
        return True

    return is_for


RANDOM_TURNS = Remedy(
    "Random turns",
    "training turns all phi of a row by one random angle: a collision has no preferred direction",
    (1,),
    _physics(rotate=True),
    is_for=_finds(collision_columns),
)
RANDOM_REFLECTIONS = Remedy(
    "Random reflections",
    "training gives all eta of a row one random sign: the beam's two ends are alike",
    (1,),
    _physics(reflect=True),
    is_for=_finds(collision_columns),
)
RANDOM_MIRRORS = Remedy(
    "Random mirrors",
    "training gives all phi of a row one random sign: a collision and its mirror image are alike",
    (1,),
    _physics(mirror=True),
    is_for=_finds(collision_columns),
)
COSINE_AND_SINE_OF_PHI = Remedy(
    "Cosine and sine of phi",
    "each phi enters as its cosine and sine, so that -pi and pi are the same",
    (1,),
    _physics(angles="cosine and sine"),
    is_for=_finds(collision_columns),
)
RELATIVE_PHI = Remedy(
    "Relative phi",
    "each phi enters as cosine and sine of its angle to the lepton's, which no turn changes",
    (1,),
    _physics(angles="relative"),
    is_for=_finds(collision_columns),
)
ANGLES_BETWEEN_PARTICLES = Remedy(
    "Angles between particles",
    "cosines of the angles between any two particles, and sizes of their differences in eta, are given as well",
    (1,),
    _physics(pairs=True),
    is_for=_finds(collision_columns),
)
MASSES_AND_MOMENTA = Remedy(
    "Masses and momenta",
    "masses of all pairs of particles, and sums of their momenta, are given as well",
    (1,),
    _particles("kinematics"),
    is_for=_finds(particle_columns),
)
MASSES_OF_GROUPS = Remedy(
    "Masses of groups",
    "masses of three and more particles, and with the W that made the lepton, are given as well",
    (1,),
    _particles("systems"),
    is_for=_finds(particle_columns),
)
JETS_BY_B_TAG = Remedy(
    "Jets by b-tag",
    "jets come in the order of their b-tags, then momenta, so that those of a b quark have fixed places",
    (1,),
    _particles("order_jets"),
    is_for=_finds(particle_columns),
)
LOGARITHMS = Remedy(
    "Logarithms",
    "momenta and masses enter as their logarithms",
    (1,),
    _logarithms,
    is_for=_finds(particle_columns),
)
