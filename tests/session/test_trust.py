"""What a folder's study opens is opened once its user has named it, or said that the folder is trusted."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from tests.refusals import refusal

from justright.data.table import MEMORY_SOURCE
from justright.errors import FolderError, InputError
from justright.session.trust import check_trusted, followed, remember

ADDRESS = "https://example.org/a.csv"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has named nothing yet; relative paths start in an empty folder."""
    place = tmp_path / "state"
    monkeypatch.setattr("platformdirs.user_state_path", lambda *_, **__: place)
    monkeypatch.chdir(tmp_path)
    return place


def study(source: object = ADDRESS, **table: object) -> dict[str, object]:
    """The plain values of a study of one table."""
    return {"table": {"source": source} | table}


@pytest.mark.parametrize(
    "values", [study("higgs-sim"), study("higgs", rows=5), study(MEMORY_SOURCE), {}, {"table": 3}]
)
def test_tables_with_a_name_need_no_trust(values: dict[str, object]) -> None:
    """Packaged ones, those of plug-ins, and what cannot be opened at all."""
    assert followed(values) == []
    check_trusted(values, "out", trust=False)


def test_everything_that_is_opened_is_named(tmp_path: Path) -> None:
    """The table, where a named one is read from, and the tables of other parts; paths as they are found from here."""
    values = study(
        "higgs", location="copy.gz", test={"source": ADDRESS}, validation={"source": "~nobody-here/v.csv"}
    )
    assert followed(values) == [str(tmp_path / "copy.gz"), ADDRESS, str(tmp_path / "~nobody-here/v.csv")]
    assert refusal(check_trusted, values, "runs/out", trust=False, error=FolderError) == (
        "A study folder may open only what you have named yourself, or trust; 'runs/out' would open "
        f"{str(tmp_path / 'copy.gz')!r} and {ADDRESS!r} and {str(tmp_path / '~nobody-here/v.csv')!r}. "
        "Add --trust if you know where the folder comes from, or name the table as SOURCE."
    )


def test_what_was_named_once_is_known_and_nothing_else(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the same working directory: elsewhere a relative path is another file."""
    remember(study("a.csv"))
    check_trusted(study("a.csv", rows=3), "out", trust=False)
    for other in (study("b.csv"), study("a.csv", test={"source": ADDRESS})):
        with pytest.raises(FolderError):
            check_trusted(other, "out", trust=False)
    (state / "elsewhere").mkdir()
    monkeypatch.chdir(state / "elsewhere")
    with pytest.raises(FolderError):
        check_trusted(study("a.csv"), "out", trust=False)


def test_trust_is_remembered() -> None:
    """One `--trust` is enough."""
    check_trusted(study(), "out", trust=True)
    check_trusted(study(), "out", trust=False)


@pytest.mark.skipif(os.name == "nt", reason="permissions as POSIX has them")
def test_what_is_remembered_tells_others_nothing(state: Path) -> None:
    """Empty files of the user alone, named by digests."""
    remember(study())
    (mark,) = (state / "trusted").iterdir()
    assert (mark.stat().st_size, len(mark.name)) == (0, 64)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (state / "trusted", mark)] == [0o700, 0o600]


def test_a_state_folder_that_cannot_be_written_is_no_failure(state: Path) -> None:
    """The user is asked again."""
    state.write_text("a file")
    check_trusted(study(), "out", trust=True)
    with pytest.raises(FolderError):
        check_trusted(study(), "out", trust=False)


def test_an_address_of_another_kind_is_refused() -> None:
    """As wherever else a table is named."""
    with pytest.raises(InputError, match="An address must start with http"):
        check_trusted(study("ftp://example.org/a.csv"), "out", trust=False)
