"""What every run said of each row that measures, as one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from justright.session.predictor import PREDICTION, PROBABILITY, Floats, class_series, probabilities
from justright.session.row_outputs import MeasuringRows

if TYPE_CHECKING:
    import polars as pl

    from justright.records.reader import RunRecord, StoreReader


def row_predictions(store: StoreReader) -> pl.DataFrame:
    """Return one row per run and row that measures: test rows, or validation rows without any.

    Returns:
        `variant`, `seed`, `train_rows`, `part`, `row` (its place in the part, from 0), `weight` where rows count by weights
        (their mean is 1), `target`, `prediction`, and for classes `probability_CLASS`, one for each. Runs that recorded no
        outputs are left out.
    """
    import polars as pl

    rows = MeasuringRows.of(store)
    names = [item["name"] for item in store.get_meta("table")["classes"]]
    empty = _frame(rows, names, ("", 0, 0), np.empty((0, max(1, len(names)))))
    return pl.concat([empty, *_of_runs(rows, store.runs(), names)])


def _of_runs(
    rows: MeasuringRows, records: Iterable[RunRecord], names: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """Yield the predictions of each run that recorded any."""
    for record in records:
        found = rows.outputs(record)
        if found is not None:
            said = found[0].reshape(len(rows.targets), -1).astype(np.float64)
            values = probabilities(said, found[1]) if names else said
            yield _frame(rows, names, record.run, values)


def _frame(
    rows: MeasuringRows, names: Sequence[str], run: tuple[str, int, int], values: Floats
) -> pl.DataFrame:
    """Return one run's predictions.

    Args:
        rows: those that measure.
        names: of the classes; empty for a numeric target.
        run: variant, seed and number of training rows.
        values: (rows, classes) probabilities or (rows, 1) predictions; fewer rows than there are give a frame of those.
    """
    import polars as pl

    count = len(values)
    targets, known = rows.targets[:count], np.isfinite(values).all(axis=1)
    if names:
        classes = class_series(names)
        chosen = pl.Series(values.argmax(axis=1), dtype=pl.Int64).set(pl.Series(~known), None)
        said = [classes.gather(targets.astype(np.int64)), classes.gather(chosen)]
        said += [pl.Series(PROBABILITY + name, values[:, place]) for place, name in enumerate(names)]
    else:
        said = [pl.Series(targets, dtype=pl.Float64), pl.Series(values[:, 0])]
    columns = [
        pl.Series("row", np.arange(count)),
        *([] if rows.weights is None else [pl.Series("weight", rows.weights[:count])]),
        said[0].alias("target"),
        said[1].alias(PREDICTION),
        *said[2:],
    ]
    own = dict(zip(("variant", "seed", "train_rows"), run, strict=True)) | {"part": rows.part}
    return pl.DataFrame(columns).select(*(pl.lit(value).alias(name) for name, value in own.items()), pl.all())
