"""What would decide an undecided verdict: the cheapest way, in words, and as a command."""

from __future__ import annotations

from dataclasses import replace

from justright.diagnosis.alternatives import Alternative
from justright.diagnosis.ends import judge_end
from justright.diagnosis.findings import Findings
from justright.diagnosis.judge import judge_study
from justright.diagnosis.measured import measure_study
from justright.diagnosis.words.advice import decision_sentences, needs_reasons
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


def test_a_table_that_is_too_small_is_said_to_be(maker_of):
    """Nobody has 4,200 test rows of a table of 201; whom seeds decide is not concerned."""
    maker = maker_of(seeds=3)
    measured = measure_study(maker.study(*(maker.variant(name, 9, 0.5) for name in "ABCDEF")))
    needs = {"A": Needs(None, 4_160), "B": Needs(9, 5_000), "C": Needs(None, 100)}
    assert decision_sentences(needs, measured, 40, 201) == (
        "B would probably be decided by 12 seeds in all: justright run --out DIR --seeds 12.",
        "C would probably be decided by 140 test rows in all: justright run --out DIR --test FILE.",
        "The table is too small to decide A: that would probably take 4,200 test rows, and it has 201 rows in all.",
    )
    every = dict.fromkeys("ABCDE", Needs(None, 4_160)) | {"F": Needs(None, None, (7, 30_000))}
    assert decision_sentences(every, measured, 40, 201) == (
        (
            "The table is too small to decide six undecided variants: that would probably take 4,200 to 31,000 test rows, and it has "
            "201 rows in all."
        ),
    )


def test_reasons_say_that_a_table_is_too_small(maker_of):
    """Ways that the table has no rows for are left out; if none is left, that is said."""
    maker = maker_of(seeds=3, rows=60)
    (measured,) = measure_study(maker.study(maker.variant("A", 9, 0.5))).values()
    assumed = "the measured difference is the true one, "
    assert needs_reasons(Needs(4, 500), measured, 201) == (
        f"If {assumed}4 more seeds (7 in all) would probably decide.",
    )
    assert needs_reasons(Needs(4, 100), measured, 201) == (
        f"If {assumed}4 more seeds (7 in all) or 100 more test rows would probably decide.",
    )
    small = f"The table is too small to decide: if {assumed}it would take"
    whole = "and the table has 201 rows in all."
    assert needs_reasons(Needs(None, 500), measured, 201) == (f"{small} 500 more test rows, {whole}",)
    assert needs_reasons(Needs(None, None, (7, 500)), measured, 201) == (
        f"{small} 7 more seeds together with 500 more test rows, {whole}",
    )
    assert needs_reasons(Needs(None, 500), measured) == (
        f"If {assumed}500 more test rows would probably decide.",
    )


def test_what_the_table_is_too_small_for_is_no_command(maker_of):
    """One seed and 60 rows: the action says so instead of asking for a file that nobody has."""
    maker = maker_of(rows=60, seeds=1, noise=0.005)
    sizes = (("A", 10, 0.552), ("B", 99, 0.55), ("C", 500, 0.552))
    study = maker.study(*(maker.variant(*size) for size in sizes))
    actions = {
        rows: judge_study(replace(study, table_rows=rows), margin=0.002).verdict("B").action
        for rows in (None, 100)
    }
    assert actions[None].command == "justright run --out DIR --test FILE"
    rows = actions[None].words.removesuffix(" in all would probably decide.")
    assert actions[100].words == f"The table is too small to decide: that would probably take {rows}."
    assert actions[100].command == ""


def test_a_judged_study_says_the_command(maker_of):
    """Two close calls in one sentence, with the seeds that their actions name; one alone has only its action."""
    maker = maker_of(rows=20_000, seed_deviation=0.002)
    sizes = (("A", 10, 0.5526), ("B", 99, 0.55), ("C", 500, 0.5512), ("D", 999, 0.5526))
    variants = [maker.variant(*size) for size in sizes]
    judgement = judge_study(maker.study(*variants), margin=0.002)
    verdict = judgement.verdict("B")
    first, rest = (maker.seeds + judgement.verdict(name).needs.more_seeds for name in "BC")
    assert verdict.action.command == f"justright run --out DIR --seeds {first}"
    assert any(f"({first} in all)" in reason for reason in verdict.reasons)
    assert judgement.facts[-1] == (
        f"B would probably be decided by {first} seeds in all: justright run --out DIR --seeds {first}; {rest} seeds would "
        "probably decide C as well."
    )
    alone = judge_study(maker.study(*variants[:3]), margin=0.002)
    assert alone.verdict("B").label == "undecided"
    assert "--seeds" in alone.verdict("B").action.command
    assert not any("--seeds" in fact for fact in alone.facts)
