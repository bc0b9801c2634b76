"""The few estimators of scikit-learn that keep a curve: MLPs and the two kinds of gradient boosting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.logged_run import LoggedRun, Role, Series
from justright.logs.objects.object_kind import ObjectKind, is_of_package, type_name

KEPT = "MLPClassifier, MLPRegressor, HistGradientBoosting with early_stopping=True, GradientBoosting with subsample < 1"

# Scorers with this prefix turn the sign of a loss, so that more is better.
NEGATIVE = "neg_"


def _read(source: Any, _: Choices) -> list[LoggedRun]:  # noqa: ANN401  # scikit-learn is not imported
    """Return the run of an estimator.

    Raises:
        InputError: it keeps no curve, or kept none.
    """
    if hasattr(source, "loss_curve_"):
        return [_network(source)]
    if len(getattr(source, "train_score_", ())) > 0:
        return [_histogram_boosting(source) if hasattr(source, "validation_score_") else _boosting(source)]
    if hasattr(source, "verdict_"):
        raise InputError(
            f"A {type_name(source)} has judged itself when it was fitted: its `verdict_` is {source.verdict_!r}, and `result_` is "
            "the whole study."
        )
    raise InputError(
        f"An estimator of scikit-learn must have kept its curves when it was fitted; this {type_name(source)} has none. "
        f"Those that do: {KEPT}; or pass {{'loss': [...], 'val_loss': [...]}}."
    )


def _network(source: Any) -> LoggedRun:  # noqa: ANN401  # as above
    """Return the run of an MLP: `validation_scores_` are there with early stopping only."""
    series = [_series("loss_curve_", source.loss_curve_, "train", "loss")]
    scores = getattr(source, "validation_scores_", None)
    notes: tuple[str, ...] = ()
    if scores is not None and len(scores):
        series.append(_series("validation_scores_", scores, "validation", _score(source)))
        notes = ("With early_stopping=True the estimator went back to the weights of its best score itself.",)
    return _run(source, series, notes, tool="network", unit="epoch")


def _histogram_boosting(source: Any) -> LoggedRun:  # noqa: ANN401  # as above
    """Return the run of a HistGradientBoosting estimator, whose scores are negative losses with some values of `scoring`."""
    scoring = _score(source) if source.scoring is None else str(source.scoring)
    is_loss = scoring == "loss" or scoring.startswith(NEGATIVE)
    metric = scoring.removeprefix(NEGATIVE)
    series = []
    roles: dict[str, Role] = {"train_score_": "train", "validation_score_": "validation"}
    for name, role in roles.items():
        values = getattr(source, name)
        if len(values):
            series.append(_series(name, [-one for one in values] if is_loss else values, role, metric))
    notes = ("Losses are scikit-learn's scores with their sign turned.",) if is_loss else ()
    return _run(source, series, notes, tool="trees", unit="iteration")


def _boosting(source: Any) -> LoggedRun:  # noqa: ANN401  # as above
    """Return the run of a GradientBoosting estimator, which measures on the rows that a tree left out if there are any."""
    series = [_series("train_score_", source.train_score_, "train", "loss")]
    left_out = getattr(source, "oob_scores_", None)
    notes: tuple[str, ...] = ()
    if left_out is not None and len(left_out):
        series.append(_series("oob_scores_", left_out, "validation", "loss"))
        notes = (
            "oob_scores_ were taken for validation: the rows that each tree left out, which earlier trees learned from.",
        )
    return _run(source, series, notes, tool="trees", unit="iteration")


def _score(source: Any) -> str:  # noqa: ANN401  # as above
    return "accuracy" if hasattr(source, "classes_") else "r2"


def _series(written: str, values: Sequence[float], role: Role, metric: str) -> Series:
    numbers = [float(one) for one in values]
    return Series(
        written, [float(at) for at in range(len(numbers))], numbers, role=role, set="", metric=metric
    )


def _run(
    source: object,
    series: list[Series],
    notes: tuple[str, ...],
    *,
    tool: Literal["network", "trees"],
    unit: Literal["epoch", "iteration"],
) -> LoggedRun:
    return LoggedRun(type_name(source), series, unit, notes=notes, tool=tool)


SCIKIT_LEARN = ObjectKind(
    "a fitted estimator of scikit-learn with a curve",
    lambda source: is_of_package(source, "sklearn"),
    _read,
)
