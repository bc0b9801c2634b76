"""What is known about a row of HIGGS, as stock Keras layers, so that a saved model does not need justright.

A proton beam has no preferred direction around it: turning all azimuths (phi) by one angle changes nothing, nor does
exchanging the beam's two ends (all pseudorapidities, eta, change sign) or a mirror that holds the beam (all phi change
sign). A network can be shown turned rows in training, or be given angles between particles, which cannot tell them apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from justright.data.checks import check_switch, is_whole
from justright.errors import InputError, check_one_of
from justright.higgs.columns import MIN_ANGLES
from justright.higgs.jets import order_jets
from justright.higgs.kinematics import ETA_SCALES, differences, kinematics
from justright.higgs.systems import system_masses
from justright.study.families import Mlp

if TYPE_CHECKING:
    import keras

Angles = Literal["as they are", "cosine and sine", "relative"]

ANGLES: tuple[Angles, ...] = get_args(Angles)
# UCI divided phi by about its standard deviation: 40,075 rows end at -1.7439 and +1.7433, which stand for -pi and +pi.
PHI_LIMIT = 1.744
# Keras' GaussianNoise goes up to a deviation of 1. Times 30 and modulo a turn that is uniform: the first Fourier
# coefficient of a normal angle of that deviation is exp(-30^2 / 2), below 1e-195.
TURN = 30.0
# Options that name columns of the table.
COLUMN_OPTIONS = ("phi", "eta", "momenta", "etas", "azimuths", "missing", "tags", "positive")
SWITCHES = ("rotate", "reflect", "mirror", "pairs", "kinematics", "systems", "order_jets", "logarithms")
# Switches that need every particle's columns.
PARTICLE_SWITCHES = ("kinematics", "systems", "order_jets")
# Logarithms stay finite at 0; the smallest momenta and masses of HIGGS are some 0.1, but the missing momentum may vanish.
SMALLEST = 0.01


@dataclass(frozen=True, slots=True)
class HiggsMlp(Mlp):
    """A multilayer perceptron that is told the symmetries of a collision; the rest is as in `Mlp`.

    At inference the random turns and mirrors are off: the same row always gives the same output.

    Args:
        phi: columns of azimuths, the lepton's first.
        eta: columns of pseudorapidities.
        angles: how phi enters: 'as they are', as 'cosine and sine', or as cosine and sine of the angle 'relative' to
            the first, which no common turn changes.
        rotate: whether training turns all phi of a row by one random angle.
        reflect: whether training gives all eta of a row one random sign.
        mirror: whether training gives all phi of a row one random sign.
        pairs: whether the cosines of the angles between any two particles, and the sizes of their differences in eta,
            are given as well.
        kinematics: whether masses of all pairs of particles, and sums of their momenta, are given as well,
            standardised; see `higgs.kinematics`.
        systems: whether masses of three and more particles, and with the W that decayed to the lepton, are given as
            well, standardised; see `higgs.systems`.
        order_jets: whether the jets are first ordered by their b-tags; see `higgs.jets`.
        logarithms: whether the columns `positive` enter as logarithms.
        momenta: columns of transverse momenta, the lepton's first. These and the next three are needed only by
            `kinematics`, `systems` and `order_jets`.
        etas: their pseudorapidities.
        azimuths: their azimuths.
        missing: columns of the missing momentum's magnitude and azimuth.
        tags: the jets' b-tags, needed by `order_jets` only.
        positive: columns of momenta and masses.

    Raises:
        InputError: a column is not given by its number, or `angles` is unknown.
    """

    family = "higgs_mlp"
    example = "units = [64, 64]"

    phi: tuple[int, ...] = ()
    eta: tuple[int, ...] = ()
    angles: Angles = "as they are"
    rotate: bool = False
    reflect: bool = False
    mirror: bool = False
    pairs: bool = False
    kinematics: bool = False
    momenta: tuple[int, ...] = ()
    etas: tuple[int, ...] = ()
    azimuths: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    systems: bool = False
    order_jets: bool = False
    logarithms: bool = False
    tags: tuple[int, ...] = ()
    positive: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        # Not super(): dataclass(slots=True) makes a new class, which the bare form would not find.
        Mlp.__post_init__(self)
        for name in COLUMN_OPTIONS:
            object.__setattr__(self, name, _columns(name, getattr(self, name)))
        if len(self.phi) < MIN_ANGLES:
            raise InputError(
                f"`phi` must name at least {MIN_ANGLES} columns of azimuths; got {list(self.phi)!r}."
            )
        self._check_particles()
        if set(self.phi) & set(self.eta):
            raise InputError(
                f"A column is an azimuth or a pseudorapidity, not both; got {sorted(set(self.phi) & set(self.eta))!r}."
            )
        check_one_of("angles", self.angles, ANGLES)
        for name in SWITCHES:
            check_switch(name, getattr(self, name))

    def _check_particles(self) -> None:
        """Refuse a switch whose columns are missing."""
        given = [len(one) for one in (self.momenta, self.etas, self.azimuths, self.missing)]
        for name in PARTICLE_SWITCHES:
            if getattr(self, name) and given != [*[len(ETA_SCALES)] * 3, 2]:
                particles = (self.momenta, self.etas, self.azimuths, self.missing)
                raise InputError(
                    f"`{name}` needs {len(ETA_SCALES)} columns each in `momenta`, `etas` and `azimuths` and 2 in "
                    f"`missing`; got {[list(one) for one in particles]!r}. Use `particle_columns`."
                )
        if self.order_jets and len(self.tags) != len(ETA_SCALES) - 1:
            raise InputError(
                f"`order_jets` needs {len(ETA_SCALES) - 1} columns in `tags`, one per jet; got {list(self.tags)!r}. "
                "Use `particle_columns`."
            )
        if self.logarithms and not self.positive:
            raise InputError("`logarithms` needs columns in `positive`; got []. Use `positive_columns`.")

    def __call__(self, features: int, outputs: int) -> keras.Model:
        """Return the untrained Keras model for rows of `features` values and `outputs` outputs.

        Raises:
            InputError: a column lies beyond the table's.
        """
        import keras

        named = (column for option in COLUMN_OPTIONS for column in getattr(self, option))
        beyond = [column for column in named if column >= features]
        if beyond:
            raise InputError(
                f"`phi` and `eta` must be columns in 0..{features - 1}, the table's features; got {beyond!r}."
            )
        rows = keras.Input((features,))
        hidden = self._inputs(rows, features)
        for layer in self._on_inputs():
            hidden = layer(hidden)
        for width in self.units:
            for layer in self._hidden(width):
                hidden = layer(hidden)
        hidden = keras.layers.Dense(outputs)(hidden)
        for layer in self._rescaling():
            hidden = layer(hidden)
        return keras.Model(rows, hidden)

    def _inputs(self, rows: Any, features: int) -> Any:
        """Return the values the first hidden layer sees: the other columns, eta, then the values computed from phi."""
        import keras

        ops = keras.ops
        others = [column for column in range(features) if column not in (*self.phi, *self.eta)]
        if self.order_jets:
            rows = order_jets(rows, features, self.momenta, self.etas, self.azimuths, self.tags)
        phi = ops.take(rows, list(self.phi), axis=1) * (math.pi / PHI_LIMIT)
        if self.rotate:
            phi = phi + TURN * _normal(rows)
        if self.mirror:
            phi = phi * _sign(rows)
        # Standardised on the original rows: turns and mirrors do not change spreads.
        scaled = self._logarithms(rows, features) if self.logarithms else rows
        if self._is_standardized:
            scaled = keras.layers.Normalization()(scaled)
        parts = [ops.take(scaled, others, axis=1)] if others else []
        if self.eta:
            # Only scaled by UCI, around 0: subtracting a mean would spoil the mirror.
            eta = ops.take(rows, list(self.eta), axis=1)
            eta = eta * _sign(rows) if self.reflect else eta
            parts.append(eta)
        parts += self._angles(phi)
        if self.pairs:
            parts.append(ops.cos(differences(phi, len(self.phi))))
            if len(self.eta) > 1:
                parts.append(ops.absolute(differences(eta, len(self.eta))))
        # Of the row as it is: neither turns nor mirrors change any of it.
        made = [
            make for make, is_on in ((kinematics, self.kinematics), (system_masses, self.systems)) if is_on
        ]
        parts += [keras.layers.Normalization()(make(*self._particles(rows))) for make in made]
        return ops.concatenate(parts, axis=1)

    def _logarithms(self, rows: Any, features: int) -> Any:
        """Return the rows with momenta and masses as logarithms."""
        import keras

        ops = keras.ops
        is_positive = ops.convert_to_tensor([[column in self.positive for column in range(features)]])
        return ops.where(is_positive, ops.log(ops.maximum(rows, SMALLEST)), rows)

    def _particles(self, rows: Any) -> tuple[Any, ...]:
        """Return momenta, etas, azimuths, the missing momentum and its azimuth, azimuths in radians."""
        import keras

        take = keras.ops.take
        magnitude, azimuth = self.missing
        radians = math.pi / PHI_LIMIT
        return (
            take(rows, list(self.momenta), axis=1),
            take(rows, list(self.etas), axis=1),
            take(rows, list(self.azimuths), axis=1) * radians,
            take(rows, [magnitude], axis=1),
            take(rows, [azimuth], axis=1) * radians,
        )

    def _angles(self, phi: Any) -> list[Any]:
        """Return the features computed from (rows, angles) azimuths in radians."""
        import keras

        ops = keras.ops
        if self.angles == "as they are":
            # Back into one turn, where turned; in the column's own units either way.
            turned = ops.arctan2(ops.sin(phi), ops.cos(phi)) if self.rotate else phi
            return [turned * (PHI_LIMIT / math.pi)]
        angles = phi[:, 1:] - phi[:, :1] if self.angles == "relative" else phi
        return [ops.cos(angles), ops.sin(angles)]


def _columns(name: str, columns: object) -> tuple[int, ...]:
    if not isinstance(columns, list | tuple) or not all(is_whole(column, least=0) for column in columns):
        raise InputError(f"`{name}` must be a list of column numbers, counted from 0; got {columns!r}.")
    if len(set(columns)) != len(columns):
        raise InputError(f"`{name}` must name each column once; got {list(columns)!r}.")
    return tuple(columns)


def _normal(rows: Any) -> Any:
    """Return (rows, 1): in training a standard normal number for each row, 0 at inference."""
    import keras

    return keras.layers.GaussianNoise(1.0)(keras.ops.zeros_like(rows[:, :1]))


def _sign(rows: Any) -> Any:
    """Return (rows, 1): in training +1 or -1 at random, +1 at inference."""
    import keras

    ops = keras.ops
    return 1.0 - 2.0 * ops.cast(ops.less(_normal(rows), 0.0), "float32")
