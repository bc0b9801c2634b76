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
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from justright.diagnosis.evidence import VariantEvidence
from justright.diagnosis.intervals import Interval
from justright.diagnosis.measured import Measured
from justright.diagnosis.onset import Onset
from justright.diagnosis.overfitting import Overfit, overfit_reasons
from justright.diagnosis.planning import Needs
from justright.diagnosis.underfitting import Candidate, candidate_reasons
from justright.diagnosis.wording import counted, epochs, listed

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
        onset: first and last epoch that cannot be told from the best; beyond `high` it overfits, if it does and that
            was measured.
        margin: what counts as a difference, in units of the loss.
        reasons: plain sentences, the decisive one first.
        overfit: loss at the last minus at the chosen epoch; None when no run could be measured.
        test: mean loss at the chosen epoch on the rows that measure; None likewise.
        candidates: what was measured against it, the largest gain first.
        needs: what would decide an `undecided` verdict.
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
) -> Verdict:
    """Return the verdict on a measured variant.

    Args:
        measured: its losses.
        overfit: what the end of training did.
        candidates: what was measured against it.
        test: mean loss at the chosen epoch.
        onset: the epochs that cannot be told from the best.
    """
    label = _label(measured, overfit, candidates)
    margin = overfit.margin
    ending = (*overfit_reasons(overfit, measured), *_onset_reasons(overfit, onset))
    others = candidate_reasons(candidates, margin, loss=measured.loss)
    needs = _needs(overfit, candidates) if label == UNDECIDED else None
    reasons = (
        *_run_reasons(measured),
        *((*others, *ending) if label == UNDERFITS else (*ending, *others)),
        *_needs_reasons(needs, measured),
        *_limits(measured),
    )
    return Verdict(
        measured.variant.name, label, onset, margin, reasons, overfit.rise, test, candidates, needs
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


def _onset_reasons(overfit: Overfit, onset: Onset | None) -> tuple[str, ...]:
    """Return the sentence about the good epochs, where the end of training made it worse."""
    if onset is None or not overfit.has_risen:
        return ()
    if onset.low == onset.high:
        since = ": after it, it overfits" if onset.is_dated else ""
        return (
            f"On validation rows every measured epoch but epoch {onset.best} is distinguishably worse{since}.",
        )
    good = f"On validation rows {epochs(onset.low, onset.high)} cannot be told from the best, {onset.best}"
    since = f"after {onset.high} it overfits"
    if not onset.is_dated:  # the rise shows on test rows alone, which are not looked at epoch by epoch
        since = f"{onset.high} is the last one measured: since when it overfits cannot be told"
    return (f"{good}; {onset.low} is the cheapest good epoch, and {since}.",)


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


def _needs(overfit: Overfit, candidates: tuple[Candidate, ...]) -> Needs | None:
    """Return what would decide the label; None where no comparison is open.

    Where a measured difference lies beyond the margin, showing that one is enough; else all must be excluded.
    """
    harmful = [one.needs for one in candidates if one.difference.mean < -one.gain_margin]
    if overfit.rise.mean > overfit.margin and (overfit.has_train_fallen or overfit.has_train_risen):
        harmful.append(overfit.needs)
    if any(one is not None for one in harmful):
        return _combined([one for one in harmful if one is not None], any_is_enough=True)
    every = [overfit.needs, *(candidate.needs for candidate in candidates)]
    found = [one for one in every if one is not None]
    return _combined(found, any_is_enough=False) if found else None


def _combined(every: list[Needs], *, any_is_enough: bool) -> Needs:
    """Return what decides one of several comparisons, the cheapest, or all of them."""
    choose = min if any_is_enough else max
    least = [one.least for one in every if one.least is not None]
    together = None
    if any_is_enough:
        together = min(least, default=None)
    elif len(least) == len(every):
        together = max(seeds for seeds, _ in least), max(rows for _, rows in least)

    def chosen(ways: list[int | None]) -> int | None:
        known = [way for way in ways if way is not None]
        return choose(known) if known and (any_is_enough or len(known) == len(ways)) else None

    return Needs(
        chosen([one.more_seeds for one in every]), chosen([one.more_rows for one in every]), together
    )


def _needs_reasons(needs: Needs | None, measured: Measured) -> tuple[str, ...]:
    """Return the sentence about what would decide."""
    if needs is None:
        return ()
    kind = "test row" if measured.source == "test" else "validation row"
    ways = []
    if needs.more_seeds:
        ways.append(
            f"{counted(needs.more_seeds, 'more seed')} ({len(measured.runs) + needs.more_seeds} in all)"
        )
    if needs.more_rows:
        ways.append(counted(needs.more_rows, f"more {kind}"))
    if not ways and needs.together and all(needs.together):
        more_seeds, more_rows = needs.together
        ways.append(f"{counted(more_seeds, 'more seed')} together with {counted(more_rows, f'more {kind}')}")
    if not ways:
        if needs.more_seeds == 0 or needs.more_rows == 0:
            return (
                "The measured difference lies just inside the interval: any more seeds would probably decide.",
            )
        if len(measured.runs) == 1:
            return ("With one seed it cannot be said what would decide; train at least 3.",)
        return (
            "No number of seeds and rows within reason would decide: the difference is almost exactly the margin.",
        )
    return (f"Probably decided by {' or '.join(ways)}, if the measured difference is the true one.",)


def _limits(measured: Measured) -> tuple[str, ...]:
    """Return the sentences about what the verdict cannot speak about."""
    sentences = []
    limited = [run for run in measured.runs if run.outcome == ENDED_AT_LIMIT]
    if limited and all(run.best_epoch >= STILL_IMPROVING * (run.epochs - 1) for run in limited):
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
