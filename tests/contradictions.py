"""Rules that whatever is said about a study must obey: no sentence denies another, and labels agree with what they rest on.

python -m tests.contradictions 0 2000    # judge the random studies of these seeds, and print every rule that is broken
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.random_studies import random_study

from justright.diagnosis.alternatives import Alternative
from justright.diagnosis.evidence import StudyEvidence
from justright.diagnosis.judge import Judgement, judge_study
from justright.diagnosis.labels import labels
from justright.diagnosis.verdicts import Verdict
from justright.diagnosis.words.answers import phrase
from justright.diagnosis.words.numbers import estimate
from justright.study.directions import EARLIER_END

# An estimate of less than nothing, in words for its signs.
NO_GAIN = r"\((\S+) \w+ here; between (\S+) \w+ and (\S+) \w+\)"
ESTIMATE = r"\S+ \[[^\]]*\]|\S+ exactly"
LONGER = re.compile(
    r"longer training would|--max-epochs|train it for longer|cut it short|train longer|as many epochs more|still fell|still falls",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Said:
    """A judgement, and the evidence that it is about."""

    judgement: Judgement
    evidence: StudyEvidence

    def sentences(self, verdict: Verdict) -> tuple[str, ...]:
        """Return all that is said about one variant."""
        action = (verdict.action.words,) if verdict.action else ()
        return (verdict.answer, *verdict.reasons, *action)

    def everything(self) -> Iterator[str]:
        """Yield every sentence about the study."""
        for verdict in self.judgement.verdicts:
            yield from self.sentences(verdict)
        yield from self.judgement.facts
        yield self.judgement.conclusion

    def command(self, verdict: Verdict) -> str:
        """Return the command of a verdict."""
        return verdict.action.command if verdict.action else ""


Rule = Callable[[Said, Verdict], bool]


def overfits(verdict: Verdict) -> bool:
    """Whether it is said to overfit, first or beside another label."""
    return "overfits" in (verdict.label, verdict.also)


def overfits_by_time(verdict: Verdict) -> bool:
    """Whether it is said to overfit, and an earlier end is better."""
    return overfits(verdict) and any(
        one.kind == EARLIER_END and is_shown(one) for one in verdict.alternatives
    )


def is_shown(one: Alternative | None) -> bool:
    """Whether an alternative is better by more than the margin."""
    return one is not None and one.gain.low > one.margin


# About a verdict and what it rests on.


def label_is_what_is_shown(said: Said, verdict: Verdict) -> bool:
    """What is better decides the label, the larger gain first; the other direction is said beside it."""
    freer, tighter = verdict.freer, verdict.tighter
    shown = {"underfits": freer, "overfits": tighter}
    names = sorted(
        (name for name, one in shown.items() if is_shown(one)), key=lambda name: -shown[name].gain.mean
    )
    if verdict.label == "diverged":
        return verdict.also is None
    first, second = [*names, None, None][:2]
    return (verdict.label if verdict.label in shown else None, verdict.also) == (first, second)


def deciding_gain_is_the_largest(said: Said, verdict: Verdict) -> bool:
    """`freer` and `tighter` are the best of their direction; without a better one, open if any is open."""
    for one, direction in ((verdict.freer, "freer"), (verdict.tighter, "tighter")):
        mine = [each for each in verdict.alternatives if each.direction == direction]
        better = [each for each in mine if is_shown(each)]
        if (one is None) != (not mine) or (better and one.gain.mean < max(each.gain.mean for each in better)):
            return False
        if (
            one is not None
            and not is_shown(one)
            and (better or one.is_excluded != all(x.is_excluded for x in mine))
        ):
            return False
    return True


def just_right_excludes_everything(said: Said, verdict: Verdict) -> bool:
    """Networks were measured in both directions, and none of them gains more than the margin, nor may."""
    if verdict.label != "just right":
        return True
    measured = {one.direction for one in verdict.alternatives if one.is_measured}
    excluded = all(one.gain.high < one.margin for one in verdict.alternatives)
    return measured == {"freer", "tighter"} and excluded and verdict.has_learned is not False


def undecided_names_what_is_open(said: Said, verdict: Verdict) -> bool:
    """And, if something would decide, a command."""
    if verdict.label != "undecided" or verdict.found is None:
        return True
    names = any(
        words in verdict.answer
        for words in (
            " may ",
            " is open (",
            "was measured beside it",
            "has learned nothing",
            "cannot be told from divergence",
        )
    )
    needs = verdict.needs.least if verdict.needs else None
    must_act = needs is not None and (verdict.found.measured.source == "test" or not needs[1])
    return names and (verdict.action is not None or not must_act)


def decided_needs_nothing(said: Said, verdict: Verdict) -> bool:
    """Only what is undecided is told what would decide."""
    texts = (*verdict.reasons, *said.judgement.facts)
    decides = re.compile(rf"(^|, |and |; ){re.escape(verdict.variant)} would probably be decided")
    told = any("would probably decide." in one for one in verdict.reasons) or any(map(decides.search, texts))
    return verdict.label == "undecided" or (verdict.needs is None and not told)


def better_one_is_not_worse_elsewhere(said: Said, verdict: Verdict) -> bool:
    """What is better than a network is not beaten by it in the verdict on the better one."""
    for one in verdict.alternatives:
        if one.is_measured and is_shown(one):
            back = said.judgement.verdict(one.name)
            if any(
                each.name == verdict.variant and each.gain.mean > 0
                for each in back.alternatives
                if each.is_measured
            ):
                return False
    return True


# About the sentences of a verdict.


def too_long_training_is_never_denied(said: Said, verdict: Verdict) -> bool:
    """What overfits by time has epochs that can be told apart, and is not told to train longer."""
    if not overfits_by_time(verdict):
        return True
    last = max(run.epochs for run in verdict.found.measured.runs) - 1
    denied = re.compile(
        rf"cannot have made|epochs \d+ to {last} cannot be told apart|Whether it rises|may be worse than its|"
        r"whether its end is worse"
    )
    texts = said.sentences(verdict)
    return not any(denied.search(one) or LONGER.search(one) for one in (*texts, said.command(verdict)))


def overfitting_is_never_denied(said: Said, verdict: Verdict) -> bool:
    """That it does not overfit, or that it is not shown, is never said of what overfits; likewise underfitting."""
    for name in (verdict.label, verdict.also):
        texts = [one.lower() for one in said.sentences(verdict)]
        verb = {"overfits": "overfit", "underfits": "underfit"}.get(name or "", "-")
        if any(re.search(rf"not {verb}|whether it {verb}s is not shown", one) for one in texts):
            return False
    return True


def what_may_help_is_no_loss(said: Said, verdict: Verdict) -> bool:
    """Nothing is said to help by less than nothing: where the estimate is a loss, the question is called open."""
    return not re.search(r"\b(?:gain|rise|by) -", verdict.answer)


def nothing_else_is_said_to_overfit(said: Said, verdict: Verdict) -> bool:
    """No reason dates the overfitting of a network that is not said to overfit."""
    texts = [
        one for one in verdict.reasons if "whether it overfits" not in one and "so overfitting" not in one
    ]
    return overfits(verdict) or not any("it overfits" in one for one in (verdict.answer, *texts))


def named_as_better_is_not_open(said: Said, verdict: Verdict) -> bool:
    """What the answer names as better is neither open nor excluded in a reason, nor without effect in a fact."""
    named = [one for one in verdict.alternatives if is_shown(one) and phrase(one) in verdict.answer]
    for one in named:
        words = re.escape(phrase(one))
        denied = re.compile(rf"^(Whether {words} |Nothing .*compared with \(.*\b{re.escape(one.name)}\b)")
        if any(map(denied.search, verdict.reasons)):
            return False
        unhelpful = re.compile(rf"(.*) (?:does|do) not measurably help {re.escape(verdict.variant)}\.")
        for match in filter(None, map(unhelpful.fullmatch, said.judgement.facts)):
            if one.name in re.split(r", | and ", match[1]):
                return False
        if f"No remedy measurably helps {verdict.variant}." in said.judgement.facts:
            return False
    return True


def most_helpful_is_what_the_answer_names(said: Said, verdict: Verdict) -> bool:
    """A fact that something helps a network most names nothing that gains less than what its answer names."""
    pattern = re.compile(rf"^(.*) helps {re.escape(verdict.variant)} most, by")
    for match in filter(None, map(pattern.match, said.judgement.facts)):
        gains = {one.name: one.gain.mean for one in verdict.alternatives if one.is_measured}
        best = gains.get(match[1], 0.0)
        if any(gain > best and f"({name})" in verdict.answer for name, gain in gains.items()):
            return False
    return True


def answer_quotes_what_was_found(said: Said, verdict: Verdict) -> bool:
    """Its numbers are those of the alternatives, and the one that decides the label is among them."""
    if verdict.found is None or verdict.label == "diverged":
        return True
    known = {estimate(one.gain) for one in verdict.alternatives} | {estimate(verdict.end.rise)}
    if verdict.end.accuracy_change is not None:
        known.add(estimate(verdict.end.accuracy_change))
    in_signs = re.sub(NO_GAIN, r"-\1 [-\2, \3]", verdict.answer)
    in_signs = re.sub(r"(?<= )-(0(?:\.0+)?) \[", r"\1 [", in_signs)  # nothing has no sign
    quoted = set(re.findall(ESTIMATE, re.sub(r"\((gain|rise|by|change) ", "", in_signs)))
    decides = {"overfits": verdict.tighter, "underfits": verdict.freer}
    wanted = {estimate(decides[name].gain) for name in (verdict.label, verdict.also) if name in decides}
    if (
        verdict.label == "undecided"
        and not verdict.found.has_unclear_rise
        and verdict.has_learned is not False
    ):
        wanted = {
            estimate(one.gain) for one in (verdict.freer, verdict.tighter) if one is not None and one.is_open
        }
    return wanted <= quoted <= known


def since_is_an_epoch_before_the_last(said: Said, verdict: Verdict) -> bool:
    """Where overfitting is dated, the epoch is the end of the good epochs, and a later one was measured."""
    match = re.search(r"overfits after epoch (\d+)", verdict.answer)
    onset = verdict.onset
    return match is None or (onset is not None and onset.best <= int(match[1]) == onset.high < onset.last)


def accuracy_that_disagrees_is_said(said: Said, verdict: Verdict) -> bool:
    """In the answer: whether the end is worse by accuracy, where the loss says otherwise."""
    change = verdict.end.accuracy_change if verdict.end else None
    if change is None or verdict.label == "diverged":
        return True
    disagrees = (
        change.high >= 0 if overfits_by_time(verdict) else change.high < 0 and not verdict.end.has_risen
    )
    return disagrees == ("by accuracy its end is" in verdict.answer)


def what_learned_nothing_is_told_so(said: Said, verdict: Verdict) -> bool:
    """In its reasons, and nobody else is; nor is it just right."""
    told = any(one.startswith("It has learned nothing") for one in verdict.reasons)
    return told == (verdict.has_learned is False)


def action_names_what_exists_and_is_better(said: Said, verdict: Verdict) -> bool:
    """Commands name measured variants; another network is recommended only if its loss is lower."""
    command = said.command(verdict)
    words = shlex.split(command) if command.startswith("justright") else []
    for option in ("--variant", "--of"):
        if option not in words:
            continue
        name = words[words.index(option) + 1]
        if name not in {one.variant for one in said.judgement.verdicts if one.found}:
            return False
        gains = [one.gain.mean for one in verdict.alternatives if one.is_measured and one.name == name]
        if name != verdict.variant and not (
            gains and gains[0] > 0 and f"Use {name}:" in verdict.action.words
        ):
            return False
    return True


def action_is_the_best_that_is_shown(said: Said, verdict: Verdict) -> bool:
    """No other network that is shown to be better gains more than the one that is recommended."""
    match = re.match(r"Use (.*): it is trained", verdict.action.words) if verdict.action else None
    gains = {one.name: one.gain.mean for one in verdict.alternatives if one.is_measured and is_shown(one)}
    return match is None or gains.get(match[1]) == max(gains.values(), default=None)


def seeds_are_counted_right(said: Said, verdict: Verdict) -> bool:
    """Commands ask for more seeds than there are, and one seed is called the only one where it is."""
    if verdict.found is None:
        return True
    trained = len(verdict.found.outcomes)
    texts = (*said.sentences(verdict), said.command(verdict))
    asked = [int(count) for text in texts for count in re.findall(r"--seeds (\d+)", text)]
    only_one = any("One seed was trained" in text for text in texts)
    return all(count > trained for count in asked) and (not only_one or trained == 1)


def plain_values_are_json(said: Said, verdict: Verdict) -> bool:
    """`result.json` takes them."""
    return bool(json.dumps(verdict.to_dict(), allow_nan=False))


VERDICT_RULES: tuple[Rule, ...] = (
    label_is_what_is_shown,
    deciding_gain_is_the_largest,
    just_right_excludes_everything,
    undecided_names_what_is_open,
    decided_needs_nothing,
    better_one_is_not_worse_elsewhere,
    too_long_training_is_never_denied,
    overfitting_is_never_denied,
    what_may_help_is_no_loss,
    nothing_else_is_said_to_overfit,
    named_as_better_is_not_open,
    most_helpful_is_what_the_answer_names,
    answer_quotes_what_was_found,
    since_is_an_epoch_before_the_last,
    accuracy_that_disagrees_is_said,
    what_learned_nothing_is_told_so,
    action_names_what_exists_and_is_better,
    action_is_the_best_that_is_shown,
    seeds_are_counted_right,
    plain_values_are_json,
)

# About the study.


def headline_has_the_labels(said: Said) -> bool:
    """The headline's groups are the labels of the verdicts, with every name as it is spelled."""
    judged = {one.variant: one.label for one in said.judgement.verdicts}
    baselines = {name for name in judged if not said.evidence.variant(name).remedy}
    wanted = {name: judged[name] for name in baselines or judged}
    text = said.judgement.conclusion.removesuffix(".").split(" So far ")[-1]
    found: dict[str, str] = {}
    for part in re.sub(r" \([^)]*\)", "", text).split("; "):
        for label in labels():
            for predicate in {label.one, label.many}:
                if not part.endswith(f" {predicate}"):
                    continue
                names = re.split(r", | and ", part.removesuffix(f" {predicate}"))
                if re.fullmatch(r"[Aa]ll \w+ variants", names[0]):
                    return set(wanted.values()) == {label.name}
                counted = re.fullmatch(r"(\d+) others", names[-1])
                if counted and len(names) + int(counted[1]) - 1 != list(wanted.values()).count(label.name):
                    return False
                found |= dict.fromkeys(names[:-1] if counted else names, label.name)
    if any(" others " in part for part in text.split("; ")):
        return found.items() <= wanted.items()
    return found == wanted


def best_is_the_best(said: Said) -> bool:
    """What is called best has the lowest validation loss; the lowest loss of a size is the lowest."""
    match = re.search(r"best on validation rows is (.*), with a ", said.judgement.conclusion)
    if match:
        usable = [one for one in said.evidence.variants if one.validation_loss == one.validation_loss]
        if match[1] != min(usable, key=lambda one: one.validation_loss).name:
            return False
    for fact in said.judgement.facts:
        lowest = re.search(
            r"differ on \w+ rows: (.*) has the lowest loss.* (?:below that of|than) (.*)\.$", fact
        )
        if lowest is None:
            continue
        worse = said.judgement.verdict(lowest[2])
        gains = {one.name: one.gain.mean for one in (*worse.alternatives, *worse.headroom)}
        if (
            not gains.get(lowest[1], 1.0) > 0
        ):  # strengths that were not chosen are compared with no other network
            return False
    return True


def short_training_is_not_overfitting(said: Said) -> bool:
    """Where training is called too short, nothing is said to have trained for too long."""
    too_short = "Training was too short" in said.judgement.conclusion
    return not (too_short and any(map(overfits_by_time, said.judgement.verdicts)))


def sentences_are_whole(said: Said) -> bool:
    """Each ends with one full stop, begins as it should, and holds no scrap of a program."""
    return not list(broken_sentences(said))


def broken_sentences(said: Said) -> Iterator[str]:
    """Yield the sentences that are not whole."""
    names = [one.name for one in said.evidence.variants]
    scrap = re.compile(
        r"  |\.\.|\bnan\b|\bNone\b(?! of its)|array|\binf\b|(?<![\w.])-0(?:\.0+)?(?![\d.])| ,| ;|;;|,,|\(\)|\(;"
    )
    for one in said.everything():
        plain = one
        for name in names:
            plain = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "NAME", plain) if len(name) > 1 else plain
        is_begun = one[0].isupper() or one[0].isdigit() or any(one.startswith(name) for name in names)
        is_ended = bool(re.search(r"[^.]\.$|: *$|:$", one))
        doubled = re.search(r"\b([A-Za-z]{2,}) \1\b", plain.replace("NAME", ""))
        balanced = all(one.count(left) == one.count(right) for left, right in ("()", "[]"))
        if scrap.search(one) or not (is_begun and is_ended and balanced) or doubled:
            yield one


STUDY_RULES: tuple[Callable[[Said], bool], ...] = (
    headline_has_the_labels,
    best_is_the_best,
    short_training_is_not_overfitting,
    sentences_are_whole,
)


def contradictions(judgement: Judgement, evidence: StudyEvidence) -> list[str]:
    """Return every rule that a judgement breaks, with the variant or study that breaks it."""
    said = Said(judgement, evidence)
    found = [
        f"{rule.__name__}: {verdict.variant}"
        for verdict in judgement.verdicts
        for rule in VERDICT_RULES
        if not rule(said, verdict)
    ]
    return found + [rule.__name__ for rule in STUDY_RULES if not rule(said)]


def main(first: int, last: int) -> None:
    """Print what is broken, and where."""
    for seed in range(first, last):
        evidence, margin = random_study(seed)
        judgement = judge_study(evidence, margin=margin)
        for broken in contradictions(judgement, evidence):
            print(f"seed {seed}: {broken}", flush=True)
        for one in broken_sentences(Said(judgement, evidence)):
            print(f"    {one}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
