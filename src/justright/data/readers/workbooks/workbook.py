"""Workbooks: what they declare is checked first, then fastexcel reads a sheet in a process with a limit of memory and time."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.data.read_options import ReadOptions
from justright.data.readers.raw import MAX_TABLE_BYTES, RawTable, TableFormat, row_place
from justright.data.readers.workbooks.sheet_table import PLACES
from justright.errors import InputError

if TYPE_CHECKING:
    pass

READER = "justright.data.readers.workbooks.sheet_table"
# What Python, Polars and fastexcel take before they have read anything.
BASE_BYTES = 512 << 20
# CPU time. fastexcel reads a million cells in one second, twice, and packed they take 10 MB.
BASE_SECONDS = 60.0
SECONDS_PER_MEGABYTE = 2.0
# Seconds between two looks at the process. It allocates a gigabyte in half a second at most.
POLL_SECONDS = 0.02
# Excel's and LibreOffice's archives begin with one of these members; old workbooks are OLE2 files.
FIRST_MEMBERS = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/", b"mimetype")
ZIP_MAGIC, OLE_MAGIC = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LOCAL_HEADER_BYTES = 30  # of a member in an archive; its name follows


def read_workbook(path: Path, label: str, options: ReadOptions) -> RawTable:
    """Return the columns of the table on a sheet: numbers, dates and booleans as such, mixed columns as text.

    Formulas have the values that were saved with them; nothing is computed, and no link is followed.

    Args:
        path: the file.
        label: how messages name it.
        options: `sheet` chooses a sheet, `header` says whether a row names the columns; of `head_rows`, no more are returned.
    Raises:
        InputError: fastexcel is not installed, the file is damaged, or reading it takes too much memory or time.
    """
    import polars as pl

    _check(path, label)
    with tempfile.TemporaryDirectory(prefix="justright-") as folder:
        out = Path(folder) / "sheet.arrow"
        asked = {
            "path": str(path),
            "out": str(out),
            "sheet": options.sheet,
            "rows": options.head_rows,
            "header": options.header,
        }
        said = _run(asked, label, path)
        if out.stat().st_size > MAX_TABLE_BYTES:
            raise _too_large(label)
        with out.open(
            "rb"
        ) as file:  # not the path: a file that is mapped to memory cannot be removed on every system
            frame = pl.read_ipc(file)
    places = frame[PLACES]
    return RawTable(
        frame.drop(PLACES),
        label,
        has_header=said["has_header"],
        locate=lambda row: f"{row_place(row)}, row {places[row]:,} of the sheet",
        notes=tuple(said["notes"]),
    )


def sheet_names(path: Path, label: str) -> list[str]:
    """Return the names of the sheets of a workbook.

    Raises:
        InputError: fastexcel is not installed, or the file is damaged.
    """
    _check(path, label)
    return list(_run({"path": str(path)}, label, path)["sheets"])


def _check(path: Path, label: str) -> None:
    if importlib.util.find_spec("fastexcel") is None:
        raise InputError(
            f"{label}: workbooks are read by the package fastexcel, which is not installed. "
            "Run `pip install 'justright[excel]'`, or save the sheet as CSV."
        )
    check_archive(path, label)


def check_archive(path: Path, label: str) -> None:
    """Refuse a workbook whose parts together declare more than `MAX_TABLE_BYTES`.

    Raises:
        InputError: they do, or its archive is damaged.
    """
    with path.open("rb") as file:
        if file.read(len(OLE_MAGIC)) == OLE_MAGIC:
            return
    try:
        with zipfile.ZipFile(path) as archive:
            declared = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
        raise InputError(
            f"{label}: a readable workbook was expected; {str(error)!r}. Save it again."
        ) from None
    if declared > MAX_TABLE_BYTES:
        raise _too_large(label)


def _run(asked: dict[str, Any], label: str, path: Path) -> dict[str, Any]:
    """Return what the reading process says.

    Raises:
        InputError: it says that something is wrong, or it takes too much.
    """
    seconds = BASE_SECONDS + SECONDS_PER_MEGABYTE * path.stat().st_size / 1e6
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    # -P: never from the working directory, where a file of a stranger may be called like a module.
    command = [sys.executable, "-P", "-m", READER, json.dumps(asked)]
    nothing, pipe = subprocess.DEVNULL, subprocess.PIPE
    with subprocess.Popen(  # noqa: S603  # our own module, in our own Python
        command, env=environment, stdin=nothing, stdout=pipe, stderr=nothing
    ) as process:
        try:
            _watch(process, label, seconds)
            said = process.communicate()[0]
        finally:
            process.kill()
    if process.returncode != 0:
        raise InputError(
            f"{label}: a readable workbook was expected; its reader ended with code {process.returncode}, so it is damaged or "
            "needs more memory than there is. Save the sheet as CSV."
        )
    answer: dict[str, Any] = json.loads(said)
    if "error" in answer:
        raise InputError(f"{label}: {answer['error']}")
    return answer


def _watch(process: subprocess.Popen[bytes], label: str, seconds: float) -> None:
    """Return when the process has ended; refuse the workbook when it takes too much.

    What it says is shorter than a pipe's buffer, so that it never waits for us.
    """
    import psutil

    watched = psutil.Process(process.pid)
    while True:
        try:
            process.wait(POLL_SECONDS)
            return
        except subprocess.TimeoutExpired:
            pass
        try:
            memory, times = watched.memory_info().rss, watched.cpu_times()
        except psutil.Error:  # it ended just now
            continue
        if memory > MAX_TABLE_BYTES + BASE_BYTES:
            raise _too_large(label)
        if times.user + times.system > seconds:
            raise InputError(
                f"{label}: a workbook must be readable in {seconds:,.0f} s; it takes longer. Save the sheet as CSV."
            )


def looks_like_workbook(start: bytes) -> bool:
    r"""Return whether an archive begins as those of spreadsheet programs do.

    Example:
        >>> looks_like_workbook(b"PK\x03\x04" + bytes(22) + b"\x0b\0\0\0" + b"_rels/.rels")
        True
    """
    return start.startswith(ZIP_MAGIC) and start[LOCAL_HEADER_BYTES:].startswith(FIRST_MEMBERS)


def _too_large(label: str) -> InputError:
    return InputError(
        f"{label}: a workbook must take at most {MAX_TABLE_BYTES:,} bytes in memory; it takes more. Save the sheet as CSV."
    )


EXCEL = TableFormat(
    "Excel, ODS",
    "a workbook",
    (ZIP_MAGIC, OLE_MAGIC),
    (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    read_workbook,
    recognise=looks_like_workbook,
    takes=("sheet",),
)
