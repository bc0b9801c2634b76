"""From what a user asks for - a source, a study's name or file, a few options - to a study, before anything trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from justright.data import ReadProgress, Table, align_table, read_table
from justright.data.sources import default_source, sources
from justright.errors import InputError, one_of
from justright.records.folder import holds_study
from justright.study.recipe import Recipe
from justright.study.spec import read_spec, split_from_spec, study_from_dict
from justright.study.studies import default_split, named_study, studies
from justright.study.study import FIRST_SEED, MAX_SEEDS, Study

DEFAULT_SOURCE = default_source().name
DEFAULT_STUDY = "quick"

Progress = Callable[[ReadProgress], None]


def prepare_study(
    *,
    source: str | None = None,
    target: str | None = None,
    rows: int | None = None,
    location: str | None = None,
    task: str | None = None,
    missing: Sequence[str] | None = None,
    categorical: Sequence[str] | None = None,
    test: str | None = None,
    validation: str | None = None,
    study: str | None = None,
    seeds: int | None = None,
    max_epochs: int | None = None,
    patience: int | None = None,
    stop: str | None = None,
    batch_size: int | None = None,
    precision: str | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Study:
    """Return the study that a command line describes; options that are None keep what the study says.

    Args:
        source: a name such as `higgs-sim`, a path or a URL; None takes the study file's table, or `higgs-sim`.
        target: the target's column name or number.
        rows: the first rows of the source.
        location: where HIGGS is read from instead of UCI.
        task: 'binary', 'multiclass' or 'regression'; None finds it from the target.
        missing: texts that stand for "no value", as for `read_table`.
        categorical: columns to turn into one 0/1 feature a level.
        test: a second table that only measures; with a study file that names its table, the rows that learn and choose
            stay the same.
        validation: a second table that chooses epochs.
        study: a built-in study's name or a study file; None takes that of `folder` when it holds one and no
            `source` is given, otherwise `quick`.
        seeds: number of seeds.
        max_epochs: epochs after which a run ends.
        patience: epochs without a new best one after which a run stops.
        stop: 'patience', or 'settled' to stop sooner where the answer is known.
        batch_size: training rows a step.
        precision: 'float32' or 'bfloat16'.
        folder: the study folder that will be used.
        progress: called while a table is read.

    Raises:
        InputError: the table or study cannot be read, or an option does not fit.
    """
    spec = _read_described(study, source, folder)
    table_options = {
        "target": target,
        "rows": rows,
        "location": location,
        "task": task,
        "missing": missing or None,
        "categorical": categorical or None,
    }

    def read(name: str, **options: Any) -> Table:
        given = {key: value for key, value in options.items() if value is not None}
        return read_table(name, progress=progress, **given)

    recipe = {
        "max_epochs": max_epochs,
        "patience": patience,
        "stop": stop,
        "batch_size": batch_size,
        "precision": precision,
    }
    given: dict[str, Any] = {name: value for name, value in recipe.items() if value is not None}
    if spec is not None:
        values = _with_options(spec, given, seeds)
        if source is None and "table" in spec:
            _refuse_table_options(table_options | {"validation": validation})
            described = study_from_dict(values, read=read)
            return (
                described
                if test is None
                else _with_test_rows(described, values, _read_like("test", test, described.split.table, read))
            )
        table, tables = _read_tables(source or DEFAULT_SOURCE, table_options, test, validation, read)
        split = (
            split_from_spec(table, values, **tables) if "split" in spec else default_split(table, **tables)
        )
        return study_from_dict(
            {key: item for key, item in values.items() if key not in ("table", "split")}, split
        )
    table, tables = _read_tables(source or DEFAULT_SOURCE, table_options, test, validation, read)
    chosen = named_study(study or DEFAULT_STUDY)
    own = replace(chosen.recipe(), **given) if given else None
    return chosen.on(default_split(table, **tables), recipe=own, seeds=seeds)


def _read_described(
    study: str | None, source: str | None, folder: str | Path | None
) -> Mapping[str, Any] | None:
    """Return the plain values of the study file that is meant, or None for a built-in study."""
    if study is None:
        resumes = source is None and folder is not None and holds_study(folder)
        return read_spec(Path(folder) / "study.toml") if resumes and folder is not None else None
    if study in studies():
        return None
    if study.endswith(".toml") or Path(study).exists():
        return read_spec(study)
    raise one_of("study", study, studies())


def _read_tables(
    source: str,
    options: Mapping[str, Any],
    test: str | None,
    validation: str | None,
    read: Callable[..., Table],
) -> tuple[Table, dict[str, Table | None]]:
    """Return the table and those that stand in for its test and validation rows."""
    options = dict(options)
    named = sources().get(source)
    if named and named.is_remote and named.split and options["rows"] is None and test is not None:
        # Test rows come from elsewhere: read what the default split needs and no more.
        options["rows"] = named.split.train + (0 if validation else named.split.validation)
    table = read(source, **options)
    extra = {"test": test, "validation": validation}
    return table, {
        f"{name}_table": None if path is None else _read_like(name, path, table, read)
        for name, path in extra.items()
    }


def _read_like(name: str, path: str, table: Table, read: Callable[..., Table]) -> Table:
    """Return a second table, that of option `name`, with the columns of the first, read as the first was."""
    alike = {key: getattr(table.source, key) for key in ("task", "missing", "categorical")}
    try:
        second = read(path, target=_target_of(path, table), **alike)
    except InputError as error:
        raise InputError(str(error).replace("`source`", f"`{name}`", 1)) from None
    return align_table(second, like=table)


def _target_of(path: str, table: Table) -> str | None:
    """Return the target to read a second table with: that of the first, unless it has no names."""
    return None if table.target_name.startswith("column_") else table.target_name


def _with_options(spec: Mapping[str, Any], recipe: Mapping[str, Any], seeds: int | None) -> dict[str, Any]:
    """Return a study file's values with the command line's options in their place."""
    values = dict(spec)
    if recipe:
        values["recipe"] = Recipe.from_dict(dict(spec.get("recipe", {})) | dict(recipe)).to_dict()
    if seeds is not None:
        values["seeds"] = _counted_seeds(spec.get("seeds"), seeds)
    return values


def _counted_seeds(listed: object, count: int) -> int | list[Any]:
    """Return `count` seeds: those that a study lists, and after them the smallest others, so that more add to its runs.

    Example:
        >>> _counted_seeds([0, 1, 5], 5), _counted_seeds([4, 5], 1), _counted_seeds(None, 3)
        ([0, 1, 5, 2, 3], [4], 3)
    """
    if not isinstance(listed, list) or not 1 <= count <= MAX_SEEDS:
        return count
    others = (seed for seed in range(FIRST_SEED, MAX_SEEDS + len(listed)) if seed not in listed)
    return [*listed[:count], *islice(others, max(count - len(listed), 0))]


def _with_test_rows(study: Study, values: Mapping[str, Any], table: Table) -> Study:
    """Return a described study that measures on the rows of another table, and learns and chooses as before."""
    own = {key: item for key, item in values.items() if key not in ("table", "split")}
    return study_from_dict(own, study.split.with_test_table(table))


def _refuse_table_options(options: Mapping[str, Any]) -> None:
    """Raise InputError when an option about the table is given beside a study file that names its own."""
    for name, value in options.items():
        if value is not None:
            option = "from" if name == "location" else name
            raise InputError(
                f"--{option} describes a table, but the study names its own; got {value!r}. "
                "Give SOURCE as well, or change the study file."
            )
