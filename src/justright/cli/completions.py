"""What Tab completes: names and folders that a shell cannot know; where there are none, it completes files itself.

Each function takes the word under the cursor, and perhaps the words before it (`context.params`, by parameter), and returns
whole words. A shell waits for them at every Tab, so nothing here imports NumPy or opens a database; and a fault of a file
is no completion, since there is no place for a message.
"""

from __future__ import annotations

import itertools
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from justright.data.sources import sources
from justright.session.exports.export_source import FRAMES
from justright.session.options import STUDY_NAMES

Completion = Callable[[str], list[str]]

# Folders looked at for one Tab, so that it stays quick at the top of a large disk: about 20 ms.
MAX_FOLDERS = 5_000
MAX_STUDY_FILE_BYTES = 1_000_000
NOT_PLAIN = re.compile(r"[^\w~@%+=:,./-]")  # characters that may mean something to bash


def study_folders(incomplete: str) -> list[str]:
    """Return the study folders whose path begins so, in the folder it names and in the folders there."""
    start, slash, typed = incomplete.rpartition("/")
    with suppress(RuntimeError):  # `~name` of a user who does not exist
        parent = Path(start + slash).expanduser()
        names = [name for name in _folders_in(parent) if name.startswith(typed)]
        inner = (f"{name}/{one}" for name in names for one in _folders_in(parent / name))
        looked_at = itertools.islice(itertools.chain(names, inner), MAX_FOLDERS)
        found = (name for name in looked_at if os.path.lexists(parent / name / "study.db"))
        return _beginning(incomplete, sorted(start + slash + name for name in found))
    return []


def _folders_in(path: Path) -> Iterator[str]:
    with suppress(OSError), os.scandir(path) as entries:
        yield from (entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def variants(context: typer.Context, incomplete: str) -> list[str]:
    """Return the variants of the study in DIR."""
    return _beginning(incomplete, _variants_of(context))


def variant_lists(context: typer.Context, incomplete: str) -> list[str]:
    """Return the variants of the study in DIR, of which several may be given with commas between them."""
    return _next_in_list(incomplete, _variants_of(context))


def groups(context: typer.Context, incomplete: str) -> list[str]:
    """Return the groups of variants of the study in DIR."""
    given = (one.get("group") for one in _variants_of(context).values() if isinstance(one, dict))
    return _beginning(incomplete, (group for group in given if isinstance(group, str)))


def exports(context: typer.Context, incomplete: str) -> list[str]:
    """Return what can be exported of the study in DIR: its variants, and tables."""
    return _beginning(incomplete, (*_variants_of(context), *FRAMES))


def table_names(incomplete: str) -> list[str]:
    """Return the tables with a name; none before a letter is typed, as most tables are files."""
    return _beginning(incomplete, sources()) if incomplete else []


def one_of(values: Iterable[str]) -> Completion:
    """Return the completion of one of some fixed values."""
    known = tuple(values)

    def completion(incomplete: str) -> list[str]:
        return _beginning(incomplete, known)

    return completion


def lists_of(values: Iterable[str]) -> Completion:
    """Return the completion of some fixed values, of which several may be given with commas between them."""
    known = tuple(values)

    def completion(incomplete: str) -> list[str]:
        return _next_in_list(incomplete, known)

    return completion


def _variants_of(context: typer.Context) -> Mapping[str, Any]:
    """Return name -> description of each variant of the study in the folder that the command line names."""
    if any(parameter.name == "folder" for parameter in context.command.params):
        # Click leaves arguments unparsed before an option without its value, such as the one that is being completed.
        folder = context.params.get("folder") or next(iter(context.args), None)
    else:
        folder = context.params.get("out")
    if folder is None:
        return {}
    try:
        with (Path(folder).expanduser() / "study.toml").open("rb") as file:
            content = file.read(MAX_STUDY_FILE_BYTES + 1)
        found = tomllib.loads(content.decode()).get("variants")
    except (OSError, ValueError, RuntimeError):  # no folder or home, or not TOML
        return {}
    return found if isinstance(found, dict) else {}


def _next_in_list(incomplete: str, words: Iterable[str]) -> list[str]:
    done, comma, _ = incomplete.rpartition(",")
    given = done.split(",")
    return _beginning(incomplete, (done + comma + word for word in words if word not in given))


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return [_escaped(word) for word in dict.fromkeys(words) if word.startswith(incomplete)]


def _escaped(word: str) -> str:
    """Return a word as it is put onto the command line: bash, unlike other shells, takes its characters as they are."""
    words = os.environ.get("COMP_WORDS")  # from bash alone
    if words is None:
        return word
    at_cursor = dict(enumerate(words.split("\n"))).get(int(os.environ.get("COMP_CWORD", 0)), "")
    return word if at_cursor.startswith(("'", '"')) else NOT_PLAIN.sub(r"\\\g<0>", word)


# Options of the option classes, which every command with such an option completes alike.
OF_OPTIONS: Mapping[str, Callable[..., list[str]]] = {
    "source": table_names,
    "study": one_of(STUDY_NAMES),
    "of": variants,
}
