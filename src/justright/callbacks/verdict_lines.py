"""Which verdicts on a growing run are worth a line, and that line."""

from __future__ import annotations

from justright.diagnosis.words.numbers import number
from justright.logs.run_reading import CurveLabel, RunReading
from justright.logs.wording import Times

# A label that was said before is said again once it came out so often in a row: between two labels a curve may waver.
SETTLED = 3


class VerdictLines:
    """The lines about one run.

    Args:
        verbose: 0 for none, 1 for changes of the label, 2 for every judgement.
    """

    def __init__(self, verbose: int) -> None:
        self._verbose = verbose
        self._said: list[CurveLabel] = []
        self._label: CurveLabel | None = None
        self._in_a_row = 0  # judgements with that label

    def after(self, reading: RunReading, at: float) -> str | None:
        """Return the line after a judgement; None if there is no news."""
        self._in_a_row = self._in_a_row + 1 if reading.label == self._label else 1
        self._label = reading.label
        if not self._said:  # the first is "too short", which everybody sees
            is_news = reading.label != "too short"
        else:
            is_settled = reading.label not in self._said or self._in_a_row >= SETTLED
            is_news = is_settled and reading.label != self._said[-1]
        return self._say(reading, at) if self._verbose > 1 or (self._verbose and is_news) else None

    def at_end(self, reading: RunReading, at: float) -> str | None:
        """Return the line about the verdict that stands; None if it was the last that was said."""
        is_said = self._said[-1:] == [reading.label]
        return self._say(reading, at) if self._verbose and not is_said else None

    def _say(self, reading: RunReading, at: float) -> str:
        self._said.append(reading.label)
        return line_of(reading, at)


def line_of(reading: RunReading, at: float) -> str:
    """Return a verdict in one line: when, label, since when, and the judged numbers."""
    times = Times(reading.unit)
    if not reading.sets:
        return f"{times.at(at)}: {reading.sentence}"
    judged = reading.sets[0].judged
    since = "" if judged.since is None else f" since {times.span(*judged.since)}"
    word = "highest" if judged.direction == "more" else "lowest"
    numbers = (
        f"{judged.written} {number(judged.last)}, {word} {number(judged.best)} at {times.at(judged.best_at)}"
    )
    return f"{times.at(at)}: {reading.label}{since} ({numbers})"
