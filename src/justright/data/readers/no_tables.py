"""Files that people have, and that are no table that is read here: each is refused in a sentence that says what converts it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from justright.data.read_options import ReadOptions
from justright.data.readers.raw import TableFormat
from justright.errors import InputError


def _refused(summary: str, advice: str, magic: tuple[bytes, ...], *endings: str) -> tuple[TableFormat, ...]:
    """Return what recognises such a file by its first bytes, and what recognises it by its name alone."""

    def refuse(path: Path, label: str, options: ReadOptions) -> NoReturn:
        raise InputError(f"{label}: a table was expected; it is {summary}. {advice}")

    by_bytes = (TableFormat("", summary, magic, (), refuse),) if magic else ()
    return (*by_bytes, TableFormat("", summary, (), endings, refuse))


PICKLES = tuple(
    b"\x80" + bytes([protocol]) + start
    for protocol in (2, 3, 4, 5)
    for start in (b"\x95", b"c", b"}", b"]", b"(", b"X")
)


def _refuse_document(path: Path, label: str, options: ReadOptions) -> NoReturn:
    raise InputError(
        f"{label}: a table was expected; it is a text document or a presentation. Copy its table into a workbook or a CSV file."
    )


# Archives and OLE2 files as workbooks are, so that only the name tells.
DOCUMENT = TableFormat(
    "",
    "a document",
    (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"),
    (".docx", ".doc", ".odt", ".pptx", ".ppt", ".odp", ".numbers"),
    _refuse_document,
)
NO_TABLES: tuple[TableFormat, ...] = (
    DOCUMENT,
    *_refused(
        "a pickle, which can run code and is never loaded",
        "Save the table with to_parquet or to_csv instead.",
        PICKLES,
        *(".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth"),
    ),
    *_refused(
        "a PDF document", "Export its table as CSV, for instance with pdfplumber.", (b"%PDF-",), ".pdf"
    ),
    *_refused(
        "an image",
        "Networks are trained on tables here: write what is known about each image as columns.",
        (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"),
        *(".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".webp", ".svg"),
    ),
    *_refused(
        "a web page", "pandas.read_html(path)[0].to_csv('table.csv') writes its table.", (), ".html", ".htm"
    ),
    *_refused(
        "an XML document",
        "pandas.read_xml(path).to_csv('table.csv') may write its table.",
        (b"<?xml",),
        ".xml",
    ),
    *_refused(
        "an HDF5 file",
        "pandas.read_hdf(path).to_parquet('table.parquet') converts a table of pandas, h5py reads any other.",
        (b"\x89HDF\r\n\x1a\n",),
        *(".h5", ".hdf5", ".hdf"),
    ),
    *_refused(
        "a file of SPSS",
        "pandas.read_spss(path).to_csv('table.csv', index=False) converts it, with the package pyreadstat.",
        (b"$FL2@(#)", b"$FL3@(#)"),
        *(".sav", ".zsav", ".por"),
    ),
    *_refused(
        "a file of Stata",
        "pandas.read_stata(path).to_csv('table.csv', index=False) converts it.",
        (b"<stata_dta>",),
        ".dta",
    ),
    *_refused(
        "a file of SAS",
        "pandas.read_sas(path, encoding='infer').to_csv('table.csv', index=False) converts it.",
        (bytes(12) + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf", b"HEADER RECORD*******LIBRARY"),
        *(".sas7bdat", ".xpt"),
    ),
    *_refused(
        "a file of R",
        "arrow::write_parquet in R, or the package pyreadr in Python, converts its data frame.",
        (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n"),
        *(".rds", ".rda", ".rdata"),
    ),
    *_refused("a file of MATLAB", "scipy.io.loadmat reads its arrays.", (b"MATLAB 5.0 MAT-file",), ".mat"),
    *_refused(
        "an ORC file", "pyarrow.orc.read_table and pyarrow.parquet.write_table convert it.", (), ".orc"
    ),
    *_refused(
        "an Avro file",
        "polars.read_avro(path).write_parquet('table.parquet') converts it.",
        (b"Obj\x01",),
        ".avro",
    ),
    *_refused(
        "a database of DuckDB",
        "Its command COPY houses TO 'table.parquet' writes a table of it.",
        (),
        ".duckdb",
        ".ddb",
    ),
    *_refused("a database of Access", "Export its table as CSV.", (b"\0\1\0\0Standard ",), ".mdb", ".accdb"),
    *_refused(
        "an archive",
        "Unpack it first.",
        (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"),
        *(".7z", ".rar", ".tar", ".tgz"),
    ),
)
