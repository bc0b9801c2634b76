"""Write the generated pages of docs/, so that commands and constants are not described twice.

python tools/docs.py          write them
python tools/docs.py --check  name the pages that lag behind, and exit with 1 if any does
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"


def command_line_page() -> str:
    """Return docs/command-line.md: every command with its arguments, options and help."""
    from justright.cli.main import HELP

    parts = ["# Command line", _note(), _paragraphs(HELP)]
    for name, command in commands().items():
        parts += [f"## justright {name}", _paragraphs(command.help or ""), _options(command)]
    return "\n\n".join(part for part in parts if part) + "\n"


def commands() -> dict[str, Any]:
    """Return name -> every command, with its help and parameters."""
    import typer.main

    from justright.cli.main import command_line

    group: Any = typer.main.get_command(command_line())
    found: dict[str, Any] = group.commands
    return found


def spelling(parameter: Any) -> str:
    """Return an option or argument as it is typed."""
    if parameter.param_type_name == "option":
        return str(parameter.opts[0])
    return str(parameter.metavar or parameter.name).strip("[]")


def verdicts_page() -> str:
    """Return docs/verdicts.md: what each label means, and the numbers behind it."""
    from justright.diagnosis import verdicts
    from justright.diagnosis.scores import metric_list
    from justright.runs import grid, margin
    from justright.statistics import estimates, intervals

    numbers = {
        "intervals": f"{100 * intervals.DEFAULT_LEVEL:g} %",
        "margin": f"{100 * margin.MARGIN_SHARE:g} % of (loss of the constant prediction - best test loss of the study)",
        "measured epochs": f"the first {grid.DENSE_EPOCHS}, then each {grid.RATIO:g} times the one before, always best and last",
    }
    table = ["| what | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in numbers.items())]
    metrics = ["| metric | `result.json` | for | what |", "|---|---|---|---|"]
    metrics += [
        f"| {one.words} | `{one.name}` | {', '.join(one.tasks)} | {one.meaning} |"
        for one in metric_list.METRICS
    ]
    documented = verdicts.__doc__ or ""
    interval = intervals.__doc__ or ""
    return (
        "\n\n".join(
            [
                "# Verdicts",
                _note(),
                documented.strip(),
                "## Numbers",
                "\n".join(table),
                "## Intervals",
                interval.strip(),
                "## Metrics",
                "\n".join(metrics),
                (estimates.__doc__ or "").strip(),
            ]
        )
        + "\n"
    )


def security_page() -> str:
    """Return docs/security.md: what is trusted, the limits taken from the code, and how it is tested."""
    from justright.data import checks, fetch
    from justright.data.readers import inflate, npz, parquet, parts, raw
    from justright.data.readers.databases import guarded_connection as connection
    from justright.data.readers.databases import sqlite_file
    from justright.data.readers.workbooks import workbook
    from justright.logs import source
    from justright.logs.formats import tfevents
    from justright.records import entries, models, reader
    from justright.study import spec, variant
    from justright.workers import watch

    limits = {
        "table, decompressed or in memory": _size(raw.MAX_TABLE_BYTES),
        "download": _size(raw.MAX_TABLE_BYTES),
        "gzip, inflated at a time": _size(inflate.PIECE_BYTES),
        "Zstandard window": _size(inflate.ZSTD_WINDOW_BYTES),
        "Parquet page header": f"{_size(parquet.MAX_HEADER_BYTES)}, nested {parquet.MAX_DEPTH} deep",
        "header of an NPZ array": _size(npz.MAX_HEADER_BYTES),
        "time for reading a workbook": f"{workbook.BASE_SECONDS:g} s of CPU time and {workbook.SECONDS_PER_MEGABYTE:g} s per MB",
        "row of an SQLite file": _size(sqlite_file.MAX_ROW_BYTES),
        "files of a table in parts": f"{parts.MAX_PARTS:,}",
        "name of a column or class": f"{checks.MAX_NAME_CHARACTERS} characters, none of them a control character",
        "name of a variant": f"{variant.MAX_NAME_LENGTH} characters and {variant.MAX_NAME_BYTES} bytes of UTF-8",
        "silence of a server": f"{fetch.TIMEOUT_SECONDS:g} s, {fetch.MAX_BARREN_ATTEMPTS} times in a row",
        "study file": _size(spec.MAX_SPEC_BYTES),
        "training log as text": _size(source.MAX_TEXT_BYTES),
        "files below a log folder": f"{source.MAX_FILES:,}",
        "values in event files": f"{tfevents.MAX_POINTS:,}",
        "files and folders of a study folder": f"{entries.MAX_ENTRIES:,}",
        "numbers in the curves of a study": f"{reader.MAX_CURVE_NUMBERS:,}",
        "losses row by row of one run": _size(reader.MAX_LOSS_BYTES),
        "other answer of a study's database": f"{_size(reader.MAX_RESULT_BYTES)}, JSON {_size(reader.MAX_JSON_BYTES)}",
        "time for reading a study's database, or an SQLite file": f"{connection.BASE_SECONDS:g} s of CPU time and 1 s per {connection.BYTES_PER_SECOND // 10**6} MB",
        "configuration of a model, and its metadata": f"{_size(models.MAX_CONFIG_BYTES)} each",
        "model, unpacked": f"{models.MAX_UNPACKED_RATIO} times the file and {_size(models.MAX_UNPACKED_SLACK_BYTES)}",
        "silence of a worker": f"{watch.HANG_SECONDS:g} s without computing",
    }
    table = "\n".join(
        ["| what | limit |", "|---|---|", *(f"| {name} | {value} |" for name, value in limits.items())]
    )
    return SECURITY.format(note=_note(), limits=table)


def _size(count: int) -> str:
    """Return a number of bytes in the largest unit that divides it."""
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count % (1 << shift) == 0:
            return f"{count >> shift:,} {unit}"
    return f"{count:,} bytes"


def _note() -> str:
    return "<!-- Generated by `make docs`; change the code it is generated from. -->"


def _paragraphs(text: str) -> str:
    """Return a command's help: its indented examples as code, the rest as paragraphs."""
    lines: list[str] = []
    for line in text.replace("\\b", "").replace("\b", "").strip().splitlines():
        is_code, was_code = line.startswith("  "), bool(lines) and lines[-1].startswith("    ")
        if is_code and not was_code and lines and lines[-1]:
            lines.append("")
        lines.append(f"    {line.strip()}" if is_code else line.rstrip())
    return re.sub("\n{3,}", "\n\n", "\n".join(lines))


def _options(command: Any) -> str:
    rows = ["| argument or option | meaning |", "|---|---|"]
    for parameter in command.params:
        is_option = parameter.param_type_name == "option"
        name = ", ".join(parameter.opts) if is_option else str(parameter.metavar or parameter.name)
        metavar = f" {parameter.metavar}" if is_option and parameter.metavar else ""
        shown = (name + metavar).replace("|", "\\|")
        rows.append(f"| `{shown}` | {(getattr(parameter, 'help', '') or '').replace('|', chr(92) + '|')} |")
    return "\n".join(rows) if len(rows) > 2 else ""


SECURITY = """\
# Security

{note}

## What is trusted

- The Python you run: a builder passed to `Study`, and everything it imports.
- This machine, its user, and the programs that may write to the study folder while a study runs in it.
- The user's cache, which holds compiled programs and parsed rows in a folder that nobody else may write to.
- The workers of one study, which receive builders by cloudpickle. A Ray cluster that you name runs your code; trust it as
  you trust its owner.

## What is not

Tables, addresses, study files, training logs, `.keras` files, and whole study folders from somebody else. For these:

- Nothing is unpickled, and nothing in them is run. NPZ arrays of objects are refused. Models load in Keras' safe mode,
  after a check that no layer in them carries code; HDF5 files and SavedModel folders are not read. Keras refuses a
  configuration that names classes or functions of other packages. The plan in a model is plain values; one that is not of
  its type, or does not fit the others, is refused before it is used.
- Unpacking stops at a stated limit, before memory is full: gzip and Zstandard as they are inflated, NPZ by what its
  arrays declare, Parquet by the sum of its pages, Arrow by that of its buffers, `.keras` by its directory. Workbooks are read
  in a process of their own, which is ended when it takes more than this in memory or too much time; links in them are not
  followed, and formulas are not computed.
- An SQLite file is opened read-only and immutable, and is asked questions only: whatever else `--query` or the file itself
  says, nothing is written and no other file is opened. Every question has a limit of time and size.
- Pickles are refused by their first bytes and by their names.
- Only http and https addresses, and those of database servers, are opened, and redirects lead nowhere else. A password in
  a database's address is kept nowhere, neither in the study folder nor in a message; running again takes it from
  `JUSTRIGHT_DATABASE_PASSWORD`. What a server answers is not limited before it arrives. Any address you give is followed, even one
  inside your network: do not pass on addresses from strangers.
- A study folder holds files and folders only. A link in it, a pipe, a device or a socket is refused before anything in the
  folder is opened, by `show`, `report` and `predict` as well as by `run`; so is a hard link to a file that is changed in place, and a
  rollback journal beside study.db, for SQLite deletes the file that such a journal names. Event files that two groups of
  variants show are one file with two names in the folder; a file that has a name elsewhere is replaced, never written to. The
  folder as a whole may be a link; to keep it on another disk, move all of it. Hidden files in it are the user's and are never
  opened.
- `study.db` holds the tables of its version as justright made them, and the columns of metrics: a view, trigger, computed
  column, index or table more is refused before anything is asked of the database. Every question has a limit of time and size.
- `run` on a folder's own study opens the addresses and files that its study.toml names only if you have named them before:
  in a command, a study file or from Python. Otherwise it names them and asks for `--trust`. What you named is remembered as
  digests in your state folder, by address or absolute path, a database's together with the query. `SOURCE`, `--test`, `--validation`, `--from` and
  `--study FILE.toml` are your own words and need no trust; nor do tables with a name, such as higgs-sim.
- Names are only data: escaped in HTML, Markdown and the terminal, parameters in SQL, a single step of a path in the
  folder, or refused. The report loads nothing from the network, and its own policy lets no other script run.
- What cannot be used ends in one sentence and exit code 2.

Not covered: a stranger's model may need more memory to build than its file suggests. Build it where memory is limited.

## Limits

{limits}

## How it is tested

Property-based tests (Hypothesis) give readers, study files and names any text and any bytes
(`tests/data/test_properties.py`, `tests/study/test_values.py`, `tests/test_hostile_names.py`); decompression bombs are in
`tests/data/test_bombs.py`, folders with links, pipes and strange databases in `tests/records/test_strangers.py`. Coverage-guided fuzzing is a program:

    python -m venv fuzzing && fuzzing/bin/pip install --group fuzz -e .
    fuzzing/bin/python -m benchmarks.fuzz --seconds 240

Measured on 2026-11-22 with atheris 3.0.0, Python 3.11.7, NumPy 2.4.6 and Polars 2.1.0 on two busy virtual
cores of an Intel Xeon, 2 to 9 minutes per target, the last round of each without a finding. Coverage is what atheris counts
in justright and the Python parsers below it:

| target | what it reads | inputs | coverage | findings, all fixed |
|---|---|---|---|---|
| `table` | CSV, TSV, gzip, Zstandard, Parquet, Arrow, NPZ | 455,844 | 865 | 6 |
| `spec` | study files, values and keys replaced | 64,855 | 456 | 11 |
| `toml` | study files, bytes changed | 106,923 | 658 | 0 |
| `log` | all log formats, event files with right checksums; every run is diagnosed | 162,334 | 307 | 0 |
| `model` | the check before Keras sees a `.keras` file | 247,253 | 45 | 1 |
| `checkpoint` | safetensors | 560,423 | 16 | 0 |

A finding is a place in the code where an input causes an exception other than our own, a hang, or memory use beyond 2.5 GB
with every limit lowered to 64 MiB; inputs are at most 8 KiB. Each such input is now refused in a sentence, with a test. The
property-based tests found one more: a character that XML cannot hold, in a column's name, ended the process, inside the
JavaScript engine that drew the report's charts then. Charts are now drawn without one.

## Report a problem

Please write to the maintainers in private first, with the file that shows the problem; you get an answer before it is made
public.
"""

PAGES: dict[str, Callable[[], str]] = {
    "command-line.md": command_line_page,
    "security.md": security_page,
    "verdicts.md": verdicts_page,
}


def stale_pages() -> list[str]:
    """Return the names of the pages that differ from what would be written now."""
    return [
        name
        for name, write in PAGES.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != write()
    ]


def main() -> int:
    """Write the pages, or with --check only compare them; return the exit code."""
    if "--check" in sys.argv[1:]:
        stale = stale_pages()
        for name in stale:
            print(f"docs/{name} lags behind: run `make docs`.")
        return 1 if stale else 0
    DOCS.mkdir(exist_ok=True)
    for name, write in PAGES.items():
        (DOCS / name).write_text(write(), encoding="utf-8")
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
