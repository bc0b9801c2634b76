"""The labels of verdicts, and everything that reports say about them or draw for them.

A new label is one entry here, or comes with the plugged-in rule that gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from justright.plugins import plugged_in

# What a label means to its reader; pages and terminals have one colour per tone.
Tone = Literal["good", "bad", "warning", "open", "broken"]


@dataclass(frozen=True, slots=True)
class Label:
    """One label.

    Args:
        name: as verdicts, `result.json` and `--fail-on` spell it.
        symbol: printed before the name, so that no reader depends on colour; a plain text symbol, never an emoji.
        meaning: an explanation for the legend of a table.
        one, many: the predicate of a sentence about one variant, or about several.
        tone: whether it is good or bad news.
    """

    name: str
    symbol: str
    meaning: str
    one: str
    many: str
    tone: Tone


OVERFITS = Label(
    "overfits",
    "↑",
    "something tighter is better: regularization, fewer parameters, or an earlier end",
    "overfits",
    "overfit",
    "bad",
)
UNDERFITS = Label(
    "underfits",
    "↓",
    "something freer is better: more capacity, less regularization, or longer training",
    "underfits",
    "underfit",
    "warning",
)
JUST_RIGHT = Label(
    "just right",
    "✓",
    "nothing freer or tighter that was measured is better",
    "is just right",
    "are just right",
    "good",
)
UNDECIDED = Label(
    "undecided",
    "?",
    "neither shown nor excluded; its answer says what would decide",
    "is undecided",
    "are undecided",
    "open",
)
DIVERGED = Label("diverged", "×", "training itself went wrong", "diverged", "diverged", "broken")

# In the order in which a headline names them; read through `labels`.
LABELS: tuple[Label, ...] = (OVERFITS, UNDERFITS, JUST_RIGHT, UNDECIDED, DIVERGED)


def labels() -> tuple[Label, ...]:
    """Return every label, those of plugged-in verdict rules last.

    Example:
        >>> [label.name for label in labels()][:2]
        ['overfits', 'underfits']
    """
    return tuple(dict.fromkeys((*LABELS, *(rule.label for rule in plugged_in("rules")))))


def label_names() -> tuple[str, ...]:
    """Return the names of every label.

    Example:
        >>> "just right" in label_names()
        True
    """
    return tuple(label.name for label in labels())


def label_named(name: str) -> Label:
    """Return the label called `name`; unknown ones, of newer versions, count as open.

    Example:
        >>> label_named("just right").symbol, label_named("of tomorrow").symbol
        ('✓', '?')
    """
    known = {label.name: label for label in labels()}
    return known.get(name) or Label(name, "?", "a label of a newer version", name, name, "open")
