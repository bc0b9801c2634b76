"""What the name of a series says: rows, evaluation set, metric, and whether more or less of it is better."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from justright.logs.logged_run import Role
from justright.logs.names.metric_words import (
    DECISIVE,
    ENDINGS_LESS,
    ENDINGS_MISTAKES,
    ENDINGS_MORE,
    LOSSES,
    MISTAKES,
    MORE,
    NO_MEASURE,
    PHRASES,
    SYNONYMS,
    word_set,
)
from justright.logs.names.other_languages import in_english

Direction = Literal["less", "more"]
NAMELESS = "value"  # the metric of a name that holds nothing but rows

ROLES: dict[str, Role] = {
    **dict.fromkeys(word_set("train training trn tr trl learn insample trainset"), "train"),
    **dict.fromkeys(
        word_set(
            "val vali valid validation validate validating evaluating vld va vl dev devel development eval evaluation evaluate holdout heldout cv oof"
            " outofsample outoffold crossval crossvalidation valset devset evalset"
        ),
        "validation",
    ),
    **dict.fromkeys(word_set("test testing tst te tel ts testset"), "test"),
}
# Words for rows that give way to a plainer one in the same name: 'eval_train_loss' is on training rows.
VAGUE_ROLES = frozenset({"eval", "evaluation", "evaluate", "learn", "cv", "ts", "te"})
ROLE_PHRASES = {
    ("hold", "out"): "holdout",
    ("held", "out"): "heldout",
    ("in", "sample"): "insample",
    ("out", "of", "sample"): "outofsample",
    ("out", "of", "fold"): "outoffold",
    ("cross", "val"): "crossval",
    ("cross", "validation"): "crossvalidation",
}
# How a number was averaged says nothing about what it is.
DECORATIONS = word_set(
    "avg average mean epoch running smoothed smooth ema moving cumulative current cur overall global mn on over set"
)
PATHS = word_set("metrics metric performance stats scalars log logs history monitor")
CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+|[^\W\d_a-zA-Z]+")
NUMBERED = re.compile(r"([a-z]+)(\d+)")
DATALOADER = re.compile(r"[/_]dataloader_idx_(\d+)$")
UNITS = re.compile(r"\s*(?:\[[^\]]*\]|\((?:%|nats|bits|db|dB|ms|s|pct|percent)\))$")
LIGHTGBM = re.compile(r"(.+?)'s\s+(.+)")  # "valid_0's binary_logloss"


@dataclass(frozen=True, slots=True)
class MetricName:
    """What a name says.

    Args:
        metric: the metric in Keras' words: 'loss', 'accuracy', 'binary_crossentropy'.
        role: rows it was measured on; None if the name does not say, as in Keras' 'loss', which is that of training.
        set: name of the evaluation set; empty if there is one of its role, or the name does not say.
    """

    metric: str
    role: Role | None = None
    set: str = ""


@cache
def parse_name(written: str) -> MetricName:
    """Return what a name says by itself; how names of one log belong together is `LogCurves`' business.

    Example:
        >>> parse_name("validation_1-logloss")
        MetricName(metric='logloss', role='validation', set='validation_1')
        >>> [
        ...     parse_name(name).metric
        ...     for name in ("trainLoss", "Avg. Val Acc (%)", "val/loss_epoch", "epoch_accuracy")
        ... ]
        ['loss', 'accuracy', 'loss', 'accuracy']
    """
    text, set_name = UNITS.sub("", written.strip()), ""
    if dataloader := DATALOADER.search(text):
        text, set_name = text[: dataloader.start()], f"dataloader_idx_{dataloader[1]}"
    if booster := LIGHTGBM.fullmatch(text):
        inner, outer = parse_name(booster[2]), _role_of(words_of(booster[1]))[0]
        if booster[1] == "cv_agg":  # of lightgbm.cv, over all folds
            return MetricName(inner.metric, inner.role or "validation")
        return MetricName(inner.metric, outer or inner.role or "validation", _set_name(booster[1], outer))
    words = words_of(text)
    role, at, number = _role_of(words)
    if role is not None:
        words = words[:at] + words[at + (2 if number and words[at + 1 : at + 2] == [number] else 1) :]
        if number:
            set_name = set_name or _set_name(f"{role}_{number}", role, written)
    return MetricName(_metric(words), role, set_name)


def _set_name(written: str, role: Role | None, whole: str = "") -> str:
    """Return the name of a set of rows as it was written, without what its role says already."""
    if role is not None and ROLES.get(written.lower()) == role:
        return ""
    if whole and (found := re.match(r"\W*([A-Za-z]+[ _./-]?\d+)", whole)):
        return found[1]
    return written


def words_of(text: str) -> list[str]:
    """Return the words of a name in lower case, phrases as one word.

    Example:
        >>> words_of("metrics/mAP50-95(B)"), words_of("valCrossEntropy"), words_of("Test R^2")
        (['map50', '95', 'b'], ['val', 'crossentropy'], ['test', 'r2'])
    """
    plain = in_english(text).replace("^2", "2").replace("²", "2").replace("'", "").replace("%", "")
    words: list[str] = []
    for piece in re.split(r"[\W_]+", plain):
        lowered = piece.lower()
        if not piece:
            continue
        if _is_word(lowered) or not re.search(r"[a-z][A-Z]|[A-Z]{2}[a-z]", piece):
            words += _unglued(lowered)
        else:
            words += [word for part in CAMEL.findall(piece) for word in _unglued(part.lower())]
    words = _joined(_joined(words, ROLE_PHRASES), PHRASES)
    return [word for word in words if word not in PATHS] or words


def _is_word(word: str) -> bool:
    stem = word.rstrip("0123456789")
    return any(one in known for one in (word, stem) for known in (LOSSES, MISTAKES, MORE, NO_MEASURE, ROLES))


def _unglued(word: str) -> list[str]:
    """Return 'valloss' as ['val', 'loss']."""
    if _is_word(word):
        return [word]
    for role in sorted(ROLES, key=len, reverse=True):
        rest = word.removeprefix(role)
        if len(role) > 2 and rest != word and rest in LOSSES | MISTAKES | MORE:
            return [role, rest]
        rest = word.removesuffix(role)
        if len(role) > 2 and rest != word and rest in LOSSES | MISTAKES | MORE:
            return [rest, role]
    return [word]


def _joined(words: list[str], phrases: dict[tuple[str, ...], str]) -> list[str]:
    joined: list[str] = []
    at = 0
    while at < len(words):
        length = next((size for size in (3, 2) if tuple(words[at : at + size]) in phrases), 1)
        joined.append(phrases.get(tuple(words[at : at + length]), words[at]))
        at += length
    return joined


def _role_of(words: list[str]) -> tuple[Role | None, int, str]:
    """Return the role that words name, where, and the number behind it: 'valid_0', 'test2'."""
    found: list[tuple[bool, int, Role, str]] = []
    for at, word in enumerate(words):
        numbered = NUMBERED.fullmatch(word)
        name = word if word in ROLES else numbered[1] if numbered else ""
        if name not in ROLES or (len(words) == 1 and len(name) < 3):
            continue
        number = "" if word in ROLES else numbered[2] if numbered else ""
        if not number and at + 1 < len(words) and words[at + 1].isdigit() and at + 2 < len(words):
            number = words[at + 1]
        found.append((name in VAGUE_ROLES, at, ROLES[name], number))
    if not found:
        return None, -1, ""
    _, at, role, number = min(found)
    return role, at, number


def _metric(words: list[str]) -> str:
    """Return the metric that words name, without what says how it was averaged, or whose rows it says again."""
    kept = [word for word in words if word not in ROLES or ROLES[word] == "train"] or words
    for _ in range(len(kept)):
        ends = (kept[1:], kept[0]) if kept[0] in DECORATIONS else (kept[:-1], kept[-1])
        if len(kept) > 1 and ends[1] in (DECORATIONS | {"step"}) and not _means_something(kept):
            kept = ends[0]
    if len(kept) > 1 and kept[-1] == "value":  # 'lm loss value', but not 'value_loss'
        kept = kept[:-1]
    metric = "_".join(SYNONYMS.get(word, word) for word in kept)
    return metric or NAMELESS


def _means_something(words: list[str]) -> bool:
    """Return whether an average is part of a metric's name: 'mean_absolute_error', 'average_precision', 'mean_iou'."""
    text = "_".join(words)
    return bool(
        re.match(
            r"mean_(absolute|squared|average|iou|io|per|percentage|relative|log|pinball|poisson|tweedie|gamma|dice|token|reward|return|class)",
            text,
        )
        or re.match(r"(average|avg)_precision", text)
        or re.fullmatch(r"epoch|step", text)
        or re.match(r"(smooth|global)_l1", text)
    )


def direction_of(metric: str) -> Direction | None:
    """Return whether less or more of a metric is better; None for a number that is no measure of success.

    Example:
        >>> [
        ...     direction_of(name)
        ...     for name in ("loss", "mAP50-95(B)", "val_wer", "learning_rate", "loss_scale", "neg_log_loss")
        ... ]
        ['less', 'more', 'less', None, None, 'more']
    """
    return _judge(metric)[0]


def names_metric(written: str) -> bool:
    """Return whether a name is that of a measure of success, whatever rows it names besides.

    Example:
        >>> [names_metric(name) for name in ("val/loss", "Train Acc", "validation_0", "lr")]
        [True, True, False, False]
    """
    return direction_of(parse_name(written).metric) is not None


def is_loss(metric: str) -> bool:
    """Return whether a metric is a loss, or an error that falls as one does; rates of mistakes, such as WER, are not.

    Example:
        >>> [is_loss(name) for name in ("binary_crossentropy", "rmse", "perplexity", "wer", "accuracy", "lr")]
        [True, True, True, False, False, False]
    """
    return _judge(metric)[1]


@cache
def _judge(metric: str) -> tuple[Direction | None, bool]:
    """Return (direction, whether it is a loss)."""
    words = [word for word in words_of(metric) if word not in ROLES]
    if not words:
        return None, False
    stems = [
        word if word in MORE | LOSSES | MISTAKES else word.rstrip("0123456789") or word for word in words
    ]
    if words[0] in ("neg", "negative", "minus") and len(words) > 1:
        direction, _ = _judge("_".join(words[1:]))
        return {"less": "more", "more": "less", None: None}[direction], False
    if stems[0] in ("best", "num", "n", "count", "early", "prev", "previous"):
        return None, False
    if stems[-1] not in DECISIVE and any(word in NO_MEASURE for word in stems):
        return None, False
    if any(word in ("mean", "root") for word in stems) and {
        "squared",
        "absolute",
        "percentage",
        "logarithmic",
    } & set(stems):
        return "less", True  # mean_squared_error, root_mean_squared_error
    if {"absolute", "squared"} & set(stems) and "error" in stems:
        return "less", True
    if any(word in LOSSES or (word.endswith(ENDINGS_LESS) and word != "entropy") for word in stems):
        return "less", True
    for word in reversed(stems):
        if word in MISTAKES:
            return "less", False
        if word in MORE:
            return "more", False
    for word in reversed(stems):
        if word.endswith(ENDINGS_MISTAKES):
            return "less", False
        if word.endswith(ENDINGS_MORE):
            return "more", False
    return None, False
