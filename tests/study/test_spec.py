"""Study files: what is written can be read back, and what cannot be meant is refused by name."""

from __future__ import annotations

import tomllib

import keras
import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.data.read import read_table
from justright.data.split import PARTS
from justright.errors import InputError
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.spec import MAX_SPEC_BYTES, read_spec, study_from_dict, study_to_dict
from justright.study.studies import default_split, named_study, studies
from justright.study.study import Study
from justright.study.variant import KerasConfig, Variant, check_name


def described(study):
    """Return everything a study says, but for its rows."""
    names = ("variants", "recipe", "seeds", "train_sizes", "name", "margin", "reference")
    return {name: getattr(study, name) for name in names} | {"split": study.split.spec}


@pytest.fixture(scope="module")
def higgs():
    """The packaged table, split as the tutorial does."""
    return default_split(read_table("higgs-sim"))


@pytest.mark.parametrize("name", studies())
def test_built_in_studies_survive_toml(name, higgs, tmp_path):
    """Written, read, and its table read again: the same study on the same rows."""
    study = named_study(name).on(higgs, seeds=2)
    path = tmp_path / "study.toml"
    path.write_text(tomli_w.dumps(study_to_dict(study)))
    again = study_from_dict(read_spec(path))
    assert described(again) == described(study)
    assert again.split.digest(*PARTS) == study.split.digest(*PARTS)


def is_name(text):
    """Whether a text may name a variant."""
    try:
        check_name(text)
    except InputError:
        return False
    return True


names = st.text("aZ9 é×_.,+=()-", min_size=1, max_size=12).filter(is_name)


@given(
    members=st.lists(names, min_size=1, max_size=4, unique_by=str.casefold),
    seeds=st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=3, unique=True),
    sizes=st.lists(st.integers(1, 60), max_size=3),
    margin=st.none() | st.floats(1e-9, 1e9),
    reference=st.booleans(),
    patience=st.none() | st.integers(1, 99),
    name=names,
)
@settings(max_examples=60)
def test_any_study_survives_toml(split, members, seeds, sizes, margin, reference, patience, name):
    """Names with quotes' worth of marks, numbers, absent options, own recipes and baselines."""
    first, *others = members
    variants = [Variant(first, mlp(4, 4, dropout=0.5), Recipe(batch_size=9, patience=patience), group="g")]
    variants += [Variant(other, mlp(4), baseline=first) for other in others]
    study = Study(
        split, variants, Recipe(patience=patience), seeds=seeds, train_sizes=sizes, name=name, margin=margin,
        reference=reference,
    )  # fmt: skip
    assert described(study_from_dict(tomllib.loads(tomli_w.dumps(study_to_dict(study))), split)) == described(
        study
    )


def test_callables_are_written_with_the_model_they_built(split):
    """Keras' JSON lets the study run again without the code; the builder's name is for people."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    study = Study(split, {"Mine": lambda: model})
    values = tomllib.loads(tomli_w.dumps(study_to_dict(study, {"Mine": model.to_json()})))
    assert values["variants"]["Mine"]["builder"].endswith("<lambda>")
    again = study_from_dict(values, split).variant("Mine").build
    assert again == KerasConfig(model.to_json())
    assert "keras_config" not in study_to_dict(study)["variants"]["Mine"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"seed": 3},
            (
                "`key of a study file` must be one of 'schema_version', 'name', 'seeds', 'train_sizes', 'margin', "
                "'reference', 'standardize_target', 'neighbours', 'weighted_rows', 'table', 'split', 'recipe', 'variants'; got 'seed'. Did you mean 'seeds'?"
            ),
        ),
        ({"variants": 3}, "[variants] of a study file must be a table of options; got 3."),
        ({"recipe": []}, "[recipe] of a study file must be a table of options; got []."),
        ({"variants": {"a": 3}}, "[variants.a] must be a table of options; got 3."),
        (
            {"variants": {"a": {"family": "mlp", "unit": [3]}}},
            (
                "`option of a family` must be one of 'units', 'activation', 'l1', 'l2', 'dropout', "
                "'batch_normalization', 'input_noise', 'standardize', 'soft_limit', 'output_scale', 'output_offset'; got 'unit'. Did you mean 'units'?"
            ),
        ),
        (
            {"variants": {"a": {"keras_config": "{}", "units": [3]}}},
            (
                "`key of [variants.a]` must be one of 'baseline', 'group', 'remedy', 'strength', 'change', 'recipe', "
                "'builder', 'keras_config'; "
                "got 'units'."
            ),
        ),
        ({"variants": {}}, "`variants` must hold at least one variant; got none."),
    ],
)
def test_what_cannot_be_meant_is_refused(values, message, split):
    """An unknown key or a value of the wrong kind is named, with the nearest known one."""
    assert (
        refusal(study_from_dict, {"variants": {"x": {"family": "mlp", "units": [2]}}} | values, split)
        == message
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"table": {"sorce": "a.csv"}},
            (
                "`key of [table]` must be one of 'source', 'target', 'location', 'rows', 'head', 'task', 'missing', "
                "'categorical', 'numeric', 'drop', 'keep', 'sep', 'decimal', 'thousands', 'encoding', 'header', 'sheet', "
                "'query', 'group', 'time', 'weights', 'min_class_rows'; got 'sorce'. Did you mean 'source'?"
            ),
        ),
        (
            {"table": {}},
            "A study file's [table] must name its `source`; got none. Give for instance source = 'higgs-sim'.",
        ),
        (
            {"table": {"source": "<memory>"}},
            (
                "This study was made from a table in memory, which study.toml cannot name. Rerun it from Python with the "
                "same table, or name a file as `source`."
            ),
        ),
        (
            {"table": {"source": "higgs-sim"}, "split": {"valid": 3}},
            (
                "`key of [split]` must be one of 'validation', 'train', 'test', 'order', 'seed'; got 'valid'. "
                "Did you mean 'validation'?"
            ),
        ),
    ],
)
def test_tables_and_splits_that_cannot_be_meant_are_refused(values, message):
    """The same for the sections that say which rows."""
    assert refusal(study_from_dict, values | {"variants": {"x": {"family": "mlp", "units": [2]}}}) == message


def test_files_that_are_no_study_are_refused(tmp_path, monkeypatch):
    """Missing, not TOML, not text, of a newer version, or too large."""

    def refusal(content=None):
        path = tmp_path / "study.toml"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_spec(path)
        return str(caught.value).replace(repr(str(path)), "PATH")

    assert (
        refusal()
        == "A study file must be readable; PATH is not: No such file or directory. Give another path."
    )
    assert refusal(b"a = ").startswith("Study file PATH is not valid TOML: ")
    assert refusal(b"a = '\xff'").startswith("Study file PATH is not valid TOML: ")
    assert refusal(b"schema_version = 4") == (
        "Study file PATH has schema_version 4; this justright reads up to 3. Install a newer justright."
    )
    monkeypatch.setattr("justright.study.spec.MAX_SPEC_BYTES", 10)
    assert MAX_SPEC_BYTES > 10**6
    assert refusal(b"#" * 11) == "Study file PATH must be at most 10 bytes; it is larger."


def test_a_table_from_a_pipe_that_is_gone_says_what_to_do():
    """A study file can name a pipe, but nobody can read one twice."""
    values = {"table": {"source": "/dev/fd/9999"}, "variants": {"a": {"family": "mlp", "units": [2]}}}
    with pytest.raises(InputError) as caught:
        study_from_dict(values)
    assert str(caught.value).endswith(
        " The study's table came from a pipe, which cannot be read again: pipe the same rows in once more, or name a file "
        "that holds them as SOURCE."
    )


def test_every_unknown_key_is_named_at_once(split):
    """One run of the command, one message."""
    assert refusal(
        study_from_dict, {"variants": {"x": {"family": "mlp", "unit": [2], "drop": 0.5}}}, split
    ) == (
        "`option of a family` must be one of 'units', 'activation', 'l1', 'l2', 'dropout', 'batch_normalization', "
        "'input_noise', 'standardize', 'soft_limit', 'output_scale', 'output_offset'; got 'unit', 'drop'. "
        "Did you mean 'units'?"
    )


def test_whether_a_numeric_target_is_standardised_is_written_into_its_study_file():
    """For classes it means nothing, and is left out: descriptions of such studies stay as they were."""
    x = np.random.default_rng(0).normal(size=(60, 2))
    numbers = read_table((x, x[:, 0] * 2.5)).split(validation=10, train=40)
    for chosen in (True, False):
        study = Study(numbers, {"a": mlp(2)}, standardize_target=chosen)
        values = study_to_dict(study)
        assert values["standardize_target"] is chosen
        assert study_from_dict(tomllib.loads(tomli_w.dumps(values)), numbers).standardize_target is chosen
    classes = read_table((x, (np.arange(60) % 2).astype(float))).split(validation=10, train=40)
    assert "standardize_target" not in study_to_dict(Study(classes, {"a": mlp(2)}))


def test_rows_of_an_older_study_file_are_the_first(tmp_path):
    """A folder of version 1 resumes on the rows that it was trained on; a new file's rows are drawn."""
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{index * 7 % 23 / 4},{index % 2}\n" for index in range(40)))
    asked = []

    def read(source, **options):
        asked.append(options)
        return read_table(source, **options)

    for version in (1, 2):
        values = {
            "schema_version": version,
            "table": {"source": str(path), "rows": 30},
            "split": {"validation": 5},
        }
        study_from_dict(values | {"variants": {"Tiny": {"family": "mlp", "units": [2]}}}, read=read)
    assert asked == [{"rows": 30, "head": True}, {"rows": 30}]


def test_only_unwanted_neighbours_are_written(split):
    """Study files of before say nothing about them."""
    for wanted in (True, False):
        values = study_to_dict(Study(split, {"a": mlp(2)}, neighbours=wanted))
        assert values.get("neighbours", "not said") == ("not said" if wanted else False)
        assert study_from_dict(tomllib.loads(tomli_w.dumps(values)), split).neighbours is wanted
