"""What XGBoost, LightGBM, CatBoost and NGBoost keep in a fitted estimator: {evaluation set: {metric: [one value per round]}}."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.logged_run import LoggedRun
from justright.logs.objects.as_files import runs_of_value
from justright.logs.objects.object_kind import ObjectKind, is_of_package, type_name

PACKAGES = ("xgboost", "lightgbm", "catboost", "ngboost")
# What NGBoost calls the scores that it lowers.
NGBOOST = {"LOGSCORE": "nll", "CRPSCORE": "crps"}
# Attributes that hold the round at which early stopping found the best value; prediction uses the trees up to it.
BEST_ROUND = {"xgboost": "best_iteration", "lightgbm": "best_iteration_"}


def _is_boosted(source: object) -> bool:
    return is_of_package(source, *PACKAGES)


def _evaluations(source: Any) -> Any:  # noqa: ANN401  # of libraries that may be absent
    """Return what an estimator measured while it was fitted, empty if nothing."""
    if hasattr(source, "get_evals_result"):
        return source.get_evals_result()
    if is_of_package(source, "ngboost"):
        return {
            rows: {NGBOOST.get(name, name): values for name, values in scores.items()}
            for rows, scores in getattr(source, "evals_result", {}).items()
        }
    return getattr(source, "evals_result_", None)


def _read(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # as above
    found = _evaluations(source)
    if not found:
        raise InputError(_why_none(source))
    runs = runs_of_value(type_name(source), found, choices)
    return [
        replace(run, unit="iteration", tool="trees", notes=(*run.notes, *_best_round_note(source)))
        for run in runs
    ]


def _why_none(source: object) -> str:
    if type_name(source) in ("Booster", "CVBooster"):
        return (
            "A model of boosted trees must have kept its curves; a Booster keeps none. Pass the dict that `train(..., "
            "evals_result=...)` of XGBoost or `record_evaluation` of LightGBM filled."
        )
    return (
        f"A model of boosted trees must have been fitted with rows to validate on; this {type_name(source)} was not. "
        "Call `fit(X, y, eval_set=[(X, y), (X_validation, y_validation)])` first, or NGBoost's with `X_val` and `Y_val`."
    )


def _best_round_note(source: Any) -> tuple[str, ...]:  # noqa: ANN401  # as above
    for package, attribute in BEST_ROUND.items():
        best = getattr(source, attribute, None) if is_of_package(source, package) else None
        if isinstance(best, int) and best > 0:
            # XGBoost counts rounds from 0, LightGBM trees from 1
            trees = best + 1 if package == "xgboost" else best
            return (f"Early stopping chose {trees} trees; the model predicts with these already.",)
    return ()


BOOSTED_TREES = ObjectKind(
    "a fitted estimator of XGBoost, LightGBM, CatBoost or NGBoost with validation rows", _is_boosted, _read
)
