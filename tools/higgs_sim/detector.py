"""The parametric detector: what becomes of the particles of a collision before they are columns.

It stands in for the Delphes simulation behind HIGGS. Every draw comes from the generator passed in, in a fixed
order (leptons, then jets by falling true pT, then the missing momentum), so that a seed fixes the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .kinematics import Floats, Masses, angular_distance, four_vector, reconstruct_masses

ELECTRON, MUON = 11, 13  # particle codes (Particle Data Group)

MIN_PT = 20.0  # GeV, for the lepton and every jet: the selection of Baldi et al. (2014).
MAX_ETA = 2.5  # the tracker's reach: neither leptons nor b tags beyond it; the same selection.
CALORIMETER_ETA = 4.9  # reach of the forward calorimeter; what flies beyond adds to the missing momentum.
CALORIMETER_PT = 0.2  # GeV; softer particles do not reach the calorimeter in the magnetic field.

LEPTON_MIN_TRUE_PT = (
    15.0  # GeV; below MIN_PT by ten resolutions, so that smearing may lift a lepton above it.
)
LEPTON_EFFICIENCY = {ELECTRON: 0.90, MUON: 0.95}  # electrons are harder to tell from jets than muons.
LEPTON_RESOLUTION = 0.02  # of pT, at the tens of GeV of these leptons.
ISOLATION_RADIUS = 0.4  # cone around the lepton; wide enough to catch the rest of a b jet.
ISOLATION_TRACK_PT = 0.5  # GeV; softer tracks are not reconstructed.
MAX_ISOLATION = 0.12  # of the lepton's pT may be in other tracks of the cone; leptons of b decays exceed it.

LEPTON_JET_DISTANCE = 0.4  # a jet nearer to the lepton is the lepton itself in the calorimeter.
JET_STOCHASTIC = 0.8  # per sqrt(energy in GeV): sampling term of a hadron calorimeter.
JET_CONSTANT = 0.05  # relative, energy-independent: calibration.
MIN_JET_RESPONSE = 0.05  # a Gaussian has a negative tail, an energy has not.
MISSING_NOISE = 6.0  # GeV per component: soft deposits outside jets and pile-up.
MAX_JETS = 7  # leading jets that may form the hadronic W; further ones are mostly radiation.

FLAVOUR_RADIUS = 0.4  # a jet is a b (c) jet if a b (c) hadron is this near to its axis.
FLAVOUR_MIN_PT = 5.0  # GeV of that hadron; softer ones make no displaced vertex worth a tag.
MIN_B_TAGS = 2  # among the four leading jets: the selection of Baldi et al. (2014).
LEADING_JETS = 4  # jets that become columns.
# Probability of at least the loose tag (1) and of the tight tag (2): typical operating points of an LHC tagger.
LOOSE_TAG = {"b": 0.70, "c": 0.20, "light": 0.02}
TIGHT_TAG = {"b": 0.50, "c": 0.08, "light": 0.003}


@dataclass(frozen=True, slots=True)
class Particles:
    """The particles of one collision as the detector meets them; momenta in GeV.

    Shape:
        momenta: (particles, 3), px, py, pz of stable particles except neutrinos.
        codes: (particles,), absolute Particle Data Group codes.
        charged: (particles,).
        b_hadrons, c_hadrons: (hadrons, 2), eta and phi of those above FLAVOUR_MIN_PT.
    """

    momenta: Floats
    codes: npt.NDArray[np.int64]
    charged: npt.NDArray[np.bool_]
    b_hadrons: Floats
    c_hadrons: Floats

    def directions(self) -> Floats:
        """Return (3, particles): pT in GeV, pseudorapidity, azimuth in radians."""
        px, py, pz = self.momenta.T
        pt = np.hypot(px, py)
        # arcsinh needs pT > 0; a particle exactly along the beam gets a huge eta, outside every acceptance.
        return np.stack([pt, np.arcsinh(pz / np.maximum(pt, 1e-9)), np.arctan2(py, px)])


@dataclass(frozen=True, slots=True)
class Lepton:
    """The measured electron or muon: pT in GeV, pseudorapidity, azimuth in radians."""

    pt: float
    eta: float
    phi: float


@dataclass(frozen=True, slots=True)
class Jet:
    """A jet, true or measured: pT and mass in GeV; `b_tag` is 0 (none), 1 (loose) or 2 (tight)."""

    pt: float
    eta: float
    phi: float
    mass: float
    b_tag: int = 0


def measure_lepton(particles: Particles, rng: np.random.Generator) -> Lepton | None:
    """Return the measured lepton of a collision with exactly one isolated one, or None."""
    pt, eta, phi = particles.directions()
    is_lepton = (
        np.isin(particles.codes, (ELECTRON, MUON)) & (pt > LEPTON_MIN_TRUE_PT) & (np.abs(eta) < MAX_ETA)
    )
    tracks = particles.charged & (pt > ISOLATION_TRACK_PT)
    found = []
    for i in np.flatnonzero(is_lepton):
        near = angular_distance(eta[tracks], phi[tracks], eta[i], phi[i]) < ISOLATION_RADIUS
        if (pt[tracks][near].sum() - pt[i]) / pt[i] >= MAX_ISOLATION:
            continue
        if rng.random() > LEPTON_EFFICIENCY[int(particles.codes[i])]:
            continue
        measured = pt[i] * (1 + LEPTON_RESOLUTION * rng.normal())
        if measured > MIN_PT:
            found.append(Lepton(float(measured), float(eta[i]), float(phi[i])))
    return found[0] if len(found) == 1 else None


def measure_event(
    particles: Particles, lepton: Lepton, *, jets: list[Jet], rng: np.random.Generator
) -> Floats | None:
    """Return the 28 features of a collision in physical units (GeV, radians), or None if it is not selected.

    Args:
        particles: for the missing momentum and the flavour of jets.
        lepton: the measured lepton.
        jets: true jets by falling pT.
        rng: source of every draw.

    Returns:
        (28,) in the order of `table.FEATURES`, or None: fewer than four jets, or two tags, among the leading.
    """
    measured, missing = measure_jets(particles, lepton, jets=jets, rng=rng)
    leading = measured[:LEADING_JETS]
    if len(leading) < LEADING_JETS or sum(jet.b_tag > 0 for jet in leading) < MIN_B_TAGS:
        return None
    missing = missing + rng.normal(size=2) * MISSING_NOISE
    masses = measure_masses(lepton, missing, jets=measured)
    low_level = [lepton.pt, lepton.eta, lepton.phi, np.hypot(*missing), np.arctan2(missing[1], missing[0])]
    for jet in leading:
        low_level += [jet.pt, jet.eta, jet.phi, float(jet.b_tag)]
    high_level = [getattr(masses, name) for name in Masses.__dataclass_fields__]
    return np.array(low_level + high_level, np.float64)


def measure_jets(
    particles: Particles, lepton: Lepton, *, jets: list[Jet], rng: np.random.Generator
) -> tuple[list[Jet], Floats]:
    """Return the selected jets by falling measured pT, and the missing momentum (px, py) in GeV before noise.

    What a jet gains or loses in the calorimeter, the missing momentum loses or gains. (The lepton's smearing is
    left out there: at 2 % it is far below MISSING_NOISE.)
    """
    missing, measured = missing_momentum(particles), []
    for jet in jets:
        if (
            angular_distance(np.array(jet.eta), np.array(jet.phi), lepton.eta, lepton.phi)
            < LEPTON_JET_DISTANCE
        ):
            continue
        response = jet_response(jet, rng)
        missing = missing + (1 - response) * jet.pt * np.array([np.cos(jet.phi), np.sin(jet.phi)])
        if response * jet.pt > MIN_PT and abs(jet.eta) < MAX_ETA:
            b_tag = draw_b_tag(jet_flavour(jet, particles), rng)
            measured.append(Jet(response * jet.pt, jet.eta, jet.phi, response * jet.mass, b_tag))
    return sorted(measured, key=lambda jet: -jet.pt), missing


def missing_momentum(particles: Particles) -> Floats:
    """Return (2,): minus the sum of (px, py) in GeV over what the calorimeter sees."""
    pt, eta, _ = particles.directions()
    seen = (np.abs(eta) < CALORIMETER_ETA) & (pt > CALORIMETER_PT)
    return np.asarray(-particles.momenta[seen, :2].sum(axis=0))


def jet_response(jet: Jet, rng: np.random.Generator) -> float:
    """Return measured over true energy: Gaussian, of width sqrt(JET_STOCHASTIC^2 / E + JET_CONSTANT^2)."""
    energy = max(jet.pt * np.cosh(jet.eta), 1.0)  # GeV, massless; 1 GeV keeps the width finite.
    width = np.hypot(JET_STOCHASTIC / np.sqrt(energy), JET_CONSTANT)
    return float(max(1 + rng.normal() * width, MIN_JET_RESPONSE))


def jet_flavour(jet: Jet, particles: Particles) -> str:
    """Return 'b', 'c' or 'light', by the heaviest hadron within FLAVOUR_RADIUS of the jet's axis."""
    for flavour, hadrons in (("b", particles.b_hadrons), ("c", particles.c_hadrons)):
        if np.any(angular_distance(hadrons[:, 0], hadrons[:, 1], jet.eta, jet.phi) < FLAVOUR_RADIUS):
            return flavour
    return "light"


def draw_b_tag(flavour: str, rng: np.random.Generator) -> int:
    """Return 2 (tight), 1 (loose but not tight) or 0, one draw against both efficiencies of the flavour."""
    draw = rng.random()
    return 2 if draw < TIGHT_TAG[flavour] else 1 if draw < LOOSE_TAG[flavour] else 0


def measure_masses(lepton: Lepton, missing: Floats, *, jets: list[Jet]) -> Masses:
    """Return the reconstructed masses from measured objects; only the MAX_JETS leading jets take part."""
    used = jets[:MAX_JETS]
    pt, eta, phi, mass = np.array([(jet.pt, jet.eta, jet.phi, jet.mass) for jet in used]).T
    return reconstruct_masses(
        four_vector(lepton.pt, lepton.eta, lepton.phi),
        missing,
        jets=four_vector(pt, eta, phi, mass),
        b_tags=np.array([jet.b_tag for jet in used[:LEADING_JETS]]),
    )
