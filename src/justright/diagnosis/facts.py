"""Facts worth saying unasked, each computed and said only when its interval supports it."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import numpy as np

from justright.diagnosis.effects import draws_for
from justright.diagnosis.evidence import StudyEvidence
from justright.diagnosis.measured import Measured, cross_fitted, paired_differences
from justright.diagnosis.underfit import REFERENCE_KIND
from justright.diagnosis.verdicts import OVERFITS, Verdict
from justright.diagnosis.words.numbers import counted, estimate, number, rough, rounded, sentence, word
from justright.statistics.crossed import Floats, crossed
from justright.statistics.intervals import DEFAULT_LEVEL, Interval, paired_interval
from justright.statistics.simultaneous import judge_jointly

# Below a tenth of what can be learned (constant prediction minus best loss), a difference between sizes is called
# little, and above it a train-test gap is called large: both only choose words, no label depends on them.
NOTABLE_SHARE = 0.1


def row_fact(measured: dict[str, Measured], margin: float, *, level: float = DEFAULT_LEVEL) -> str | None:
    """Return whether the validation rows are easier or harder than the test rows, by more than the margin.

    Each validation row is measured at the epoch that the other half of them chooses, so that the choice itself
    cannot make them look easy; losses are averaged over all variants and seeds, row by row.
    """
    usable = {name: one for name, one in measured.items() if one.source == "test" and all(_has_grid(one))}
    if not usable:
        return None
    validation = {
        name: np.array([cross_fitted(run.validation)[0] for run in one.runs], dtype=np.float64).mean(axis=0)
        for name, one in usable.items()
    }
    test = {name: one.best.mean(axis=0, dtype=np.float64) for name, one in usable.items()}
    names = sorted(usable)
    difference = unpaired_interval(
        np.mean([validation[name] for name in names], axis=0),
        np.mean([test[name] for name in names], axis=0),
        level,
    )
    if not (difference.is_above(margin) or difference.is_below(-margin)):
        return None
    smallest = min(names, key=lambda name: (usable[name].variant.parameters, name))
    easier, size = ("easier", difference.negated()) if difference.mean < 0 else ("harder", difference)
    rows = len(validation[smallest])
    return (
        f"The {counted(rows, 'validation row')} are {easier} than the test rows: {smallest} "
        f"{rounded(float(validation[smallest].mean()), difference)} against "
        f"{rounded(float(test[smallest].mean()), difference)}; over all variants the difference is {estimate(size)}."
    )


def size_facts(
    measured: dict[str, Measured], learnable: float, *, level: float = DEFAULT_LEVEL, seed: int = 0
) -> tuple[str, ...]:
    """Return, a group of sizes, whether they differ on the rows that measure, each at its best epoch.

    Args:
        measured: the measured losses of all variants.
        learnable: loss of the constant prediction minus the study's best loss.
        level: coverage of all pairwise intervals of a group together.
        seed: of the draws.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(measured):
        variant = measured[name].variant
        if variant.baseline is None:
            groups[variant.group].append(name)
    facts = [
        _size_fact(names, measured, learnable, level, seed)
        for names in groups.values()
        if len({measured[name].variant.parameters for name in names}) == len(names) > 1
    ]
    return tuple(fact for fact in facts if fact)


def reference_fact(verdicts: tuple[Verdict, ...], name: str, test: Interval) -> str | None:
    """Return how the networks compare with the reference, where that can be told."""
    mine = [one for verdict in verdicts for one in verdict.candidates if one.kind == REFERENCE_KIND]
    if mine and all(one.is_better for one in mine):
        networks = "every network here" if len(mine) > 1 else "the network"
        return sentence(
            f"{name} reach {estimate(test)}, less than {networks}: more can be learned from these rows"
        )
    if mine and any(one.is_excluded for one in mine):
        beaten = min((verdict for verdict in verdicts if verdict.test), key=lambda one: one.test.mean)  # type: ignore[union-attr]  # filtered in the same line
        own = [one for one in beaten.candidates if one.kind == REFERENCE_KIND]
        if own and own[0].is_excluded and beaten.test is not None:
            better = "measurably better" if test.mean < beaten.test.mean else "better"
            return sentence(
                f"{name} reach {estimate(test)}, not {better} than {beaten.variant} at {estimate(beaten.test)}"
            )
    return None


def gap_fact(verdicts: tuple[Verdict, ...], measured: dict[str, Measured], learnable: float) -> str | None:
    """Return the variant with the largest train-test gap that does not overfit: a gap alone is no verdict."""
    gaps = []
    for verdict in verdicts:
        if verdict.label == OVERFITS or verdict.overfit is None or verdict.test is None:
            continue
        train = float(np.mean([run.train_loss_last for run in measured[verdict.variant].runs]))
        gap = verdict.test.mean + verdict.overfit.mean - train
        is_flat = verdict.overfit.is_below(verdict.margin)
        if is_flat and gap > NOTABLE_SHARE * learnable > 0:
            gaps.append((gap, verdict.variant))
    if not gaps:
        return None
    gap, name = max(gaps)
    return (
        f"{name} ends with about {rough(gap)} more loss on test than on training rows and yet does not overfit: "
        f"its loss on unseen rows has not risen. A gap alone is not a verdict."
    )


def constant_fact(evidence: StudyEvidence, best_loss: float) -> str | None:
    """Return that nothing learned anything, if so."""
    if best_loss < evidence.constant_loss:
        return None
    return f"No variant has a lower loss than the constant prediction ({number(evidence.constant_loss)})."


def unpaired_interval(left: Floats, right: Floats, level: float) -> Interval:
    """Return the interval of mean(left) - mean(right) for different rows of the same networks (Welch's t).

    Example:
        >>> one = unpaired_interval(np.array([1.0, 3.0]), np.array([0.0, 0.0]), 0.95)
        >>> one.mean, round(one.high, 2)
        (2.0, 14.71)
    """
    from scipy import special

    parts = np.array([left.var(ddof=1) / len(left), right.var(ddof=1) / len(right)])
    mean = float(left.mean() - right.mean())
    rows = len(left) + len(right)
    if not parts.sum() > 0:
        return Interval(mean, mean, mean, 1, rows, "Welch", level)
    freedom = parts.sum() ** 2 / (parts**2 / (np.array([len(left), len(right)]) - 1)).sum()
    half = float(special.stdtrit(freedom, (1 + level) / 2) * np.sqrt(parts.sum()))
    return Interval(mean, mean - half, mean + half, 1, rows, "Welch", level)


def _has_grid(measured: Measured) -> list[bool]:
    """Return, a run, whether its validation losses are finite on at least two rows."""
    return [
        bool(run.validation)
        and all(len(row) > 1 and np.isfinite(row).all() for row in run.validation.values())
        for run in measured.runs
    ]


def _size_fact(
    names: list[str], measured: dict[str, Measured], learnable: float, level: float, seed: int
) -> str | None:
    """Return the sentence about one group of sizes, or None where they share no seed."""
    pairs = list(combinations(names, 2))
    differences = [paired_differences(measured[left], measured[right]) for left, right in pairs]
    tables = [crossed(one) for one in differences if one is not None]
    if len(tables) < len(pairs) or len({table.seeds for table in tables}) > 1:
        return None
    intervals = judge_jointly(tables, level=level, rng=draws_for(seed, "sizes", *names)).intervals
    means = {name: float(measured[name].best.mean(dtype=np.float64)) for name in names}
    widest = max(intervals, key=lambda one: max(-one.low, one.high))
    largest, spread = max(-widest.low, widest.high), max(means.values()) - min(means.values())
    sizes = f"The {word(len(names))} sizes, each at its best epoch,"
    ends = f"{rounded(spread, widest)} apart, at most {rounded(largest, widest)}"
    place = "on test rows" if measured[names[0]].source == "test" else "on validation rows"
    if all(one.low <= 0 <= one.high for one in intervals):
        return f"{sizes} do not measurably differ {place} ({ends})."
    if learnable > 0 and largest < NOTABLE_SHARE * learnable:
        gained = f"the best model beats a constant prediction by {number(learnable)}"
        return f"{sizes} differ little {place}: {ends}, where {gained}."
    best, worst = min(names, key=means.__getitem__), max(names, key=means.__getitem__)
    gain = paired_interval(paired_differences(measured[worst], measured[best]), level=level)  # type: ignore[arg-type]  # every pair was formed above
    return f"{sizes} differ {place}: {best} has the lowest loss, {estimate(gain)} below that of {worst}."
