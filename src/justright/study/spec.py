"""Studies as TOML: `study.toml` in the study folder, and the files `--study FILE.toml` takes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from justright.data.pipes import came_from_pipe
from justright.data.read import read_table
from justright.data.sources import default_source
from justright.data.split import SplitSpec
from justright.data.table import MEMORY_SOURCE, Split, Table, TableSource
from justright.errors import InputError, check_each_of, raise_together
from justright.study.families import Family, family_from_dict
from justright.study.keras_descriptions import without_none
from justright.study.recipe import Recipe
from justright.study.study import Study, WeightedRows
from justright.study.variant import Build, KerasConfig, Variant

# Since 2, `rows` are drawn at random unless `head` says otherwise. Since 3, rows count by their weights in all means of losses and
# metrics; before, and now with weighted_rows = "train", in training alone.
SPEC_VERSION = 3
UNWEIGHTED_VERSION = (
    2  # of a study without such weights: the same words as before, which earlier versions read as well
)
MAX_SPEC_BYTES = 64 * 1024 * 1024  # Keras configurations of hundreds of variants fit; a bomb does not
OPTION_KEYS = (
    "name",
    "seeds",
    "train_sizes",
    "margin",
    "reference",
    "standardize_target",
    "neighbours",
    "weighted_rows",
)
TOP_KEYS = ("schema_version", *OPTION_KEYS, "table", "split", "recipe", "variants")
FIRST_KEYS = ("source", "target", "location")
TABLE_KEYS = tuple(sorted((one.name for one in fields(TableSource)), key=lambda name: name not in FIRST_KEYS))
EXTRA_TABLES = ("test", "validation")  # tables described inside [table], whose rows are those of that part
# Keys that say what a variant is for; the rest is how it is built and trained.
ROLE_KEYS = ("baseline", "group", "remedy", "strength", "change")
VARIANT_KEYS = (*ROLE_KEYS, "recipe", "builder", "keras_config")


def study_to_dict(study: Study, configs: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return `study` as plain values for TOML.

    Args:
        study: what to describe.
        configs: variant -> Keras JSON, for those built by callables: they can then be rebuilt without the callable.
    """
    split = study.split
    tables = {"test": split.test_table, "validation": split.validation_table}
    values: dict[str, Any] = {
        "schema_version": SPEC_VERSION if study.measures_weighted_rows else UNWEIGHTED_VERSION,
        "name": study.name,
        "seeds": list(study.seeds),
        "reference": study.reference,
        "table": _source_to_dict(split.table.source)
        | {name: _source_to_dict(table.source) for name, table in tables.items() if table is not None},
        "split": without_none({name: getattr(split.spec, name) for name in SplitSpec.__slots__}),
        "recipe": study.recipe.to_dict(),
        "variants": {
            variant.name: _variant_to_dict(variant, (configs or {}).get(variant.name))
            for variant in study.variants
        },
    }
    if study.train_sizes:
        values["train_sizes"] = list(study.train_sizes)
    if study.margin is not None:
        values["margin"] = study.margin
    if not study.neighbours:
        values["neighbours"] = False
    if study.measures_weighted_rows:
        values["weighted_rows"] = "all"
    if split.table.task == "regression":
        values["standardize_target"] = study.standardize_target
    return values


def read_spec(path: str | Path, *, opener: Callable[[str, int], int] | None = None) -> dict[str, Any]:
    """Return the plain values of a study file.

    Args:
        path: the file.
        opener: opens it, as for Python's `open`.

    Raises:
        InputError: the file is missing, too large, not TOML, or of a newer version.
    """
    path = Path(path)
    try:
        with open(path, "rb", opener=opener) as file:
            content = file.read(MAX_SPEC_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"A study file must be readable; {str(path)!r} is not: {error.strerror}. Give another path."
        ) from error
    if len(content) > MAX_SPEC_BYTES:
        raise InputError(f"Study file {str(path)!r} must be at most {MAX_SPEC_BYTES:,} bytes; it is larger.")
    try:
        values = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"Study file {str(path)!r} is not valid TOML: {error}.") from error
    version = values.get("schema_version", SPEC_VERSION)
    if not isinstance(version, int) or version > SPEC_VERSION:
        raise InputError(
            f"Study file {str(path)!r} has schema_version {version!r}; this justright reads up to {SPEC_VERSION}. "
            "Install a newer justright."
        )
    return values


def study_from_dict(
    values: Mapping[str, Any], split: Split | None = None, *, read: Any = read_table
) -> Study:
    """Return the study that plain values describe.

    Args:
        values: as `study_to_dict` or `read_spec` gave them.
        split: the table and its split; None reads the described table.
        read: how a described table is read; progress bars and tests replace it.

    Raises:
        InputError: a key or value is unknown, or the table cannot be read.
    """
    _check_keys("a study file", values, TOP_KEYS)
    recipe, *variants = raise_together(
        lambda: Recipe.from_dict(_section(values, "recipe")),
        *(partial(variant_from_dict, *item) for item in _section(values, "variants").items()),
    )
    split = split if split is not None else split_from_dict(values, read)
    options = {key: values[key] for key in OPTION_KEYS if key in values}
    if split.table.weights is not None:
        options["weighted_rows"] = recorded_weighted_rows(values)
    return Study(split, variants, recipe, **options)


def recorded_weighted_rows(values: Mapping[str, Any]) -> WeightedRows | None:
    """Return where rows count by their weights in a study of these plain values; None where they do not say.

    Example:
        >>> recorded_weighted_rows({"schema_version": 2}), recorded_weighted_rows({"weighted_rows": "all"})
        ('train', 'all')
    """
    said: WeightedRows | None = values.get("weighted_rows")
    is_older = values.get("schema_version", SPEC_VERSION) < SPEC_VERSION
    return said or ("train" if is_older else None)


def split_from_spec(table: Table, values: Mapping[str, Any], **tables: Table | None) -> Split:
    """Return `table` split as the [split] section of `values` says.

    Raises:
        InputError: an option is unknown or the rows do not suffice.
    """
    options = _section(values, "split")
    _check_keys("[split]", options, SplitSpec.__slots__)
    arguments: dict[str, Any] = {"train": None, "test": None, **options, **tables}
    return table.split(**arguments)


def split_from_dict(values: Mapping[str, Any], read: Any = read_table) -> Split:
    """Return the split of the table that a study's plain values name; arguments and errors as for `study_from_dict`."""
    section = dict(_section(values, "table"))
    if values.get("schema_version") == 1 and "rows" in section:
        section |= {"head": True}
    extra = {f"{name}_table": section.pop(name, None) for name in EXTRA_TABLES}
    table = _read_described(section, read)
    tables = {name: _read_described(member, read) if member else None for name, member in extra.items()}
    return split_from_spec(table, values, **tables)


def _read_described(section: Mapping[str, Any], read: Any) -> Table:
    _check_keys("[table]", section, TABLE_KEYS)
    if "source" not in section:
        raise InputError(
            "A study file's [table] must name its `source`; got none. Give for instance "
            f"source = {default_source().name!r}."
        )
    if section["source"] == MEMORY_SOURCE:
        raise InputError(
            "This study was made from a table in memory, which study.toml cannot name. Rerun it from Python with the "
            "same table, or name a file as `source`."
        )
    try:
        table: Table = read(**section)
    except InputError as error:
        if not came_from_pipe(str(section["source"])):
            raise
        raise InputError(
            f"{error} The study's table came from a pipe, which cannot be read again: pipe the same rows in once more, or "
            "name a file that holds them as SOURCE."
        ) from None
    return table


def _variant_to_dict(variant: Variant, config: str | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if isinstance(variant.build, Family):
        values |= variant.build.to_dict()
    elif isinstance(variant.build, KerasConfig):
        values["keras_config"] = variant.build.json
    else:
        values["builder"] = builder_name(variant.build)
        values |= without_none({"keras_config": config})
    roles = {key: getattr(variant, key) for key in ROLE_KEYS}
    values |= {key: value for key, value in roles.items() if value not in (None, "")}
    if variant.recipe:
        values["recipe"] = variant.recipe.to_dict()
    return values


def builder_name(build: Build) -> str:
    """Return what a study file calls a callable: MODULE:NAME."""
    return f"{build.__module__}:{getattr(build, '__qualname__', '?')}"


def variant_from_dict(name: str, values: Any) -> Variant:
    """Return the variant that a study file describes.

    Args:
        name: the variant's name.
        values: its options, as the file has them.

    Raises:
        InputError: an option is unknown or out of range.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"[variants.{name}] must be a table of options; got {values!r}.")
    options = dict(values)
    recipe = options.pop("recipe", None)
    roles = {key: options.pop(key) for key in ROLE_KEYS if key in options}
    options.pop("builder", None)  # only for readers: the configuration below is what is built
    if "keras_config" in options:
        build: Family | KerasConfig = KerasConfig(str(options.pop("keras_config")))
        _check_keys(f"[variants.{name}]", options, VARIANT_KEYS)
    else:
        build = family_from_dict(options)
    return Variant(name, build, Recipe.from_dict(recipe) if recipe is not None else None, **roles)


def _source_to_dict(source: TableSource) -> dict[str, Any]:
    values = {"source": source.source, "target": source.target, "location": source.location} | source.plain()
    return without_none(
        {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
    )


def _check_keys(place: str, values: Mapping[str, Any], known: Collection[str]) -> None:
    check_each_of(f"key of {place}", values, known)


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = values.get(name, {})
    if not isinstance(section, Mapping):
        raise InputError(f"[{name}] of a study file must be a table of options; got {section!r}.")
    return section
