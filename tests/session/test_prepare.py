"""From a command line's words to a study: sources, files, folders and options, before anything trains."""

from __future__ import annotations

import numpy as np
import pytest
import tomli_w
from tests.refusals import refusal

from justright.data.read import read_table
from justright.data.split import PARTS
from justright.session.prepare import prepare_study
from justright.study.remedy import NEIGHBOUR_GROUP as GROUP
from justright.study.spec import study_to_dict
from justright.study.studies import named_study, studies

FILE = """
name = "mine"
seeds = [4, 5]
[table]
source = "rows.csv"
target = "y"
[split]
validation = 20
train = 60
order = "head"
[recipe]
batch_size = 10
patience = 7
[variants.Only]
family = "mlp"
units = [3]
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with two tables and a study file."""
    random = np.random.default_rng(0)
    for name, rows in (("rows.csv", 100), ("others.csv", 40)):
        x = random.normal(size=(rows, 2))
        lines = [f"{a:.4f},{b:.4f},{index % 2}" for index, (a, b) in enumerate(x)]
        (tmp_path / name).write_text("a,b,y\n" + "\n".join(lines) + "\n")
    (tmp_path / "mine.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_word_it_is_quick_on_the_packaged_table():
    """The default of `justright run`."""
    study = prepare_study()
    assert (study.name, study.split.table.source.source, study.seeds) == ("quick", "higgs-sim", (1,))
    assert study.split.sizes["train"] == 10_000


@pytest.mark.parametrize("name", studies())
def test_every_built_in_study_runs_on_any_table(name, place):
    """By name, with its own recipe, on a table of one's own."""
    study = prepare_study(source="rows.csv", study=name, seeds=2)
    assert study.name == name
    assert study.variants == named_study(name).on(study.split).variants
    assert study.recipe == named_study(name).recipe_for(study.split).resolve("binary", 60)
    assert study.seeds == (1, 2)
    assert study.split.sizes == {"train": 60, "validation": 15, "test": 25}


def test_options_take_the_place_of_the_recipe_s(place):
    """Only those given; the others stay the study's."""
    study = prepare_study(
        source="rows.csv", target="y", max_epochs=9, patience=3, batch_size=7, precision="bfloat16"
    )
    recipe = study.recipe
    assert recipe.stop == "settled"  # as quick has it
    assert prepare_study(source="rows.csv", stop="patience").recipe.stop == "patience"
    assert prepare_study(source="rows.csv", study="tutorial").recipe.stop == "patience"
    assert (recipe.max_epochs, recipe.patience, recipe.batch_size, recipe.precision) == (9, 3, 7, "bfloat16")
    other = prepare_study(source="rows.csv", batch_size=7)
    assert other.recipe.max_epochs == named_study("quick").recipe_for(other.split).max_epochs


def test_a_study_file_names_its_table(place):
    """Table, split, recipe, seeds and variants are the file's."""
    study = prepare_study(study="mine.toml")
    assert (study.name, study.seeds, study.recipe.patience) == ("mine", (4, 5), 7)
    assert study.split.sizes == {"train": 60, "validation": 20, "test": 20}
    assert [variant.name for variant in study.variants if variant.group != GROUP] == ["Only"]


def test_options_take_the_place_of_the_file_s(place):
    """Recipe options and seeds from the command line win over the file."""
    study = prepare_study(study="mine.toml", max_epochs=4, patience=2, seeds=1)
    assert (study.recipe.max_epochs, study.recipe.patience, study.recipe.batch_size) == (4, 2, 10)
    assert study.seeds == (4,)


def test_a_source_takes_the_place_of_the_file_s_table(place):
    """The file's split is kept, its table is not read."""
    (place / "rows.csv").rename(place / "moved.csv")
    study = prepare_study(source="moved.csv", study="mine.toml")
    assert study.split.table.source.source == "moved.csv"
    assert study.split.sizes == {"train": 60, "validation": 20, "test": 20}


def test_tables_of_their_own_test_and_validate(place):
    """Rows of the first table then need not."""
    study = prepare_study(source="rows.csv", target="y", test="others.csv", validation="others.csv")
    assert study.split.sizes == {"train": 100, "validation": 40, "test": 40}


def test_test_rows_need_a_target(place):
    """A competition's test.csv has none: it is to be predicted, which the message says."""
    (place / "test.csv").write_text("Y,a\n1,2\n")
    assert refusal(prepare_study, source="rows.csv", target="y", test="test.csv") == (
        "'test.csv': rows that test or validate must have the target 'y'; there is no such column. Did you mean 'Y'? Rows "
        "without it can only be predicted: `justright predict DIR TABLE`, after the study. Columns: 'Y', 'a'."
    )


def test_other_test_rows_leave_training_and_validation_rows_as_they_are(place):
    """`--test` with a study file: the rows that learn and choose stay, and those of another table measure."""
    before, after = prepare_study(study="mine.toml"), prepare_study(study="mine.toml", test="others.csv")
    assert after.split.sizes["test"] == 40
    for part in ("train", "validation"):
        for one, other in zip(before.split.arrays(part), after.split.arrays(part), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_folder_s_study_is_gone_on_with(place):
    """Without source and study, a folder that holds a study says what to run."""
    study = prepare_study(study="mine.toml")
    folder = place / "out"
    folder.mkdir()
    (folder / "study.toml").write_text(tomli_w.dumps(study_to_dict(study)))
    (folder / "study.db").write_bytes(b"")
    again = prepare_study(folder=folder, trust=True)
    assert (again.name, again.seeds, again.recipe) == (study.name, study.seeds, study.recipe)
    assert again.split.digest(*PARTS) == study.split.digest(*PARTS)
    assert prepare_study(source="higgs-sim", folder=folder).name == "quick"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"study": "tutrial"},
            (
                "`study` must be one of 'quick', 'tutorial', 'sizes', 'regularizers'; got 'tutrial'. "
                "Did you mean 'tutorial'?"
            ),
        ),
        (
            {"study": "gone.toml"},
            "A study file must be readable; 'gone.toml' is not: No such file or directory. Give another path.",
        ),
        (
            {"study": "mine.toml", "rows": 10},
            (
                "--rows describes a table, but the study names its own; got 10. "
                "Give SOURCE as well, or change the study file."
            ),
        ),
        (
            {"study": "mine.toml", "location": "x"},
            (
                "--from describes a table, but the study names its own; got 'x'. "
                "Give SOURCE as well, or change the study file."
            ),
        ),
        (
            {"study": "mine.toml", "validation": "others.csv"},
            (
                "--validation describes a table, but the study names its own; got 'others.csv'. "
                "Give SOURCE as well, or change the study file."
            ),
        ),
        ({"max_epochs": 0}, "`max_epochs` must be a whole number of at least 1; got 0."),
        ({"seeds": 0}, "`seeds` must be a number in 1..10000 or a list of seeds; got 0."),
    ],
)
def test_what_does_not_fit_is_refused(options, message, place):
    """Whole messages, before a table is read or anything trains."""
    listed = ", ".join(repr(name) for name in studies())
    message = message.replace("'quick', 'tutorial', 'sizes', 'regularizers'", listed)
    assert refusal(prepare_study, **options) == message


def test_progress_is_told_while_a_table_is_read(place):
    """Whoever waits for a large file sees how far it is; the table is the same."""
    told = []
    study = prepare_study(source="rows.csv", target="y", progress=told.append)
    assert study.split.table.fingerprint == read_table("rows.csv", target="y").fingerprint


def test_categorical_columns_and_missing_values_hold_for_a_test_file_too(place):
    """The second table is read as the first was."""
    for name in ("rooms.csv", "others.csv"):
        lines = [f"{index},{'red' if index % 3 else 'blue'},{index % 2}" for index in range(60)]
        (place / name).write_text("\n".join(["a,colour,y", *lines, "n/a,red,1"]) + "\n")
    study = prepare_study(source="rooms.csv", test="others.csv", missing=["n/a"], categorical=["colour"])
    assert study.split.table.feature_names == ("a", "a missing", "colour=red", "colour=blue")
    assert (study.split.table.rows, study.split.sizes["test"]) == (61, 61)
    features, _ = study.split.arrays("test")
    assert features[-1].tolist() == [study.split.table.plan.columns[0].fill, 1, 1, 0]


def test_a_missing_test_file_is_called_by_its_option(place):
    """`source` would send the user to the wrong word of the command."""
    assert refusal(prepare_study, source="rows.csv", test="other.csv") == (
        "`test` must be 'higgs-sim', 'higgs', an http(s) address or an existing file; there is no 'other.csv'. "
        "Did you mean 'others.csv'?"
    )
