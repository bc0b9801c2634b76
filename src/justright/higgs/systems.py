"""Masses of three and more particles of a collision, including the W that decayed to the lepton, in stock Keras operations.

A W decays to the lepton and a neutrino, whose transverse momentum is the missing one. Its momentum along the beam is the
one with which both have the mass of a W; of the two solutions the smaller is taken, and where there is none (a transverse mass
above that of a W) the real part. UCI's `m_lv` is made likewise, and gives the mass in the lepton's units: where it
is the transverse mass, that of `higgs.kinematics` is 1.361 times it, and its most frequent value by far is 0.9885.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from justright.higgs.kinematics import constant, in_common_units

W_MASS = 1.346  # 0.9885 times 1.361: 80.4 GeV in units of the lepton's column
# Squared masses are small differences of large float32 numbers; below this they are rounding errors.
SMALL_SQUARE = 1e-3
_LEPTON, _JETS, _NEUTRINO = 0, (1, 2, 3, 4), 5
_W = (_LEPTON, _NEUTRINO)
# Which particles each system is made of: any three visible ones, all jets, all visible ones; then the W alone, with one,
# two, three and all jets.
GROUPS: tuple[tuple[int, ...], ...] = (
    *combinations((_LEPTON, *_JETS), 3),
    _JETS,
    (_LEPTON, *_JETS),
    *((*_W, *jets) for count in range(len(_JETS) + 1) for jets in combinations(_JETS, count)),
)


def system_masses(momenta: Any, etas: Any, azimuths: Any, missing: Any, missing_azimuth: Any) -> Any:
    """Return the logarithm of the mass of each of `GROUPS`, not yet standardised.

    Args:
        momenta: (rows, particles) transverse momenta in the table's units, the lepton's first.
        etas: (rows, particles) pseudorapidities in the table's units.
        azimuths: (rows, particles) in radians.
        missing: (rows, 1) the missing transverse momentum.
        missing_azimuth: (rows, 1) its azimuth in radians.

    Returns:
        (rows, groups).
    """
    import keras

    ops = keras.ops
    p, eta, lost = in_common_units(momenta, etas, missing)
    visible = [p * ops.cosh(eta), p * ops.cos(azimuths), p * ops.sin(azimuths), p * ops.sinh(eta)]
    neutrino = _neutrino([one[:, :1] for one in visible], lost, missing_azimuth)
    members = constant([[[float(one in group) for one in range(_NEUTRINO + 1)] for group in GROUPS]])
    # Sums of products in float32, never a matrix product: bf16 operands would leave nothing of the differences below.
    energy, x, y, z = (
        ops.sum(ops.expand_dims(ops.concatenate(parts, axis=1), 1) * members, axis=-1)
        for parts in zip(visible, neutrino, strict=True)
    )
    return ops.log(ops.maximum(energy * energy - x * x - y * y - z * z, 0.0) + SMALL_SQUARE) / 2


def _neutrino(lepton: list[Any], lost: Any, azimuth: Any) -> list[Any]:
    """Return energy and momentum, each (rows, 1), of the neutrino that makes a W with the lepton.

    With massless particles and a = W_MASS^2 / 2 + (product of the transverse momenta) the momentum along the beam is
    (a lepton_z +- lepton_energy sqrt(a^2 - lepton_pT^2 lost^2)) / lepton_pT^2.
    """
    import keras

    ops = keras.ops
    energy, x, y, z = lepton
    lost_x, lost_y = lost * ops.cos(azimuth), lost * ops.sin(azimuth)
    a = W_MASS**2 / 2 + x * lost_x + y * lost_y
    square = x * x + y * y
    root = energy * ops.sqrt(ops.maximum(a * a - square * lost * lost, 0.0))
    forward, backward = (a * z + root) / square, (a * z - root) / square
    along = ops.where(ops.abs(forward) < ops.abs(backward), forward, backward)
    return [ops.sqrt(lost * lost + along * along), lost_x, lost_y, along]
