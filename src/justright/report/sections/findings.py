"""Sentences: what was found along the way, and what became of somebody else's conclusions."""

from __future__ import annotations

from justright.diagnosis.labels import Tone
from justright.report.blocks import Block, Cell, Column, Media, Row, Section, Sentences, Table, Text
from justright.report.summary import Summary

ANSWER_TONES: dict[str, Tone] = {"holds": "good", "does not hold": "bad", "cannot be told": "open"}


def fact_blocks(summary: Summary) -> list[Block]:
    """Return the facts."""
    return [Sentences(tuple(summary["facts"]), "box")] if summary["facts"] else []


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
    return [Text(note, media=Media.WRITTEN), Table("The tutorial’s conclusions", columns, tuple(rows))]


FACTS = Section("facts", "Found along the way", fact_blocks)
CLAIMS = Section("claims", "The tutorial’s own conclusions", claim_blocks)
