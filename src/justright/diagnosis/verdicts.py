"""The verdict on a variant: one of five labels, with the sentences and intervals behind it.

| label | when |
|---|---|
| `overfits` | the loss is higher at the last epoch than at the chosen one, by more than the margin (the whole interval), while the training loss fell |
| `diverged` | no run ended well, or most diverged, or the loss rose as above while the training loss rose too |
| `underfits` | something else in the study has a loss lower by more than the margin (the whole interval, simultaneous over all comparisons) |
| `just right` | both are excluded: every interval lies entirely on the harmless side of the margin; never for a network that has learned nothing |
| `undecided` | otherwise; the reasons say how many seeds or rows would decide |

Overfitting is about how training ended, underfitting about what else was measured. A network can do both: it trains too
long, and even its best epoch is worse than a larger network's. Then the label is `overfits`, because that is what the
user's own run did and the remedy (stop earlier) is free; the reasons state the other finding as well. `just right`
claims only what was measured: a network without anything to compare it with never gets that label.

Underfitting is shown by these, each measured in the same study and paired by seed and row: *more capacity* and *capacity
with regularization* (any variant with more parameters, without or with a baseline of its own), *less regularization*
(the baseline of a regularized variant), the reference model, and the change of a baseline that a variant declares:
`jr.Variant("Longer", jr.mlp(16), recipe=jr.Recipe(max_epochs=5_000), baseline="Tiny", change="longer training")`, or
`change = "longer training"` in a study file.

**Since when.** Where the end of training made the loss worse, the verdict names the epochs whose validation loss cannot
be told apart from the best (the intervals of all measured epochs hold together); the first of them is the cheapest good
epoch. In binary tasks the same is done for accuracy, and reported where the good epochs end sooner or later: confidence
in wrong answers can grow while the answers get better. With several classes, accuracy at the chosen and at the last
epoch is compared over seeds.

**What would decide.** An `undecided` verdict says how many more seeds or test rows would probably decide it, from the
variances measured so far, and the facts name the command: `justright run --out DIR --seeds N` trains the seeds that are missing,
`justright run --out DIR --test FILE` measures the trained networks on other test rows; nothing is trained twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from justright.diagnosis.evidence import VariantEvidence
from justright.diagnosis.labels import DIVERGED, JUST_RIGHT, OVERFITS, UNDECIDED, UNDERFITS, Label
from justright.diagnosis.learned import Learned, learned_reasons
from justright.diagnosis.measured import Measured
from justright.diagnosis.onset import Onset, onset_reasons
from justright.diagnosis.overfit import Overfit, overfit_reasons
from justright.diagnosis.underfit import Candidate, candidate_reasons
from justright.diagnosis.words.advice import needs_reasons
from justright.diagnosis.words.numbers import counted, listed
from justright.plugins import plugged_in
from justright.statistics.intervals import Interval
from justright.statistics.sample_size import Needs, combine_needs

ENDED_AT_LIMIT = "finished"
# A best epoch in the last tenth of an epoch-limited run: it was probably still improving.
STILL_IMPROVING = 0.9


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a variant is, and why.

    Args:
        variant: its name.
        label: the name of its label.
        onset: first and last epoch that cannot be told apart from the best by their loss.
        margin: what counts as a difference, in units of the loss.
        reasons: plain sentences, the decisive one first.
        rise: loss at the last epoch minus at the chosen one; None when no run could be measured.
        test: mean loss at the chosen epoch on the rows that measure; None likewise.
        candidates: what it was compared with, the largest gain first.
        needs: what would decide an `undecided` verdict.
        accuracy_onset: like `onset`, by the share of wrong answers; None unless the task is binary.
        learned: how it compares with the constant prediction; None if that is not known.
    """

    variant: str
    label: str
    onset: Onset | None
    margin: float
    reasons: tuple[str, ...]
    rise: Interval | None
    test: Interval | None
    candidates: tuple[Candidate, ...] = ()
    needs: Needs | None = None
    accuracy_onset: Onset | None = None
    learned: Learned | None = None

    @property
    def has_learned(self) -> bool | None:
        """Whether it beats the constant prediction; None if that is open or not known."""
        return self.learned.is_shown if self.learned is not None else None

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as in result.json."""
        onset = None
        if self.onset is not None:
            onset = {"low": self.onset.low, "high": self.onset.high, "last": self.onset.last}
        return {
            "label": self.label,
            "onset_epoch": onset,
            "margin": self.margin,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What was found about one measured variant, for verdict rules.

    Args:
        measured: its losses.
        overfit: what the end of training did.
        candidates: what it was compared with, the largest gain first.
        test: mean loss at the chosen epoch on the rows that measure.
        onset: the epochs that cannot be told apart from the best.
        accuracy_onset: like `onset`, by the share of wrong answers; None if unknown.
        learned: how it compares with the constant prediction; None if unknown.
    """

    measured: Measured
    overfit: Overfit
    candidates: tuple[Candidate, ...]
    test: Interval
    onset: Onset | None
    accuracy_onset: Onset | None = None
    learned: Learned | None = None

    @property
    def has_learned_nothing(self) -> bool:
        """Whether it does not beat the constant prediction."""
        return self.learned is not None and self.learned.is_shown is False

    @property
    def outcomes(self) -> list[str]:
        """How each run of the variant ended."""
        return [run.outcome for run in self.measured.variant.runs]

    @property
    def ending(self) -> tuple[str, ...]:
        """The sentences about the end of training."""
        since = onset_reasons(self.onset, self.accuracy_onset) if self.overfit.has_risen else ()
        return (*overfit_reasons(self.overfit, self.measured), *since)

    @property
    def comparisons(self) -> tuple[str, ...]:
        """The sentences about what it was compared with."""
        return candidate_reasons(self.candidates, self.overfit.margin, loss=self.measured.loss)

    @property
    def needs(self) -> Needs | None:
        """What would decide between the labels; None where no comparison is open."""
        return what_decides(self.overfit, self.candidates)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a variant gets a label, and why.

    Args:
        label: the name of the label.
        applies: whether the findings earn the label, if no earlier rule applies.
        reasons: the sentences, the decisive one first.
    """

    label: Label
    applies: Callable[[Findings], bool]
    reasons: Callable[[Findings], tuple[str, ...]] = lambda found: (*found.ending, *found.comparisons)


def decide(found: Findings) -> Verdict:
    """Return the verdict on a measured variant, by the first rule that applies."""
    rule = next(rule for rule in rules() if rule.applies(found))
    needs = found.needs if rule.label.tone == "open" else None
    learned = learned_reasons(found.learned, loss=found.measured.loss)
    reasons = (
        *_left_out(found.measured),
        *(learned if found.has_learned_nothing else ()),
        *rule.reasons(found),
        *(() if found.has_learned_nothing else learned),
        *needs_reasons(needs, found.measured),
        *_limits(found.measured),
    )
    return Verdict(
        found.measured.variant.name,
        rule.label.name,
        found.onset,
        found.overfit.margin,
        reasons,
        found.overfit.rise,
        found.test,
        found.candidates,
        needs,
        found.accuracy_onset,
        found.learned,
    )


def decide_unmeasured(variant: VariantEvidence, margin: float) -> Verdict:
    """Return the verdict on a variant none of whose runs can be measured."""
    outcomes = [run.outcome for run in variant.runs]
    label, count = UNDECIDED, counted(len(outcomes), "run")
    reason = f"None of its {count} left usable losses by row."
    if "diverged" in outcomes:
        label = DIVERGED
        reason = f"{outcomes.count('diverged')} of {count} diverged, and none could be measured."
    return Verdict(variant.name, label.name, None, margin, (reason,), None, None)


def rules() -> tuple[Rule, ...]:
    """Return the rules in order; plugged-in ones are more specific, and come first."""
    return (*plugged_in("rules"), *RULES)


def what_decides(overfit: Overfit, candidates: tuple[Candidate, ...]) -> Needs | None:
    """Return what would decide the label; None if no comparison is open.

    Where a measured difference lies beyond the margin, showing that one is enough; else all must be excluded.
    """
    harmful = [one.needs for one in candidates if one.difference.mean < -one.gain_margin]
    if overfit.rise.mean > overfit.margin and (overfit.has_train_fallen or overfit.has_train_risen):
        harmful.append(overfit.needs)
    if any(one is not None for one in harmful):
        return combine_needs([one for one in harmful if one is not None], any_is_enough=True)
    found = [one for one in (overfit.needs, *(one.needs for one in candidates)) if one is not None]
    return combine_needs(found, any_is_enough=False) if found else None


def _has_diverged(found: Findings) -> bool:
    most = 2 * found.outcomes.count("diverged") > len(found.outcomes)
    return most or (found.overfit.has_risen and found.overfit.has_train_risen)


def _is_just_right(found: Findings) -> bool:
    candidates = found.candidates
    is_excluded = found.overfit.is_excluded and all(one.is_excluded for one in candidates)
    return is_excluded and bool(candidates) and not found.has_learned_nothing


def _left_out(measured: Measured) -> tuple[str, ...]:
    """Return the sentence about runs that were left out."""
    runs = measured.variant.runs
    left_out = len(runs) - len(measured.runs)
    if not left_out:
        return ()
    outcomes = [run.outcome for run in runs if not run.is_measured]
    kinds = [f"{outcomes.count(kind)} {kind}" for kind in sorted(set(outcomes))]
    verb = "was" if left_out == 1 else "were"
    return (
        f"{left_out} of {counted(len(runs), 'run')} {verb} left out ({listed(kinds) if kinds else 'no losses'}).",
    )


def _limits(measured: Measured) -> tuple[str, ...]:
    """Return the sentences about the limits of the verdict."""
    sentences = []
    limited = [run for run in measured.runs if run.outcome == ENDED_AT_LIMIT]
    if limited and all(run.chosen_epoch >= STILL_IMPROVING * (run.epochs - 1) for run in limited):
        sentences.append(
            f"The best epoch is near the end of a run that stopped at its limit of "
            f"{counted(limited[0].epochs, 'epoch')}: longer training may help; that was not measured."
        )
    if measured.source != "test":
        sentences.append(
            "There are no test rows: each half of the validation rows was measured at the epoch that the other half "
            "chose."
        )
    if len(measured.runs) == 1:
        sentences.append(
            "One seed was trained: the intervals cover rows only and speak about this one network."
        )
    return tuple(sentences)


# In the order of the table at the top of this file; read through `rules`.
RULES: tuple[Rule, ...] = (
    Rule(DIVERGED, _has_diverged),
    Rule(OVERFITS, lambda found: found.overfit.has_risen and found.overfit.has_train_fallen),
    Rule(
        UNDERFITS,
        lambda found: any(one.is_better for one in found.candidates),
        lambda found: (*found.comparisons, *found.ending),
    ),
    Rule(JUST_RIGHT, _is_just_right),
    Rule(UNDECIDED, lambda found: True),
)
