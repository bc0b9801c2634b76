"""What the curves of one run say: plain data, from which every output is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import Role, Unit
from justright.logs.metric_names import Direction
from justright.statistics.turns import Change

CurveLabel = Literal[
    "overfits",
    "overfits by loss only",
    "still improving",
    "flat",
    "diverged",
    "unstable",
    "too short",
    "undecided",
]
Basis = Literal["measured in this log", "general"]


@dataclass(frozen=True, slots=True)
class MetricReading:
    """What one metric did on one set of rows. Times are in the run's unit; changes are of the metric as logged.

    Args:
        metric: in Keras' words. written: as the log names it.
        direction: whether less or more is better; None if unknown.
        points: how often it was measured, as a finite number.
        first_at, last_at: when first and last.
        best_at, best: when it was best, single spikes aside, and its value then, which is a little too good, since it was chosen.
        last: its last value.
        train, train_last: name and last value of the same metric on training rows; None if not logged.
        worsening: how much worse the trend is at the end than at its best (positive: worse); None for too few points.
        since: first and last time at which it may have begun to worsen; None unless it surely did.
        gain: how much better it became over the last quarter (positive: better); None for too few points.
        improved_since: since when it surely became better, to the end: the middle of the run, or the time when an overfitting loss was
            best; None if it did not surely.
        spikes: times of single values far from their neighbours, which decide nothing.
        train_change: how much training loss changed from the best time to the end; None if unknown.
        is_assisted: whether noise alone leaves open that it worsened, and training decided: see JR407.
    """

    metric: str
    written: str
    direction: Direction | None
    points: int
    first_at: float
    last_at: float
    best_at: float
    best: float
    last: float
    train: str | None = None
    train_last: float | None = None
    worsening: Change | None = None
    since: tuple[float, float] | None = None
    gain: Change | None = None
    spikes: tuple[float, ...] = ()
    train_change: float | None = None
    is_assisted: bool = False
    improved_since: float | None = None


@dataclass(frozen=True, slots=True)
class SetReading:
    """What the metrics on one evaluation set say.

    Args:
        role, set: which rows. title: the same for readers, such as 'validation' or 'eval: stsb'.
        label: the verdict by `judged`.
        judged: the loss, or where there is none the metric, that the label is about.
        others: all other metrics of the set.
        sentence: the verdict in one sentence, with its numbers.
    """

    role: Role
    set: str
    title: str
    label: CurveLabel
    judged: MetricReading
    others: tuple[MetricReading, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Args:
        code: stable, such as 'JR101'; `logs.finding_pages` has a page for each.
        words: one sentence.
        set: title of the evaluation set that it is about; empty for the whole run.
    """

    code: str
    words: str
    set: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do.

    Args:
        words: one sentence.
        basis: whether this log shows that it helps, or it helps networks like this one in general.
        command: a command or line of code that does it; empty if there is none.
    """

    words: str
    basis: Basis
    command: str = ""


@dataclass(frozen=True, slots=True)
class Keep:
    """The state of the model to keep.

    Args:
        at: when it was reached, in the run's unit.
        value: of the judged metric then.
        checkpoint: name of the checkpoint nearest to it, if the log names any.
        checkpoint_at: when that was saved; None for one that is called the best and says no more.
    """

    at: float
    value: float
    checkpoint: str = ""
    checkpoint_at: float | None = None


@dataclass(frozen=True, slots=True)
class RunReading:
    """What the curves of one run say.

    Args:
        name, format: the run, and the log format it was read from.
        label: of the evaluation set that is judged first.
        sentence: the answer in one sentence.
        unit: what times count.
        sets: every evaluation set, the one judged first at the front; none if only training was logged.
        findings: what was found, the most important first; no two deny each other.
        advice: what to do, what this log shows before what holds in general.
        keep: the state to keep; None if there is nothing to choose.
        notes: what had to be assumed to read the log, one sentence each.
        members: readings of folds or seeds, whose mean curves this run is; empty for a run of its own.
        is_earlier: whether a later run in the same log took its place.
        curves: what was read.
    """

    name: str
    format: str
    label: CurveLabel
    sentence: str
    unit: Unit
    sets: tuple[SetReading, ...]
    findings: tuple[Finding, ...]
    advice: tuple[Advice, ...]
    keep: Keep | None
    notes: tuple[str, ...]
    members: tuple[RunReading, ...]
    is_earlier: bool
    curves: LogCurves

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as plain values for JSON, without the curves; the judged loss stands at the top as well."""
        judged = self.sets[0].judged if self.sets else None
        return {
            "name": self.name,
            "format": self.format,
            "label": self.label,
            "sentence": self.sentence,
            "unit": self.unit,
            "loss": None if judged is None else judged.written,
            "evaluations": 0 if judged is None else judged.points,
            "best_at": None if judged is None else judged.best_at,
            "best": None if judged is None else judged.best,
            "last": None if judged is None else judged.last,
            "since": None if judged is None or judged.since is None else list(judged.since),
            "sets": [asdict(one) for one in self.sets],
            "findings": [asdict(one) for one in self.findings],
            "advice": [asdict(one) for one in self.advice],
            "keep": None if self.keep is None else asdict(self.keep),
            "notes": list(self.notes),
            "members": [member.to_dict() for member in self.members],
            "is_earlier": self.is_earlier,
        }
