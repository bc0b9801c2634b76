"""`justright run`: train a study and say what it found."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from justright.cli.options import CATEGORICAL, MISSING, TASK
from justright.data.readers.registry import format_names
from justright.data.sources import default_source, described_sources

if TYPE_CHECKING:
    from justright.cli.table_progress import ReadingLine
    from justright.runs.events import Sink
    from justright.session.result import Result
    from justright.study import Study

# Copies of what `justright.session.prepare` and `justright.study` say, which help texts must not import (tested to be equal).
DEFAULT_SOURCE = default_source().name
DEFAULT_STUDY = "quick"
DEFAULT_CHECKPOINT_SECONDS = 10.0
STUDY_NAMES = ("quick", "tutorial", "sizes", "regularizers", "remedies", "data")
RUNS_FOLDER = "runs"
# What folder names may hold on every system; the rest of a source's name becomes a dash.
FOLDER_CHARACTERS = re.compile(r"[^\w.-]+")
MAX_FOLDER_NAME = 60


def run(
    source: str | None = typer.Argument(
        None,
        help=f"{described_sources()}, or a path or URL: {format_names()}. "
        f"[default: the study's own table, or {DEFAULT_SOURCE}]",
        metavar="SOURCE",
    ),
    target: str | None = typer.Option(
        None, help="The column to predict; its number in a file without a header.", metavar="COLUMN"
    ),
    rows: int | None = typer.Option(None, min=1, help="Read only this many rows.", metavar="N"),
    study: str | None = typer.Option(
        None,
        help=f"{', '.join(STUDY_NAMES)}, or a study file. [default: what DIR holds, or {DEFAULT_STUDY}]",
        metavar="NAME|FILE.toml",
    ),
    out: Path | None = typer.Option(
        None, help=f"The study folder. [default: {RUNS_FOLDER}/SOURCE-STUDY]", metavar="DIR"
    ),
    seeds: int | None = typer.Option(
        None, min=1, help="Runs of every variant, each from its own start.", metavar="N"
    ),
    workers: int | None = typer.Option(
        None, min=1, help="Processes that train at the same time. [default: one a core]", metavar="N"
    ),
    max_epochs: int | None = typer.Option(
        None, min=1, help="End every run after this many epochs.", metavar="N"
    ),
    patience: int | None = typer.Option(
        None, min=1, help="Stop a run this many epochs after its best one.", metavar="N"
    ),
    stop: Literal["patience", "settled"] | None = typer.Option(
        None,
        help="settled: also stop a run once neither its best epoch nor its verdict can plausibly change. "
        "[default: settled for quick, else patience]",
    ),
    batch_size: int | None = typer.Option(None, min=1, help="Training rows a step.", metavar="N"),
    precision: Literal["float32", "bfloat16"] | None = typer.Option(
        None, help="bfloat16: faster matrix products where the CPU has them; networks come out equally good."
    ),
    engine: Literal["local", "ray"] = typer.Option(
        "local", help="Where runs train: this machine, or a Ray cluster."
    ),
    ray_address: str | None = typer.Option(
        None, help="The cluster; without it, Ray starts on this machine.", metavar="A"
    ),
    task: Literal["binary", "multiclass", "regression"] | None = TASK,
    missing: list[str] | None = MISSING,
    categorical: list[str] | None = CATEGORICAL,
    test: Path | None = typer.Option(None, help="A second table that only measures.", metavar="FILE"),
    validation: Path | None = typer.Option(None, help="A second table that chooses epochs.", metavar="FILE"),
    location: str | None = typer.Option(
        None, "--from", help="Read HIGGS from here instead of UCI.", metavar="PATH_OR_URL"
    ),
    checkpoint_seconds: float = typer.Option(
        DEFAULT_CHECKPOINT_SECONDS,
        min=0.1,
        help="Training time between checkpoints: the most that a kill or a power cut can cost.",
        metavar="S",
    ),
    new: bool = typer.Option(
        False, "--new", help="Start in a fresh folder beside DIR when that holds a study."
    ),
    fail_on: str | None = typer.Option(
        None, help="Exit with 1 when a variant's verdict is one of these.", metavar="LABEL[,LABEL]"
    ),
    as_json: bool = typer.Option(
        False, "--json", help="Print result.json to stdout, and nothing else there."
    ),
    quiet: bool = typer.Option(False, "--quiet", help="Show no progress."),
) -> None:
    """Train a study, judge every variant, and write table, curves, models and report.

    Running the same command again resumes, and trains only what is missing.

    \b
    Examples:
      justright run
      justright run higgs --rows 20000 --study tutorial --seeds 3 --out runs/higgs
      justright run houses.parquet --target price --fail-on overfits,diverged --json
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.session.run import prepare_study, run_study

    labels = _labels(fail_on)
    _refuse_address(engine, ray_address)
    folder = default_folder(source, study) if out is None else out
    with _reading_line(quiet=quiet) as line:
        prepared = prepare_study(
            source=source,
            target=target,
            rows=rows,
            location=location,
            task=task,
            missing=missing,
            categorical=categorical,
            test=_text(test),
            validation=_text(validation),
            study=study,
            seeds=seeds,
            max_epochs=max_epochs,
            patience=patience,
            stop=stop,
            batch_size=batch_size,
            precision=precision,
            folder=folder,
            progress=line,
        )
    _say_what_is_trained(prepared, quiet=quiet)
    with _progress_sinks(prepared, quiet=quiet) as sinks:
        result = run_study(
            prepared,
            folder,
            workers=workers,
            engine=engine,
            ray_address=ray_address,
            sinks=sinks,
            new=new,
            checkpoint_seconds=checkpoint_seconds,
            command=shlex.join(["justright", *sys.argv[1:]]),
        )
    _show_result(result, as_json=as_json)
    _exit(result, labels)


def default_folder(source: str | None, study: str | None) -> Path:
    """Return the study folder for a source and a study: the same for the same two, so that a rerun resumes.

    Example:
        >>> default_folder("tables/house prices.csv", None).as_posix()
        'runs/house-prices-quick'
    """
    table = Path((source or "").rstrip("/")).name.partition(".")[0]
    if not table and study in (None, *STUDY_NAMES):
        table = DEFAULT_SOURCE  # a study file names its own table
    words = [word for word in (table, Path(study or DEFAULT_STUDY).stem) if word]
    return Path(RUNS_FOLDER) / FOLDER_CHARACTERS.sub("-", "-".join(words)).strip("-.")[:MAX_FOLDER_NAME]


def resume_command(arguments: Sequence[str], folder: Path) -> str:
    """Return the command that goes on with the study in `folder`: the same, but never a fresh folder.

    Example:
        >>> resume_command(["run", "a.csv", "--new", "--out", "runs/a"], Path("runs/a-2"))
        'justright run a.csv --out runs/a-2'
    """
    kept = []
    left = iter(arguments)
    for argument in left:
        if argument == "--out":
            next(left, None)
        elif argument != "--new" and not argument.startswith("--out="):
            kept.append(argument)
    return shlex.join(["justright", *kept, "--out", str(folder)])


def _labels(fail_on: str | None) -> list[str]:
    """Return the verdicts named by --fail-on; raise InputError before anything trains when one does not exist."""
    from justright.diagnosis.labels import label_names
    from justright.errors import one_of

    labels = [label.strip() for label in (fail_on or "").split(",") if label.strip()]
    for label in labels:
        if label not in label_names():
            raise one_of("--fail-on", label, label_names())
    return labels


def _refuse_address(engine: str, ray_address: str | None) -> None:
    from justright.errors import InputError

    if ray_address is not None and engine != "ray":
        raise InputError(f"`--ray-address` needs --engine ray; got --engine {engine}. Give both, or neither.")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _reading_line(*, quiet: bool) -> AbstractContextManager[ReadingLine | None]:
    """Return what shows how far reading the table has come."""
    from justright.cli.table_progress import ReadingLine
    from justright.report.terminal.terminal import progress

    return nullcontext() if quiet else ReadingLine(progress())


def _say_what_is_trained(study: Study, *, quiet: bool) -> None:
    """Say which table, target and rows were understood: a target that was guessed wrongly is seen at once."""
    if quiet:
        return
    from justright.cli.precision import precision_hint
    from justright.report.terminal.terminal import progress
    from justright.report.terminal.text import plain

    table, sizes = study.split.table, study.split.sizes
    rows = ", ".join(f"{sizes[part]:,} {part}" for part in ("train", "validation", "test"))
    left_out = f"; {table.rows_left_out:,} rows with missing values left out" if table.rows_left_out else ""
    progress().say(
        f"{plain(table.source.source)}: {table.n_features:,} features, target {plain(table.target_name)} "
        f"({table.task}), rows: {rows}{left_out}."
    )
    hint = precision_hint(study)
    if hint:
        progress().say(hint)


@contextmanager
def _progress_sinks(study: Study, *, quiet: bool) -> Iterator[list[Sink]]:
    """Yield what shows progress: a live view on a terminal, lines elsewhere, nothing when quiet."""
    if quiet:
        yield []
        return
    from justright.cli.progress import StudyProgress
    from justright.report.terminal.terminal import progress

    terminal = progress()
    if terminal.is_terminal and not terminal.is_dumb_terminal:
        from justright.cli.live import live_view

        with live_view(StudyProgress(study), terminal) as view:
            yield [view]
    else:
        from justright.cli.dots import DotLog

        yield [DotLog(StudyProgress(study), terminal)]


def _show_result(result: Result, *, as_json: bool) -> None:
    from justright.report.terminal.study import print_study
    from justright.report.terminal.terminal import results, say_error, write_json

    if as_json:
        write_json(result.result)
    else:
        print_study(results(), result.summary, result.folder)
    for sentence in result.repairs:
        say_error(sentence)


def _exit(result: Result, labels: list[str]) -> None:
    """Leave with the exit code that says how it went."""
    from justright.cli.main import EXIT_INTERRUPTED, EXIT_VERDICT
    from justright.report.terminal.terminal import say_error
    from justright.session.result import failed_labels

    if result.interrupted:
        say_error(
            f"interrupted; nothing recorded is lost. To go on: {resume_command(sys.argv[1:], result.folder)}"
        )
        raise typer.Exit(EXIT_INTERRUPTED)
    met = failed_labels(result.summary, labels)
    if met:
        said = "; ".join(f"{name} {label}" for name, label in met.items())
        say_error(f"--fail-on was met: {said}.")
        raise typer.Exit(EXIT_VERDICT)
