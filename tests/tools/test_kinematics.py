"""Kinematics against closed forms and against independent solutions."""

from __future__ import annotations

import re

import numpy as np
import pytest
from tools.higgs_sim.kinematics import (
    W_MASS,
    add_neutrino,
    angular_distance,
    assign_tops,
    choose_b_jets,
    choose_w_pair,
    four_vector,
    invariant_mass,
    neutrino_pz,
    reconstruct_masses,
)

# Rounding: masses come from differences of squares of ~1e3 GeV in float64, so 1e-16 * 1e6 / 1e2 GeV, with room.
RTOL = 1e-9


def at_rest(mass: float) -> np.ndarray:
    """Return the four-vector of a particle at rest."""
    return np.array([mass, 0.0, 0.0, 0.0])


def decay(
    parent: np.ndarray, masses: tuple[float, float], direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the two products of a decay along `direction` in the parent's rest frame, boosted to the lab."""
    m, (m1, m2) = float(invariant_mass(parent)), masses
    momentum = np.sqrt((m**2 - (m1 + m2) ** 2) * (m**2 - (m1 - m2) ** 2)) / (2 * m)
    unit = direction / np.linalg.norm(direction)
    products = []
    for sign, mass in ((1, m1), (-1, m2)):
        p = sign * momentum * unit
        energy = np.sqrt(mass**2 + momentum**2)
        gamma, beta_gamma = parent[0] / m, parent[1:] / m
        along = p @ beta_gamma
        products.append(
            np.array([gamma * energy + along, *(p + (along / (1 + gamma) + energy) * beta_gamma)])
        )
    return products[0], products[1]


def test_a_four_vector_has_its_pt_eta_phi_and_mass() -> None:
    """Each defining quantity is recovered from the components by its own textbook formula."""
    rng = np.random.default_rng(0)
    pt, eta, phi, mass = rng.uniform([5, -4, -3, 0], [300, 4, 3, 90], (200, 4)).T
    p = four_vector(pt, eta, phi, mass)
    momentum = np.linalg.norm(p[:, 1:], axis=1)
    np.testing.assert_allclose(np.hypot(p[:, 1], p[:, 2]), pt, rtol=RTOL)
    np.testing.assert_allclose(np.arctan2(p[:, 2], p[:, 1]), phi, rtol=RTOL)
    np.testing.assert_allclose(-np.log(np.tan(np.arccos(p[:, 3] / momentum) / 2)), eta, rtol=1e-6)
    np.testing.assert_allclose(invariant_mass(p), mass, atol=1e-4)


@pytest.mark.parametrize(
    ("mass", "products"), [(91.19, (0.0, 0.0)), (172.5, (80.4, 4.8)), (325.0, (80.4, 125.0))]
)
def test_the_products_of_a_decay_have_the_mass_of_the_parent(mass, products) -> None:
    """Z -> e e, t -> W b and H+- -> W h0 in flight give back Z, t and H+-, whatever the boost and the angle."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        parent = four_vector(rng.uniform(1, 400), rng.uniform(-2, 2), rng.uniform(-3, 3), mass)
        first, second = decay(parent, products, rng.normal(size=3))
        np.testing.assert_allclose(first + second, parent, rtol=1e-9, atol=1e-9 * parent[0])
        assert invariant_mass(first + second) == pytest.approx(mass, rel=1e-9)


def test_two_massless_particles_have_the_mass_of_the_closed_form() -> None:
    """m^2 = 2 pT1 pT2 (cosh d eta - cos d phi)."""
    rng = np.random.default_rng(2)
    pt, eta, phi = rng.uniform(20, 200, (2, 99)), rng.uniform(-2.5, 2.5, (2, 99)), rng.uniform(-3, 3, (2, 99))
    expected = np.sqrt(2 * pt[0] * pt[1] * (np.cosh(eta[0] - eta[1]) - np.cos(phi[0] - phi[1])))
    np.testing.assert_allclose(invariant_mass(four_vector(pt, eta, phi).sum(axis=0)), expected, rtol=1e-7)


def test_a_mass_square_that_rounding_makes_negative_counts_as_zero() -> None:
    """A massless particle has mass 0, never NaN."""
    assert invariant_mass(np.array([1.0, 1.0, 1e-9, 0.0])) == 0.0


def test_angles_are_folded_at_pi() -> None:
    """Directions on both sides of phi = pi are near each other."""
    distances = angular_distance(np.array([0.0, 3.0]), np.array([np.pi - 0.1, 0.0]), 0.0, -np.pi + 0.1)
    np.testing.assert_allclose(distances, [0.2, np.hypot(3.0, np.pi - 0.1)])


def leptons_and_missing(rows: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return random leptons, missing momenta, and whether the neutrino's equation has real solutions.

    Real exactly when the transverse mass, by its closed form, is at most the W's.
    """
    rng = np.random.default_rng(3)
    pt, phi = rng.uniform(20, 120, (2, rows)), rng.uniform(-np.pi, np.pi, (2, rows))
    lepton = four_vector(pt[0], rng.uniform(-2.5, 2.5, rows), phi[0])
    missing = np.stack([pt[1] * np.cos(phi[1]), pt[1] * np.sin(phi[1])], axis=-1)
    transverse_mass = np.sqrt(2 * pt[0] * pt[1] * (1 - np.cos(phi[0] - phi[1])))
    return lepton, missing, transverse_mass < W_MASS


def with_neutrino(lepton: np.ndarray, missing: np.ndarray, pz: np.ndarray) -> np.ndarray:
    """Return the mass of lepton plus massless neutrino."""
    energy = np.sqrt((missing**2).sum(axis=-1) + pz**2)
    return invariant_mass(lepton + np.concatenate([energy[:, None], missing, pz[:, None]], axis=-1))


def test_the_neutrino_gives_the_w_its_mass_where_it_can() -> None:
    """With a real solution, lepton plus neutrino weigh exactly as much as the W."""
    lepton, missing, is_real = leptons_and_missing()
    masses = with_neutrino(lepton, missing, neutrino_pz(lepton, missing))
    assert 200 < is_real.sum() < 1800
    np.testing.assert_allclose(masses[is_real], W_MASS, rtol=1e-6)


def test_of_two_neutrinos_the_slower_along_the_beam_is_taken() -> None:
    """Both roots by NumPy's polynomial solver; ours is the smaller in size."""
    lepton, missing, is_real = leptons_and_missing(300)
    for p, m, pz in zip(
        lepton[is_real], missing[is_real], neutrino_pz(lepton, missing)[is_real], strict=True
    ):
        a = W_MASS**2 / 2 + p[1:3] @ m
        roots = np.roots([p[0] ** 2 - p[3] ** 2, -2 * a * p[3], p[0] ** 2 * (m @ m) - a**2])
        assert pz == pytest.approx(min(roots.real, key=abs), rel=1e-5, abs=1e-5)


def test_complex_neutrinos_give_their_real_part_and_a_heavier_w() -> None:
    """Without a real solution: the roots' common real part, which is where the mass is least, and above the W's."""
    lepton, missing, is_real = leptons_and_missing(300)
    lepton, missing = lepton[~is_real], missing[~is_real]
    pz = neutrino_pz(lepton, missing)
    masses = with_neutrino(lepton, missing, pz)
    assert (masses > W_MASS).all()
    for p, m, z in zip(lepton, missing, pz, strict=True):
        a = W_MASS**2 / 2 + p[1:3] @ m
        roots = np.roots([p[0] ** 2 - p[3] ** 2, -2 * a * p[3], p[0] ** 2 * (m @ m) - a**2])
        assert np.abs(roots.imag).min() > 0
        assert z == pytest.approx(roots[0].real, rel=1e-7)


def test_b_jets_are_the_strongest_tags_and_of_equals_the_leading() -> None:
    """Tag strength first, then pT."""
    assert choose_b_jets(np.array([1, 2, 1, 2])) == (1, 3)
    assert choose_b_jets(np.array([0, 1, 1, 1])) == (1, 2)


def test_the_w_pair_is_the_one_nearest_to_the_w() -> None:
    """A W's two quarks are found among radiation."""
    first, second = decay(four_vector(60.0, 0.4, 1.0, 80.9), (0.0, 0.0), np.array([0.3, -1.0, 0.5]))
    noise = four_vector([30.0, 25.0], [2.0, -2.0], [0.1, 3.0], 5.0)
    jets = np.stack([noise[0], first, noise[1], second])
    np.testing.assert_allclose(choose_w_pair(jets), first + second)


def test_a_w_needs_two_jets() -> None:
    """The message says what to pass."""
    message = "`jets` must hold at least 2 jets; got 1. Pass all jets except the two b jets."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        choose_w_pair(np.ones((1, 4)))


@pytest.mark.parametrize("swapped", [False, True])
def test_tops_take_the_pairing_of_like_masses(swapped) -> None:
    """Two tops of 172.5 GeV in flight are put together again, whichever b jet leads."""
    top, antitop = four_vector(80.0, 0.5, 0.3, 172.5), four_vector(80.0, -0.8, -2.8, 172.5)
    w1, b1 = decay(top, (80.4, 4.8), np.array([1.0, 0.2, 0.1]))
    w2, b2 = decay(antitop, (80.4, 4.8), np.array([-0.4, 1.0, 0.3]))
    b_jets = np.stack([b2, b1] if swapped else [b1, b2])
    assert assign_tops(w1, w2, b_jets) == pytest.approx((172.5, 172.5), rel=RTOL)
    assert abs(invariant_mass(w1 + b2) - invariant_mass(w2 + b1)) > 1.0, (
        "the wrong pairing must be a worse one"
    )


def test_all_masses_of_a_perfectly_measured_signal_are_those_of_its_particles() -> None:
    """H0 -> W H+-, H+- -> W h0, h0 -> b b, one W leptonic: 80.4, 125, 325 and 425 GeV come back."""
    rng = np.random.default_rng(4)
    exact = 0
    for _ in range(60):
        w1, charged = decay(at_rest(425.0), (80.4, 325.0), rng.normal(size=3))
        w2, light = decay(charged, (80.4, 125.0), rng.normal(size=3))
        b1, b2 = decay(light, (4.8, 4.8), rng.normal(size=3))
        (lepton, neutrino), (q1, q2) = (
            decay(w1, (0, 0), rng.normal(size=3)),
            decay(w2, (0, 0), rng.normal(size=3)),
        )
        jets = np.stack([b1, b2, q1, q2])
        masses = reconstruct_masses(lepton, neutrino[1:3], jets=jets, b_tags=np.array([2, 2, 0, 0]))
        assert (masses.m_jj, masses.m_bb, masses.m_lv) == pytest.approx((80.4, 125.0, 80.4), rel=1e-5)
        if np.allclose(add_neutrino(lepton, neutrino[1:3])[1:], lepton[1:] + neutrino[1:], atol=1e-3):
            assert (masses.m_wbb, masses.m_wwbb) == pytest.approx((325.0, 425.0), rel=1e-5)
            exact += 1
    assert exact > 15, "the slower neutrino must often be the true one"


def test_masses_need_four_jets() -> None:
    """The message names the count."""
    message = "`jets` must hold at least 4 jets; got 3. Reject the collision before."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        reconstruct_masses(at_rest(1.0), np.ones(2), jets=np.ones((3, 4)), b_tags=np.array([2, 2, 0]))
