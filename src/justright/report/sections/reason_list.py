"""Why each variant got its verdict, and every run behind it."""

from __future__ import annotations

from dataclasses import replace

from justright.report.blocks import Block, Cell, Column, Folded, Media, Row, Section, Sentences, Table, Text
from justright.report.notable_variants import MOST_WHOLE, notable_variants
from justright.report.number_formats import format_count, format_duration, format_metric
from justright.report.palette import page_colours
from justright.report.sections.answer_list import told_in_folder
from justright.report.sections.verdict_table import verdict_cell
from justright.report.summary import RunSummary, Summary, VariantSummary

MOST_SPIKES = 5  # of more, the number suffices
COLUMNS = (
    Column("Seed", is_text=True),
    Column("Training rows"),
    Column("Best epoch"),
    Column("Validation"),
    Column("Test", css="main"),
    Column("Validation, last"),
    Column("Test, last"),
    Column("Epochs"),
    Column("Time"),
    Column("Outcome", is_text=True),
)


def reason_blocks(summary: Summary) -> list[Block]:
    """Return the reasons and runs of every variant."""
    shown = notable_variants(summary, MOST_WHOLE)
    left_out = len(summary["variants"]) - len(shown)
    few = f" Those of {left_out:,} more variants are in result.json." if left_out else ""
    colours = page_colours(variant["name"] for variant in summary["variants"])
    return [
        Text(f"What was measured for each verdict, and every run behind it.{few}", media=Media.PAGE),
        *(_variant(variant, summary, colours[variant["name"]]) for variant in shown),
    ]


def reasons_of(variant: VariantSummary) -> tuple[str, ...]:
    """Return the reasons of a verdict, the decisive one first, and the spikes of its curves unless a reason names them."""
    reasons = tuple(variant["verdict"]["reasons"])
    spikes = variant["verdict"].get("spikes") or ()
    if not spikes or any("spike" in reason.lower() for reason in reasons):
        return reasons
    named = [
        f"seed {one['seed']}, epoch {format_count(one['epoch'])}: loss {format_metric('loss', one['loss'])} "
        f"beside {format_metric('loss', one['level'])}"
        for one in spikes[:MOST_SPIKES]
    ]
    more = f"; and {len(spikes) - MOST_SPIKES:,} more" if len(spikes) > MOST_SPIKES else ""
    what = (
        "One epoch far above its neighbours decides"
        if len(spikes) == 1
        else "Single epochs far above their neighbours decide"
    )
    return (*reasons, f"{what} nothing ({'; '.join(named)}{more}).")


def run_table(variant: VariantSummary, loss: str) -> Table:
    """Return the table of one variant's runs."""
    rows = tuple(_run(run, loss) for run in variant["runs"])
    return Table(f"Runs of {variant['name']}", COLUMNS, rows, has_heads=False, media=Media.PAGE)


def _variant(variant: VariantSummary, summary: Summary, colour: str) -> Folded:
    loss, inside = summary["loss"], list[Block]()
    if reasons := reasons_of(variant):
        inside.append(Sentences(tuple(told_in_folder(reason, summary.get("folder")) for reason in reasons)))
    if variant["runs"]:
        inside.append(run_table(variant, loss))
    verdict = replace(verdict_cell(variant, loss), detail="")  # the remark says it more exactly
    return Folded(Cell(variant["name"], swatch=colour), tuple(inside), verdict, _good_epochs(variant))


def _good_epochs(variant: VariantSummary) -> str:
    """Return which epochs are as good as the best one."""
    onset = variant["verdict"]["onset_epoch"]
    if not onset or onset["low"] is None:
        return ""
    low, high = format_count(onset["low"]), format_count(onset["high"])
    return f"no epoch as good as {low}" if low == high else f"as good as its best from epoch {low} to {high}"


def _run(run: RunSummary, loss: str) -> Row:
    texts = (
        str(run["seed"]),
        format_count(run["train_rows"]),
        format_count(run["best_epoch"]),
        format_metric(loss, run["best"].get(f"val_{loss}")),
        format_metric(loss, run["test"].get(loss)),
        format_metric(loss, run["last"].get(f"val_{loss}")),
        format_metric(loss, run["test_last"].get(loss)),
        format_count(run["epochs"]),
        format_duration(run["train_seconds"]),
    )
    return Row((*map(Cell, texts), Cell(run["outcome"] or "running", hint=run["reason"])))


REASONS = Section("reasons", "Reasons", reason_blocks, nav="Reasons")
