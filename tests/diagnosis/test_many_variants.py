"""Studies of many variants: what is said stays readable, and what is compared is what was measured together."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from tests.known_truth import Maker

from justright.diagnosis.judge import judge_study
from justright.diagnosis.measured import measure_study
from justright.diagnosis.pairs import Pairs
from justright.diagnosis.words.numbers import MOST_NAMES, word
from justright.statistics.crossed import crossed
from justright.statistics.intervals import interval_of

MANY = 30


def names_in(text: str) -> int:
    """Return how many variants of `many` a sentence names."""
    return len(re.findall(r"\bN\d\d\b", text))


@pytest.fixture(scope="module")
def many():
    """The judgement on thirty sizes: the first far worse, the last a little better than the rest; few rows, much noise."""
    maker = Maker(rows=300, validation_rows=50, seeds=2, noise=0.2, seed_deviation=0.003)
    losses = [0.65, *[0.60] * (MANY - 2), 0.598]
    study = maker.study(
        *(maker.variant(f"N{number:02}", 10 * (number + 1), loss) for number, loss in enumerate(losses))
    )
    return judge_study(study)


def test_no_sentence_lists_many_names(many):
    """Neither the conclusion nor a fact nor a reason names more variants than a reader takes in."""
    said = [many.conclusion, *many.facts]
    said += [reason for verdict in many.verdicts for reason in verdict.reasons]
    assert len({verdict.label for verdict in many.verdicts}) > 1
    assert max(map(names_in, said)) <= 3 * MOST_NAMES  # the conclusion lists those of each label
    assert max(len(verdict.reasons) for verdict in many.verdicts) <= 14


def test_better_alternatives_beyond_the_first_are_counted(many):
    """The worst of thirty: the four largest gains with their intervals, the others as a number."""
    verdict = many.verdict("N00")
    reasons, others = verdict.reasons, sum(one.is_better for one in verdict.alternatives) - 4
    better = [reason for reason in reasons if reason.startswith("With more capacity (N")]
    assert len(better) == 4
    assert others > 1
    assert reasons[4] == (
        f"{word(others).capitalize()} other alternatives lower the test loss by more than the margin as well."
    )


def test_open_alternatives_beyond_the_first_are_counted(many):
    """The second has 28 larger ones, none clearly better."""
    reasons = many.verdict("N01").reasons
    first = [reason for reason in reasons if reason.startswith("Whether more capacity (N")]
    assert len(first) == 4
    assert any(
        re.fullmatch(
            r"\w+ other alternatives may or may not lower the test loss by more than the margin\.", one
        )
        for one in reasons
    ), reasons


def test_excluded_alternatives_beyond_the_first_are_counted(maker_of):
    """Twelve larger ones, all excluded: three names and a number."""
    maker = maker_of(seed_deviation=0.0003, seeds=2)
    good = maker.variant("Good", 10, 0.55)
    larger = [maker.variant(f"N{number:02}", 100 + number, 0.57) for number in range(12)]
    smaller = maker.variant("Smaller", 1, 0.56)
    verdict = judge_study(maker.study(good, smaller, *larger), margin=0.005).verdict("Good")
    assert verdict.freer.is_excluded
    pattern = r"Nothing freer that it was compared with \(N\d\d, N\d\d, N\d\d and 9 others\) lowers the test loss( by .*)?\."
    assert any(re.fullmatch(pattern, one) for one in verdict.reasons), verdict.reasons


def test_what_would_decide_is_planned_for_the_alternatives_that_matter(many):
    """Where a gain beyond the margin was measured, only such candidates; where one is better, none."""
    for verdict in many.verdicts:
        variants = [one for one in verdict.alternatives if one.is_measured]
        planned = [one for one in variants if one.needs is not None]
        gains = [one for one in variants if one.gain.mean > one.margin]
        if any(one.is_better for one in variants):
            assert planned == []
        elif gains:
            assert planned == gains
        else:
            assert planned == [one for one in variants if not one.is_excluded]


def test_variants_are_compared_over_the_seeds_they_share(maker):
    """One run of the larger network diverged: the pair has the other three seeds, the means of those alone."""
    tiny, large = maker.variant("Tiny", 10, 0.60), maker.variant("Large", 99, 0.55)
    runs = (replace(large.runs[0], outcome="diverged"), *large.runs[1:])
    study = maker.study(tiny, replace(large, runs=runs), reference=0.5)
    measured = measure_study(study)
    pairs = Pairs(measured, study.reference)
    assert pairs.shared_seeds("Tiny", "Large") == (1, 2, 3)
    members = pairs.over((1, 2, 3))
    assert set(members.numbers) == {"Tiny", "Large", None}
    verdict = judge_study(study).verdict("Tiny")
    found = {one.name: one.gain for one in (*verdict.alternatives, *verdict.headroom)}
    difference = measured["Tiny"].best[1:].astype(np.float64) - measured["Large"].best
    alone = interval_of(crossed(difference))
    assert found["Large"].mean == pytest.approx(alone.mean, abs=1e-12)
    assert (found["Large"].seeds, found["gradient-boosted trees"].seeds) == (3, 4)


def test_sizes_are_judged_over_the_seeds_that_all_share(maker):
    """A lost run does not silence the sentence about the sizes."""
    small, large = maker.variant("A", 1, 0.65), maker.variant("B", 2, 0.55)
    runs = (replace(large.runs[0], outcome="failed"), *large.runs[1:])
    facts = judge_study(maker.study(small, replace(large, runs=runs))).facts
    assert "The two sizes, each at its best epoch, differ on test rows: B has the lowest loss." in facts
