"""What the names of one log say together: which rows a bare 'loss' was measured on, which sets there are, what the user said."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from justright.logs.choices import Choices
from justright.logs.logged_run import Role, Series
from justright.logs.metric_names import (
    DECORATIONS,
    NAMELESS,
    Direction,
    direction_of,
    is_loss,
    parse_name,
    words_of,
)
from justright.logs.names.chosen_names import apply_choices
from justright.logs.names.metric_words import PARTS
from justright.logs.names.named_series import NamedLog, NamedSeries, listed

# What Hugging Face logs of every evaluation set: its presence tells the name of a set from a part of a metric.
SET_SUFFIXES = ("_loss", "_runtime")
MOST_ONCE = 4  # metrics that were measured once and have a sentence each
TAIL_SHARE = 4  # a quarter of a curve tells where it ends
CURVE_TIMES = (
    5  # as many values as another series of the same name are a curve, beside which that is a summary
)
STEPS_PER_MEAN = 2  # values of a loss of steps for each mean of it
# Objectives of which less or more may be better, and which is the usual one.
OBJECTIVES: dict[str, Direction] = {"objective": "less", "objf": "less", "elbo": "more"}
SHORT_ROLES: dict[str, Role] = {"t": "train", "v": "validation"}


def name_series(series: Sequence[Series], choices: Choices) -> NamedLog:
    """Return what is known of each series of a run.

    Raises:
        InputError: a name among the choices is not in the log.
    """
    log = NamedLog([_named_alone(one) for one in series])
    _name_nameless(log)
    _split_short_roles(log)
    _turn_objectives(log)
    _find_sets(log)
    apply_choices(log, choices)
    _find_roles(log)
    _find_training_set(log)
    _drop_single_values(log)
    _note_stand_in(log)
    _tell_apart(log)
    return log


def _named_alone(one: Series) -> NamedSeries:
    parsed = parse_name(one.written)
    metric = one.metric or parsed.metric
    set_name = parsed.set if one.set is None else one.set
    return NamedSeries(
        one,
        metric,
        one.role or parsed.role,
        set_name,
        direction_of(metric),
        is_loss(metric),
        says_role=parsed.role is not None,
    )


def _name_nameless(log: NamedLog) -> None:
    """Read 'train' and 'val' as losses that fall, or as scores that rise."""
    nameless = [
        one for one in log.series if one.metric == NAMELESS and one.says_role and len(one.series.values) > 1
    ]
    if any(one.is_loss and one.role in {other.role for other in nameless} for one in log.series):
        return  # DeepXDE's 'Test metric' beside 'Test loss'
    nameless = nameless or _unknown_pair(log)
    if not nameless:
        return
    first = next((one for one in nameless if one.role == "train"), nameless[0])
    values = [value for value in first.series.values if math.isfinite(value)]
    tail = values[-max(1, len(values) // TAIL_SHARE) :]
    falls = bool(values) and sum(tail) / len(tail) < values[0]
    metric = "loss" if falls else "score"
    for one in nameless:
        one.rename(metric)
    log.notes.append(
        f"Nothing says what {listed([one.written for one in nameless])} measured: a {metric} was assumed."
    )


def _unknown_pair(log: NamedLog) -> list[NamedSeries]:
    """Return the only quantity that was measured on training and on other rows, whatever it is: TensorBoard's 'run1/train'."""
    if any(one.is_measure for one in log.series):
        return []
    by_metric: dict[str, list[NamedSeries]] = {}
    for one in log.series:
        if one.says_role and len(set(one.series.values)) > 2:
            by_metric.setdefault(one.metric, []).append(one)
    pairs = [pair for pair in by_metric.values() if {one.role for one in pair} > {"train"}]
    return pairs[0] if len(pairs) == 1 else []


def _split_short_roles(log: NamedLog) -> None:
    """Read 't_loss' and 'v_loss', or 'tloss' and 'vloss', as a pair; alone, such a letter means something else."""
    found: dict[str, dict[str, NamedSeries]] = {}
    for one in log.series:
        match = re.fullmatch(r"([tv])_?(\w+)", one.metric)
        if one.role is None and match and direction_of(match[2]) is not None:
            found.setdefault(match[2], {})[match[1]] = one
    for metric, pair in found.items():
        if len(pair) == len(SHORT_ROLES):
            for letter, one in pair.items():
                one.role = SHORT_ROLES[letter]
                one.rename(metric)


def _turn_objectives(log: NamedLog) -> None:
    """Let the way in which training went be the better one for objectives that tools write with either sign.

    Kaldi's objective is a log-likelihood, which rises below 0; scvi-tools' ELBO is a negative one, which falls above 0.
    """
    for metric, usual in OBJECTIVES.items():
        same = [one for one in log.series if one.metric == metric]
        training = [one for one in same if one.role == "train" and len(one.series.values) > TAIL_SHARE]
        values = [value for one in training[:1] for value in one.series.values if math.isfinite(value)]
        if not values:
            continue
        tail = values[-max(1, len(values) // TAIL_SHARE) :]
        change = sum(tail) / len(tail) - values[0]
        is_turned = (usual == "less" and max(values) <= 0 < change) or (
            usual == "more" and min(values) >= 0 > change
        )
        if not is_turned:
            continue
        for one in same:
            one.direction, one.is_loss = ("more", False) if usual == "less" else ("less", True)
        moved, better = ("rose below 0", "more") if usual == "less" else ("fell above 0", "less")
        names = listed([one.written for one in same])
        log.notes.append(f"{names} {moved} in training: {better} of it was taken to be better.")


def _find_sets(log: NamedLog) -> None:
    """Read 'eval_stsb_loss' beside 'eval_stsb_accuracy' or 'eval_sst2_loss' as the loss on a set; 'val_box_loss' is a part."""
    others = [one for one in log.series if one.role not in (None, "train") and not one.set]
    in_training = {one.metric for one in log.series if one.role in (None, "train")}
    prefixes: Counter[str] = Counter()
    for one in others:
        for suffix in SET_SUFFIXES:
            prefix = one.metric.removesuffix(suffix)
            if prefix == one.metric or PARTS & set(prefix.split("_")):
                continue
            if not {prefix, f"{prefix}_loss"} & in_training and direction_of(prefix) is None:
                prefixes[prefix] += 1
    _find_sets_behind(others, in_training)
    sets = {
        prefix
        for prefix in prefixes
        if len(prefixes) > 1 or sum(one.metric.startswith(prefix + "_") for one in others) > 1
    }
    for one in others:
        found = [prefix for prefix in sets if one.metric.startswith(prefix + "_")]
        if found:
            one.set = max(found, key=len)
            one.rename(one.metric.removeprefix(one.set + "_"))


def _find_sets_behind(others: Sequence[NamedSeries], in_training: set[str]) -> None:
    """Read 'val_loss_source' beside 'val_loss_target' as the loss on a set, if other metrics end so, too."""
    names = {one.metric.removeprefix("loss_") for one in others if one.metric.startswith("loss_")}
    names = {name for name in names if f"loss_{name}" not in in_training and not PARTS & set(name.split("_"))}
    found = {name for name in names if sum(one.metric.endswith(f"_{name}") for one in others) > 1}
    if len(found) < 2:
        return
    for one in others:
        name = next((name for name in found if one.metric.endswith(f"_{name}")), "")
        if name:
            one.set = name
            one.rename(one.metric.removesuffix(f"_{name}"))


def _find_roles(log: NamedLog) -> None:
    """Give every series without a role one: by what the others say."""
    bare = [one for one in log.series if one.role is None]
    training = {one.metric for one in log.series if one.role == "train" and one.is_measure}
    evaluation = {one.metric for one in log.series if one.role not in (None, "train") and one.is_measure}
    assumed: dict[Role, list[str]] = {"train": [], "validation": []}
    is_spacy = any(one.written.startswith("losses/") for one in bare)  # whose scores are of other rows
    for one in bare:
        if is_spacy and words_of(one.written)[0] in ("scores", "score"):
            one.role = "validation"
            continue
        one.role = "train"
        if not one.is_measure or (one.metric in evaluation and one.metric not in training):
            continue
        if training and (_is_mean_loss(one) or _is_of_steps(one, log) or (evaluation and _is_rollout(one))):
            continue
        if training and one.metric not in evaluation and (one.metric in training or not one.is_loss):
            # fastai's 'accuracy' beside 'train_loss' and 'valid_loss'; Ultralytics' 'metrics/mAP50(B)'
            one.role = "validation"
            assumed["validation"].append(one.written)
        elif not training and not evaluation:
            assumed["train"].append(one.written)
    for role, names in assumed.items():
        if names:
            was = "was" if len(names) == 1 else "were"
            words = {"train": "training", "validation": "validation"}[role]
            log.notes.append(
                f"Nothing says on which rows {listed(names)} {was} measured: {words} rows were assumed."
            )


def _is_mean_loss(one: NamedSeries) -> bool:
    """Return whether a name says that a loss was averaged over an epoch, as that of training is: 'average loss'."""
    return one.is_loss and bool(DECORATIONS & set(words_of(one.written)))


def _is_of_steps(one: NamedSeries, log: NamedLog) -> bool:
    """Return whether a loss was logged far more often than the mean that names training: nobody evaluates more often than that."""
    means = [
        len(other.series.values)
        for other in log.series
        if other.role == "train" and other.metric == one.metric and other is not one
    ]
    return one.is_loss and bool(means) and len(one.series.values) >= STEPS_PER_MEAN * max(means)


def _is_rollout(one: NamedSeries) -> bool:
    """Return whether it was measured while an agent explored, beside evaluations: Stable-Baselines3's 'rollout/ep_rew_mean'."""
    return words_of(one.written)[0] == "rollout"


def _find_training_set(log: NamedLog) -> None:
    """Take one of XGBoost's 'validation_0' and 'validation_1' for the training set, if none is called so."""
    if any(one.role == "train" and one.is_measure for one in log.series):
        return
    numbered = [
        one
        for one in log.series
        if re.fullmatch(r"validation_\d+", one.set) and one.role == "validation" and one.series.role is None
    ]
    sets = list(dict.fromkeys(one.set for one in numbered))
    if len(sets) < 2:
        return
    first = next((one for one in numbered if one.is_measure), None)
    if first is None:
        return
    ends = {one.set: _end(one) for one in numbered if one.metric == first.metric}
    training = min(ends, key=lambda name: (ends[name], sets.index(name)))
    best = "ends lowest" if first.direction == "less" else "ends highest"
    log.notes.append(
        f"No evaluation set is named 'train': {training!r}, whose {first.metric} {best}, was taken for it."
    )
    for one in numbered:
        if one.set == training:
            one.role, one.set = "train", ""
    rest = {one.set for one in numbered if one.role == "validation"}
    if len(rest) == 1:
        for one in numbered:
            one.set = ""


def _end(one: NamedSeries) -> float:
    values = one.series.values
    tail = values[-max(1, len(values) // TAIL_SHARE) :]
    mean = sum(tail) / len(tail) if tail else math.inf
    if math.isnan(mean):
        return math.inf
    return mean if one.direction == "less" else -mean


def _drop_single_values(log: NamedLog) -> None:
    """Leave out what was measured once, such as the test loss at the end, beside curves."""
    longest = max((len(one.series.values) for one in log.series), default=0)
    if longest < 3:
        return
    single = [
        one
        for one in log.series
        if len(one.series.values) == 1 and one.role in ("test", "validation") and not one.is_chosen
    ]
    kept = [one for one in log.series if all(one is not other for other in single)]
    if any(one.is_measure for one in kept):
        log.series = kept
        once = [one for one in single if one.is_measure]
        if len(once) > MOST_ONCE:
            names = listed([one.written for one in once[:MOST_ONCE]])
            log.notes.append(f"{len(once):,} metrics were measured once, and are no curves, such as {names}.")
        else:
            log.notes += [
                f"{one.written!r} was measured once, and is no curve: {one.series.values[0]:.6g}."
                for one in once
            ]


def _note_stand_in(log: NamedLog) -> None:
    measures = [one for one in log.series if one.is_measure]
    if any(one.role == "validation" for one in measures):
        return
    tested = [one.written for one in measures if one.role == "test"]
    if tested:
        was = "was" if len(tested) == 1 else "were"
        log.notes.append(f"There is no validation set: {listed(tested)} {was} taken for validation.")


def _tell_apart(log: NamedLog) -> None:
    """Let no two series have the same metric on the same rows: means of epochs stand for values of steps."""
    by_epoch = {
        (one.metric, one.role, one.set) for one in log.series if not one.written.lower().endswith("_step")
    }
    log.series = [
        one
        for one in log.series
        if not (one.written.lower().endswith("_step") and (one.metric, one.role, one.set) in by_epoch)
    ]
    seen: set[tuple[str, Role | None, str]] = set()
    longest: dict[tuple[str, Role | None, str], int] = {}
    for one in log.series:
        key = (one.metric, one.role, one.set)
        longest[key] = max(longest.get(key, 0), len(one.series.values))
    ranked = sorted(
        log.series,
        key=lambda one: (
            not one.is_chosen,
            # Hugging Face logs 'train_loss' once at the end, and again after each resumption, beside the curve of 'loss'.
            len(one.series.values) < 2
            or CURVE_TIMES * len(one.series.values) < longest[one.metric, one.role, one.set],
            not one.says_role,
            len(words_of(one.written)),
        ),
    )
    for one in ranked:
        number = 2
        metric = one.metric
        while (one.metric, one.role, one.set) in seen:
            raw = "_".join(words_of(one.written))
            one.metric = raw if number == 2 and raw != metric else f"{metric}_{number}"
            number += 1
        seen.add((one.metric, one.role, one.set))
