"""Every format that is exported: the ending of its files, what it holds, and who writes it.

Nothing here imports Keras, NumPy or Polars, so that help texts can list the formats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from justright.data.checks import listed
from justright.errors import InputError, check_one_of, near_miss
from justright.session.exports.export_source import ExportSource
from justright.session.exports.frame_files import write_frame
from justright.session.exports.network_files import write_keras, write_onnx
from justright.session.exports.tensorflow_folder import write_savedmodel
from justright.session.exports.training_script import write_script

MAX_LISTED = 12  # names in a message

# (what is exported, the variant's or table's name, seed, where to) -> the files that were written.
Write = Callable[[ExportSource, str, int | None, Path], tuple[Path, ...]]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format.

    Args:
        ending: of the names of its files.
        holds: 'network' for a variant's network, 'table' for a table of results.
        write: writes it.
    """

    ending: str
    holds: Literal["network", "table"]
    write: Write


def export(
    source: ExportSource, name: str, path: str | Path, *, kind: str | None = None, seed: int | None = None
) -> tuple[Path, ...]:
    """Write a variant's network, or a table of results, as a file of another tool; return the files written.

    Args:
        source: what is exported.
        name: a variant, or one of the tables.
        path: the file; its ending says the format.
        kind: the format, if the ending does not say it.
        seed: the variant's run; None takes the one with the lowest validation loss.

    Raises:
        InputError: the format or name is unknown, they do not fit, or the network cannot be written so.
        FolderError: no run has ended with a model, or the file cannot be written.
    """
    place = Path(path)
    chosen = _format_of(place, kind)
    _check_name(source, name, chosen)
    if seed is not None and chosen.holds == "table":
        raise InputError(f"`seed` chooses a variant's run; {name!r} holds those of all. Leave it out.")
    return chosen.write(source, name, seed, place)


def endings(holds: str) -> str:
    """Return the endings of formats that hold networks, or tables, as a list in a sentence."""
    return ", ".join(one.ending for one in EXPORT_FORMATS.values() if one.holds == holds)


def _format_of(path: Path, kind: str | None) -> ExportFormat:
    if kind is not None:
        check_one_of("kind", kind, tuple(EXPORT_FORMATS))
        return EXPORT_FORMATS[kind]
    for one in EXPORT_FORMATS.values():
        if path.name.lower().endswith(one.ending):
            return one
    raise InputError(
        f"A file to export to must end in {endings('network')} for a network, or {endings('table')} for a table; got "
        f"{str(path)!r}. Name the file otherwise, or say which format it has: {', '.join(EXPORT_FORMATS)}."
    )


def _check_name(source: ExportSource, name: str, chosen: ExportFormat) -> None:
    """Refuse a name that the study lacks, or that the format cannot hold."""
    variants, tables = source.variants, list(source.frames)
    names, others = (variants, tables) if chosen.holds == "network" else (tables, variants)
    if name in names:
        return
    hint = near_miss(name, names)
    if name in others:
        other = "table" if chosen.holds == "network" else "network"
        hint = f" {name!r} is a {other}, which goes to a file that ends in {endings(other)}."
    what = "a variant of the study" if chosen.holds == "network" else "a table of results"
    raise InputError(
        f"For {chosen.ending}, `name` must be {what}, {listed(names, most=MAX_LISTED)}; got {name!r}.{hint}"
    )


EXPORT_FORMATS: dict[str, ExportFormat] = {
    "keras": ExportFormat(".keras", "network", write_keras),
    "onnx": ExportFormat(".onnx", "network", write_onnx),
    "script": ExportFormat(".py", "network", write_script),
    "savedmodel": ExportFormat("savedmodel", "network", write_savedmodel),
    "parquet": ExportFormat(".parquet", "table", partial(write_frame, separator=None)),
    "csv": ExportFormat(".csv", "table", partial(write_frame, separator=",")),
    "tsv": ExportFormat(".tsv", "table", partial(write_frame, separator="\t")),
}
