"""Write the generated pages of docs/, so that commands and constants are not described twice.

python tools/docs.py          write them
python tools/docs.py --check  name the pages that lag behind, and exit with 1 if any does
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"


COMPLETION = """\
## Completion

Once `justright --install-completion` has been called from bash, zsh, fish or PowerShell, Tab in a new shell completes
commands, options and their values, study folders, and the names of a study's networks and groups:

    justright export runs/higgs-sim-quick L<Tab>
    justright plot runs/higgs-sim-quick history --variants Tiny,<Tab>

It adds a line to the file that the shell reads at its start, such as `~/.bashrc`. `justright --show-completion` prints what
would be installed, for another place."""


def command_line_page() -> str:
    """Return docs/command-line.md: every command with its arguments, options and help."""
    from justright.cli.main import HELP

    parts = ["# Command line", _note(), _paragraphs(HELP), COMPLETION]
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
    from justright.logs.discovery import folders
    from justright.logs.formats.trackers import counters, wandb
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
        "files below a log folder": f"{folders.MAX_FILES:,}, {folders.MAX_DEPTH} folders deep",
        "text logs in a folder": f"{folders.MAX_LOGS:,}, {_size(folders.MAX_FOLDER_BYTES)} together",
        "W&B file": _size(wandb.MAX_BYTES),
        "values in event files, or files of MLflow or W&B": f"{counters.MAX_POINTS:,}",
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


def diagnose_page() -> str:
    """Return docs/diagnose.md: which logs are read, what is said of them, and how it is decided."""
    from justright.callbacks.keras_hooks import KerasHooks
    from justright.callbacks.lightning_hooks import LightningHooks
    from justright.logs import run_reading
    from justright.logs.formats.registry import FORMATS
    from justright.logs.judge_run import LABEL_PAGES
    from justright.logs.objects.registry import OBJECT_KINDS
    from justright.logs.thresholds import MATERIAL_SHARE, per_cent
    from justright.statistics import turns

    formats = ["| log | `--json` says |", "|---|---|"]
    formats += [f"| {one.summary} | `{one.name}` |" for one in FORMATS if one.summary]
    labels = ["| label | what it says | how it is decided |", "|---|---|---|"]
    for label, page in LABEL_PAGES.items():
        link = f"[{label}](findings/{page.code}.md)"
        labels.append(f"| {link} | {page.meaning} | {page.decided} |")
    keys = [
        f"`{kind.__name__}`: {_first_line(kind)}\n\n{_argument_table(kind)}"
        for kind in (
            run_reading.RunReading,
            run_reading.SetReading,
            run_reading.MetricReading,
            run_reading.Finding,
            run_reading.Advice,
            run_reading.Keep,
        )
    ]
    return DIAGNOSE.format(
        note=_note(),
        formats="\n".join(formats),
        objects="\n".join(f"- {one.summary}" for one in OBJECT_KINDS if one.summary),
        keras=_argument_table(KerasHooks),
        lightning=_argument_table(LightningHooks),
        labels="\n".join(labels),
        fewest=turns.FEWEST_POINTS,
        material=per_cent(MATERIAL_SHARE),
        keys="\n\n".join(keys),
    )


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _argument_table(kind: type) -> str:
    """Return what a class is made of as its docstring describes it, each name or several together."""
    text = (kind.__doc__ or "").split("Args:")[1].split("Raises:")[0]
    described = re.sub(r"\s+", " ", text).strip()
    names = [name for name in inspect.signature(kind).parameters if name != "self"]
    starts = "|".join(names)
    entry = rf"((?:{starts})(?:, (?:{starts}))*): (.*?)(?=(?:\. (?:{starts})(?:, (?:{starts}))*: )|\.?$)"
    rows = ["| name | what |", "|---|---|"]
    rows += [
        f"| {_quoted(fields)} | {what.rstrip('.')} |"
        for fields, what in re.findall(entry, described)
        if fields != "curves"  # they are left out of JSON
    ]
    return "\n".join(rows)


def _quoted(fields: str) -> str:
    return ", ".join(f"`{field}`" for field in fields.split(", "))


def finding_page(page: Any) -> str:
    """Return the page of one finding's code."""
    parts = [f"# {page.code}: {page.title}", _note(), page.meaning]
    parts += ["## How it is decided", page.decided, "## What to do", page.remedy]
    parts += ["All findings: [index](README.md). How logs are read: [diagnose](../diagnose.md)."]
    return "\n\n".join(parts) + "\n"


def findings_index() -> str:
    """Return docs/findings/README.md: every code with its title."""
    from justright.logs import finding_pages as findings

    what = (findings.__doc__ or "").strip().splitlines()
    rows = ["| code | what was found |", "|---|---|"]
    rows += [f"| [{page.code}]({page.code}.md) | {page.title} |" for page in findings.PAGES]
    parts = ["# Findings of `justright diagnose`", _note(), *_prose(what), "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _prose(lines: list[str]) -> list[str]:
    """Return the paragraphs of a docstring."""
    return [" ".join(part.split()) for part in "\n".join(lines).split("\n\n")]


def _finding_pages() -> dict[str, Callable[[], str]]:
    from justright.logs import finding_pages as findings

    return {f"findings/{page.code}.md": partial(finding_page, page) for page in findings.PAGES}


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

DIAGNOSE = """\
# Reading training logs

{note}

    justright diagnose lightning_logs/version_0/metrics.csv
    justright diagnose checkpoint-500/ catboost_info/ --html report.html
    justright diagnose log.csv --validation holdout_rmse --fail-on overfits

```python
import justright as jr

reading = jr.diagnose("lightning_logs/version_0/metrics.csv")  # or a History, a data frame, a fitted booster
reading.label, reading.sentence, reading.advice
```

reads the log of a training run that is over, or of one that still goes on (`--watch`), and says whether the network overfits,
since when, which state to keep, and what to do. It needs no network, no data and neither Keras nor JAX. All options:
[command line](command-line.md#justright-diagnose).

## An answer

```text
training.log: ↑ overfits by loss only JR102
  val_loss rose from 4.21 at epoch 0 to 5.49 at epoch 49 (its trend by 0.76
  [0.33, 0.93], 18 %), while loss fell by 2.49: its loss overfits since epochs 0
  to 2, but val_acc still improved, to 0.634 at epoch 45: it grew too sure of
  its wrong answers, while it gave fewer of them.

What to do
1. Keep the state of epoch 45 (val_acc 0.634) rather than the last one, 0.615
   (2.9 % worse). [measured in this log]
2. Do not choose the state by val_loss: its best, epoch 0, has val_acc 0.408;
   monitor val_acc if that is what counts. [measured in this log]
```

There are also `--html`, `--markdown`, `--plot` and `--json`, for people and for programs, and `--fail-on` [for builds](ci.md).

## What is read

The format is told by the content, so the name of a file does not matter. A folder is searched for the logs in it.

{formats}

What each series is (training, validation or test rows; which evaluation set; which metric, and whether more or less of it is
better) is told by its name, in any usual spelling: `val_loss`, `Loss/valid`, `eval_stsb_loss`, `train RMSE`. Test rows are judged
where there are no others, and that is said. Where a name does not tell, say it: `--train`, `--validation`, `--step`, `--epoch`,
`--metric`, `--maximize`, `--minimize`; a table without a header needs its names: `--columns epoch,loss,val_loss`. Everything that had to be
assumed is listed as a note. A half-written last line is left out, JSON that ends in the middle is read as far as it is whole; a file
that cannot be read costs only itself. Restarts, resumed runs, folds and seeds are told apart: the last attempt counts; folds and
seeds are pooled, and so are three or more attempts of the same epochs.

Logs are read from every [format of tables](tables.md), too: workbooks, Parquet, Arrow, SQLite, ARFF, and arrays that NumPy saved under
their names. Of several sheets or tables those with metrics are read: folds and seeds as such, others as runs of their own. A file in gzip,
bzip2, xz, Zstandard or zip is read for the log in it, a Jupyter notebook for what its cells printed, a container's log for what its program
printed. The field's words may be English, Chinese, French, German, Italian, Japanese, Korean, Portuguese, Russian or Spanish.

From Python, `jr.diagnose` also takes objects, without importing the libraries that made them:

{objects}

## What is said

Each evaluation set gets one label, by its loss, or where there is none by its first metric. The label of the run is that of the
most urgent validation set. From {fewest} evaluations on there is a verdict; with fewer, only what can be said.

{labels}

A change of less than {material} of the best value is never called a rise or an improvement, however smooth the curve: another seed changes more.

Besides the label there are [findings](findings/README.md), each with a code that stays the same, advice, and the state to keep, with the
name of its checkpoint where the log names any. Each piece of advice says what it rests on: *measured in this log*, or *general*: what
holds for networks like this one, which `justright run` would measure.

## How a rise is told from noise

A validation curve jitters, and neighbouring evaluations jitter together; its lowest value is the luckiest one. So the trend at
the end is compared with the trend at its lowest stretch, by a 95 % interval that accounts for correlated noise, whose
correlation is itself only estimated, and for the fact that the lowest stretch was selected. Single spikes decide nothing. A rise of a
fifth of the loss needs less proof where the noise is small, and where noise hides everything but training went on to fall a long way, training
helps to decide, and this is said ([JR407](findings/JR407.md)). How often this is
right, beside other tools, is measured by `python -m benchmarks.diagnose`: see [calibration](calibration.md).

## What is not said

- *Underfits*: from one run nobody can see whether a larger network would be better. High and flat curves are described
  ([JR203](findings/JR203.md)), with the command that would decide.
- Whether the validation rows are like those that the network will meet, or leaked from training.
- That one curve speaks for another seed: it says what happened in this run. A study of several seeds says more.
- Training metrics of an epoch are means over moving weights with dropout on. A gap between training and validation
  is no verdict by itself.

## While a network trains

```python
import justright as jr

in_keras = jr.callbacks.Diagnose(stop_on="overfits")  # on any backend: model.fit(..., callbacks=[in_keras])
```

    in_lightning = lightning.Trainer(callbacks=[jr.callbacks.LightningDiagnose(stop_on=("overfits", "diverged"))])

say the verdict as soon as it changes, and stop training where asked to. A verdict after every epoch is many looks at one curve: the
error rates above hold for each look, so a label must hold `patience` times in a row before it stops anything. `justright diagnose LOG --watch`
does the same for any log that grows.

`jr.callbacks.Diagnose`:

{keras}

`jr.callbacks.LightningDiagnose`:

{lightning}

## Keys of `--json`

A list of runs, the one that counts first. Of the set that is judged first, `loss` (its name in the log), `evaluations` (how many), `best_at`, `best`, `last` and
`since` stand beside the other keys of the run. An interval is
`value`, `low` and `high`.

{keys}
"""

PAGES: dict[str, Callable[[], str]] = {
    "command-line.md": command_line_page,
    "diagnose.md": diagnose_page,
    "findings/README.md": findings_index,
    **_finding_pages(),
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
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(write(), encoding="utf-8")
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
