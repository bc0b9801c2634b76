"""Masses and momenta against four-vectors in NumPy, and the symmetries they keep exactly."""

from __future__ import annotations

from itertools import combinations

import keras
import numpy as np
import pytest
from tests.refusals import refusal

from justright.higgs.columns import HIGGS_FEATURES, collision_columns
from justright.higgs.kinematics import (
    ETA_SCALES,
    MOMENTUM_SCALES,
    SMALL,
    particle_columns,
)
from justright.higgs.physics import PHI_LIMIT, HiggsMlp

COLUMNS = particle_columns(HIGGS_FEATURES)
ROLES = collision_columns(HIGGS_FEATURES)
FAMILY = HiggsMlp((), **ROLES, **COLUMNS, kinematics=True)
EVENT_VALUES = 4  # sum of momenta, recoil, lepton with missing momentum, sum along the beam
COUNT = 10 + 5 + EVENT_VALUES  # pairs of five particles, and each with the missing momentum
NAMES = list(ETA_SCALES)


@pytest.fixture(scope="module")
def rows():
    """(30, 28) rows with positive momenta and azimuths over the whole circle."""
    rng = np.random.default_rng(4)
    values = rng.exponential(1.0, (30, 28)).astype(np.float32) + np.float32(0.2)
    values[:, list(ROLES["phi"])] = rng.uniform(-PHI_LIMIT, PHI_LIMIT, (30, 6))
    values[:, list(ROLES["eta"])] = rng.normal(size=(30, 5))
    return values


def seen(rows, **options):
    """Masses and momenta as the first hidden layer gets them: a model that gives its own inputs back."""
    family = HiggsMlp((), **ROLES, **COLUMNS, kinematics=True, **options)
    width = family(28, 1).layers[-1].kernel.shape[0]
    model = family(28, width)
    model.layers[-1].set_weights([np.eye(width), np.zeros(width)])
    return np.asarray(model(rows))[:, -COUNT:]


def four_vectors(rows):
    """(rows, particles, 4) momenta of massless particles (x, y, z, energy), and (rows, 2) the missing one."""
    take = {name: rows[:, list(COLUMNS[name])].astype(np.float64) for name in ("momenta", "etas", "azimuths")}
    p = take["momenta"] * [MOMENTUM_SCALES[name] for name in NAMES]
    eta = take["etas"] * [ETA_SCALES[name] for name in NAMES]
    phi = take["azimuths"] * np.pi / PHI_LIMIT
    vectors = np.stack([p * np.cos(phi), p * np.sin(phi), p * np.sinh(eta), p * np.cosh(eta)], axis=-1)
    magnitude, azimuth = (rows[:, column].astype(np.float64) for column in COLUMNS["missing"])
    lost = magnitude * MOMENTUM_SCALES["missing_energy"]
    angle = azimuth * np.pi / PHI_LIMIT
    return vectors, np.stack([lost * np.cos(angle), lost * np.sin(angle)], axis=-1)


def test_masses_and_momenta_are_those_of_four_vectors(rows):
    """Energy and momentum of each pair added up, in float64; an entry a pair, a particle and an event's sum."""
    vectors, lost = four_vectors(rows)
    p = np.hypot(vectors[..., 0], vectors[..., 1])
    masses = []
    for first, second in combinations(range(5), 2):
        x, y, z, energy = (vectors[:, first] + vectors[:, second]).T
        # In units of half the table's square, a constant that standardising takes away; kept from 0 as documented.
        square = (energy**2 - x**2 - y**2 - z**2) / 2
        masses.append(np.log(square + SMALL * p[:, first] * p[:, second]) / 2)
    missing = np.hypot(*lost.T)[:, None]
    along = (vectors[..., :2] * lost[:, None]).sum(axis=-1)
    transverse = np.log(p * missing - along + SMALL * p * missing) / 2
    total = vectors.sum(axis=1)
    event = [
        p.sum(axis=1),
        np.hypot(*(total[:, :2] + lost).T),
        np.hypot(*(vectors[:, 0, :2] + lost).T),
        np.abs(total[:, 2]),
    ]
    found = seen(rows)
    assert len(event) == EVENT_VALUES
    np.testing.assert_allclose(
        found[:, :15], np.concatenate([np.stack(masses, axis=1), transverse], axis=1), atol=2e-3
    )
    np.testing.assert_allclose(found[:, 15:], np.stack(event, axis=1), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("symmetry", ["turn", "reflection", "mirror"])
def test_no_symmetry_changes_any_of_them(rows, symmetry):
    """All phi turned, all eta or all phi with the other sign."""
    changed = rows.copy()
    if symmetry == "turn":
        changed[:, list(ROLES["phi"])] += 0.9
    else:
        changed[:, list(ROLES["eta" if symmetry == "reflection" else "phi"])] *= -1
    np.testing.assert_allclose(seen(changed), seen(rows), atol=2e-3)


def test_parallel_and_vanishing_momenta_stay_finite():
    """A mass of 0, a momentum of 0, no missing momentum: numbers, not NaN."""
    rows = np.zeros((2, 28), np.float32)
    rows[1, list(COLUMNS["momenta"])] = 1.0
    values = seen(rows)
    assert np.isfinite(values).all()
    assert values.min() > 2 * np.log(SMALL)


def test_training_s_turns_leave_them_alone(rows):
    """They are made of the row as it is."""
    family = HiggsMlp((), **ROLES, **COLUMNS, kinematics=True, rotate=True, reflect=True, mirror=True)
    width = family(28, 1).layers[-1].kernel.shape[0]
    model = family(28, width)
    model.layers[-1].set_weights([np.eye(width), np.zeros(width)])
    keras.utils.set_random_seed(1)
    trained, still = (np.asarray(model(rows, training=training)) for training in (True, False))
    np.testing.assert_array_equal(trained[:, -COUNT:], still[:, -COUNT:])
    assert (trained[:, :-COUNT] != still[:, :-COUNT]).any()


def test_balance_of_real_rows_gives_the_scales(shared):
    """The smallest principal component of the transverse momenta of 11,000 rows of HIGGS, the lepton's set to 1."""
    import polars as pl

    names = [*NAMES, "missing_energy"]
    path = shared / "higgs" / "HIGGS-prefix.csv.gz"
    rows = pl.read_csv(path, has_header=False).to_numpy()[:, 1:].astype(np.float64)
    p = rows[:, [*COLUMNS["momenta"], COLUMNS["missing"][0]]]
    phi = rows[:, [*COLUMNS["azimuths"], COLUMNS["missing"][1]]] * np.pi / PHI_LIMIT
    parts = np.concatenate([p * np.cos(phi), p * np.sin(phi)])
    sizes, vectors = np.linalg.eigh(parts.T @ parts)
    assert sizes[0] < 0.02 * sizes.sum()
    found = vectors[:, 0] / vectors[0, 0]
    np.testing.assert_allclose(found, [MOMENTUM_SCALES[name] for name in names], rtol=0.02)


def test_a_table_without_those_columns_is_refused():
    """The first missing names, and what to do; columns that do not fit together are refused as well."""
    assert refusal(particle_columns, ["lepton_pT", "lepton_eta", "lepton_phi"]) == (
        "Masses of particles need the columns of HIGGS, such as 'lepton_pT'; the table lacks ['jet_1_pt', 'jet_1_eta', "
        "'jet_1_phi', 'jet_2_pt']. Leave them out, or name the columns."
    )
    assert refusal(HiggsMlp, (4,), phi=(1, 2), kinematics=True, momenta=(0,)) == (
        "`kinematics` needs 5 columns each in `momenta`, `etas` and `azimuths` and 2 in `missing`; got [[0], [], [], "
        "[]]. Use `particle_columns`."
    )
