"""What to do about a network: the one command, or line of Python, that applies or measures the best remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from justright.diagnosis.alternatives import Alternative
from justright.diagnosis.findings import Findings
from justright.diagnosis.words.advice import COMMAND, LEAST_SEEDS, is_beyond, more_epochs
from justright.diagnosis.words.answers import best_epochs, phrase
from justright.diagnosis.words.numbers import rounded_up
from justright.study.directions import MORE_ROWS, Direction

PREDICT = "justright predict DIR TABLE"
SLOWER = "jr.Recipe(optimizer=keras.optimizers.Adam(1e-4, clipnorm=1.0))"


@dataclass(frozen=True, slots=True)
class Action:
    """What to do.

    Args:
        words: in a few words.
        command: to be copied; `DIR` stands for the study folder. Empty where no command does it.
    """

    words: str
    command: str

    def to_dict(self) -> dict[str, str]:
        """Return the action as in result.json."""
        return asdict(self)


def overfits_action(found: Findings) -> Action:
    """Return how to apply what helps a network that overfits most; its own best epoch is saved anyway."""
    better = [one for one in (found.remedy, found.freer) if one is not None and one.is_better]
    if better:
        return _apply(found, max(better, key=lambda one: (one.is_measured, one.gain.mean)))
    words = f"Keep {best_epochs(found)}, whose weights are saved"
    if found.is_measured_towards("tighter"):
        return Action(f"{words}.", _predict(found.name))
    return Action(f"{words}. Remedies may help more; to measure them:", _remedies(found.name))


def underfits_action(found: Findings) -> Action:
    """Return how to apply what a network that underfits lacks."""
    if found.freer is None:
        raise ValueError(f"{found.name} has nothing freer beside it")
    if found.is_unfinished:
        return _train_longer(found)
    return _apply(found, found.freer)


def just_right_action(found: Findings) -> Action:
    """Return how to use a network that needs nothing."""
    return Action("Use it as it is.", _predict(found.name))


def undecided_action(found: Findings) -> Action | None:
    """Return what would decide: networks beside it, more epochs, seeds, or test rows; None if nothing would."""
    if found.has_unclear_rise:
        return Action(f"Keep {best_epochs(found)}, whose weights are saved.", _predict(found.name))
    if found.has_learned_nothing:
        return Action(
            "Try another learning rate, or train it for longer.",
            f"{COMMAND} --max-epochs {more_epochs([found])}",
        )
    if found.asks_for_longer:
        return Action("Longer training would decide.", f"{COMMAND} --max-epochs {more_epochs([found])}")
    directions: tuple[Direction, ...] = ("freer", "tighter")
    if not all(map(found.is_measured_towards, directions)):
        words = "Train larger, smaller and regularized networks beside it."
        return Action(words, f"{COMMAND} --study neighbours --of {quoted(found.name)}")
    needs, runs = found.needs, len(found.measured.variant.runs)
    if needs is None or needs.least is None:
        words = "One seed does not show what would decide."
        is_alone = len(found.measured.runs) == 1 and runs < LEAST_SEEDS
        return Action(words, f"{COMMAND} --seeds {LEAST_SEEDS}") if is_alone else None
    seeds, rows = needs.least
    if rows and found.measured.source != "test":
        return None
    seeds = seeds or int(rows == 0)  # the margin lies just inside the interval
    total = rounded_up(found.measured.best.shape[1] + rows)
    if rows and is_beyond(found.measured.best.shape[1] + rows, found.table_rows):
        return Action(f"The table is too small to decide: that would probably take {total:,} test rows.", "")
    options = f" --seeds {runs + seeds}" * (seeds > 0) + " --test FILE" * (rows > 0)
    ways = [f"{runs + seeds} seeds"] * (seeds > 0) + [f"{total:,} test rows"] * (rows > 0)
    return Action(f"{' and '.join(ways)} in all would probably decide.", f"{COMMAND}{options}")


def diverged_action(found: Findings | None) -> Action:
    """Return what usually helps against divergence."""
    return Action("Train it with a smaller learning rate, or with clipped gradients.", SLOWER)


def quoted(name: str) -> str:
    """Return a variant's name as a shell takes it.

    Example:
        >>> quoted("Large"), quoted("Dropout 0.5")
        ('Large', "'Dropout 0.5'")
    """
    import shlex

    return shlex.quote(name)


def _apply(found: Findings, one: Alternative) -> Action:
    """Return how to apply an alternative that is better."""
    if one.is_measured:
        return Action(f"Use {one.name}: it is trained and saved.", _predict(one.name))
    if one.kind == MORE_ROWS:
        return Action(f"Collect more rows: {phrase(one)} would probably help.", "")
    return _train_longer(found)


def _train_longer(found: Findings) -> Action:
    words = "Train it for longer first: its epoch limit cut it short."
    return Action(words, f"{COMMAND} --max-epochs {more_epochs([found])}")


def _predict(name: str) -> str:
    return f"{PREDICT} --variant {quoted(name)}"


def _remedies(name: str) -> str:
    return f"{COMMAND} --study remedies --of {quoted(name)}"
