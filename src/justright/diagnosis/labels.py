"""The labels a verdict may have, and everything that any report says or draws of them: a new one is one entry here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# What a label means for its reader; pages and terminals have one colour for each.
Tone = Literal["good", "bad", "warning", "open", "broken"]


@dataclass(frozen=True, slots=True)
class Label:
    """One label.

    Args:
        name: as verdicts, `result.json` and `--fail-on` spell it.
        symbol: printed before the word, so that no reader depends on colour; a plain text symbol, never an emoji.
        meaning: to be read under a table by somebody who meets it for the first time.
        one, many: the predicate of a sentence about one variant, or several.
        tone: what it means for the reader.
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
    "its last epoch is worse than its best one, whose weights are saved",
    "overfits",
    "overfit",
    "bad",
)
UNDERFITS = Label(
    "underfits", "↓", "something else measured has a lower loss", "underfits", "underfit", "warning"
)
JUST_RIGHT = Label(
    "just right", "✓", "neither of the two, beyond the margin", "is just right", "are just right", "good"
)
UNDECIDED = Label(
    "undecided",
    "?",
    "neither shown nor excluded; its reasons say what would decide",
    "is undecided",
    "are undecided",
    "open",
)
DIVERGED = Label("diverged", "×", "training itself went wrong", "diverged", "diverged", "broken")

# In the order in which a headline names them.
LABELS: tuple[Label, ...] = (OVERFITS, UNDERFITS, JUST_RIGHT, UNDECIDED, DIVERGED)


def label_named(name: str) -> Label:
    """Return the label called `name`; one that this version does not know is open.

    Example:
        >>> label_named("just right").symbol, label_named("of tomorrow").symbol
        ('✓', '?')
    """
    known = {label.name: label for label in LABELS}
    return known.get(name) or Label(name, "?", "a label of a newer version", name, name, "open")
