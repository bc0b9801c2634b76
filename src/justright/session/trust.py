"""Whether a study folder's own table may be read: what its study.toml names is opened only once this user has said so.

A folder from somebody else may name any address and any file. What a user's own commands name is remembered, an empty file
for each place in the user's state folder, so that resuming one's own study asks nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from justright.data.sources import is_database, is_url, sources
from justright.data.table import MEMORY_SOURCE
from justright.errors import FolderError
from justright.study.spec import EXTRA_TABLES


def check_trusted(study: Mapping[str, Any], folder: str | Path, *, trust: bool) -> None:
    """Return if everything that a folder's study would open is known to be meant; `trust` says that it is.

    Args:
        study: the plain values of the folder's study.toml.
        folder: the study folder.
        trust: whether the user says so now, which is remembered.

    Raises:
        FolderError: it is not, and the message names each place.
    """
    if trust:
        remember(study)
        return
    unknown = [place for place in followed(study) if not _mark(place).is_file()]
    if unknown:
        named = " and ".join(map(repr, unknown))
        raise FolderError(
            f"A study folder may open only what you have named yourself, or trust; {str(folder)!r} would open {named}. "
            "Add --trust if you know where the folder comes from, or name the table as SOURCE."
        )


def remember(study: Mapping[str, Any]) -> None:
    """Remember that the user named what a study opens; where that cannot be written, the user is asked again."""
    for place in followed(study):
        mark = _mark(place)
        with suppress(OSError):
            mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark.touch(mode=0o600)


def followed(study: Mapping[str, Any]) -> list[str]:
    """Return the addresses and absolute paths that reading a study's tables opens; tables with a name open none.

    Example:
        >>> followed(
        ...     {"table": {"source": "higgs", "location": "http://a.org/h", "test": {"source": "/b.csv"}}}
        ... )
        ['http://a.org/h', '/b.csv']
    """
    table = study.get("table")
    extra = [table.get(name) for name in EXTRA_TABLES] if isinstance(table, Mapping) else []
    sections = [section for section in (table, *extra) if isinstance(section, Mapping)]
    places = [_absolute(place) for section in sections for place in _places(section)]
    return list(dict.fromkeys(places))


def _places(section: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a described table opens, whatever type of value stands there."""
    source, location = section.get("source", MEMORY_SOURCE), section.get("location")
    if isinstance(source, str) and is_database(source):
        yield f"{source} asked {section.get('query')!r}"  # a query may change what is in the database
    elif source != MEMORY_SOURCE and not (isinstance(source, str) and source in sources()):
        yield str(source)
    if location is not None:
        yield str(location)


def _absolute(place: str) -> str:
    """Return an address as it is, and a path as it is found from here: elsewhere it is another file."""
    # Not `Path.expanduser`, which raises an error for users that do not exist.
    return place if is_database(place) or is_url(place) else str(Path(os.path.expanduser(place)).absolute())  # noqa: PTH111


def _mark(place: str) -> Path:
    import platformdirs

    digest = hashlib.sha256(place.encode(errors="surrogatepass")).hexdigest()
    return platformdirs.user_state_path("justright", appauthor=False) / "trusted" / digest
