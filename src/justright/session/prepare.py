"""From what a user asks for (a source, a study's name or file, options) to a study, before anything trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from justright.data.read import read_table
from justright.data.sources import ReadProgress, sources
from justright.data.table import Table
from justright.errors import FolderError, InputError, one_of
from justright.records.folder import StudyFolder, holds_study
from justright.session.neighbourhood import study_around, with_neighbours
from justright.session.options import (
    DEFAULT_SOURCE,
    DEFAULT_STUDY,
    StudyOptions,
    TableOptions,
    flag_of,
)
from justright.session.overrides import with_options
from justright.session.trust import check_trusted
from justright.study.recipe import Recipe
from justright.study.spec import read_spec, split_from_spec, study_from_dict
from justright.study.studies import default_split, named_study, studies
from justright.study.study import Study

Read = Callable[..., Table]


def prepare_study(
    options: StudyOptions | None = None,
    *,
    folder: str | Path | None = None,
    progress: Callable[[ReadProgress], None] | None = None,
    **given: Any,
) -> Study:
    """Return the study that options describe.

    With a study file that names its table, a `test` table only measures: the rows that learn and choose stay the same.

    Args:
        options: what to train, and on what; None takes every default.
        folder: the study folder that will be used. If it holds a study, and neither `source` nor `study` is given,
            that study is meant; what it names as its tables is read if this user has named it before, or trusts it.
        progress: called while a table is read.
        given: single options, which override those in `options`.

    Raises:
        InputError: the table or study cannot be read, or an option does not fit.
        FolderError: `folder` cannot be read, or would open what this user has not named.
    """
    asked = replace(options or StudyOptions(), **given)
    read: Read = partial(read_table, progress=progress)
    _check_of(asked)
    spec = _read_described(asked, folder)
    study = _named_study(asked, read) if spec is None else _described_study(spec, asked, read)
    if asked.of is not None and asked.study is not None and spec is not None:
        return study_around(study, named_study(asked.study), asked.of, folder)
    return with_neighbours(study, folder)


def extend_study(
    study: Study,
    folder: str | Path,
    asked: StudyOptions,
    *,
    test: str | Path | Table | None = None,
    is_new: bool = False,
) -> Study:
    """Return a study with all that a folder holds of it, and with options that add to that; its rows are taken from the study.

    Args:
        study: the study that the folder was made by, or another one of the same rows.
        folder: the study folder.
        asked: `seeds`, `max_epochs`, `study` and `of`.
        test: the table, or a file with the table, whose rows take the place of the test rows.
        is_new: whether a fresh folder is wanted, which holds nothing.

    Raises:
        InputError: an option does not fit.
        FolderError: the folder holds no study.
    """
    if asked.study is not None and asked.of is None:
        raise InputError(
            f"`study` must come with the network that it is about; got {asked.study!r} alone. Give its name as `of`."
        )
    _check_of(asked)
    if is_new or not holds_study(folder):
        raise FolderError(
            f"Options that add to a study, such as `seeds`, need a folder that holds one; {str(folder)!r} does not. "
            "Run the study there without them first."
        )
    values = with_options(StudyFolder.open(folder, "read").read_study(), asked)
    split = study.split
    if test is not None:
        other = test if isinstance(test, Table) else _read_like("test", str(test), split.table, read_table)
        split = split.with_test_table(other)
    described = study_from_dict(
        {key: item for key, item in values.items() if key not in ("table", "split")}, split
    )
    # What their user made builds the networks, where it is there: the file describes models of one's own as Keras does.
    builds = {one.name: one.build for one in study.variants}
    whole = replace(
        described,
        variants=tuple(replace(one, build=builds.get(one.name, one.build)) for one in described.variants),
    )
    if asked.study is not None and asked.of is not None:
        return study_around(whole, named_study(asked.study), asked.of, folder)
    return whole


def _named_study(asked: StudyOptions, read: Read) -> Study:
    """Return a built-in study on the table that is asked for."""
    table, tables = _read_tables(asked, read)
    chosen, changes = named_study(asked.study or DEFAULT_STUDY), asked.given(Recipe)
    split = default_split(table, **tables)
    recipe = replace(chosen.recipe_for(split), **changes) if changes else None
    study = chosen.on(split, recipe=recipe, seeds=asked.seeds, of=asked.of)
    return study if asked.weighted_rows is None else replace(study, weighted_rows=asked.weighted_rows)


def _described_study(spec: Mapping[str, Any], asked: StudyOptions, read: Read) -> Study:
    """Return the study that a file's plain values describe, with the options that were given."""
    values = with_options(spec, asked)
    if asked.source is None and "table" in spec:
        _refuse_table_options(asked)
        described = study_from_dict(values, read=read)
        if asked.test is None:
            return described
        split = described.split.with_test_table(_read_like("test", asked.test, described.split.table, read))
    else:
        table, tables = _read_tables(asked, read)
        split = (
            split_from_spec(table, values, **tables) if "split" in spec else default_split(table, **tables)
        )
    return study_from_dict(
        {key: item for key, item in values.items() if key not in ("table", "split")}, split
    )


def _read_described(asked: StudyOptions, folder: str | Path | None) -> Mapping[str, Any] | None:
    """Return the plain values of the study file that is meant, or None for a built-in study."""
    study = None if asked.of is not None else asked.study
    if study is None:
        if asked.source is not None or folder is None or not holds_study(folder):
            return None
        values = StudyFolder.open(folder, "read").read_study()
        check_trusted(values, folder, trust=asked.trust)
        return values
    if study in studies():
        return None
    if study.endswith(".toml") or Path(study).exists():
        return read_spec(study)
    raise one_of("study", study, studies())


def _check_of(asked: StudyOptions) -> None:
    """Raise InputError if a network is named for a study that is not about one."""
    if asked.of is None:
        return
    about_one = [name for name, one in studies().items() if one.around is not None]
    if asked.study not in about_one:
        raise InputError(
            f"`--of` names the network of a study about one, --study {' or '.join(about_one)}; got --study "
            f"{asked.study or DEFAULT_STUDY}. Give both, or leave it out."
        )


def _read_tables(asked: StudyOptions, read: Read) -> tuple[Table, dict[str, Table | None]]:
    """Return the table and those that stand in for its test and validation rows."""
    options = {"source": DEFAULT_SOURCE} | asked.given(TableOptions)
    named = sources().get(options["source"])
    if named and named.is_remote and named.split and asked.rows is None and asked.test is not None:
        # Test rows come from elsewhere: read what the default split needs and no more.
        options["rows"] = named.split.train + (0 if asked.validation else named.split.validation)
    table = read(**options)
    extra = {"test": asked.test, "validation": asked.validation}
    return table, {
        f"{name}_table": None if path is None else _read_like(name, path, table, read)
        for name, path in extra.items()
    }


def _read_like(name: str, path: str, table: Table, read: Read) -> Table:
    """Return a second table, that of option `name`, read as the first was, with its target and its columns."""
    alike = table.source.plain() | {"rows": None}
    has_names = not table.target_name.startswith("column_")
    wanted = table.target_name if has_names else table.source.target
    try:
        return read(path, target=wanted, like=table, **alike)
    except InputError as error:
        raise InputError(str(error).replace("`source`", f"`{name}`", 1)) from None


def _refuse_table_options(asked: StudyOptions) -> None:
    """Raise InputError when an option about the table is given together with a study file that names its own table."""
    given = asked.given(TableOptions) | ({} if asked.validation is None else {"validation": asked.validation})
    for name, value in given.items():
        raise InputError(
            f"{flag_of(StudyOptions, name)} describes a table, but the study names its own; got {value!r}. "
            "Give SOURCE as well, or change the study file."
        )
