"""Where tables come from: what a reader is asked for, how far it has come, and the tables that have a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from justright.data.read_options import ReadOptions
from justright.errors import InputError
from justright.plugins import plugged_in

if TYPE_CHECKING:
    import polars as pl

    from justright.data.table import Table


# Databases that connectorx reads, the library below `polars.read_database_uri`.
DATABASE_SCHEMES = ("postgresql", "postgres", "redshift", "mysql", "mssql", "oracle", "clickhouse", "trino")
FILE_SCHEMES = ("sqlite", "duckdb")
# What stands between the user's name and the last @ before the options.
PASSWORD = re.compile(r"^([^:]+://[^:@/]*):.*@")
SECRET_OPTION = re.compile(r"[^=]*(?:password|passwd|pwd|secret|token)[^=]*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """How far reading has come.

    Args:
        bytes: compressed bytes received from this address.
        rows: rows parsed so far; 0 while a file is only downloaded.
        total_rows: rows wanted; None if unknown.
        address: where the bytes come from.
    """

    bytes: int
    rows: int
    total_rows: int | None
    address: str


Progress = Callable[[ReadProgress], None]


@dataclass(frozen=True, slots=True)
class Request(ReadOptions):
    """What the caller of `read_table` asked for, apart from the source.

    Args:
        target: the target's column name or number; None to choose it.
        location: path or address of a copy to read instead of a named source's own address; None reads that.
        progress: called while bytes arrive.
        cache_dir: where parsed rows of a named source are kept; None for the user's cache.
    """

    target: str | int | None = None
    location: str | Path | None = None
    progress: Progress | None = None
    cache_dir: str | Path | None = None


@dataclass(frozen=True, slots=True)
class HeadSplit:
    """How a table's first rows are split: first those that validate, then those that train. All others test."""

    validation: int
    train: int


@dataclass(frozen=True, slots=True)
class Source:
    """A table with a name, which `read_table` and the command line take in place of a path.

    Args:
        name: its name.
        summary: where it is, in a word or two, for help texts.
        read: the request -> the table.
        split: its default split; None splits it like any other table.
        is_remote: whether its rows come over the network: then only those needed are read, and `location` may name a copy.
        is_default: whether it is read when no source is named.
        recognise: columns without a header, numbered in the order of the file -> their names if they are this source's,
            else None. Without it, no file is taken for this source.
    """

    name: str
    summary: str
    read: Callable[[Request], Table]
    split: HeadSplit | None = None
    is_remote: bool = False
    is_default: bool = False
    recognise: Callable[[pl.DataFrame], tuple[str, ...] | None] | None = None


def sources() -> Mapping[str, Source]:
    """Return the sources by name. All come from plug-ins."""
    return {source.name: source for source in plugged_in("sources")}


def described_sources() -> str:
    """Return the sources and their summaries, for help texts.

    Example:
        >>> described_sources()
        'higgs-sim (packaged), higgs (UCI)'
    """
    return ", ".join(f"{source.name} ({source.summary})" for source in sources().values())


def default_source() -> Source:
    """Return the source that is read when none is named.

    Example:
        >>> default_source().name
        'higgs-sim'
    """
    return next(source for source in sources().values() if source.is_default)


def is_url(source: str) -> bool:
    """Return whether a source is an http(s) address rather than a path or a database's address.

    Raises:
        InputError: it is an address of another kind.
    Example:
        >>> is_url("https://example.org/a.csv"), is_url("a.csv"), is_url("postgresql://me@host/db")
        (True, False, False)
    """
    scheme = _scheme(source)
    if scheme in FILE_SCHEMES:
        raise InputError(
            f"A database that is one file must be named by its path; got {source!r}. Give an SQLite file as it is; write "
            "tables of DuckDB as Parquet, by its command COPY."
        )
    if scheme not in (None, "http", "https", *DATABASE_SCHEMES):
        raise InputError(
            f"An address must start with http://, https:// or a database's name, such as postgresql://; got "
            f"{without_password(source)!r}. Download the file first."
        )
    return scheme in ("http", "https")


def is_database(source: str) -> bool:
    """Return whether a source is the address of a database on a server.

    Example:
        >>> is_database("postgresql://me@host/db"), is_database("https://example.org/a.csv")
        (True, False)
    """
    return _scheme(source) in DATABASE_SCHEMES


def without_password(address: str) -> str:
    """Return an address without the passwords in it, for messages and whatever is written down.

    Example:
        >>> without_password("mysql://me:se@cret@host/db?ssl=1&sslpassword=x")
        'mysql://me@host/db?ssl=1'
    """
    if _scheme(address) in (
        None,
        "http",
        "https",
    ):  # of the web: read again by the same address, as it always was
        return address
    place, mark, options = address.partition("?")
    place = PASSWORD.sub(r"\1@", place)
    kept = [option for option in options.split("&") if not SECRET_OPTION.match(option)]
    return place + (mark + "&".join(kept) if any(kept) else "")


def _scheme(source: str) -> str | None:
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", source)
    return found[1].lower() if found else None
