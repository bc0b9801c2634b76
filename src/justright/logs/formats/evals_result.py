"""XGBoost's, LightGBM's and CatBoost's evals_result as JSON: {evaluation set: {metric: [one value per round]}}; and their `cv`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from justright.logs.formats.json_shapes.json_numbers import to_numbers
from justright.logs.formats.json_shapes.logged_rows import role_of
from justright.logs.logged_run import LoggedRun, Role, Series
from justright.logs.metric_names import direction_of, parse_name
from justright.logs.source import LogFormat, Source

# What boosting libraries call their metrics, in lower case and without '@10'. Those that only they have tell trees from networks.
OF_TREES = (
    frozenset({"logloss", "mlogloss", "merror", "rmsle", "aucpr", "mphe", "l1", "l2", "binary_logloss"})
    | {"binary_error", "multi_logloss", "multi_error", "auc_mu", "cross_entropy_lambda", "multiclass"}
    | {"crossentropy", "multiclassonevsall", "poisson-nloglik", "gamma-nloglik", "gamma-deviance"}
    | {"cox-nloglik", "aft-nloglik", "tweedie-nloglik", "interval-regression-accuracy", "gamma_deviance"}
)
OF_BOTH = (
    frozenset(
        {"rmse", "mae", "mape", "error", "auc", "ndcg", "map", "pre", "quantile", "huber", "fair", "r2"}
    )
    | {"average_precision", "kullback_leibler", "cross_entropy", "poisson", "gamma", "tweedie", "accuracy"}
    | {"precision", "recall", "f1", "prauc", "zerooneloss", "totalf1", "mcc", "kappa", "smape", "msle"}
)
CROSS_VALIDATION = re.compile(r"(train|training|test|valid|validation|eval)[ _-](.+)-(mean|std|stdv)")
SAME_SET = re.compile(r"d?(?:valid|validation|eval|test|set)?[ _-]?\d+")
# Training's losses end lower: in this share of the second half of the rounds, where chance would give half of them.
CLEARLY = 0.9

Sets = Mapping[str, Mapping[str, list[float | None]]]


def _matches(source: Source) -> bool:
    value = source.value
    if not isinstance(value, dict) or not value:
        return False
    if _is_cross_validation(value):
        return True
    if not all(isinstance(item, dict) and item and _is_lists(item) for item in value.values()):
        return False
    metrics = {_plain(name) for metrics in value.values() for name in metrics}
    return bool(metrics & OF_TREES) or metrics <= OF_BOTH


def _is_cross_validation(value: Mapping[str, Any]) -> bool:
    """Return whether all lists are means and deviations over folds; LightGBM returns its models beside them."""
    names = [name for name, one in value.items() if isinstance(one, list)]
    return bool(names) and all(map(CROSS_VALIDATION.fullmatch, names))


def _is_lists(item: Mapping[str, Any]) -> bool:
    return all(isinstance(values, list) and (not values or to_numbers(values)) for values in item.values())


def _plain(metric: str) -> str:
    return metric.lower().partition("@")[0].partition(":")[0]


def _read(source: Source) -> list[LoggedRun]:
    if _is_cross_validation(source.value):
        lists = {
            name: to_numbers(values) or []
            for name, values in source.value.items()
            if isinstance(values, list)
        }
        return [cross_validation_run(source.name, lists)]
    sets: Sets = {
        name: {metric: to_numbers(values) or [] for metric, values in metrics.items()}
        for name, metrics in source.value.items()
    }
    roles, notes = assign_roles(sets)
    by_role = list(roles.values())
    series = [
        _series(
            f"{name}/{metric}",
            values,
            role=roles[name],
            set_name=name if by_role.count(roles[name]) > 1 else "",
            metric=metric,
        )
        for name, metrics in sets.items()
        for metric, values in metrics.items()
    ]
    return [LoggedRun(source.name, series, "iteration", notes=notes, tool="trees")]


def cross_validation_run(name: str, columns: Mapping[str, Sequence[float | None]]) -> LoggedRun:
    """Return the means over folds that `cv` of these libraries returns; 'test' are the rows left out in turn."""
    series = []
    for column, values in columns.items():
        match = CROSS_VALIDATION.fullmatch(column)
        if match and match[3] == "mean":
            role: Role = "train" if match[1].startswith("train") else "validation"
            series.append(_series(column, values, role=role, set_name="", metric=match[2]))
    note = "These are means over the folds of a cross-validation: a single model's losses are noisier."
    return LoggedRun(name, series, "iteration", notes=(note,), tool="trees")


def _series(
    written: str, values: Sequence[float | None], *, role: Role, set_name: str, metric: str
) -> Series:
    pairs = [(float(number), value) for number, value in enumerate(values) if value is not None]
    return Series(
        written,
        [at for at, _ in pairs],
        [value for _, value in pairs],
        role=role,
        set=set_name,
        metric=parse_name(metric).metric,
    )


def assign_roles(sets: Sets) -> tuple[dict[str, Role], tuple[str, ...]]:
    """Return the rows that each evaluation set holds, and what was assumed.

    A name that says nothing, such as XGBoost's 'validation_0', is that of training rows if its losses end lower than all
    others'; whoever passes training rows as an evaluation set may pass them at any place.
    """
    named = {name: role_of(name) for name in sets}
    roles: dict[str, Role] = {name: role or "validation" for name, role in named.items()}
    notes = []
    if "train" not in named.values() and len(sets) > 1:
        training = _training_by_curves(sets) if _are_alike(named) else None
        if training is not None:
            roles[training] = "train"
            notes.append(
                f"No evaluation set is named as training rows; {training!r} was taken for them, since its losses end better "
                "than all others'."
            )
        elif _are_alike(named):
            notes.append(
                "No evaluation set is named as training rows, and none ends better all along: all were taken for validation."
            )
    elif len(sets) == 1 and "train" not in named.values():
        notes.append(f"The only evaluation set, {next(iter(sets))!r}, was taken for validation rows.")
    judged = sorted((name for name in sets if roles[name] != "train"), key=lambda name: roles[name] == "test")
    if len(judged) > 1:
        notes.append(f"Of {len(judged)} evaluation sets, {judged[0]!r} is judged first.")
    return roles, tuple(notes)


def _are_alike(named: Mapping[str, Role | None]) -> bool:
    """Return whether names tell evaluation sets apart by a number only, or say nothing."""
    return all(role is None or SAME_SET.fullmatch(name.lower()) for name, role in named.items())


def _training_by_curves(sets: Sets) -> str | None:
    """Return the set whose metrics all end better than the others', and ever more so; None if there is none."""
    first, *others = sets.values()
    metrics = [name for name in first if all(name in other for other in others)]
    best = {
        name
        for metric in metrics
        if (direction := direction_of(parse_name(metric).metric)) is not None
        for name in [_best_set({key: item[metric] for key, item in sets.items()}, direction == "more")]
    }
    return best.pop() if len(best) == 1 else None


def _best_set(curves: Mapping[str, list[float | None]], more_is_better: bool) -> str | None:
    sign = -1.0 if more_is_better else 1.0
    known = {name: [sign * value for value in values if value is not None] for name, values in curves.items()}
    length = min(map(len, known.values()))
    if length < 2:
        return None
    best = min(known, key=lambda name: sum(known[name][length // 2 : length]))
    for name, values in known.items():
        gaps = [other - own for other, own in zip(values[:length], known[best], strict=False)]
        late = gaps[length // 2 :]
        if name != best and (sum(gap > 0 for gap in late) < CLEARLY * len(late) or late[-1] <= gaps[0]):
            return None
    return best


EVALS_RESULT = LogFormat("evals-result", "XGBoost's or LightGBM's evals_result as JSON", _read, _matches)
