"""What would decide an undecided verdict: the cheapest way, in words, and as a command."""

from __future__ import annotations

from dataclasses import replace

from justright.diagnosis.alternatives import Alternative
from justright.diagnosis.ends import judge_end
from justright.diagnosis.findings import Findings
from justright.diagnosis.judge import judge_study
from justright.diagnosis.measured import measure_study
from justright.diagnosis.words.advice import decision_sentences
from justright.statistics.intervals import Interval
from justright.statistics.sample_size import Needs


def findings(maker, rise, needs, *variants):
    """Return the findings on a network whose end rose by `rise` [-0.1, 0.1], beside (gain, needs) of other variants."""
    (measured,) = measure_study(maker.study(maker.variant("A", 9, 0.5))).values()
    interval = Interval(rise, -0.1, 0.1, 3)
    end = judge_end(measured, 0.01, is_binary=False, level=0.95)
    end = replace(end, rise=interval, train_best=0.4, train_last=0.3, needs=needs)
    others = tuple(
        Alternative("more capacity", f"Large {number}", replace(interval, mean=gain), 0.01, needs=wanted)
        for number, (gain, wanted) in enumerate(variants)
    )
    return Findings(measured, end, others, (), interval, None)


def test_one_gain_that_is_enough_is_all_that_undecided_asks_for(maker):
    """An alternative almost exactly at the margin needs not be decided where another one shows the label."""
    clear, close, rise = Needs(4, None), Needs(None, None), Needs(90, None, (90, 9_000))
    assert findings(maker, 0.0, rise, (0.05, clear), (0.0101, close)).needs == Needs(4, None, (4, 0))
    assert findings(maker, 0.0, rise, (0.05, Needs(40, 800)), (0.05, clear)).needs == Needs(4, 800, (4, 0))


def test_no_gain_beyond_the_margin_means_that_all_must_be_excluded(maker):
    """`just right` needs every comparison; one that nothing would decide leaves nothing to ask for."""
    few, never = (0.0, Needs(4, 500)), (0.0, Needs(None, None))
    assert findings(maker, 0.0, Needs(90, None), few).needs == Needs(90, None, (90, 0))
    assert findings(maker, 0.0, Needs(90, None), few, never).needs == Needs(None, None, None)
    assert findings(maker, 0.0, None, (0.0, None)).needs is None


def test_undecided_names_the_command_that_would_decide(maker_of):
    """Seeds in all, or test rows in all, or both; what nothing would decide has no command."""
    maker = maker_of(seeds=3)
    measured = measure_study(maker.study(*(maker.variant(name, 9, 0.5) for name in "ABCDEF")))
    needs = {
        "A": Needs(4, None),
        "B": Needs(9, 500),
        "C": Needs(None, 2_000),
        "D": Needs(None, None, (7, 3_000)),
        "E": Needs(None, None),
        "F": Needs(0, 0),
    }
    both = "10 seeds and 7,000 test rows in all: justright run --out DIR --seeds 10 --test FILE."
    assert decision_sentences(needs, measured, 4_000) == (
        f"D would probably be decided by {both}",
        "A and B would probably be decided by 12 seeds in all: justright run --out DIR --seeds 12.",
        "C would probably be decided by 6,000 test rows in all: justright run --out DIR --test FILE.",
    )
    assert decision_sentences(needs, measured, 0) == (
        "A and B would probably be decided by 12 seeds in all: justright run --out DIR --seeds 12.",
    )
    every = dict.fromkeys("ABCDEF", Needs(1, None))
    assert decision_sentences(every, measured, 0) == (
        "Six undecided variants would probably be decided by 4 seeds in all: justright run --out DIR --seeds 4.",
    )


def test_what_is_cheap_to_decide_is_named_before_all(maker_of):
    """One variant that needs a tenth of what all need is a command of its own; rows are rounded up to two digits."""
    maker = maker_of(seeds=3)
    measured = measure_study(maker.study(*(maker.variant(name, 9, 0.5) for name in "AB")))
    needs = {"A": Needs(None, None, (97, 36_345)), "B": Needs(None, None, (7, 869))}
    assert decision_sentences(needs, measured, 4_000) == (
        (
            "B would probably be decided by 10 seeds and 4,900 test rows in all: justright run --out DIR --seeds 10 "
            "--test FILE; 100 seeds and 41,000 test rows would probably decide A as well."
        ),
    )


def test_a_judged_study_says_the_command(maker_of):
    """A close call among the facts of a study, with the seeds that its reason names."""
    maker = maker_of(rows=20_000, seed_deviation=0.002)
    study = maker.study(maker.variant("A", 10, 0.55), maker.variant("B", 99, 0.5474))
    judgement = judge_study(study, margin=0.002)
    verdict = judgement.verdict("A")
    assert verdict.label == "undecided"
    count = maker.seeds + verdict.needs.more_seeds
    said = f"would probably be decided by {count} seeds in all: justright run --out DIR --seeds {count}."
    assert any(fact.endswith(said) for fact in judgement.facts), judgement.facts
    assert any(f"({count} in all)" in reason for reason in verdict.reasons)
