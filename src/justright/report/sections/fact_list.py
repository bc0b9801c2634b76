"""Sentences: what was found along the way, and what became of somebody else's conclusions."""

from __future__ import annotations

from justright.diagnosis.labels import Tone
from justright.report.blocks import Block, Cell, Column, Media, Row, Section, Sentences, Table, Text
from justright.report.sections.answer_list import told_in_folder
from justright.report.summary import Summary

ANSWER_TONES: dict[str, Tone] = {
    "holds": "good",
    "does not hold": "bad",
    "not tested": "open",
    "cannot be told": "open",
}
# A terminal leaves the claims to the page where none was tested: the headline says so then.
NOT_TESTED = "not tested"


def fact_blocks(summary: Summary) -> list[Block]:
    """Return the facts; commands in them name the study folder, if it is known."""
    facts = tuple(told_in_folder(fact, summary.get("folder")) for fact in summary["facts"])
    return [Sentences(facts, "box")] if facts else []


def claim_blocks(summary: Summary) -> list[Block]:
    """Return the tutorial's conclusions, each with what test rows say about it."""
    rows = []
    for claim in summary["claims"]:
        answer = Cell(claim["answer"], tone=ANSWER_TONES.get(claim["answer"], "open"))
        rows.append(Row((Cell(claim["quote"]), answer, Cell(claim["evidence"]))))
    if not rows:
        return []
    columns = (
        Column("The tutorial says", "the tutorial says (numbers: see the report)", is_text=True),
        Column("On test rows", "on test rows", is_text=True, css="main"),
        Column("Measured", is_text=True, media=Media.WRITTEN),
    )
    note = (
        "What TensorFlow’s tutorial says of these seven networks, from one seed and 1,000 validation rows, judged again on "
        "test rows. The intervals of one sentence hold together, so they are wider than elsewhere in this report."
    )
    is_tested = any(claim["answer"] != NOT_TESTED for claim in summary["claims"])
    media = Media.EVERYWHERE if is_tested else Media.WRITTEN
    table = Table("The tutorial’s conclusions", columns, tuple(rows), css="claims", media=media)
    return [Text(note, media=Media.WRITTEN), table]


FACTS = Section("facts", "Found along the way", fact_blocks)
CLAIMS = Section("claims", "The tutorial’s own conclusions", claim_blocks)
