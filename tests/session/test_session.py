"""One study from description to result, in its folder: what is trained, what is refused, what is written."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import keras
import numpy as np
import polars as pl
import pytest
from tests.refusals import refusal
from tests.stacks import Heard

import justright as jr
import justright.study.study
from justright.records.event_files import read_events
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.runs.events import ReferenceMeasured, RunKey, RunStarted, StackCheckpoint, VariantBuilt
from justright.session import result as results
from justright.session import session
from justright.session.folders import study_files
from justright.session.result import open_result

pytestmark = pytest.mark.usefixtures("shared_workers")

# What is done once for a fresh study, where it is called.
WORK = (
    (study_files, "describe_table"),
    (session, "fingerprints"),
    (study_files, "judge_folder"),
    (study_files, "summarise_folder"),
    (results, "summarise_folder"),
    (study_files, "write_result"),
    (results, "write_report"),
)
RECIPE = jr.Recipe(batch_size=50, max_epochs=3, patience=None)


class Counting(Heard):
    """A sink that counts calls as well."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def counted(self, name, function):
        """Return a function that counts its calls."""

        def call(*arguments, **options):
            self.calls[name] += 1
            return function(*arguments, **options)

        return call


def table():
    """200 rows whose classes depend on one feature."""
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3)).astype(np.float32)
    return jr.read_table((x, (x[:, 0] + random.normal(size=200) > 0).astype(np.float32)))


def split(**sizes):
    """Return the table's split: 40 validate, 100 learn, 60 measure."""
    return table().split(**({"validation": 40, "train": 100, "test": 60} | sizes))


def dense(units, activation="tanh"):
    """Return a builder of a network with one hidden layer."""
    layers = keras.layers
    return lambda: keras.Sequential([keras.Input((3,)), layers.Dense(units, activation), layers.Dense(1)])


def study(**options):
    """Return a study of a family member and of a callable."""
    variants = options.pop("variants", {"Mine": dense(2), "Net": jr.mlp(4)})
    given = {"recipe": RECIPE, "seeds": 1, "neighbours": False} | options
    return jr.Study(given.pop("split", None) or split(), variants, **given)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(folder, result, what was heard) of the study, run once."""
    folder, heard = tmp_path_factory.mktemp("running") / "study", Counting()
    with pytest.MonkeyPatch.context() as patch:
        for module, name in WORK:
            patch.setattr(module, name, heard.counted(name, getattr(module, name)))
        result = study().run(folder, workers=1, sinks=[heard], command="justright run x")
    return folder, result, heard


def test_a_fresh_study_is_described_judged_and_summarised_once(done):
    """Its histograms, checks and curves take seconds on a large table."""
    assert done[2].calls == dict.fromkeys((name for _, name in WORK), 1)


def test_a_plain_description_runs_as_well(done):
    """What built-in studies and files return has no `run` of its own; the library's function takes both."""
    folder, result, _ = done
    mine = study()
    plain = justright.study.study.Study(mine.split, mine.variants, mine.recipe, seeds=mine.seeds)
    assert isinstance(mine, justright.study.study.Study)
    assert not hasattr(plain, "run")
    assert jr.run_study(plain, folder, workers=1).result == result.result


def test_a_study_without_damage_names_no_repair(done):
    """The diary's lines about runs that started and ended are routine: the command line would print each as an error."""
    assert done[1].repairs == ()


def test_every_run_is_told_and_stored(done):
    """Variants built, runs started, epochs, ends and the reference: once each, and all of it in the database."""
    folder, result, heard = done
    runs = {RunKey(name, 1, 100) for name in ("Mine", "Net")}
    assert [event.variant for event in heard.of(VariantBuilt)] == ["Mine", "Net"]
    assert {event.run for event in heard.of(RunStarted)} == runs
    assert {ended.run for event in heard.of(StackCheckpoint) for ended in event.finished} == runs
    assert len(heard.of(ReferenceMeasured)) == 1
    with StoreReader(StudyFolder.open(folder)) as store:
        assert {record.run for record in store.runs()} == runs
        assert all(record.outcome == "finished" for record in store.runs())
    assert result.curves.group_by("variant").len().sort("variant").rows() == [("Mine", 3), ("Net", 3)]


def explode():
    """Return a network that fails in the worker, when it trains."""
    model = dense(2)()
    model.stateless_call = lambda *given, **named: 1 / 0
    return model


def test_runs_that_failed_are_reported_with_the_reason(tmp_path):
    """The rest of the study completes; what failed is said, not only counted."""
    result = study(variants={"Bad": explode, "Net": jr.mlp(4)}, reference=False).run(
        tmp_path / "s", workers=1
    )
    outcomes = {run["outcome"] for variant in result.summary["variants"] for run in variant["runs"]}
    assert outcomes == {"failed", "finished"}
    assert result.repairs == (
        "Bad, seed 1, 100 rows: failed after 0 epochs. ZeroDivisionError: division by zero",
    )


def test_a_study_of_which_every_run_failed_says_why(tmp_path):
    """No curve of any kind was recorded: still an answer, and no traceback."""
    result = study(variants={"Bad": explode}, reference=False, neighbours=False).run(
        tmp_path / "s", workers=1
    )
    answer = "its only run left no usable losses by row, since training failed: ZeroDivisionError: division by zero."
    assert result.verdicts["answer"].to_list() == [f"Bad is undecided: {answer}"]
    with pytest.raises(jr.FolderError) as caught:
        _ = result.best
    assert str(caught.value) == (
        f"{str(result.folder)!r} must hold a run that has ended with a model to have a best one; none has. See what became of "
        f"them: justright show {result.folder}"
    )


def test_the_folder_holds_what_it_promises(done):
    """Study, database, models, event files, result and report; result.json is what the result says."""
    folder, result, _ = done
    for name in (
        "study.toml",
        "plan.json",
        "study.db",
        "report.html",
        "models/Mine/seed-1.keras",
        "models/Net/seed-1.keras",
    ):
        assert (folder / name).is_file(), name
    for part in ("train", "validation"):
        assert list((folder / "tensorboard" / "Net" / "seed-1" / part).glob("events.out.tfevents.*"))
    assert json.loads((folder / "result.json").read_text()) == result.result
    assert not result.interrupted


def test_the_same_call_again_trains_nothing(done):
    """No event at all, and the same result."""
    folder, result, _ = done
    heard = Heard()
    again = study().run(folder, workers=1, sinks=[heard])
    assert heard.events == []
    assert again.result == result.result


@pytest.mark.parametrize(
    "mend",
    [lambda folder: study().run(folder, workers=1), lambda folder: open_result(folder).write_report()],
    ids=["run", "report"],
)
def test_event_files_that_do_not_hold_everything_once_are_mended(done, tmp_path, mend):
    """An ended run is heard of no more, so its files are looked at when the study is run or reported again.

    Curves, how runs began and ended, weights, features and verdicts: each file is doubled, removed or cut.
    """
    folder = shutil.copytree(done[0], tmp_path / "study")
    files = sorted((folder / "tensorboard").rglob("events.*"))
    steps = [[event.step for event in read_events(file)] for file in files]
    harms = (
        lambda file: file.write_bytes(file.read_bytes() * 2),
        Path.unlink,
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
    )
    for file, harm in zip(files, cycle(harms), strict=False):
        harm(file)
    mend(folder)
    assert [[event.step for event in read_events(file)] for file in files] == steps


def test_a_report_leaves_the_event_files_of_a_running_study_alone(done, tmp_path):
    """The process that owns the folder appends to them."""
    folder = shutil.copytree(done[0], tmp_path / "study")
    file = next((folder / "tensorboard").rglob("events.*"))
    file.write_bytes(b"")
    with StudyFolder.open(folder, "resume"):
        open_result(folder).write_report()
    assert file.read_bytes() == b""


@pytest.mark.slow
def test_more_seeds_train_alone(done, tmp_path):
    """Only the new seed starts; afterwards the folder holds both."""
    folder, heard = shutil.copytree(done[0], tmp_path / "grown"), Heard()
    result = study(seeds=2).run(folder, workers=1, sinks=[heard])
    assert {event.run for event in heard.of(RunStarted)} == {RunKey(name, 2, 100) for name in ("Mine", "Net")}
    assert heard.of(ReferenceMeasured) == []
    assert {run["seed"] for item in result.result["variants"] for run in item["runs"]} == {1, 2}
    assert result.study["seeds"] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"recipe": jr.Recipe(batch_size=25, max_epochs=3, patience=None)}, "batch_size was 50, is 25"),
        ({"recipe": jr.Recipe(batch_size=50, max_epochs=2, patience=None)}, "max_epochs was 3, is 2"),
        ({"variants": {"Mine": dense(2), "Net": jr.mlp(5)}}, "variant 'Net': units was [4], is [5]"),
    ],
)
def test_another_study_in_the_folder_is_refused(changes, what, done):
    """With the name of what changed, its former and its present value, and what to do."""
    folder, _, _ = done
    with pytest.raises(jr.FolderError) as caught:
        study(**changes).run(folder, workers=1)
    said = str(caught.value)
    assert said.startswith(f"{str(folder)!r} holds another study: ")
    assert what in said
    assert said.endswith("Run that one again, choose another --out, or start in a fresh folder with --new.")


def test_other_rows_in_the_folder_are_refused(done):
    """A split with other training rows has another fingerprint."""
    folder, _, _ = done
    with pytest.raises(
        jr.FolderError,
        match=r"holds another study: the training and validation rows had fingerprint \w+, has \w+",
    ):
        study(split=split(train=90)).run(folder, workers=1)


@pytest.mark.slow
def test_a_builder_that_builds_another_model_is_refused(done):
    """The same name and function, but other layers: runs of two models must not mix."""
    folder, result, _ = done
    changed = {"Mine": dense(7), "Net": jr.mlp(4)}
    assert refusal(study(variants=changed, seeds=2).run, folder, workers=1, error=jr.FolderError) == (
        f"{str(folder)!r} holds another study: variant 'Mine' built another model (11 parameters, now 36). "
        "Run that one again, choose another --out, or start in a fresh folder with --new."
    )
    with pytest.raises(jr.FolderError, match="11 parameters as before, other layers or options"):
        study(variants={"Mine": dense(2, "relu"), "Net": jr.mlp(4)}, seeds=2).run(folder, workers=1)
    assert jr.open_result(folder).result == result.result


@pytest.mark.slow
def test_a_new_study_starts_beside_the_old_one(done):
    """`new=True` takes the first free folder; the old one stays."""
    folder, _, _ = done
    result = study(variants={"Net": jr.mlp(4)}, reference=False).run(folder, workers=1, new=True)
    assert result.folder == folder.with_name("study-2")
    assert (folder / "study.db").is_file()


@pytest.mark.slow
def test_a_builder_that_raises_trains_nothing_and_can_be_mended(tmp_path):
    """One InputError; the mended study, though described otherwise, then takes the same folder."""

    def broken():
        raise RuntimeError("no such layer")

    folder, heard = tmp_path / "study", Heard()
    assert (
        refusal(study(variants={"Net": jr.mlp(4), "Broken": broken}).run, folder, workers=1, sinks=[heard])
        == "Variant 'Broken' cannot be built: RuntimeError: no such layer"
    )
    assert heard.of(RunStarted) == []
    result = study(variants={"Net": jr.mlp(5)}, reference=False).run(folder, workers=1)
    assert result.verdicts["variant"].to_list() == ["Net"]


@pytest.mark.slow
def test_a_split_without_test_rows_is_judged_on_validation_rows(tmp_path):
    """No test rows: no test losses anywhere, and still a verdict, summary and report."""
    result = study(split=split(test=0), variants={"Net": jr.mlp(4)}).run(tmp_path / "study", workers=1)
    (item,) = result.result["variants"]
    assert result.result["rows"]["test"] == 0
    assert item["runs"][0]["test"] == {}
    assert item["verdict"]["label"] in ("underfits", "just right", "overfits", "undecided", "diverged")
    assert (result.folder / "report.html").is_file()


@pytest.mark.slow
def test_training_sizes_are_runs_of_their_own(tmp_path):
    """Nested subsets of the training rows, told apart in files and results; verdicts are about all rows."""
    sizes = study(variants={"Net": jr.mlp(4)}, train_sizes=[50, 100], reference=False)
    result = sizes.run(tmp_path / "study", workers=1)
    assert result.curves["train_rows"].unique().sort().to_list() == [50, 100]
    assert (result.folder / "models" / "Net" / "seed-1-rows-50.keras").is_file()
    assert result.verdicts.height == 1
    (curve,) = result.result["data_scaling"]
    assert [point["train_rows"] for point in curve["measured"]] == [50, 100]
    assert curve["conclusion"].startswith("Net: no forecast. Its sizes share 1 seed;")


def test_a_folder_in_use_is_refused(done):
    """The second command is told who owns it."""
    folder, _, _ = done
    with StudyFolder.open(folder, "resume"), pytest.raises(jr.FolderError) as caught:
        study().run(folder, workers=1)
    assert f"{str(folder)!r}" in str(caught.value)


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_a_number_of_workers_that_is_none_is_refused(workers, tmp_path):
    """Before anything is built."""
    assert (
        refusal(study().run, tmp_path / "study", workers=workers)
        == f"`workers` must be a whole number of at least 1; got {workers!r}."
    )


@pytest.mark.parametrize("name", ["checkpoint_seconds", "hang_seconds"])
@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_a_time_that_is_none_is_refused(name, seconds, tmp_path):
    """Before a folder is made."""
    assert (
        refusal(study().run, tmp_path / "s", **{name: seconds})
        == f"`{name}` must be more than 0 seconds; got {seconds!r}."
    )
    assert not (tmp_path / "s").exists()


def test_an_unknown_engine_is_refused(tmp_path):
    """With the nearest one."""
    assert (
        refusal(study().run, tmp_path / "study", engine="locl")
        == "`engine` must be one of 'local', 'ray'; got 'locl'. Did you mean 'local'?"
    )


def test_warnings_and_what_any_network_must_beat_are_recorded(done):
    """60 rows measure; the constant is the share of class 1 among the training rows, measured on test rows."""
    folder, *_ = done
    values = json.loads((folder / "result.json").read_text())
    assert [warning["kind"] for warning in values["warnings"]] == ["few rows"]
    share = split().arrays("train")[1].mean(dtype=np.float64)
    ones = split().arrays("test")[1].mean(dtype=np.float64)
    constant = -(ones * np.log(share) + (1 - ones) * np.log(1 - share))
    assert values["constant"]["test"] == pytest.approx(constant)
    for variant in values["variants"]:
        is_better = variant["test"]["mean"] < constant
        assert variant["learned"] in ((True, None) if is_better else (False,))


def test_the_result_s_frames_say_what_result_json_says(done):
    """Verdicts and effects as Polars frames, with one row per variant or remedy."""
    _, result, _ = done
    items = {item["name"]: item for item in result.result["variants"]}
    assert result.verdicts["variant"].to_list() == list(items)
    for row in result.verdicts.to_dicts():
        item = items[row["variant"]]
        assert (row["parameters"], row["label"]) == (item["parameters"], item["verdict"]["label"])
        assert row["test_loss"] == item["test"]["mean"]
    assert isinstance(result.effects, pl.DataFrame)
    assert result.effects.height == len(result.result["effects"])
    assert repr(result).startswith("Result(")


def test_the_best_model_is_the_one_that_validation_rows_like_best(done):
    """It opens, and gives the validation loss that it was chosen for."""
    _, result, _ = done
    losses = {
        item["name"]: item["runs"][0]["best"]["val_binary_crossentropy"] for item in result.result["variants"]
    }
    assert result.best.variant == min(losses, key=losses.get)
    assert [model.validation for model in result.models] == sorted(losses.values())
    x, y = split().arrays("validation")
    logits = np.asarray(result.best.load()(x))[:, 0].astype(float)
    loss = np.mean(np.logaddexp(0, logits) - y * logits)
    assert loss == pytest.approx(result.best.validation, rel=1e-5)


def test_the_tutorial_s_plot_is_drawn_from_the_result(done):
    """Two lines per variant, on a logarithmic axis on request; an unknown metric is refused."""
    _, result, _ = done
    axes = result.plot("binary_crossentropy")
    axes.set_xscale("log")
    assert len(axes.get_lines()) == 4
    axes.figure.clear()
    with pytest.raises(jr.InputError, match="acuracy"):
        result.plot("acuracy")


def test_a_finished_folder_opens_without_training(done):
    """`open_result` gives the same result; a folder that holds no study is refused."""
    folder, result, _ = done
    assert jr.open_result(folder).result == result.result
    assert refusal(jr.open_result, folder.parent / "nothing", error=jr.FolderError) == (
        f"A study folder must be one that `justright run` wrote; {str(folder.parent / 'nothing')!r} is not: "
        "there is nothing. Give the path that was given as --out."
    )


def test_a_report_that_cannot_be_drawn_is_one_sentence_beside_the_verdicts(done, tmp_path, monkeypatch):
    """Neither a bug nor a full disk hides what was judged."""
    folder = tmp_path / "study"
    shutil.copytree(done[0], folder)
    result = open_result(folder)
    before = result.verdicts
    for error, reason in {
        KeyError("score"): "KeyError: 'score'.",
        results.FolderError("The disk is full."): "The disk is full.",
    }.items():
        monkeypatch.setattr(results, "write_report", _raises(error))
        result.repairs = ()
        result.try_report()
        said = f"The report could not be written. {reason} Verdicts are not affected. To try again: justright report {folder}"
        assert result.repairs == (said,)
    assert jr.run_study(study(), folder, workers=1).repairs == result.repairs
    assert result.verdicts.equals(before)


def _raises(error):
    """Return a function that raises `error`."""

    def fail(*arguments):
        raise error

    return fail


def test_networks_of_one_s_own_learn_prices_by_a_loss_and_metrics_of_one_s_own(tmp_path):
    """From the recipe to curves, study file and saved model; raw columns are mentioned once, and only once."""
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3)) + np.array([0, 1_900, 0])
    prices = jr.read_table((x, 3e8 + 1e8 * x[:, 0]))
    recipe = replace(RECIPE, loss=keras.losses.Huber(delta=1e8), metrics=["mape"], monitor="val_huber_loss")
    mine = study(split=prices.split(validation=40, train=100, test=60), recipe=recipe, reference=False)
    first, again = (mine.run(tmp_path / "prices", workers=1) for _ in range(2))
    (sentence,) = first.repairs
    assert sentence == (
        "Some columns have a mean or spread above 10, and 'Mine' takes them as they are, which slows learning or prevents "
        "it. Begin with keras.layers.Normalization(): it is adapted to the training rows by itself."
    )
    assert again.repairs == ()
    assert {"huber_loss", "val_huber_loss", "mape", "val_mape"} <= set(first.curves.columns)
    features, target = mine.split.arrays("test")
    for saved in first.models:
        run = next(item for item in first.summary["variants"] if item["name"] == saved.variant)["runs"][0]
        predicted = np.asarray(saved.load()(features))[:, 0]
        assert run["test"]["loss"] == pytest.approx(((predicted - target) ** 2).mean(), rel=1e-4)
    described = (tmp_path / "prices" / "study.toml").read_text()
    assert "delta = 100000000.0" in described
    assert "standardize_target = true" in described
