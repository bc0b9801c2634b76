"""The Keras callback: a verdict after each epoch, on any backend."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from justright.callbacks.best_so_far import BestSoFar
from justright.callbacks.live_options import DEFAULT_PATIENCE, live_options
from justright.callbacks.live_reading import LiveReading
from justright.logs.run_reading import RunReading
from justright.records.models import prepare_keras

NAME = "Diagnose"


class KerasHooks:
    """Say while a Keras model trains whether it overfits, and since when; on request, stop it.

    Epochs are counted from 1, as Keras' progress bar and `ModelCheckpoint` count them.

    Args:
        stop_on: labels at which training stops, such as 'overfits' or ('overfits', 'overfits by loss only', 'diverged'); none: it
            never stops.
        patience: for how many epochs in a row the label must be one of those.
        restore_best_weights: whether the model gets back the weights of the epoch with the best value when training ends.
        monitor: the metric to judge, as in `logs`, such as 'val_accuracy'; None: the validation loss.
        every: judge after this many epochs.
        verbose: 0 says nothing, 1 a line when the verdict changes, 2 a line at every judgement.
        maximize, minimize: metrics of which more, or less, is better, where their names do not tell.

    Raises:
        InputError: a value is not allowed.
    """

    if TYPE_CHECKING:  # of keras.callbacks.Callback, the other base
        model: Any
        params: dict[str, Any] | None

    def __init__(
        self,
        stop_on: str | Sequence[str] = (),
        *,
        patience: int = DEFAULT_PATIENCE,
        restore_best_weights: bool = False,
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
        self._restores = restore_best_weights
        self._begin()

    @property
    def reading(self) -> RunReading | None:
        """What the curves said when they were last judged; None before the first epoch."""
        return self._live.reading

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Forget the weights of an earlier training, not its curves: `fit(initial_epoch=...)` goes on with them."""
        self._best, self._weights = BestSoFar(self._options), None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Judge the curves so far."""
        at = float(epoch + 1)
        if at <= self._live.last_at:  # `fit` was called again, and counts from the start
            self._begin()
        metrics = dict(logs or {})
        self._say(self._live.feed(at, metrics))
        if self._restores and self._best.improves(at, metrics):
            self._weights = self.model.get_weights()
        if self._live.should_stop:
            self.model.stop_training = True

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Judge the whole curves, and give the best weights back where that was asked for."""
        self._say(self._live.finish())
        if self._weights is not None:
            self.model.set_weights(self._weights)
            self._weights = None
            if self._options.verbose:
                self._say(f"The weights are those of {self._best.words()}.")

    def _begin(self) -> None:
        self._live = LiveReading("model.fit", self._options)
        self._best, self._weights = BestSoFar(self._options), None

    def _say(self, line: str | None) -> None:
        if line is not None:
            # Keras' progress bar leaves its line open
            start = "\n" if (self.params or {}).get("verbose") == 1 else ""
            sys.stdout.write(f"{start}{line}\n")
            sys.stdout.flush()


def keras_callback() -> type:
    """Return the hooks as a subclass of Keras' callback. Keras is imported here."""
    prepare_keras()
    import keras

    attributes = {"__doc__": KerasHooks.__doc__, "__module__": "justright.callbacks", "__qualname__": NAME}
    return type(NAME, (KerasHooks, keras.callbacks.Callback), attributes)
