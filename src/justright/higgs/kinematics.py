"""Masses and momenta of a collision's particles, in stock Keras operations: no turn or mirror changes them.

UCI published each column of HIGGS divided by a different number. Masses and sums over particles need those numbers, up
to a common unit, and they follow from the rows. Transverse momenta of all particles and the missing one balance:
the smallest principal component of their twelve components (10,000 rows, the lepton's factor set to 1) holds 1 % of the
total variance and gives `MOMENTUM_SCALES`. The table's own `m_bb` confirms them: it is the same multiple, within 3 %, of
the mass of any two tagged jets computed with these numbers. Detectors end at |eta| = 2.5: `ETA_SCALES` are 2.5 over the
largest |eta| of each column in 29,075 rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import add, sub
from types import MappingProxyType
from typing import Any

from justright.errors import InputError

MISSING = "missing_energy"
# Name of a particle in the columns' names -> its momentum in units of the lepton's column.
MOMENTUM_SCALES: Mapping[str, float] = MappingProxyType(
    {"lepton": 1.0, "jet_1": 1.858, "jet_2": 1.394, "jet_3": 1.003, "jet_4": 0.746, MISSING: 0.889}
)
ETA_SCALES: Mapping[str, float] = MappingProxyType(
    {"lepton": 1.027, "jet_1": 0.844, "jet_2": 0.858, "jet_3": 0.916, "jet_4": 1.001}
)
# Logarithms and roots stay finite for parallel particles, whose mass is 0: far below any mass that is measured.
SMALL = 1e-4


def particle_columns(feature_names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the columns of the particles of HIGGS: `momenta`, `etas` and `azimuths`, `missing`, and the jets' `tags`.

    Args:
        feature_names: of the table, in its order.

    Returns:
        The lepton first, then the jets; `missing` is magnitude and azimuth of the missing momentum.

    Raises:
        InputError: a column of HIGGS is missing, so that masses could not be computed.

    Example:
        >>> from justright.higgs.columns import HIGGS_FEATURES
        >>> particle_columns(HIGGS_FEATURES)["missing"]
        (3, 4)
    """
    places = {name.lower(): column for column, name in enumerate(feature_names)}
    particles = list(ETA_SCALES)
    wanted = [f"{name}_{part}" for name in particles for part in ("pt", "eta", "phi")]
    wanted += [f"{MISSING}_magnitude", f"{MISSING}_phi", *(f"{name}_b_tag" for name in particles[1:])]
    lacking = [name for name in wanted if name not in places]
    if lacking:
        raise InputError(
            f"Masses of particles need the columns of HIGGS, such as 'lepton_pT'; the table lacks {lacking[:4]!r}. "
            "Leave them out, or name the columns."
        )
    return {
        "momenta": tuple(places[f"{name}_pt"] for name in particles),
        "etas": tuple(places[f"{name}_eta"] for name in particles),
        "azimuths": tuple(places[f"{name}_phi"] for name in particles),
        "missing": (places[f"{MISSING}_magnitude"], places[f"{MISSING}_phi"]),
        "tags": tuple(places[f"{name}_b_tag"] for name in particles[1:]),
    }


def positive_columns(feature_names: Sequence[str]) -> tuple[int, ...]:
    """Return the columns of transverse momenta and masses, which are positive and have long tails.

    Example:
        >>> positive_columns(["lepton_pT", "lepton_eta", "missing_energy_magnitude", "m_bb"])
        (0, 2, 3)
    """
    names = [name.lower() for name in feature_names]
    return tuple(
        column
        for column, name in enumerate(names)
        if name.endswith(("_pt", "_magnitude")) or name.startswith("m_")
    )


def kinematics(momenta: Any, etas: Any, azimuths: Any, missing: Any, missing_azimuth: Any) -> Any:
    """Return masses and momenta of each row, not yet standardised.

    Args:
        momenta: (rows, particles) transverse momenta in the table's units, the lepton's first.
        etas: (rows, particles) pseudorapidities in the table's units.
        azimuths: (rows, particles) in radians.
        missing: (rows, 1) the missing transverse momentum.
        missing_azimuth: (rows, 1) its azimuth in radians.

    Returns:
        (rows, pairs + particles + 4): logarithms of the invariant mass of each pair of massless particles,
        `m^2 = 2 p q (cosh(difference of eta) - cos(difference of phi))`, and of each particle's transverse mass with
        the missing momentum; the sum of transverse momenta, the size of their vector sum with the missing one, that
        of the lepton's with the missing one, and the size of the sum along the beam.
    """
    import keras

    ops = keras.ops
    p, eta, lost = in_common_units(momenta, etas, missing)
    opening = ops.cosh(differences(eta, len(ETA_SCALES))) - ops.cos(differences(azimuths, len(ETA_SCALES)))
    masses = (sums(ops.log(p), len(ETA_SCALES)) + ops.log(ops.maximum(opening, 0.0) + SMALL)) / 2
    side = 1.0 - ops.cos(azimuths - missing_azimuth)
    transverse = (ops.log(p) + ops.log(lost) + ops.log(ops.maximum(side, 0.0) + SMALL)) / 2
    x, y = p * ops.cos(azimuths), p * ops.sin(azimuths)
    lost_x, lost_y = lost * ops.cos(missing_azimuth), lost * ops.sin(missing_azimuth)
    event = [
        ops.sum(p, axis=1, keepdims=True),
        _size(ops.sum(x, axis=1, keepdims=True) + lost_x, ops.sum(y, axis=1, keepdims=True) + lost_y),
        _size(x[:, :1] + lost_x, y[:, :1] + lost_y),
        ops.absolute(ops.sum(p * ops.sinh(eta), axis=1, keepdims=True)),
    ]
    return ops.concatenate([masses, transverse, *event], axis=1)


def in_common_units(momenta: Any, etas: Any, missing: Any) -> tuple[Any, Any, Any]:
    """Return momenta, pseudorapidities and the missing momentum, the momenta all in units of the lepton's column.

    Shape:
        momenta, etas: (rows, particles); missing: (rows, 1), all in the table's units. The result has the same shapes.

    Momenta are positive in the result, so that their logarithms are finite.
    """
    import keras

    ops = keras.ops
    p = ops.maximum(momenta, SMALL) * constant([[MOMENTUM_SCALES[name] for name in ETA_SCALES]])
    eta = etas * constant([list(ETA_SCALES.values())])
    return p, eta, ops.maximum(missing, SMALL) * MOMENTUM_SCALES[MISSING]


def differences(values: Any, count: int) -> Any:
    """Return (rows, pairs) differences of any two columns, the first minus each later one: (a-b, a-c, b-c)."""
    return _pairs(sub, values, count)


def sums(values: Any, count: int) -> Any:
    """Return (rows, pairs) sums of any two columns, in the order of `differences`."""
    return _pairs(add, values, count)


def _pairs(combine: Callable[[Any, Any], Any], values: Any, count: int) -> Any:
    import keras

    steps = [combine(values[:, at : at + 1], values[:, at + 1 :]) for at in range(count - 1)]
    return keras.ops.concatenate(steps, axis=1) if len(steps) > 1 else steps[0]


def _size(x: Any, y: Any) -> Any:
    import keras

    return keras.ops.sqrt(x * x + y * y + SMALL * SMALL)


def constant(numbers: Any) -> Any:
    """Return numbers as a float32 tensor; given as lists of lists, which a saved model holds as plain JSON."""
    import keras

    return keras.ops.convert_to_tensor(numbers, dtype="float32")
