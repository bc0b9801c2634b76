"""Remedies ranked by measured effects, with ties shown as ties."""

from __future__ import annotations

from dataclasses import replace

import pytest

from justright.diagnosis.effects import variant_effects
from justright.diagnosis.judge import examine, judge_study
from justright.diagnosis.measured import measure_study
from justright.diagnosis.words.facts import effect_facts
from justright.diagnosis.words.numbers import estimate


def effects(study):
    """Return the effects of a study's variants on their baselines."""
    return variant_effects(study, measure_study(study))


@pytest.fixture
def study(maker):
    """Four remedies whose truth is -0.05, -0.05, +0.02 and 0 on a baseline of 0.6."""
    return maker.study(
        maker.variant("Large", 1_000, 0.60, 0.5),
        maker.variant("L2", 1_000, 0.55, baseline="Large"),
        maker.variant("dropout", 1_000, 0.55, baseline="Large"),
        maker.variant("noise", 1_000, 0.62, baseline="Large"),
        maker.variant("nothing", 1_000, 0.60, baseline="Large"),
    )


@pytest.fixture
def found(study):
    """The effects of the four."""
    return effects(study)


def test_true_effects_lie_in_their_intervals(found):
    """Each remedy against the baseline at its own best epoch: the baseline's spoilt end does not matter."""
    truth = {"L2": -0.05, "dropout": -0.05, "noise": 0.02, "nothing": 0.0}
    assert {one.remedy for one in found} == set(truth)
    for one in found:
        assert one.low < truth[one.remedy] < one.high
        assert one.high - one.low < 0.03


def test_probabilities_follow_the_differences(found):
    """Sure for real effects, open for none; those of being best sum to 1."""
    by_name = {one.remedy: one for one in found}
    assert by_name["L2"].probability_better > 0.99
    assert by_name["noise"].probability_better < 0.01
    assert 0.02 < by_name["nothing"].probability_better < 0.98
    assert sum(one.probability_best for one in found) == pytest.approx(1.0)


def test_ties_are_ties(found):
    """The two good remedies share the first place; the rest follow by their mean."""
    assert {one.remedy for one in found if one.is_tied_with_best} == {"L2", "dropout"}
    assert [one.remedy for one in found[2:]] == ["nothing", "noise"]


def test_the_sentence_names_the_tied_winners(study, found):
    """The answer to Large names the better one and its gain, so the fact adds only that another is as good."""
    best, second = found[:2]
    judgement = judge_study(study)
    assert f"regularization ({best.remedy}) lowers it by" in judgement.verdict("Large").answer
    assert f"For Large, {best.remedy} cannot be told apart from {second.remedy}." in judgement.facts
    assert not any("helps most" in fact for fact in judgement.facts)


def test_what_no_answer_says_is_a_fact(maker):
    """Other inputs are headroom: no part of what decides the label, so no answer names them."""
    other = {"change": "other inputs"}
    study = maker.study(
        maker.variant("Large", 9, 0.60),
        maker.variant("Turned", 9, 0.55, baseline="Large", **other),
        maker.variant("Scaled", 9, 0.55, baseline="Large", **other),
    )
    judgement = judge_study(study)
    best, second = [one for one in judgement.effects if one.baseline == "Large"]
    assert (
        f"Of the remedies of Large, {best.remedy} helps most, by {estimate(best.interval.negated())}; "
        f"it cannot be told apart from {second.remedy}."
    ) in judgement.facts


def test_useless_remedies_are_called_so(maker):
    """Nothing helps; a baseline without remedies has no sentence."""
    base, one = maker.variant("A", 9, 0.60), maker.variant("B", 9, 0.61, baseline="A")
    facts = judge_study(maker.study(base, one)).facts
    assert "B does not measurably help A." in facts
    assert not any("help B" in fact or "helps B" in fact for fact in facts)
    other = maker.variant("C", 9, 0.62, baseline="A")
    assert "B and C do not measurably help A." in judge_study(maker.study(base, one, other)).facts


def test_a_remedy_that_a_verdict_shows_is_never_called_useless(study):
    """The two families of intervals differ; a sentence must not deny an answer."""
    examined = examine(study, margin=0.001)
    blurred = replace(
        examined, effects=tuple(replace(one, high=0.01, is_tied_with_best=True) for one in examined.effects)
    )
    (large,) = [one for one in examined.verdicts if one.variant == "Large"]
    assert large.found.remedy.name in ("L2", "dropout")
    assert not any("not measurably help Large" in said for said in effect_facts(blurred))
    assert any(
        "not measurably help Large" in said
        for said in effect_facts(replace(blurred, verdicts=silent(blurred)))
    )


def silent(examined):
    """The verdicts, with nothing found to be better."""
    return tuple(replace(one, found=replace(one.found, variants=())) for one in examined.verdicts)


def test_another_remedy_only_widens_the_family(maker):
    """Means do not change when a remedy is added; effects come out the same on every call."""
    base, remedy = maker.variant("A", 9, 0.60), maker.variant("B", 9, 0.58, baseline="A")
    alone = effects(maker.study(base, remedy))
    both = effects(maker.study(base, remedy, maker.variant("C", 9, 0.59, baseline="A")))
    assert [one.difference for one in both if one.remedy == "B"] == [alone[0].difference]
    assert alone == effects(maker.study(base, remedy))


def test_remedies_with_fewer_seeds_use_the_common_ones(maker_of):
    """One remedy was trained with 2 of the 4 seeds: its effect says so."""
    maker = maker_of()
    short = maker.variant("B", 9, 0.5, baseline="A")
    short = type(short)("B", 9, short.runs[:2], baseline="A")
    study = maker.study(maker.variant("A", 9, 0.6), short, maker.variant("C", 9, 0.55, baseline="A"))
    assert {one.remedy: one.seeds for one in effects(study)} == {"B": 2, "C": 4}
