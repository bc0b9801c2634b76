"""Workbooks are read as people lay them out, and one that would fill the memory is stopped."""

from __future__ import annotations

import datetime as dt
import importlib.util
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.data.read import read_file
from justright.data.read_options import READ_ALL, ReadOptions
from justright.data.readers.workbooks import workbook
from justright.data.readers.workbooks.sheet_table import PLACES, find_table, read_sheet
from justright.errors import InputError

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
ODF = "urn:oasis:names:tc:opendocument:xmlns"
DATE = 1  # the style of dates in the workbooks below
FIRST_DAY = 43_831  # 2020-01-01 as Excel counts days


def cell(place, value):
    """Return a cell in Excel's XML: a number, a date (as a pair), a boolean or text."""
    if isinstance(value, tuple):
        return f'<c r="{place}" s="{DATE}"><v>{value[0]}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{value:d}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def sheet(rows):
    """Return a sheet in Excel's XML, of {row from 1: {column letter: value}}."""
    lines = [
        f'<row r="{row}">'
        + "".join(cell(f"{column}{row}", value) for column, value in cells.items())
        + "</row>"
        for row, cells in rows.items()
    ]
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def write_xlsx(path, sheets):
    """Write a workbook with {name: rows of `sheet`}."""
    numbered = list(enumerate(sheets, start=1))
    links = "".join(
        f'<Relationship Id="r{number}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number, _ in numbered
    )
    names = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>' for number, name in numbered
    )
    members = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}'
        f'<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
        "</styleSheet>",
        **{f"xl/worksheets/sheet{number}.xml": sheet(sheets[name]) for number, name in numbered},
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


TABLE = {
    2: {"B": "Sales, spring"},
    4: {"B": "day", "C": "mixed", "D": "x\n(m)", "E": "sold", "F": "x\n(m)"},
    5: {"B": (FIRST_DAY,), "C": 1, "D": 0.5, "E": True, "F": 1},
    6: {"B": (FIRST_DAY + 1,), "C": "two", "D": 1.5, "E": False},
    8: {"C": 3.5, "D": 2.5, "E": True, "F": 3},
}
VALUES = {
    "day": [dt.datetime.fromisoformat("2020-01-01"), dt.datetime.fromisoformat("2020-01-02"), None],
    "mixed": ["1", "two", "3.5"],
    "x (m)": [0.5, 1.5, 2.5],
    "sold": [True, False, True],
    "x (m)_2": [1.0, None, 3.0],
}


def message(path, **options):
    """Return the error message of reading a file."""
    return refusal(read_file, path, "'t'", ReadOptions(**options))


@pytest.mark.parametrize("name", ["t.xlsx", "t.bin"])
def test_a_table_is_found_on_its_sheet(tmp_path, name):
    """Below a title, beside an empty column and with an empty row in it, on the first sheet that has a table; by any name."""
    raw = read_file(
        write_xlsx(tmp_path / name, {"Cover": {1: {"A": "Report"}}, "Data": TABLE}), "'t'", READ_ALL
    )
    assert raw.frame.to_dict(as_series=False) == VALUES
    assert raw.has_header
    assert [raw.locate(row) for row in (0, 2)] == ["row 1, row 5 of the sheet", "row 3, row 8 of the sheet"]
    assert raw.notes == (
        "Sheet 'Data' is read; `sheet` names another: 'Cover'.",
        "3 rows above the table are left out.",
        "Columns with the name of another were renamed 'x (m)_2'.",
    )


def test_a_sheet_is_chosen_by_its_name_or_number(tmp_path):
    """A name that is a number is a name first; a near miss is named."""
    sheets = {"2": {1: {"A": "a", "B": "b"}, 2: {"A": 1, "B": 2}}, "Data": TABLE, "Empty": {}}
    path = write_xlsx(tmp_path / "t.xlsx", sheets)
    for name, columns in (("2", ["a", "b"]), ("Data", list(VALUES)), ("1", ["a", "b"])):
        frame, _ = read_sheet(path, name, None, None)
        assert frame.columns == [*columns, PLACES]
    assert refusal(read_sheet, path, "Dat", None, None) == (
        "`sheet` must be the name of a sheet, or its number from 1 to 3; got 'Dat'. Did you mean 'Data'? "
        "Sheets: '2', 'Data', 'Empty'."
    )
    with pytest.raises(
        InputError, match=r"a sheet must hold a table of two columns at least; it holds none\."
    ):
        read_sheet(path, "Empty", None, None)


def test_rows_and_header_are_as_asked(tmp_path):
    """The first rows are enough if they are all that is wanted; names may be data."""
    path = write_xlsx(tmp_path / "t.xlsx", {"s": {1: {"A": "a", "B": "b"}, 2: {"A": "c", "B": "d"}}})
    assert read_sheet(path, None, 1, None)[0].rows() == [("c", "d", 2)]
    frame, said = read_sheet(path, None, None, False)
    assert (frame.rows(), frame.columns[0], said["has_header"]) == (
        [("a", "b", 1), ("c", "d", 2)],
        "column_0",
        False,
    )


def test_a_header_is_the_first_row_that_is_as_full_as_the_table():
    """Titles are narrow; numbers are data."""
    assert find_table([["t", None, None], ["a", "b", "c"]], None) == (2, ["a", "b", "c"])
    assert find_table([["1", "2"], ["3", "4"]], None) == (0, None)
    assert find_table([["1", "2"], ["3", "4"]], True) == (1, ["1", "2"])


def test_open_document_sheets_are_read(tmp_path):
    """As LibreOffice writes them."""
    row = (
        '<table:table-row><table:table-cell office:value-type="{}" {}><text:p>{}</text:p></table:table-cell>'
        * 2
    )
    header = row.format("string", "", "a", "string", "", "b").replace(
        "</table:table-cell><table:table-row>", "</table:table-cell>"
    )
    numbers = row.format("float", 'office:value="1"', 1, "float", 'office:value="2.5"', 2.5).replace(
        "</table:table-cell><table:table-row>", "</table:table-cell>"
    )
    spaces = " ".join(f'xmlns:{name}="{ODF}:{name}:1.0"' for name in ("office", "table", "text"))
    path = tmp_path / "t.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{ODF}:manifest:1.0"/>')
        archive.writestr(
            "content.xml",
            f'<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="s">'
            f"{header}</table:table-row>{numbers}</table:table-row>"
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    assert read_sheet(path, None, None, None)[0].to_dicts() == [{"a": 1.0, "b": 2.5, PLACES: 2}]


def test_a_workbook_that_declares_too_much_is_refused_unread(tmp_path, monkeypatch):
    """By the sizes in its directory."""
    monkeypatch.setattr(workbook, "MAX_TABLE_BYTES", 1_000)
    path = write_xlsx(tmp_path / "t.xlsx", {"s": TABLE})
    assert (
        message(path)
        == "'t': a workbook must take at most 1,000 bytes in memory; it takes more. Save the sheet as CSV."
    )


def test_two_cells_at_the_ends_of_a_sheet_do_not_fill_the_memory(tmp_path):
    """Fastexcel would hold the 17 billion cells between them: its process ends, ours does not."""
    rows = {1: {"A": "a", "B": "b"}, 2: {"A": 1, "B": 2}, 1_048_576: {"XFD": 1}}
    path = write_xlsx(tmp_path / "t.xlsx", {"s": rows})
    assert "so it is damaged or needs more memory than there is. Save the sheet as CSV." in message(path)


@pytest.mark.parametrize(
    ("name", "what"), [("memory", "at most -1 bytes in memory"), ("time", "readable in 0 s")]
)
def test_reading_stops_at_its_limits(tmp_path, monkeypatch, name, what):
    """Whatever a workbook does to its reader."""
    path = write_xlsx(tmp_path / "t.xlsx", {"s": TABLE})
    monkeypatch.setattr(workbook, "check_archive", lambda path, label: None)
    if name == "memory":
        monkeypatch.setattr(workbook, "BASE_BYTES", 0)
        monkeypatch.setattr(workbook, "MAX_TABLE_BYTES", -1)
    else:
        monkeypatch.setattr(workbook, "BASE_SECONDS", 0)
        monkeypatch.setattr(workbook, "SECONDS_PER_MEGABYTE", 0)
    assert what in message(path)


def test_nothing_is_imported_from_the_working_directory(tmp_path, monkeypatch):
    """A workbook may lie beside a stranger's fastexcel.py."""
    for name in ("fastexcel", "polars", "json", "justright"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    path = write_xlsx(tmp_path / "t.xlsx", {"s": TABLE})
    assert read_file(path, "'t'", READ_ALL).frame.height == 3


def test_without_fastexcel_the_command_that_installs_it_is_named(tmp_path, monkeypatch):
    """It is an extra."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert message(write_xlsx(tmp_path / "t.xlsx", {"s": TABLE})) == (
        "'t': workbooks are read by the package fastexcel, which is not installed. "
        "Run `pip install 'justright[excel]'`, or save the sheet as CSV."
    )


def test_a_damaged_archive_is_refused(write):
    """With what is wrong."""
    path = Path(write("t.xlsx", b"PK\x03\x04 and nothing else"))
    assert message(path) == "'t': a readable workbook was expected; 'File is not a zip file'. Save it again."


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.floats(0, 1), value=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_workbook_is_a_table_or_one_sentence(tmp_path, place, value, cut):
    """One byte changed, or the end cut off, anywhere in a good file."""
    path = write_xlsx(tmp_path / "t.xlsx", {"s": TABLE})
    content = bytearray(path.read_bytes())
    index = min(int(place * len(content)), len(content) - 1)
    content[index] = value
    path.write_bytes(content[:index] if cut else content)
    try:
        read_sheet(path, None, None, None)
    except InputError as error:
        assert str(error).endswith(".")  # noqa: PT017  # most are tables
