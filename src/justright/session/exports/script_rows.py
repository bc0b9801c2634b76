"""The rows of a study, as a script of plain Keras reads them: numbers, in the parts that train, validate and test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.data.split import Part
from justright.data.table import MEMORY_SOURCE
from justright.errors import FolderError, InputError
from justright.records.files import replacing
from justright.records.reader import StoreReader
from justright.session.exports.export_source import ExportSource
from justright.session.trust import check_trusted
from justright.study.spec import split_from_dict

if TYPE_CHECKING:
    import numpy.typing as npt

    from justright.data.table import Split
    from justright.study.recipe import Recipe

MEASURING: tuple[Part, ...] = ("validation", "test")


def study_split(source: ExportSource) -> Split:
    """Return the rows that a study trained on: the caller's, or its table, read again.

    Raises:
        InputError: the table was in memory, or cannot be read.
        FolderError: it is not known to be the user's, or its rows have changed.
    """
    split = source.split
    if split is None:
        if source.study.get("table", {}).get("source") == MEMORY_SOURCE:
            raise InputError(
                "A script needs the study's rows; its table was in memory. Export from Python, with `split=` the split that "
                "the study was made of."
            )
        check_trusted(source.study, source.folder.path, trust=source.trust)
        split = split_from_dict(source.study)
    with StoreReader(source.folder) as store:
        recorded = store.get_meta("fingerprints")
    if recorded["split"] != split.digest("train", "validation"):
        raise FolderError(
            f"A script needs the rows that {str(source.folder.path)!r} was trained on; those of "
            f"{split.table.source.source!r} differ from them. Put the table back as it was."
        )
    return split


def write_rows(
    split: Split,
    path: Path,
    *,
    train_rows: int,
    recipe: Recipe,
    measures_weighted: bool,
    more: dict[str, npt.NDArray[Any]],
) -> None:
    """Write the rows of a split, as features and targets of each part, to an .npz file.

    Args:
        split: the study's rows.
        path: the file.
        train_rows: how many of the training rows.
        recipe: may weigh classes.
        measures_weighted: whether validation and test rows count by their weights, which then have mean 1.
        more: further arrays for the file.

    Raises:
        FolderError: the file cannot be written.
    """
    import numpy as np

    from justright.runs.weighted_means import relative_weights
    from justright.training.row_weights import table_weights

    places = split.train[:train_rows]
    table = split.table
    arrays: dict[str, npt.NDArray[Any]] = {
        "features": np.array(table.feature_names),
        "train_x": table.features[places],
        "train_y": table.target[places, None],  # (rows, 1), as Keras' losses take it
    }
    for part in MEASURING:
        x, y = split.arrays(part)
        arrays |= {f"{part}_x": x, f"{part}_y": y[:, None]}
        counting = split.weights(part) if measures_weighted else None
        if counting is not None:
            arrays[f"{part}_weights"] = relative_weights(counting).astype(np.float32)
    arrays |= {"train_rows": places, "validation_rows": split.validation, "test_rows": split.test}
    weights = table_weights(table.target, table.weights, table.class_names, recipe=recipe, places=places)
    if weights is not None:
        arrays["train_weights"] = weights[places]
    with replacing(path.absolute()) as aside:
        np.savez(aside, **(arrays | more))  # type: ignore[arg-type]  # NumPy's stub takes a flag for any keyword
