"""A study for a terminal of any width: its tables, its conclusion, and where everything is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from justright.data.table import MEMORY_SOURCE
from justright.diagnosis.words.advice import COMMAND
from justright.diagnosis.words.numbers import listed_briefly
from justright.report import blocks
from justright.report.blocks import Media, Step
from justright.report.fit_map import label_words
from justright.report.notable_variants import CHOSEN_WORDS, rest_words
from justright.report.sections.answer_list import told_in_folder
from justright.report.sections.provenance import headline
from justright.report.sections.reason_list import reasons_of
from justright.report.sections.registry import shown_sections
from justright.report.sections.verdict_table import has_catalogue, main_variants
from justright.report.summary import Summary
from justright.report.terminal.terminal import TONE_STYLES, Terminal, new_table
from justright.report.terminal.text import Symbols, plain, shorten, spelled

FULL_WIDTH = 120  # columns from which a table is not narrowed
NAME_WIDTH = 12  # of variants, at least: with it ten columns with intervals fit into 120 characters
IN_FOLDER = COMMAND.removesuffix("DIR")  # in sentences that hold a command
WIDE = 10_000  # columns in which nothing is cut off
MOST_PENDING = 8  # variants named that are still to be trained
HEADING_WIDTH = 13  # of a table with a column for each variant


def print_study(terminal: Terminal, summary: Summary, folder: Path, *, verbose: bool = False) -> None:
    """Print what a study found, and where everything is; `verbose` adds every reason of every verdict."""
    print_findings(terminal, summary, folder, verbose=verbose)
    print_places(terminal, summary, folder)


def print_findings(terminal: Terminal, summary: Summary, folder: Path, *, verbose: bool = False) -> None:
    """Print what a study found: tables, conclusion, answers, sentences, and what is still to be trained."""
    summary = summary | {"folder": str(folder)}
    answers: list[blocks.Answer] = []
    sentences: list[str] = []  # after the tables: what stands last is read first
    is_first = True
    for _, shown in shown_sections(summary, Media.TERMINAL):
        answers += [item for block in shown if isinstance(block, blocks.Answers) for item in block.items]
        sentences += [item for block in shown if isinstance(block, blocks.Sentences) for item in block.items]
        rest = [block for block in shown if not isinstance(block, blocks.Sentences | blocks.Answers)]
        if rest and not is_first:
            terminal.print()
        is_first = is_first and not rest
        for block in rest:
            print_block(terminal, block)
    if not has_catalogue(summary) and (others := rest_words(summary["variants"], main_variants(summary))):
        terminal.print()
        terminal.print(f"{others} are not shown: {CHOSEN_WORDS} are. For all of them:")
        terminal.say("  " + plain(shlex.join(["justright", "show", "--json", str(folder)])))
    terminal.print()
    terminal.print(Text(plain(headline(summary)), style="bold"))
    print_answers(terminal, answers, said=sentences)
    for sentence in sentences:
        if IN_FOLDER in sentence:
            terminal.say("- " + plain(sentence))  # a command stays on one line, to be copied
        else:
            _print_bullet(terminal, sentence)
    if verbose:
        print_reasons(terminal, summary)
    pending = pending_runs(summary)
    if pending:
        terminal.print()
        terminal.print(_pending_sentence(pending))


def print_answers(terminal: Terminal, answers: Sequence[blocks.Answer], *, said: Sequence[str] = ()) -> None:
    """Print one sentence for each network, then each command once, unbroken, for all networks that it serves.

    Commands are left out that stand in the sentences `said` besides.
    """
    if answers:
        terminal.print()
    todo: dict[str, list[str]] = {}
    for answer in answers:
        _print_bullet(terminal, _answer_text(answer))
        if any(answer.command in sentence for sentence in said if answer.command):
            continue
        if answer.command:
            todo.setdefault(answer.command, []).append(answer.name)
        elif answer.words and not any(one.startswith(answer.words.partition(":")[0]) for one in said):
            _print_bullet(terminal, f"{answer.name}: {answer.words}")
    for command, names in todo.items():
        terminal.say(f"- {plain(listed_briefly(names))}: {plain(command)}")


def _answer_text(answer: blocks.Answer) -> Text:
    """Return an answer that begins with its network, in the verdict's colour; a reason of an older version has no beginning."""
    says_name = answer.text.startswith(answer.name)
    head = answer.name if says_name else f"{answer.name}, {answer.verdict.text}: "
    style = TONE_STYLES[answer.verdict.tone] if answer.verdict.tone else ""
    return Text.assemble((plain(head), style), plain(answer.text.removeprefix(answer.name)))


def print_reasons(terminal: Terminal, summary: Summary) -> None:
    """Print every reason of every verdict, and the spikes of its curves."""
    for variant in summary["variants"]:
        terminal.print()
        terminal.print(
            Text(f"{plain(variant['name'])}: {plain(label_words(variant['verdict']))}", style="bold")
        )
        for reason in reasons_of(variant):
            _print_bullet(terminal, told_in_folder(reason, summary.get("folder")))


def print_places(terminal: Terminal, summary: Summary, folder: Path) -> None:
    """Print where everything is that a study left behind."""
    terminal.print()
    for name, place in places(folder, summary):
        terminal.say(f"{name:12} {place}")


def print_block(terminal: Terminal, block: blocks.Block) -> None:
    """Print one block; pictures are left to the page."""
    match block:
        case blocks.Table():
            for number, table in enumerate(fitting_tables(block, terminal.width, terminal.symbols)):
                if number:
                    terminal.print()
                terminal.print(table)
        case blocks.Text():
            for line in block.text.splitlines():
                terminal.print(spelled(plain(line), terminal.symbols), style="dim" if block.css else None)
        case blocks.Sentences():
            for item in block.items:
                _print_bullet(terminal, item)
        case blocks.Code():
            terminal.say(plain(block.text, keep="\n"))
        case blocks.Pairs():
            for name, value in block.items:
                terminal.say(f"{plain(name):12} {plain(value)}")
        case blocks.Folded():
            terminal.print(Text(plain(block.head.text), style="bold"))
            for part in blocks.visible(block.blocks, Media.TERMINAL):
                print_block(terminal, part)


def fitting_tables(table: blocks.Table, width: int, symbols: Symbols) -> list[Table]:
    """Return a table in the fullest form that fits into `width` columns, or split into several that do."""
    # Plain ASCII needs the space of '+/-' for the columns that measure.
    first = Step.NARROW if width < FULL_WIDTH else 0 if symbols.plus_minus == "±" else Step.SPREADS
    heading = table.columns[0].short or table.columns[0].title
    names = max(NAME_WIDTH, *map(len, heading.splitlines()))
    for step in range(first, Step.NEVER):
        room = width - table_width(_draw(table, symbols, step, names))
        if room >= 0:  # losses in the target's units may take any number of digits
            return [_draw(table, symbols, step, names + room)]
    if not table.splits:
        return [_draw(table, symbols, Step.LEAST, NAME_WIDTH)]
    head, *middle, last = range(len(table.shown(Media.TERMINAL)[0]))

    def part(start: int, most: int) -> Table:
        return _draw(table, symbols, Step.LEAST, NAME_WIDTH, [head, *middle[start : start + most], last])

    most = 1
    while table_width(part(0, most + 1)) <= width:
        most += 1
    return [part(start, most) for start in range(0, len(middle), most)]


def table_width(table: Table) -> int:
    """Return the columns of a terminal that a table takes when nothing is cut off."""
    wide = Console(width=WIDE)
    return Measurement.get(wide, wide.options, table).maximum


def pending_runs(summary: Summary) -> dict[str, list[int]]:
    """Return the seeds that have not ended, by variant; variants whose runs have all ended are left out."""
    pending = {}
    for variant in summary["variants"]:
        recorded = {run["seed"] for run in variant["runs"]}
        open_seeds = {run["seed"] for run in variant["runs"] if not run["outcome"]}
        seeds = sorted(open_seeds | (set(summary["seeds"]) - recorded))
        if seeds or not recorded:
            pending[variant["name"]] = seeds
    return pending


def places(folder: Path, summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield (what, where) for everything a study leaves behind that is there, and the commands that use it."""
    if (folder / "report.html").exists():
        yield "Report", plain(folder / "report.html")
    if (folder / "tensorboard").exists():
        yield "TensorBoard", plain(shlex.join(["justright", "tensorboard", str(folder)]))
    if (folder / "models").exists():
        yield "Models", plain(folder / "models")
        if summary["source"] != MEMORY_SOURCE:  # whose networks may have learned from arrays
            yield "Predict", plain(f"{shlex.join(['justright', 'predict', str(folder)])} TABLE")
    yield "Folder", plain(folder)


def _draw(
    table: blocks.Table, symbols: Symbols, step: int, names: int, only: Sequence[int] | None = None
) -> Table:
    """Return a table as it is after giving way `step` times, with `names` columns for the names of its rows.

    `only` picks columns among those that a terminal shows.
    """
    drawn = new_table()
    columns, rows = table.shown(Media.TERMINAL)
    picked = [number for number in only or range(len(columns)) if step < columns[number].leaves]
    most = HEADING_WIDTH if table.splits else WIDE
    for column in (columns[number] for number in picked):
        heading = (column.shortest if step >= column.shortens else "") or column.short or column.title
        drawn.add_column(
            "\n".join(shorten(line, most, symbols) for line in heading.splitlines()),
            justify="left" if column.is_text else "right",
            no_wrap=not column.wraps,
        )
    for row, cells in rows:
        if row.starts_part:
            drawn.add_section()
        texts = []
        for number in picked:
            cell, column = cells[number], columns[number]
            text = (cell.shortest if step >= column.shortens else "") or cell.short or cell.text
            width = WIDE if number or column.wraps else names
            shown = shorten(spelled(text, symbols), width, symbols)
            texts.append(Text(shown, style=TONE_STYLES[cell.tone] if cell.tone else ""))
        drawn.add_row(*texts, style=TONE_STYLES[row.tone] if row.tone else None)
    return drawn


def _print_bullet(terminal: Terminal, text: str | Text) -> None:
    """Print a sentence behind a dash, its further lines under the first."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row("-", Text(plain(text)) if isinstance(text, str) else text)
    terminal.print(grid)


def _pending_sentence(pending: Mapping[str, Sequence[int]]) -> str:
    parts = []
    for name, seeds in pending.items():
        which = f" (seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))})" if seeds else ""
        parts.append(plain(name) + which)
    if len(parts) > MOST_PENDING:
        parts[MOST_PENDING:] = [f"{len(parts) - MOST_PENDING:,} more variants"]
    return f"Not trained to the end yet: {'; '.join(parts)}. Run the same command again to go on."
