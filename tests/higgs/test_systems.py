"""Masses of larger systems against four-vectors in NumPy, and the neutrino's against the mass it is made for."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from justright.higgs.columns import HIGGS_FEATURES
from justright.higgs.kinematics import ETA_SCALES, MISSING, MOMENTUM_SCALES, particle_columns
from justright.higgs.physics import PHI_LIMIT
from justright.higgs.systems import GROUPS, SMALL_SQUARE, W_MASS, system_masses

NAMES = list(ETA_SCALES)


@pytest.fixture(scope="module")
def collisions():
    """Momenta, etas, azimuths, missing momentum and its azimuth of 200 rows, in the table's units."""
    rng = np.random.default_rng(7)
    return (
        rng.uniform(0.3, 2.0, (200, 5)),
        rng.normal(size=(200, 5)),
        rng.uniform(-np.pi, np.pi, (200, 5)),
        rng.uniform(0.1, 2.0, (200, 1)),
        rng.uniform(-np.pi, np.pi, (200, 1)),
    )


def masses(collisions):
    """What the layers make of them."""
    inputs = [keras.Input((part.shape[1],)) for part in collisions]
    return np.exp(np.asarray(keras.Model(inputs, system_masses(*inputs))(list(collisions))))


def four_vectors(collisions):
    """(rows, 5, 4) energies and momenta of the particles, and (rows, 2) the missing momentum, in float64."""
    momenta, etas, phi, missing, azimuth = collisions
    p = momenta * [MOMENTUM_SCALES[name] for name in NAMES]
    eta = etas * list(ETA_SCALES.values())
    visible = np.stack([p * np.cosh(eta), p * np.cos(phi), p * np.sin(phi), p * np.sinh(eta)], axis=-1)
    lost = missing * MOMENTUM_SCALES[MISSING]
    return visible, np.concatenate([lost * np.cos(azimuth), lost * np.sin(azimuth)], axis=1)


def mass(vectors):
    """(rows,) mass of summed four-vectors (rows, particles, 4), kept from 0 as documented."""
    energy, x, y, z = vectors.sum(axis=1).T
    return np.sqrt(np.maximum(energy**2 - x**2 - y**2 - z**2, 0) + SMALL_SQUARE)


def test_groups_are_all_there_once():
    """Ten of three, all jets, all visible ones, and the W with every set of jets."""
    assert len(GROUPS) == len(set(GROUPS)) == 10 + 2 + 2**4
    assert all(sorted(group) == sorted(set(group)) for group in GROUPS)


def test_masses_of_visible_particles_are_those_of_summed_four_vectors(collisions):
    """In float64; the layers' float32 squares are right to a thousandth."""
    visible, _ = four_vectors(collisions)
    expected = [mass(visible[:, list(group)]) for group in GROUPS if 5 not in group]
    found = masses(collisions)[:, [at for at, group in enumerate(GROUPS) if 5 not in group]]
    np.testing.assert_allclose(found, np.stack(expected, axis=1), rtol=2e-3)


def test_lepton_and_neutrino_have_the_mass_of_a_w_wherever_that_is_possible(collisions):
    """A transverse mass above it leaves no such neutrino: then the mass is at least that one."""
    visible, lost = four_vectors(collisions)
    lepton = visible[:, 0]
    product = (lepton[:, 1:3] * lost).sum(axis=1)
    transverse = np.sqrt(2 * (np.hypot(*lepton[:, 1:3].T) * np.hypot(*lost.T) - product))
    found = masses(collisions)[:, GROUPS.index((0, 5))]
    is_possible = transverse < W_MASS
    assert 0 < is_possible.sum() < len(is_possible)
    # Squared energies up to 1e4 lose 1e-3 in float32.
    np.testing.assert_allclose(found[is_possible], W_MASS, rtol=2e-3)
    assert (found[~is_possible] > transverse[~is_possible] * (1 - 2e-3)).all()


def test_vanishing_momenta_stay_finite():
    """No momentum anywhere: numbers, not NaN."""
    nothing = tuple(np.zeros((2, size)) for size in (5, 5, 5, 1, 1))
    assert np.isfinite(masses(nothing)).all()


def test_the_table_s_own_column_gives_the_mass_of_the_w(shared):
    """`m_lv` above the W's mass is the transverse mass; its most frequent value below is the W's own, in that unit."""
    import polars as pl

    rows = pl.read_parquet(shared / "higgs" / "heldout.parquet").select(HIGGS_FEATURES).to_numpy()
    columns = particle_columns(HIGGS_FEATURES)
    p, phi = rows[:, columns["momenta"][0]], rows[:, columns["azimuths"][0]]
    lost, azimuth = (rows[:, column] for column in columns["missing"])
    turn = (phi - azimuth) * np.pi / PHI_LIMIT
    transverse = np.sqrt(2 * p * lost * MOMENTUM_SCALES[MISSING] * (1 - np.cos(turn)))
    column = rows[:, HIGGS_FEATURES.index("m_lv")]
    unit = np.median((transverse / column)[column > 1.06])
    counts, edges = np.histogram(column, bins=400, range=(0.9, 1.1))
    at = counts.argmax()
    assert unit * (edges[at] + edges[at + 1]) / 2 == pytest.approx(W_MASS, rel=0.003)
