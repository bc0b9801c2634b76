"""The Keras callback that records a training as a study records its own, on any backend."""

from __future__ import annotations

import secrets
import sys
import warnings
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.callbacks.fit_record import FitRecord
from justright.callbacks.fit_rows import FitData
from justright.callbacks.fit_study import fit_study
from justright.callbacks.live_options import check_verbose
from justright.data.checks import check_switch, check_whole
from justright.errors import InputError, raise_together
from justright.records.folder import new_folder_beside
from justright.records.models import prepare_keras
from justright.report.summary import RECORDED_BY
from justright.runs.outcomes import Outcome
from justright.session.folders.fit_folder import check_fresh
from justright.session.result import Result
from justright.study.variant import check_name

NAME = "JustRight"
MAX_DRAWN_SEED = 1_000_000  # numbers that people can read, and that two trainings do not share by chance


class FitHooks:
    """Record what a study records while `model.fit` trains on any backend, and judge it in the end.

    After each epoch the model is measured in inference mode: the loss of each validation row, and the mean loss of a fixed subset
    of training rows. The weights of the epoch with the lowest validation loss are kept and saved; the model itself goes on, and
    ends, as without the callback. In the end there is a study folder with `report.html`, the verdict is printed, and `result` is what
    `justright.open_result` returns.

    Args:
        folder: the study folder, a new one.
        data: validation rows (x, y) or (x, y, sample_weight) as `model.fit` takes them, or a `justright.Split` whose rows the model
            learns from. Weights count in all means that are measured here, those of a split's table as well.
        train: the training rows, of which a fixed subset is measured. Needed unless `data` is a split.
        test: rows that only measure. Without them verdicts rest on halves of the validation rows.
        name: of the network.
        seed: of the run, such as you gave to `keras.utils.set_random_seed`; None draws a number, so that trainings can be joined.
        from_logits: whether the model ends in logits; None asks its loss, or else its last layer.
        measure_rows: training rows in the fixed subset.
        new: whether a folder that holds a study already is left alone, and a number added to the name.
        verbose: 0 says nothing, 1 the verdict and where the report is, 2 all that was found.

    Raises:
        InputError: an option or the rows cannot be used. `model.fit` raises it for a model that cannot be judged, before the first
            epoch.
        FolderError: the folder holds a study already.

    Example:
        >>> import justright as jr
        >>> callback = jr.callbacks.JustRight(
        ...     "runs/mine", data=(x_val, y_val), train=(x_train, y_train), seed=1
        ... )  # doctest: +SKIP
        >>> model.fit(x_train, y_train, epochs=50, callbacks=[callback])  # doctest: +SKIP
        >>> callback.result.verdicts  # doctest: +SKIP
    """

    if TYPE_CHECKING:  # of keras.callbacks.Callback, the other base
        model: Any
        params: dict[str, Any] | None

    def __init__(
        self,
        folder: str | Path,
        *,
        data: object,
        train: object = None,
        test: object = None,
        name: str = "My network",
        seed: int | None = None,
        from_logits: bool | None = None,
        measure_rows: int = 1_000,
        new: bool = False,
        verbose: int = 1,
    ) -> None:
        super().__init__()
        raise_together(
            lambda: check_name(name),
            lambda: None if seed is None else check_whole("seed", seed, least=0),
            lambda: None if from_logits is None else check_switch("from_logits", from_logits),
            lambda: check_whole("measure_rows", measure_rows, least=1),
            lambda: check_switch("new", new),
            lambda: check_verbose(verbose),
        )
        self._data = FitData.of(data, train, test)
        self.folder = Path(new_folder_beside(folder) if new else folder)
        check_fresh(self.folder)
        self.result: Result | None = None  # once training has ended
        self._name = name
        self._seed = secrets.randbelow(MAX_DRAWN_SEED) if seed is None else seed
        self._from_logits, self._measure_rows, self._verbose = from_logits, measure_rows, verbose
        self._record: FitRecord | None = None

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Check the model, and make the folder."""
        if self._record is not None or self.result is not None:
            raise InputError(
                f"A {NAME} callback records one training; {str(self.folder)!r} has one already. Make another callback, with a "
                "folder of its own."
            )
        import keras

        backend, params = keras.backend.backend(), self.params or {}
        fit = fit_study(
            *(self.model, self._data),
            name=self._name,
            seed=self._seed,
            epochs=params.get("epochs", 1),
            steps=params.get("steps"),
            measure_rows=self._measure_rows,
            from_logits=self._from_logits,
            backend=backend,
        )
        if fit.doubt:
            warnings.warn(fit.doubt, UserWarning, stacklevel=2)
        environment = {RECORDED_BY: f"keras.Model.fit on {backend}"}
        self._record = FitRecord(
            self.folder, fit, self.model, worker=f"model.fit:{backend}", environment=environment
        )
        self._close = weakref.finalize(self, self._record.close)  # also when a script ends after Ctrl-C

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Refuse a training that goes on with an earlier one, whose epochs nobody recorded."""
        if self._record is not None and self._record.epochs == 0 and epoch != 0:
            raise InputError(
                f"A {NAME} callback must see a training from its first epoch; this one begins at epoch {epoch}. Leave "
                "initial_epoch out."
            )

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Measure the model."""
        record = self._record
        if record is not None and not record.is_over:
            self._guarded(lambda: record.take_epoch(self.model, logs or {}))

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Judge the training."""
        record, wanted = self._record, (self.params or {}).get("epochs", 1)
        if record is None:
            return
        if record.epochs >= wanted:
            self._finish("finished", f"The limit of {wanted} epochs was reached.")
        else:
            self._finish("stopped early", f"Training was stopped after {record.epochs} of {wanted} epochs.")

    def finish(self) -> Result | None:
        """Judge a training that was interrupted by what was recorded of it, and return the result; None if nothing was."""
        if self._record is not None:
            self._finish("stopped early", f"Training was interrupted after {self._record.epochs} epochs.")
        return self.result

    def _finish(self, outcome: Outcome, reason: str) -> None:
        record = self._record
        if record is None or not record.epochs:
            return
        self._guarded(lambda: self._keep(record.finish(self.model, outcome, reason)))

    def _keep(self, result: Result) -> None:
        self.result, self._record = result, None
        self._close.detach()
        if self._verbose:
            _print(result, with_all=self._verbose > 1, starts_line=(self.params or {}).get("verbose") == 1)

    def _guarded(self, act: Callable[[], None]) -> None:
        """Act; what goes wrong here ends the record with a warning, and not hours of training."""
        try:
            act()
        except Exception as error:  # noqa: BLE001  # a full disk, or a bug
            self._record = None
            with suppress(Exception):  # of which the first has been said
                self._close()
            warnings.warn(f"justright records this training no longer: {error}", RuntimeWarning, stacklevel=2)


def fit_callback() -> type:
    """Return the hooks as a subclass of Keras' callback. Keras is imported here."""
    prepare_keras()
    import keras

    attributes = {"__doc__": FitHooks.__doc__, "__module__": "justright.callbacks", "__qualname__": NAME}
    return type(NAME, (FitHooks, keras.callbacks.Callback), attributes)


def _print(result: Result, *, with_all: bool, starts_line: bool) -> None:
    from justright.report.terminal.study_report import print_findings
    from justright.report.terminal.terminal import results

    terminal = results()
    if starts_line:  # Keras' progress bar leaves its line open
        sys.stdout.write("\n")
    if with_all:
        print_findings(terminal, result.summary, result.folder)
    else:
        [variant] = result.summary["variants"]
        terminal.say(str(variant["verdict"]["answer"]))
    for sentence in result.repairs:
        terminal.say(sentence)
    terminal.say(f"Report: {result.folder / 'report.html'}")
