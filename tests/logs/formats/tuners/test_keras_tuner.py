"""Projects of Keras Tuner, laid out as version 1.4.8 does on TensorFlow and on other backends."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from tests.refusals import refusal

from justright.logs.formats.registry import read_logs
from justright.session.reading import diagnose

FALLS = [0.7, 0.6, 0.5, 0.45, 0.42, 0.41]
RISES = [0.6, 0.4, 0.5, 0.6, 0.7, 0.8]


def write_trial(project, name, values, told, **tuner):
    """Write a trial that told its tuner `told`: metric -> {step: [value of each execution]}."""
    folder = project / f"trial_{name}"
    folder.mkdir(parents=True)
    (project / "oracle.json").write_text(json.dumps({"start_order": [name]}))
    metrics = {
        metric: {
            "direction": "max" if "accuracy" in metric else "min",
            "observations": [{"value": list(many), "step": step} for step, many in points.items()],
        }
        for metric, points in told.items()
    }
    lowest = min(float(np.mean(many)) for many in told["val_loss"].values())
    content = {
        "trial_id": name,
        "hyperparameters": {
            "space": [],
            "values": values | {f"tuner/{key}": one for key, one in tuner.items()},
        },
        "metrics": {"metrics": metrics},
        "score": lowest,
        "best_step": 0,
        "status": "COMPLETED",
        "message": None,
    }
    (folder / "trial.json").write_text(json.dumps(content))


def write_best(project, name, values, *curves, **tuner):
    """Write a trial as Keras Tuner's own tuners do: the best epoch of its executions alone, or the mean of those."""
    best = float(np.mean([min(np.float32(curve)) for curve in curves]))
    step = int(np.argmin(curves[0]))
    write_trial(project, name, values, {"val_loss": {step: [best]}, "loss": {step: [0.25]}}, **tuner)


def log_events(event_writer, folder, curve, first=0):
    """Write what Keras' TensorBoard callback writes during one `fit`."""
    epochs = range(first, first + len(curve))
    event_writer(folder / "train", "epoch_loss", dict.fromkeys(epochs, 0.25))
    event_writer(folder / "validation", "epoch_loss", dict(zip(epochs, curve, strict=True)))


def validation(run):
    """Return the times and values of a run's validation loss."""
    (curve,) = (one for one in run.curves if one.role == "validation" and one.metric == "loss")
    return dict(zip(curve.at.tolist(), curve.values.astype(np.float32).tolist(), strict=True))


def points(curve, first=0):
    """Return a curve's points, rounded as event files round them."""
    return {float(first + at): value for at, value in enumerate(np.float32(curve).tolist())}


@pytest.fixture
def project(tmp_path):
    """The folder of a project."""
    return tmp_path / "search"


def test_what_a_tuner_was_told_at_each_epoch_is_the_curve(project):
    """As by a tuner of one's own that reports each epoch; the directions of metrics are the tuner's."""
    told = {"val_loss": {at: [value] for at, value in enumerate(FALLS)}}
    write_trial(project, "0", {"units": 16, "rate": 0.00123456}, told)
    told = {"val_loss": {0: [1.0, 3.0], 1: [0.5, 1.5]}, "val_accuracy": {0: [0.5, 0.5], 1: [0.5, 1.0]}}
    write_trial(project, "1", {}, told)
    first, second = read_logs(project).curves
    assert (first.name, first.format) == ("search/trial 0 (units=16, rate=0.001235)", "keras-tuner")
    assert validation(first) == points(FALLS)
    assert second.name == "search/trial 1"
    assert second.notes == ("Values are means over 2 executions.",)
    assert {one.metric: (one.values.tolist(), one.direction) for one in second.curves} == {
        "loss": ([2.0, 1.0], "less"),
        "accuracy": ([0.5, 0.75], "more"),
    }


def test_on_tensorflow_the_folders_of_event_files_name_trials(project, event_writer):
    """Executions of a trial are pooled as seeds are."""
    curves = {"0": (FALLS, RISES), "1": (RISES, RISES)}
    for name, both in curves.items():
        write_best(project, name, {"units": int(name)}, *both)
        for number, curve in enumerate(both):
            log_events(event_writer, project / "logs" / name / f"execution{number}", curve)
    runs = read_logs(project).curves
    assert [(run.name, run.group, run.member) for run in runs] == [
        (
            f"search/trial {name} (units={name}), execution {number}",
            f"search/trial {name} (units={name})",
            f"execution {number}",
        )
        for name in curves
        for number in range(2)
    ]
    assert [validation(run) for run in runs] == [points(curve) for both in curves.values() for curve in both]
    assert [one.name for one in diagnose(project).runs] == [
        "search/trial 0 (units=0)",
        "search/trial 1 (units=1)",
    ]


@pytest.mark.parametrize("executions", [1, 2])
def test_elsewhere_trials_share_a_folder_and_values_name_them(project, event_writer, executions):
    """In any order; each `fit` has files of its own, whatever its counter says."""
    trials = {
        name: [[value + 0.1 * number + 0.01 * k for value in FALLS] for k in range(executions)]
        for number, name in enumerate(("0000", "0001", "0002"))
    }
    for name in ("0002", "0000", "0001"):
        for curve in trials[name]:
            log_events(event_writer, project / "logs", curve)
        write_best(project, name, {}, *trials[name])
    found = read_logs(project)
    assert found.refused == ()
    assert [validation(run) for run in found.curves] == [
        points(curve) for curves in trials.values() for curve in curves
    ]
    assert [(run.group or run.name) for run in found.curves] == [
        f"search/trial {name}" for name in trials for _ in range(executions)
    ]


def test_hyperband_goes_on_where_another_trial_ended(project, event_writer):
    """A trial's curve begins with the epochs of those whose weights it took, which is said."""
    write_best(project, "0000", {}, FALLS[:2], epochs=2, initial_epoch=0, bracket=1)
    write_best(project, "0001", {}, RISES[:2], epochs=2, initial_epoch=0, bracket=1)
    write_best(project, "0002", {}, FALLS[2:4], epochs=4, initial_epoch=2, bracket=1, trial_id="0000")
    write_best(project, "0003", {}, FALLS[4:], epochs=6, initial_epoch=4, bracket=1, trial_id="0002")
    for curve, first in ((FALLS[:2], 0), (RISES[:2], 0), (FALLS[2:4], 2), (FALLS[4:], 4)):
        log_events(event_writer, project / "logs", curve, first)
    runs = read_logs(project).curves
    assert [validation(run) for run in runs] == [
        points(one) for one in (FALLS[:2], RISES[:2], FALLS[:4], FALLS)
    ]
    assert runs[3].notes == (
        "Epochs before 2 are those of trial 0000, whose best weights it went on from.",
        "Epochs before 4 are those of trial 0002, whose best weights it went on from.",
    )


def csv_of(*curves):
    """Return what CSVLogger(append=True) writes of several trials."""
    rows = [f"{epoch},0.25,{value}" for curve in curves for epoch, value in enumerate(curve)]
    return "\n".join(["epoch,loss,val_loss", *rows]) + "\n"


def test_one_csv_file_holds_all_trials(project):
    """Each begins where epochs begin again, however near its first value is to the last one."""
    goes_on = [value - 0.3 for value in FALLS]
    write_best(project, "0", {}, FALLS)
    write_best(project, "1", {}, goes_on)
    (project / "trials.csv").write_text(csv_of(FALLS, goes_on))
    runs = read_logs(project).curves
    assert [(run.name, validation(run)) for run in runs] == [
        ("search/trial 0", points(FALLS)),
        ("search/trial 1", points(goes_on)),
    ]


def test_rows_of_hyperband_are_not_guessed(project):
    """A row may go on from the one before, or from that of another trial."""
    write_best(project, "0000", {}, FALLS[:2], epochs=2, initial_epoch=0, bracket=1)
    write_best(project, "0001", {}, FALLS[2:], epochs=6, initial_epoch=2, bracket=1, trial_id="0000")
    (project / "trials.csv").write_text(csv_of(FALLS))
    assert refusal(read_logs, project) == (
        "'trials.csv' was left out: rows of one CSV file do not tell which trial Hyperband went on with. Pass "
        "keras.callbacks.TensorBoard to `search` instead. "
        "A project of Keras Tuner must hold curves, of which the tuner itself keeps no more than the best epoch; "
        f"{str(project)!r} holds none for its 2 trials (best: trial 0001 with val_loss 0.41). Make the tuner with "
        f"overwrite=True, pass callbacks=[keras.callbacks.TensorBoard({str(project / 'logs')!r})] to `search`, and diagnose "
        "the folder again."
    )


@pytest.mark.parametrize("place", ["project", "trial"])
def test_trials_without_curves_are_counted_with_the_best_and_what_to_do(project, place):
    """The folder, and one trial's file."""
    write_best(project, "0", {"units": 8}, FALLS)
    source = project
    if place == "trial":
        source = project / "trial_0" / "trial.json"
    assert refusal(read_logs, source) == (
        "A project of Keras Tuner must hold curves, of which the tuner itself keeps no more than the best epoch; "
        f"{str(source)!r} holds none for its 1 trial (best: trial 0 (units=8) with val_loss 0.41). Make the tuner with "
        f"overwrite=True, pass callbacks=[keras.callbacks.CSVLogger({str(project / 'trials.csv')!r}, append=True)] to "
        "`search`, and diagnose the folder again."
    )


def test_trials_without_a_curve_are_named_and_logs_of_no_trial_keep_their_names(project, event_writer):
    """As when a search was killed, or its best network trained once more."""
    write_best(project, "0", {}, FALLS)
    write_best(project, "1", {}, [0.123])
    (project / "trial_2").mkdir()
    (project / "trial_2" / "trial.json").write_text('{"trial_id": "2"}')
    for curve in (RISES, FALLS, RISES):
        log_events(event_writer, project / "logs", curve)
    found = read_logs(project)
    assert [(run.name, run.group) for run in found.curves] == [
        ("search/trial 0", ""),
        (f"{project / 'logs'}, fit 1", ""),
        (f"{project / 'logs'}, fit 2", ""),
    ]
    assert found.refused == (
        (
            f"A trial of Keras Tuner must hold its hyperparameters and metrics; {str(project / 'trial_2' / 'trial.json')!r} does "
            "not. Copy it again from where it was written."
        ),
        f"1 trial of {str(project)!r} has no curve: '1'.",
    )


def test_both_callbacks_give_each_trial_once(project, event_writer):
    """TensorBoard and CSVLogger in one search."""
    write_best(project, "0", {}, FALLS)
    log_events(event_writer, project / "logs", FALLS)
    (project / "trials.csv").write_text(csv_of(FALLS))
    assert [run.name for run in read_logs(project).curves] == ["search/trial 0"]


def tuner(folder):
    """Return an object of a class whose base lies in one of Keras Tuner's modules, as a user's own tuner."""
    base = type("Tuner", (), {"__module__": "keras_tuner.src.engine.tuner"})
    return type("Mine", (base,), {"project_dir": str(folder), "oracle": SimpleNamespace()})()


def test_a_tuner_is_read_as_its_project(project):
    """From its folder, which it writes after each trial."""
    told = {"val_loss": {at: [value] for at, value in enumerate(RISES)}}
    write_trial(project, "0", {"units": 16}, told)
    reading = diagnose(tuner(project))
    assert (reading.label, reading.run.name) == ("overfits", "search/trial 0 (units=16)")


def test_a_tuner_that_tried_nothing_says_so(project):
    """Before `search`."""
    assert refusal(diagnose, tuner(project)) == (
        f"A tuner of Keras Tuner must have tried something; the folder of this Mine, {str(project)!r}, holds no trials. "
        "Call `search` first."
    )
