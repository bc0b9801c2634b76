"""What was found about one network: the single source of its label, reasons, advice and of every sentence about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from justright.diagnosis.alternatives import Alternative, deciding
from justright.diagnosis.ends import End
from justright.diagnosis.evidence import RunEvidence
from justright.diagnosis.learned import Learned
from justright.diagnosis.measured import Measured
from justright.diagnosis.onset import Onset
from justright.statistics.intervals import Interval
from justright.statistics.sample_size import Needs, combine_needs
from justright.study.directions import EARLIER_END, LONGER_TRAINING, MORE_ROWS, Direction

EARLY_STOPPING = "Early stopping"
TRAINING_LONGER = "Longer training"
# A run whose best epoch lies in the last tenth of its epochs, or is one of the last two, has not passed it.
LATE_SHARE = 10
LEAST_LATE = 2


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found about one measured network.

    Args:
        measured: its losses.
        end: what the end of training did.
        variants: freer and tighter variants that it was compared with, the largest gain first.
        headroom: what is neither, likewise.
        test: mean loss at the chosen epoch on the rows that measure.
        onset: the epochs that cannot be told apart from the best.
        accuracy_onset: like `onset`, by the share of wrong answers; None if unknown.
        learned: how it compares with the constant prediction; None if unknown.
        more_rows: what more training rows would gain, by its learning curve: their number, and the gain; None without one.
        table_rows: number of rows of the table; None if unknown.
    """

    measured: Measured
    end: End
    variants: tuple[Alternative, ...]
    headroom: tuple[Alternative, ...]
    test: Interval
    onset: Onset | None
    accuracy_onset: Onset | None = None
    learned: Learned | None = None
    more_rows: tuple[int, Interval] | None = None
    table_rows: int | None = None

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.measured.variant.name

    @property
    def margin(self) -> float:
        """What counts as a difference."""
        return self.end.margin

    @property
    def has_learned_nothing(self) -> bool:
        """Whether it does not beat the constant prediction."""
        return self.learned is not None and self.learned.is_shown is False

    @property
    def outcomes(self) -> list[str]:
        """How each run of the variant ended."""
        return [run.outcome for run in self.measured.variant.runs]

    @property
    def has_diverged(self) -> bool:
        """Whether training went wrong: most runs diverged, or the loss rose while the training loss rose, too."""
        most = 2 * self.outcomes.count("diverged") > len(self.outcomes)
        return most or (self.end.has_risen and self.end.has_train_risen)

    @property
    def has_unclear_rise(self) -> bool:
        """Whether the loss rose and the training loss is unknown: overfitting cannot be told from divergence then."""
        return self.end.has_risen and not self.end.is_train_known

    @property
    def is_cut_short(self) -> bool:
        """Whether the epoch limit ended most runs too early to judge their ends and what they could reach.

        Their validation loss still fell, or their best epoch is among the last and a fall is not excluded.
        """
        end, runs = self.end, self.measured.runs
        if end.has_risen or (end.fall is not None and end.fall.is_below(self.margin)):
            return False
        cut = [run for run in runs if run.outcome == "finished" and (end.is_still_falling or is_late(run))]
        return 2 * len(cut) > len(runs)

    @cached_property
    def early_stopping(self) -> Alternative | None:
        """The network at its chosen epoch, as an alternative to itself at its end; None where that says nothing."""
        if self.has_unclear_rise:
            return None
        end = self.end
        return Alternative(
            EARLIER_END, EARLY_STOPPING, end.rise, self.margin, is_measured=False, needs=end.needs
        )

    @property
    def is_longer_measured(self) -> bool:
        """Whether a variant of its own shows what longer training gains."""
        return any(one.kind == LONGER_TRAINING for one in self.variants)

    @cached_property
    def longer_training(self) -> Alternative | None:
        """The network trained for longer, by its own curve.

        None where that was measured by a variant of its own, nothing can be said, or training for too long made it worse.
        """
        if self.end.fall is None or self.is_longer_measured or self.end.has_risen:
            return None
        return Alternative(LONGER_TRAINING, TRAINING_LONGER, self.end.fall, self.margin, is_measured=False)

    @property
    def may_gain_by_time(self) -> bool:
        """Whether the epoch limit cut it short, and nothing tells what longer training would gain."""
        return self.is_cut_short and self.end.fall is None and not self.is_longer_measured

    @property
    def is_unfinished(self) -> bool:
        """Whether its epoch limit cut it short and no longer training was measured: what is freer and better may only learn faster."""
        return self.is_cut_short and not self.overfits_by_time and not self.is_longer_measured

    @property
    def asks_for_longer(self) -> bool:
        """Whether longer training would decide: by its curve, or because nothing tells what it would gain."""
        return self.may_gain_by_time or (self.longer_training is not None and self.longer_training.is_open)

    @cached_property
    def alternatives(self) -> tuple[Alternative, ...]:
        """All that is freer or tighter."""
        rows: tuple[Alternative, ...] = ()
        if self.more_rows is not None:
            count, gain = self.more_rows
            name = f"{count:,} training rows"
            rows = (Alternative(MORE_ROWS, name, gain, self.margin, is_measured=False),)
        own = [one for one in (self.early_stopping, self.longer_training) if one is not None]
        # What trained for too long is not told to train longer, though a variant that did found a better epoch later.
        variants = [
            one for one in self.variants if not (one.kind == LONGER_TRAINING and self.overfits_by_time)
        ]
        return (*variants, *own, *rows)

    def towards(self, direction: Direction) -> tuple[Alternative, ...]:
        """Return the alternatives in one direction."""
        return tuple(one for one in self.alternatives if one.direction == direction)

    @cached_property
    def freer(self) -> Alternative | None:
        """The alternative that decides whether the network underfits."""
        return deciding(self.towards("freer"))

    @cached_property
    def tighter(self) -> Alternative | None:
        """The alternative that decides whether the network overfits."""
        return deciding(self.towards("tighter"))

    @cached_property
    def most_headroom(self) -> Alternative | None:
        """What shows how much more can be learned."""
        return deciding(self.headroom)

    @property
    def underfits(self) -> bool:
        """Whether something freer is better, beyond the margin."""
        return self.freer is not None and self.freer.is_better

    @property
    def overfits(self) -> bool:
        """Whether something tighter is better, beyond the margin."""
        return self.tighter is not None and self.tighter.is_better

    @property
    def overfits_by_time(self) -> bool:
        """Whether it trained for too long."""
        return self.early_stopping is not None and self.early_stopping.is_better

    @property
    def remedy(self) -> Alternative | None:
        """The best tighter alternative apart from an earlier end; None unless one is better."""
        better = [one for one in self.towards("tighter") if one.kind != EARLIER_END and one.is_better]
        return deciding(better)

    def is_measured_towards(self, direction: Direction) -> bool:
        """Return whether a network of its own was compared in a direction, not only the network's own curve."""
        return any(one.is_measured for one in self.towards(direction))

    def is_excluded_towards(self, direction: Direction) -> bool:
        """Return whether something was measured in a direction, and none of it gains more than the margin."""
        mine = self.towards(direction)
        return self.is_measured_towards(direction) and all(one.is_excluded for one in mine)

    @property
    def is_just_right(self) -> bool:
        """Whether both directions are excluded, for a network that has learned something."""
        both = self.is_excluded_towards("freer") and self.is_excluded_towards("tighter")
        is_open = self.has_unclear_rise or self.may_gain_by_time
        return both and not is_open and not self.has_learned_nothing

    @property
    def open(self) -> tuple[Alternative, ...]:
        """The alternatives of which it is open whether they gain more than the margin, the largest gain first."""
        found = [one for one in self.alternatives if one.is_open]
        return tuple(sorted(found, key=lambda one: (-one.gain.mean, one.name)))

    @property
    def needs(self) -> Needs | None:
        """What would decide between the labels; None where no comparison is open that seeds or rows could decide.

        Where a measured difference lies beyond the margin, showing that one is enough; else all must be excluded.
        """
        if self.overfits or self.underfits:
            return None
        planned = [(one.gain.mean > one.margin, one.needs) for one in self.open if one.needs is not None]
        harmful = [needs for is_harmful, needs in planned if is_harmful]
        if harmful:
            return combine_needs(harmful, any_is_enough=True)
        return combine_needs([needs for _, needs in planned], any_is_enough=False) if planned else None


def is_late(run: RunEvidence) -> bool:
    """Return whether a run's best epoch is among its last.

    Example:
        >>> [is_late(RunEvidence(0, "finished", 60, best)) for best in (53, 54)]
        [False, True]
    """
    return run.chosen_epoch >= run.epochs - max(LEAST_LATE, run.epochs // LATE_SHARE)
