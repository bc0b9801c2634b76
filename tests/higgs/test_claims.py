"""The tutorial's sentences, judged on studies in which they are true, false or open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from justright.diagnosis.claims import judge_claims
from justright.diagnosis.judge import examine, judge_study
from justright.higgs.claims import CLAIMS, NETWORKS
from justright.higgs.columns import HIGGS_FEATURES

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


def tutorial(maker, names=NETWORKS, **changed):
    """Return the tutorial's networks on HIGGS, some with another (loss, rise)."""
    truth = AS_TOLD | changed
    study = maker.study(*(maker.variant(name, 10, *truth[name]) for name in names))
    return replace(study, columns=HIGGS_FEATURES)


def answers(maker, **changed):
    """What is answered when some networks' (loss, rise) are others."""
    claims = judge_claims(examine(tutorial(maker, **changed), margin=MARGIN))
    return [claim.answer for claim in claims]


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


def test_the_evidence_names_every_network_with_its_interval(maker):
    """Four sizes in the first sentence; the judgement of the whole study carries the claims."""
    claims = judge_study(tutorial(maker), margin=MARGIN).claims
    assert all(f"({name})" in claims[0].evidence for name in ("Tiny", "Small", "Medium", "Large"))
    assert claims[0].evidence.endswith("(margin 0.00500).")
    assert claims[1].to_dict()["answer"] == "holds"


def test_other_studies_have_no_claims(maker):
    """One network of the seven is missing, or the table is another one: the tutorial says nothing about those."""
    assert judge_claims(examine(tutorial(maker, NETWORKS[1:]), margin=MARGIN)) == ()
    other = replace(tutorial(maker), columns=("age", "income"))
    assert judge_claims(examine(other, margin=MARGIN)) == ()


def test_validation_rows_do_not_judge_the_tutorial(maker_of):
    """Fresh rows are the point."""
    assert judge_claims(examine(tutorial(maker_of(has_test=False)), margin=MARGIN)) == ()
