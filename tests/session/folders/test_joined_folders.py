"""`jr.join`: runs of several folders as one study. What trained them is made up here: only losses matter."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import justright as jr
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.runs.events import EpochBlock, RowLosses, RunFinished, RunKey, VariantBuilt
from justright.session.folders.fit_folder import FitFolder

EPOCHS = 4
RECIPE = jr.Recipe(batch_size=10, max_epochs=EPOCHS, patience=None)


def split(seed=0, test=60):
    """Return 200 rows, of which 80 learn and 60 choose; another seed gives others."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(140 + test, 3)).astype(np.float32)
    target = (x[:, 0] > 0).astype(np.float32)
    table = jr.read_table((x, target))
    return table.split(60, train=80, test=test, order="head")


ROWS = split()


def config(units, name="dense"):
    """Return how Keras describes a network, in short."""
    layer = {"class_name": "Dense", "config": {"name": name, "units": units, "seed": None}}
    return json.dumps({"class_name": "Sequential", "config": {"name": "net", "layers": [layer]}})


def losses_of(seed, level, rows=60):
    """Return (epochs, rows) losses that rise from `level` by 0.01 per epoch, another noise for each seed."""
    noise = np.random.default_rng(seed).normal(0, 0.05, (1, rows))
    return (level + 0.01 * np.arange(EPOCHS)[:, None] + noise).astype(np.float32)


def record(
    path, *, name="Mine", seed=1, units=8, level=0.3, rows=ROWS, recipe=RECIPE, layer="dense", ends=True
):
    """Write the folder of one run whose best epoch is the first."""
    build = jr.KerasConfig(config(units, layer))
    study = jr.Study(rows, [jr.Variant(name, build)], recipe, seeds=[seed], reference=False, neighbours=False)
    built = VariantBuilt(
        name, 10 * units, "summary", build.json, (("dense", "Dense", "(None, 1)", 10 * units),)
    )
    folder = FitFolder(path, study, built, worker="here", environment={"recorded by": f"test {seed}"})
    losses, run = losses_of(seed, level), folder.run
    means = losses.mean(axis=1).astype(np.float64)
    learned = 0.9 - 0.1 * np.arange(EPOCHS)
    names = ("loss", "binary_crossentropy", "accuracy")
    curves = {
        prefix + one: means if prefix == "val_" else learned
        for prefix in ("", "val_", "fixed_")
        for one in names
    }
    kept = tuple(RowLosses(run, "validation", epoch, losses[epoch]) for epoch in range(EPOCHS))
    folder.record([EpochBlock(run, 0, curves, kept)])
    if not ends:
        folder.close()
        return path
    at = {epoch: {one: float(values[epoch]) for one, values in curves.items()} for epoch in (0, EPOCHS - 1)}
    fixed = [RowLosses(run, "fixed", epoch, np.full(80, learned[epoch], np.float32)) for epoch in at]
    has_test = rows.sizes["test"] > 0
    test = [RowLosses(run, "test", epoch, losses[epoch]) for epoch in at if has_test]
    output = RowLosses(run, "test_output", 0, -losses[0])
    tested = [{"loss": float(means[epoch]), "accuracy": 0.5} if has_test else {} for epoch in at]
    ended = RunFinished(
        run, "finished", "It ended.", EPOCHS, 0, 2.0, *at.values(), *tested, rows=(*fixed, *test, output)
    )
    folder.finish(ended, ())
    return path


def content(path):
    """Return all that a folder recorded of its runs: records, curves and losses by row."""
    with StoreReader(StudyFolder.open(path)) as store:
        records = {one.run: one for one in store.runs()}
        curves = store.curves()
        rows = {
            (run, kind): store.row_losses(run, kind)
            for run in records
            for kind in ("validation", "fixed", "test", "test_output")
        }
        return records, curves, rows


def test_all_that_was_recorded_is_in_the_joined_study(tmp_path):
    """Records, curves and losses row by row, bit by bit."""
    folders = [record(tmp_path / str(seed), seed=seed) for seed in (1, 2)]
    result = jr.join(folders, tmp_path / "both")
    records, curves, rows = content(tmp_path / "both")
    assert set(records) == {RunKey("Mine", 1, 80), RunKey("Mine", 2, 80)}
    for folder in folders:
        own_records, own_curves, own_rows = content(folder)
        [run] = own_records
        assert records[run] == own_records[run]
        assert curves.filter(seed=run.seed).equals(own_curves)
        for key, by_epoch in own_rows.items():
            assert list(rows[key]) == list(by_epoch)
            for epoch, losses in by_epoch.items():
                np.testing.assert_array_equal(rows[key][epoch], losses)
    assert result.repairs == ()
    assert result.summary["environment"]["recorded by"] == "test 1, test 2"
    assert result.study["seeds"] == [1, 2]


def test_the_joined_study_is_judged_as_a_whole(tmp_path):
    """Two networks, three seeds each: the one with more parameters is better, so the other underfits."""
    folders = [
        record(tmp_path / f"{name}{seed}", name=name, seed=seed, units=units, level=level)
        for name, units, level in (("Narrow", 4, 0.5), ("Wide", 8, 0.3))
        for seed in (1, 2, 3)
    ]
    result = jr.join(folders, tmp_path / "all", name="sizes")
    labels = dict(result.verdicts.select("variant", "label").iter_rows())
    assert labels == {"Narrow": "underfits", "Wide": "overfits"}  # by its rise
    [alone] = jr.open_result(folders[0]).verdicts["label"]
    assert alone == "overfits"  # by the same curve, with nothing beside it
    assert result.verdicts["test_loss"][0] == pytest.approx(
        np.mean([losses_of(seed, 0.5)[0].mean() for seed in (1, 2, 3)]), abs=1e-6
    )
    assert (tmp_path / "all" / "report.html").is_file()
    boards = (tmp_path / "all" / "tensorboard").glob("*/seed-*/validation/events.*")
    assert len(list(boards)) == 6
    assert (result.study["name"], result.study["neighbours"]) == ("sizes", False)


def test_names_that_keras_numbers_make_no_other_network(tmp_path):
    """A second model built in one process has layers with other names."""
    folders = [
        record(tmp_path / "1"),
        record(tmp_path / "2", seed=2, layer="dense_7"),
    ]
    assert jr.join(folders, tmp_path / "both").summary["seeds"] == [1, 2]


def test_a_network_keeps_the_recipe_that_trained_it(tmp_path):
    """Networks of other names may have been trained in other ways."""
    slow = replace(RECIPE, batch_size=20)
    folders = [record(tmp_path / "1"), record(tmp_path / "2", name="Slow", recipe=slow)]
    study = jr.join(folders, tmp_path / "both").study
    assert study["recipe"]["batch_size"] == 10
    assert study["variants"]["Slow"]["recipe"]["batch_size"] == 20
    assert "recipe" not in study["variants"]["Mine"]


def test_joined_folders_can_be_joined_again(tmp_path):
    """They are study folders like others."""
    folders = [record(tmp_path / str(seed), seed=seed) for seed in (1, 2, 3)]
    jr.join(folders[:2], tmp_path / "two")
    assert jr.join([tmp_path / "two", folders[2]], tmp_path / "three").summary["seeds"] == [1, 2, 3]


def refused(folders, out):
    """Return what is said, and check that nothing was written."""
    with pytest.raises(jr.InputError) as caught:
        jr.join(folders, out)
    assert not out.exists()
    return str(caught.value)


def test_other_rows_are_refused(tmp_path):
    """Losses of other rows cannot be paired."""
    first = record(tmp_path / "a")
    others = record(tmp_path / "b", rows=split(seed=1)), record(tmp_path / "c", rows=split(test=0))
    for other, words in zip(others, ("training or validation rows and test rows", "test rows"), strict=True):
        assert refused([first, other], tmp_path / "both") == (
            f"Folders can be joined if their rows are the same; {words} of {str(other)!r} are not those of {str(first)!r}. "
            f"Compare them with justright.compare. Folders can be joined if no two hold the same run; got 'Mine' with seed 1 "
            f"in {str(first)!r} and {str(other)!r}. Train each with a seed, or a name, of its own: "
            "JustRight(..., name=..., seed=...)."
        )


def test_other_networks_of_the_same_name_are_refused(tmp_path):
    """By parameters, layers, or recipe."""
    first = record(tmp_path / "a")
    changes = {
        "80 and 90 parameters": {"units": 9},
        "max_epochs differs": {"recipe": replace(RECIPE, max_epochs=9)},
        "measure_rows was 1000, is 50": {"recipe": replace(RECIPE, measure_rows=50)},
    }
    for number, (words, change) in enumerate(changes.items()):
        other = record(tmp_path / f"other{number}", seed=2, **change)
        assert refused([first, other], tmp_path / "both") == (
            f"Folders can be joined if networks of one name are the same; they differ for 'Mine' in {str(first)!r} and "
            f"{str(other)!r}: {words}. Give each network a name of its own."
        )


def test_a_folder_without_an_ended_run_is_refused(tmp_path):
    """One that was interrupted has no measured end."""
    first, other = record(tmp_path / "a"), record(tmp_path / "b", seed=2, ends=False)
    assert refused([first, other], tmp_path / "both") == (
        f"Folders can be joined if each holds a run that has ended; {str(other)!r} holds none. Leave it out, or finish its "
        "training."
    )


def test_one_folder_is_no_join(tmp_path):
    """A path alone is one folder, however long."""
    assert refused("runs", tmp_path / "both") == (
        "`folders` must be a list of at least two study folders; got 'runs'."
    )
