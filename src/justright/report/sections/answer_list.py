"""The answer at a glance: the fit map, and for each network what is wrong, what to do, and the command that does it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

from justright.diagnosis.words.advice import COMMAND
from justright.diagnosis.words.calls import JOIN_CALL, STUDY_CALL
from justright.report.blocks import Answer, Answers, Block, Cell, Chart, Folded, Media, Section
from justright.report.fit_map import FitPoint, fit_points
from justright.report.fit_plot import fit_plot, ring_size
from justright.report.notable_variants import MOST_PRINTED, MOST_WHOLE, notable_variants
from justright.report.number_formats import MISSING, format_loss
from justright.report.palette import page_colours
from justright.report.sections.verdict_table import main_variants, verdict_cell
from justright.report.summary import Summary, VariantSummary

MOST_ANSWERS = 10  # sentences that stand open
FEW_ANSWERS = 3  # in a terminal whose table of many variants fills most of a screen
# In commands it stands for the study folder, as `diagnosis/words/advice.py` writes them.
FOLDER = re.compile(r"""(["']?)\bDIR\b""")


def answer_blocks(summary: Summary) -> list[Block]:
    """Return the fit map and the sentences. Of older versions a terminal has the first reasons; a page has a section of all."""
    main = main_variants(summary)
    few = notable_variants(summary, MOST_ANSWERS if len(main) < MOST_PRINTED else FEW_ANSWERS)
    names = {one["name"] for one in few}
    printed = Answers(_answers(summary, [one for one in main if one["name"] in names]), media=Media.TERMINAL)
    if not any(one["verdict"].get("answer") for one in summary["variants"]):
        return [printed] if printed.items else []
    answers = _answers(summary, notable_variants(summary, MOST_WHOLE))
    first = {one["name"] for one in notable_variants(summary, MOST_ANSWERS)}
    shown = tuple(one for one in answers if one.name in first)
    rest = tuple(one for one in answers if one.name not in first)
    more: tuple[Block, ...] = (
        (Folded(Cell(f"{len(rest):,} more networks"), (Answers(rest),)),) if rest else ()
    )
    chart = fit_map(summary)
    return [*([chart] if chart else []), Answers(shown, "What would help", more), printed]


def answer_of(variant: VariantSummary) -> str:
    """Return the sentence that answers for a network; of older versions, the first reason of what was judged."""
    verdict = variant["verdict"]
    if answer := verdict.get("answer"):
        return answer
    return verdict["reasons"][0] if verdict["reasons"] and verdict["margin"] is not None else ""


def in_folder(command: str, folder: str | None) -> str:
    """Return a command, or a line of Python, with the study folder in place of DIR, if it is known.

    Example:
        >>> in_folder("justright run --out DIR --seeds 3", "my runs/a")
        "justright run --out 'my runs/a' --seeds 3"
        >>> in_folder('jr.open_result("DIR")', "my runs/a")
        'jr.open_result("my runs/a")'
    """
    if folder is None:
        return command
    inside, outside = json.dumps(folder)[1:-1], shlex.quote(folder)
    return FOLDER.sub(lambda found: found[1] + (inside if found[1] else outside), command)


def told_in_folder(sentence: str, folder: str | None) -> str:
    """Return a sentence whose command, or call, names the study folder, if it is known."""
    for written in (COMMAND, STUDY_CALL, JOIN_CALL):
        sentence = sentence.replace(written, in_folder(written, folder))
    return sentence


def _answers(summary: Summary, variants: Sequence[VariantSummary]) -> tuple[Answer, ...]:
    colours = page_colours(variant["name"] for variant in summary["variants"])
    found = []
    for variant in variants:
        action = variant["verdict"].get("action") or {}
        if text := answer_of(variant):
            found.append(
                Answer(
                    variant["name"],
                    replace(
                        verdict_cell(variant, summary["loss"]), detail=""
                    ),  # the sentence says since when
                    text,
                    str(action.get("words") or ""),
                    in_folder(str(action.get("command") or ""), summary.get("folder")),
                    colours[variant["name"]],
                )
            )
    return tuple(found)


def fit_map(summary: Summary) -> Chart | None:
    """Return the fit map; None where nothing was measured in either direction."""
    points, margin = fit_points(notable_variants(summary, MOST_WHOLE)), summary["margin"]
    if not points or not margin:
        return None
    colours = page_colours(variant["name"] for variant in summary["variants"])
    named = [one["name"] for one in notable_variants(summary, MOST_ANSWERS)]
    named += [point.name for point in points if point.name not in named]
    return Chart(
        "fit",
        "Gain of each network by something tighter, and by something freer",
        fit_plot(points, margin, colours, named),
        "Fit map",
        note=map_note(points, margin),
    )


def map_note(points: Sequence[FitPoint], margin: float) -> str:
    """Return how the map is read: only what occurs in it."""
    parts = [
        "What lowers the test loss: something tighter, to the right; something freer, upwards.",
        f"Shaded: less than the margin, {format_loss(margin)}. Lines: 95 % intervals.",
    ]
    gains = [gain for point in points for gain in (point.tighter, point.freer)]
    if any(gain is not None and gain.low < 0 for gain in gains):
        parts.append("<0: all that was measured is worse.")
    if None in gains:
        parts.append(f"{MISSING}: nothing was measured.")
    others = {
        point.headroom.name
        for point in points
        if point.headroom is not None and ring_size(point, margin) is not None
    }
    if others:
        who = others.pop() if len(others) == 1 else "another kind of model"
        parts.append(f"Rings: {who} would gain as well; the wider, the more.")
    return " ".join(parts)


ANSWERS = Section("fit", "The answer at a glance", answer_blocks, is_answer=True)
