"""Every format of tables is a format of logs, too: the same curves come out of each."""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing

import numpy as np
import polars as pl
import pytest
from tests.refusals import refusal

from justright.logs.formats.registry import read_logs

TRAIN = [0.7, 0.6, 0.5, 0.45, 0.4]
VALIDATION = [0.72, 0.65, 0.66, 0.7, 0.75]
FRAME = pl.DataFrame({"epoch": range(5), "loss": TRAIN, "val_loss": VALIDATION})
ARFF = "@relation h\n@attribute epoch numeric\n@attribute loss numeric\n@attribute val_loss numeric\n@data\n"


def curves_of(path):
    """Return name -> values of the one run in a log."""
    (run,) = read_logs(path).curves
    return {curve.written: [float(value) for value in curve.values] for curve in run.curves}


def write_database(path, **frames):
    """Write an SQLite file with these tables."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, frame in frames.items():
            columns = ", ".join(f'"{column}"' for column in frame.columns)
            connection.execute(f"CREATE TABLE {name} ({columns})")
            marks = ", ".join("?" * frame.width)
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", frame.rows())


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
XLSX = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
}


def write_workbook(path, *, has_header=True, **frames):
    """Write a workbook with these sheets."""
    links, names, sheets = "", "", {}
    for number, (name, frame) in enumerate(frames.items(), start=1):
        names += f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
        links += f'<Relationship Id="r{number}" Type="{OFFICE}/worksheet" Target="sheet{number}.xml"/>'
        rows = [*([tuple(frame.columns)] if has_header else []), *frame.rows()]
        body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        sheets[f"xl/sheet{number}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'
        )
    book = f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'
    relations = f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
    members = {**XLSX, "xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": relations, **sheets}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)


def cell(value):
    """Return a cell in Excel's XML."""
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value}</v></c>"


WRITERS = {
    "log.parquet": FRAME.write_parquet,
    "log.feather": FRAME.write_ipc,
    "log.db": lambda path: write_database(path, history=FRAME),
    "log.arff": lambda path: path.write_text(
        ARFF + "\n".join(",".join(map(str, row)) for row in FRAME.rows())
    ),
    "log.npz": lambda path: np.savez(path, loss=TRAIN, val_loss=VALIDATION),
    "log.npy": lambda path: np.save(path, FRAME.to_numpy(structured=True)),
    "log.xlsx": lambda path: write_workbook(path, history=FRAME),
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_curves_are_in_every_kind_of_table(tmp_path, name):
    """By what is in the file, not by its name."""
    WRITERS[name](tmp_path / name)
    path = (tmp_path / name).rename(tmp_path / f"{name}.txt")
    assert curves_of(path) == {"loss": TRAIN, "val_loss": VALIDATION}


@pytest.mark.parametrize("name", ["log.parquet", "log.db", "log.npz"])
def test_tables_named_as_logs_are_found_in_folders(tmp_path, name):
    """Beside tables that are data."""
    WRITERS[name](tmp_path / name)
    FRAME.rename({"loss": "price"}).write_parquet(tmp_path / "rows.parquet")
    assert curves_of(tmp_path) == {"loss": TRAIN, "val_loss": VALIDATION}


def test_an_array_has_the_name_of_its_file(tmp_path):
    """As `np.save('val_loss.npy', losses)` writes it."""
    np.save(tmp_path / "val_loss.npy", VALIDATION)
    assert curves_of(tmp_path / "val_loss.npy") == {"val_loss": VALIDATION}


def test_arrays_without_names_are_refused(tmp_path):
    """With what names them."""
    path = tmp_path / "losses.npy"
    np.save(path, [TRAIN, VALIDATION])
    assert refusal(read_logs, path) == (
        f"An array must be one curve, (epochs,); {str(path)!r} has shape (2, 5). "
        "Name each curve: numpy.savez(path, loss=..., val_loss=...)."
    )


SETTINGS = pl.DataFrame({"name": ["lr", "units"], "setting": [0.1, 32]})


@pytest.mark.parametrize(("name", "write"), [("log.db", write_database), ("log.xlsx", write_workbook)])
def test_of_several_tables_the_one_with_metrics_is_read(tmp_path, name, write):
    """Wherever it stands, and that is said."""
    write(tmp_path / name, config=SETTINGS, history=FRAME)
    (run,) = read_logs(tmp_path / name).curves
    assert [curve.written for curve in run.curves] == ["loss", "val_loss"]
    assert run.notes == ("Of its tables, 'history' was read.",)


def test_tables_of_folds_are_folds(tmp_path):
    """A sheet for each."""
    write_workbook(tmp_path / "log.xlsx", fold_0=FRAME, fold_1=FRAME)
    runs = read_logs(tmp_path / "log.xlsx").curves
    assert [run.member for run in runs] == ["fold 0", "fold 1"]


def test_tables_of_other_names_are_runs_of_their_own(tmp_path):
    """Never merged."""
    write_database(
        tmp_path / "log.db", small=FRAME, large=FRAME.with_columns(val_loss=pl.col("val_loss") + 1)
    )
    names = [run.name for run in read_logs(tmp_path / "log.db").curves]
    assert names == [f"{tmp_path / 'log.db'} (sheet {name})" for name in ("large", "small")]


def test_a_table_without_names_needs_them(tmp_path):
    """As a text without a header does."""
    write_workbook(tmp_path / "log.xlsx", history=FRAME, has_header=False)
    assert refusal(read_logs, tmp_path / "log.xlsx") == (
        f"A table must begin with a line that names its columns; the first line of {str(tmp_path / 'log.xlsx')!r} holds numbers. "
        "Name them, as in `--columns epoch,loss,val_loss`, or add such a line."
    )
