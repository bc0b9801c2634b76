"""What TensorFlow's tutorial says about its seven networks, judged again on rows that neither trained nor chose.

Source: https://www.tensorflow.org/tutorials/keras/overfit_and_underfit, which judges by curves on 1,000 validation rows
and one seed. Each sentence becomes a claim about differences of test losses.

A claim is *not tested* where its premise was not reached. A network that its epoch limit cut short may still get better,
and may still overfit: that it is worse than another, or does not overfit, is then not known; that it is better, or
overfits, is. Nor are sentences about overfitting tested where nothing overfitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import hypot

import numpy as np

from justright.diagnosis.claims import Answer, Claim
from justright.diagnosis.ends import judge_rise
from justright.diagnosis.findings import Findings
from justright.diagnosis.judged import JudgedStudy
from justright.diagnosis.words.advice import cut_short_sentence
from justright.diagnosis.words.numbers import counted, estimate, listed, number
from justright.higgs.columns import HIGGS_FEATURES
from justright.statistics.crossed import Floats, crossed
from justright.statistics.intervals import Interval
from justright.statistics.simultaneous import draws_for, judge_jointly

SIZES = ("Tiny", "Small", "Medium", "Large")
NETWORKS = (*SIZES, "L2", "Dropout", "Combined")


@dataclass(frozen=True, slots=True)
class Networks:
    """The tutorial's seven networks, measured with the same seeds on the same test rows.

    Args:
        found: what was found about each.
        margin: what counts as a difference.
        level: coverage of all intervals of one claim together.
        seed: of the draws.
    """

    found: Mapping[str, Findings]
    margin: float
    level: float
    seed: int

    def rises(self, names: Iterable[str]) -> dict[str, Interval]:
        """Return by how much the end of training is worse than the best epoch; by Bonferroni the intervals hold together."""
        chosen = [self.found[name] for name in names]
        share = 1 - (1 - self.level) / len(chosen)
        return {one.name: judge_rise(one.measured, level=share) for one in chosen}

    def above(self, name: str, others: Iterable[str]) -> dict[str, Interval]:
        """Return the losses of other networks minus that of `name`, each at its best epoch; the intervals hold together."""
        tables = {other: crossed(self._difference(other, name)) for other in others}
        draws = draws_for(self.seed, "claims", *tables)
        joint = judge_jointly(list(tables.values()), level=self.level, rng=draws)
        return dict(zip(tables, joint.intervals, strict=True))

    def is_final(self, name: str) -> bool:
        """Return whether more training would change neither a network's best loss nor whether it overfits."""
        return not self.found[name].is_cut_short

    def cut_short(self, names: Iterable[str]) -> list[Findings]:
        """Return those networks that the epoch limit cut short."""
        return [self.found[name] for name in names if not self.is_final(name)]

    def _difference(self, left: str, right: str) -> Floats:
        """Return (seeds, rows) differences of losses."""
        return self.found[left].measured.best.astype(np.float64) - self.found[right].measured.best


def tutorial_claims(study: JudgedStudy) -> tuple[Claim, ...]:
    """Return the tutorial's sentences, judged; none for another table, or without all seven networks and test rows."""
    evidence = study.evidence
    found = {
        one.variant: one.found
        for one in study.verdicts
        if one.variant in NETWORKS and one.found is not None and one.found.measured.source == "test"
    }
    if evidence.columns != HIGGS_FEATURES or len(found) < len(NETWORKS):
        return ()
    if len({one.measured.seeds for one in found.values()}) > 1:
        return ()
    networks = Networks(found, study.margin, study.level, study.seed)
    return tuple(claim(networks) for claim in CLAIMS)


def _only_tiny(networks: Networks) -> Claim:
    """Judge whether Tiny's loss has not risen by the end of training, and that of every larger network has."""
    margin, rises = networks.margin, networks.rises(SIZES)
    has_risen = {name: one.is_above(margin) for name, one in rises.items()}
    stays_low = {name: one.is_below(margin) and networks.is_final(name) for name, one in rises.items()}
    why = ""
    if cut := networks.cut_short(SIZES):
        why = cut_short_sentence(cut)
    elif all(stays_low.values()):
        why = "None of the four networks overfitted."
    return _claim(
        'Only the "Tiny" model manages to avoid overfitting altogether.',
        is_shown=stays_low["Tiny"] and all(has_risen[name] for name in SIZES[1:]),
        is_refuted=has_risen["Tiny"]
        or (any(has_risen.values()) and any(stays_low[name] for name in SIZES[1:])),
        why=why,
        measured=_rise_sentence(networks, rises, f" (margin {number(margin)})"),
    )


def _resistant(networks: Networks) -> Claim:
    """Judge whether L2's loss rises less than Large's, which must have risen, in as many epochs or more."""
    margin, rises = networks.margin, networks.rises(("L2", "Large"))
    less = _difference(rises["Large"], rises["L2"])
    epochs = {name: np.mean([run.epochs for run in networks.found[name].measured.runs]) for name in rises}
    has_premise, why = rises["Large"].is_above(margin), ""
    if rises["Large"].is_below(margin):
        why = f"Large did not overfit in its {counted(round(epochs['Large']), 'epoch')}."
    elif not has_premise:
        why = cut_short_sentence(networks.cut_short(["Large"]))
    elif epochs["L2"] < epochs["Large"]:
        why = cut_short_sentence(networks.cut_short(["L2"]))
    return _claim(
        'This "L2" model is also much more resistant to overfitting than the "Large" model it was based on despite having '
        "the same number of parameters.",
        is_shown=has_premise and not why and less.is_above(margin),
        is_refuted=has_premise and less.is_below(margin),
        why=why,
        measured=_rise_sentence(networks, rises, f": by {estimate(less)} less"),
    )


def _not_beating_tiny(networks: Networks) -> Claim:
    """Judge whether neither L2 nor dropout alone has a lower loss than Tiny, each at its best epoch."""
    above = networks.above("Tiny", ("L2", "Dropout"))
    return _claim(
        'But this [L2 or dropout] still doesn\'t beat even the "Tiny" baseline.',
        is_shown=all(
            one.is_above(-networks.margin) and networks.is_final(name) for name, one in above.items()
        ),
        is_refuted=networks.is_final("Tiny") and any(one.is_below(0.0) for one in above.values()),
        why=cut_short_sentence(networks.cut_short(("Tiny", *above))),
        measured=f"Test loss minus that of Tiny, each at its best epoch: {_each(above)}.",
    )


def _combined_best(networks: Networks) -> Claim:
    """Judge whether Combined has the lowest loss, each network at its best epoch."""
    others = [name for name in NETWORKS if name != "Combined"]
    above = networks.above("Combined", others)
    return _claim(
        'This model with the "Combined" regularization is obviously the best one so far.',
        is_shown=all(one.is_above(0.0) and networks.is_final(name) for name, one in above.items()),
        is_refuted=networks.is_final("Combined") and any(one.is_below(0.0) for one in above.values()),
        why=cut_short_sentence(networks.cut_short(NETWORKS)),
        measured=f"Test loss minus that of Combined, each at its best epoch: {_each(above)}.",
    )


def _claim(quote: str, *, is_shown: bool, is_refuted: bool, why: str, measured: str) -> Claim:
    """Return a claim; what is neither shown nor refuted is not tested if there is a reason why not."""
    answer: Answer = (
        "does not hold" if is_refuted else "holds" if is_shown else "not tested" if why else "cannot be told"
    )
    return Claim(quote, answer, f"{why} {measured}" if answer == "not tested" else measured)


def _difference(left: Interval, right: Interval) -> Interval:
    """Return the interval of left - right from those of both (Zou and Donner, Statistics in Medicine 27, 2008).

    It takes the two estimates for independent; as networks on the same rows they are rather alike, so it is wide.
    """
    mean = left.mean - right.mean
    below = hypot(left.mean - left.low, right.high - right.mean)
    above = hypot(left.high - left.mean, right.mean - right.low)
    return Interval(mean, mean - below, mean + above, min(left.seeds, right.seeds))


def _rise_sentence(networks: Networks, rises: Mapping[str, Interval], ending: str) -> str:
    """Return by how much losses rise to the end of training."""
    runs = [run for name in rises for run in networks.found[name].measured.runs]
    if all(run.chosen_epoch == run.epochs - 1 for run in runs):
        return f"The best epoch of {'both' if len(rises) == 2 else 'each'} is the last one."
    return f"From the best epoch to the last the test loss rises by {_each(rises)}{ending}."


def _each(intervals: Mapping[str, Interval]) -> str:
    return listed([f"{estimate(one)} ({name})" for name, one in intervals.items()])


CLAIMS: tuple[Callable[[Networks], Claim], ...] = (
    _only_tiny,
    _resistant,
    _not_beating_tiny,
    _combined_best,
)
