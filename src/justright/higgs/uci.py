"""HIGGS as UCI serves it: a 2.8 GB file of which only the rows asked for are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from justright.data.cache import default_cache_dir
from justright.data.fetch import FetchError, stream_bytes
from justright.data.readers.inflate import CorruptDataError
from justright.data.sources import Progress, ReadProgress, is_url
from justright.data.table import Table, TableSource
from justright.errors import InputError
from justright.higgs.columns import HIGGS_COLUMNS, HIGGS_FEATURES, HIGGS_TARGET
from justright.higgs.rows import RowReader, inflate_lines
from justright.higgs.rows_cache import CachedRows, load_rows, store_rows

UCI_ADDRESSES = (
    "https://archive.ics.uci.edu/ml/machine-learning-databases/00280/HIGGS.csv.gz",
    "https://mlphysics.ics.uci.edu/data/higgs/HIGGS.csv.gz",
)
# Of the whole compressed file, both addresses.
UCI_SHA256 = "ea302c18164d4e3d916a1e2e83a9a8d07069fa6ebc7771e4c0540d54e593b698"
UCI_ROWS = 11_000_000
# The tutorial's 1,000 validation and 10,000 training rows, and 20,000 more: a test loss on 20,000 rows is
# known to about 0.003, a tenth of what the tutorial's networks differ by. 8 MB of the 2.8 GB.
DEFAULT_ROWS = 31_000
# Compressed bytes of a local file that are read at a time, with a progress report after each.
CHUNK_BYTES = 1 << 16


def read_higgs(
    *,
    rows: int | None = None,
    location: str | Path | None = None,
    progress: Progress | None = None,
    cache_dir: str | Path | None = None,
) -> Table:
    """Return the first rows of HIGGS, reading only as many bytes as they take (about 256 per row).

    Rows read from an address are cached; a longer cache serves shorter requests. For a file read to its end the gzip
    checksum is verified and, if it came from UCI, its SHA-256.

    Args:
        rows: how many; None for `DEFAULT_ROWS`, or all of a `location` that holds fewer.
        location: a path or address of HIGGS.csv.gz or a part of it; None tries UCI's addresses in turn.
        progress: called after every piece.
        cache_dir: where parsed rows are kept; None for the user's cache.
    Raises:
        InputError: no address delivers the file, it is damaged, has too few rows, or a row is not one of HIGGS.
    """
    wanted = DEFAULT_ROWS if rows is None else rows
    if wanted > UCI_ROWS:
        raise InputError(f"`rows` must be at most {UCI_ROWS:,}, all of HIGGS; got {wanted:,}.")
    place = None if location is None else str(location)
    if place is not None and not is_url(place):
        values = _read_local(Path(place).expanduser(), wanted, progress)
    else:
        values = _read_cached(place, wanted, progress, Path(cache_dir) if cache_dir else default_cache_dir())
    if rows is not None and len(values) < rows:
        raise InputError(
            f"{place or 'UCI'!r}: `rows` must be at most its {len(values):,} rows; got {rows:,}."
        )
    return _to_table(values, rows, place)


def _to_table(values: npt.NDArray[np.float32], rows: int | None, place: str | None) -> Table:
    target = np.ascontiguousarray(values[:, 0])
    if len(np.unique(target)) < 2:
        raise InputError(
            f"{place or 'UCI'!r}: the first {len(values):,} rows of HIGGS must hold both classes; all are of class "
            f"{int(target[0])}. Read more rows."
        )
    return Table(
        features=np.ascontiguousarray(values[:, 1:]),
        target=target,
        feature_names=HIGGS_FEATURES,
        target_name=HIGGS_TARGET,
        task="binary",
        class_names=("0", "1"),
        source=TableSource("higgs", rows=rows, location=place),
    )


def _read_local(path: Path, wanted: int, progress: Progress | None) -> npt.NDArray[np.float32]:
    label = repr(str(path))
    try:
        if not path.is_file():
            raise InputError(
                f"`location` must be an existing file or an http(s) address; there is no {label}."
            )
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
            return _read_chunks(chunks, label, wanted, progress).values
    except OSError as error:
        raise InputError(f"{label}: a readable file was expected; {error.strerror or error}.") from None
    except CorruptDataError as error:
        raise InputError(
            f"{label}: a readable HIGGS file was expected; {error}. Download it again."
        ) from None


def _read_cached(
    place: str | None, wanted: int, progress: Progress | None, folder: Path
) -> npt.NDArray[np.float32]:
    key = place or "UCI"
    cached = load_rows(folder, key, wanted, columns=len(HIGGS_COLUMNS))
    if cached is None:
        cached = _read_addresses(UCI_ADDRESSES if place is None else (place,), wanted, progress)
        store_rows(folder, key, cached)
    return cached.values[:wanted]


def _read_addresses(addresses: tuple[str, ...], wanted: int, progress: Progress | None) -> CachedRows:
    failures = []
    for address in addresses:
        try:
            with closing(stream_bytes(address)) as chunks:
                return _read_chunks(chunks, repr(address), wanted, progress, address=address)
        except FetchError as error:
            failures.append(str(error))
        except CorruptDataError as error:
            failures.append(f"Cannot read {address!r}: {error}.")
    raise InputError(" ".join(failures) + " Name a copy by `location` (--from), or use 'higgs-sim'.")


def _read_chunks(
    chunks: Iterator[bytes], label: str, wanted: int, progress: Progress | None, *, address: str | None = None
) -> CachedRows:
    counted = _Counted(chunks, address in UCI_ADDRESSES)
    reader = RowReader(wanted)
    for text in inflate_lines(counted):
        reader.add(text)
        if progress is not None:
            progress(ReadProgress(counted.bytes, reader.rows, wanted, address or label))
        if reader.is_full and wanted < UCI_ROWS:
            break
    else:
        values = reader.values()
        counted.check()
        return CachedRows(values, is_all=True)
    return CachedRows(reader.values(), is_all=False)


class _Counted:
    """Compressed bytes as they pass: their number, and their SHA-256 if there is one to compare with."""

    def __init__(self, chunks: Iterator[bytes], is_known: bool) -> None:
        self.bytes = 0
        self._chunks = chunks
        self._digest = hashlib.sha256() if is_known else None

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.bytes += len(chunk)
            if self._digest is not None:
                self._digest.update(chunk)
            yield chunk

    def check(self) -> None:
        """Refuse a whole file from UCI that is not the published one."""
        if self._digest is not None and self._digest.hexdigest() != UCI_SHA256:
            raise CorruptDataError(f"its SHA-256 is {self._digest.hexdigest()}, not {UCI_SHA256}")
