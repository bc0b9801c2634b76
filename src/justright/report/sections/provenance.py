"""What was trained, and how the study was made."""

from __future__ import annotations

from collections.abc import Iterator

from justright.diagnosis.words.numbers import listed_briefly
from justright.report.blocks import Block, Cell, Code, Folded, Media, Pairs, Section, Text
from justright.report.notable_variants import CHOSEN_WORDS, MOST_WHOLE, notable_variants
from justright.report.number_formats import format_count, format_duration, metric_words
from justright.report.palette import page_colours
from justright.report.precision_words import lanes_words, precision_words
from justright.report.sections.answer_list import told_in_folder
from justright.report.summary import Summary
from justright.report.worker_words import tried_sentence

MAX_FILE = 50_000  # characters of study.toml: a page holds no longer one


def headline(summary: Summary) -> str:
    """Return the conclusion, or why there is none yet."""
    if summary["conclusion"]:
        return told_in_folder(summary["conclusion"], summary.get("folder"))
    ended = sum(run["outcome"] is not None for variant in summary["variants"] for run in variant["runs"])
    if not ended:
        return "No run has ended yet: nothing can be concluded."
    runs = "1 run has ended, and is" if ended == 1 else f"{ended:,} runs have ended, and are"
    return f"{runs} not judged yet: nothing can be concluded."


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
    shown, every = notable_variants(summary, MOST_WHOLE), len(summary["variants"])
    colours = page_colours(variant["name"] for variant in summary["variants"])
    models = [
        Folded(
            Cell(variant["name"], swatch=colours[variant["name"]]),
            (Code(variant["model_summary"]),),
            remark=f"{format_count(variant['parameters'])} parameters",
            media=Media.PAGE,
        )
        for variant in shown
        if variant["model_summary"]
    ]
    which = f" Of {every:,} variants these are {CHOSEN_WORDS}." if len(shown) < every else ""
    return [Text(f"As Keras describes them.{which}", media=Media.PAGE), *models] if models else []


def made_blocks(summary: Summary) -> list[Block]:
    """Return the command that makes the study again, versions and machine, and the study's own file."""
    took = format_duration(summary["wall_seconds"])
    note = f"The command makes the same study again; it took {took} on the machine below."
    machine = tuple((name, str(value)) for name, value in summary["environment"].items())
    is_short = len(summary["study_toml"]) <= MAX_FILE
    text: Block = (
        Code(summary["study_toml"]) if is_short else Text("It is long, and stands beside this report.")
    )
    file = Folded(Cell("study.toml"), (text,), media=Media.PAGE)
    return [
        Text(note, media=Media.WRITTEN),
        Code(summary["command"], is_command=True),
        Pairs((*_computed(summary), *machine)),
        file,
    ]


def _computed(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield what a number depends on besides versions and machine."""
    if summary["variants"]:
        yield "precision", precision_words({one["name"]: one["precision"] for one in summary["variants"]})
    drawn = [one["name"] for one in summary["variants"] if one["batch_orders"] == "device"]
    if drawn:
        whose = "" if len(drawn) == len(summary["variants"]) else f" for {listed_briefly(drawn)}"
        yield "batch orders", f"drawn on the device{whose}"
    if lanes := lanes_words(summary):
        yield "runs side by side", lanes
    if tried := summary["workers_tried"]:
        yield "workers on the device", " ".join(map(tried_sentence, tried))


MODELS = Section("models", "Models", model_blocks, nav="Models")
MADE = Section("made", "How it was made", made_blocks, nav="How it was made")
