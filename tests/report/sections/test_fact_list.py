"""Facts and claims: what stands where."""

from __future__ import annotations

from justright.report.blocks import Media, Table
from justright.report.sections.fact_list import claim_blocks, fact_blocks


def claim(answer):
    """Return a claim with this answer."""
    return {"quote": f"It {answer}.", "answer": answer, "evidence": "Measured."}


def test_a_terminal_shows_all_claims_or_none(small_summary):
    """Those that hold never stand alone; where none was tested, the headline says why, and the page shows them."""
    _, table = claim_blocks(small_summary | {"claims": [claim("holds"), claim("not tested")]})
    assert isinstance(table, Table)
    for medium in (Media.PAGE, Media.TERMINAL):
        assert [cells[0].text for _, cells in table.shown(medium)[1]] == ["It holds.", "It not tested."]
    _, table = claim_blocks(small_summary | {"claims": [claim("not tested")]})
    assert table.media == Media.WRITTEN


def test_commands_in_facts_name_the_folder_where_it_is_known(small_summary):
    """As the answers do."""
    summary = small_summary | {"facts": ["More seeds: justright run --out DIR --seeds 3."]}
    assert fact_blocks(summary)[0].items == ("More seeds: justright run --out DIR --seeds 3.",)
    (block,) = fact_blocks(summary | {"folder": "a b"})
    assert block.items == ("More seeds: justright run --out 'a b' --seeds 3.",)
