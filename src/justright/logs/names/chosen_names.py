"""What the user says about the names of a log."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches

from justright.data.checks import listed
from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.names.named_series import NamedLog, NamedSeries

MAX_NAMES = 20  # that a message lists


def apply_choices(log: NamedLog, choices: Choices) -> None:
    """Give the series that the user named their rows, metric and direction, and put those first.

    Raises:
        InputError: a name is not in the log.
    """
    unknown: list[tuple[str, str]] = []

    def find(option: str, name: str) -> list[NamedSeries]:
        found = _matches(log.series, name)
        if not found:
            unknown.append((option, name))
        return found

    if choices.train is not None:
        for one in find("--train", choices.train):
            one.role, one.is_chosen = "train", True
    chosen: list[NamedSeries] = []
    for name in choices.validation:
        found = find("--validation", name)
        for one in found:
            if one.role == "train" and not one.is_chosen:
                one.set = ""
            one.role, one.is_chosen = "validation", True
        chosen += [one for one in found if all(one is not other for other in chosen)]
    _name_chosen_sets(chosen)
    if choices.metric is not None:
        found = find("--metric", choices.metric)
        log.metric = found[0].metric if found else ""
    for option, names, direction in (
        ("--maximize", choices.maximize, "more"),
        ("--minimize", choices.minimize, "less"),
    ):
        for name in names:
            metrics = {one.metric for one in find(option, name)}
            for one in log.series:
                if one.metric in metrics:
                    one.direction = "more" if direction == "more" else "less"
                    one.is_loss = one.is_loss and direction == "less"
    if unknown:
        raise InputError(_unknown_names(unknown, [one.written for one in log.series]))
    first = [one for one in log.series if one.is_chosen and one.role == "train"] + chosen
    log.series = first + [one for one in log.series if all(one is not other for other in first)]


def _name_chosen_sets(chosen: Sequence[NamedSeries]) -> None:
    """Let series of one metric that were all chosen for validation be sets of their own."""
    twice = Counter((one.metric, one.set) for one in chosen)
    for one in chosen:
        if twice[one.metric, one.set] > 1:
            one.set = one.written


def _matches(series: Sequence[NamedSeries], name: str) -> list[NamedSeries]:
    """Return the series of a name: written so, written so in another case, on a set of that name, or of that metric."""
    lowered = name.lower()
    for is_match in (
        lambda one: one.written == name,
        lambda one: one.written.lower() == lowered,
        lambda one: one.set.lower() == lowered,
        lambda one: bool(re.match(re.escape(lowered) + r"[\W_]", one.written.lower())),
        lambda one: one.metric.lower() == lowered,
    ):
        found = [one for one in series if is_match(one)]
        if found:
            return found
    return []


def _unknown_names(unknown: Sequence[tuple[str, str]], written: Sequence[str]) -> str:
    names = list(dict.fromkeys(written))
    lowered = {name.lower(): name for name in names}
    got = []
    for option, name in unknown:
        near = get_close_matches(name.lower(), list(lowered), n=1)
        got.append(f"{option} {name!r}" + (f" (did you mean {lowered[near[0]]!r}?)" if near else ""))
    return f"A name must be in the log; got {' and '.join(got)}. It holds {listed(names, most=MAX_NAMES)}."
