"""What the names of one log say together, and what the user says about them."""

from __future__ import annotations

import pytest
from tests.refusals import refusal

from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import LoggedRun, Series


def curves_of(names, choices=NO_CHOICES, ends=None):
    """Return the curves of a run with a series for each name, all of five values, falling to `ends[name]`."""
    series = [
        Series(name, [0, 1, 2, 3, 4], [1.0, 0.9, 0.8, 0.7, (ends or {}).get(name, 0.6)])
        for name in names.split(" | ")
    ]
    return LogCurves.of_run(LoggedRun("run", series), "csv", choices)


def roles_of(curves):
    """Return name -> (role, set, metric)."""
    return {one.written: (one.role, one.set, one.metric) for one in curves.curves}


@pytest.mark.parametrize(
    ("names", "train", "judged"),
    [
        ("loss | val_loss", "loss", "val_loss"),
        ("loss | Validation_loss", "loss", "Validation_loss"),
        ("train_loss | loss", "train_loss", "loss"),
        ("loss | test_loss", "loss", "test_loss"),
        ("train_loss | dev_loss | test_loss", "train_loss", "dev_loss"),
        ("test_loss | train_loss | dev_loss", "train_loss", "dev_loss"),
        ("loss | val_ce", "loss", "val_ce"),
        ("train_mse | val_loss", "train_mse", "val_loss"),
        ("tr_loss | dev_loss", "tr_loss", "dev_loss"),
        ("t_loss | v_loss", "t_loss", "v_loss"),
        ("tloss | vloss", "tloss", "vloss"),
        ("train_loss | train_acc | val_loss | val_acc | lr", "train_loss", "val_loss"),
        (
            "loss | binary_crossentropy | val_loss | val_binary_crossentropy",
            "binary_crossentropy",
            "val_binary_crossentropy",
        ),
        ("train_loss_step | train_loss_epoch | val_loss", "train_loss_epoch", "val_loss"),
        ("train_mae | train_loss | val_mae | val_loss", "train_loss", "val_loss"),
        ("loss | loss_ce | eval_loss_ce | eval_loss", "loss", "eval_loss"),
    ],
)
def test_which_loss_is_judged_and_which_training_loss_goes_with_it(names, train, judged):
    """By all names together, in any order."""
    curves = curves_of(names)
    first = curves.losses_of(*curves.evaluation_sets()[0])[0]
    assert first.written == judged
    assert curves.train_curve(first.metric).written == train


def test_parts_of_a_loss_are_metrics_of_one_set():
    """Parts with counterparts in training, or known as parts, are no sets; without a whole each is judged."""
    curves = curves_of("train/box_loss | train/cls_loss | val/box_loss | val/cls_loss")
    assert curves.evaluation_sets() == (("validation", ""),)
    assert [one.metric for one in curves.losses_of("validation")] == ["box_loss", "cls_loss"]
    curves = curves_of("loss | val_recon_loss | val_kl_loss | val_loss")
    assert curves.evaluation_sets() == (("validation", ""),)
    assert [one.metric for one in curves.losses_of("validation")] == ["loss", "recon_loss", "kl_loss"]


def test_sets_of_hugging_face_keep_their_names():
    """Several evaluation sets, each with the same metrics."""
    names = "loss | eval_stsb_loss | eval_stsb_runtime | eval_mnli-mm_loss | eval_mnli-mm_accuracy"
    assert roles_of(curves_of(names)) == {
        "loss": ("train", "", "loss"),
        "eval_stsb_loss": ("validation", "stsb", "loss"),
        "eval_stsb_runtime": ("validation", "stsb", "runtime"),
        "eval_mnli-mm_loss": ("validation", "mnli_mm", "loss"),
        "eval_mnli-mm_accuracy": ("validation", "mnli_mm", "accuracy"),
    }


def test_validation_is_judged_before_test():
    """Test rows come last, whatever the order of the log."""
    assert curves_of("test_loss | loss | val_loss").evaluation_sets() == (("validation", ""), ("test", ""))


def test_the_training_set_among_numbered_ones_is_the_one_it_fits():
    """XGBoost numbers its evaluation sets in the order in which they were given: training first or last."""
    names = "validation_0-logloss | validation_1-logloss"
    assert (
        roles_of(curves_of(names, ends={"validation_0-logloss": 0.1}))["validation_0-logloss"][0] == "train"
    )
    curves = curves_of(names, ends={"validation_1-logloss": 0.1})
    assert roles_of(curves) == {
        "validation_0-logloss": ("validation", "", "logloss"),
        "validation_1-logloss": ("train", "", "logloss"),
    }
    assert curves.notes == (
        "No evaluation set is named 'train': 'validation_1', whose logloss ends lowest, was taken for it.",
    )


def test_what_no_name_says_is_assumed_and_said():
    """A lone loss is that of training; a metric beside 'train_loss' was measured on validation rows."""
    assert curves_of("loss | lr").notes == (
        "Nothing says on which rows 'loss' was measured: training rows were assumed.",
    )
    curves = curves_of("train_loss | valid_loss | accuracy")
    assert roles_of(curves)["accuracy"] == ("validation", "", "accuracy")
    assert curves.notes == (
        "Nothing says on which rows 'accuracy' was measured: validation rows were assumed.",
    )


def test_what_was_measured_once_is_no_curve():
    """The test loss at the end is said, and not judged."""
    series = [Series("val_loss", [0, 1, 2], [3.0, 2.0, 1.0]), Series("test_loss", [2], [1.5])]
    curves = LogCurves.of_run(LoggedRun("run", series), "csv")
    assert [one.written for one in curves.curves] == ["val_loss"]
    assert curves.notes == ("'test_loss' was measured once, and is no curve: 1.5.",)


def test_of_several_values_at_one_time_the_last_counts():
    """Times come out increasing."""
    (one,) = LogCurves.of_run(
        LoggedRun("run", [Series("val_loss", [1, 0, 1, 2], [9.0, 3.0, 2.0, 1.0])]), "csv"
    ).curves
    assert (one.at.tolist(), one.values.tolist()) == ([0, 1, 2], [3.0, 2.0, 1.0])


def test_the_user_says_which_rows():
    """Names as written, in any case, or of a set; the first validation name is judged first."""
    curves = curves_of("a_loss | b_loss | c_loss", Choices(train="A_LOSS", validation=("c_loss", "b_loss")))
    assert [(one.written, one.role) for one in curves.curves] == [
        ("a_loss", "train"),
        ("c_loss", "validation"),
        ("b_loss", "validation"),
    ]
    curves = curves_of("loss | test_loss | val_loss", Choices(validation=("test",)))
    assert next(one.written for one in curves.losses_of(*curves.evaluation_sets()[0])) == "test_loss"
    curves = curves_of("loss | eval_a_loss | eval_b_loss", Choices(validation=("b",)))
    assert curves.evaluation_sets()[0] == ("validation", "b")


def test_the_user_says_which_metric_and_which_way_is_better():
    """The metric takes the loss's place; a number of unknown direction gets one."""
    curves = curves_of("loss | foo | val_loss | val_foo", Choices(metric="val_foo", maximize=("foo",)))
    (judged,) = curves.losses_of("validation")
    assert (judged.written, judged.direction, judged.is_loss) == ("val_foo", "more", False)
    assert curves.train_curve("foo").direction == "more"
    (judged,) = curves_of("loss | val_score", Choices(metric="score", minimize=("score",))).losses_of(
        "validation"
    )
    assert judged.direction == "less"


def test_unknown_names_are_refused_all_at_once():
    """With near misses, and what there is."""
    assert refusal(curves_of, "loss | val_loss", Choices(train="lss", metric="zzz")) == (
        "A name must be in the log; got --train 'lss' (did you mean 'loss'?) and --metric 'zzz'. It holds 'loss', 'val_loss'."
    )


def test_an_unknown_quantity_on_training_and_other_rows_is_a_loss_if_it_falls():
    """As TensorBoard's export names columns by run and rows alone; two such quantities are not guessed at."""
    series = [
        Series("run1/train", [0.0, 1, 2], [0.9, 0.6, 0.5]),
        Series("run1/validation", [0.0, 1, 2], [0.9, 0.7, 0.8]),
    ]
    curves = LogCurves.of_run(LoggedRun("log", series), "csv")
    assert [(one.metric, one.role) for one in curves.curves] == [("loss", "train"), ("loss", "validation")]
    assert curves.notes == (
        "Nothing says what 'run1/train' and 'run1/validation' measured: a loss was assumed.",
    )
    more = [
        *series,
        Series("run2/train", [0.0, 1, 2], [0.9, 0.6, 0.5]),
        Series("run2/val", [0.0, 1, 2], [0.9, 0.7, 0.8]),
    ]
    assert not any(one.direction for one in LogCurves.of_run(LoggedRun("log", more), "csv").curves)


def test_a_summary_of_many_values_is_not_taken_for_the_curve():
    """Hugging Face logs 'train_loss' at the end of each attempt, beside the curve of 'loss'."""
    at = [float(step) for step in range(12)]
    series = [
        Series("loss", at, [1 / (1 + step) for step in at]),
        Series("eval_loss", list(at), [1 / (1 + step) for step in at]),
        Series("train_loss", [5.0, 11.0], [0.5, 0.4]),
    ]
    curves = LogCurves.of_run(LoggedRun("log", series), "json-lines")
    assert curves.train_curve("loss").written == "loss"


def test_many_metrics_that_were_measured_once_are_said_in_one_sentence():
    """As test metrics at the end of a long list."""
    once = [Series(f"test_hits_at_{k}", [9.0], [0.5]) for k in (1, 3, 5, 10, 20)]
    series = [Series("val_hits_at_1", [0.0, 1, 2], [0.1, 0.2, 0.3]), *once]
    curves = LogCurves.of_run(LoggedRun("log", series), "csv")
    (note,) = curves.notes
    assert note == (
        "5 metrics were measured once, and are no curves, such as 'test_hits_at_1', 'test_hits_at_3', 'test_hits_at_5' "
        "and 'test_hits_at_10'."
    )


def test_spacy_s_scores_are_of_validation_rows_and_its_losses_of_training():
    """Its JSON Lines say so by their groups alone."""
    rising = [[0.0, 1, 2], [0.3, 0.4, 0.5]]
    series = [Series("losses/textcat", [0.0, 1, 2], [0.9, 0.6, 0.5])]
    series += [Series(name, *map(list, rising)) for name in ("scores/cats_score", "score")]
    curves = LogCurves.of_run(LoggedRun("log", series), "json-lines")
    assert [one.role for one in curves.curves] == ["train", "validation", "validation"]


@pytest.mark.parametrize(
    ("metric", "values", "direction", "is_turned"),
    [
        ("objective", (-3.0, -2.0, -1.5, -1.4, -1.3), "more", True),
        ("objective", (-1.3, -1.4, -1.5, -2.0, -3.0), "less", False),
        ("elbo", (-3.0, -2.0, -1.5, -1.4, -1.3), "more", False),
        ("elbo", (144.0, 131.0, 123.0, 119.0, 117.0), "less", True),
    ],
)
def test_training_tells_which_way_of_an_objective_is_better(metric, values, direction, is_turned):
    """Kaldi's objective is a log-likelihood, scvi-tools' ELBO a negative one; a loss that may be negative falls."""
    names = (f"train_{metric}", f"valid_{metric}")
    series = [Series(name, [0.0, 1, 2, 3, 4], list(values)) for name in names]
    curves = LogCurves.of_run(LoggedRun("log", series), "csv")
    assert [one.direction for one in curves.curves] == [direction, direction]
    assert bool(curves.notes) == is_turned


def test_a_loss_of_steps_is_of_training_rows():
    """Beside 'train_loss' a bare 'loss' is one of other rows, unless it was logged far more often than a network is evaluated."""
    steps = [float(step) for step in range(8)]
    series = [Series("loss", steps, steps[::-1]), Series("train_loss", [3.0, 7], [5.0, 2.0])]
    curves = LogCurves.of_run(LoggedRun("log", series), "text")
    assert [one.role for one in curves.curves] == ["train", "train"]
