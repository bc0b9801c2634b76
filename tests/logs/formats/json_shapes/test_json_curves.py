"""Curves in JSON in every shape in which people save them come back as the same series."""

from __future__ import annotations

import contextlib
import json
import math
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.formats.json_shapes.json_curves import JSON_CURVES
from justright.logs.formats.registry import read_logs
from justright.logs.logged_run import LoggedRun
from justright.logs.metric_names import parse_name
from justright.logs.source import Source

TRAIN = [0.7, 0.6, 0.5]
VALIDATION = [0.72, 0.65, 0.66]
ROWS = list(zip(TRAIN, VALIDATION, strict=True))
# Beside curves in many files; none of it is one.
SETTINGS = {"lr": 0.1, "layers": [64, 32], "name": "x", "betas": [0.9, 0.999]}


def read(value, tmp_path: Path, name="log.json") -> list[LoggedRun]:
    """Return the runs of a value saved as JSON."""
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    source = Source.of_file(path)
    assert JSON_CURVES.matches(source)
    return list(JSON_CURVES.read(source))


def refuse(value, tmp_path: Path) -> str:
    """Return the message that refuses a value, with PATH for its path."""
    with pytest.raises(InputError) as caught:
        read(value, tmp_path)
    return str(caught.value).replace(str(tmp_path / "log.json"), "PATH")


def written(run: LoggedRun) -> dict[str, tuple[list[float], list[float]]]:
    """Return name -> (times, values) of a run."""
    return {one.written: (one.at, one.values) for one in run.series}


def by_role(run: LoggedRun) -> dict[str, tuple[list[float], list[float]]]:
    """Return role -> (times, values) of the losses of a run, as their names say it."""
    return {
        parse_name(one.written).role or "train": (one.at, one.values)
        for one in run.series
        if "loss" in one.written.lower()
    }


@pytest.mark.parametrize(
    "value",
    [
        {"loss": TRAIN, "val_loss": VALIDATION},
        {"history": {"loss": TRAIN, "val_loss": VALIDATION}, "config": SETTINGS, "epochs": 3},
        {"params": SETTINGS, "results": {"history": {"loss": TRAIN, "val_loss": VALIDATION}, "test_acc": 0.7}},
        {"loss": TRAIN, "val_loss": VALIDATION, "optimizer": SETTINGS, "batch": [1, 2]},
        {"epochs": [0, 1, 2], "train_losses": TRAIN, "val_losses": VALIDATION},
        {"loss": [str(value) for value in TRAIN], "val_loss": [f"{100 * value:.0f} %" for value in VALIDATION]},
        {"loss": [[value] for value in TRAIN], "val_loss": VALIDATION},
        {"loss": dict(enumerate(TRAIN)), "val_loss": dict(enumerate(VALIDATION))},
        {"train_loss": {f"epoch_{at}": a for at, a in enumerate(TRAIN)}, "val_loss": VALIDATION},
        {"train": {"loss": TRAIN}, "val": {"loss": VALIDATION}},
        {"loss": {"train": TRAIN, "val": VALIDATION}, "lr": {"train": [0.1, 0.1, 0.1]}},
        {"train": [{"loss": a} for a in TRAIN], "val": [{"loss": b} for b in VALIDATION]},
        [{"train_loss": a, "val_loss": b} for a, b in ROWS],
        [{"epoch": at, "train_loss": a, "val_loss": b} for at, (a, b) in enumerate(ROWS)],
        [{"epoch": at, "train": {"loss": a}, "val": {"loss": b}} for at, (a, b) in enumerate(ROWS)],
        [{"epoch": f"{at}/2", "Train Loss": a, "Val. Loss": b} for at, (a, b) in enumerate(ROWS)],
        {"history": [{"epoch": at, "loss": a, "val_loss": b} for at, (a, b) in enumerate(ROWS)], **SETTINGS},
        {str(at): {"train_loss": a, "val_loss": b} for at, (a, b) in enumerate(ROWS)},
        {f"epoch_{at}": {"train": {"loss": a}, "val": {"loss": b}} for at, (a, b) in enumerate(ROWS)},
        [{"epoch": at, "phase": phase, "loss": row[half]} for at, row in enumerate(ROWS) for half, phase in enumerate(("train", "val"))],
        [{"epoch": at, "metric": name, "value": row[half]} for at, row in enumerate(ROWS) for half, name in enumerate(("loss", "val_loss"))],
        {"loss": [[at, a] for at, a in enumerate(TRAIN)], "val_loss": [[1.6e9, at, b] for at, b in enumerate(VALIDATION)]},
        {"loss": {"steps": [0, 1, 2], "values": TRAIN}, "val_loss": {"steps": [0, 1, 2], "timestamps": ["a", "b", "c"], "values": VALIDATION}},
        {"val_loss": [{"step": at, "value": b, "timestamp": 9} for at, b in enumerate(VALIDATION)], "loss": [{"step": at, "value": a} for at, a in enumerate(TRAIN)]},
        {"columns": ["loss", "val_loss"], "index": [0, 1, 2], "data": ROWS},
        {"columns": ["epoch", "loss", "val_loss"], "values": [[at, *row] for at, row in enumerate(ROWS)]},
        {"schema": {"fields": []}, "data": [{"index": at, "loss": a, "val_loss": b} for at, (a, b) in enumerate(ROWS)]},
        str({"loss": TRAIN, "val_loss": VALIDATION}),
    ],
    ids=lambda value: json.dumps(value)[:60],
)  # fmt: skip
def test_every_shape_gives_the_same_losses(value, tmp_path):
    """Three epochs of training and validation loss, whatever they are packed into; what is no curve is left out."""
    (run,) = read(value, tmp_path)
    assert by_role(run) == {"train": ([0, 1, 2], TRAIN), "validation": ([0, 1, 2], VALIDATION)}
    assert not any(setting in one.written for one in run.series for setting in ("layers", "betas", "batch"))
    assert run.notes == ()


@pytest.mark.parametrize("orient", ["columns", "records", "index", "split", "table"])
def test_pandas_writes_what_is_read(orient, tmp_path):
    """All of pandas' orients that keep the names of columns; pandas itself is the oracle."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"loss": TRAIN, "val_loss": [None, *VALIDATION[1:]]})
    (run,) = read(frame.to_json(orient=orient), tmp_path)
    assert by_role(run) == {"train": ([0, 1, 2], TRAIN), "validation": ([1, 2], VALIDATION[1:])}


def test_polars_writes_what_is_read(tmp_path):
    """Its JSON is a list of rows."""
    text = StringIO()
    pl.DataFrame({"epoch": [0, 1, 2], "loss": TRAIN, "val_loss": VALIDATION}).write_json(text)
    (run,) = read(text.getvalue(), tmp_path)
    assert by_role(run) == {"train": ([0, 1, 2], TRAIN), "validation": ([0, 1, 2], VALIDATION)}


def test_what_was_not_measured_is_left_out_and_nan_is_kept(tmp_path):
    """None and 'N/A' are gaps; NaN and infinities were measured; a number beyond floats is infinite."""
    (run,) = read(
        '{"loss": [0.5, null, "N/A", NaN, -Infinity, 1' + "0" * 400 + ', "oops"' + ", 0.5" * 10 + "]}",
        tmp_path,
    )
    one = run.series[0]
    assert one.at[:4] == [0, 3, 4, 5]
    assert math.isnan(one.values[1])
    assert one.values[2:4] == [-math.inf, math.inf]
    assert one.at[4:] == [float(at) for at in range(7, 17)]


def test_nan_between_numbers_was_not_measured(tmp_path):
    """As a data frame with validation every other epoch is saved; a network that diverged never comes back from NaN."""
    (run,) = read({"loss": [*TRAIN, 0.4], "val_loss": [math.nan, 0.6, math.nan, 0.5]}, tmp_path)
    assert written(run)["val_loss"] == ([1, 3], [0.6, 0.5])
    assert run.notes == ("Most of 'val_loss' is nan between numbers: these were taken as not measured.",)
    (run,) = read({"loss": TRAIN, "val_loss": [0.6, math.nan, math.nan]}, tmp_path)
    assert written(run)["val_loss"][0] == [0, 1, 2]


def test_a_list_of_counters_counts(tmp_path):
    """Each list has the counter of its own rows and length; steps are steps."""
    (run,) = read(
        {"train_steps": [10, 20, 30], "train_loss": TRAIN, "val_steps": [15, 30], "val_loss": VALIDATION[:2]},
        tmp_path,
    )
    assert run.unit == "step"
    assert written(run) == {"train_loss": ([10, 20, 30], TRAIN), "val_loss": ([15, 30], VALIDATION[:2])}


@pytest.mark.parametrize(
    ("train", "validation", "train_at", "validation_at", "note"),
    [
        (
            6,
            2,
            [0, 1, 2, 3, 4, 5],
            [2, 5],
            "'val_loss' has 2 values for 6 of 'loss': it was taken as measured every 3 epochs.",
        ),
        (
            7,
            2,
            [0, 1, 2, 3, 4, 5, 6],
            [2, 5],
            "'val_loss' has 2 values for 7 of 'loss': it was taken as measured every 3 epochs.",
        ),
        (
            3,
            4,
            [1, 2, 3],
            [0, 1, 2, 3],
            "'val_loss' has 4 values for 3 of 'loss': its first was taken as measured before training.",
        ),
        (
            4,
            3,
            [0, 1, 2, 3],
            [0, 1, 2],
            "'val_loss' has 3 values for 4 of 'loss': both were taken to begin at the first epoch.",
        ),
        (
            2,
            4,
            [1, 2],
            [0.5, 1, 1.5, 2],
            "'val_loss' has 4 values for 2 of 'loss': it was taken as logged 2 times per epoch, and epochs as counted from 1.",
        ),
    ],
)
def test_lists_of_unequal_length_are_placed_and_said(
    train, validation, train_at, validation_at, note, tmp_path
):
    """Training per step, validation every few epochs or once before training."""
    (run,) = read({"loss": [0.5] * train, "val_loss": [0.6] * validation}, tmp_path)
    assert written(run) == {
        "loss": (train_at, [0.5] * train),
        "val_loss": (validation_at, [0.6] * validation),
    }
    assert run.notes == (note,)


def test_training_per_step_lies_at_fractions_of_an_epoch(tmp_path):
    """The last step of each epoch lies where that epoch was validated."""
    (run,) = read({"loss": [0.5] * 60, "val_loss": [0.6] * 3, "test_loss": [0.7]}, tmp_path)
    at = written(run)["loss"][0]
    assert (len(at), at[0], at[19], at[59]) == (60, 0.05, 1, 3)
    assert written(run)["val_loss"][0] == [1, 2, 3]
    assert "test_loss" not in written(run)
    assert run.notes == (
        "'loss' has 60 values for 3 of 'val_loss': it was taken as logged 20 times per epoch, and epochs as counted from 1.",
    )


def test_runs_beside_each_other_are_told_apart(tmp_path):
    """Keys that lead to the same names are runs; so are entries of a list."""
    history = {"loss": TRAIN, "val_loss": VALIDATION}
    runs = read({"wide": history, "deep": {**history, "lr": [0.1, 0.1, 0.1]}, "best": "deep"}, tmp_path)
    path = str(tmp_path / "log.json")
    assert [(run.name, run.member, run.group) for run in runs] == [
        (f"{path}: wide", "", ""),
        (f"{path}: deep", "", ""),
    ]
    assert [by_role(run)["validation"][1] for run in runs] == [VALIDATION, VALIDATION]
    assert [run.name for run in read([history, history], tmp_path)] == [f"{path}: 0", f"{path}: 1"]


@pytest.mark.parametrize(
    "value",
    [
        {f"fold_{fold}": {"loss": TRAIN, "val_loss": VALIDATION} for fold in (1, 2)},
        {"cv": {f"Fold {fold}": {"train": {"loss": TRAIN}, "val": {"loss": VALIDATION}} for fold in (1, 2)}, "mean": 0.5},
        {"loss": {"fold1": TRAIN, "fold2": TRAIN}, "val_loss": {"fold1": VALIDATION, "fold2": VALIDATION}},
        [{"fold": fold, "epoch": at, "loss": a, "val_loss": b} for fold in (1, 2) for at, (a, b) in enumerate(ROWS)],
    ],
    ids=["keys", "nested", "inside", "rows"],
)  # fmt: skip
def test_folds_are_members_of_one_group(value, tmp_path):
    """They are pooled later, and never merged."""
    runs = read(value, tmp_path)
    assert [run.member for run in runs] == ["fold 1", "fold 2"]
    assert len({run.group for run in runs}) == 1
    assert runs[0].group.startswith(str(tmp_path))
    for run in runs:
        assert by_role(run) == {"train": ([0, 1, 2], TRAIN), "validation": ([0, 1, 2], VALIDATION)}


def test_entries_are_named_by_what_they_say(tmp_path):
    """A list of histories whose entries say their fold or model."""
    history = {"history": {"loss": TRAIN, "val_loss": VALIDATION}, "score": 0.5}
    folds = read({"results": [{"fold": fold, **history} for fold in (3, 4)]}, tmp_path)
    assert [run.member for run in folds] == ["fold 3", "fold 4"]
    models = read([{"name": name, **history} for name in ("wide", "deep")], tmp_path)
    assert [(run.name.rpartition(": ")[2], run.member) for run in models] == [("wide", ""), ("deep", "")]


def test_lists_of_lists_are_folds_unless_they_are_epochs(tmp_path):
    """Two folds of three epochs; beside lists of epochs, three epochs of four batches."""
    runs = read({"loss": [TRAIN, TRAIN], "val_loss": [VALIDATION, VALIDATION]}, tmp_path)
    assert [run.member for run in runs] == ["fold 0", "fold 1"]
    assert by_role(runs[1]) == {"train": ([0, 1, 2], TRAIN), "validation": ([0, 1, 2], VALIDATION)}
    assert runs[0].notes == ("Lists of lists were taken for folds: one list for each.",)
    (run,) = read({"batch_losses": [[0.5] * 4] * 3, "loss": TRAIN, "val_loss": VALIDATION}, tmp_path)
    assert set(written(run)) == {"loss", "val_loss"}


def test_single_numbers_beside_a_course_are_results(tmp_path):
    """'best' is no run of its own."""
    (run,) = read({"history": {"loss": TRAIN, "val_loss": VALIDATION}, "best": {"loss": [0.5]}}, tmp_path)
    assert by_role(run) == {"train": ([0, 1, 2], TRAIN), "validation": ([0, 1, 2], VALIDATION)}


def test_tables_may_list_one_series_after_another(tmp_path):
    """Steps that fall between series say nothing of a restart; those that fall within one do."""
    after = [{"step": at, "loss": a} for at, a in enumerate(TRAIN)] + [
        {"step": at, "val_loss": b} for at, b in enumerate(VALIDATION)
    ]
    (run,) = read(after, tmp_path)
    assert [one.lines for one in run.series] == [[], []]
    again = [{"step": at, "loss": a} for at, a in enumerate(TRAIN)] * 2
    (run,) = read(again, tmp_path)
    assert [one.lines for one in run.series] == [[0, 1, 2, 3, 4, 5]]


def test_parts_of_a_loss_are_not_runs(tmp_path):
    """Keys that name a loss or rows lead to the same names without being runs."""
    parts = {"losses": {"total": TRAIN, "box": TRAIN}, "val_losses": {"total": VALIDATION, "box": VALIDATION}}
    (run,) = read(parts, tmp_path)
    assert set(written(run)) == {"losses/total", "losses/box", "val_losses/total", "val_losses/box"}
    assert {parse_name(name).role for name in written(run)} == {None, "validation"}


def test_a_list_alone_is_named_by_its_file(tmp_path):
    """TensorBoard's download of one tag: wall time, step, value."""
    value = [[1.6e9 + at, 10 * at, b] for at, b in enumerate(VALIDATION)]
    (run,) = read(value, tmp_path, "run-version_0-tag-val_loss.json")
    assert run.unit == "step"
    assert written(run) == {"val_loss": ([0, 10, 20], VALIDATION)}


def test_scores_of_classes_do_not_make_epochs_runs(tmp_path):
    """An entry with lists is still an epoch if entries count on."""
    value = [{"epoch": at, "val_loss": b, "class_iou": [0.1, 0.2]} for at, b in enumerate(VALIDATION)]
    (run,) = read(value, tmp_path)
    assert written(run) == {"val_loss": ([0, 1, 2], VALIDATION)}


def test_steps_are_parts_of_epochs_where_each_epoch_is_evaluated_once(tmp_path):
    """Training lines lie inside their epoch, evaluations at its end."""
    rows = [
        row
        for epoch in (1, 2)
        for row in (
            {"epoch": epoch, "step": 10 * epoch - 5, "loss": 0.6},
            {"epoch": epoch, "step": 10 * epoch, "loss": 0.5},
            {"epoch": epoch, "step": 10 * epoch, "val_loss": 0.6},
        )
    ]
    (run,) = read(rows, tmp_path)
    assert run.unit == "epoch"
    assert written(run)["loss"][0] == [0.5, 1, 1.5, 2]
    assert written(run)["val_loss"][0] == [1, 2]


def test_several_evaluations_an_epoch_are_counted_by_steps(tmp_path):
    """And each step's epoch is kept."""
    rows = [{"epoch": at // 2, "global_step": 5 * at, "val_loss": 0.5} for at in range(4)]
    (run,) = read(rows, tmp_path)
    assert (run.unit, run.epochs) == ("step", {0: 0, 5: 0, 10: 1, 15: 1})
    assert written(run)["val_loss"][0] == [0, 5, 10, 15]


def choose(value, tmp_path: Path, **said) -> LoggedRun:
    """Return the run of a value about which the user says something."""
    path = tmp_path / "log.json"
    path.write_text(json.dumps(value))
    (run,) = JSON_CURVES.read(Source.of_file(path, Choices(**said)))
    return run


def test_the_users_own_counter_and_metric_are_taken(tmp_path):
    """What no name says, the user says, in rows and in lists; case does not matter."""
    rows = [{"turn": 7, "goodness": 0.5}, {"turn": 9, "goodness": 0.6}]
    run = choose(rows, tmp_path, epoch="Turn", validation=("goodness",))
    assert (run.unit, written(run)) == ("epoch", {"goodness": ([7, 9], [0.5, 0.6])})
    for unit in ("epoch", "step"):
        lists = {"turn": [7, 9], "goodness": [0.5, 0.6]}
        run = choose(lists, tmp_path, validation=("goodness",), **{unit: "turn"})
        assert (run.unit, written(run)) == (unit, {"goodness": ([7, 9], [0.5, 0.6])})


def test_a_counter_that_is_not_there_is_refused(tmp_path):
    """With the near miss, and what there is."""
    assert refusal(choose, {"turn": [7, 9], "val_loss": [0.5, 0.6]}, tmp_path, step="turns") == (
        "--step must name a list or a number of each entry; got 'turns'. Did you mean 'turn'? There are 'turn', 'val_loss'."
    )


NO_CURVES = "A training log must hold curves, such as one value of 'val_loss' per epoch; 'PATH' "
RUNS = "A training log must hold the course of a run; 'PATH' is a table of runs, one result for each. Pass the log of one of them."


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"eval_loss": 0.5, "epoch": 3.0, "model": "x"},
            NO_CURVES
            + "holds single values only, as a summary or a configuration does. Pass the log that was written during training.",
        ),
        (
            {"layers": [64, 32], "sizes": [1, 2]},
            NO_CURVES
            + "holds 'layers', 'sizes', none of which is named as a loss or metric. Say which one is, with `--validation NAME`.",
        ),
        (
            {"learner": {"loss_changes": [0.1, 0.2]}, "version": [2, 1, 0]},
            "A training log must hold curves; 'PATH' is a saved model of boosted trees. Pass its `evals_result`, saved as JSON.",
        ),
        (
            {"train": [[0.5, 0.9], [0.4, 0.9]]},
            NO_CURVES + "holds lists of lists without names. Save each metric as a list of its own.",
        ),
        (
            [{"model": "a", "val_loss": 0.5}, {"model": "b", "val_loss": 0.4}],
            RUNS,
        ),
        (
            [{"model": "a", "accuracy": 99.2, "epochs": 5}, {"model": "b", "accuracy": 99.4, "epochs": 5}],
            RUNS,
        ),
        (
            {"mean_test_score": [0.5, 0.6], "rank_test_score": [2, 1], "params": [{}, {}]},
            RUNS,
        ),
        (
            {str(number): [0.5, 0.4] for number in range(10_001)},
            "A training log must hold at most 10,000 series of numbers; 'PATH' holds more.",
        ),
        (
            [{f"x{number}": 0.5} for number in range(10_001)],
            "A training log must hold at most 10,000 series of numbers; 'PATH' holds more.",
        ),
        (
            {f"run{number}": {"val_loss": [0.5, 0.4]} for number in range(1_001)},
            "A log must hold at most 1,000 runs; 'PATH' holds 1,001.",
        ),
        (
            [{"epoch": 1, "height": 2, "width": 3}, {"epoch": 2, "height": 2, "width": 3}],
            NO_CURVES
            + "holds 'height', 'width', none of which is named as a loss or metric. Say which one is, with `--validation NAME`.",
        ),
    ],
    ids=lambda value: value[:70] if isinstance(value, str) else "",
)
def test_what_holds_no_curve_is_named_in_one_sentence(value, message, tmp_path):
    """What it is instead, and what to pass."""
    assert refuse(value, tmp_path) == message


def test_trainers_summary_names_the_log_beside_it(tmp_path):
    """What Hugging Face's scripts call results holds the end alone."""
    with pytest.raises(InputError) as caught:
        read({"eval_loss": 0.5, "epoch": 3.0}, tmp_path, "all_results.json")
    assert str(caught.value).endswith(
        "as a summary or a configuration does. Pass trainer_state.json beside it."
    )


def test_results_beside_curves_do_not_hide_them(tmp_path):
    """A table of models beside the history of one."""
    results = [{"model": "a", "accuracy": 0.5}, {"model": "b", "accuracy": 0.6}]
    (run,) = read({"history": {"loss": TRAIN, "val_loss": VALIDATION}, "compared": results}, tmp_path)
    assert set(written(run)) == {"loss", "val_loss"}


def test_deep_json_is_refused_and_not_walked(tmp_path):
    """Levels beyond those of a log hold nothing."""
    value = {"loss": [0.5, 0.4]}
    for _ in range(100):
        value = {"x": value}
    assert refuse(value, tmp_path).startswith("A training log must hold curves")


NAMES = st.sampled_from(
    [
        "loss",
        "val_loss",
        "train",
        "val",
        "epoch",
        "step",
        "0",
        "1",
        "epoch_2",
        "fold_1",
        "history",
        "columns",
        "data",
        "values",
        "model",
        "seed",
        "value",
        "steps",
        "name",
        "mode",
        "config",
        "schema",
        "x",
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["0.5", "val", "a", "nan", "fold_2", "2026-01-01"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.dictionaries(NAMES, VALUES, max_size=5), st.lists(VALUES, max_size=5)))
def test_any_json_is_read_or_refused(tmp_path, value):
    """Whatever its shape: series are as long as their times, and every run has one."""
    path = tmp_path / "log.json"
    path.write_text(json.dumps(value))
    source = Source.of_file(path)
    if not JSON_CURVES.matches(source):
        return
    with contextlib.suppress(InputError):
        for run in JSON_CURVES.read(source):
            assert run.series
            for one in run.series:
                assert len(one.at) == len(one.values) > 0
                assert len(one.lines) in (0, len(one.at))
                assert all(map(math.isfinite, one.at))


def test_the_outputs_of_ludwigs_network_are_parts_of_one_run(tmp_path):
    """Each has its losses, and 'combined' is their sum."""
    parts = {"label": {"loss": [0.7, 0.6], "accuracy": [0.5, 0.6]}, "combined": {"loss": [0.7, 0.6]}}
    path = tmp_path / "training_statistics.json"
    path.write_text(json.dumps({"training": parts, "validation": parts}))
    (run,) = read_logs(path).curves
    assert [curve.written for curve in run.curves if curve.role == "validation"] == [
        "validation/label/loss",
        "validation/accuracy",
        "validation/combined/loss",
    ]
