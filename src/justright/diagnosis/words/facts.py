"""Facts that reports state unasked, each only if its interval supports it.

No fact repeats the answer to a network, and none may deny one: where a fact is about the same comparisons as the verdicts, it
is made from what they found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import sqrt

import numpy as np

from justright.diagnosis.alternatives import REFERENCE_KIND
from justright.diagnosis.choice import rejected_strengths
from justright.diagnosis.judged import JudgedStudy
from justright.diagnosis.labels import DIVERGED, JUST_RIGHT
from justright.diagnosis.learned import CONSTANT, judge_learned
from justright.diagnosis.measured import Measured, cross_fitted
from justright.diagnosis.words.advice import decision_sentences, is_a_matter_of_numbers
from justright.diagnosis.words.numbers import (
    counted,
    estimate,
    listed_briefly,
    number,
    rough,
    rounded,
    sentence,
    word,
)
from justright.plugins import plugged_in
from justright.statistics.crossed import Floats
from justright.statistics.intervals import Interval, unpaired_interval
from justright.study.remedy import LADDER_GROUP

# Below a tenth of what can be learned (constant prediction minus best loss), a difference between sizes is called little,
# and above it a train-test gap is called large. It only chooses words; no label depends on it.
NOTABLE_SHARE = 0.1
MIN_STEPS = 2  # a single step is a remedy like any other

Fact = Callable[[JudgedStudy], Iterable[str]]


def state_facts(study: JudgedStudy) -> tuple[str, ...]:
    """Return the sentences of all facts that hold, in the order of `FACTS`, then those of plug-ins."""
    return tuple(said for fact in (*FACTS, *plugged_in("facts")) for said in fact(study))


def learned_fact(study: JudgedStudy) -> Iterable[str]:
    """Yield which networks have learned nothing, and what to try."""
    compared = [one for one in study.verdicts if one.learned is not None]
    nothing = [one.variant for one in compared if one.has_learned is False]
    better = [one.variant for one in compared if one.has_learned]
    if not compared or (better and not nothing) or (len(compared) == 1 and not nothing):
        return
    loss = study.measured[compared[0].variant].loss
    constant = f"{CONSTANT} ({number(study.evidence.constant_loss)})"
    if not better and len(compared) > 1:
        said = f"No network is shown to have learned anything: no {loss} is measurably lower than that of {constant}."
    else:
        verb, whose = ("has", "its") if len(nothing) == 1 else ("have", "their")
        said = f"{listed_briefly(nothing)} {verb} learned nothing: {whose} {loss} is not lower than that of {constant}."
    reference = study.evidence.reference
    if reference is not None:
        learned = judge_learned(reference.test[None], study.evidence.constant, level=study.level)
        better += [reference.name] if learned is not None and learned.is_shown else []
    if better:
        hint = f"The features do tell something: {listed_briefly(better)} learned from the same rows. "
        # What was trained for too long is not told to train longer.
        longer = not any(
            one.found.end.has_risen for one in compared if one.found and one.has_learned is False
        )
        hint += f"{'Train longer, change' if longer else 'Change'} the learning rate, or standardise the features."
    else:
        hint = (
            "Perhaps the target does not depend on these features, or not enough to be seen with so few rows."
        )
    yield f"{said} {hint}"


def unit_fact(study: JudgedStudy) -> Iterable[str]:
    """Yield what the losses of a regression are measured in."""
    tests = [(one.test.mean, one.variant) for one in study.verdicts if one.test is not None]
    if study.evidence.task == "regression" and tests:
        loss, name = min(tests)
        yield (
            f"Losses are mean squared errors, in squared units of the target; the root of {name}'s, {number(loss)}, is an error "
            f"of {number(sqrt(loss))}."
        )


def row_fact(study: JudgedStudy) -> Iterable[str]:
    """Yield whether the validation rows are easier or harder than the test rows, by more than the margin.

    Each validation row is measured at the epoch that the other half of them chooses, so the choice cannot make them look
    easy; losses are averaged over all variants and seeds, row by row.
    """
    usable = {name: one for name, one in study.measured.items() if one.source == "test" and _has_grid(one)}
    if not usable:
        return
    names = sorted(usable)
    difference = unpaired_interval(
        _mean_of(_validation_means(usable[name]) for name in names),
        _mean_of(usable[name].best.mean(axis=0, dtype=np.float64) for name in names),
        level=study.level,
    )
    if not (difference.is_above(study.margin) or difference.is_below(-study.margin)):
        return
    smallest = min(names, key=lambda name: (usable[name].variant.parameters, name))
    easier, size = ("easier", difference.negated()) if difference.mean < 0 else ("harder", difference)
    validation, test = (
        _validation_means(usable[smallest]),
        usable[smallest].best.mean(axis=0, dtype=np.float64),
    )
    yield (
        f"The {counted(len(validation), 'validation row')} are {easier} than the test rows: {smallest} "
        f"{rounded(float(validation.mean()), difference)} against "
        f"{rounded(float(test.mean()), difference)}; over all variants the difference is {estimate(size)}."
    )


def _validation_means(measured: Measured) -> Floats:
    """Return (rows,) validation losses, averaged over seeds."""
    losses = [cross_fitted(run.validation, run.validation_weights)[0] for run in measured.runs]
    return np.asarray(np.array(losses, dtype=np.float64).mean(axis=0))


def _mean_of(values: Iterable[Floats]) -> Floats:
    """Return the mean of at least one array, each made when its turn comes; the first is changed."""
    every = iter(values)
    total, count = next(every), 1
    for one in every:
        total += one
        count += 1
    total /= count
    return total


def size_facts(study: JudgedStudy) -> Iterable[str]:
    """Yield, for each group of sizes, whether they differ on the rows that measure, each at its best epoch."""
    groups: dict[str, list[str]] = defaultdict(list)
    diverged = {one.variant for one in study.verdicts if one.label == DIVERGED.name}
    for name in sorted(study.measured.keys() - diverged):
        variant = study.measured[name].variant
        if variant.baseline is None:
            groups[variant.group].append(name)
    for names in groups.values():
        if len({study.measured[name].variant.parameters for name in names}) == len(names) > 1:
            yield from _size_fact(names, study)


def reference_fact(study: JudgedStudy) -> Iterable[str]:
    """Yield how the networks compare with the reference, if that can be told."""
    test, verdicts = study.reference, study.verdicts
    compared = [one for verdict in verdicts for one in verdict.headroom if one.kind == REFERENCE_KIND]
    if test is None or not compared:
        return
    name = compared[0].name
    if all(one.is_better for one in compared):
        networks = "every network here" if len(compared) > 1 else "the network"
        yield sentence(
            f"{name} reach {estimate(test)}, less than {networks}: more can be learned from these rows, by another kind of "
            "model"
        )
    elif any(one.is_excluded for one in compared):
        mean, best = min(
            ((verdict.test.mean, verdict) for verdict in verdicts if verdict.test), key=lambda pair: pair[0]
        )
        own = [one for one in best.headroom if one.kind == REFERENCE_KIND]
        if own and own[0].is_excluded and best.test is not None:
            better = "measurably better" if test.mean < mean else "better"
            yield sentence(
                f"{name} reach {estimate(test)}, not {better} than {best.variant} at {estimate(best.test)}"
            )


def effect_facts(study: JudgedStudy) -> Iterable[str]:
    """Yield, for each baseline, which remedy helps it most, by how much, and which cannot be told apart from it.

    What its answer says is not said again.
    """
    verdicts = {one.variant: one for one in study.verdicts}
    for variant in study.evidence.variants:
        mine = [one for one in study.effects if one.baseline == variant.name and one.kind == "variant"]
        if not mine or variant.name in study.step_baselines:
            continue
        better = {one.name for one in verdicts[variant.name].alternatives if one.is_better}
        helpful = [one for one in mine if one.high < 0 or one.remedy in better]
        if not helpful:
            tried = listed_briefly([one.remedy for one in mine])
            yield f"{tried} {'does' if len(mine) == 1 else 'do'} not measurably help {variant.name}."
            continue
        answered = [one for one in helpful if _is_named_in(verdicts[variant.name].answer, one.remedy)]
        first = (answered or helpful)[0]
        # Ties are with the lowest mean loss: what is tied with that need not be tied with another one that is.
        tied = [one for one in helpful if one.is_tied_with_best and one is not first]
        tied = [] if not first.is_tied_with_best else tied if first is helpful[0] else tied[:1]
        others = listed_briefly([one.remedy for one in tied]) if tied else ""
        if answered:
            if others:
                yield f"For {variant.name}, {first.remedy} cannot be told apart from {others}."
            continue
        by = estimate(first.interval.negated())
        of_several = f"Of the remedies of {variant.name}, {first.remedy} helps most, by {by}"
        gain = of_several if len(mine) > 1 else f"{first.remedy} helps {variant.name}, by {by}"
        yield f"{gain}; it cannot be told apart from {others}." if others else f"{gain}."


def search_fact(study: JudgedStudy) -> Iterable[str]:
    """Yield the remedies whose strongest strength was chosen, so that a still stronger one may be better.

    Strengths are in the study's order, weakest first as in the catalogue.
    """
    names = dict.fromkeys(
        one.remedy
        for one in study.strengths
        if one.baseline not in study.step_baselines
        and len(one.strengths) > 1
        and one.chosen == one.strengths[-1][0]
    )
    if names:
        yield (
            f"For {listed_briefly(list(names))}, validation rows choose the strongest strength tried: stronger ones may be better."
        )


def ladder_fact(study: JudgedStudy) -> Iterable[str]:
    """Yield what each step of a combination changed, in one sentence."""
    by_name = {one.remedy: one for one in study.effects if one.kind == "variant"}
    steps = [
        (variant.remedy, by_name[variant.name])
        for variant in study.evidence.variants
        if variant.group == LADDER_GROUP and variant.baseline is not None and variant.name in by_name
    ]
    if len(steps) >= MIN_STEPS:
        changes = "; ".join(f"{remedy} {estimate(effect.interval)}" for remedy, effect in steps)
        loss = study.measured[steps[0][1].baseline].loss
        yield f"Step by step from {steps[0][1].baseline}, the {loss} changed by: {changes}."


def choice_fact(study: JudgedStudy) -> Iterable[str]:
    """Yield what validation rows choose, and how sure they are; the headline has the test loss of a network, not of an ensemble."""
    choice = study.choice
    has_search = bool(study.step_baselines or rejected_strengths(study.evidence, study.strengths))
    if not has_search or choice is None or choice.test is None or choice.candidates == 1:
        return
    flattered = rounded(choice.validation, choice.test)
    if choice.is_ensemble:
        said = (
            f"Validation rows choose {choice.name}: its test loss is {estimate(choice.test)}, over rows only; on the validation "
            f"rows that chose it, its loss is {flattered}."
        )
    else:
        said = f"On the validation rows that chose {choice.name}, its loss is {flattered}."
    rivals = f"{choice.rivals} of the {counted(choice.candidates - 1, 'other candidate')}"
    yield said + (f" They cannot tell it apart from {rivals}." if choice.rivals else "")


def decision_facts(study: JudgedStudy) -> Iterable[str]:
    """Yield the commands that would probably decide the undecided verdicts, if there are several: one has its action."""
    needs = {
        one.variant: one.needs
        for one in study.verdicts
        if one.needs is not None
        and any(one.needs.least or ())
        and one.found is not None
        and is_a_matter_of_numbers(one.found)
    }
    if len(needs) > 1:
        yield from decision_sentences(
            needs, study.measured, study.evidence.test_rows, study.evidence.table_rows
        )


def gap_fact(study: JudgedStudy) -> Iterable[str]:
    """Yield the network with the largest train-test gap that is just right: a gap alone is not a verdict."""
    gaps = []
    for verdict in study.verdicts:
        if verdict.label != JUST_RIGHT.name or verdict.end is None or verdict.test is None:
            continue
        train = float(np.mean([run.train_loss_best for run in study.measured[verdict.variant].runs]))
        gap = verdict.test.mean - train
        if gap > NOTABLE_SHARE * study.learnable > 0:
            gaps.append((gap, verdict.variant))
    if gaps:
        gap, name = max(gaps)
        yield (
            f"{name} has about {rough(gap)} more loss on test rows than on training rows, and yet nothing tighter lowers "
            "it: a gap alone is not a verdict."
        )


def _has_grid(measured: Measured) -> bool:
    """Return whether every run's validation losses are finite on at least two rows."""
    return all(
        bool(run.validation)
        and all(len(row) > 1 and np.isfinite(row).all() for row in run.validation.values())
        for run in measured.runs
    )


def _size_fact(names: Sequence[str], study: JudgedStudy) -> Iterable[str]:
    """Yield the sentence about one group of sizes, over the seeds that they share; nothing if they share none.

    It is about all pairs, whose intervals hold together: the largest of many differences is never judged alone. Nothing is
    said where the seeds that all share tell two networks apart the other way round than all seeds do.
    """
    seeds = study.pairs.shared_seeds(*names)
    if not seeds:
        return
    members = study.pairs.over(seeds)
    numbers = np.array([members.numbers[name] for name in names])
    first, second = np.triu_indices(len(names), 1)
    found = members.losses.compare(numbers[first], numbers[second], level=study.level)
    means = members.losses.means[numbers]
    farthest = np.maximum(-found.lows, found.highs)
    largest, spread = float(farthest.max()), float(np.ptp(means))
    widest = found.interval(int(farthest.argmax()))
    sizes = f"The {word(len(names))} sizes, each at its best epoch,"
    ends = f"{rounded(spread, widest)} apart, at most {rounded(largest, widest)}"
    place = "on test rows" if study.measured[names[0]].source == "test" else "on validation rows"
    tests = {one.variant: one.test.mean for one in study.verdicts if one.test is not None}
    losses = np.array([tests[name] for name in names])
    agree = (means[first] < means[second]) == (losses[first] < losses[second])
    apart = (found.lows > 0) | (found.highs < 0)
    if (apart & ~agree).any():
        return
    if apart.any() and 0 < largest < NOTABLE_SHARE * study.learnable:
        gained = f"the best model beats a constant prediction by {number(study.learnable)}"
        yield f"{sizes} differ little {place}: {ends}, where {gained}."
    elif apart.any():
        # Of the pairs that can be told apart, the one that lies farthest apart: the best and the worst need not be one of them.
        pair = int(np.where(apart, np.abs(means[first] - means[second]), -1.0).argmax())
        gain, (upper, lower) = found.interval(pair), (int(first[pair]), int(second[pair]))
        if gain.mean < 0:
            gain, (upper, lower) = gain.negated(), (lower, upper)
        is_lowest = lower == int(losses.argmin())
        yield f"{sizes} differ {place}: {_lower_words(names[lower], names[upper], gain, study, is_lowest=is_lowest)}."
    elif shown := _shown_within(set(names), study):
        yield f"{sizes} differ {place}: {_lower_words(*shown, study)}."
    else:
        yield f"{sizes} do not measurably differ {place} ({ends})."


def _lower_words(
    lower: str, upper: str, gain: Interval, study: JudgedStudy, *, is_lowest: bool = False
) -> str:
    """Return that one network has a lower loss than another, and by how much unless the answer to that one says it."""
    answers = {one.variant: one.answer for one in study.verdicts}
    if _is_named_in(answers[upper], lower):
        return f"{lower} has {'the lowest loss' if is_lowest else f'a lower loss than {upper}'}"
    has = "has the lowest loss," if is_lowest else "has a loss that is"
    return f"{lower} {has} {estimate(gain)} below that of {upper}"


def _shown_within(names: set[str], study: JudgedStudy) -> tuple[str, str, Interval] | None:
    """Return the pair of `names` with the largest gain that a verdict has shown: the better, the worse, the gain; or None.

    A verdict compares one network with all others, a size fact all pairs of sizes: either may show what the other does not.
    """
    found = [
        (other.name, one.variant, other.gain)
        for one in study.verdicts
        if one.variant in names
        for other in one.alternatives
        if other.is_better and other.name in names
    ]
    return max(found, key=lambda pair: pair[2].mean) if found else None


def _is_named_in(answer: str, name: str) -> bool:
    """Return whether the answer to a network is about another variant, which it names in parentheses."""
    return f"({name})" in answer


# In the order in which reports state them; read through `state_facts`.
FACTS: tuple[Fact, ...] = (
    learned_fact,
    unit_fact,
    row_fact,
    size_facts,
    reference_fact,
    effect_facts,
    search_fact,
    ladder_fact,
    choice_fact,
    decision_facts,
    gap_fact,
)
