"""The result of a study: verdicts, effects and curves as frames, plots, and the best model."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.errors import FolderError, InputError, JustrightError, check_one_of
from justright.records.faults import content_faults
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.session.outputs import named_in_reports, summarise_folder, write_report
from justright.session.saved_models import SavedModel, choose_models

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

    from justright.data.table import Split
    from justright.report.notebook.shown_report import ShownReport
    from justright.report.summary import Summary
    from justright.session.make_displays import Display
    from justright.session.plot_kinds import Kind
    from justright.session.predictor import Predictor


class Result:
    """The content of a study folder.

    Args:
        folder: path of the study folder.
        interrupted: whether training stopped before its end; the same command resumes.
        repairs: what was found damaged, and which runs failed, one sentence each.
        summary: the folder's summary, where that is known; None reads it.

    Raises:
        FolderError: the folder holds no study, or cannot be read.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        interrupted: bool = False,
        repairs: Sequence[str] = (),
        summary: Summary | None = None,
    ) -> None:
        self._folder = StudyFolder.open(folder, "read")
        self.interrupted = interrupted
        self.repairs = tuple(repairs)
        self.study = self._folder.read_study()
        with StoreReader(self._folder) as store, content_faults(store.path):
            self.summary = summarise_folder(store, self.study) if summary is None else summary

    def __repr__(self) -> str:
        from justright.report.notebook.result_card import render_result_text

        return render_result_text(self.summary, str(self.folder))

    def _repr_html_(self) -> str:
        """Return verdicts, thumbnails of the curves and the fit map, for notebooks."""
        from justright.report.notebook.result_card import render_result_card

        return render_result_card(self.summary, self.repairs, folder=named_in_reports(self.folder))

    @property
    def folder(self) -> Path:
        """The study folder."""
        return self._folder.path

    @cached_property
    def curves(self) -> pl.DataFrame:
        """The curves of all runs, a row for each run and epoch; read when first asked for."""
        with StoreReader(self._folder) as store, content_faults(store.path):
            return store.curves()

    @cached_property
    def result(self) -> dict[str, Any]:
        """The content of `result.json`."""
        from justright.report.summary import result_json

        return result_json(self.summary)

    @cached_property
    def verdicts(self) -> pl.DataFrame:
        """One row per variant: name, parameters, label, onset epochs, mean test loss with its interval, reasons, and the answer.

        `freer`, `tighter` and `headroom` name what decided in that direction and how much lower its loss is; null where nothing
        was measured, or an earlier version judged.
        """
        import polars as pl

        schema: dict[str, Any] = {
            "variant": pl.String,
            "parameters": pl.Int64,
            "label": pl.String,
            "onset_low": pl.Int64,
            "onset_high": pl.Int64,
            "test_loss": pl.Float64,
            "test_loss_low": pl.Float64,
            "test_loss_high": pl.Float64,
            "reasons": pl.List(pl.String),
            "also": pl.String,
            "freer": pl.String,
            "freer_gain": pl.Float64,
            "tighter": pl.String,
            "tighter_gain": pl.Float64,
            "headroom_gain": pl.Float64,
            "answer": pl.String,
        }
        rows = []
        for item in self.summary["variants"]:
            verdict, test = item["verdict"], item["test"]
            onset = verdict["onset_epoch"] or {"low": None, "high": None}
            start = (item["name"], item["parameters"], verdict["label"], onset["low"], onset["high"])
            losses = (test["mean"], test["low"], test["high"], verdict["reasons"])
            freer, tighter = verdict.get("freer") or {}, verdict.get("tighter") or {}
            gains = (freer.get("name"), freer.get("gain"), tighter.get("name"), tighter.get("gain"))
            headroom = (verdict.get("headroom") or {}).get("gain")
            rows.append((*start, *losses, verdict.get("also"), *gains, headroom, verdict.get("answer")))
        return pl.DataFrame(rows, orient="row", schema=schema)

    @cached_property
    def grid(self) -> pl.DataFrame:
        """One row per variant of a `jr.grid`, the lowest test loss first: its arguments, test loss with interval, and verdict.

        Raises:
            InputError: the study holds no grid.
        """
        from justright.session.sweep_frame import sweep_frame

        return sweep_frame(self.verdicts)

    @cached_property
    def effects(self) -> pl.DataFrame:
        """One row per remedy: baseline, remedy, difference of test losses with its interval, probability of being better."""
        import polars as pl

        names = ("difference", "low", "high", "probability_better")
        schema = {"baseline": pl.String, "remedy": pl.String} | dict.fromkeys(names, pl.Float64)
        return pl.DataFrame(
            [{key: item.get(key) for key in schema} for item in self.result["effects"]], schema=schema
        )

    @cached_property
    def metrics(self) -> pl.DataFrame:
        """One row per variant and metric: its mean over seeds with a 95 % interval, on the rows that measure.

        Null where a metric has no value; `result.json` then gives the reason.
        """
        import polars as pl

        rows = [
            (item["name"], name, ends["mean"], ends["low"], ends["high"])
            for item in self.summary["variants"]
            for name, ends in item["metrics"].items()
        ]
        names = {"variant": pl.String, "metric": pl.String}
        schema = names | dict.fromkeys(("mean", "low", "high"), pl.Float64)
        return pl.DataFrame(rows, schema=schema, orient="row")

    @cached_property
    def predictions(self) -> pl.DataFrame:
        """One row per run and test row (validation rows without any): its target, what was predicted, class probabilities."""
        from justright.session.exports.row_predictions import row_predictions

        with StoreReader(self._folder) as store, content_faults(store.path):
            return row_predictions(store)

    @cached_property
    def models(self) -> tuple[SavedModel, ...]:
        """The saved model of every run, by rising validation loss.

        Each is one network. `summary["choice"]` says which variant or ensemble is best over all its seeds.
        """
        loss = f"val_{self.summary['loss']}"
        models = [
            SavedModel(
                item["name"],
                run["seed"],
                run["best_epoch"],
                validation,
                self._folder.inside(run["model_path"]),
                run["counts"],
            )
            for item in self.summary["variants"]
            for run in item["runs"]
            if run["model_path"]
            and run["best_epoch"] is not None
            and (validation := run["best"].get(loss)) is not None
        ]
        return tuple(sorted(models, key=lambda model: model.validation))

    @property
    def best(self) -> SavedModel:
        """The saved model of the run with the lowest validation loss: the first of `models`.

        Raises:
            FolderError: no run has ended with a model yet.
        """
        return choose_models(self.models, self.summary, self.folder)[0]

    def predictor(
        self,
        *,
        variant: str | None = None,
        seed: int | None = None,
        ensemble: bool = False,
        custom_objects: Mapping[str, Any] | None = None,
    ) -> Predictor:
        """Return what predicts rows of raw columns: the best model or, if others are named, those.

        Args:
            variant: the variant whose model, or models, predict; None for that of the best one or, for an ensemble, of what
                validation rows chose (`summary["choice"]`).
            seed: the run; None takes the one with the lowest validation loss.
            ensemble: whether all seeds of the variant predict together: the mean of their probabilities, or of numbers.
            custom_objects: own layers and functions that this process has not registered with Keras, by name.

        Raises:
            InputError: there is no such variant or seed, or a model has a class that is not known here.
            FolderError: no run has ended with a model yet, or a model cannot be read.
        """
        from justright.session.predictor import load_predictor

        chosen = choose_models(
            self.models, self.summary, self.folder, variant=variant, seed=seed, ensemble=ensemble
        )
        return load_predictor(*(model.path for model in chosen), custom_objects=custom_objects)

    def predict(
        self, rows: object, *, proba: bool = True, threshold: float | None = None, **chosen: Any
    ) -> pl.DataFrame:
        """Return a prediction for each row of raw columns; see `Predictor.predict`, and `predictor` for who predicts."""
        return self.predictor(**chosen).predict(rows, proba=proba, threshold=threshold)

    def plot(
        self,
        metric: str | None = None,
        *,
        group: str | None = None,
        variants: Sequence[str] | None = None,
        **look: Any,
    ) -> Axes:
        """Return matplotlib axes with the training (solid) and validation (dashed) curves of `metric`.

        Args:
            metric: for instance 'binary_crossentropy' or 'accuracy'; None draws the loss that verdicts are about.
            group: draws the variants of this group, what they change and, beside a group that changes another one's, the
                study's first; for instance 'sizes'.
            variants: names to draw, in this order; None draws all.
            look: `smoothing_std`, `ylim`, `log_x` and `ax`, as `justright.report.plot_history` takes them.

        Raises:
            InputError: the metric, the group or a variant is unknown, both `group` and `variants` are given, or see there.

        Example:
            >>> result.plot(
            ...     "binary_crossentropy", group="sizes", smoothing_std=10, ylim=(0.5, 0.7), log_x=True
            ... )  # doctest: +SKIP
        """
        from justright.report.plots import plot_history

        if group is not None:
            variants = self._compared(group, variants)
        return plot_history(self._ordered_curves(), metric or self.summary["loss"], variants=variants, **look)

    def display(self, kind: Kind, variant: str | None = None) -> Display:
        """Return a plot: its arrays, and `.plot(ax=None)`, which draws them and returns matplotlib axes.

        Args:
            kind: 'fit', 'effects', 'capacity', 'data' or 'schedule' for all networks; of the predictions of one on test rows
                (validation rows without any) 'roc', 'precision_recall', 'calibration' or 'confusion' for classes, and
                'residuals' for values.
            variant: a variant's name or the reference model's; None for the variant that validation rows choose. Only for
                predictions.

        Raises:
            InputError: the kind or variant is unknown, or does not fit the table's task.
            FolderError: the folder does not hold what is drawn.
        """
        from justright.session.make_displays import make_display

        with StoreReader(self._folder) as store, content_faults(store.path):
            return make_display(store, self.summary, kind, variant)

    def plot_fit(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with each network at what something tighter and something freer gains; errors as for `display`.

        To the right something tighter is better, so the network overfits; upwards something freer is, so it underfits. Bars are
        95 % intervals, what is shaded is within the margin, and rings show what another kind of model gains.
        """
        return self.display("fit").plot(ax)

    def plot_effects(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with what each remedy changes, and 95 % intervals; errors as for `display`."""
        return self.display("effects").plot(ax)

    def plot_capacity(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with losses at the best epochs against the number of parameters; errors as for `display`."""
        return self.display("capacity").plot(ax)

    def plot_data(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with losses against training rows, measured and forecast; errors as for `display`."""
        return self.display("data").plot(ax)

    def plot_schedule(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with learning rates against epochs; errors as for `display`."""
        return self.display("schedule").plot(ax)

    def plot_roc(self, variant: str | None = None, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with true against false positive rates; arguments and errors as for `display`."""
        return self.display("roc", variant).plot(ax)

    def plot_precision_recall(self, variant: str | None = None, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with precision against recall; arguments and errors as for `display`."""
        return self.display("precision_recall", variant).plot(ax)

    def plot_calibration(self, variant: str | None = None, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with shares that came true against probabilities; arguments and errors as for `display`."""
        return self.display("calibration", variant).plot(ax)

    def plot_confusion(self, variant: str | None = None, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with own against predicted classes; arguments and errors as for `display`."""
        return self.display("confusion", variant).plot(ax)

    def plot_residuals(self, variant: str | None = None, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with predicted against true values; arguments and errors as for `display`."""
        return self.display("residuals", variant).plot(ax)

    def _compared(self, group: str, variants: Sequence[str] | None) -> list[str]:
        """Return the variants that a picture of a group shows."""
        from justright.study.variant_groups import compared_variants, group_names

        if variants is not None:
            raise InputError(
                f"Curves are drawn of a group or of variants; got `group` {group!r} and `variants` {list(variants)!r}. "
                "Leave one of them out."
            )
        names = group_names(self.summary["variants"])
        if not names:
            raise InputError(
                f"`group` must be left out for a study whose variants have no groups; got {group!r}. Name `variants` instead."
            )
        check_one_of("group", group, names)
        return compared_variants(self.summary["variants"], group)

    def _ordered_curves(self) -> pl.DataFrame:
        """Return the curves in the study's order of variants, so that colours are those of the report."""
        import polars as pl

        places = {item["name"]: place for place, item in enumerate(self.summary["variants"])}
        place = pl.col("variant").replace_strict(places, default=len(places), return_dtype=pl.Int64)
        return self.curves.sort(place, maintain_order=True)

    def export(
        self,
        name: str,
        path: str | Path,
        *,
        kind: str | None = None,
        seed: int | None = None,
        split: Split | None = None,
        trust: bool = False,
    ) -> tuple[Path, ...]:
        """Write a variant's network, or a table of results, as a file of another tool; return the files written.

        Args:
            name: a variant, or one of 'curves', 'verdicts', 'effects', 'metrics' and 'predictions'.
            path: the file. Its ending says the format; docs/export.md lists them.
            kind: the format, if the ending does not say it.
            seed: the variant's run; None takes the one with the lowest validation loss.
            split: the study's rows, for a script of a study whose table was in memory; None reads the table again.
            trust: whether a script may read the table that the folder names, though the user has not named it.

        Raises:
            InputError: the format or name is unknown, they do not fit, or the network cannot be written so.
            FolderError: no run has ended with a model, or the file cannot be written.
        """
        from justright.session.exports.export_source import FRAMES, ExportSource
        from justright.session.exports.registry import export

        frames = {frame: partial(getattr, self, frame) for frame in FRAMES}
        source = ExportSource(self._folder, self.study, self.summary, self.models, frames, split, trust)
        return export(source, name, path, kind=kind, seed=seed)

    def report(self, *, height: int = 720) -> ShownReport:
        """Return the report for a notebook, which shows it below the cell, in a sandboxed frame of its own.

        Args:
            height: of the frame, in pixels.
        """
        from justright.report.html import render_html
        from justright.report.notebook.shown_report import ShownReport

        return ShownReport(render_html(self.summary, folder=named_in_reports(self.folder)), height)

    def tensorboard(self) -> None:
        """Show TensorBoard with the study's curves below the cell of a notebook; it runs on until it is ended by hand."""
        from justright.report.notebook.tensorboard_frame import show_tensorboard

        show_tensorboard(self._folder.tensorboard_path)

    def write_report(self) -> Path:
        """Write `report.html` again, mend event files that a killed process left, and return the report's path."""
        from justright.records.boards.tensorboard_files import mend_event_files
        from justright.session.boards.board_texts import board_texts

        try:
            folder = StudyFolder.open(self.folder, "resume")
        except FolderError:
            pass  # another process owns it, and keeps its event files
        else:
            with folder, StoreReader(folder) as store:
                mend_event_files(folder, store, self.study, board_texts(self.summary))
        return write_report(self._folder, self.summary)

    def try_report(self) -> None:
        """Write `report.html` as `write_report` does; a failure is one more sentence of `repairs`.

        Verdicts stand without their report, whatever prevents it.
        """
        try:
            self.write_report()
        except Exception as error:  # noqa: BLE001  # `justright report` shows the traceback of what is a bug
            reason = str(error) if isinstance(error, JustrightError) else f"{type(error).__name__}: {error}."
            again = shlex.join(["justright", "report", str(self.folder)])
            self.repairs += (
                f"The report could not be written. {reason} Verdicts are not affected. To try again: {again}",
            )


def open_result(folder: str | Path) -> Result:
    """Return the result of a study folder, finished or not, without training anything.

    Raises:
        FolderError: the folder holds no study, or cannot be read.
    """
    return Result(folder)
