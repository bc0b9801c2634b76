"""Whatever was measured, no sentence denies another, and labels agree with what they rest on.

`python -m tests.contradictions 0 5000` looks at many more studies.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.contradictions import STUDY_RULES, VERDICT_RULES, contradictions
from tests.known_truth import Maker
from tests.random_studies import random_study

from justright.diagnosis.judge import judge_study
from justright.diagnosis.words.actions import Action

SEEDS = range(30)


@pytest.fixture(scope="module")
def judged():
    """Random studies and what is said about them: seed -> evidence and judgement."""
    studies = {seed: random_study(seed) for seed in SEEDS}
    return {
        seed: (evidence, judge_study(evidence, margin=margin)) for seed, (evidence, margin) in studies.items()
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_no_sentence_denies_another(judged, seed):
    """All rules hold on random evidence."""
    evidence, judgement = judged[seed]
    assert contradictions(judgement, evidence) == []


def test_the_random_studies_have_every_label(judged):
    """Alone, and beside another one; so no rule is only asked where it does not matter."""
    said = {(one.label, one.also) for _, judgement in judged.values() for one in judgement.verdicts}
    assert {label for label, _ in said} == {"overfits", "underfits", "just right", "undecided", "diverged"}
    assert {("overfits", "underfits"), ("underfits", "overfits")} <= said


@pytest.fixture(scope="module")
def study():
    """Evidence with a network for each kind of sentence: Large trained for too long and is helped by Good; Tiny is too small."""
    maker = Maker(rows=1_000, validation_rows=200, seed_deviation=0.0003)
    return maker.study(
        maker.variant("Tiny", 10, 0.65),
        maker.variant("Good", 1_000, 0.55),
        maker.variant("Large", 9_000, 0.60, 0.3),
        maker.variant("Dropout", 9_000, 0.56, baseline="Large", change="regularization"),
        maker.variant("Weak", 9_000, 0.61, baseline="Large", change="regularization"),
        reference=0.5,
    )


@pytest.fixture(scope="module")
def judgement(study):
    """What is said about it."""
    return judge_study(study)


def test_the_study_to_be_tampered_with_is_free_of_contradictions(study, judgement):
    """And has the labels that the tampering below starts from."""
    assert contradictions(judgement, study) == []
    labels = {one.variant: one.label for one in judgement.verdicts}
    assert labels == {
        "Tiny": "underfits",
        "Good": "just right",
        "Large": "overfits",
        "Dropout": "overfits",
        "Weak": "overfits",
    }


def reasons(verdict, *more):
    """Return a verdict with more reasons."""
    return replace(verdict, reasons=(*verdict.reasons, *more))


def acting(verdict, words, command):
    """Return a verdict with another action."""
    return replace(verdict, action=Action(words, command))


PREDICT = "justright predict DIR TABLE --variant"
# rule -> the variant that is tampered with, and what is said of it instead.
TAMPERED = {
    "label_is_what_is_shown": ("Large", lambda one: replace(one, label="undecided")),
    "just_right_excludes_everything": ("Large", lambda one: replace(one, label="just right")),
    "undecided_names_what_is_open": ("Good", lambda one: replace(one, label="undecided")),
    "decided_needs_nothing": ("Good", lambda one: reasons(one, "More seeds would probably decide.")),
    "too_long_training_is_never_denied": (
        "Large",
        lambda one: acting(one, "Train it for longer.", "justright run --out DIR --max-epochs 200"),
    ),
    "overfitting_is_never_denied": ("Large", lambda one: reasons(one, "Large does not overfit.")),
    "what_may_help_is_no_loss": (
        "Good",
        lambda one: replace(one, answer="Good is undecided: Tiny may lower its test loss (gain -5 [-9, 1])."),
    ),
    "nothing_else_is_said_to_overfit": ("Good", lambda one: reasons(one, "After 30 it overfits.")),
    "named_as_better_is_not_open": (
        "Large",
        lambda one: reasons(
            one, "Nothing tighter that it was compared with (Good and Weak) lowers the test loss."
        ),
    ),
    "answer_quotes_what_was_found": (
        "Tiny",
        lambda one: replace(one, answer=one.answer.replace(" by 0.", " by 1.")),
    ),
    "since_is_an_epoch_before_the_last": (
        "Large",
        lambda one: replace(one, answer="Large overfits after epoch 99: its end is worse."),
    ),
    "accuracy_that_disagrees_is_said": (
        "Good",
        lambda one: replace(one, answer=f"{one.answer[:-1]}; by accuracy its end is worse."),
    ),
    "what_learned_nothing_is_told_so": (
        "Good",
        lambda one: reasons(one, "It has learned nothing: it is new."),
    ),
    "action_names_what_exists_and_is_better": (
        "Large",
        lambda one: acting(one, "Use Weak: it is trained and saved.", f"{PREDICT} Weak"),
    ),
    "action_is_the_best_that_is_shown": (
        "Tiny",
        lambda one: acting(one, "Use Large: it is trained and saved.", f"{PREDICT} Large"),
    ),
    "seeds_are_counted_right": ("Good", lambda one: reasons(one, "Train 3 more: justright run --seeds 3.")),
    "sentences_are_whole": ("Good", lambda one: reasons(one, "the loss is is nan (of None")),
}


@pytest.mark.parametrize("rule", TAMPERED)
def test_a_verdict_that_is_tampered_with_breaks_the_rule(rule, study, judgement):
    """The judgement is right but for one sentence, label or command."""
    name, tamper = TAMPERED[rule]
    verdicts = tuple(tamper(one) if one.variant == name else one for one in judgement.verdicts)
    broken = [one.split(":")[0] for one in contradictions(replace(judgement, verdicts=verdicts), study)]
    assert rule in broken


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        (
            "headline_has_the_labels",
            {"conclusion": "Tiny, Good and Large overfit; Dropout and Weak are undecided."},
        ),
        (
            "best_is_the_best",
            {"conclusion": "All overfit; best on validation rows is Weak, with a test loss of 0.1."},
        ),
        (
            "short_training_is_not_overfitting",
            {"conclusion": "Training was too short to judge: all still improved."},
        ),
        ("named_as_better_is_not_open", {"facts": ("Good and Weak do not measurably help Large.",)}),
        ("most_helpful_is_what_the_answer_names", {"facts": ("Weak helps Large most, by 0.01.",)}),
        ("decided_needs_nothing", {"facts": ("Good would probably be decided by 7 seeds in all: run.",)}),
        (
            "best_is_the_best",
            {"facts": ("The sizes differ on test rows: Tiny has the lowest loss, 1 below that of Good.",)},
        ),
        ("sentences_are_whole", {"conclusion": "large overfits.."}),
    ],
)
def test_a_headline_or_fact_that_denies_a_verdict_breaks_the_rule(rule, changes, study, judgement):
    """The verdicts are right."""
    broken = contradictions(replace(judgement, **changes), study)
    assert rule in [one.split(":")[0] for one in broken]


def test_nearly_every_rule_is_seen_to_fail():
    """The three that are not hold by the order of numbers in the findings, which no sentence can change."""
    by_findings = {
        "deciding_gain_is_the_largest",
        "better_one_is_not_worse_elsewhere",
        "plain_values_are_json",
    }
    tampered = {*TAMPERED, "headline_has_the_labels", "best_is_the_best", "short_training_is_not_overfitting"}
    tampered |= {"most_helpful_is_what_the_answer_names"}
    assert {rule.__name__ for rule in (*VERDICT_RULES, *STUDY_RULES)} == tampered | by_findings
