"""The verdict on a variant: one of five labels, with the sentences and intervals it rests on.

| label | when |
|---|---|
| `overfits` | loss at the last epoch exceeds that at the chosen one, interval entirely above the margin, training loss fell |
| `diverged` | no run ended well, or most did not, or the same rise while the training loss rose too |
| `underfits` | something measured lowers the loss by more than the margin, simultaneous interval entirely beyond it |
| `just right` | both are excluded: every interval lies entirely on the harmless side of the margin |
| `undecided` | otherwise, with the seeds or rows that would decide |

Overfitting is about how training ended, underfitting about what else was measured: a network can do both (too many
epochs for a network whose best epoch a larger one beats). Then the label is `overfits`, because it is what the
user's own run did and the remedy (stop earlier) is free; the reasons state the other finding as well. A verdict of
`just right` claims only what was measured: no counterfactual, no `just right`.

What can show underfitting, each measured in the same study and paired by seed and row: *more capacity* and *capacity
with regularization* (any variant with more parameters, without or with a baseline of its own), *less regularization*
(the baseline of a regularized variant), the reference model, and what a variant says that it changes of its baseline:
`jr.Variant("Longer", jr.mlp(16), recipe=jr.Recipe(max_epochs=5_000), baseline="Tiny", change="longer training")`, or
`change = "longer training"` in a study file.

**Since when.** Where the end made it worse, the verdict names the epochs that cannot be told from the best one by
validation loss (intervals over all measured epochs hold together), the first of them as the cheapest good epoch. In
binary tasks the same is done for accuracy, and said where it ends sooner or later: confidence in wrong answers can
grow while the answers get better. With several classes accuracy at the chosen and the last epoch is compared over seeds.

**What would decide.** An `undecided` verdict says how many more seeds or test rows would probably do, from the variances
measured so far, and the facts name the command: `justright run --out DIR --seeds N` trains the seeds that are missing,
`justright run --out DIR --test FILE` measures what was trained on other test rows, and nothing is trained twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from justright.diagnosis.evidence import VariantEvidence
from justright.diagnosis.measured import Measured
from justright.diagnosis.onset import Onset
from justright.diagnosis.overfit import Overfit, overfit_reasons
from justright.diagnosis.underfit import Candidate, candidate_reasons
from justright.diagnosis.words.advice import needs_reasons, what_decides
from justright.diagnosis.words.numbers import counted, epochs, listed
from justright.statistics.intervals import Interval
from justright.statistics.sample_size import Needs

Label = Literal["overfits", "underfits", "just right", "undecided", "diverged"]

OVERFITS: Label = "overfits"
UNDERFITS: Label = "underfits"
JUST_RIGHT: Label = "just right"
UNDECIDED: Label = "undecided"
DIVERGED: Label = "diverged"
LABELS: tuple[Label, ...] = (OVERFITS, UNDERFITS, JUST_RIGHT, UNDECIDED, DIVERGED)

ENDED_AT_LIMIT = "finished"
# A best epoch in the last tenth of an epoch-limited run: it was probably still improving.
STILL_IMPROVING = 0.9


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a variant is, and why.

    Args:
        variant: its name.
        label: one of `LABELS`.
        onset: first and last epoch that cannot be told from the best by the loss; beyond `high` it overfits, if it does and
            that was measured.
        margin: what counts as a difference, in units of the loss.
        reasons: plain sentences, the decisive one first.
        overfit: loss at the last minus at the chosen epoch; None when no run could be measured.
        test: mean loss at the chosen epoch on the rows that measure; None likewise.
        candidates: what was measured against it, the largest gain first.
        needs: what would decide an `undecided` verdict.
        accuracy_onset: `onset` by the share of wrong answers; None for other tasks than binary.
    """

    variant: str
    label: Label
    onset: Onset | None
    margin: float
    reasons: tuple[str, ...]
    overfit: Interval | None
    test: Interval | None
    candidates: tuple[Candidate, ...] = ()
    needs: Needs | None = None
    accuracy_onset: Onset | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the `verdict` of a variant in result.json."""
        onset = None
        if self.onset is not None:
            onset = {"low": self.onset.low, "high": self.onset.high, "last": self.onset.last}
        return {
            "label": self.label,
            "onset_epoch": onset,
            "margin": self.margin,
            "reasons": list(self.reasons),
        }


def unmeasured_verdict(variant: VariantEvidence, margin: float) -> Verdict:
    """Return the verdict on a variant none of whose runs can be measured."""
    outcomes = [run.outcome for run in variant.runs]
    if "diverged" in outcomes:
        reason = f"{outcomes.count('diverged')} of {counted(len(outcomes), 'run')} diverged and none could be measured."
        return Verdict(variant.name, DIVERGED, None, margin, (reason,), None, None)
    reason = f"None of {counted(len(outcomes), 'run')} left losses row by row that could be measured."
    return Verdict(variant.name, UNDECIDED, None, margin, (reason,), None, None)


def decide(
    measured: Measured,
    overfit: Overfit,
    candidates: tuple[Candidate, ...],
    test: Interval,
    onset: Onset | None,
    accuracy_onset: Onset | None = None,
) -> Verdict:
    """Return the verdict on a measured variant.

    Args:
        measured: its losses.
        overfit: what the end of training did.
        candidates: what was measured against it.
        test: mean loss at the chosen epoch.
        onset: the epochs that cannot be told from the best.
        accuracy_onset: those by the share of wrong answers, where it is known.
    """
    label = _label(measured, overfit, candidates)
    margin = overfit.margin
    ending = (*overfit_reasons(overfit, measured), *_onset_reasons(overfit, onset, accuracy_onset))
    others = candidate_reasons(candidates, margin, loss=measured.loss)
    needs = what_decides(overfit, candidates) if label == UNDECIDED else None
    reasons = (
        *_run_reasons(measured),
        *((*others, *ending) if label == UNDERFITS else (*ending, *others)),
        *needs_reasons(needs, measured),
        *_limits(measured),
    )
    return Verdict(
        *(measured.variant.name, label, onset, margin, reasons, overfit.rise, test, candidates, needs),
        accuracy_onset,
    )


def _label(measured: Measured, overfit: Overfit, candidates: tuple[Candidate, ...]) -> Label:
    """Return the label, by the table at the top of this file."""
    outcomes = [run.outcome for run in measured.variant.runs]
    if 2 * outcomes.count("diverged") > len(outcomes) or (overfit.has_risen and overfit.has_train_risen):
        return DIVERGED
    if overfit.has_risen and overfit.has_train_fallen:
        return OVERFITS
    if any(one.is_better for one in candidates):
        return UNDERFITS
    is_healthy = overfit.is_excluded and bool(candidates) and all(one.is_excluded for one in candidates)
    return JUST_RIGHT if is_healthy else UNDECIDED


def _onset_reasons(overfit: Overfit, onset: Onset | None, by_accuracy: Onset | None) -> tuple[str, ...]:
    """Return the sentences about the good epochs, by loss and by accuracy, where the end of training made it worse."""
    if onset is None or not overfit.has_risen:
        return ()
    if onset.low == onset.high:
        since = ": after it, it overfits" if onset.is_dated else ""
        said = (
            f"On validation rows every measured epoch but epoch {onset.best} is distinguishably worse{since}."
        )
    else:
        good = (
            f"On validation rows {epochs(onset.low, onset.high)} cannot be told from the best, {onset.best}"
        )
        since = f"after {onset.high} it overfits"
        if not onset.is_dated:  # the rise shows on test rows alone, which are not looked at epoch by epoch
            since = f"{onset.high} is the last one measured: since when it overfits cannot be told"
        said = f"{good}; {onset.low} is the cheapest good epoch, and {since}."
    if by_accuracy is None or by_accuracy.high == onset.high:
        return (said,)
    kept = epochs(by_accuracy.low, by_accuracy.high)
    order = "later" if by_accuracy.high > onset.high else "sooner"
    return (
        said,
        f"By accuracy the good epochs end {order}: {kept} cannot be told from the best, {by_accuracy.best}.",
    )


def _run_reasons(measured: Measured) -> tuple[str, ...]:
    """Return the sentence about runs that were left out."""
    left_out = len(measured.variant.runs) - len(measured.runs)
    if not left_out:
        return ()
    outcomes = [run.outcome for run in measured.variant.runs if not run.is_measured]
    kinds = (
        listed([f"{outcomes.count(kind)} {kind}" for kind in sorted(set(outcomes))])
        if outcomes
        else "no losses"
    )
    return (f"{counted(left_out, 'run')} of {len(measured.variant.runs)} left out ({kinds}).",)


def _limits(measured: Measured) -> tuple[str, ...]:
    """Return the sentences about what the verdict cannot speak about."""
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
