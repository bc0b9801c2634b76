"""Tables of results as files: Parquet keeps types and lists, text is for every other tool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from justright.records.files import replacing
from justright.session.exports.export_source import ExportSource

if TYPE_CHECKING:
    import polars as pl

BETWEEN_SENTENCES = " "


def write_frame(
    source: ExportSource, name: str, seed: int | None, path: Path, *, separator: str | None
) -> tuple[Path]:
    """Write one of the study's tables to a file, as a whole or not at all.

    Args:
        source: holds the tables.
        name: of the table.
        seed: not used: tables hold all.
        path: the file.
        separator: of the columns of a text; None for Parquet.

    Raises:
        FolderError: the file cannot be written.
    """
    frame = source.frames[name]()
    with replacing(path.absolute()) as aside:
        if separator is None:
            frame.write_parquet(aside)
        else:
            flat(frame).write_csv(aside, separator=separator)
    return (path,)


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose lists of sentences are one text each, since text files hold no lists.

    Example:
        >>> import polars as pl
        >>> flat(pl.DataFrame({"reasons": [["One.", "Two."]]})).item()
        'One. Two.'
    """
    import polars.selectors as cs

    return frame.with_columns(cs.list().list.join(BETWEEN_SENTENCES))
