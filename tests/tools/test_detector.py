"""The detector: tag fractions, resolutions, isolation, missing momentum, selection."""

from __future__ import annotations

import numpy as np
import pytest
from tools.higgs_sim import detector
from tools.higgs_sim.detector import Jet, Lepton, Particles
from tools.higgs_sim.kinematics import four_vector
from tools.higgs_sim.table import FEATURES

DRAWS = 20_000
SIGMAS = 4.5  # two-sided chance 7e-6 a comparison; the seeds are fixed, so a pass stays a pass.


def particles(*stable: tuple[int, float, float, float], b_hadrons=(), c_hadrons=()) -> Particles:
    """Return charged stable particles given as (code, pt, eta, phi)."""
    vectors = four_vector(*np.array([p[1:] for p in stable], float).T) if stable else np.empty((0, 4))
    return Particles(
        momenta=vectors[:, 1:],
        codes=np.array([p[0] for p in stable], np.int64),
        charged=np.ones(len(stable), bool),
        b_hadrons=np.array(b_hadrons, float).reshape(-1, 2),
        c_hadrons=np.array(c_hadrons, float).reshape(-1, 2),
    )


@pytest.mark.parametrize("flavour", ["b", "c", "light"])
def test_tag_fractions_are_the_efficiencies(flavour) -> None:
    """Tight and loose-or-tight fractions agree with the constants within their binomial error."""
    rng = np.random.default_rng(0)
    tags = np.array([detector.draw_b_tag(flavour, rng) for _ in range(DRAWS)])
    for least, efficiency in ((2, detector.TIGHT_TAG[flavour]), (1, detector.LOOSE_TAG[flavour])):
        error = np.sqrt(efficiency * (1 - efficiency) / DRAWS)
        assert abs((tags >= least).mean() - efficiency) < SIGMAS * error
    assert set(tags) == {0, 1, 2}


def test_efficiencies_are_ordered() -> None:
    """A tight tag is also a loose one, and b is tagged more often than c, c more often than the rest."""
    for flavour in ("b", "c", "light"):
        assert 0 < detector.TIGHT_TAG[flavour] < detector.LOOSE_TAG[flavour] < 1
    for tag in (detector.TIGHT_TAG, detector.LOOSE_TAG):
        assert tag["b"] > tag["c"] > tag["light"]


def test_a_jets_flavour_is_its_heaviest_near_hadron() -> None:
    """B before c, within 0.4 of the axis, across phi = pi."""
    jet = Jet(50.0, 0.0, 3.1, 5.0)
    near, far = (0.1, -3.1), (0.5, 3.1)
    assert detector.jet_flavour(jet, particles(b_hadrons=[near], c_hadrons=[near])) == "b"
    assert detector.jet_flavour(jet, particles(b_hadrons=[far], c_hadrons=[near])) == "c"
    assert detector.jet_flavour(jet, particles(b_hadrons=[far])) == "light"


@pytest.mark.parametrize(("pt", "eta"), [(30.0, 0.0), (100.0, 2.0)])
def test_the_jet_response_has_the_width_of_its_formula(pt, eta) -> None:
    """Mean 1 and width sqrt(0.8^2 / E + 0.05^2) within the errors of mean and deviation."""
    rng = np.random.default_rng(1)
    jet = Jet(pt, eta, 0.0, 0.0)
    responses = np.array([detector.jet_response(jet, rng) for _ in range(DRAWS)])
    width = np.sqrt(0.8**2 / (pt * np.cosh(eta)) + 0.05**2)
    assert abs(responses.mean() - 1) < SIGMAS * width / np.sqrt(DRAWS)
    assert abs(responses.std() / width - 1) < SIGMAS / np.sqrt(2 * DRAWS)


def test_leptons_are_found_with_their_efficiency_and_resolution() -> None:
    """90 % of electrons and 95 % of muons, pT smeared by 2 %."""
    rng = np.random.default_rng(2)
    for code, efficiency in ((11, 0.90), (13, 0.95)):
        event = particles((code, 50.0, 0.5, 1.0))
        found = [x.pt for _ in range(4000) if (x := detector.measure_lepton(event, rng)) is not None]
        assert abs(len(found) / 4000 - efficiency) < SIGMAS * np.sqrt(efficiency * (1 - efficiency) / 4000)
        assert np.std(found) / 50 == pytest.approx(0.02, rel=SIGMAS / np.sqrt(2 * 3600))


@pytest.mark.parametrize(
    "stable",
    [
        [(13, 50.0, 0.5, 1.0), (211, 7.0, 0.6, 1.1)],
        [(13, 50.0, 2.6, 1.0)],
        [(13, 14.0, 0.5, 1.0)],
        [(211, 50.0, 0.5, 1.0)],
    ],
    ids=["not isolated", "beyond the tracker", "too soft", "a pion"],
)
def test_what_is_no_isolated_lepton_is_never_one(stable) -> None:
    """No draw of the detector makes a lepton of these."""
    rng = np.random.default_rng(3)
    assert all(detector.measure_lepton(particles(*stable), rng) is None for _ in range(200))


def test_two_leptons_are_never_selected_as_two() -> None:
    """With two isolated leptons a collision passes only if exactly one of them is missed: 2 e (1 - e)."""
    rng = np.random.default_rng(4)
    event = particles((13, 50.0, 0.5, 1.0), (13, 60.0, -0.5, -2.0))
    passed = sum(detector.measure_lepton(event, rng) is not None for _ in range(4000)) / 4000
    expected = 2 * 0.95 * 0.05
    assert abs(passed - expected) < SIGMAS * np.sqrt(expected * (1 - expected) / 4000)


def test_missing_momentum_balances_what_is_seen() -> None:
    """Minus the visible sum; what is soft or beyond the calorimeter does not count."""
    event = particles(
        (211, 40.0, 1.0, 0.0), (22, 30.0, -2.0, np.pi / 2), (211, 99.0, 5.0, 0.0), (211, 0.1, 0.0, 1.0)
    )
    np.testing.assert_allclose(detector.missing_momentum(event), [-40.0, -30.0], atol=1e-9)


def test_what_a_jet_loses_the_missing_momentum_gains() -> None:
    """Measured jet plus missing momentum is the same before and after smearing."""
    event, lepton = particles((211, 80.0, 0.0, 0.7)), Lepton(30.0, 0.0, -2.0)
    jets, missing = detector.measure_jets(
        event, lepton, jets=[Jet(80.0, 0.0, 0.7, 8.0)], rng=np.random.default_rng(5)
    )
    assert jets[0].pt != 80.0
    assert jets[0].mass / jets[0].pt == pytest.approx(0.1)
    total = missing + jets[0].pt * np.array([np.cos(0.7), np.sin(0.7)])
    np.testing.assert_allclose(total, 0.0, atol=1e-9)


def test_a_jet_on_the_lepton_is_the_lepton() -> None:
    """It is dropped, and takes no draw."""
    rng = np.random.default_rng(6)
    jets, _ = detector.measure_jets(
        particles(), Lepton(30.0, 0.1, 0.1), jets=[Jet(31.0, 0.2, 0.2, 1.0)], rng=rng
    )
    assert jets == []
    assert rng.random() == np.random.default_rng(6).random()


def test_a_selected_collision_has_four_falling_jets_and_two_tags() -> None:
    """Every selected row obeys the selection; rows with too few tags or jets are None."""
    rng, lepton = np.random.default_rng(7), Lepton(40.0, 0.3, 0.2)
    etas, phis = (1.0, -1.0, 0.5, 2.0, -2.0), (2.0, -2.0, 3.0, -1.0, 1.2)
    event = particles((13, 40.0, 0.3, 0.2), b_hadrons=list(zip(etas, phis, strict=True))[:2])
    jets = [Jet(pt, e, p, 5.0) for pt, e, p in zip((90, 70, 50, 35, 25), etas, phis, strict=True)]
    rows = [detector.measure_event(event, lepton, jets=jets, rng=rng) for _ in range(400)]
    selected = np.stack([row for row in rows if row is not None])
    column = {name: selected[:, i] for i, name in enumerate(FEATURES)}
    pt = np.stack([column[f"jet_{j}_pt"] for j in range(1, 5)])
    tags = np.stack([column[f"jet_{j}_b_tag"] for j in range(1, 5)])
    assert 100 < len(selected) < 300  # both b jets tagged: 0.7^2 and a little more from the light ones
    assert (np.diff(pt, axis=0) <= 0).all()
    assert (pt > detector.MIN_PT).all()
    assert ((tags > 0).sum(axis=0) >= 2).all()
    assert detector.measure_event(event, lepton, jets=jets[:3], rng=rng) is None
