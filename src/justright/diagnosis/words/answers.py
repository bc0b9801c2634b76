"""What was found about one network, in words: one sentence that answers, and the reasons behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from justright.diagnosis.alternatives import ENSEMBLE_KIND, REFERENCE_KIND, Alternative
from justright.diagnosis.ends import end_reasons, fall_sentence
from justright.diagnosis.findings import Findings
from justright.diagnosis.onset import onset_reasons
from justright.diagnosis.words.numbers import (
    counted,
    epochs,
    estimate,
    listed_briefly,
    number,
    rounded,
    sentence,
    word,
)
from justright.study.directions import LESS_CAPACITY, LONGER_TRAINING, MORE_ROWS, MORE_WITH_BRAKE, Direction

MOST_SENTENCES = 4  # about single alternatives, the largest gains; the others are counted
# Kinds that read better otherwise.
KIND_WORDS: Mapping[str, str] = MappingProxyType(
    {MORE_WITH_BRAKE: "more capacity with regularization", LESS_CAPACITY: "fewer parameters"}
)
WRONG: Mapping[Direction, str] = MappingProxyType({"freer": "underfits", "tighter": "overfits"})
OPPOSITE: Mapping[Direction, Direction] = MappingProxyType({"freer": "tighter", "tighter": "freer"})


def overfits_answer(found: Findings) -> str:
    """Return what a network that overfits does: since when, what helps, and how much."""
    parts = [_too_long(found)] if found.overfits_by_time else []
    if found.remedy is not None:
        by = "by a further" if parts else "by"
        its = "it" if parts else f"its {found.measured.loss}"
        parts.append(
            f"{phrase(found.remedy)} {_lowers(found.remedy)} {its} {by} {estimate(found.remedy.gain)}"
        )
    since = since_words(found) if found.overfits_by_time else ""
    return sentence(f"{found.name} overfits{since}: {'; '.join(parts)}{_also(found, 'freer')}")


def underfits_answer(found: Findings) -> str:
    """Return what a network that underfits lacks, and how much that gains."""
    return sentence(f"{found.name} underfits: {_gains(found, found.freer)}{_also(found, 'tighter')}")


def just_right_answer(found: Findings) -> str:
    """Return that nothing measured helps a network."""
    return (
        f"{found.name} is just right: nothing freer or tighter that was measured lowers its {found.measured.loss} by more "
        f"than the margin {number(found.margin)}."
    )


def undecided_answer(found: Findings) -> str:
    """Return what is open about a network: which direction, and what the largest measured gain in it is."""
    if found.has_unclear_rise:
        why = f"its {found.measured.loss} rose to its end by {estimate(found.end.rise)}, and its training loss is not known"
        return f"{found.name} is undecided: {why}."
    if found.has_learned_nothing and not found.open:
        return f"{found.name} is undecided: it has learned nothing, and nothing that was measured helps it."
    directions: tuple[Direction, ...] = ("tighter", "freer")
    parts = [_open(found, direction) for direction in directions if not found.is_excluded_towards(direction)]
    return sentence(f"{found.name} is undecided: {'; '.join(parts)}")


def diverged_answer(found: Findings) -> str:
    """Return how training went wrong."""
    diverged = found.outcomes.count("diverged")
    if 2 * diverged > len(found.outcomes):
        return f"{found.name} diverged: {diverged} of {counted(len(found.outcomes), 'run')} ended in losses that are not finite."
    end = found.end
    return (
        f"{found.name} diverged: its training loss rose from {number(end.train_best)} at {best_epochs(found)} to "
        f"{number(end.train_last)} at the last, and its {found.measured.loss} with it."
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
    mine = [one for one in found.towards(direction) if one is not found.early_stopping]
    loss, margin = found.measured.loss, number(found.margin)
    if not found.is_measured_towards(direction):
        missing = (
            f"Nothing {direction} was measured beside it, so whether it {WRONG[direction]} is not shown."
        )
        if not any(one.is_better for one in mine):
            return (missing, *(_single(one, found) for one in mine if one.is_open))
    better = [one for one in mine if one.is_better]
    if better:
        found_first = [_single(one, found) for one in better[:MOST_SENTENCES]]
        return _with_others(found_first, better, f"lower the {loss} by more than the margin as well")
    unsure = [one for one in mine if one.is_open]
    if unsure:
        found_first = [_single(one, found) for one in unsure[:MOST_SENTENCES]]
        return _with_others(found_first, unsure, f"may or may not lower the {loss} by more than the margin")
    names = listed_briefly([one.name for one in mine])
    largest = max(mine, key=lambda one: one.gain.high)
    if largest.gain.high <= 0:
        return (f"Nothing {direction} that it was compared with ({names}) lowers the {loss}.",)
    bound = rounded(largest.gain.high, largest.gain)
    return (
        f"Nothing {direction} that it was compared with ({names}) lowers the {loss} by more than {bound} (margin {margin}).",
    )


def headroom_reasons(found: Findings) -> tuple[str, ...]:
    """Return the sentence about what is neither freer nor tighter and yet better."""
    best = found.most_headroom
    if best is None or not best.is_better:
        return ()
    lower = f"{phrase(best)} {_has(best)} a {found.measured.loss} {estimate(best.gain)} lower"
    return (f"Headroom: {lower}; that says nothing about its size or training.",)


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


def _ending(found: Findings) -> tuple[str, ...]:
    since = onset_reasons(found.onset, found.accuracy_onset) if found.end.has_risen else ()
    return (*end_reasons(found.end, found.measured), *since)


def _too_long(found: Findings) -> str:
    saved = "whose weights are saved"
    return f"at its end the {found.measured.loss} is {estimate(found.end.rise)} above that at {best_epochs(found)}, {saved}"


def _gains(found: Findings, one: Alternative | None) -> str:
    """Return what a better alternative gains."""
    if one is None:
        return ""
    if one.kind == LONGER_TRAINING and not one.is_measured:
        return f"its validation loss still fell at its epoch limit, by {estimate(one.gain)} in the last part of training"
    return f"{phrase(one)} {_lowers(one)} its {found.measured.loss} by {estimate(one.gain)}"


def _also(found: Findings, direction: Direction) -> str:
    """Return that the other direction is shown as well; empty if it is not."""
    if direction == "freer":
        return f"; it also underfits: {_gains(found, found.freer)}" if found.underfits else ""
    if not found.overfits:
        return ""
    if found.overfits_by_time:
        return f"; it also overfits{since_words(found)}: {_too_long(found)}"
    return f"; it also overfits: {_gains(found, found.remedy)}"


def _open(found: Findings, direction: Direction) -> str:
    """Return what is open in one direction."""
    unsure = [one for one in found.open if one.direction == direction]
    if not unsure:
        return f"nothing {direction} was measured beside it"
    first = unsure[0]
    if first is found.early_stopping:
        what = f"its end is worse than {best_epochs(found)}"
        return f"whether {what} is open ({estimate(first.gain)}, margin {number(found.margin)})"
    if first is found.longer_training:
        return f"whether its validation loss still fell at its epoch limit is open ({estimate(first.gain)})"
    verb = "lower" if _is_plural(first) else "lowers"
    its = f"its {found.measured.loss}"
    return f"whether {phrase(first)} {verb} {its} is open ({estimate(first.gain)}, margin {number(found.margin)})"


def _single(one: Alternative, found: Findings) -> str:
    """Return the sentence about one alternative that is better, or open."""
    loss, margin = found.measured.loss, number(found.margin)
    if one.kind == LONGER_TRAINING and not one.is_measured:
        return fall_sentence(found.end)
    if one.is_better:
        return f"With {phrase(one)} the {loss} is {estimate(one.gain)} lower, more than the margin {margin}."
    return (
        f"Whether {phrase(one)} would lower the {loss} by more than the margin {margin} is open: the measured gain is "
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
    return one.kind in (REFERENCE_KIND, LESS_CAPACITY, MORE_ROWS)


def _lowers(one: Alternative) -> str:
    verb = "lower" if _is_plural(one) else "lowers"
    return f"would {verb.removesuffix('s')}" if one.kind == MORE_ROWS else verb


def _has(one: Alternative) -> str:
    return "have" if _is_plural(one) else "has"
