"""The line of code that stops a run early, in the words of the tool that wrote its log."""

from __future__ import annotations

from justright.logs.log_curves import LogCurves
from justright.logs.run_reading import MetricReading

KERAS = (
    'keras.callbacks.EarlyStopping(monitor="{monitor}", patience={patience}{mode}, restore_best_weights=True)'
)
LIGHTNING = 'lightning.pytorch.callbacks.EarlyStopping(monitor="{monitor}", patience={patience}{mode})'
HUGGING_FACE = "transformers.EarlyStoppingCallback(early_stopping_patience={patience})"
BY_FORMAT = {
    "keras-csv": KERAS,
    "keras-tuner": KERAS,
    "lightning-csv": LIGHTNING,
    "huggingface-trainer": HUGGING_FACE,
    "fastai-csv": 'EarlyStoppingCallback(monitor="{monitor}", patience={patience}{comp})',
    "ultralytics-csv": "patience={patience}",
}
# Of formats that many tools write, those whose names may be Keras' own: 'val_loss' beside a bare 'loss'.
NAMED_BY_KERAS = frozenset({"csv", "json", "json-lines", "tensorboard", "wandb", "mlflow", "long-csv"})


def stopping_code(judged: MetricReading, curves: LogCurves, patience: int) -> str:
    """Return the code that would have stopped the run; empty where its log does not tell which tool trained.

    Args:
        judged: the metric that decides.
        curves: of the run.
        patience: evaluations without a new best.
    """
    is_more = judged.direction == "more"
    if curves.tool == "trees":
        return f"early_stopping_rounds={patience}"
    monitor, pattern = judged.written, BY_FORMAT.get(curves.format, "")
    if not pattern and curves.format in NAMED_BY_KERAS and (keras := _keras_name(judged)):
        monitor, pattern = keras, KERAS
    return pattern.format(
        monitor=monitor,
        patience=patience,
        mode=', mode="max"' if is_more else "",
        comp=", comp=np.greater" if is_more else "",
    )


def _keras_name(judged: MetricReading) -> str:
    """Return Keras' own name of a metric; empty if it is not Keras who calls it so."""
    validation, train = judged.written, judged.train or ""
    if validation.startswith("validation/epoch_"):  # its TensorBoard callback
        return f"val_{validation.removeprefix('validation/epoch_')}"
    return validation if validation == f"val_{train}" else ""
