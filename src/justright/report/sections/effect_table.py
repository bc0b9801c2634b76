"""What helps: the effect of every remedy, the best first, then the steps of a combination in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from justright.diagnosis.labels import Tone
from justright.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Media,
    Row,
    Section,
    Step,
    Table,
    Text,
    long_table,
)
from justright.report.charts import interval_plot
from justright.report.number_formats import (
    format_chance,
    format_interval,
    format_loss,
    format_metric,
    metric_words,
)
from justright.report.sections.verdict_table import has_catalogue, main_variants
from justright.report.summary import EffectSummary, Summary
from justright.study.remedy import LADDER_GROUP

NOTE = "Each remedy against the network it changes, both at their own best epochs, on the same test rows and seeds."
TIE = "="  # stands beside every remedy that cannot be told from the best one of its baseline
MAX_ROWS = 40  # of a chart or table; more are folded away, or left out of a terminal
MANY = 2  # seeds from which an interval covers seeds as well


def effect_blocks(summary: Summary) -> list[Block]:
    """Return the chart and the table of effects, and what validation rows choose."""
    table = effect_table(summary)
    if not table.rows:
        return []
    margin = summary["margin"]
    small = f"; differences below {format_loss(margin)} are too small to matter" if margin else ""
    notes = [NOTE, f"Below zero is better{small}."]
    if any(strengths_tried(summary).values()):
        notes.append("Where a remedy has several strengths, validation rows chose one.")
    if any(row.cells[0].hint for row in table.rows):
        notes.append(f"{TIE} marks what cannot be told from the best remedy of its network.")
    more = len(summary["variants"]) - len(main_variants(summary))
    left_out = max(0, len(table.rows) - MAX_ROWS)
    effects = f" and {left_out:,} more effects" if left_out else ""
    terminal_note = (
        f"{TIE} cannot be told from the best one. Of several strengths validation rows chose one; rows: the interval "
        f"covers test rows only. The report shows {more:,} more variants{effects}."
    )
    choice = choice_sentence(summary)
    return [
        Text(" ".join(notes), media=Media.WRITTEN),
        *([Text(choice, css="", media=Media.WRITTEN)] if choice else []),
        *_charts(summary),
        *long_table(table, MAX_ROWS, "effects"),
        Text(terminal_note, media=Media.TERMINAL & table.media),
    ]


def effect_table(summary: Summary) -> Table:
    """Return the table of effects; a terminal shows it where a catalogue of remedies was tried."""
    tried = strengths_tried(summary)
    variants = [one for one in summary["effects"] if _is_variant(one)]
    rivals = Counter(one["baseline"] for one in variants)
    ties = Counter(one["baseline"] for one in variants if one.get("is_tied_with_best"))
    rows: list[Row] = []
    for steps in (False, True):
        for number, effect in enumerate(ordered_effects(summary, steps=steps)):
            name, remedy = effect["baseline"], effect["remedy"]
            cells = _cells(effect, tried.get(remedy, ""), rivals=rivals[name], ties=ties[name])
            rows.append(Row(cells, _tone(effect), starts_part=steps and number == 0 and bool(rows)))
    columns = (
        Column("Remedy", "remedy", is_text=True),
        Column("Instead of", "instead of", is_text=True, leaves=Step.NARROW),
        Column("Chosen from", is_text=True, media=Media.WRITTEN if any(tried.values()) else Media.NOWHERE),
        Column("Difference of test loss", "change of\ntest loss", css="main"),
        Column("95 % interval", css="unbroken"),
        Column("Chance to be better", "chance to\nbe better"),
        Column("Chance to be best", "chance to\nbe best", leaves=Step.NARROW),
        Column("", is_text=True, media=Media.TERMINAL),
    )
    media = Media.EVERYWHERE if has_catalogue(summary) else Media.WRITTEN
    return Table("Effects of remedies", columns, tuple(rows), media=media)


def strengths_tried(summary: Summary) -> dict[str, str]:
    """Return, by variant, the strengths among which validation rows chose it; empty where there was nothing to choose."""
    found = {}
    for item in summary["strengths"]:
        tried = [f"{one['strength']:g}" for one in item["strengths"] if one["strength"] is not None]
        found[item["chosen"]] = ", ".join(tried) if len(tried) > 1 else ""
    return found


def ordered_effects(summary: Summary, *, steps: bool) -> list[EffectSummary]:
    """Return the effects in the order in which they are shown: the steps of a combination, or all but them."""
    order = [variant["name"] for variant in summary["variants"] if variant["group"] == LADDER_GROUP]
    if steps:
        chain = [effect for effect in summary["effects"] if effect["remedy"] in order]
        return sorted(chain, key=lambda effect: order.index(effect["remedy"]))
    rest = [effect for effect in summary["effects"] if effect["remedy"] not in order]
    return sorted(rest, key=lambda effect: (effect["difference"] is None, effect["difference"]))


def effect_lines(summary: Summary, *, steps: bool) -> list[dict[str, Any]]:
    """Return the rows of the chart of effects: {v: label, y: difference, low, high}.

    Early stopping is left to the table: against a last epoch it may be a hundred times any other effect.
    """
    known = [
        one
        for one in ordered_effects(summary, steps=steps)
        if one["difference"] is not None and one.get("kind") != "early stopping"
    ]
    names = [one["remedy"] if steps else f"{one['remedy']} vs {one['baseline']}" for one in known]
    return [
        {"v": name, "y": one["difference"], "low": one["low"], "high": one["high"]}
        for name, one in zip(names, known, strict=True)
    ]


def choice_sentence(summary: Summary) -> str:
    """Return what validation rows choose among networks and ensembles, or nothing where no catalogue was tried."""
    choice = summary["choice"]
    if not choice or not has_catalogue(summary) or choice["test"]["mean"] is None:
        return ""
    mean, low, high = (choice["test"][end] for end in ("mean", "low", "high"))
    loss = metric_words(summary["loss"]).lower()
    over = "test rows" if choice["is_ensemble"] or len(summary["seeds"]) < MANY else "test rows and seeds"
    return (
        f"Validation rows choose {choice['name']} of {choice['candidates']} networks and ensembles: {loss} "
        f"{format_metric('loss', mean, low, high)} {format_interval('loss', low, high)} over {over}."
    )


def _cells(effect: EffectSummary, tried: str, *, rivals: int, ties: int) -> tuple[Cell, ...]:
    """Return one row; the only remedy of a network is not the best of several, and one that wins alone ties with none."""
    remedy, low, high = effect["remedy"], effect["low"], effect["high"]
    tie = TIE if ties > 1 and effect.get("is_tied_with_best") and _is_variant(effect) else ""
    is_of_rows = effect.get("covers") == "rows"
    at_last = " at its last epoch" if effect.get("kind") == "early stopping" else ""
    return (
        Cell(
            f"{remedy} {tie}".strip(), short=remedy, hint=f"{TIE} cannot be told from the best" if tie else ""
        ),
        Cell(f"{effect['baseline']}{at_last}"),
        Cell(tried),
        Cell(format_metric("loss", effect["difference"], low, high, signed=True)),
        Cell(format_interval("loss", low, high, signed=True), detail="rows only" if is_of_rows else ""),
        Cell(format_chance(effect["probability_better"])),
        Cell(format_chance(effect.get("probability_best") if rivals > 1 else None)),
        Cell(tie or ("rows" if is_of_rows else "")),
    )


def _charts(summary: Summary) -> Iterator[Chart]:
    """Yield the chart of remedies, and that of the steps of a combination."""
    titles = {"effects": "", "steps": "Step by step: each against the one before"}
    for name, title in titles.items():
        rows = effect_lines(summary, steps=name == "steps")
        between = " between steps," if title else ""
        label = f"Differences of test loss{between} with intervals"
        if rows:
            few = f"The {MAX_ROWS} lowest of {len(rows):,}" if len(rows) > MAX_ROWS and not title else ""
            yield Chart(name, label, interval_plot(rows[:MAX_ROWS], margin=summary["margin"]), title or few)


def _tone(effect: EffectSummary) -> Tone | None:
    """Return what surely helps or harms."""
    if effect["high"] is not None and effect["high"] < 0:
        return "good"
    return "bad" if effect["low"] is not None and effect["low"] > 0 else None


def _is_variant(effect: EffectSummary) -> bool:
    return effect.get("kind", "variant") == "variant"


EFFECTS = Section("effects", "What helps", effect_blocks, nav="What helps")
