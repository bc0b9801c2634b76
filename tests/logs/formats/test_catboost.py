"""CatBoost's folder, its JSON and its tables, whole, renamed and in parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.refusals import refusal

from justright.logs.formats.catboost import CATBOOST
from justright.logs.logged_run import LoggedRun
from justright.logs.source import Source

LEARN = [0.6, 0.4, 0.3]
TEST = [0.62, 0.5, 0.55]


def save(folder: Path, *, sets=("test",), text: str | None = None) -> Path:
    """Write a folder as CatBoost does, and return it; `text` replaces the JSON."""
    folder.mkdir()
    meta = {
        "learn_sets": ["learn"],
        "learn_metrics": [{"best_value": "Min", "name": "Logloss"}],
        "test_sets": list(sets),
        "test_metrics": [{"best_value": "Min", "name": "Logloss"}, {"best_value": "Max", "name": "Custom"}],
        "iteration_count": 1000,
    }
    iterations = [
        {"iteration": at, "learn": [a], "passed_time": 0.1, "remaining_time": 9.9}
        | {name: [b, 1 - b] for name in sets}
        for at, (a, b) in enumerate(zip(LEARN, TEST, strict=True))
    ]
    (folder / "catboost_training.json").write_text(
        text or json.dumps({"meta": meta, "iterations": iterations})
    )
    for name, header, values in (("learn", "Logloss", LEARN), ("test", "Logloss\tCustom", TEST)):
        rows = [f"{at}\t{b}" + (f"\t{1 - b}" if name == "test" else "") for at, b in enumerate(values)]
        (folder / f"{name}_error.tsv").write_text("\n".join([f"iter\t{header}", *rows]) + "\n")
    (folder / "time_left.tsv").write_text("iter\tPassed\tRemaining\n0\t5\t100\n")
    return folder


def read(path: Path) -> LoggedRun:
    """Return the run of a folder or file."""
    source = Source(path, files=CATBOOST.folder_files(path)) if path.is_dir() else Source.of_file(path)
    assert source.files or CATBOOST.matches(source)
    (run,) = CATBOOST.read(source)
    assert (run.unit, run.tool) == ("iteration", "trees")
    return run


def content(run: LoggedRun) -> list[tuple[str, str | None, str | None, list[float], list[float]]]:
    """Return (name, rows, set, times, values) of each series."""
    return [(one.written, one.role, one.set, one.at, one.values) for one in run.series]


WHOLE = [
    ("learn/Logloss", "train", "", [0, 1, 2], LEARN),
    ("test/Logloss", "validation", "", [0, 1, 2], TEST),
    ("test/Custom", "validation", "", [0, 1, 2], [1 - value for value in TEST]),
]


def test_a_folder_by_any_name_is_read(tmp_path):
    """`test` is the set that stops training, so it is validation; the log says which way is better."""
    run = read(save(tmp_path / "renamed"))
    assert content(run) == WHOLE
    assert [one.direction for one in run.series] == ["less", "less", "more"]
    assert (run.name, run.notes) == (str(tmp_path / "renamed"), ())


@pytest.mark.parametrize(
    ("file", "part"),
    [("catboost_training.json", WHOLE), ("learn_error.tsv", WHOLE[:1]), ("test_error.tsv", WHOLE[1:])],
)
def test_each_file_alone_is_read(file, part, tmp_path):
    """With what it holds, and no more."""
    assert content(read(save(tmp_path / "catboost_info") / file)) == part


def test_several_evaluation_sets_keep_their_names(tmp_path):
    """CatBoost numbers them."""
    run = read(save(tmp_path / "x", sets=("test", "test1")))
    assert [(one.written, one.set) for one in run.series] == [
        ("learn/Logloss", ""),
        ("test/Logloss", "test"),
        ("test/Custom", "test"),
        ("test1/Logloss", "test1"),
        ("test1/Custom", "test1"),
    ]


def test_tables_stand_in_for_a_half_written_json(tmp_path):
    """A run that was killed leaves JSON without its end, and tables whose last line may be cut."""
    folder = save(tmp_path / "x", text='{"meta": {}, "iterations": [{"learn": [0.6], "itera')
    with (folder / "learn_error.tsv").open("a") as file:
        file.write("3\t0.")
    run = read(folder)
    assert content(run) == WHOLE
    (note,) = run.notes
    assert note == "catboost_training.json ends in the middle of a value: the tables beside it were read."


def test_the_time_that_is_left_is_no_curve(tmp_path):
    """And the message says what is."""
    path = save(tmp_path / "x") / "time_left.tsv"
    assert refusal(read, path) == (
        f"A training log must hold metrics; {str(path)!r} holds the time that was left. "
        "Pass its folder, or catboost_training.json beside it."
    )


def test_a_run_without_iterations_says_what_is_missing(tmp_path):
    """Such as one that failed before it began."""
    path = tmp_path / "catboost_training.json"
    path.write_text('{"meta": {"learn_sets": "x"}, "iterations": [7]}')
    assert refusal(read, path) == (
        f"A CatBoost log must hold metrics of iterations; {str(path)!r} holds none. "
        "Train with `eval_set`, and without `allow_writing_files=False`."
    )


def test_other_folders_are_not_claimed(tmp_path):
    """A table of the same name, but not CatBoost's."""
    (tmp_path / "test_error.tsv").write_text("epoch\tloss\n0\t0.5\n")
    assert CATBOOST.folder_files(tmp_path) == ()
