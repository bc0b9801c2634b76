"""A verdict rule with a label of its own, a fact and a set of claims: each from one file, found wherever they appear."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from justright import plugins
from justright.diagnosis import verdicts
from justright.diagnosis.claims import Claim
from justright.diagnosis.judge import judge_study
from justright.diagnosis.labels import Label, label_named, label_names
from justright.diagnosis.verdicts import Rule
from justright.diagnosis.words import facts
from justright.diagnosis.words.actions import Action
from justright.diagnosis.words.answers import reasons_of

HUGE = Label("is huge", "!", "it has more parameters than anybody needs", "is huge", "are huge", "warning")


@pytest.fixture
def plug_in(monkeypatch):
    """Return a function that plugs one entry into a registry, as an installed package would, until the test ends."""

    def clear() -> None:
        for cached in (plugins.plugged_in, plugins._plugins, plugins._members):
            cached.cache_clear()

    def plug(registry, entry):
        toy = ModuleType("toy_plugin")
        toy.entry, toy.MEMBERS = entry, {registry: ("toy_plugin:entry",)}
        monkeypatch.setitem(sys.modules, "toy_plugin", toy)
        monkeypatch.setattr(plugins, "BUILT_IN", (*plugins.BUILT_IN, "toy_plugin"))
        clear()

    yield plug
    monkeypatch.undo()
    clear()


def is_huge(found):
    """Whether a variant has a million parameters."""
    return found.measured.variant.parameters >= 1_000_000


def say_huge(found):
    """The sentence of the toy rule."""
    return (f"It has {found.measured.variant.parameters:,} parameters.", *reasons_of(found, "tighter"))


def shrink(found):
    """What the toy rule recommends."""
    return Action(f"Train a network with fewer than {found.measured.variant.parameters:,} parameters.", "")


def test_a_rule_gives_its_label_in_the_judgement_the_headline_and_the_list_of_labels(plug_in, maker):
    """Nothing but the rule names the label."""
    plug_in("rules", Rule(HUGE, is_huge, say_huge, lambda found: f"{found.name} is huge.", shrink))
    study = maker.study(maker.variant("Small", 10, 0.6), maker.variant("Huge", 2_000_000, 0.5), reference=0.6)
    judgement = judge_study(study)
    verdict = judgement.verdict("Huge")
    assert verdict.to_dict()["label"] == "is huge"
    assert verdict.reasons[0] == "It has 2,000,000 parameters."
    assert verdict.answer == "Huge is huge."
    assert verdict.action == Action("Train a network with fewer than 2,000,000 parameters.", "")
    assert judgement.conclusion.startswith(
        "Small underfits (it lacks capacity); Huge is huge; best on validation rows is Huge"
    )
    assert label_named("is huge") == HUGE
    assert label_names()[-1] == "is huge"


def test_a_rule_of_the_literal_list_is_asked_in_its_place(monkeypatch, maker):
    """One line in `RULES`; the rules before it come first. Without words of its own the first reason is the answer."""
    monkeypatch.setattr(verdicts, "RULES", (*verdicts.RULES[:2], Rule(HUGE, is_huge), *verdicts.RULES[2:]))
    study = maker.study(maker.variant("Good", 2_000_000, 0.5), maker.variant("Bad", 2_000_000, 0.5, 0.3))
    huge, bad = judge_study(study).verdicts
    assert (huge.label, huge.answer, huge.action) == ("is huge", huge.reasons[0], None)
    assert bad.label == "overfits"


def test_without_a_plug_in_no_variant_has_the_label(maker):
    """What the tests above plugged in is gone."""
    assert judge_study(maker.study(maker.variant("Huge", 2_000_000, 0.5))).verdicts[0].label == "undecided"
    assert "is huge" not in label_names()


def count_seeds(study):
    """The toy fact."""
    yield f"The study has {len(study.evidence.variants[0].runs)} seeds, and a margin of {study.margin:.1f}."


def test_a_fact_is_said_by_the_judgement(plug_in, monkeypatch, maker):
    """Plugged in, it comes last; in the literal list, in its place."""
    study = maker.study(maker.variant("A", 10, 0.6))
    before = judge_study(study, margin=1.0).facts
    said = "The study has 4 seeds, and a margin of 1.0."
    monkeypatch.setattr(facts, "FACTS", (count_seeds, *facts.FACTS))
    assert judge_study(study, margin=1.0).facts == (said, *before)
    monkeypatch.undo()
    plug_in("facts", count_seeds)
    assert judge_study(study, margin=1.0).facts == (*before, said)


def test_claims_are_judged_where_they_apply(plug_in, maker):
    """A set of claims is a function of the judged study, and sees everything that was measured."""
    claim = Claim("Larger is better.", "cannot be told", "One network was trained.")
    plug_in("claims", lambda study: (claim,) if len(study.measured) == 1 else ())
    one = maker.study(maker.variant("A", 10, 0.6))
    two = maker.study(maker.variant("A", 10, 0.6), maker.variant("B", 20, 0.6))
    assert judge_study(one).to_dict()["claims"] == [claim.to_dict()]
    assert judge_study(two).claims == ()


def test_the_last_rule_always_applies():
    """So that every measured variant gets a verdict."""
    assert verdicts.RULES[-1].applies(None)
