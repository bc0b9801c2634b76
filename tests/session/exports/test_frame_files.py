"""Tables of results as files: what is in them is what the library's frames hold."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.refusals import refusal

from justright.session.exports.export_source import FRAMES
from justright.session.exports.registry import EXPORT_FORMATS, endings


@pytest.mark.parametrize("name", FRAMES)
def test_parquet_holds_the_frame_as_it_is(classes, tmp_path, name) -> None:
    """Types and lists included, and nothing is left beside it."""
    path = tmp_path / "out" / "table.parquet"
    assert classes.export(name, path) == (path,)
    assert_frame_equal(pl.read_parquet(path), getattr(classes, name))
    assert [one.name for one in path.parent.iterdir()] == ["table.parquet"]


@pytest.mark.parametrize(("ending", "separator"), [("csv", ","), ("TSV", "\t")])
def test_text_files_hold_every_table(classes, tmp_path, ending, separator) -> None:
    """Reasons, a list of sentences in the frame, are one text."""
    for name in FRAMES:
        (path,) = classes.export(name, str(tmp_path / f"{name}.{ending}"))
        read = pl.read_csv(path, separator=separator, infer_schema=False)
        wanted = getattr(classes, name)
        assert (read.columns, read.height) == (wanted.columns, wanted.height)
    (path,) = classes.export("verdicts", tmp_path / "table", kind="csv")
    assert pl.read_csv(path)["reasons"][0] == " ".join(classes.verdicts["reasons"][0])


def test_predictions_have_the_losses_that_the_study_measured(classes, numbers) -> None:
    """Of each run on test rows: minus the logarithm of the own class's probability, or the squared error times the row's weight."""
    said = classes.predictions
    own = pl.when(pl.col("target") == "yes").then("probability_yes").otherwise("probability_no")
    losses = said.with_columns(loss=-own.log())
    losses = pl.concat(
        [
            losses.select("variant", "seed", "loss"),
            numbers.predictions.select(
                pl.lit("price").alias("variant"),
                "seed",
                loss=pl.col("weight") * (pl.col("target") - pl.col("prediction")) ** 2,
            ),
        ]
    )
    measured = {
        (variant, seed): loss
        for variant, seed, loss in losses.group_by("variant", "seed").agg(pl.col("loss").mean()).rows()
    }
    recorded = {
        ("price" if result is numbers else item["name"], run["seed"]): run["test"]["loss"]
        for result in (classes, numbers)
        for item in result.summary["variants"]
        for run in item["runs"]
    }
    assert len(recorded) == 5
    assert measured == pytest.approx(recorded, rel=1e-4)


def test_predictions_name_the_rows_that_measure(classes) -> None:
    """Test rows in their order, for every run; the predicted class is the more probable one."""
    said = classes.predictions
    assert said.columns == [
        *("variant", "seed", "train_rows", "part", "row", "target", "prediction"),
        *("probability_no", "probability_yes"),
    ]
    one = said.filter(variant="Tiny", seed=2)
    assert (one["row"].to_list(), set(one["part"]), set(one["train_rows"])) == ([*range(40)], {"test"}, {240})
    more = np.where(said["probability_yes"] > said["probability_no"], "yes", "no")
    assert said["prediction"].to_list() == more.tolist()


KNOWN = "'curves', 'verdicts', 'effects', 'metrics', 'predictions'"


@pytest.mark.parametrize(
    ("name", "file", "options", "message"),
    [
        (
            *("curve", "a.csv", {}),
            f"For .csv, `name` must be a table of results, {KNOWN}; got 'curve'. Did you mean 'curves'?",
        ),
        (
            *("curves", "a.keras", {}),
            (
                "For .keras, `name` must be a variant of the study, 'Tiny', 'Own'; got 'curves'. 'curves' is a table, which goes "
                "to a file that ends in .parquet, .csv, .tsv."
            ),
        ),
        (
            *("curves", "a.csv", {"seed": 1}),
            "`seed` chooses a variant's run; 'curves' holds those of all. Leave it out.",
        ),
        ("Tiny", "a.keras", {"seed": 7}, "`seed` must be one of the runs of 'Tiny', 1, 2; got 7."),
        (
            *("curves", "a", {"kind": "csw"}),
            f"`kind` must be one of {', '.join(map(repr, EXPORT_FORMATS))}; got 'csw'. Did you mean 'csv'?",
        ),
        (
            *("curves", "a.xls", {}),
            (
                f"A file to export to must end in {endings('network')} for a network, or .parquet, .csv, .tsv for a table; got "
                f"'a.xls'. Name the file otherwise, or say which format it has: {', '.join(EXPORT_FORMATS)}."
            ),
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    classes, monkeypatch, tmp_path, name, file, options, message
) -> None:
    """A name the study lacks, a name of the other kind, an ending or format that nobody knows, a seed for a table."""
    monkeypatch.chdir(tmp_path)
    assert refusal(classes.export, name, file, **options) == message
    assert list(tmp_path.iterdir()) == []
