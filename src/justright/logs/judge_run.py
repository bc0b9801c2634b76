"""What the curves of one run say, and those of folds or seeds together: labels, findings and advice from one judgement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from justright.diagnosis.words.numbers import counted, listed, number
from justright.logs import finding_pages as findings
from justright.logs.judge_set import SetJudgement, judge_set, most_urgent
from justright.logs.log_curves import Curve, LogCurves
from justright.logs.next_steps import advice_for, state_to_keep
from justright.logs.run_reading import CurveLabel, Finding, MetricReading, RunReading, SetReading
from justright.logs.sentences import sentence_of
from justright.logs.thresholds import (
    CHANCE_POINTS,
    CHANCE_SHARE,
    CLOSE_SHARE,
    FLAT_SHARE,
    MOST_CLASSES,
    TRAIN_FALL,
)
from justright.logs.wording import Times, share_words, title_of
from justright.statistics.turns import FEWEST_POINTS, find_turn

LABEL_PAGES = {
    "overfits": findings.OVERFITS,
    "overfits by loss only": findings.OVERFITS_BY_LOSS,
    "still improving": findings.STILL_IMPROVING,
    "flat": findings.FLAT,
    "diverged": findings.DIVERGED,
    "unstable": findings.UNSTABLE,
    "too short": findings.TOO_SHORT,
    "undecided": findings.UNDECIDED,
}


def judge_runs(runs: Sequence[LogCurves]) -> tuple[RunReading, ...]:
    """Return what runs say; the folds or seeds of one experiment are pooled, as its members."""
    found = []
    for group, members in groupby(runs, key=lambda run: run.group if run.member else None):
        together = list(members)
        if group is None or len(together) < 2:
            found += [judge_run(run) for run in together]
        else:
            found.append(judge_members(together))
    return tuple(one if one.is_earlier else _after(one, found) for one in found)


def _after(reading: RunReading, others: Sequence[RunReading]) -> RunReading:
    """Return the reading of a run that says which attempts in the same log came before it."""
    earlier = [one for one in others if one.is_earlier and one.name.startswith(reading.name)]
    if not earlier:
        return reading
    words = listed([f"{one.name.removeprefix(reading.name).strip(', ')}: {one.label}" for one in earlier])
    finding = Finding(
        findings.EARLIER.code,
        f"The log holds {counted(len(earlier), 'earlier attempt')} ({words}); the last one is judged.",
    )
    return replace(reading, findings=(*reading.findings, finding))


def judge_members(members: Sequence[LogCurves]) -> RunReading:
    """Return what the mean curves of folds or seeds say."""
    readings = tuple(judge_run(member) for member in members)
    pooled = judge_run(pool(members))
    labels = Counter(reading.label for reading in readings)
    words = listed([f"{count} {label}" for label, count in labels.most_common()])
    finding = Finding(
        findings.POOLED.code,
        f"The mean of {counted(len(members), 'run')} was judged ({listed([one.member for one in members])}); one by one: {words}.",
    )
    return replace(pooled, members=readings, findings=(*pooled.findings, finding))


def pool(members: Sequence[LogCurves]) -> LogCurves:
    """Return the mean curves of runs, over the times at which all of them measured."""
    first = members[0]
    curves = []
    for curve in first.curves:
        alike = [
            next((other for other in member.curves if _key(other) == _key(curve)), None) for member in members
        ]
        present = [one for one in alike if one is not None]
        if len(present) < len(members):
            continue
        at = present[0].at
        for one in present[1:]:
            at = np.intersect1d(at, one.at)
        if len(at):
            values = np.mean([one.values[np.searchsorted(one.at, at)] for one in present], axis=0)
            curves.append(replace(curve, at=at, values=values))
    name = first.group or first.name
    notes = tuple(dict.fromkeys(note for member in members for note in member.notes))
    return replace(first, name=name, curves=tuple(curves), member="", group="", notes=notes, checkpoints={})


def judge_run(curves: LogCurves) -> RunReading:
    """Return what the curves of one run say."""
    times = Times.of(curves)
    sets = curves.evaluation_sets()
    alike = Counter(role for role, _ in sets)
    judged = [judge_set(curves, role, set_name, sets=alike[role]) for role, set_name in sets]
    judgements = [one for one in judged if one is not None]
    first = _deciding(judgements)
    if first is None:
        return _without_validation(curves)
    keep = state_to_keep(first, curves)
    in_order = sorted(judgements, key=lambda one: one is not first)
    return RunReading(
        name=curves.name,
        format=curves.format,
        label=first.label,
        sentence=_sentence(first, judgements, times),
        unit=curves.unit,
        sets=tuple(_set_reading(one, times) for one in in_order),
        findings=tuple(_findings(first, in_order, curves, times)),
        advice=advice_for(first, curves, keep),
        keep=keep,
        notes=curves.notes,
        members=(),
        is_earlier=curves.is_earlier,
        curves=curves,
    )


def _key(curve: Curve) -> tuple[str, str, str]:
    return curve.role, curve.set, curve.metric


def _deciding(judgements: Sequence[SetJudgement]) -> SetJudgement | None:
    """Return the judgement that gives the run its label: the most urgent of validation sets, without them of test sets."""
    for role in ("validation", "test"):
        of_role = [one for one in judgements if one.role == role]
        if of_role:
            return most_urgent(of_role)
    return None


def _sentence(first: SetJudgement, judgements: Sequence[SetJudgement], times: Times) -> str:
    alike = [one for one in judgements if one.role == first.role]
    sentence = sentence_of(first, times)
    if len(alike) < 2:
        return sentence
    same = sum(one.label == first.label for one in alike)
    return f"On {same} of {counted(len(alike), first.role + ' set')}, {first.label}. {title_of(first.role, first.set).capitalize()}: {sentence}"


def _set_reading(judgement: SetJudgement, times: Times) -> SetReading:
    return SetReading(
        judgement.role,
        judgement.set,
        title_of(judgement.role, judgement.set),
        judgement.label,
        judgement.judged,
        judgement.others,
        sentence_of(judgement, times),
    )


def _without_validation(curves: LogCurves) -> RunReading:
    """Return the reading of a run of which only training was logged: it can show divergence, and nothing else."""
    times = Times.of(curves)
    losses = [one for one in curves.curves if one.is_loss]
    loss = next((one for one in losses if np.isfinite(one.values).any()), None)
    broken = next(((one, when) for one in losses if (when := one.not_finite_since()) is not None), None)
    label: CurveLabel = "undecided"
    if broken is not None and broken[0].role == "train":
        label = "diverged"
        sentence = (
            f"{broken[0].written} is not a finite number from {times.at(broken[1])} on: the run diverged."
        )
        found = [Finding(findings.DIVERGED.code, sentence)]
    else:
        found, sentence = [], "Only training was logged: only validation rows can show whether it overfits."
        if loss is not None:
            sentence = f"Only training was logged: {_training_course(loss, times)}; only validation rows can show whether it overfits."
    found.append(
        Finding(
            findings.NO_VALIDATION.code, "No metric of validation or test rows was logged as a finite number."
        )
    )
    return RunReading(
        name=curves.name,
        format=curves.format,
        label=label,
        sentence=sentence,
        unit=curves.unit,
        sets=(),
        findings=tuple(found),
        advice=advice_for(None, curves, None),
        keep=None,
        notes=curves.notes,
        members=(),
        is_earlier=curves.is_earlier,
        curves=curves,
    )


def _training_course(curve: Curve, times: Times) -> str:
    at, values = curve.finite()
    if len(values) == 1:
        return f"{curve.written} was {number(float(values[0]))} at {times.at(float(at[0]))}"
    words = f"{curve.written} went from {number(float(values[0]))} at {times.at(float(at[0]))} to {number(float(values[-1]))} at {times.at(float(at[-1]))}"
    if len(values) < FEWEST_POINTS:
        return words
    fall = find_turn(values, at).fall
    if fall.high < 0:
        return f"{words}, and still fell over the last quarter"
    return (
        f"{words}, and hardly changed over the last quarter"
        if fall.low > -FLAT_SHARE * abs(float(values[-1]))
        else words
    )


def _findings(
    first: SetJudgement, judgements: Sequence[SetJudgement], curves: LogCurves, times: Times
) -> Iterator[Finding]:
    """Yield what was found: the labels of all sets, then what stands beside them."""
    several = len(judgements) > 1
    for one in judgements:
        title = title_of(one.role, one.set) if several else ""
        yield Finding(_page(one).code, sentence_of(one, times), title)
        if one.judged.spikes and one.label != "unstable":
            words = f"{one.judged.written} has {counted(len(one.judged.spikes), 'spike')}, the first at {times.at(one.judged.spikes[0])}, which {'decides' if len(one.judged.spikes) == 1 else 'decide'} nothing."
            yield Finding(findings.SPIKES.code, words, title)
        if one.label.startswith("overfits") and one.judged.train is None:
            yield Finding(
                findings.NO_TRAINING.code,
                f"Training was not logged beside {one.judged.written}: an unstable training would look the same.",
                title,
            )
        if one.judged.is_assisted and one.label.startswith("overfits"):
            yield Finding(
                findings.ASSISTED.code,
                f"By its own noise the rise of {one.judged.written} would be open; {one.judged.train} fell so far meanwhile that it was taken for one.",
                title,
            )
        yield from _descriptions(one, curves, times, title)
    alike = [one for one in judgements if one.role == first.role]
    if len({one.label for one in alike}) > 1:
        words = listed([f"{title_of(one.role, one.set)} {one.label}" for one in alike])
        yield Finding(findings.SETS_DIFFER.code, f"Evaluation sets differ: {words}.")
    for one in alike:
        if len({label for _, label in one.parts}) > 1:
            words = listed([f"{name} {label}" for name, label in one.parts])
            yield Finding(
                findings.PARTS_DIFFER.code,
                f"Parts of the loss differ: {words}.",
                title_of(one.role, one.set) if several else "",
            )
    if first.role == "test":
        yield Finding(
            findings.TEST_AS_VALIDATION.code,
            f"{first.judged.written} was measured on test rows; no validation rows were logged, so they stand in for them.",
        )


def _page(judgement: SetJudgement) -> findings.Page:
    if judgement.label == "undecided" and judgement.cause == "validation not finite":
        return findings.NOT_FINITE
    return LABEL_PAGES[judgement.label]


def _descriptions(judgement: SetJudgement, curves: LogCurves, times: Times, title: str) -> Iterator[Finding]:
    """Yield what can be described, and is no verdict: guessing, and a training loss as high as validation's."""
    judged = judgement.judged
    if judgement.cause == "penalty":
        yield Finding(
            findings.PENALTY.code,
            f"Training loss is more than the errors on training rows can cost: it holds a penalty, or smoothed labels, and {judged.written} was judged instead.",
            title,
        )
    classes = _guessed_classes(judgement)
    if classes is not None:
        yield Finding(
            findings.CHANCE.code,
            f"The best {judged.written}, {number(judged.best)}, is that of guessing among {counted(classes, 'class').replace('classs', 'classes')} (ln {classes}).",
            title,
        )
    elif judgement.label == "flat" and _is_close_and_flat(judgement, curves):
        yield Finding(
            findings.HIGH_AND_FLAT.code,
            f"{judged.train} ({number(judged.train_last or 0.0)}) is about as high as {judged.written} ({number(judged.last)}), and neither improves: "
            "a network that is too small looks like this, and so does one that has reached the noise of the data.",
            title,
        )
    elif judgement.label in ("undecided", "flat") and _has_gained_nothing(judged):
        then = (judged.train_last or 0.0) - (judged.train_change or 0.0)
        yield Finding(
            findings.NOTHING_GAINED.code,
            f"{judged.train} fell by {share_words(judged.train_change or 0.0, then)} since {times.at(judged.best_at)}, when {judged.written} was best: "
            "what was learned since then shows no use on these rows.",
            title,
        )


def _has_gained_nothing(judged: MetricReading) -> bool:
    """Return whether training improved a long way since validation was best, early in the run."""
    if judged.train_change is None or judged.train_last is None or judged.direction != "less":
        return False
    is_early = judged.best_at <= (judged.first_at + judged.last_at) / 2
    then = judged.train_last - judged.train_change
    return is_early and then > 0 and -judged.train_change > TRAIN_FALL * then


def _guessed_classes(judgement: SetJudgement) -> int | None:
    """Return of how many classes the best cross-entropy is that of a guess; None if it is better, or no cross-entropy."""
    judged = judgement.judged
    if judgement.label in ("diverged", "too short") or not any(
        word in judged.metric for word in ("entropy", "logloss", "loss", "nll")
    ):
        return None
    if not 0 < judged.best < np.log(MOST_CLASSES + 1):
        return None
    classes = round(float(np.exp(judged.best)))
    if classes < 2 or abs(judged.best - np.log(classes)) > CHANCE_SHARE * np.log(classes):
        return None
    accuracy = next((one for one in judgement.others if one.metric == "accuracy"), None)
    if (
        accuracy is None
    ):  # a loss alone may have that value by chance, unless it is that of two classes all along
        return 2 if classes == 2 and judgement.label == "flat" else None
    return classes if abs(accuracy.best - 1 / classes) <= CHANCE_POINTS else None


def _is_close_and_flat(judgement: SetJudgement, curves: LogCurves) -> bool:
    judged = judgement.judged
    if judged.train_last is None or judged.direction != "less":
        return False
    train = curves.train_curve(judged.metric)
    if train is None or len(train.finite()[0]) < FEWEST_POINTS:
        return False
    at, values = train.finite()
    fall = find_turn(values, at).fall
    level = abs(judged.last)
    return (
        fall.low > -FLAT_SHARE * level
        and judged.train_last >= judged.last - CLOSE_SHARE * level
        and level > 0
    )
