"""Files that people take for logs and that are not text: what each is, and what to give instead."""

from __future__ import annotations

# First bytes -> what it is, and what to do.
KINDS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    (
        (b"PK\x03\x04",),
        "is an archive without a log, such as a saved model. Give the log beside the model.",
    ),
    (
        (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x93NUMPY"),
        "is a pickle, which may run code when it is opened. Save the curves as JSON: `json.dump(history.history, file)`.",
    ),
    ((b"\x89HDF",), "is HDF5, as a saved model is. Give the log that was written beside it."),
    (
        (b"\x89PNG", b"\xff\xd8\xff", b"%PDF", b"GIF8"),
        "is a picture. Give the numbers that it was drawn from.",
    ),
    (
        (b"\xff\xff\xff\xff",),
        "is a stream of Arrow. Save it as a file: `polars.read_ipc_stream(path).write_parquet('log.parquet')`.",
    ),
    (
        (b":SWL",),
        "is SwanLab's own file. Log to a file beside it, such as CSV, or export the run's chart as CSV and give that.",
    ),
)


def name_binary(content: bytes) -> str:
    """Return what a file is, by its first bytes, and what to give instead; empty for other content.

    Example:
        >>> name_binary(b"%PDF-1.7"), name_binary(b"epoch,loss")
        ('is a picture. Give the numbers that it was drawn from.', '')
    """
    return next((words for magics, words in KINDS if content.startswith(magics)), "")
