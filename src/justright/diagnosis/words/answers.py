"""What was found about one network, in words: one sentence that answers, and the reasons behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from justright.diagnosis.alternatives import ENSEMBLE_KIND, REFERENCE_KIND, Alternative
from justright.diagnosis.ends import end_reasons, fall_sentence
from justright.diagnosis.findings import Findings
from justright.diagnosis.learned import CONSTANT
from justright.diagnosis.onset import onset_reasons
from justright.diagnosis.words.advice import limit_words
from justright.diagnosis.words.numbers import (
    counted,
    epochs,
    estimate,
    listed_briefly,
    number,
    rounded,
    word,
)
from justright.study.directions import (
    LESS_CAPACITY,
    MORE_ROWS,
    MORE_WITH_BRAKE,
    OTHER_INPUTS,
    OTHER_TRAINING,
    Direction,
)

MOST_SENTENCES = 4  # about single alternatives, the largest gains; the others are counted
# Kinds that read better otherwise.
KIND_WORDS: Mapping[str, str] = MappingProxyType(
    {
        MORE_WITH_BRAKE: "more capacity and regularization",
        LESS_CAPACITY: "fewer parameters",
        OTHER_TRAINING: "another way of training",
    }
)
PLURAL_KINDS = (REFERENCE_KIND, LESS_CAPACITY, MORE_ROWS, MORE_WITH_BRAKE, OTHER_INPUTS)
WRONG: Mapping[Direction, str] = MappingProxyType({"freer": "underfits", "tighter": "overfits"})
OPPOSITE: Mapping[Direction, Direction] = MappingProxyType({"freer": "tighter", "tighter": "freer"})


def overfits_answer(found: Findings) -> str:
    """Return what a network that overfits does: since when, what helps, and how much."""
    return f"{found.name} {_overfits(found)}{_also(found, 'freer')}{_accuracy(found)}."


def underfits_answer(found: Findings) -> str:
    """Return what a network that underfits lacks, and how much that gains."""
    return f"{found.name} {_underfits(found)}{_also(found, 'tighter')}{_accuracy(found)}."


def just_right_answer(found: Findings) -> str:
    """Return that nothing measured helps a network."""
    return (
        f"{found.name} is just right: nothing freer or tighter that was measured lowers its {found.measured.loss} by more "
        f"than the margin {number(found.margin)}{_accuracy(found)}."
    )


def undecided_answer(found: Findings) -> str:
    """Return what is open about a network: which direction, and what the largest measured gain in it is."""
    loss = found.measured.loss
    if found.has_unclear_rise:
        rose = f"its {loss} rose by {estimate(found.end.rise)} to its end"
        said = f"{rose}, but without its training loss, overfitting cannot be told from divergence"
    elif found.has_learned_nothing:
        said = f"it has learned nothing, since its {loss} is not below that of {CONSTANT}"
    else:
        said = "; ".join(_open_parts(found))
    return f"{found.name} is undecided: {said}{_accuracy(found)}."


def diverged_answer(found: Findings) -> str:
    """Return how training went wrong."""
    diverged = found.outcomes.count("diverged")
    if 2 * diverged > len(found.outcomes):
        return f"{found.name} diverged: {diverged} of {counted(len(found.outcomes), 'run')} ended in losses that are not finite."
    end = found.end
    return (
        f"{found.name} diverged: its training loss rose from {number(end.train_best)} at {best_epochs(found)} to "
        f"{number(end.train_last)} at the last, and its {found.measured.loss} rose with it."
    )


def reasons_of(found: Findings, first: Direction) -> tuple[str, ...]:
    """Return the sentences about both directions, the one that matters first, and about headroom.

    Args:
        found: the findings.
        first: the direction of the label.
    """
    said: dict[Direction, tuple[str, ...]] = {
        "tighter": (*_ending(found), *direction_reasons(found, "tighter")),
        "freer": direction_reasons(found, "freer"),
    }
    if first == "tighter" and found.remedy is not None and not found.overfits_by_time:
        said["tighter"] = (*direction_reasons(found, "tighter"), *_ending(found))
    return (*said[first], *said[OPPOSITE[first]], *headroom_reasons(found))


def direction_reasons(found: Findings, direction: Direction) -> tuple[str, ...]:
    """Return the sentences about the alternatives in one direction; the network's own end has its own."""
    others = [one for one in found.towards(direction) if one is not found.early_stopping]
    mine = sorted(others, key=lambda one: -one.gain.mean)
    loss = found.measured.loss
    better = [one for one in mine if one.is_better]
    if better:
        said = [_single(found, one) for one in better[:MOST_SENTENCES]]
        return _with_others(said, better, f"lower the {loss} by more than the margin as well")
    unsure = [one for one in mine if one.is_open]
    if not found.is_measured_towards(direction):
        return (_nothing_measured(found, direction), *(_single(found, one) for one in unsure))
    if unsure:
        said = [_single(found, one) for one in unsure[:MOST_SENTENCES]]
        return _with_others(said, unsure, f"may or may not lower the {loss} by more than the margin")
    names = listed_briefly([one.name if one.is_measured else phrase(one) for one in mine])
    largest = max(mine, key=lambda one: one.gain.high)
    nothing = f"Nothing {direction} that it was compared with ({names}) lowers the {loss}"
    if largest.gain.high <= 0:
        return (f"{nothing}.",)
    return (
        f"{nothing} by more than {rounded(largest.gain.high, largest.gain)} (margin {number(found.margin)}).",
    )


def headroom_reasons(found: Findings) -> tuple[str, ...]:
    """Return the sentence about what is neither freer nor tighter and yet better."""
    best = found.most_headroom
    if best is None or not best.is_better:
        return ()
    has = "have" if _is_plural(best) else "has"
    return (f"Headroom: {phrase(best)} {has} a {found.measured.loss} {estimate(best.gain)} lower.",)


def phrase(one: Alternative) -> str:
    """Return an alternative as it stands in a sentence: what it is, and its name."""
    if one.kind == REFERENCE_KIND or (one.kind == MORE_ROWS and not one.is_measured):
        return one.name
    if not one.is_measured:
        return one.name.lower()
    words = KIND_WORDS.get(one.kind, one.kind)
    return words if one.kind == ENSEMBLE_KIND else f"{words} ({one.name})"


def since_words(found: Findings) -> str:
    """Return since when a network overfits, to follow the word; empty where no epoch can be named."""
    onset = found.onset
    return f" after epoch {onset.high}" if onset is not None and onset.is_dated else ""


def best_epochs(found: Findings) -> str:
    """Return the chosen epochs of its runs."""
    chosen = [run.chosen_epoch for run in found.measured.runs]
    return f"its best {epochs(min(chosen), max(chosen))}"


def _overfits(found: Findings) -> str:
    """Return the predicate of a network that overfits: by its end, by what helps, or both."""
    its, by, parts = f"its {found.measured.loss}", "by", []
    if found.overfits_by_time:
        its, by = "it", "by a further"
        rise = f"{estimate(found.end.rise)} above that at {best_epochs(found)}, whose weights are saved"
        parts.append(f"at its end the {found.measured.loss} is {rise}")
    if found.remedy is not None:
        parts.append(
            f"{phrase(found.remedy)} {_lowers(found.remedy)} {its} {by} {estimate(found.remedy.gain)}"
        )
    since = since_words(found) if found.overfits_by_time else ""
    return f"overfits{since}: {'; '.join(parts)}"


def _underfits(found: Findings) -> str:
    """Return the predicate of a network that underfits: what would help."""
    one = found.freer
    if one is None:
        raise ValueError(f"{found.name} has nothing freer beside it")
    if not one.is_measured:
        return f"underfits: {_last_epochs(found)} its validation loss still fell by {estimate(one.gain)}"
    said = f"underfits: {phrase(one)} {_lowers(one)} its {found.measured.loss} by {estimate(one.gain)}"
    return (
        f"{said}; it {limit_words([found])}, so longer training may lower it, too"
        if found.is_unfinished
        else said
    )


def _also(found: Findings, direction: Direction) -> str:
    """Return that the other direction is shown as well; empty if it is not."""
    if direction == "freer":
        return f"; it also {_underfits(found)}" if found.underfits else ""
    return f"; it also {_overfits(found)}" if found.overfits else ""


def _accuracy(found: Findings) -> str:
    """Return that accuracy says otherwise than the loss about the end of training; empty if both agree."""
    change = found.end.accuracy_change
    if change is None or found.has_diverged:
        return ""
    if found.overfits_by_time and not change.is_below(0.0):
        better = "better" if change.is_above(0.0) else "not measurably worse"
        return f"; by accuracy its end is {better} (change {estimate(change)})"
    if not found.end.has_risen and change.is_below(0.0):
        return f"; by accuracy its end is worse than {best_epochs(found)} (change {estimate(change)})"
    return ""


def _ending(found: Findings) -> tuple[str, ...]:
    is_by_time = found.overfits_by_time and not found.has_diverged
    since = onset_reasons(found.onset, found.accuracy_onset) if is_by_time else ()
    return (*end_reasons(found.end, found.measured), *since)


def _last_epochs(found: Findings) -> str:
    return f"over its last {counted(found.end.fall_epochs, 'epoch')}"


def _nothing_measured(found: Findings, direction: Direction) -> str:
    """Return that no network was measured in a direction, and what is not known therefore."""
    nothing = f"Nothing {direction} was measured beside it"
    if direction == "tighter" and found.overfits_by_time:
        return f"{nothing}, so what would help more than an earlier end is not known."
    return f"{nothing}, so whether it {WRONG[direction]} is not shown."


def _open_parts(found: Findings) -> list[str]:
    """Return what is open: the largest gain that may exceed the margin in each direction, and where nothing was measured."""
    directions: tuple[Direction, ...] = ("tighter", "freer")
    firsts = [next((one for one in found.open if one.direction == each), None) for each in directions]
    may = [_may(found, one) for one in firsts if one is not None]
    parts = [f"{', and '.join(may)}; the margin is {number(found.margin)}"] if may else []
    missing = [
        each
        for each, first in zip(directions, firsts, strict=True)
        if first is None and not found.is_measured_towards(each)
    ]
    if found.may_gain_by_time:
        parts.append("its best epoch is among the last before its epoch limit, so longer training may help")
    if missing:
        parts.append(f"nothing {' or '.join(reversed(missing))} was measured beside it")
    return parts


def _may(found: Findings, one: Alternative) -> str:
    """Return that an alternative may be better; that this is open where it was no better here."""
    may = one.gain.mean > 0
    if one is found.early_stopping:
        best = best_epochs(found)
        if may:
            return f"its end may be worse than {best} (rise {estimate(one.gain)})"
        return f"whether its end is worse than {best} is open ({_no_gain(one, 'lower', 'higher')})"
    if one is found.longer_training:
        last = _last_epochs(found)
        if may:
            return f"{last} its validation loss may still have fallen (by {estimate(one.gain)})"
        return f"whether {last} its validation loss still fell is open ({_no_gain(one, 'higher', 'lower')})"
    loss = found.measured.loss
    if may:
        return f"{phrase(one)} may lower its {loss} (gain {estimate(one.gain)})"
    return f"whether {phrase(one)} {_lowers(one)} its {loss} is open ({_no_gain(one, 'higher', 'lower')})"


def _no_gain(one: Alternative, against: str, towards: str) -> str:
    """Return an estimate of less than nothing and its interval, as `estimate` has them, in words for their signs."""
    mean, low, high = (part.strip("-[],") for part in estimate(one.gain).split())
    return f"{mean} {against} here; between {low} {against} and {high} {towards}"


def _single(found: Findings, one: Alternative) -> str:
    """Return the sentence about one alternative that is better, or open."""
    if one is found.longer_training:
        return fall_sentence(found.end)
    loss, margin = found.measured.loss, number(found.margin)
    would, measured = ("is", "measured") if one.is_measured else ("would be", "expected")
    if one.is_better:
        return f"With {phrase(one)} the {loss} {would} {estimate(one.gain)} lower, more than the margin {margin}."
    return (
        f"Whether {phrase(one)} would lower the {loss} by more than the margin {margin} is open: the {measured} gain is "
        f"{estimate(one.gain)}."
    )


def _with_others(sentences: list[str], every: Sequence[Alternative], do: str) -> tuple[str, ...]:
    """Return the sentences about the first alternatives, and one about all others."""
    others = len(every) - len(sentences)
    if not others:
        return tuple(sentences)
    who = f"{word(others).capitalize()} other alternatives" if others > 1 else "One other alternative"
    verb = do if others > 1 or do.startswith("may") else do.replace("lower", "lowers", 1)
    return (*sentences, f"{who} {verb}.")


def _is_plural(one: Alternative) -> bool:
    return one.kind in PLURAL_KINDS


def _lowers(one: Alternative) -> str:
    if not one.is_measured:
        return "would lower"
    return "lower" if _is_plural(one) else "lowers"
