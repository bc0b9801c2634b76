"""From what a user asks for (a source, a study's name or file, options) to a study, before anything trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from justright.data.read import read_table
from justright.data.sources import ReadProgress, sources
from justright.data.table import Table
from justright.errors import InputError, one_of
from justright.records.folder import StudyFolder, holds_study
from justright.session.options import (
    DEFAULT_SOURCE,
    DEFAULT_STUDY,
    StudyOptions,
    TableOptions,
    flag_of,
)
from justright.session.trust import check_trusted
from justright.study.recipe import Recipe
from justright.study.spec import read_spec, split_from_spec, study_from_dict
from justright.study.studies import default_split, named_study, studies
from justright.study.study import FIRST_SEED, MAX_SEEDS, Study

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
    spec = _read_described(asked, folder)
    if spec is None:
        table, tables = _read_tables(asked, read)
        chosen, changes = named_study(asked.study or DEFAULT_STUDY), asked.given(Recipe)
        split = default_split(table, **tables)
        recipe = replace(chosen.recipe_for(split), **changes) if changes else None
        return chosen.on(split, recipe=recipe, seeds=asked.seeds)
    values = _with_options(spec, asked)
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
    study = asked.study
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


def _with_options(spec: Mapping[str, Any], asked: StudyOptions) -> dict[str, Any]:
    """Return a study file's values, overridden by the options that were given."""
    values, recipe = dict(spec), asked.given(Recipe)
    if recipe:
        values["recipe"] = Recipe.from_dict(dict(spec.get("recipe", {})) | recipe).to_dict()
    if asked.seeds is not None:
        values["seeds"] = _counted_seeds(spec.get("seeds"), asked.seeds)
    return values


def _counted_seeds(listed: object, count: int) -> int | list[Any]:
    """Return `count` seeds: those that a study lists, then the smallest others, so that a higher count only adds runs.

    Example:
        >>> _counted_seeds([0, 1, 5], 5), _counted_seeds([4, 5], 1), _counted_seeds(None, 3)
        ([0, 1, 5, 2, 3], [4], 3)
    """
    if not isinstance(listed, list) or not 1 <= count <= MAX_SEEDS:
        return count
    others = (seed for seed in range(FIRST_SEED, MAX_SEEDS + len(listed)) if seed not in listed)
    return [*listed[:count], *islice(others, max(count - len(listed), 0))]


def _refuse_table_options(asked: StudyOptions) -> None:
    """Raise InputError when an option about the table is given together with a study file that names its own table."""
    given = asked.given(TableOptions) | ({} if asked.validation is None else {"validation": asked.validation})
    for name, value in given.items():
        raise InputError(
            f"{flag_of(StudyOptions, name)} describes a table, but the study names its own; got {value!r}. "
            "Give SOURCE as well, or change the study file."
        )
