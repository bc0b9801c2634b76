"""The final table of a study, its conclusion and where everything is, for a terminal of any width."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from justright.diagnosis.words.advice import COMMAND
from justright.diagnosis.words.formats import is_share, largest_runs, mean_of, meanings
from justright.report.since import since_short
from justright.report.terminal import effects, more_data
from justright.report.terminal.numbers import format_value, with_half
from justright.report.terminal.terminal import Terminal
from justright.report.terminal.text import Symbols, plain, shorten

FULL_WIDTH = 120  # columns the full table needs
NAME_WIDTH = 12  # of variants, at least: with it ten columns with intervals fit into 120 characters
VERDICT_STYLES = {
    "just right": "green",
    "overfits": "red",
    "underfits": "yellow",
    "undecided": "dim",
    "diverged": "bold red",
}
# Kinds of rows whose values measure, so that their interval is shown wherever there is any space.
MEASURING = ("test", "test_score")

Cell = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the final table.

    Args:
        header: its heading, at most two lines.
        cell: what it says about a variant, from the summary's entry for it.
        narrow: whether it is shown where the full table does not fit.
    """

    header: str
    cell: Cell
    narrow: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """What of the final table is shown.

    Args:
        full: training and validation values as well.
        spreads: half an interval behind those, too, and not only behind test values.
        since: since when a variant overfits, behind its verdict.
        names: columns of a variant's name.
    """

    full: bool
    spreads: bool = True
    since: bool = True
    names: int = NAME_WIDTH


def print_study(terminal: Terminal, summary: Mapping[str, Any], folder: Path) -> None:
    """Print what a study found: table, conclusion, facts, what is still to be trained, and where everything is.

    Args:
        terminal: where to.
        summary: what `justright.report.summarise` returned.
        folder: the study folder.
    """
    terminal.print(study_table(summary, terminal.width, terminal.symbols))
    terminal.print(_note(summary, terminal.symbols), style="dim")
    terminal.print(meanings({"variants": effects.shown_variants(summary)}), style="dim")
    if effects.has_catalogue(summary):
        terminal.print()
        terminal.print(effects.remedy_table(summary, terminal.width, terminal.symbols))
        terminal.print(effects.remedy_note(summary), style="dim")
    for table in more_data.scaling_tables(summary, terminal.width, terminal.symbols):
        terminal.print()
        terminal.print(table)
    if summary.get("claims"):
        terminal.print()
        terminal.print(effects.claims_table(summary))
    if summary.get("conclusion"):
        terminal.print()
        terminal.print(Text(plain(summary["conclusion"]), style="bold"))
    for fact in summary.get("facts") or ():
        if COMMAND in fact:  # a command stays on one line, to be copied
            here = shlex.join(["justright", "run", "--out", str(folder)])
            terminal.say("- " + plain(fact.replace(COMMAND, here)))
        else:
            terminal.print(_bullet(fact))
    for said in more_data.scaling_sentences(summary):
        terminal.print(_bullet(said))
    pending = pending_runs(summary)
    if pending:
        terminal.print()
        terminal.print(_pending_sentence(pending))
    terminal.print()
    for name, place in places(folder):
        terminal.say(f"{name:12} {place}")


def _bullet(text: str) -> Table:
    """Return a sentence behind a dash, its further lines under the first."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row("-", Text(plain(text)))
    return grid


def study_table(summary: Mapping[str, Any], width: int, symbols: Symbols) -> Table:
    """Return the table of a study's variants: the fullest of its shapes that fits into `width` columns."""
    shapes = (
        Shape(full=True),
        Shape(full=True, spreads=False),
        Shape(full=False),
        Shape(full=False, since=False),
    )
    for shape in shapes[0 if width >= FULL_WIDTH else 2 :]:
        table = _variants_table(summary, symbols, shape)
        room = width - table_width(table)  # losses in the target's units may take any number of digits
        if room >= 0:
            return _variants_table(summary, symbols, replace(shape, names=NAME_WIDTH + room))
    return table


def table_width(table: Table) -> int:
    """Return the columns of a terminal that a table takes when nothing is cut off."""
    wide = Console(width=10_000)
    return Measurement.get(wide, wide.options, table).maximum


def _variants_table(summary: Mapping[str, Any], symbols: Symbols, shape: Shape) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    columns = [column for column in _columns(summary, symbols, shape) if shape.full or column.narrow]
    for number, column in enumerate(columns):
        table.add_column(
            column.header, justify="right" if 0 < number < len(columns) - 1 else "left", no_wrap=True
        )
    for variant in effects.shown_variants(summary):
        style = VERDICT_STYLES.get(variant["verdict"]["label"], "")
        cells = [Text(column.cell(variant)) for column in columns]
        cells[-1].stylize(style)
        table.add_row(*cells)
    return table


def pending_runs(summary: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the seeds that have not ended, by variant; variants whose runs have all ended are left out.

    Example:
        >>> runs = [{"seed": 0, "train_rows": 9, "outcome": None}]
        >>> pending_runs({"variants": [{"name": "Tiny", "runs": runs}], "seeds": [0, 1]})
        {'Tiny': [0, 1]}
    """
    pending = {}
    for variant in summary["variants"]:
        recorded = {run["seed"] for run in variant["runs"]}
        open_seeds = {run["seed"] for run in variant["runs"] if not run.get("outcome")}
        seeds = sorted(open_seeds | (set(summary.get("seeds") or ()) - recorded))
        if seeds or not recorded:
            pending[variant["name"]] = seeds
    return pending


def places(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (what, where) for everything a study leaves behind that is there."""
    if (folder / "report.html").exists():
        yield "Report", plain(folder / "report.html")
    if (folder / "tensorboard").exists():
        yield "TensorBoard", plain(shlex.join(["tensorboard", "--logdir", str(folder / "tensorboard")]))
    if (folder / "models").exists():
        yield "Models", plain(folder / "models")
    yield "Folder", plain(folder)


def _columns(summary: Mapping[str, Any], symbols: Symbols, shape: Shape) -> list[Column]:
    full, loss, score = shape.full, summary["loss"], summary["score"]
    word, short = ("accuracy", "acc.") if is_share(score) else ("error", "error")

    def value(kind: str, metric: str, fallback: Callable[[Mapping[str, Any]], float | None]) -> Cell:
        return lambda variant: _estimate(
            variant, kind, metric, fallback(variant), symbols, spreads=shape.spreads
        )

    def mean(part: str, metric: str) -> Callable[[Mapping[str, Any]], float | None]:
        return lambda variant: _mean(variant, part, metric)

    def plain_value(variant: Mapping[str, Any]) -> str:
        return format_value(loss, _mean(variant, "best", f"val_{loss}"), symbols)

    return [
        Column("variant", lambda variant: shorten(variant["name"], shape.names, symbols)),
        Column("parameters" if full else "params", lambda variant: _whole(variant["parameters"], symbols)),
        Column("best\nepoch", lambda variant: _best_epochs(variant, symbols)),
        Column(
            "train\nloss", value("fixed", loss, lambda variant: _train_value(variant, loss)), narrow=False
        ),
        Column("val.\nloss", value("validation", loss, mean("best", f"val_{loss}")) if full else plain_value),
        Column("test\nloss", value("test", loss, mean("test", loss))),
        Column(
            f"train\n{word}",
            value("fixed_score", score, lambda variant: _train_value(variant, score)),
            narrow=False,
        ),
        Column(f"val.\n{word}", value("validation_score", score, mean("best", f"val_{score}")), narrow=False),
        Column(f"test\n{word if full else short}", value("test_score", score, mean("test", score))),
        Column("verdict", lambda variant: _verdict(variant, since=shape.since)),
    ]


def _note(summary: Mapping[str, Any], symbols: Symbols) -> str:
    """Return the line under the table that says what its numbers are."""
    loss = summary["loss"].replace("_", " ")
    seeds = len(summary.get("seeds") or ())
    means = "one seed" if seeds == 1 else f"mean of {seeds} seeds"
    score = summary["score"]
    error = "" if is_share(score) else f", error: {score.replace('_', ' ')}"
    return f"Loss: {loss}{error} at the best epoch, {means}; {symbols.plus_minus}: half a 95 % interval."


def _largest_runs(variant: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the ended runs on the most training rows: smaller ones are there for the scaling figure."""
    ended = [run for run in variant["runs"] if run.get("outcome") and run["outcome"] != "failed"]
    return largest_runs({"runs": ended})


def _mean(variant: Mapping[str, Any], part: str, metric: str) -> float | None:
    values = [run[part].get(metric) for run in _largest_runs(variant)]
    return mean_of(value for value in values if value is not None and math.isfinite(value))


def _train_value(variant: Mapping[str, Any], metric: str) -> float | None:
    """Return the fixed training subset's value where it was measured at the best epoch, else the epoch's mean."""
    fixed = _mean(variant, "best", f"fixed_{metric}")
    return fixed if fixed is not None else _mean(variant, "best", metric)


def _best_epochs(variant: Mapping[str, Any], symbols: Symbols) -> str:
    epochs = [run["best_epoch"] for run in _largest_runs(variant) if run["best_epoch"] is not None]
    epochs = [epoch for epoch in epochs if epoch >= 0]
    if not epochs:
        return symbols.dash
    low, high = min(epochs), max(epochs)
    return f"{low:,}" if low == high else f"{low:,}{symbols.dash}{high:,}"


def _estimate(
    variant: Mapping[str, Any],
    kind: str,
    metric: str,
    fallback: float | None,
    symbols: Symbols,
    *,
    spreads: bool,
) -> str:
    """Return a mean with half its interval, for instance 0.618±0.006 or 66.4±0.5 %; the plain value without one."""
    interval = (variant.get("intervals") or {}).get(kind)
    if interval is None or interval.get("low") is None or interval.get("high") is None:
        return format_value(metric, fallback, symbols)
    # Plain ASCII needs the space for the test columns.
    if kind not in MEASURING and (len(symbols.plus_minus) > 1 or not spreads):
        return format_value(metric, interval["mean"], symbols)
    if is_share(metric):  # with two seeds an interval may reach beyond what a share can be
        half = (min(interval["high"], 1) - max(interval["low"], 0)) / 2
        return f"{100 * interval['mean']:.1f}{symbols.plus_minus}{100 * half:.1f} %"
    half = (interval["high"] - interval["low"]) / 2
    return symbols.plus_minus.join(with_half(interval["mean"], half))


def _verdict(variant: Mapping[str, Any], *, since: bool) -> str:
    """Return the label, and since when where it overfits and there is room to say so."""
    words = [plain(variant["verdict"]["label"]), since_short(variant) if since else ""]
    return " ".join(filter(None, words))


def _whole(value: int | None, symbols: Symbols) -> str:
    return symbols.dash if value is None else f"{value:,}"


def _pending_sentence(pending: Mapping[str, Sequence[int]]) -> str:
    parts = [
        f"{plain(name)} ({'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))})"
        if seeds
        else plain(name)
        for name, seeds in pending.items()
    ]
    return f"Not trained to the end yet: {'; '.join(parts)}. Run the same command again to go on."
