"""Everything about the tutorial's table, HIGGS: reading it, its physics, networks that use it, its studies and claims."""

from __future__ import annotations

# Registry -> where this package's entries are defined.
MEMBERS: dict[str, tuple[str, ...]] = {
    "claims": ("justright.higgs.claims:tutorial_claims",),
    "sources": ("justright.higgs.origins:HIGGS_SIM", "justright.higgs.origins:HIGGS"),
    "families": ("justright.higgs.physics:HiggsMlp",),
    "remedies": (
        "justright.higgs.remedies:RANDOM_TURNS",
        "justright.higgs.remedies:RANDOM_REFLECTIONS",
        "justright.higgs.remedies:RANDOM_MIRRORS",
        "justright.higgs.remedies:COSINE_AND_SINE_OF_PHI",
        "justright.higgs.remedies:RELATIVE_PHI",
        "justright.higgs.remedies:ANGLES_BETWEEN_PARTICLES",
        "justright.higgs.remedies:MASSES_AND_MOMENTA",
        "justright.higgs.remedies:MASSES_OF_GROUPS",
        "justright.higgs.remedies:JETS_BY_B_TAG",
        "justright.higgs.remedies:LOGARITHMS",
    ),
    "studies": (
        "justright.higgs.tutorial:TUTORIAL",
        "justright.higgs.tutorial:SIZES_ONLY",
        "justright.higgs.tutorial:REGULARIZERS_ONLY",
        "justright.higgs.tutorial:EVERY_REMEDY",
    ),
}
