"""A study that grows in its folder ends with exactly what the whole study gives at once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest
from tests.refusals import refusal
from tests.stacks import Heard

import justright as jr
from justright.errors import FolderError
from justright.records.fingerprints import changed
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.runs.events import (
    PlanMade,
    ReferenceMeasured,
    RowKind,
    RunKey,
    RunMeasured,
    RunStarted,
)
from justright.session.extend import fingerprints
from justright.session.prepare import prepare_study
from justright.session.result import open_result
from justright.session.session import run_study
from justright.workers.kept_workers import end_kept_workers

pytestmark = pytest.mark.usefixtures("shared_workers")

ROWS, FEATURES = 500, 5
SHORT, LONG = 30, 50
# Steep enough that "Stopped" stops before SHORT, and that "Limited" finds a better epoch after it.
STOPPING = jr.Recipe(batch_size=100, max_epochs=LONG, patience=3, optimizer=keras.optimizers.Adam(0.02))


def table_of(seed: int):
    """A table whose classes depend on a product of two features."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(ROWS, FEATURES)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + 0.3 * random.normal(size=ROWS) > 0
    return jr.read_table((x, y.astype(np.int64)))


def study_of(
    *, epochs: int = SHORT, test_seed: int | None = None, names: Sequence[str] = ("Limited", "Stopped")
):
    """The study, smaller or larger."""
    split = table_of(0).split(validation=100, train=300, test=100, order="head")
    if test_seed is not None:
        split = split.with_test_table(table_of(test_seed))
    recipes = {"Limited": None, "Stopped": STOPPING, "New": None}
    variants = [jr.Variant(name, jr.mlp(8), recipe=recipes[name]) for name in names]
    return jr.Study(split, variants, jr.Recipe(100, epochs, None), seeds=(0, 1))


def run(study, folder: Path) -> Heard:
    """Run a study in a folder with one worker, and return what was said."""
    heard = Heard()
    run_study(study, folder, workers=1, sinks=[heard])
    return heard


def contents(folder: Path) -> dict[str, object]:
    """Everything a folder holds that does not depend on how it came about, as bytes and plain values."""
    kinds = get_args(RowKind)
    with StoreReader(StudyFolder.open(folder)) as store:
        found: dict[str, object] = {"reference": plain(store.reference())}
        found["judgement"] = store.get_meta("judgement")
        for record in store.runs():
            name, run = f"{record.run.variant} {record.run.seed}", record.run
            found[name] = replace(record, worker="", train_seconds=None)
            curves = store.curves(variant=run.variant, seed=run.seed).drop("variant")
            found[f"{name} curves"] = curves.to_numpy().astype(np.float64).tobytes()
            found[f"{name} rows"] = plain({kind: store.row_losses(run, kind) for kind in kinds})
            model = keras.saving.load_model(folder / str(record.model_path))
            found[f"{name} model"] = [np.asarray(value).tobytes() for value in model.get_weights()]
    result = open_result(folder).result
    return found | {"result": {key: value for key, value in result.items() if key != "wall_seconds"}}


def plain(nested):
    """Nested mappings of arrays as bytes."""
    return {
        key: plain(value) if isinstance(value, dict) else value.tobytes() for key, value in nested.items()
    }


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Path:
    """The folder of a short study, for copies that grow or are damaged."""
    folder = tmp_path_factory.mktemp("short") / "study"
    run(study_of(), folder)
    return folder


@pytest.fixture(scope="module")
def grown(short, tmp_path_factory):
    """A folder that grew: a short study, then more epochs, then other test rows, then one more variant."""
    folder = shutil.copytree(short, tmp_path_factory.mktemp("grown") / "study")
    steps = {
        "epochs": run(study_of(epochs=LONG), folder),
        "test": run(study_of(epochs=LONG, test_seed=1), folder),
        "variant": run(study_of(epochs=LONG, test_seed=1, names=("Limited", "Stopped", "New")), folder),
    }
    return folder, steps


@pytest.mark.slow
def test_a_study_that_grew_equals_one_that_was_whole_at_once(grown, tmp_path) -> None:
    """Curves, row losses, best epochs, test losses, models, verdicts, reference and result.json, bit by bit."""
    end_kept_workers()  # the whole one trains in another process
    run(study_of(epochs=LONG, test_seed=1, names=("Limited", "Stopped", "New")), tmp_path / "whole")
    whole, found = contents(tmp_path / "whole"), contents(grown[0])
    assert found.keys() == whole.keys()
    assert [key for key in whole if found[key] != whole[key]] == []
    assert {whole[f"Stopped {seed}"].outcome for seed in (0, 1)} == {"stopped early"}
    assert whole["Limited 0"].best_epoch >= SHORT  # going on mattered


@pytest.mark.slow
def test_more_epochs_go_on_where_runs_ended(grown) -> None:
    """From the epoch of the old limit, not from 0; a run that stopped early stays as it is."""
    started = grown[1]["epochs"].of(RunStarted)
    assert [(event.run, event.epoch) for event in started] == [
        (RunKey("Limited", seed, 300), SHORT) for seed in (0, 1)
    ]


@pytest.mark.slow
def test_other_test_rows_train_nothing_but_the_reference(grown) -> None:
    """Every ended run is measured again, from the weights it ended with."""
    heard = grown[1]["test"]
    assert heard.of(RunStarted) == heard.of(PlanMade) == []
    assert {(event.run.variant, event.run.seed) for event in heard.of(RunMeasured)} == {
        (name, seed) for name in ("Limited", "Stopped") for seed in (0, 1)
    }
    assert len(heard.of(ReferenceMeasured)) == 1


@pytest.mark.slow
def test_one_more_variant_trains_alone(grown) -> None:
    """The plan names two runs, and verdicts are given over all variants."""
    heard = grown[1]["variant"]
    assert {event.run.variant for event in heard.of(RunStarted)} == {"New"}
    (plan,) = heard.of(PlanMade)
    assert (plan.runs, plan.stacks, plan.workers) == (2, 1, 1)
    assert 0 < plan.memory_bytes < plan.free_bytes
    assert {item["name"] for item in open_result(grown[0]).result["variants"]} == {
        "Limited",
        "Stopped",
        "New",
    }


@pytest.mark.slow
def test_a_lost_state_is_trained_again_to_the_same_end(short, grown, tmp_path) -> None:
    """Without the states that runs ended with, more epochs begin at 0, and the folder's diary names the damage."""
    folder = shutil.copytree(short, tmp_path / "study")
    (state,) = (folder / "checkpoints").glob("Limited-*")
    state.write_bytes(state.read_bytes()[:-1])
    started = run(study_of(epochs=LONG), folder).of(RunStarted)
    assert [event.epoch for event in started] == [0, 0]
    found, whole = contents(folder), contents(grown[0])
    assert found["Limited 1 curves"] == whole["Limited 1 curves"]
    with StoreReader(StudyFolder.open(folder)) as store:
        assert "checkpoint damaged" in {note.kind for note in store.notes()}


@pytest.mark.slow
def test_lost_models_are_made_again_from_what_else_there_is(short, tmp_path) -> None:
    """A turned bit and a missing file from the state the runs ended with; without that state by training again."""
    folder = shutil.copytree(short, tmp_path / "study")
    before = contents(folder)
    damaged, missing = (folder / f"models/Limited/seed-{seed}.keras" for seed in (0, 1))
    flipped = bytearray(damaged.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    damaged.write_bytes(flipped)
    missing.unlink()
    (folder / "models/Stopped/seed-0.keras").unlink()
    for state in (folder / "checkpoints").glob("Stopped-*"):
        state.unlink()
    heard = Heard()
    result = run_study(study_of(), folder, workers=1, sinks=[heard])
    assert {event.run for event in heard.of(RunStarted)} == {RunKey("Stopped", 0, 300)}
    assert contents(folder) == before
    assert result.repairs[0].startswith("Model 'models/Limited/seed-0.keras' is made again: ")
    assert result.repairs[1] == "Model 'models/Limited/seed-1.keras' is made again: it is missing."
    assert any("Stopped" in sentence for sentence in result.repairs[2:])
    assert run_study(study_of(), folder, workers=1).repairs == ()


@pytest.mark.slow
def test_what_is_no_extension_is_refused_by_name(grown) -> None:
    """A raised patience, and a lower epoch limit, make another study; nothing in the folder changes."""
    study = study_of(epochs=LONG, test_seed=1, names=("Limited", "Stopped", "New"))
    patient = replace_recipe(study, patience=30)
    end = "Run that one again, choose another --out, or start in a fresh folder with --new."
    for other, difference in (
        (patient, "patience was not set, is 30"),
        (replace_recipe(study, max_epochs=SHORT), f"max_epochs was {LONG}, is {SHORT}"),
    ):
        assert (
            refusal(run, other, grown[0], error=FolderError)
            == f"{str(grown[0])!r} holds another study: {difference}. {end}"
        )


@pytest.mark.slow
def test_other_test_rows_need_every_variant(grown) -> None:
    """A variant that is left out could not be measured again, so its comparison would mix rows."""
    with pytest.raises(FolderError) as caught:
        run(study_of(epochs=LONG, test_seed=2), grown[0])
    assert "the test rows differ, and variant 'New', measured on those before, is left out" in str(
        caught.value
    )


def replace_recipe(study, **options):
    """The study with other options in its recipe."""
    return jr.Study(
        study.split, study.variants, replace(study.recipe, **options), seeds=study.seeds, name=study.name
    )


def test_a_described_study_takes_other_test_rows(tmp_path) -> None:
    """`--test FILE` with a study that names its table: the rows that learn and choose stay the same."""
    for name, seed in (("rows.csv", 0), ("other.csv", 1)):
        table = table_of(seed)
        values = np.column_stack([table.features, table.target])
        header = "a,b,c,d,e,label"
        np.savetxt(tmp_path / name, values, delimiter=",", header=header, comments="", fmt="%.6g")
    spec = tmp_path / "study.toml"
    spec.write_text(
        f'[table]\nsource = "{(tmp_path / "rows.csv").as_posix()}"\ntarget = "label"\n'
        '[split]\nvalidation = 0.2\norder = "stratified"\n[variants.A]\nfamily = "mlp"\nunits = [8]\n'
    )
    plain_study = prepare_study(study=str(spec))
    other = prepare_study(study=str(spec), test=str(tmp_path / "other.csv"))
    parts = ("train", "validation")
    assert other.split.digest(*parts) == plain_study.split.digest(*parts)
    assert other.split.digest("test") != plain_study.split.digest("test")
    assert (plain_study.split.sizes["test"], other.split.sizes["test"]) == (100, ROWS)


def test_the_units_of_a_numeric_target_are_part_of_its_study() -> None:
    """Runs in other units are no runs of this study; where there are classes, nothing is said, as before."""
    x = np.random.default_rng(0).normal(size=(60, 2))
    numbers = jr.read_table((x, x[:, 0] * 2.5)).split(validation=10, train=40)
    standardised, plain = (
        fingerprints(jr.Study(numbers, {"a": jr.mlp(2)}, standardize_target=chosen))
        for chosen in (True, False)
    )
    assert changed(standardised, plain) == ["standardize_target was True, is False"]
    assert "standardize_target" not in fingerprints(study_of())
