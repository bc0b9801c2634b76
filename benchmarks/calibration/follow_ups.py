"""What becomes of `undecided` when a user does what it asks for, as often as it asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.calibration.studies import JUDGED, DrawnStudy
from benchmarks.calibration.truths import is_true, verdict_record
from justright.diagnosis.judge import Judgement
from justright.diagnosis.labels import UNDECIDED
from justright.statistics.sample_size import Needs

ROUNDS = 4  # how often it may ask
FOLLOWED = 2  # undecided verdicts per study: each is judged up to five times
PLANTED = 2  # margins by which everything else is better than the smallest network


def follow_advice(study: DrawnStudy, margin: float) -> list[dict[str, Any]]:
    """Return what became of some undecided verdicts, and of a gain of two margins planted for the smallest network."""
    undecided = [one.variant for one in study.judge().verdicts if one.label == "undecided"]
    undecided = np.random.default_rng(study.seeds).permutation(undecided)[:FOLLOWED].tolist()
    planted = study.planted(PLANTED * margin, margin)
    return [*(_follow(study, name, "as it is") for name in undecided), _follow(planted, JUDGED, "planted")]


def _follow(study: DrawnStudy, name: str, start: str) -> dict[str, Any]:
    """Return the course of one verdict: what it asked for first, and where it ended."""
    rng = np.random.default_rng([len(study.rows), *study.seeds.tolist()])
    one = study.trained[name]
    spare = [
        rng.permutation(np.setdiff1d(np.arange(count), mine))
        for count, mine in ((len(one.epochs), study.seeds), (one.best.shape[1], study.rows))
    ]
    first, rounds, label, end = None, 0, "undecided", "decided"
    while True:
        judgement = study.judge()
        verdict = judgement.verdict(name)
        label = verdict.label
        if label != "undecided":
            break
        plan = _plan(verdict.needs)
        first = first or (_what(plan), plan)
        if plan is None or rounds == ROUNDS:
            end = "nothing asked" if plan is None else "still asking"
            break
        if plan[0] > len(spare[0]) or plan[1] > len(spare[1]):
            end = "out of reach"
            break
        rounds += 1
        taken = [pool[:count] for pool, count in zip(spare, plan, strict=True)]
        spare = [pool[count:] for pool, count in zip(spare, plan, strict=True)]
        study = replace(
            study,
            seeds=np.concatenate([study.seeds, taken[0]]),
            rows=np.concatenate([study.rows, taken[1]]),
        )
    return {
        "start": start,
        "asked": first and first[0],
        "asked_for": first and first[1],
        "rounds": rounds,
        "end": end,
        "is_right": _is_true(study, judgement, name),
        "label": label,
        "design": [len(study.seeds), len(study.rows)],
    }


def _plan(needs: Needs | None) -> tuple[int, int] | None:
    """Return the seeds and rows to add; one seed where the study lies just inside its own plan."""
    least = None if needs is None else needs.least
    return (1, 0) if least == (0, 0) else least


def _what(plan: tuple[int, int] | None) -> str:
    if plan is None:
        return "nothing"
    return "seeds and rows" if all(plan) else "seeds" if plan[0] else "rows"


def _is_true(study: DrawnStudy, judgement: Judgement, name: str) -> bool | None:
    """Return whether a label is true of the means over all seeds; None for one that claims nothing."""
    verdict = judgement.verdict(name)
    if verdict.label == UNDECIDED.name:
        return None
    return is_true(verdict.label, verdict_record(study, verdict, judgement.margin)["truth"])
