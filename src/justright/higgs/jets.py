"""Ordering the jets of HIGGS with stock Keras operations: those that look like a b quark's come first.

UCI orders jets by transverse momentum, so a b quark may be any of the four, and a network must learn the mass of every
pair. Ordered by b-tag, the first two are the candidates for the Higgs boson that decays to two b quarks, and the others for
the W that decays to two jets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from justright.higgs.kinematics import ETA_SCALES, MOMENTUM_SCALES, constant

# A b-tag is absent, loose or tight: 0, 1 or 2 before UCI divided each column by its mean: the largest value of each.
TAG_SCALES: Mapping[str, float] = MappingProxyType(
    {"jet_1": 2.173, "jet_2": 2.215, "jet_3": 2.548, "jet_4": 3.102}
)
# A place in the order of momenta counts less than any difference of tags, four places included.
PLACE = 0.1


def order_jets(
    rows: Any,
    features: int,
    momenta: Sequence[int],
    etas: Sequence[int],
    azimuths: Sequence[int],
    tags: Sequence[int],
) -> Any:
    """Return rows whose jets are ordered by falling b-tag; jets with equal tags keep their order.

    Each value is rescaled to the units of the column it moves to, since UCI divided every column by a different number.

    Args:
        rows: (rows, features), the table's.
        features: how many.
        momenta: columns of transverse momenta, the lepton's first; the lepton stays where it is.
        etas: of pseudorapidities.
        azimuths: of azimuths.
        tags: of the jets' b-tags.

    Returns:
        (rows, features), the columns in the table's order.
    """
    import keras

    ops = keras.ops
    names = list(TAG_SCALES)
    units = [
        (momenta[1:], [MOMENTUM_SCALES[name] for name in names]),
        (etas[1:], [ETA_SCALES[name] for name in names]),
        (azimuths[1:], [1.0] * len(names)),
        (tags, [2.0 / TAG_SCALES[name] for name in names]),
    ]
    values = [ops.take(rows, list(columns), axis=1) * constant([scales]) for columns, scales in units]
    order = ops.argsort(-values[-1] + constant([[PLACE * place for place in range(len(names))]]), axis=1)
    moved = [
        ops.take_along_axis(value, order, axis=1) / constant([scales])
        for value, (_, scales) in zip(values, units, strict=True)
    ]
    places = {column: column for column in range(features)}
    jets = [column for columns, _ in units for column in columns]
    places |= {column: features + at for at, column in enumerate(jets)}
    return ops.take(
        ops.concatenate([rows, *moved], axis=1), [places[column] for column in range(features)], axis=1
    )
