"""Optuna's trials as runs, by objects that look like Optuna's: a study of 5.0.0 reads the same."""

from __future__ import annotations

from types import SimpleNamespace

from tests.refusals import refusal

from justright.logs.objects.registry import curves_in
from justright.session.reading import diagnose

FALLS_AND_RISES = {epoch: 0.4 + 0.001 * (epoch - 10) ** 2 for epoch in range(30)}


def made(name, **attributes):
    """Return an object of a class that lies in one of Optuna's modules."""
    return type(name, (), {"__module__": "optuna.study.study", **attributes})()


def trial(number, reported, **params):
    """Return a trial that reported values."""
    return made("FrozenTrial", number=number, params=params, intermediate_values=reported)


def study(*trials, direction="MINIMIZE"):
    """Return a study of one direction."""
    return made("Study", trials=list(trials), directions=[SimpleNamespace(name=direction)])


def test_each_trial_that_reported_is_a_run_named_after_its_parameters():
    """In the order of its steps; pruned trials count, those that reported nothing do not."""
    found = curves_in(
        study(trial(0, {2: 0.5, 1: 0.75, 5: 0.25}, lr=0.00123456, units=64), trial(1, {}), trial(2, {0: 1.0}))
    )
    assert [run.name for run in found] == ["trial 0 (lr=0.001235, units=64)", "trial 2"]
    (curve,) = found[0].curves
    assert (curve.role, curve.metric, curve.direction) == ("validation", "loss", "less")
    assert (curve.values.tolist(), curve.at.tolist()) == ([0.75, 0.5, 0.25], [1, 2, 5])


def test_what_a_study_maximises_is_better_the_more_of_it_there_is():
    """As the study says; a trial by itself is taken for one that is minimised."""
    (run,) = curves_in(study(trial(0, {0: 0.5, 1: 0.6}), direction="MAXIMIZE"))
    assert [(curve.metric, curve.direction) for curve in run.curves] == [("objective", "more")]
    (alone,) = curves_in(trial(0, {0: 0.5, 1: 0.6}))
    assert [curve.direction for curve in alone.curves] == ["less"]


def test_a_trial_whose_loss_rose_overfits():
    """Readings are those of any other log."""
    reading = diagnose(study(trial(3, FALLS_AND_RISES)))
    assert (reading.label, reading.run.name) == ("overfits", "trial 3")


def test_a_study_that_reported_nothing_says_what_to_do():
    """Only values reported while a trial trains make a curve."""
    assert refusal(diagnose, study(trial(0, {}))) == (
        "An Optuna Study must hold what its trials reported while they trained; none reported anything. Call "
        "`trial.report(val_loss, epoch)` after each epoch, and run the study again."
    )
