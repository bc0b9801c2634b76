"""The tutorial's sentences, judged on studies in which they are true, false, open, or were never put to the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from justright.diagnosis.claims import judge_claims
from justright.diagnosis.judge import examine, judge_study
from justright.diagnosis.words.numbers import estimate
from justright.higgs.claims import CLAIMS, NETWORKS, SIZES, _difference
from justright.higgs.columns import HIGGS_FEATURES
from justright.statistics.intervals import Interval, mean_interval

MARGIN = 0.005
# True loss at the best epoch and its rise to the last one, as the tutorial has them.
AS_TOLD = {
    "Tiny": (0.60, 0.0),
    "Small": (0.61, 0.1),
    "Medium": (0.61, 0.2),
    "Large": (0.62, 0.9),
    "L2": (0.61, 0.1),
    "Dropout": (0.61, 0.3),
    "Combined": (0.57, 0.0),
}


@pytest.fixture
def maker(maker_of):
    """Fewer rows than elsewhere: seven networks are judged in each test."""
    return maker_of(rows=1_500, validation_rows=100)


def tutorial(maker, names=NETWORKS, cut_short=(), **changed):
    """Return the tutorial's networks on HIGGS, some with another (loss, rise), some at their best at the epoch limit."""
    truth = AS_TOLD | changed
    limit = {"outcome": "finished", "best_epoch": 96}
    variants = [
        maker.variant(name, 10, *truth[name], **(limit if name in cut_short else {})) for name in names
    ]
    return replace(maker.study(*variants), columns=HIGGS_FEATURES)


def claims(maker, cut_short=(), **changed):
    """The judged sentences when some networks' (loss, rise) are others."""
    return judge_claims(examine(tutorial(maker, cut_short=cut_short, **changed), margin=MARGIN))


def answers(maker, cut_short=(), **changed):
    """What is answered."""
    return [claim.answer for claim in claims(maker, cut_short, **changed)]


def test_what_is_true_holds(maker):
    """All four sentences on a study made to the tutorial's words."""
    assert answers(maker) == ["holds"] * len(CLAIMS)


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"Tiny": (0.60, 0.2)}, 0),
        ({"Small": (0.61, 0.0)}, 0),
        ({"L2": (0.61, 1.2)}, 1),
        ({"Dropout": (0.58, 0.3)}, 2),
        ({"L2": (0.55, 0.1)}, 3),
    ],
)
def test_what_is_false_does_not_hold(maker, changed, number):
    """One changed network refutes one sentence."""
    assert answers(maker, **changed)[number] == "does not hold"


def test_what_the_rows_cannot_tell_stays_open(maker_of):
    """Sixty rows and two very different seeds."""
    few = maker_of(rows=60, seeds=2, noise=1.0, seed_deviation=0.2)
    assert set(answers(few)) == {"cannot be told"}


def test_after_a_few_epochs_nothing_was_tested(maker):
    """All seven networks are at their best when the limit ends them: none of the four sentences had its chance."""
    early = dict.fromkeys(NETWORKS, (0.65, 0.0)) | {"Combined": (0.69, 0.0), "L2": (0.6, 0.0)}
    judged = claims(maker, NETWORKS, **early)
    assert [claim.answer for claim in judged] == ["not tested"] * len(CLAIMS)
    limit = "were still at or near their best at the limit of 100 epochs."
    assert judged[0].evidence.startswith(
        f"Tiny, Small, Medium and Large {limit} From the best epoch to the last the test loss"
    )
    assert judged[1].evidence.startswith(
        "Large did not overfit in its 100 epochs. From the best epoch to the last the test loss"
    )
    assert judged[2].evidence.startswith(
        f"Tiny, L2 and Dropout {limit} Test loss minus that of Tiny, each at its best epoch: "
    )
    assert judged[3].evidence.startswith(
        f"Tiny, Small, Medium, Large, L2, Dropout and Combined {limit} Test loss minus that of"
    )


@pytest.mark.parametrize(
    ("cut_short", "changed", "expected"),
    [
        # Small and Medium may still overfit: today's default study.
        (("Tiny", "Small", "Medium"), {"Small": (0.61, 0.0), "Medium": (0.61, 0.0)}, "not tested"),
        # Tiny may still overfit.
        (("Tiny",), {}, "not tested"),
        # Small may not: it ended by itself.
        (("Tiny",), {"Small": (0.61, 0.0)}, "does not hold"),
        # That Tiny overfits is seen; more training undoes nothing.
        (("Small",), {"Small": (0.61, 0.0), "Tiny": (0.6, 0.2)}, "does not hold"),
        # Nothing overfits, though all ended by themselves.
        ((), dict.fromkeys(SIZES, (0.61, 0.0)), "not tested"),
    ],
)
def test_only_tiny_is_not_tested_where_others_may_still_overfit(maker, cut_short, changed, expected):
    """What does not overfit at the limit may do so later; what overfits, does."""
    assert answers(maker, cut_short, **changed)[0] == expected


def test_nothing_rises_after_the_last_epoch(maker):
    """Where all best epochs are the last ones there is no number to print."""
    study = tutorial(maker, NETWORKS)
    variants = tuple(
        replace(one, runs=tuple(replace(run, best_epoch=99, test_last=run.test_best) for run in one.runs))
        for one in study.variants
    )
    first, second, *_ = judge_claims(examine(replace(study, variants=variants), margin=MARGIN))
    assert first.evidence.endswith("The best epoch of each is the last one.")
    assert (
        second.evidence == "Large did not overfit in its 100 epochs. The best epoch of both is the last one."
    )


def test_nothing_that_overfits_is_a_reason(maker):
    """A sentence about overfitting, on networks of which none does."""
    judged = claims(maker, **dict.fromkeys(SIZES, (0.61, 0.0)))
    assert judged[0].evidence.startswith("None of the four networks overfitted. From the best epoch")


@pytest.mark.parametrize(
    ("cut_short", "changed", "expected"),
    [
        ((), {"Large": (0.62, 0.0)}, "not tested"),
        (("L2",), {"L2": (0.61, 0.0)}, "holds"),
    ],
)
def test_resistance_needs_something_to_resist(maker, cut_short, changed, expected):
    """L2 in as many epochs as Large: enough, where Large overfitted."""
    assert answers(maker, cut_short, **changed)[1] == expected


def test_resistance_needs_as_many_epochs(maker):
    """L2 was cut short long before Large ended."""
    study = tutorial(maker, L2=(0.61, 0.0))
    short = {epoch: rows for epoch, rows in study.variant("L2").runs[0].validation.items() if epoch < 20}
    runs = tuple(
        replace(run, outcome="finished", epochs=20, best_epoch=19, validation=short)
        for run in study.variant("L2").runs
    )
    variants = tuple(replace(one, runs=runs) if one.name == "L2" else one for one in study.variants)
    claim = judge_claims(examine(replace(study, variants=variants), margin=MARGIN))[1]
    assert claim.answer == "not tested"
    assert claim.evidence.startswith("L2 was still at or near its best at the limit of 20 epochs. From")


@pytest.mark.parametrize(
    ("cut_short", "changed", "expected"),
    [
        (("Combined",), {}, ["holds", "holds"]),  # it can only get better
        (("Dropout",), {"Dropout": (0.61, 0.0)}, ["not tested", "not tested"]),  # it may still catch up
        (("Tiny",), {"L2": (0.55, 0.1)}, ["not tested", "does not hold"]),
        (("Combined",), {"L2": (0.55, 0.1)}, ["does not hold", "not tested"]),
    ],
)
def test_networks_at_their_best_so_far_may_catch_up(maker, cut_short, changed, expected):
    """What is better stays better unless the other one was cut short."""
    assert answers(maker, cut_short, **changed)[2:] == expected


def test_the_evidence_names_every_network_with_its_interval(maker):
    """Four sizes in the first sentence; the judgement of the whole study carries the claims."""
    judged = judge_study(tutorial(maker), margin=MARGIN).claims
    assert all(f"({name})" in judged[0].evidence for name in SIZES)
    assert judged[0].evidence.endswith("(margin 0.00500).")
    assert judged[1].to_dict()["answer"] == "holds"


def test_intervals_of_one_sentence_hold_together(maker):
    """Bonferroni: each of four rises has 98.75 %, so that all four hold with 95 %."""
    runs = tutorial(maker).variant("Small").runs
    rises = np.stack([run.test_last.astype(float) - run.test_best for run in runs])
    wide = mean_interval(rises, level=1 - 0.05 / 4)
    assert f"{estimate(wide)} (Small)" in claims(maker)[0].evidence


def test_a_difference_of_rises_is_covered():
    """Two estimates with intervals of 95 %: independent ones are covered as often, like ones more often."""
    rng = np.random.default_rng(0)
    truth, errors = np.array([0.3, 0.1]), np.array([0.02, 0.05])

    def coverage(correlation: float) -> float:
        shared, own = rng.normal(size=(4_000, 1)), rng.normal(size=(4_000, 2))
        strays = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
        found = truth + errors * strays
        covered = 0
        for left, right in found:
            one, other = (
                Interval(mean, mean - 1.96 * error, mean + 1.96 * error)
                for mean, error in zip((left, right), errors, strict=True)
            )
            difference = _difference(one, other)
            covered += difference.low < 0.2 < difference.high
        return covered / len(found)

    assert 0.94 < coverage(0.0) < 0.96
    assert coverage(0.5) > 0.96


def test_other_studies_have_no_claims(maker):
    """One network of the seven is missing, or the table is another one: the tutorial says nothing about those."""
    assert judge_claims(examine(tutorial(maker, NETWORKS[1:]), margin=MARGIN)) == ()
    other = replace(tutorial(maker), columns=("age", "income"))
    assert judge_claims(examine(other, margin=MARGIN)) == ()


def test_validation_rows_do_not_judge_the_tutorial(maker_of):
    """Fresh rows are the point."""
    assert judge_claims(examine(tutorial(maker_of(has_test=False)), margin=MARGIN)) == ()
