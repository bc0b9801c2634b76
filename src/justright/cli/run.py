"""`justright run`: train a study and say what it found."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from justright.cli.completions import lists_of, study_folders
from justright.cli.exit_codes import EXIT_INTERRUPTED, EXIT_NOTHING_MEASURED, EXIT_VERDICT
from justright.cli.fail_on import labels_to_fail_on
from justright.cli.parameters import takes_options
from justright.diagnosis.labels import LABELS
from justright.errors import EngineError
from justright.session.options import DEFAULT_SOURCE, DEFAULT_STUDY, RunOptions, StudyOptions

if TYPE_CHECKING:
    from justright.session.result import Result
    from justright.study.study import Study

RUNS_FOLDER = "runs"
# Characters that folder names may hold on every system; others in a source's name become a dash.
FOLDER_CHARACTERS = re.compile(r"[^\w.-]+")
MAX_FOLDER_NAME = 60
# Width from which matrix products take most of a network's time.
WIDE = 256
# Variants from which building them all, to plan what trains together, takes a while (some 20 ms each).
MANY_VARIANTS = 50
# What most people need comes first in the help text.
FIRST = (
    *("source", "target", "rows", "study", "out", "seeds", "workers", "max_epochs", "patience", "stop"),
    *("batch_size", "precision", "engine", "ray_address", "task", "missing", "categorical"),
    *("test", "validation", "of", "neighbours", "location", "trust"),
)


@takes_options(order=FIRST)
def run(
    study_options: StudyOptions,
    run_options: RunOptions,
    out: Path | None = typer.Option(
        None,
        help=f"The study folder. [default: {RUNS_FOLDER}/SOURCE-STUDY]",
        metavar="DIR",
        autocompletion=study_folders,
    ),
    fail_on: str | None = typer.Option(
        None,
        help="Exit with 1 if any variant has one of these verdicts, or has it as well.",
        metavar="LABEL[,LABEL]",
        autocompletion=lists_of(label.name for label in LABELS),
    ),
    as_json: bool = typer.Option(
        False, "--json", help="Print result.json to stdout, and nothing else there."
    ),
    quiet: bool = typer.Option(False, "--quiet", help="Show no progress."),
    verbose: bool = typer.Option(
        False, "--verbose", "-v", help="Print every reason of every verdict, and the spikes of its curves."
    ),
) -> None:
    """Train a study and say what it found.

    Judges every variant, and writes table, curves, models and report. Running the same command again resumes, and
    trains only what is missing.

    \b
    Examples:
      justright run
      justright run higgs --rows 20000 --study tutorial --seeds 3 --out runs/higgs
      justright run houses.parquet --target price --fail-on overfits,diverged --json
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.cli.table_progress import ReadingLine
    from justright.data.shared_arrays import keep_no_reserve
    from justright.diagnosis.labels import label_names
    from justright.report.terminal.terminal import progress
    from justright.session.prepare import prepare_study
    from justright.session.session import run_study
    from justright.session.views.shown_progress import shown_progress
    from justright.workers.ahead.early import start_early

    labels = labels_to_fail_on(fail_on, label_names())
    keep_no_reserve()
    if run_options.engine == "local":
        start_early()
    folder = out or default_folder(study_options.source, study_options.study, study_options.of)
    with nullcontext() if quiet else ReadingLine(progress()) as line:
        study = prepare_study(study_options, folder=folder, progress=line)
    if not quiet:
        _say_what_is_trained(study)
        _say_what_it_trains_on(study, run_options.engine)
    with nullcontext() if quiet else shown_progress(study, None if run_options.new else folder) as view:
        command = shlex.join(["justright", *sys.argv[1:]])
        try:
            result = run_study(
                study, folder, run_options, sinks=[view] if view else [], command=command, report=False
            )
        except EngineError as error:
            then = f"To go on: {resume_command(sys.argv[1:], error.folder)}"
            raise EngineError(f"{error} {then}", error.folder) from error
    _show_result(result, as_json=as_json, verbose=verbose)
    _exit(result, labels)


def default_folder(source: str | None, study: str | None, of: str | None = None) -> Path:
    """Return the study folder for a source and a study (of a network); it depends on nothing else, so that a rerun resumes.

    Example:
        >>> default_folder("tables/house prices.csv", None).as_posix()
        'runs/house-prices-quick'
    """
    from justright.data.sources import without_password
    from justright.study.studies import studies

    table = (
        "stdin" if source == "-" else Path(without_password(source or "").rstrip("/")).name.partition(".")[0]
    )
    if not table and study in (None, *studies()):
        table = DEFAULT_SOURCE  # a study file names its own table
    words = [word for word in (table, Path(study or DEFAULT_STUDY).stem, of) if word]
    return Path(RUNS_FOLDER) / FOLDER_CHARACTERS.sub("-", "-".join(words)).strip("-.")[:MAX_FOLDER_NAME]


def resume_command(arguments: Sequence[str], folder: Path) -> str:
    """Return the command that resumes the study in `folder`: the same command, but never with a fresh folder.

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


def _say_what_is_trained(study: Study) -> None:
    """Say which table, target and rows were understood: a target that was guessed wrongly is seen at once."""
    from justright.data.checks import counted
    from justright.data.describe import describe_plan
    from justright.data.guards.registry import find_warnings
    from justright.data.pipes import came_from_pipe
    from justright.report.terminal.plan_table import print_plan
    from justright.report.terminal.table_report import print_warnings
    from justright.report.terminal.terminal import progress
    from justright.report.terminal.text import plain
    from justright.study.neighbours import neighbours_sentence

    table, sizes = study.split.table, study.split.sizes
    rows = ", ".join(f"{sizes[part]:,} {part}" for part in ("train", "validation", "test"))
    left_out = (
        f"; left out: {counted(table.rows_left_out, 'row')} without a target" if table.rows_left_out else ""
    )
    progress().say(
        f"{plain(table.source.source)}: {table.n_features:,} features, target {plain(table.target_name)} "
        f"({table.task}{f': {plain(table.task_reason)}' if table.task_reason else ''}), rows: {rows}{left_out}."
    )
    for note in table.notes:
        progress().say(plain(note))
    if table.plan is not None:
        print_plan(progress(), describe_plan(table.plan))
    print_warnings(progress(), (warning.to_dict() for warning in find_warnings(study.split)))
    if came_from_pipe(table.source.source):
        progress().say(
            "The table comes from a pipe, which cannot be read again: to resume, pipe the same rows in."
        )
    if beside := neighbours_sentence(study.variants):
        progress().say(plain(beside))
    if len(study.variants) >= MANY_VARIANTS:
        progress().say(f"Building {len(study.variants):,} networks to plan their training.")


def _say_what_it_trains_on(study: Study, engine: str) -> None:
    """Say in which precision, on which accelerators, and what else the processor could do."""
    from justright.report.precision_words import sentence_of
    from justright.report.terminal.terminal import progress
    from justright.report.terminal.text import plain
    from justright.workers.engines import accelerators_of, device_kind

    resolved = study.on(device_kind(engine))
    precisions = {one.name: resolved.recipe_of(one).precision for one in resolved.variants}
    progress().say(plain(sentence_of(precisions, str(accelerators_of(engine) or ""))))
    if hint := precision_hint(study):
        progress().say(hint)


def precision_hint(study: Study) -> str | None:
    """Return what bfloat16 would do here for a study's wide networks; None if they use it, or would gain nothing.

    Args:
        study: with its recipes; models of the user's own are not examined.
    """
    from justright.study.families import Mlp
    from justright.workers.accelerators import may_have_accelerators
    from justright.workers.machine import has_bfloat16_products

    precisions = {
        study.recipe_of(variant).precision
        for variant in study.variants
        if isinstance(variant.build, Mlp) and max(variant.build.units, default=0) >= WIDE
    }
    if not precisions or may_have_accelerators():
        return None
    is_faster = has_bfloat16_products()
    if is_faster is False and "bfloat16" in precisions:
        return "This processor has no bfloat16 products: --precision bfloat16 gains no speed here."
    if is_faster and precisions <= {"auto", "float32"}:
        return "This processor has bfloat16 products: --precision bfloat16 trains wide networks faster and just as well."
    return None


def _show_result(result: Result, *, as_json: bool, verbose: bool) -> None:
    """Show the verdicts, and only then draw the report: whatever becomes of it, they have been said."""
    from justright.report.terminal.study_report import print_findings, print_places
    from justright.report.terminal.terminal import results, say_error, write_json

    if as_json:
        write_json(result.result)
    else:
        print_findings(results(), result.summary, result.folder, verbose=verbose)
    if not result.interrupted:  # whoever pressed Ctrl-C waits for checkpoints, not for a report
        result.try_report()
    if not as_json:
        print_places(results(), result.summary, result.folder)
    for sentence in result.repairs:
        say_error(sentence)


def _exit(result: Result, labels: list[str]) -> None:
    """Leave with the exit code that says how it went."""
    from justright.report.terminal.terminal import say_error

    if result.interrupted:
        say_error(
            f"interrupted; nothing recorded is lost. To go on: {resume_command(sys.argv[1:], result.folder)}"
        )
        raise typer.Exit(EXIT_INTERRUPTED)
    verdicts = {item["name"]: item["verdict"] for item in result.summary["variants"]}
    met = [
        f"{name} {label}"
        for name, verdict in verdicts.items()
        for label in (verdict["label"], verdict.get("also"))
        if label in labels
    ]
    if met:
        say_error(f"--fail-on was met: {'; '.join(met)}.")
        raise typer.Exit(EXIT_VERDICT)
    if all(run["best_epoch"] is None for item in result.summary["variants"] for run in item["runs"]):
        say_error("no run has a best epoch: nothing was measured. The reasons above say what went wrong.")
        raise typer.Exit(EXIT_NOTHING_MEASURED)
