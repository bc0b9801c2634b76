"""The table of remedies and the tutorial's sentences judged again, for a terminal of any width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from justright.diagnosis.words.formats import format_interval
from justright.report.effects import effect_rows, ordered_effects
from justright.report.terminal.text import Symbols, plain, shorten

FULL_WIDTH = 120  # columns the full table needs
NAME_WIDTH, NARROW_NAME_WIDTH = 30, 29  # the longest step of the catalogue is 29 characters
BASELINE_WIDTH = 24
ANSWER_STYLES = {"holds": "green", "does not hold": "red", "cannot be told": "dim"}


def has_catalogue(summary: Mapping[str, Any]) -> bool:
    """Return whether a study tried remedies of the catalogue, which get a table of their own.

    Example:
        >>> has_catalogue({"strengths": []})
        False
    """
    return bool(summary.get("strengths"))


def shown_variants(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the variants of the main table: all, or, beside a table of remedies, what they change and the best ones."""
    if not has_catalogue(summary):
        return list(summary["variants"])
    best = {(summary.get("choice") or {}).get("variant"), summary.get("best_variant")}
    return [one for one in summary["variants"] if not one.get("remedy") or one["name"] in best]


def remedy_table(summary: Mapping[str, Any], width: int, symbols: Symbols) -> Table:
    """Return the table of remedies, the best first, then the steps of a combination in their order.

    Args:
        summary: what `justright.report.summarise` returned.
        width: columns of the terminal; below 120 the chances to be best and the baselines' names are left out.
        symbols: what it can show.
    """
    full = width >= FULL_WIDTH
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("remedy", no_wrap=True)
    if full:
        table.add_column("instead of", no_wrap=True)
    table.add_column("change of\ntest loss", justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    table.add_column("chance to\nbe better", justify="right", no_wrap=True)
    if full:
        table.add_column("chance to\nbe best", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for steps in (False, True):
        pairs = zip(effect_rows(summary, steps=steps), ordered_effects(summary, steps=steps), strict=True)
        for row, effect in pairs:
            table.add_row(*_cells(row, effect, symbols, full=full), style=_style(effect))
        if not steps and table.row_count:
            table.add_section()
    return table


def remedy_note(summary: Mapping[str, Any]) -> str:
    """Return the line under the table of remedies."""
    count = len(summary["variants"]) - len(shown_variants(summary))
    return (
        "= cannot be told from the best one. Of several strengths validation rows chose one; rows: the interval covers "
        f"test rows only. The report shows {count} more variants."
    )


def claims_table(summary: Mapping[str, Any]) -> Table:
    """Return the tutorial's sentences with what test rows say of each; the numbers behind it are the report's."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("on test rows", no_wrap=True)
    table.add_column("the tutorial says (numbers: see the report)")
    for claim in summary["claims"]:
        answer = Text(claim["answer"], style=ANSWER_STYLES.get(claim["answer"], ""))
        table.add_row(answer, Text(plain(claim["quote"])))
    return table


def _cells(row: Mapping[str, str], effect: Mapping[str, Any], symbols: Symbols, *, full: bool) -> list[Text]:
    """Return one remedy's cells; the terminal may know fewer characters than the reports."""
    cells = [shorten(row["remedy"], NAME_WIDTH if full else NARROW_NAME_WIDTH, symbols)]
    if full:
        cells.append(shorten(row["baseline"], BASELINE_WIDTH, symbols))
    low, high = effect.get("low"), effect.get("high")
    cells += [row["difference"], format_interval("loss", low, high, signed=True), row["chance"]]
    if full:
        cells.append(row["chance_best"])
    cells.append(row["tie"] or ("rows" if row["note"] else ""))
    is_ascii = len(symbols.ellipsis.encode()) == 1
    return [Text(_ascii(cell) if is_ascii else cell) for cell in cells]


def _ascii(text: str) -> str:
    return text.replace("−", "-").replace("–", "-")


def _style(effect: Mapping[str, Any]) -> str:
    """Return how a row is drawn: what surely helps or harms stands out, colour being never the only sign."""
    if effect.get("high") is not None and effect["high"] < 0:
        return "green"
    return "red" if effect.get("low") is not None and effect["low"] > 0 else ""
