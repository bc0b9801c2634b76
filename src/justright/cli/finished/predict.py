"""`justright predict`: what a study's networks say of new rows."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from justright.cli.completions import study_folders, variants
from justright.cli.parameters import takes_options
from justright.data.checks import listed
from justright.errors import InputError, near_miss
from justright.session.options import FileOptions

if TYPE_CHECKING:
    import polars as pl

    from justright.data.read_options import ReadOptions
    from justright.data.readers.raw import RawTable
    from justright.session.result import Result

STANDARD_OUTPUT = Path("-")
PROBABILITY = "probability_"  # what columns of probabilities begin with, before the class
# Ending of the file's name -> what separates its columns; None for Parquet.
ENDINGS = {".csv": ",", ".tsv": "\t", ".parquet": None}
# Below it, a float holds every whole number.
WHOLE_LIMIT = 2**53
# Columns that a message lists.
MAX_LISTED = 12
# Rows that become text at a time.
TEXT_ROWS = 50_000
FIRST = (
    *("folder", "source", "out", "variant", "seed", "ensemble", "threshold"),
    *("keep", "keep_columns", "called", "probability", "as_json"),
)


@takes_options(order=FIRST)
def predict(
    options: FileOptions,
    folder: Path = typer.Argument(help="The study folder.", metavar="DIR", autocompletion=study_folders),
    source: str = typer.Argument(
        help="The rows, as for `justright run`: a path or URL, or - for standard input. They need no target.",
        metavar="TABLE",
    ),
    out: Path = typer.Option(
        STANDARD_OUTPUT,
        "--out",
        "-o",
        help=f"Where to write: a file that ends in {', '.join(ENDINGS)}, or - for CSV on standard output.",
        metavar="FILE",
    ),
    variant: str | None = typer.Option(
        None,
        help="Whose network predicts. [default: the one with the lowest validation loss]",
        metavar="NAME",
        autocompletion=variants,
    ),
    seed: int | None = typer.Option(None, help="Which of its runs. [default: its best]", metavar="N"),
    ensemble: bool = typer.Option(False, "--ensemble", help="Average all seeds of the variant."),
    threshold: float | None = typer.Option(
        None,
        help="Predict class 1 of two from this probability on. [default: the more probable class]",
        metavar="P",
    ),
    keep: list[str] = typer.Option(
        [],
        help="Write this column of the table before the prediction. Repeat for more.",
        metavar="COLUMN",
    ),
    keep_columns: bool = typer.Option(
        False, "--keep-columns", help="Write all of the table's own columns, too."
    ),
    called: str | None = typer.Option(
        None,
        "--as",
        help="Write one column of this name, without probabilities beside it: the prediction or, with --probability, that.",
        metavar="NAME",
    ),
    probability: str | None = typer.Option(
        None,
        help="Write the probability of this class in place of the prediction, and of no other.",
        metavar="CLASS",
    ),
    as_json: bool = typer.Option(
        False,
        "--json",
        help="Print JSON to stdout: what predicted, notes, and the predictions unless --out has them.",
    ),
) -> None:
    """Predict rows with a study's network.

    Columns are found by name, in any order, and read as for the study. Levels that are new and columns that are missing
    are allowed, and said.

    \b
    Examples:
      justright predict runs/houses new.csv
      justright predict runs/houses new.xlsx -o predictions.csv --keep-columns
      justright predict runs/houses test.csv -o submission.csv --keep Id --as SalePrice
      justright predict runs/churn test.csv -o submission.csv --keep id --as churned --probability yes
      justright predict runs/churn new.csv --variant Dropout --ensemble --threshold 0.3 -o churn.parquet
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.cli.table_progress import ReadingLine
    from justright.data.read import read_columns
    from justright.records.faults import content_faults
    from justright.report.terminal.terminal import progress, write_json
    from justright.report.terminal.text import plain
    from justright.session.result import open_result

    _check_out(out, source)
    with content_faults(folder):
        result = open_result(folder)
        _ = result.models  # read, like everything of the folder, before the table is
        how = _read_as_trained(result, options)
    with ReadingLine(progress()) as line:
        raw = read_columns(source, how, progress=line, name="TABLE")
    predictor = result.predictor(variant=variant, seed=seed, ensemble=ensemble)
    found = predictor.predict_columns(raw, threshold=threshold)
    frame = found.frame
    if called is not None or probability is not None:
        frame = _one_column(frame, called, probability)
    if keep or keep_columns:
        frame = _beside(_kept(raw, keep, with_all=keep_columns), frame)
    for note in (*_study_notes(result), *found.notes):
        progress().say(plain(note))
    if as_json:
        values = predictor.described() | {"rows": frame.height, "notes": list(found.notes)}
        write_json(values | ({"predictions": frame.to_dicts()} if out == STANDARD_OUTPUT else {}))
    if out != STANDARD_OUTPUT:
        _write(frame, out)
    elif not as_json:
        _print(frame)


def _check_out(out: Path, source: str) -> None:
    """Refuse a place that cannot be written, or that would replace the table, before anything is read."""
    if out == STANDARD_OUTPUT:
        return
    if out.is_dir():
        raise InputError(f"`--out` must be a file; {str(out)!r} is a folder. Name a file in it.")
    if out.suffix.lower() not in ENDINGS and not _is_special(out):
        raise InputError(
            f"`--out` must end in {', '.join(ENDINGS)}, or be -; got {str(out)!r}. Name the file otherwise."
        )
    if out.is_file() and Path(source).is_file() and out.samefile(source):
        raise InputError(f"`--out` must be another file than the table; both are {str(out)!r}. Name another.")


def _read_as_trained(result: Result, options: FileOptions) -> ReadOptions:
    """Return how to read the rows: as the study's table was read, unless an option says otherwise."""
    from justright.data.read_options import read_options
    from justright.session.options import descriptions

    table = result.study.get("table", {})
    trained = {name: table[name] for name in descriptions(FileOptions) if name in table}
    return read_options(trained | options.given(FileOptions))


def _study_notes(result: Result) -> list[str]:
    """Return a sentence if the study has not come to its end."""
    if result.summary["choice"] is not None:
        return []
    return ["The study has not been judged: it was interrupted, and the best run so far predicts."]


def _one_column(found: pl.DataFrame, called: str | None, probability: str | None) -> pl.DataFrame:
    """Return the prediction, or the probability of one class, as the only column."""
    first, *others = found.columns
    column = first if probability is None else f"{PROBABILITY}{probability}"
    if column not in found.columns:
        classes = [name.removeprefix(PROBABILITY) for name in others]
        if not classes:
            raise InputError(
                "`--probability` is about classes, but this network predicts numbers. Leave it out."
            )
        raise InputError(
            f"`--probability` must be one of the classes {listed(classes, most=MAX_LISTED)}; got {probability!r}."
            f"{near_miss(str(probability), classes)}"
        )
    if called == "":
        raise InputError("`--as` must be a name; got an empty one.")
    return found.select(found[column].alias(called or column))


def _kept(raw: RawTable, keep: Sequence[str], *, with_all: bool) -> pl.DataFrame:
    """Return the columns of the table that are written beside the predictions, in the order in which they are named."""
    names = raw.frame.columns
    for name in keep:
        if name not in names:
            raise InputError(
                f"{raw.label}: `--keep` must name a column; there is no {name!r}.{near_miss(name, names)} Columns: "
                f"{listed(names, most=MAX_LISTED)}."
            )
    return raw.frame if with_all else raw.frame.select(list(dict.fromkeys(keep)))


def _beside(columns: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    both = [name for name in predictions.columns if name in columns.columns]
    if both:
        raise InputError(
            f"A column that is kept must not have the name of a column of predictions; {both[0]!r} has. Name the predictions "
            "otherwise (--as NAME), or keep other columns."
        )
    return columns.select(_whole(values) for values in columns.iter_columns()).hstack(predictions)


def _whole(values: pl.Series) -> pl.Series:
    """Return a column of whole numbers as such, which readers return as floats: numbers of passengers have no point."""
    import polars as pl

    is_whole = values.dtype.is_float() and ((values == values.floor()) & (values.abs() < WHOLE_LIMIT)).all()
    return values.cast(pl.Int64) if is_whole else values


def _print(frame: pl.DataFrame) -> None:
    import sys

    for text in _texts(frame, ","):
        sys.stdout.write(text)
    sys.stdout.flush()


def _write(frame: pl.DataFrame, out: Path) -> None:
    """Write a file as a whole or not at all; to a device or a pipe, write CSV."""
    from justright.records.faults import disk_faults
    from justright.records.files import replacing

    separator = ENDINGS.get(out.suffix.lower(), ",")
    is_special = _is_special(out)
    where = nullcontext(out) if is_special else replacing(out.resolve())
    with disk_faults(out, "write the predictions"), where as place:
        if separator is None and not is_special:
            frame.write_parquet(place)
            return
        with place.open("wb") as file:
            file.writelines(text.encode() for text in _texts(frame, separator or ","))


def _texts(frame: pl.DataFrame, separator: str) -> Iterator[str]:
    """Yield a frame as text, some rows at a time."""
    import polars as pl

    try:
        for start in range(0, max(frame.height, 1), TEXT_ROWS):
            yield frame.slice(start, TEXT_ROWS).write_csv(separator=separator, include_header=start == 0)
    except pl.exceptions.ComputeError as error:
        raise InputError(
            f"Columns must hold single values to be written as text; one does not ({error}). Write to a .parquet file, or "
            "keep other columns."
        ) from error


def _is_special(path: Path) -> bool:
    """Return whether something is there that is neither a file nor a folder: a device or a pipe."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
