"""`justright predict`: where predictions go, what is said beside them, and what is refused before anything is read."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from justright.cli.main import command_line
from justright.data.plan.column_plans import Number
from justright.data.plan.table_plan import Plan
from justright.data.read_options import ReadOptions
from justright.data.readers.raw import RawTable
from justright.session import result as results
from justright.session.predictor import Predictor, SavedNetwork

FULL = Path("/dev/full")
CSV = "prediction,probability_no,probability_yes\nno,0.75,0.25\nyes,0.25,0.75\n"


class Network:
    """A network that gives its first feature as the probability of class 1."""

    def __call__(self, features, *, training):
        """Return (rows, 1)."""
        assert training is False
        return features[:, :1]


@pytest.fixture
def study(monkeypatch):
    """Stands in for a study: it records which model is asked for, and predicts without one."""
    columns = (Number(name="a", fill=0.5), Number(name="b", fill=0.0))
    plan = Plan(columns, "y", "binary", ("no", "yes"), ("a", "b", "y"))
    asked: dict = {}

    def predictor(**wanted):
        asked.update(wanted)
        return Predictor(plan, (SavedNetwork(Network(), False, "Tiny", 3, 7),))

    result = SimpleNamespace(
        study={"table": {"source": "old.csv", "sep": ";", "drop": ["id"]}},
        summary={"choice": {"variant": "Tiny"}},
        models=(),
        predictor=predictor,
        asked=asked,
    )
    monkeypatch.setattr(results, "open_result", lambda folder: result)
    return result


@pytest.fixture
def table(tmp_path) -> Path:
    """Two rows, written as the study's table was, with its `;`."""
    path = tmp_path / "new.csv"
    path.write_text("id;a;b\n7;0.25;1\n8;0.75;2\n")
    return path


def predict(*arguments: object, **options) -> Result:
    """Run the command on the stand-in."""
    return CliRunner().invoke(command_line(), ["predict", "runs/x", *map(str, arguments)], **options)


def test_predictions_are_csv_on_standard_output(study, table) -> None:
    """With `-` as well; which model was left to the study."""
    done = predict(table)
    assert (done.exit_code, done.stdout, done.stderr) == (0, CSV, "")
    assert predict(table, "--out", "-").stdout == CSV
    assert study.asked == {"variant": None, "seed": None, "ensemble": False}


def test_options_choose_model_threshold_and_columns(study, table) -> None:
    """The table's own columns come first."""
    done = predict(table, "--variant", "Tiny", "--seed", 3, "--threshold", 0.2, "--keep-columns")
    assert done.stdout == "id,a,b," + CSV.replace("\nno,", "\n7,0.25,1,yes,").replace(
        "\nyes,", "\n8,0.75,2,yes,"
    )
    assert study.asked == {"variant": "Tiny", "seed": 3, "ensemble": False}


def test_a_competition_gets_the_columns_it_asks_for(study, table) -> None:
    """An identifier and the prediction under the target's name, or the probability of a class; and nothing else."""
    done = predict(table, "--keep", "id", "--keep", "b", "--keep", "id", "--as", "y")
    assert done.stdout == "id,b,y\n7,1,no\n8,2,yes\n"
    assert predict(table, "--probability", "yes", "--as", "y").stdout == "y\n0.25\n0.75\n"
    assert predict(table, "--probability", "no").stdout == "probability_no\n0.75\n0.25\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--keep", "ID"),
            "{table!r}: `--keep` must name a column; there is no 'ID'. Did you mean 'id'? Columns: 'id', 'a', 'b'.",
        ),
        (
            ("--probability", "Yes"),
            "`--probability` must be one of the classes 'no', 'yes'; got 'Yes'. Did you mean 'yes'?",
        ),
        (("--as", ""), "`--as` must be a name; got an empty one."),
    ],
)
def test_columns_that_cannot_be_written_are_refused(study, table, options, message) -> None:
    """The near miss is named."""
    done = predict(table, *options)
    assert (done.exit_code, done.stderr) == (2, f"justright: {message.format(table=str(table))}\n")


def test_rows_are_read_as_the_study_was_unless_told_otherwise(study, table, monkeypatch) -> None:
    """What its columns are taken for is in the plan; only how a file is read is asked again."""
    asked: list[ReadOptions] = []

    def read_columns(source, options, **named):
        asked.append(options)
        return RawTable(pl.DataFrame({"a": [0.25]}), source, has_header=True, locate=str)

    monkeypatch.setattr("justright.data.read.read_columns", read_columns)
    study.study["table"] |= {"encoding": "latin-1", "decimal": ","}
    predict(table)
    predict(table, "--sep", "x", "--decimal", ".", "--no-header")
    assert [one.plain() for one in asked] == [
        {"sep": ";", "decimal": ",", "encoding": "latin-1"},
        {"sep": "x", "decimal": ".", "encoding": "latin-1", "header": False},
    ]


@pytest.mark.parametrize(
    ("name", "read"), [("o.csv", pl.read_csv), ("o.parquet", pl.read_parquet), ("o.TSV", None)]
)
def test_a_file_is_written_as_a_whole(study, table, tmp_path, name, read) -> None:
    """In the format of its name, over what was there, and nothing is left beside it."""
    out = tmp_path / "out" / name
    done = predict(table, "-o", out)
    assert (done.exit_code, done.output) == (0, "")
    found = (read or (lambda path: pl.read_csv(path, separator="\t")))(out)
    assert found.to_dict(as_series=False) == pl.read_csv(io.StringIO(CSV)).to_dict(as_series=False)
    assert predict(table, "-o", out).exit_code == 0
    assert [path.name for path in out.parent.iterdir()] == [name]


def test_json_says_who_predicts(study, table, tmp_path) -> None:
    """With the predictions, unless they are in a file."""
    networks = [{"variant": "Tiny", "seed": 3, "epoch": 7}]
    wanted = {
        "task": "binary",
        "target": "y",
        "classes": ["no", "yes"],
        "networks": networks,
        "rows": 2,
        "notes": [],
    }
    records = pl.read_csv(io.StringIO(CSV)).to_dicts()
    assert json.loads(predict(table, "--json").stdout) == wanted | {"predictions": records}
    assert json.loads(predict(table, "--json", "-o", tmp_path / "o.csv").stdout) == wanted


def test_what_is_unusual_is_said_on_standard_error(study, tmp_path) -> None:
    """Columns that are missing, and a study that was interrupted; standard output is unchanged."""
    study.summary["choice"] = None
    path = tmp_path / "new.csv"
    path.write_text("a\n0.25\n0.75\n")
    done = predict(path)
    assert (done.exit_code, done.stdout) == (0, CSV)
    assert done.stderr == (
        "The study has not been judged: it was interrupted, and the best run so far predicts.\n"
        "'b': not there, taken as missing\n"
    )


def test_a_table_may_come_through_standard_input(study, table, monkeypatch) -> None:
    """As for `run`."""
    with table.open("rb") as file:
        before = os.dup(0)
        os.dup2(file.fileno(), 0)
        try:
            assert predict("-").stdout == CSV
        finally:
            os.dup2(before, 0)
            os.close(before)


def test_a_device_or_pipe_is_written_and_not_replaced(study, table, tmp_path) -> None:
    """`-o /dev/stdout`: renaming a file over it would destroy it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    assert predict(table, "-o", pipe).exit_code == 0
    reader.join()
    assert (read, pipe.is_fifo()) == ([CSV], True)


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_one_sentence(study, table) -> None:
    """And the device is still one."""
    done = predict(table, "-o", FULL)
    assert (done.exit_code, done.stderr) == (
        2,
        (
            f"justright: Cannot write the predictions at {str(FULL)!r}: the disk is full. Free some space and run the same "
            "command again; what was recorded is kept.\n"
        ),
    )
    assert FULL.is_char_device()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (".", "`--out` must be a file; '.' is a folder. Name a file in it."),
        (
            "x.xlsx",
            "`--out` must end in .csv, .tsv, .parquet, or be -; got 'x.xlsx'. Name the file otherwise.",
        ),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_first(out, message) -> None:
    """Before the folder is even opened."""
    done = predict("none.csv", "-o", out)
    assert (done.exit_code, done.stderr) == (2, f"justright: {message}\n")


def test_the_table_is_not_written_over(study, table) -> None:
    """However its path is written."""
    out = table.parent / ".." / table.parent.name / table.name
    done = predict(table, "-o", out)
    assert (done.exit_code, done.stderr) == (
        2,
        f"justright: `--out` must be another file than the table; both are {str(out)!r}. Name another.\n",
    )
    assert table.read_text().startswith("id;")


def test_a_column_of_the_same_name_is_refused(study, tmp_path) -> None:
    """Nothing would say which is ours."""
    path = tmp_path / "new.csv"
    path.write_text("a;b;prediction\n0.25;1;x\n")
    done = predict(path, "--keep-columns")
    assert (done.exit_code, done.stderr) == (
        2,
        (
            "justright: A column that is kept must not have the name of a column of predictions; 'prediction' has. Name the "
            "predictions otherwise (--as NAME), or keep other columns.\n"
        ),
    )
    assert predict(path, "--keep-columns", "--as", "y").stdout == "a,b,prediction,y\n0.25,1,x,no\n"


def test_lists_cannot_be_text(study, monkeypatch) -> None:
    """A reader may return columns that CSV cannot hold; predictions alone can always be written."""
    frame = pl.DataFrame({"a": [0.25], "b": [1], "c": [[1, 2]]})
    raw = RawTable(frame, "'new.parquet'", has_header=True, locate=str)
    monkeypatch.setattr("justright.data.read.read_columns", lambda *_, **named: raw)
    done = predict("new.parquet", "--keep-columns")
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "justright: Columns must hold single values to be written as text; one does not ("
    )
    assert predict("new.parquet").exit_code == 0


def test_what_is_no_study_or_table_is_one_sentence(tmp_path, monkeypatch, request) -> None:
    """The folder is looked at first."""
    folder = str(tmp_path / "none")
    done = CliRunner().invoke(command_line(), ["predict", folder, "x.csv"])
    assert (done.exit_code, done.stderr) == (
        2,
        (
            f"justright: A study folder must be one that `justright run` wrote; {folder!r} is not: there is nothing. "
            "Give the path that was given as --out.\n"
        ),
    )
    request.getfixturevalue("study")
    monkeypatch.chdir(tmp_path)
    done = predict("x.csv")
    assert (done.exit_code, done.stderr) == (
        2,
        "justright: `TABLE` must be 'higgs-sim', 'higgs', an http(s) address or an existing file; there is no 'x.csv'.\n",
    )


def test_many_rows_become_text_a_part_at_a_time(study, tmp_path, monkeypatch) -> None:
    """With one line of names."""
    module = sys.modules["justright.cli.finished.predict"]
    monkeypatch.setattr(module, "TEXT_ROWS", 2)
    path = tmp_path / "new.parquet"
    pl.DataFrame({"a": np.linspace(0, 1, 5), "b": np.zeros(5)}).write_parquet(path)
    found = pl.read_csv(io.StringIO(predict(path).stdout))
    assert found["probability_yes"].to_list() == [0, 0.25, 0.5, 0.75, 1]
