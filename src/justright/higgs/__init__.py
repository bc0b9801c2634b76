"""Everything about the tutorial's table, HIGGS: reading it, its physics, the networks that know it, its studies and claims."""

# Registry -> places of this package's entries in it.
MEMBERS: dict[str, tuple[str, ...]] = {
    "sources": ("justright.higgs.sources:HIGGS_SIM", "justright.higgs.sources:HIGGS"),
}
