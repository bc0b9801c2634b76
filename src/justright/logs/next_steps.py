"""What to do about a reading: what its log shows to help before what helps in general."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np

from justright.diagnosis.words.numbers import listed, number
from justright.logs.judge_set import SetJudgement, material
from justright.logs.log_curves import Curve, LogCurves
from justright.logs.run_reading import Advice, Keep, MetricReading
from justright.logs.stopping_code import stopping_code
from justright.logs.wording import Times, share_words

MEASURED: Literal["measured in this log"] = "measured in this log"
GENERAL: Literal["general"] = "general"
# What measures, rather than guesses, what would help: on the table that the network was trained on.
RUN = "justright run TABLE --target COLUMN"
# Below this share of its highest value a learning rate moves nothing any more.
SPENT_RATE = 0.01
# With any other label no state is known to be better than the last one.
KEPT_LABELS = frozenset({"overfits", "overfits by loss only", "diverged", "unstable"})


def advice_for(judgement: SetJudgement | None, curves: LogCurves, keep: Keep | None) -> tuple[Advice, ...]:
    """Return what to do, the best supported first.

    Args:
        judgement: of the evaluation set that is judged first; None if only training was logged.
        curves: of the run.
        keep: the state to keep.
    """
    if judgement is None:
        return tuple(_without_validation(curves))
    times = Times.of(curves)
    by_label = {
        "overfits": _overfits,
        "overfits by loss only": _overfits_by_loss,
        "still improving": _still_improving,
        "flat": _flat,
        "diverged": _diverged,
        "unstable": _unstable,
        "too short": _too_short,
        "undecided": _undecided,
    }
    return tuple(by_label[judgement.label](judgement, curves, keep, times))


def state_to_keep(judgement: SetJudgement, curves: LogCurves) -> Keep | None:
    """Return the state to keep: by accuracy where the loss alone overfits, otherwise by the judged metric.

    None if no other state is known to be better than the last one, or if metrics disagree about it.
    """
    judged = judgement.judged
    if judgement.label not in KEPT_LABELS or judged.points < 2 or are_apart(judgement):
        return None
    if judgement.label == "overfits by loss only" and judgement.ranking is not None:
        judged = judgement.ranking
    elif better_later(judgement, curves) is not None:
        return None
    if not curves.checkpoints:
        return Keep(judged.best_at, judged.best)
    saved = min(curves.checkpoints, key=lambda at: (abs(at - judged.best_at), at))
    if math.isnan(saved):
        return Keep(judged.best_at, judged.best, curves.checkpoints[saved])
    then = value_at(curves, judgement, judged, saved)
    if then is None or _lost(judged, then) > max(material(judged), _lost(judged, judged.last) / 2):
        return Keep(judged.best_at, judged.best)  # such as the last state, where that alone was saved
    return Keep(judged.best_at, judged.best, curves.checkpoints[saved], saved)


def are_apart(judgement: SetJudgement) -> bool:
    """Return whether one part of a loss became worse while another did not."""
    return len({label.startswith("overfits") for _, label in judgement.parts}) > 1


def better_later(judgement: SetJudgement, curves: LogCurves) -> float | None:
    """Return accuracy (or the like) when the loss was best, if it was better on average afterwards, though not surely."""
    ranking, judged = judgement.ranking, judgement.judged
    if ranking is None:
        return None
    curve = curves.named(ranking.written, judgement.role, judgement.set)
    then = value_at(curves, judgement, ranking, judged.best_at)
    after = curve.values[(curve.at > judged.best_at) & np.isfinite(curve.values)]
    return then if then is not None and len(after) and float(after.mean()) > then else None


def _overfits(
    judgement: SetJudgement, curves: LogCurves, keep: Keep | None, times: Times
) -> Iterator[Advice]:
    judged = judgement.judged
    if are_apart(judgement):
        yield _weighed(judgement)
    elif (then := better_later(judgement, curves)) is not None and judgement.ranking is not None:
        yield _chosen_by_what_counts(judged, judgement.ranking, then, times)
    else:
        yield from _kept(judged, keep, times, curves)
        yield from _stopping(judged, curves, judgement, times)
    if curves.tool == "trees":
        yield Advice(
            "Hold the trees back: a lower learning rate with more rounds, fewer leaves or a smaller depth, larger leaves, row and column sampling.",
            GENERAL,
        )
        yield Advice("Train on more rows, if there are any.", GENERAL)
        return
    yield Advice(
        "Hold the network back: dropout, weight decay, data augmentation, or fewer parameters; or train on more rows.",
        GENERAL,
    )
    yield Advice(
        "Measure which of them helps, and by how much, on your table.", GENERAL, f"{RUN} --study regularizers"
    )


def _weighed(judgement: SetJudgement) -> Advice:
    words = listed([f"{name} {label}" for name, label in judgement.parts])
    return Advice(
        f"Choose the state by the part or the metric that counts, for the parts of the loss differ: {words}.",
        MEASURED,
    )


def _chosen_by_what_counts(
    judged: MetricReading, ranking: MetricReading, then: float, times: Times
) -> Advice:
    return Advice(
        f"Choose the state by what counts: by {judged.written} it is that of {times.at(judged.best_at)} ({number(judged.best)}, with {ranking.written} "
        f"{number(then)}), by {ranking.written} that of {times.at(ranking.best_at)} ({number(ranking.best)}).",
        MEASURED,
    )


def _overfits_by_loss(
    judgement: SetJudgement, curves: LogCurves, keep: Keep | None, times: Times
) -> Iterator[Advice]:
    judged, ranking = judgement.judged, judgement.ranking
    if ranking is not None and keep is not None:
        yield from _kept(ranking, keep, times, curves)
        there = value_at(curves, judgement, ranking, judged.best_at)
        if there is not None:
            yield Advice(
                f"Do not choose the state by {judged.written}: its best, {times.at(judged.best_at)}, has {ranking.written} "
                f"{number(there)}; monitor {ranking.written} if that is what counts.",
                MEASURED,
            )
    yield Advice(
        "If probabilities count, calibrate them on validation rows (temperature scaling), or hold confidence back with label smoothing or weight decay.",
        GENERAL,
    )
    if curves.tool != "trees":
        yield Advice(
            "Measure what regularization gains, in loss and in accuracy, on your table.",
            GENERAL,
            f"{RUN} --study regularizers",
        )


def _still_improving(
    judgement: SetJudgement, curves: LogCurves, keep: Keep | None, times: Times
) -> Iterator[Advice]:
    judged = judgement.judged
    if judged.gain is not None:
        share = share_words(judged.gain.value, judged.best)
        yield Advice(
            f"Train longer: the last quarter of the run alone gained {number(judged.gain.value)}{f' ({share})' if share else ''}.",
            MEASURED,
        )
    if (rate := _spent_rate(curves)) is not None:
        yield Advice(
            f"Give it a longer schedule, too: its learning rate ended at {number(rate)}, with which little moves.",
            MEASURED,
        )
    yield Advice(
        "Judge over- and underfitting when it no longer improves: early stopping with a generous patience finds that point by itself.",
        GENERAL,
    )


def _flat(judgement: SetJudgement, curves: LogCurves, keep: Keep | None, times: Times) -> Iterator[Advice]:
    rate, latest = _spent_rate(curves), judgement.judged
    if rate is not None and latest.best_at > (latest.first_at + 3 * latest.last_at) / 4:
        yield Advice(
            f"Do not go on from its end: its learning rate had decayed to {number(rate)}, with which little moves. It was best late, so that only "
            "a longer schedule, from the start, would show whether more training helps.",
            MEASURED,
        )
    else:
        yield Advice("Do not train longer: the end of the run changed nothing that matters.", MEASURED)
    yield from _stopping(judgement.judged, curves, judgement, times)
    if curves.tool == "trees":
        yield Advice(
            "Whether other trees, or another model, would be better shows only beside this one: compare depths and learning rates.",
            GENERAL,
        )
    else:
        yield Advice(
            "Whether it underfits shows only beside a larger network: measure sizes on your table.",
            GENERAL,
            f"{RUN} --study sizes",
        )


def _diverged(
    judgement: SetJudgement, curves: LogCurves, keep: Keep | None, times: Times
) -> Iterator[Advice]:
    yield from _kept(judgement.judged, keep, times, curves)
    yield Advice(
        "Lower the learning rate by 3 to 10 times, with a warm-up, and clip gradients; look for NaN among inputs and labels.",
        GENERAL,
    )


def _unstable(
    judgement: SetJudgement, curves: LogCurves, keep: Keep | None, times: Times
) -> Iterator[Advice]:
    yield from _kept(judgement.judged, keep, times, curves)
    yield Advice(
        "Lower the learning rate or let it decay, use larger batches, clip gradients, or average the weights.",
        GENERAL,
    )


def _too_short(
    judgement: SetJudgement, curves: LogCurves, keep: Keep | None, times: Times
) -> Iterator[Advice]:
    yield Advice("Evaluate more often, several times per epoch if need be, or train longer.", GENERAL)


def _undecided(
    judgement: SetJudgement, curves: LogCurves, keep: Keep | None, times: Times
) -> Iterator[Advice]:
    if judgement.cause == "validation not finite":
        yield Advice(
            "Look at the evaluation: an empty set or batch, a division by zero, an overflow in 16-bit numbers.",
            GENERAL,
        )
        return
    yield Advice(
        "Make the curve less noisy: more validation rows, more evaluations, or the mean of several seeds or folds.",
        GENERAL,
    )
    if curves.tool != "trees":
        yield Advice(
            "Measure it with intervals, over rows and seeds, on your table.", GENERAL, f"{RUN} --seeds 3"
        )


def _without_validation(curves: LogCurves) -> Iterator[Advice]:
    if curves.tool == "trees":
        yield Advice(
            "Log validation rows beside training: pass `eval_set=` (XGBoost, LightGBM, CatBoost).", GENERAL
        )
        return
    yield Advice(
        "Log a validation loss beside training: `validation_data=` in Keras, `val_dataloaders=` in Lightning, `eval_strategy` of the Hugging Face Trainer.",
        GENERAL,
    )
    yield Advice(
        "Or train and measure the network on your table, with validation and test rows held out.",
        GENERAL,
        RUN,
    )


def _kept(judged: MetricReading, keep: Keep | None, times: Times, curves: LogCurves) -> Iterator[Advice]:
    """Yield which state to keep, if it is not the last one."""
    if keep is None or keep.at == judged.last_at:
        return
    worse = _lost(judged, judged.last)
    if worse <= material(judged):
        words = f"By {judged.written} the last state ({number(judged.last)}) is about as good as that of {times.at(keep.at)} ({number(judged.best)})."
    else:
        share = share_words(worse, judged.best)
        words = (
            f"Keep the state of {times.at(keep.at)} ({judged.written} {number(judged.best)}) rather than the last one, "
            f"{number(judged.last)}{f' ({share} worse)' if share else ''}."
        )
    if keep.checkpoint and keep.checkpoint_at is not None:
        place = "" if keep.checkpoint_at == keep.at else f", the nearest, of {times.at(keep.checkpoint_at)}"
        words += f" Checkpoint: {keep.checkpoint}{place}."
    elif keep.checkpoint:
        words += f" {keep.checkpoint}, beside the log, may hold it: the best by a metric that its name does not tell."
    elif curves.checkpoints and worse > material(judged):
        words += " None of the checkpoints beside the log is nearly as good: it has to be trained again, and the best state saved."
    yield Advice(words, MEASURED)


def _lost(judged: MetricReading, value: float) -> float:
    """Return by how much a value is worse than the best."""
    return value - judged.best if judged.direction == "less" else judged.best - value


def _stopping(
    judged: MetricReading, curves: LogCurves, judgement: SetJudgement, times: Times
) -> Iterator[Advice]:
    """Yield the early stopping that would have ended this run soon after its best, replayed on its log."""
    curve = curves.named(judged.written, judgement.role, judgement.set)
    found = replayed_patience(curve, judged.best_at)
    if found is None:
        return
    patience, stopped_at = found
    words = f"would have ended this run at {times.at(stopped_at)} instead of {times.at(judged.last_at)}, with the best state."
    patient = "" if curves.tool == "trees" else f" with a patience of {patience} evaluations"
    yield Advice(f"Early stopping{patient} {words}", MEASURED, stopping_code(judged, curves, patience))


def replayed_patience(curve: Curve, best_at: float) -> tuple[int, float] | None:
    """Return the least patience that reaches the best, and when it would have ended; None if the run ended no later.

    Example:
        A curve of 5, 4, 4.5, 3, 4, 4, 4, 4 has its best at the fourth value, two after the one before: a patience of 2
        reaches it, and ends two values later.
    """
    at, values = curve.badness()
    best = int(np.searchsorted(at, best_at))
    lows = np.flatnonzero(values[: best + 1] < np.minimum.accumulate(np.r_[np.inf, values[:best]]))
    patience = max(int(np.diff(lows).max(initial=1)), 1)
    # A patience that was just enough in one run is too little for the next: half as much again, and 5 at least.
    patience = max(patience + (patience + 1) // 2, 5)
    stopped = best + patience
    if values[best] > np.min(values) or stopped >= len(values) - 1:
        return None
    return patience, float(at[stopped])


def value_at(curves: LogCurves, judgement: SetJudgement, reading: MetricReading, when: float) -> float | None:
    """Return a metric at the time nearest to one."""
    curve = curves.named(reading.written, judgement.role, judgement.set)
    value = float(curve.values[int(np.argmin(np.abs(curve.at - when)))])
    return value if np.isfinite(value) else None


def _spent_rate(curves: LogCurves) -> float | None:
    """Return the learning rate at the end if it had decayed to almost nothing."""
    for curve in curves.curves:
        if curve.metric == "learning_rate" and len(curve.values) > 1 and np.isfinite(curve.values).all():
            highest, last = float(curve.values.max()), float(curve.values[-1])
            if 0 <= last < SPENT_RATE * highest:
                return last
    return None
