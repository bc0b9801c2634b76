"""Tables on a database server, by address and query: through Polars and connectorx."""

from __future__ import annotations

import importlib.util
import os
import re
from urllib.parse import quote

from justright.data.read_options import ReadOptions
from justright.data.readers.native_output import held_stderr
from justright.data.readers.raw import MAX_TABLE_BYTES, RawTable, check_column_count, row_place
from justright.data.readers.tidy_columns import tidy_columns
from justright.data.sources import without_password
from justright.errors import InputError

# Where the password comes from when the address has none: what is written down never has one.
PASSWORD_VARIABLE = "JUSTRIGHT_DATABASE_PASSWORD"  # noqa: S105  # a name, not a password
USER = re.compile(r"^([^:]+://[^:@/]+)@")
NEEDED = ("connectorx", "pyarrow")


def read_server(address: str, options: ReadOptions) -> RawTable:
    """Return the columns of a query's answer.

    Args:
        address: such as `postgresql://user:password@host/database`. A password that it lacks is taken from the environment.
        options: `query` is needed. Of `head_rows`, no more rows are kept.
    Raises:
        InputError: there is no query, a package is not installed, the server or the query fails, or the answer is too large. No
            message holds the password.
    """
    import polars as pl

    shown = without_password(address)
    label = repr(shown)
    if options.query is None:
        raise InputError(
            f"{label}: `query` must ask the database for a table; got none. Pass it as SQL that selects what is needed."
        )
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        raise InputError(
            f"{label}: databases are read by the packages connectorx and pyarrow; {' and '.join(lacking)} cannot be found. "
            "Run `pip install 'justright[database]'`, or export the table as Parquet."
        )
    known = _with_password(address)
    try:
        with held_stderr():  # a panic prints its stack trace before it becomes an error that can be caught
            frame = pl.read_database_uri(options.query, known, engine="connectorx")
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        for secret in (known, address):
            reason = reason.replace(secret, shown)
        raise InputError(
            f"{label}: the database must answer with a table; it does not: {reason.rstrip('.')}. "
            f"Check address, password (${PASSWORD_VARIABLE} if the address has none) and `query`."
        ) from None
    check_column_count(frame.width, label)
    if frame.estimated_size() > MAX_TABLE_BYTES:
        raise InputError(
            f"{label}: a table must take at most {MAX_TABLE_BYTES:,} bytes in memory; it takes more. Ask for fewer rows in `query`."
        )
    frame = frame if options.head_rows is None else frame.head(options.head_rows)
    return tidy_columns(RawTable(frame, label, has_header=True, locate=row_place))


def _with_password(address: str) -> str:
    password = os.environ.get(PASSWORD_VARIABLE)
    return USER.sub(lambda user: f"{user[1]}:{quote(password, safe='')}@", address) if password else address
