"""Effects of remedies as rows of text and as lines of a chart, in one order for every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from justright.diagnosis.words.formats import format_chance, format_interval, format_rounded, metric_words
from justright.study.remedy import LADDER_GROUP

TIE = "="  # stands beside every remedy that cannot be told from the best one of its baseline


def effect_rows(summary: Mapping[str, Any], *, steps: bool | None = None) -> list[dict[str, str]]:
    """Return a row a remedy, the best first, then the steps of a combination in their order; every cell is text.

    Each is {remedy, baseline, strengths, difference, interval, chance, chance_best, tie, note}: the strengths among
    which validation rows chose, chances to be better than the baseline and to be the best of its remedies, and what
    the interval speaks about where that is not rows and seeds.

    Args:
        summary: what `summarise` returned.
        steps: True for the steps of a combination alone, False for all but them, None for both.
    """
    strengths = {
        item["chosen"]: [each["strength"] for each in item["strengths"]]
        for item in summary.get("strengths") or ()
    }
    rivals = Counter(one["baseline"] for one in summary["effects"] if _is_variant(one))
    ties = Counter(
        one["baseline"] for one in summary["effects"] if _is_variant(one) and one.get("is_tied_with_best")
    )
    return [
        _row(
            effect,
            strengths.get(effect["remedy"], ()),
            has_rivals=rivals[effect["baseline"]] > 1,
            has_ties=ties[effect["baseline"]] > 1,
        )
        for effect in ordered_effects(summary, steps=steps)
    ]


def ordered_effects(summary: Mapping[str, Any], *, steps: bool | None = None) -> list[Mapping[str, Any]]:
    """Return effects in the order in which they are shown; `steps` as in `effect_rows`."""
    order = {
        variant["name"]: number
        for number, variant in enumerate(summary["variants"])
        if variant.get("group") == LADDER_GROUP
    }
    rest = [effect for effect in summary["effects"] if effect["remedy"] not in order]
    rest.sort(key=lambda effect: (effect.get("difference") is None, effect.get("difference")))
    chain = [effect for effect in summary["effects"] if effect["remedy"] in order]
    chain.sort(key=lambda effect: order[effect["remedy"]])
    return (rest if not steps else []) + (chain if steps in (None, True) else [])


def effect_lines(summary: Mapping[str, Any], *, steps: bool) -> list[dict[str, Any]]:
    """Return the rows of the chart of effects: {v: label, row: from the top, y: difference, low, high}.

    Early stopping is left to the table: against a last epoch it may be a hundred times any other effect.
    """
    known = [
        one
        for one in ordered_effects(summary, steps=steps)
        if one.get("difference") is not None and one.get("kind") != "early stopping"
    ]
    return [
        {
            "v": str(one["remedy"]) if steps else f"{one['remedy']} vs {one['baseline']}",
            "row": row,
            "y": one["difference"],
            "low": one["low"],
            "high": one["high"],
        }
        for row, one in enumerate(known)
    ]


def choice_sentence(summary: Mapping[str, Any]) -> str:
    """Return what validation rows choose among networks and ensembles, or nothing where no catalogue was tried."""
    choice = summary.get("choice")
    if not choice or not summary.get("strengths") or choice["test"]["mean"] is None:
        return ""
    test = choice["test"]
    loss = metric_words(summary["loss"]).lower()
    over = "test rows" if choice["is_ensemble"] or len(summary["seeds"]) < MANY else "test rows and seeds"
    return (
        f"Validation rows choose {choice['name']} of {choice['candidates']} networks and ensembles: {loss} "
        f"{format_rounded('loss', test['mean'], test['low'], test['high'])} {format_interval('loss', test['low'], test['high'])} over {over}."
    )


def _row(
    effect: Mapping[str, Any], strengths: Sequence[float | None], *, has_rivals: bool, has_ties: bool
) -> dict[str, str]:
    """Return one row; the only remedy of a network is not the best of several, and one that wins alone ties with none."""
    difference = effect.get("difference")
    searched = [f"{one:g}" for one in strengths if one is not None]
    return {
        "remedy": str(effect["remedy"]),
        "baseline": str(effect["baseline"])
        + (" at its last epoch" if effect.get("kind") == "early stopping" else ""),
        "strengths": ", ".join(searched) if len(searched) > 1 else "",
        "difference": format_rounded("loss", difference, effect.get("low"), effect.get("high"), signed=True),
        "interval": format_interval("loss", effect.get("low"), effect.get("high"), signed=True),
        "chance": format_chance(effect.get("probability_better")),
        "chance_best": format_chance(effect.get("probability_best") if has_rivals else None),
        "tie": TIE if has_ties and effect.get("is_tied_with_best") and _is_variant(effect) else "",
        "note": "rows only" if effect.get("covers") == "rows" else "",
    }


def _is_variant(effect: Mapping[str, Any]) -> bool:
    return bool(effect.get("kind", "variant") == "variant")


MANY = 2  # seeds from which an interval covers seeds as well
