"""Sentences that others wrote about the same networks on the same table, judged on test rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from justright.diagnosis.judged import JudgedStudy
from justright.plugins import plugged_in

Answer = Literal["holds", "does not hold", "not tested", "cannot be told"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence, judged.

    Args:
        quote: its text.
        answer: 'holds', 'does not hold', 'not tested' (its premise was not reached, such as training for long enough) or
            'cannot be told' (it was tested, and the intervals leave it open).
        evidence: what was measured, in one sentence; for what was not tested, after a sentence that says why.
    """

    quote: str
    answer: Answer
    evidence: str

    def to_dict(self) -> dict[str, str]:
        """Return the claim as plain values."""
        return {"quote": self.quote, "answer": self.answer, "evidence": self.evidence}


def judge_claims(study: JudgedStudy) -> tuple[Claim, ...]:
    """Return the claims of all plug-ins, each a function that returns none for studies it is not about."""
    return tuple(claim for judge in plugged_in("claims") for claim in judge(study))
