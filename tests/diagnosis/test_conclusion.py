"""The headline: whether training was long enough to judge, then what each network does, in a sentence or two."""

from __future__ import annotations

from dataclasses import replace

import pytest

from justright.diagnosis.judge import examine, judge_study
from justright.diagnosis.labels import OVERFITS, UNDERFITS
from justright.diagnosis.verdicts import Verdict
from justright.diagnosis.words.conclusion import conclude, too_short_sentence
from justright.statistics.intervals import Interval

MARGIN = 0.005
AT_LIMIT = {"outcome": "finished", "epochs": 5, "best_epoch": 4}


def cut(maker, name, parameters, loss, **options):
    """A network that the epoch limit ended at its best epoch."""
    grid = {epoch: rows for epoch, rows in maker.run(name, 0, loss, 0.0).validation.items() if epoch < 5}
    return maker.variant(name, parameters, loss, **(AT_LIMIT | {"validation": grid} | options))


def found(study):
    """What was found about every network of a study."""
    return [one.found for one in examine(study, margin=MARGIN).verdicts]


def falling(one, mean, low, high):
    """A finding whose loss fell by so much in the last part of training."""
    return replace(one, end=replace(one.end, fall=Interval(mean, low, high)))


def test_training_that_was_too_short_is_said_first(maker):
    """Two of three networks were at their best when five epochs ended them; the command trains on."""
    study = maker.study(cut(maker, "A", 10, 0.65), cut(maker, "B", 20, 0.6), maker.variant("C", 30, 0.55))
    judgement = judge_study(study)
    conclusion = judgement.conclusion
    answer = judgement.verdicts[0].answer
    assert answer.startswith("A underfits: more capacity (C) lowers its test loss by 0.")
    assert answer.endswith(
        "]; it was still at or near its best at the limit of 5 epochs, so longer training may lower it, too."
    )
    assert conclusion.startswith(
        "Training was too short to judge: two of three networks were still at or near their best at the limit of 5 epochs. "
        "Train longer: justright run --out DIR --max-epochs 200. So far A and B underfit (they lack capacity, or need longer training); C "
        "is undecided; best on validation rows is C, with a test loss of 0."
    )


def test_one_network_that_was_cut_short_is_called_by_its_name(maker):
    """A study of one has no majority."""
    conclusion = judge_study(maker.study(cut(maker, "Mine", 10, 0.6))).conclusion
    assert conclusion.startswith(
        "Training was too short to judge: Mine was still at or near its best at the limit of 5 epochs. "
        "Train longer: justright run --out DIR --max-epochs 40. So far Mine is undecided; its test loss is 0."
    )


def test_a_fall_that_is_shown_is_said_to_be_one(maker):
    """The curve itself says more than where its best epoch lies; limits may differ."""
    (one,) = found(maker.study(cut(maker, "A", 10, 0.6)))
    assert "A still improved at the limit of 5 epochs." in too_short_sentence([falling(one, 0.1, 0.05, 0.2)])
    (other,) = found(maker.study(maker.variant("B", 10, 0.6, outcome="finished", best_epoch=98)))
    assert (
        "both networks were still at or near their best at limits of 5 to 100 epochs."
        in too_short_sentence([one, other])
    )


def test_a_fall_that_is_excluded_means_that_training_was_long_enough(maker):
    """The best epoch is the last one by chance: the curve is flat."""
    (one,) = found(maker.study(cut(maker, "A", 10, 0.6)))
    assert one.is_cut_short
    assert too_short_sentence([falling(one, 0.0, -0.004, 0.004)]) == ""
    assert falling(one, 0.004, -0.002, 0.010).is_cut_short


@pytest.mark.parametrize(
    "options",
    [
        {"outcome": "stopped early"},
        {"epochs": 100, "best_epoch": 24},
        {"epochs": 60, "best_epoch": 53},
    ],
)
def test_what_stopped_by_itself_or_has_passed_its_best_epoch_was_not_cut_short(maker, options):
    """A stopping rule ended it, or the best epoch lies well before the limit."""
    (one,) = found(maker.study(cut(maker, "A", 10, 0.6, **options)))
    assert not one.is_cut_short
    assert too_short_sentence([one]) == ""


def test_a_network_at_its_best_at_the_limit_is_not_just_right(maker):
    """Nothing measured beside it helps, but nobody knows what more epochs would do."""
    sides = maker.variant("A", 10, 0.6), maker.variant("C", 30, 0.6)
    judgement = judge_study(maker.study(sides[0], cut(maker, "B", 20, 0.6), sides[1]), margin=0.01)
    verdict = judgement.verdict("B")
    assert verdict.label == "undecided"
    assert verdict.answer == (
        "B is undecided: its best epoch is among the last before its epoch limit, so longer training may help."
    )
    assert verdict.action.command == "justright run --out DIR --max-epochs 40"
    ended = judge_study(maker.study(sides[0], maker.variant("B", 20, 0.6), sides[1]), margin=0.01)
    assert ended.verdict("B").label == "just right"


def test_most_runs_of_a_network_count(maker):
    """One seed of four that ended at the limit does not make a network cut short."""
    network = cut(maker, "A", 10, 0.6)
    runs = tuple(replace(run, outcome="stopped early") if run.seed < 3 else run for run in network.runs)
    (one,) = found(maker.study(replace(network, runs=runs)))
    assert not one.is_cut_short


def test_where_a_network_already_overfits_training_was_long_enough(maker):
    """The epochs sufficed to see what the study asks about."""
    study = maker.study(cut(maker, "A", 10, 0.65), cut(maker, "B", 20, 0.6), maker.variant("C", 30, 0.6, 0.3))
    assert judge_study(study).conclusion.startswith(
        "C overfits; A underfits (it lacks capacity, or needs longer training); B is undecided; best on"
    )


def test_what_networks_lack_and_do_beside_it_is_said_in_parentheses(maker):
    """Several lacks, one network in two groups of words, and the other direction."""
    variants = [maker.variant(name, size, 0.6) for name, size in (("A", 10), ("B", 20), ("C", 30), ("D", 40))]
    study = examine(maker.study(*variants), margin=MARGIN)
    alternative = study.verdicts[0].found.variants[0]
    kinds = {
        "A": "more capacity",
        "B": "longer training",
        "C": "capacity with regularization",
        "D": "longer training",
    }
    verdicts = {one.variant: lacking(one, alternative, kinds[one.variant]) for one in study.verdicts}
    verdicts["D"] = replace(verdicts["D"], label=OVERFITS.name, also=UNDERFITS.name)

    def said(*chosen: Verdict) -> str:
        return conclude(chosen, study.evidence, study.measured, None)

    assert said(*verdicts.values()) == (
        "D overfits (it also underfits); A, B and C underfit (A lacks capacity, B needs longer training, C lacks capacity and "
        "regularization)."
    )
    assert said(verdicts["B"]) == "B underfits (it needs longer training)."
    both = replace(verdicts["A"], also=OVERFITS.name), replace(verdicts["C"], also=OVERFITS.name)
    assert said(*both, verdicts["B"]) == (
        "All three variants underfit (A lacks capacity, C lacks capacity and regularization, B needs longer training, A and C also "
        "overfit)."
    )


def lacking(verdict, alternative, kind):
    """The verdict `underfits`, because something of that kind is better."""
    gain = Interval(0.3, 0.2, 0.4)
    variants = (replace(alternative, kind=kind, gain=gain),)
    return replace(verdict, label=UNDERFITS.name, found=replace(verdict.found, variants=variants))


def test_of_many_networks_only_the_labels_are_counted(maker):
    """Eleven variants: no parentheses."""
    variants = [maker.variant(f"N{number}", 10 + number, 0.6 - number / 100) for number in range(11)]
    assert "(" not in judge_study(maker.study(*variants)).conclusion
