"""Evidence that contradicts itself is refused with one clear sentence."""

from __future__ import annotations

import numpy as np
import pytest
from tests.refusals import refusal

from justright.diagnosis.evidence import RunEvidence, StudyEvidence, VariantEvidence

RUN = RunEvidence(0, "finished", 10, 3)
UNKNOWN_OUTCOME = (
    "`outcome` must be one of 'finished', 'stopped early', 'diverged', 'failed'; got 'stopped'. "
    "Did you mean 'stopped early'?"
)


def study(*variants, task="binary", constant_loss=0.7, test_rows=0):
    """Return a study without measurements."""
    return StudyEvidence(task, "binary_crossentropy", variants, constant_loss, test_rows, 0)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (
            lambda: RunEvidence(0, "stopped", 10, 3),
            UNKNOWN_OUTCOME,
        ),
        (
            lambda: RunEvidence(0, "finished", 10, 10),
            "`best_epoch` must lie in 0..epochs - 1; got 10 of 10 epochs.",
        ),
        (lambda: VariantEvidence("Tiny", 1, ()), "Variant 'Tiny' must have at least one run; got none."),
        (
            lambda: VariantEvidence("Tiny", 1, (RUN, RUN)),
            "Variant 'Tiny' must have one run for each seed; got the seeds [0, 0].",
        ),
        (lambda: study(), "`variants` must hold at least one variant; got none."),
        (
            lambda: study(VariantEvidence("A", 1, (RUN,)), VariantEvidence("A", 2, (RUN,))),
            "Variant names must differ; got ['A', 'A'].",
        ),
        (
            lambda: study(VariantEvidence("A", 1, (RUN,), baseline="B")),
            "`baseline` must be one of 'A'; got 'B'.",
        ),
        (
            lambda: study(VariantEvidence("A", 1, (RUN,)), task="ranking"),
            "`task` must be one of 'binary', 'multiclass', 'regression'; got 'ranking'.",
        ),
        (
            lambda: study(VariantEvidence("A", 1, (RUN,)), constant_loss=float("nan")),
            "`constant_loss` must be finite; got nan.",
        ),
        (
            lambda: study(
                VariantEvidence(
                    "A", 1, (RunEvidence(7, "finished", 10, 3, test_best=np.zeros(3, np.float32)),)
                ),
                test_rows=4,
            ),
            "Variant 'A', seed 7: test losses must have the shape (4,); got (3,).",
        ),
    ],
)
def test_contradictions_are_refused(build, text):
    """Whole messages."""
    assert refusal(build) == text


def test_an_unknown_variant_is_refused_with_the_nearest_name():
    """Lookup by name."""
    evidence = study(VariantEvidence("Medium", 1, (RUN,)))
    assert refusal(evidence.variant, "Medum") == (
        "`variant` must be one of 'Medium'; got 'Medum'. Did you mean 'Medium'?"
    )
