"""Collisions from Pythia 8 through the detector into rows: the only module that needs `pythia8mc`."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from .detector import FLAVOUR_MIN_PT, Jet, Particles, measure_event, measure_lepton
from .kinematics import CHARGED_HIGGS_MASS, Floats

Sample = Literal["signal", "background"]

BEAM_ENERGY = 8000.0  # GeV in the centre of mass: the LHC of 2012, as in HIGGS.
HEAVY_HIGGS_MASS = 425.0  # GeV, H0 of the signal (Baldi et al., 2014)
LIGHT_HIGGS_MASS = 125.0  # GeV, h0 of the signal
HIGGS_WIDTH = (
    5.0  # GeV for H0 and H+-; narrow against the detector's resolution, so its value hardly matters.
)
PSEUDOSCALAR_MASS = 1000.0  # GeV, A0: out of reach, so that H0 does not decay to it.
MAX_FAILURES = (
    100  # failed collisions in a row; Pythia rejects about one in 10^4, so this is a broken set-up.
)
MAX_SEED = 900_000_000  # Pythia's own limit

COMMON_SETTINGS = (
    f"Beams:eCM = {BEAM_ENERGY}",
    "Print:quiet = on",
    "Next:numberShowEvent = 0",
    "Random:setSeed = on",
    "PartonLevel:MPI = on",
)
SETTINGS: dict[Sample, tuple[str, ...]] = {
    # gg -> H0 -> W H+-, H+- -> W h0, h0 -> b b; couplings 1 so that no channel is closed.
    "signal": (
        "Higgs:useBSM = on",
        "HiggsBSM:gg2H2 = on",
        f"35:m0 = {HEAVY_HIGGS_MASS}",
        f"37:m0 = {CHARGED_HIGGS_MASS}",
        f"25:m0 = {LIGHT_HIGGS_MASS}",
        f"36:m0 = {PSEUDOSCALAR_MASS}",
        f"35:mWidth = {HIGGS_WIDTH}",
        f"37:mWidth = {HIGGS_WIDTH}",
        "35:onMode = off",
        "35:onIfMatch = 24 -37",
        "35:onIfMatch = -24 37",
        "37:onMode = off",
        "37:onIfMatch = 24 25",
        "25:onMode = off",
        "25:onIfMatch = 5 -5",
        "HiggsH2:coup2u = 1.",
        "HiggsH2:coup2d = 1.",
        "HiggsH2:coup2HchgW = 1.",
        "HiggsHchg:coup2H1W = 1.",
    ),
    "background": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
}

# Jets: anti-kT (-1) of radius 0.5 as in HIGGS; true pT above 12 GeV (below the selection's 20 by more than the
# energy resolution), |eta| < 4; of visible particles (2) with the pion's mass except for photons (1).
JET_FINDER = (-1, 0.5, 12.0, 4.0, 2, 1)
NEUTRINOS = (12, 14, 16)


def generate_rows(sample: Sample, events: int, *, seed: int) -> Floats:
    """Return the features of `events` selected collisions, in GeV and radians.

    Odd seeds decay the W+ to an electron or muon and the W- to quarks, even seeds the reverse: half of all
    collisions would be generated in vain otherwise. Use seeds of both kinds.

    Args:
        sample: 'signal' (H0 -> W W b b) or 'background' (top pairs).
        events: selected collisions wanted, at least 1; about 18 per second on one core.
        seed: of Pythia and of the detector, 1..900000000.

    Returns:
        (events, 28) in the order of `table.FEATURES`; the same for the same arguments and Pythia version.

    Raises:
        ValueError: an argument is out of range.
        RuntimeError: Pythia refuses a setting, or fails on MAX_FAILURES collisions in a row.
        ModuleNotFoundError: `pythia8mc` is not installed.
    """
    if sample not in get_args(Sample):
        raise ValueError(
            f"`sample` must be one of 'signal', 'background'; got {sample!r}. Choose one of them."
        )
    if events < 1:
        raise ValueError(f"`events` must be at least 1; got {events!r}. Ask for one or more collisions.")
    if not 1 <= seed <= MAX_SEED:
        raise ValueError(f"`seed` must be in 1..{MAX_SEED}; got {seed!r}. Choose a seed in this range.")
    pythia, finder = start_pythia(sample, seed)
    rng = np.random.default_rng(seed)
    rows: list[Floats] = []
    while len(rows) < events:
        row = measure_collision(next_event(pythia), finder, rng)
        if row is not None:
            rows.append(row)
    return np.stack(rows)


def start_pythia(sample: Sample, seed: int) -> tuple[Any, Any]:
    """Return a configured generator and a jet finder; RuntimeError if a setting is refused."""
    # Untyped and optional: an own dependency group, absent where the package is only used.
    import pythia8mc  # type: ignore[import-not-found, import-untyped, unused-ignore]

    leptonic, hadronic = ("Pos", "Neg") if seed % 2 else ("Neg", "Pos")
    decays = ("24:onMode = off", f"24:on{leptonic}IfAny = 11 13", f"24:on{hadronic}IfAny = 1 2 3 4 5")
    pythia = pythia8mc.Pythia("", printBanner=False)
    for setting in (*COMMON_SETTINGS, f"Random:seed = {seed}", *SETTINGS[sample], *decays):
        if not pythia.readString(setting):
            raise RuntimeError(
                f"Pythia must accept every setting; it refused {setting!r}. Check its version."
            )
    if not pythia.init():
        raise RuntimeError(f"Pythia must start; it refused the {sample} settings. See its messages above.")
    return pythia, pythia8mc.SlowJet(*JET_FINDER)


def next_event(pythia: Any) -> Any:
    """Return the next collision that Pythia completes; RuntimeError after MAX_FAILURES failures in a row."""
    for _ in range(MAX_FAILURES):
        if pythia.next():
            return pythia.event
    raise RuntimeError(
        f"Pythia must complete collisions; {MAX_FAILURES} in a row failed. See its messages above."
    )


def measure_collision(event: Any, finder: Any, rng: np.random.Generator) -> Floats | None:
    """Return the (28,) features of one collision, or None if it is not selected."""
    particles = read_particles(event)
    lepton = measure_lepton(particles, rng)
    if lepton is None:  # before the jets: finding them is the slow part.
        return None
    return measure_event(particles, lepton, jets=find_jets(event, finder), rng=rng)


def read_particles(event: Any) -> Particles:
    """Return the stable visible particles and the heavy hadrons of a Pythia event record."""
    momenta, codes, charged = [], [], []
    heavy: dict[str, list[tuple[float, float]]] = {"b": [], "c": []}
    for particle in event:
        code = particle.idAbs()
        if particle.isFinal():
            if code not in NEUTRINOS:
                momenta.append((particle.px(), particle.py(), particle.pz()))
                codes.append(code)
                charged.append(particle.isCharged())
        elif (flavour := hadron_flavour(code)) and particle.pT() > FLAVOUR_MIN_PT:
            heavy[flavour].append((particle.eta(), particle.phi()))
    return Particles(
        momenta=np.array(momenta, np.float64).reshape(-1, 3),
        codes=np.array(codes, np.int64),
        charged=np.array(charged, np.bool_),
        b_hadrons=np.array(heavy["b"], np.float64).reshape(-1, 2),
        c_hadrons=np.array(heavy["c"], np.float64).reshape(-1, 2),
    )


def hadron_flavour(code: int) -> str | None:
    """Return 'b' or 'c' for the code of a ground-state hadron with that quark, else None.

    Mesons are 5xx and 4xx, baryons 5xxx and 4xxx; excited states have longer codes and decay to these.

    Example:
        >>> [hadron_flavour(code) for code in (511, 5122, 421, 4122, 211)]
        ['b', 'b', 'c', 'c', None]
    """
    leading = code // 100 if code < 1000 else code // 1000
    if code < 100 or code >= 10_000:
        return None
    return {5: "b", 4: "c"}.get(leading)


def find_jets(event: Any, finder: Any) -> list[Jet]:
    """Return the true jets of a collision by falling pT."""
    finder.analyze(event)
    return [
        Jet(pt=finder.pT(k), eta=finder.p(k).eta(), phi=finder.phi(k), mass=finder.m(k))
        for k in range(finder.sizeJet())
    ]
