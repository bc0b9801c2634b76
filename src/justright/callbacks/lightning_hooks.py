"""The Lightning callback: a verdict after each validation."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from justright.callbacks.best_so_far import EVALUATION
from justright.callbacks.live_options import DEFAULT_PATIENCE, live_options
from justright.callbacks.live_reading import LiveReading
from justright.errors import InputError
from justright.logs.metric_names import parse_name
from justright.logs.run_reading import RunReading

NAME = "LightningDiagnose"
# Both names of Lightning 2: a Trainer of the one takes callbacks of the same one.
PACKAGES = ("lightning.pytorch", "pytorch_lightning")


class LightningHooks:
    """Say while a Lightning module trains whether it overfits, and since when; on request, stop it.

    It judges what the module logs: `self.log("val_loss", ...)` in `validation_step`, and `self.log("train_loss", ...,
    on_epoch=True)` in `training_step`. Times are epochs, from 0 as Lightning counts them, or steps where validation runs
    several times per epoch.

    Args:
        stop_on: labels at which training stops, such as 'overfits' or ('overfits', 'overfits by loss only', 'diverged'); none: it
            never stops.
        patience: for how many validations in a row the label must be one of those.
        monitor: the metric to judge, as it is logged, such as 'val_acc'; None: the validation loss.
        every: judge after this many validations.
        verbose: 0 says nothing, 1 a line when the verdict changes, 2 a line at every judgement.
        maximize, minimize: metrics of which more, or less, is better, where their names do not tell.

    Raises:
        InputError: a value is not allowed.
    """

    def __init__(
        self,
        stop_on: str | Sequence[str] = (),
        *,
        patience: int = DEFAULT_PATIENCE,
        monitor: str | None = None,
        every: int = 1,
        verbose: int = 1,
        maximize: str | Sequence[str] = (),
        minimize: str | Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._options = live_options(
            stop_on=stop_on,
            patience=patience,
            every=every,
            verbose=verbose,
            monitor=monitor,
            maximize=maximize,
            minimize=minimize,
        )
        self._live = LiveReading("trainer.fit", self._options)

    @property
    def reading(self) -> RunReading | None:
        """What the curves said when they were last judged; None before the first validation."""
        return self._live.reading

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401  # Lightning calls it so
        """Begin anew."""
        unit = "epoch" if _is_by_epoch(trainer) else "step"
        self._live = LiveReading("trainer.fit", self._options, unit=unit)  # type: ignore[arg-type]

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401
        """Judge the curves so far; the check before training, and `trainer.validate`, are no part of them."""
        if trainer.sanity_checking or getattr(trainer.state.fn, "value", trainer.state.fn) != "fit":
            return
        measured = {
            name: value for name, value in trainer.callback_metrics.items() if self._is_evaluation(name)
        }
        self._say(trainer, pl_module, self._live.feed(_time_of(trainer), measured))
        # Every process has to stop where one does
        if trainer.strategy.reduce_boolean_decision(self._live.should_stop, all=False):
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401
        """Keep what was measured in training; it is there only now, after validation."""
        measured = {
            name: value for name, value in trainer.callback_metrics.items() if not self._is_evaluation(name)
        }
        self._live.record(_time_of(trainer), measured)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401
        """Judge the whole curves."""
        self._say(trainer, pl_module, self._live.finish())

    def _is_evaluation(self, name: str) -> bool:
        return parse_name(name).role in EVALUATION or name == self._options.choices.metric

    def _say(self, trainer: Any, pl_module: Any, line: str | None) -> None:  # noqa: ANN401
        if line is not None and trainer.is_global_zero:
            pl_module.print(line)  # which a progress bar may write above itself


def lightning_callback() -> type:
    """Return the hooks as a subclass of Lightning's callback, under every name by which Lightning is imported.

    Raises:
        InputError: Lightning is not installed.
    """
    found = [sys.modules[name] for name in PACKAGES if name in sys.modules] or _import_first()
    if not found:
        raise InputError(
            "`LightningDiagnose` needs Lightning, which is not installed. Install justright[lightning]."
        )
    bases = tuple(module.Callback for module in found)
    attributes = {
        "__doc__": LightningHooks.__doc__,
        "__module__": "justright.callbacks",
        "__qualname__": NAME,
    }
    return type(NAME, (LightningHooks, *bases), attributes)


def _import_first() -> list[Any]:
    installed = (name for name in PACKAGES if find_spec(name.partition(".")[0]) is not None)
    return [importlib.import_module(name) for name in itertools.islice(installed, 1)]


def _is_by_epoch(trainer: Any) -> bool:  # noqa: ANN401
    return bool(trainer.val_check_interval == 1.0) and trainer.check_val_every_n_epoch is not None


def _time_of(trainer: Any) -> float:  # noqa: ANN401
    return float(trainer.current_epoch if _is_by_epoch(trainer) else trainer.global_step)
