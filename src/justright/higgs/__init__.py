"""Everything about the tutorial's table, HIGGS: reading it, its physics, the networks that know it, its studies and claims."""

from __future__ import annotations

# Registry -> places of this package's entries in it.
MEMBERS: dict[str, tuple[str, ...]] = {
    "claims": ("justright.higgs.claims:tutorial_claims",),
    "sources": ("justright.higgs.origins:SOURCES",),
    "families": ("justright.higgs.physics:HiggsMlp",),
    "remedies": ("justright.higgs.remedies:REMEDIES",),
    "studies": ("justright.higgs.tutorial:STUDIES",),
}
