"""What a label rests on, in one sentence with its numbers."""

from __future__ import annotations

from justright.diagnosis.words.numbers import counted, number
from justright.logs.judge_set import SetJudgement, material
from justright.logs.run_reading import MetricReading
from justright.logs.thresholds import FLAT_SHARE, per_cent
from justright.logs.wording import Times, change_words, share_words
from justright.statistics.turns import FEWEST_POINTS, Change

LAST_QUARTER = "the last quarter of the run"


def sentence_of(judgement: SetJudgement, times: Times) -> str:
    """Return the verdict on an evaluation set in one sentence."""
    judged, rise, gain = judgement.judged, judgement.judged.worsening, judgement.judged.gain
    if judgement.label == "diverged":
        return _diverged(judgement, times)
    if rise is None or gain is None:
        return _too_short(judged, times)
    risen = _risen(judged, rise, times)
    match judgement.label:
        case "overfits":
            return f"{risen}{_train(judged)}: it overfits{_since(judged, times)}.{_beside(judgement.ranking, times)}"
        case "overfits by loss only":
            return (
                f"{risen}{_train(judged)}: its loss overfits{_since(judged, times)}, but {_improved(judgement.ranking, times)}: "
                "it grew too sure of its wrong answers, while it gave fewer of them."
            )
        case "still improving":
            return f"{_gained(judged, gain, times)}: it was still improving when the run ended."
        case "flat":
            return _flat(judged, rise, times)
        case "unstable":
            return _unstable(judgement, risen)
        case _:
            return _undecided(judgement, rise, gain, times)


def _risen(judged: MetricReading, rise: Change, times: Times) -> str:
    """Return by how much it became worse: 'val_loss rose from 0.23 at step 800 to 0.288 (by 0.06 [0.04, 0.08], 24 %)'."""
    share = share_words(rise.value, judged.best)
    verb = "rose" if judged.direction == "less" else "fell"
    return (
        f"{judged.written} {verb} from {number(judged.best)} at {times.at(judged.best_at)} to {number(judged.last)} at "
        f"{times.at(judged.last_at)} (its trend by {change_words(rise)}{', ' + share if share else ''})"
    )


def _train(judged: MetricReading) -> str:
    """Return what training did meanwhile."""
    if judged.train is None or judged.train_change is None:
        return ""
    change = judged.train_change if judged.direction == "less" else -judged.train_change
    if change < 0:
        verb = "fell" if judged.direction == "less" else "rose"
        return f", while {judged.train} {verb} by {number(abs(change))}"
    return f", while {judged.train} hardly changed"


def _since(judged: MetricReading, times: Times) -> str:
    return "" if judged.since is None else f" since {times.span(*judged.since)}"


def _beside(ranking: MetricReading | None, times: Times) -> str:
    """Return what accuracy did where the loss rose."""
    if ranking is None or ranking.worsening is None:
        return ""
    if ranking.worsening.low > 0:
        return f" {ranking.written} became worse, too: {number(ranking.best)} at {times.at(ranking.best_at)}, {number(ranking.last)} at the end."
    return f" {ranking.written} shows no clear change after that."


def _improved(ranking: MetricReading | None, times: Times) -> str:
    return (
        ""
        if ranking is None
        else f"{ranking.written} still improved, to {number(ranking.best)} at {times.at(ranking.best_at)}"
    )


def _gained(judged: MetricReading, gain: Change, times: Times) -> str:
    verb = "fell" if judged.direction == "less" else "rose"
    share = share_words(gain.value, judged.best)
    if gain.low <= 0:
        best = "to new bests in its last quarter"
        if judged.best_at < judged.last_at - (judged.last_at - judged.first_at) / 4:
            side = "lower" if judged.direction == "less" else "higher"
            single = f"the single value {number(judged.best)} at {times.at(judged.best_at)}"
            is_reached = judged.last == judged.best
            best = (
                "to its best"
                if is_reached
                else f"and ended {side} than before its last quarter, {single} aside"
            )
        return f"{judged.written} {verb} over the second half of the run, {best} (the last value is {number(judged.last)})"
    return (
        f"{judged.written} {verb} by {change_words(gain)}{f', {share}' if share else ''} over {LAST_QUARTER}, "
        f"to {number(judged.last)}"
    )


def _flat(judged: MetricReading, rise: Change, times: Times) -> str:
    words = (
        f"{judged.written} is flat at the end: over {LAST_QUARTER} neither a rise nor a gain of more than "
        f"{per_cent(FLAT_SHARE)} is left open (best {number(judged.best)} at {times.at(judged.best_at)}, last {number(judged.last)})"
    )
    if rise.low > 0:
        words += f"; the rise of {change_words(rise)} since its best is too small to matter"
    return words + "."


def _diverged(judgement: SetJudgement, times: Times) -> str:
    judged = judgement.judged
    best = f"the best was {number(judged.best)} at {times.at(judged.best_at)}"
    if judgement.cause == "grew beyond its start":
        return f"{judged.written} ended at {number(judged.last)}, far above where it began, and so did training: the run diverged; {best}."
    if judgement.cause == "validation not finite" and judgement.not_finite_at is not None:
        return f"{judged.written} is not a finite number from {times.at(judgement.not_finite_at)} on: the run diverged; {best}."
    return f"{judged.train} was not a finite number when the run ended: it diverged; {best}."


def _unstable(judgement: SetJudgement, risen: str) -> str:
    judged = judgement.judged
    if judgement.cause == "train rose too" and judged.train_change is not None:
        return (
            f"{risen}, but {judged.train} became worse by {number(abs(judged.train_change))} as well: the "
            "training became unstable, rather than overfit."
        )
    return f"{judged.written} jumps: {counted(len(judged.spikes), 'value')} of {judged.points:,} lie far from their neighbours."


def _too_short(judged: MetricReading, times: Times) -> str:
    values = counted(judged.points, "value")
    words = f"{judged.written} has {values}, and a verdict needs {FEWEST_POINTS}"
    if judged.points < 2:
        return f"{words}: {number(judged.last)} at {times.at(judged.last_at)}."
    course = (
        "the last is the best so far"
        if judged.best_at == judged.last_at
        else f"the best is that of {times.at(judged.best_at)}, {number(judged.best)}, and the last is {number(judged.last)}"
    )
    return f"{words}; {course}."


def _undecided(judgement: SetJudgement, rise: Change, gain: Change, times: Times) -> str:
    judged = judgement.judged
    if judgement.cause == "validation not finite" and judgement.not_finite_at is not None:
        return (
            f"{judged.written} is not a finite number from {times.at(judgement.not_finite_at)} on, while training went on: "
            "how the run ended cannot be judged."
        )
    worse = judged.last - judged.best if judged.direction == "less" else judged.best - judged.last
    best = f"{number(judged.best)} at {times.at(judged.best_at)}"
    if worse > material(judged):
        side, verb = ("above", "rose") if judged.direction == "less" else ("below", "fell")
        return (
            f"{judged.written} ended at {number(judged.last)}, {side} its best, {best}, but that is within its noise: from there its trend "
            f"{verb} by {change_words(rise)}."
        )
    return (
        f"{judged.written} was best near its end, {best}, and whether it still improves is within its noise: over {LAST_QUARTER} it improved by "
        f"{change_words(gain)}."
    )
