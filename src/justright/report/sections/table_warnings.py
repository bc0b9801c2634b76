"""What may spoil the verdicts: warnings about the table and its split, each with its number and what to do."""

from __future__ import annotations

from justright.report.blocks import Block, Section, Sentences
from justright.report.summary import Summary


def warning_blocks(summary: Summary) -> list[Block]:
    """Return the warnings; nothing for a healthy table."""
    texts = tuple(f"Warning: {one['text']}" for one in summary["warnings"])
    return [Sentences(texts, "box")] if texts else []


WARNINGS = Section("warnings", "Warnings about the table", warning_blocks, nav="Warnings")
