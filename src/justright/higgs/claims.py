"""What TensorFlow's tutorial says about its seven networks, judged again on rows that neither trained nor chose.

Source: https://www.tensorflow.org/tutorials/keras/overfit_and_underfit, which judges by curves on 1,000 validation rows
and one seed. Each sentence becomes a claim about differences of test losses, which holds, does not hold, or cannot be
told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from justright.diagnosis.claims import Answer, Claim
from justright.diagnosis.judged import JudgedStudy
from justright.diagnosis.measured import Measured
from justright.diagnosis.words.numbers import estimate, listed, number
from justright.higgs.columns import HIGGS_FEATURES
from justright.statistics.crossed import Floats, crossed
from justright.statistics.intervals import Interval
from justright.statistics.simultaneous import draws_for, judge_jointly

SIZES = ("Tiny", "Small", "Medium", "Large")
NETWORKS = (*SIZES, "L2", "Dropout", "Combined")


def tutorial_claims(study: JudgedStudy) -> tuple[Claim, ...]:
    """Return the tutorial's sentences, judged; none for another table, or without all seven networks and test rows."""
    evidence, measured = study.evidence, study.measured
    if evidence.columns != HIGGS_FEATURES or evidence.test_rows == 0 or not set(NETWORKS) <= set(measured):
        return ()
    networks = {name: measured[name] for name in NETWORKS}
    if len({(one.seeds, one.source) for one in networks.values()}) > 1:
        return ()
    return tuple(claim(networks, study.margin, study.level, study.seed) for claim in CLAIMS)


def _only_tiny(networks: Mapping[str, Measured], margin: float, level: float, seed: int) -> Claim:
    """Judge whether Tiny's loss has not risen by the last epoch, and that of every larger network has."""
    rises = _jointly({name: networks[name].rise for name in SIZES}, level, seed)
    larger = [rises[name] for name in SIZES[1:]]
    return Claim(
        'Only the "Tiny" model manages to avoid overfitting altogether.',
        _answer(
            rises["Tiny"].is_below(margin) and all(one.is_above(margin) for one in larger),
            rises["Tiny"].is_above(margin) or any(one.is_below(margin) for one in larger),
        ),
        f"From its best to its last epoch the test loss rises by {_each(rises)} (margin {number(margin)}).",
    )


def _resistant(networks: Mapping[str, Measured], margin: float, level: float, seed: int) -> Claim:
    """Judge whether L2's loss rises less than Large's."""
    l2, large = networks["L2"].rise, networks["Large"].rise
    found = _jointly({"L2": l2, "Large": large, "less": l2 - large}, level, seed)
    return Claim(
        'The "L2" model is much more resistant to overfitting than the "Large" model it was based on.',
        _answer(found["less"].is_below(-margin), found["less"].is_above(-margin)),
        f"From its best to its last epoch the test loss rises by {_each({name: found[name] for name in ('L2', 'Large')})}: "
        f"by {estimate(found['less'].negated())} less.",
    )


def _not_beating_tiny(networks: Mapping[str, Measured], margin: float, level: float, seed: int) -> Claim:
    """Judge whether neither L2 nor dropout alone has a lower loss than Tiny, each at its best epoch."""
    found = _jointly(
        {name: _difference(networks[name], networks["Tiny"]) for name in ("L2", "Dropout")}, level, seed
    )
    return Claim(
        'L2 and dropout improve the "Large" model, but this still doesn\'t beat even the "Tiny" baseline.',
        _answer(
            all(one.is_above(-margin) for one in found.values()),
            any(one.is_below(0.0) for one in found.values()),
        ),
        f"Test loss minus that of Tiny, each at its best epoch: {_each(found)}.",
    )


def _combined_best(networks: Mapping[str, Measured], margin: float, level: float, seed: int) -> Claim:
    """Judge whether Combined has the lowest loss, each network at its best epoch."""
    others = [name for name in NETWORKS if name != "Combined"]
    found = _jointly(
        {name: _difference(networks[name], networks["Combined"]) for name in others}, level, seed
    )
    return Claim(
        'The model with the "Combined" regularization is obviously the best one so far.',
        _answer(
            all(one.is_above(0.0) for one in found.values()),
            any(one.is_below(0.0) for one in found.values()),
        ),
        f"Test loss minus that of Combined, each at its best epoch: {_each(found)}.",
    )


def _jointly(differences: Mapping[str, Floats], level: float, seed: int) -> dict[str, Interval]:
    """Return simultaneous intervals by name."""
    tables = [crossed(values) for values in differences.values()]
    joint = judge_jointly(tables, level=level, rng=draws_for(seed, "claims", *differences))
    return dict(zip(differences, joint.intervals, strict=True))


def _difference(left: Measured, right: Measured) -> Floats:
    """Return (seeds, rows) differences of networks that share their seeds."""
    return left.best.astype(np.float64) - right.best


def _answer(is_shown: bool, is_refuted: bool) -> Answer:
    if is_refuted:
        return "does not hold"
    return "holds" if is_shown else "cannot be told"


def _each(intervals: Mapping[str, Interval]) -> str:
    return listed([f"{estimate(one)} ({name})" for name, one in intervals.items()])


CLAIMS: tuple[Callable[[Mapping[str, Measured], float, float, int], Claim], ...] = (
    _only_tiny,
    _resistant,
    _not_beating_tiny,
    _combined_best,
)
