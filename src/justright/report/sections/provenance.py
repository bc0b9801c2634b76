"""What was trained, and how the study was made."""

from __future__ import annotations

from justright.report.blocks import Block, Cell, Code, Folded, Media, Pairs, Section, Text
from justright.report.number_formats import format_count, format_duration, metric_words
from justright.report.palette import page_colours
from justright.report.summary import Summary


def heading(summary: Summary) -> list[tuple[str, str]]:
    """Return the study in a few words: (name, value) pairs."""
    rows = summary["rows"]
    parts = [f"{format_count(count)} {part}" for part, count in rows.items() if count]
    return [
        ("Study", summary["study"]),
        ("Table", f"{summary['source']} ({summary['task']})"),
        ("Rows", ", ".join(parts)),
        ("Seeds", str(len(summary["seeds"]))),
        ("Loss", metric_words(summary["loss"])),
    ]


def model_blocks(summary: Summary) -> list[Block]:
    """Return the models as Keras describes them."""
    colours = page_colours(variant["name"] for variant in summary["variants"])
    models = [
        Folded(
            Cell(variant["name"], swatch=colours[variant["name"]]),
            (Code(variant["model_summary"]),),
            remark=f"{format_count(variant['parameters'])} parameters",
            media=Media.PAGE,
        )
        for variant in summary["variants"]
        if variant["model_summary"]
    ]
    return [Text("As Keras describes them.", media=Media.PAGE), *models]


def made_blocks(summary: Summary) -> list[Block]:
    """Return the command that makes the study again, versions and machine, and the study's own file."""
    took = format_duration(summary["wall_seconds"])
    note = f"The command makes the same study again; it took {took} on the machine below."
    versions = tuple((name, str(value)) for name, value in summary["environment"].items())
    file = Folded(Cell("study.toml"), (Code(summary["study_toml"]),), media=Media.PAGE)
    return [Text(note, media=Media.WRITTEN), Code(summary["command"], is_command=True), Pairs(versions), file]


MODELS = Section("models", "Models", model_blocks, nav="Models")
MADE = Section("made", "How it was made", made_blocks, nav="How it was made")
