"""The verdict on a variant: one of five labels, decided by what would help, with the sentences and intervals behind it.

A variant, at its chosen epoch, is compared with everything else that was measured beside it, on test rows, paired by row
and seed. An alternative is *freer* if it can fit more, *tighter* if it fits less by heart:

| freer | tighter |
|---|---|
| more parameters, without or with regularization | fewer parameters |
| less regularization | any regularization, noise, averaging or augmentation |
| longer training; its own curve still falling at the epoch limit | an earlier end: its chosen epoch against its end; shorter training |
| | more training rows, by its learning curve |

| label | when |
|---|---|
| `diverged` | no run ended well, or most diverged, or the loss rose to the end while the training loss rose too |
| `overfits` | something tighter is better by more than the margin (the whole interval) |
| `underfits` | something freer is |
| `just right` | both directions are excluded: networks were measured in both, and every interval lies below the margin; never for a network that has learned nothing |
| `undecided` | otherwise; the verdict names the open direction, and the command that would decide |

If both directions are shown, the label is that of the larger gain, and the other one is said beside it (`also`).

**Headroom.** Another kind of model (boosted trees, the ensemble of the network's own seeds) and other inputs are neither
freer nor tighter. How much better they are is a number beside the label, and never decides it: a network can be just right
as a network while trees are better.

**What is tighter, what is freer.** A change that a variant declares comes first:
`jr.Variant("Longer", jr.mlp(16), recipe=jr.Recipe(max_epochs=5_000), baseline="Tiny", change="longer training")`, or
`change = "longer training"` in a study file, with one of the words of
`justright.study.directions` ("more capacity", "less regularization", "regularization", "augmentation" ...); then the number of
parameters; then dropout, noise and penalties of its layers, mixup, label smoothing, averaging and weight decay: any of
these that is added, or stronger, makes a network tighter.

**Which error rate.** The gains of all alternatives of a variant hold together with 95 %. Its own end, and its curve at the
epoch limit, are judged beside them with 95 % each. Labels use one end of these intervals only, so at most 2.5 + 2.5 % of
alarms are false.

**Since when.** Where the end of training made the loss worse, the verdict names the epochs whose validation loss cannot
be told apart from the best (the intervals of all measured epochs hold together); the first of them is the cheapest good
epoch. In binary tasks the same is done for accuracy, and reported where the good epochs end sooner or later: confidence
in wrong answers can grow while the answers get better. With several classes, accuracy at the chosen and at the last
epoch is compared over seeds. Where accuracy at the end says otherwise than the loss, the answer says so.

**What would decide.** An `undecided` verdict says how many more seeds or test rows would probably decide it, from the
variances measured so far, and names the command: `justright run --out DIR --seeds N` trains the seeds that are missing,
`justright run --out DIR --test FILE` measures the trained networks on other test rows, `justright run --out DIR --study
neighbours --of NAME` trains networks beside one that has none; nothing is trained twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from justright.diagnosis.alternatives import Alternative
from justright.diagnosis.ends import End
from justright.diagnosis.evidence import VariantEvidence
from justright.diagnosis.findings import Findings
from justright.diagnosis.labels import DIVERGED, JUST_RIGHT, OVERFITS, UNDECIDED, UNDERFITS, Label
from justright.diagnosis.learned import Learned, learned_reasons
from justright.diagnosis.measured import Measured
from justright.diagnosis.onset import Onset
from justright.diagnosis.words import actions, answers
from justright.diagnosis.words.actions import Action
from justright.diagnosis.words.advice import needs_reasons
from justright.diagnosis.words.numbers import counted, listed, sentence
from justright.errors import in_short
from justright.plugins import plugged_in
from justright.statistics.intervals import Interval
from justright.statistics.sample_size import Needs


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What a variant is, and why.

    Args:
        variant: its name.
        label: the name of its label.
        margin: what counts as a difference, in units of the loss.
        answer: one sentence: what is wrong, since when, what helps, and how much.
        reasons: plain sentences, the decisive one first.
        action: what to do; None where nothing would help.
        also: the name of the label of the other direction, where that is shown as well.
        found: everything that was found; None when no run could be measured.
        needs: what would decide an `undecided` verdict.
    """

    variant: str
    label: str
    margin: float
    answer: str
    reasons: tuple[str, ...]
    action: Action | None = None
    also: str | None = None
    found: Findings | None = None
    needs: Needs | None = None

    @property
    def onset(self) -> Onset | None:
        """First and last epoch that cannot be told apart from the best by their loss."""
        return self.found.onset if self.found else None

    @property
    def accuracy_onset(self) -> Onset | None:
        """Like `onset`, by the share of wrong answers; None unless the task is binary."""
        return self.found.accuracy_onset if self.found else None

    @property
    def end(self) -> End | None:
        """What the end of training did."""
        return self.found.end if self.found else None

    @property
    def rise(self) -> Interval | None:
        """Loss at the end of training minus at the chosen epoch."""
        return self.found.end.rise if self.found else None

    @property
    def test(self) -> Interval | None:
        """Mean loss at the chosen epoch on the rows that measure."""
        return self.found.test if self.found else None

    @property
    def learned(self) -> Learned | None:
        """How it compares with the constant prediction; None if that is not known."""
        return self.found.learned if self.found else None

    @property
    def has_learned(self) -> bool | None:
        """Whether it beats the constant prediction; None if that is open or not known."""
        return self.learned.is_shown if self.learned is not None else None

    @property
    def alternatives(self) -> tuple[Alternative, ...]:
        """All that is freer or tighter than it."""
        return self.found.alternatives if self.found else ()

    @property
    def headroom(self) -> tuple[Alternative, ...]:
        """What is neither, the largest gain first."""
        return self.found.headroom if self.found else ()

    @property
    def freer(self) -> Alternative | None:
        """The alternative that decides whether it underfits."""
        return self.found.freer if self.found else None

    @property
    def tighter(self) -> Alternative | None:
        """The alternative that decides whether it overfits."""
        return self.found.tighter if self.found else None

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as in result.json."""
        onset, most = None, self.found.most_headroom if self.found else None
        if self.onset is not None:
            onset = {"low": self.onset.low, "high": self.onset.high, "last": self.onset.last}
        return {
            "label": self.label,
            "also": self.also,
            "onset_epoch": onset,
            "margin": self.margin,
            "answer": self.answer,
            "action": self.action and self.action.to_dict(),
            "freer": self.freer and self.freer.to_dict(),
            "tighter": self.tighter and self.tighter.to_dict(),
            "headroom": most and most.to_dict(),
            "spikes": [one.to_dict() for one in self.end.spikes] if self.end else [],
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """When a variant gets a label, why, and what to do then.

    Args:
        label: the name of the label.
        applies: whether the findings earn the label, if no earlier rule applies.
        reasons: the sentences, the decisive one first.
        answer: one sentence; None takes the first reason.
        action: what to do; None says nothing.
    """

    label: Label
    applies: Callable[[Findings], bool]
    reasons: Callable[[Findings], tuple[str, ...]] = lambda found: answers.reasons_of(found, "tighter")
    answer: Callable[[Findings], str] | None = None
    action: Callable[[Findings], Action | None] = lambda found: None


def decide(found: Findings) -> Verdict:
    """Return the verdict on a measured variant, by the first rule that applies."""
    rule = next(rule for rule in rules() if rule.applies(found))
    needs = found.needs if rule.label.tone == "open" else None
    learned = learned_reasons(found.learned, loss=found.measured.loss)
    given = rule.reasons(found)
    reasons = (
        *_left_out(found.measured),
        *(learned if found.has_learned_nothing else ()),
        *given,
        *(() if found.has_learned_nothing else learned),
        *needs_reasons(needs, found.measured, found.table_rows),
        *_limits(found.measured),
    )
    return Verdict(
        found.name,
        rule.label.name,
        found.margin,
        rule.answer(found) if rule.answer else given[0],
        reasons,
        rule.action(found),
        _also(rule.label, found),
        found,
        needs,
    )


def decide_unmeasured(variant: VariantEvidence, margin: float) -> Verdict:
    """Return the verdict on a variant none of whose runs can be measured."""
    outcomes = [run.outcome for run in variant.runs]
    count = counted(len(outcomes), "run")
    if "diverged" in outcomes:
        reason = f"{outcomes.count('diverged')} of {count} diverged, and none could be measured."
        answer = f"{variant.name} diverged: {reason}"
        return Verdict(variant.name, DIVERGED.name, margin, answer, (reason,), actions.diverged_action(None))
    who = "its only run" if len(outcomes) == 1 else f"none of its {count}"
    failed = next((run.reason for run in variant.runs if run.outcome == "failed" and run.reason), "")
    why = f"{who} left {'no ' * (len(outcomes) == 1)}usable losses by row"
    if failed:
        why += f", since training failed: {in_short(failed)}"
    return Verdict(
        variant.name, UNDECIDED.name, margin, f"{variant.name} is undecided: {why}.", (sentence(why),)
    )


def rules() -> tuple[Rule, ...]:
    """Return the rules in order; plugged-in ones are more specific, and come first."""
    return (*plugged_in("rules"), *RULES)


def _also(label: Label, found: Findings) -> str | None:
    """Return the label of the other direction, where that is shown as well."""
    if label is OVERFITS and found.underfits:
        return UNDERFITS.name
    return OVERFITS.name if label is UNDERFITS and found.overfits else None


def _gain(one: Alternative | None) -> float:
    return one.gain.mean if one is not None else 0.0


def _overfits_most(found: Findings) -> bool:
    return found.overfits and not (found.underfits and _gain(found.freer) > _gain(found.tighter))


def _left_out(measured: Measured) -> tuple[str, ...]:
    """Return the sentence about runs that were left out."""
    runs = measured.variant.runs
    left_out = len(runs) - len(measured.runs)
    if not left_out:
        return ()
    outcomes = [run.outcome for run in runs if not run.is_measured]
    kinds = [f"{outcomes.count(kind)} {kind}" for kind in sorted(set(outcomes))]
    verb = "was" if left_out == 1 else "were"
    return (
        f"{left_out} of {counted(len(runs), 'run')} {verb} left out ({listed(kinds) if kinds else 'no losses'}).",
    )


def _limits(measured: Measured) -> tuple[str, ...]:
    """Return the sentences about the limits of the verdict."""
    sentences = []
    if measured.source != "test":
        sentences.append(
            "There are no test rows: each half of the validation rows was measured at the epoch that the other half "
            "chose."
        )
    if len(measured.runs) == 1:
        only = "One seed was trained" if len(measured.variant.runs) == 1 else "One run was measured"
        sentences.append(f"{only}: the intervals cover rows only and speak about this one network.")
    return tuple(sentences)


# In the order of the table at the top of this file; read through `rules`.
RULES: tuple[Rule, ...] = (
    Rule(
        DIVERGED,
        lambda found: found.has_diverged,
        answer=answers.diverged_answer,
        action=actions.diverged_action,
    ),
    Rule(OVERFITS, _overfits_most, answer=answers.overfits_answer, action=actions.overfits_action),
    Rule(
        UNDERFITS,
        lambda found: found.underfits,
        lambda found: answers.reasons_of(found, "freer"),
        answers.underfits_answer,
        actions.underfits_action,
    ),
    Rule(
        JUST_RIGHT,
        lambda found: found.is_just_right,
        answer=answers.just_right_answer,
        action=actions.just_right_action,
    ),
    Rule(UNDECIDED, lambda found: True, answer=answers.undecided_answer, action=actions.undecided_action),
)
