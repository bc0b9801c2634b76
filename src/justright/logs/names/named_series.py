"""A series of a log with what its name says, and all of one run together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from justright.logs.logged_run import Role, Series
from justright.logs.metric_names import Direction, direction_of, is_loss


@dataclass(slots=True)
class NamedSeries:
    """A series, and what is known of it."""

    series: Series
    metric: str
    role: Role | None
    set: str
    direction: Direction | None
    is_loss: bool
    is_chosen: bool = False
    says_role: bool = False

    @property
    def written(self) -> str:
        """Its name in the log."""
        return self.series.written

    def rename(self, metric: str) -> None:
        """Take it for another metric."""
        self.metric, self.direction, self.is_loss = metric, direction_of(metric), is_loss(metric)

    @property
    def is_measure(self) -> bool:
        """Whether it measures success, as learning rates and times do not."""
        return self.direction is not None


@dataclass(slots=True)
class NamedLog:
    """The series of one run, named together.

    Args:
        series: in the order in which they are judged.
        notes: what was assumed, one sentence each.
        metric: the metric that the user wants judged; empty if it is the loss.
    """

    series: list[NamedSeries]
    notes: list[str] = field(default_factory=list)
    metric: str = ""


def listed(names: Sequence[str]) -> str:
    """Return names in a sentence, the first few of many."""
    shown = [repr(name) for name in names[:4]]
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
