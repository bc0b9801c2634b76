"""Everything about the tutorial's table, HIGGS: reading it, its physics, networks that use it, its studies and claims."""

from __future__ import annotations

# Registry -> where this package's entries are defined.
MEMBERS: dict[str, tuple[str, ...]] = {
    "claims": ("justright.higgs.claims:tutorial_claims",),
    "sources": ("justright.higgs.origins:SOURCES",),
    "families": ("justright.higgs.physics:HiggsMlp",),
    "remedies": ("justright.higgs.remedies:REMEDIES",),
    "studies": ("justright.higgs.tutorial:STUDIES",),
}
