"""Learning curves and forecasts, for a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.table import Table

from justright.report.more_data import scaling_table
from justright.report.terminal.text import Symbols, plain, shorten

ROWS_WIDTH = 25  # of the first column, 'training rows', and the last, 'forecast'
CURVE_WIDTH = (
    14  # of a variant's column: two losses with four decimals and a gap, without what stands between them
)
NAME_WIDTH = 13
DECIMALS = 4  # what twice the rows are worth is seldom more than a few thousandths


def scaling_tables(summary: Mapping[str, Any], width: int, symbols: Symbols) -> Iterator[Table]:
    """Yield the tables of test losses against training rows, as many variants in each as `width` columns hold.

    Args:
        summary: what `justright.report.summarise` returned.
        width: columns of the terminal.
        symbols: what it can show.
    """
    curves = list(summary.get("data_scaling") or ())
    most = max(1, (width - ROWS_WIDTH) // (CURVE_WIDTH + len(symbols.plus_minus)))
    for start in range(0, len(curves), most):
        shown = curves[start : start + most]
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
        table.add_column("training rows", justify="right", no_wrap=True)
        for curve in shown:
            table.add_column(shorten(curve["variant"], NAME_WIDTH, symbols), justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        for row in scaling_table(shown, plus_minus=symbols.plus_minus, decimals=DECIMALS):
            if row["is_forecast"]:
                table.add_row(row["rows"], *row["cells"], "forecast", style="dim")
            else:
                table.add_row(row["rows"], *row["cells"], "")
        yield table


def scaling_sentences(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield what each learning curve says about more rows."""
    for curve in summary.get("data_scaling") or ():
        if curve.get("conclusion"):
            yield plain(curve["conclusion"])
