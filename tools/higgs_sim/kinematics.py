"""Four-vectors, invariant masses and the W and top assignments of one collision: NumPy only, no random numbers.

A four-vector is `(energy, px, py, pz)` along the last axis; every energy, momentum and mass is in GeV (c = 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

W_MASS = 80.4  # GeV; the neutrino solution and the pairing of jets use this value.
CHARGED_HIGGS_MASS = 325.0  # GeV; `m_wbb` is the W b b combination nearest to it, in both classes.


@dataclass(frozen=True, slots=True)
class Masses:
    """The seven reconstructed masses of one collision in GeV, in the order of HIGGS' columns."""

    m_jj: float
    m_jjj: float
    m_lv: float
    m_jlv: float
    m_bb: float
    m_wbb: float
    m_wwbb: float


def four_vector(
    pt: npt.ArrayLike, eta: npt.ArrayLike, phi: npt.ArrayLike, mass: npt.ArrayLike = 0.0
) -> Floats:
    """Return (energy, px, py, pz) of particles given as a detector measures them.

    Args:
        pt: (...), transverse momentum in GeV.
        eta: (...), pseudorapidity, from which pz = pt sinh(eta).
        phi: (...), azimuth in radians.
        mass: (...), GeV.

    Returns:
        (..., 4) in GeV.

    Raises:
        ValueError: the shapes do not broadcast.

    Example:
        >>> four_vector(3.0, 0.0, 0.0, 4.0)
        array([5., 3., 0., 0.])
    """
    pt, eta, phi, mass = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (pt, eta, phi, mass)))
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return np.stack([np.sqrt(px**2 + py**2 + pz**2 + mass**2), px, py, pz], axis=-1)


def invariant_mass(p: Floats) -> Floats:
    """Return the masses of four-vectors, sqrt(E^2 - |p|^2), in GeV.

    A negative square, which only rounding makes, counts as 0.

    Args:
        p: (..., 4) in GeV.

    Returns:
        (...) in GeV.

    Example:
        >>> float(invariant_mass(four_vector([50.0, 50.0], 0.0, [0.0, np.pi]).sum(axis=0)).round(6))
        100.0
    """
    squares = p[..., 0] ** 2 - p[..., 1] ** 2 - p[..., 2] ** 2 - p[..., 3] ** 2
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))[()]


def angular_distance(eta: Floats, phi: Floats, other_eta: float, other_phi: float) -> Floats:
    """Return sqrt(d eta^2 + d phi^2) with d phi folded into 0..pi.

    Args:
        eta: (particles,).
        phi: (particles,), radians.
        other_eta: pseudorapidity of the direction measured from.
        other_phi: its azimuth, radians.

    Returns:
        (particles,).

    Example:
        >>> angular_distance(np.array([0.3]), np.array([3.1]), 0.3, -3.1).round(4)
        array([0.0832])
    """
    d_phi = np.abs(phi - other_phi) % (2 * np.pi)
    return np.hypot(eta - other_eta, np.minimum(d_phi, 2 * np.pi - d_phi))


def neutrino_pz(lepton: Floats, missing: Floats, w_mass: float = W_MASS) -> Floats:
    """Return the neutrino's momentum along the beam that gives lepton and neutrino the W's mass.

    With a = w_mass^2 / 2 + (px, py) of the lepton times (px, py) missing, the massless lepton's pz, E obey
    (E^2 - pz^2) z^2 - 2 a pz z + E^2 |missing|^2 - a^2 = 0. Of two real solutions the one smaller in size is
    taken (the more likely one in pp collisions); of two complex ones the real part, and then m_lv > w_mass.

    Args:
        lepton: (..., 4), massless, GeV, not along the beam.
        missing: (..., 2), missing transverse momentum (px, py) in GeV, taken as the neutrino's.
        w_mass: GeV.

    Returns:
        (...), GeV.

    Example:
        >>> float(abs(neutrino_pz(four_vector(40.2, 0.0, 0.0), np.array([-40.2, 0.0]))))
        0.0
    """
    energy, pz = lepton[..., 0], lepton[..., 3]
    a = w_mass**2 / 2 + lepton[..., 1] * missing[..., 0] + lepton[..., 2] * missing[..., 1]
    quadratic, linear = energy**2 - pz**2, -2 * a * pz
    constant = energy**2 * (missing[..., 0] ** 2 + missing[..., 1] ** 2) - a**2
    root = np.sqrt(np.maximum(linear**2 - 4 * quadratic * constant, 0.0))
    plus, minus = (-linear + root) / (2 * quadratic), (-linear - root) / (2 * quadratic)
    return np.asarray(np.where(np.abs(plus) < np.abs(minus), plus, minus))[()]


def add_neutrino(lepton: Floats, missing: Floats) -> Floats:
    """Return lepton plus neutrino, the leptonic W, with the neutrino's pz from `neutrino_pz`.

    Args:
        lepton: (4,), massless, GeV.
        missing: (2,), missing transverse momentum (px, py) in GeV.

    Returns:
        (4,) in GeV.
    """
    pz = neutrino_pz(lepton, missing)
    momentum = np.array([missing[0], missing[1], pz])
    return np.asarray(lepton + np.concatenate([[np.sqrt(np.sum(momentum**2))], momentum]))


def choose_b_jets(b_tags: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return the two most strongly tagged of the leading jets; of equals, the one of higher pT.

    Args:
        b_tags: (jets,), 0, 1 or 2, jets by falling pT.

    Example:
        >>> choose_b_jets(np.array([1, 0, 2, 1]))
        (2, 0)
    """
    first, second = np.argsort(-b_tags, kind="stable")[:2]
    return int(first), int(second)


def choose_w_pair(jets: Floats, w_mass: float = W_MASS) -> Floats:
    """Return the sum of the two jets whose mass is nearest to the W's: the hadronic W.

    Args:
        jets: (jets, 4), at least two, without the two b jets, GeV.
        w_mass: GeV.

    Returns:
        (4,) in GeV.

    Raises:
        ValueError: fewer than two jets.
    """
    if len(jets) < 2:
        raise ValueError(
            f"`jets` must hold at least 2 jets; got {len(jets)}. Pass all jets except the two b jets."
        )
    first, second = np.triu_indices(len(jets), k=1)
    pairs = jets[first] + jets[second]
    best: Floats = pairs[np.argmin(np.abs(invariant_mass(pairs) - w_mass))]
    return best


def assign_tops(hadronic_w: Floats, leptonic_w: Floats, b_jets: Floats) -> tuple[float, float]:
    """Return (m_jjj, m_jlv) of the pairing of W and b jets whose two masses are nearer to each other.

    Top and antitop weigh the same, so the right pairing has two like masses.

    Args:
        hadronic_w: (4,), GeV.
        leptonic_w: (4,), GeV.
        b_jets: (2, 4), GeV; of two equally good pairings the first b jet goes to the hadronic W.

    Returns:
        GeV.
    """
    hadronic, leptonic = invariant_mass(hadronic_w + b_jets), invariant_mass(leptonic_w + b_jets[::-1])
    best = np.argmin(np.abs(hadronic - leptonic))
    return float(hadronic[best]), float(leptonic[best])


def reconstruct_masses(
    lepton: Floats, missing: Floats, *, jets: Floats, b_tags: npt.NDArray[np.int64]
) -> Masses:
    """Return the seven masses of Baldi, Sadowski and Whiteson (2014), `Methods`, for one collision.

    Args:
        lepton: (4,), massless, GeV.
        missing: (2,), missing transverse momentum (px, py) in GeV.
        jets: (jets, 4) by falling pT, GeV; all may form the hadronic W.
        b_tags: (4,), tags of the four leading jets; the b jets are chosen among these.

    Raises:
        ValueError: fewer than four jets.
    """
    if len(jets) < 4:
        raise ValueError(f"`jets` must hold at least 4 jets; got {len(jets)}. Reject the collision before.")
    chosen = list(choose_b_jets(b_tags))
    b_jets, b_pair = jets[chosen], jets[chosen].sum(axis=0)
    leptonic_w, hadronic_w = add_neutrino(lepton, missing), choose_w_pair(np.delete(jets, chosen, axis=0))
    m_jjj, m_jlv = assign_tops(hadronic_w, leptonic_w, b_jets)
    wbb = invariant_mass(np.stack([leptonic_w, hadronic_w]) + b_pair)
    return Masses(
        m_jj=float(invariant_mass(hadronic_w)),
        m_jjj=m_jjj,
        m_lv=float(invariant_mass(leptonic_w)),
        m_jlv=m_jlv,
        m_bb=float(invariant_mass(b_pair)),
        m_wbb=float(wbb[np.argmin(np.abs(wbb - CHARGED_HIGGS_MASS))]),
        m_wwbb=float(invariant_mass(leptonic_w + hadronic_w + b_pair)),
    )
