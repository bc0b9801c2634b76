"""What libraries that train networks keep: Keras, skorch, TabNet, Hugging Face, Lightning, fastai and Ray."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.logged_run import LoggedRun
from justright.logs.objects.as_files import runs_of_place, runs_of_value
from justright.logs.objects.data_frames import read_frame
from justright.logs.objects.object_kind import ObjectKind, is_of_package, type_name

LIGHTNING = ("lightning", "pytorch_lightning")
# Of an entry of skorch's history: what each batch gave, which is no curve.
BATCHES = "batches"


def _history_of(source: Any) -> Any:  # noqa: ANN401  # of any library
    """Return the dict of lists or list of dicts in a `history`, Keras' `model.history.history` among them; None if there is none."""
    found = getattr(source, "history", None)
    found = getattr(found, "history", found)
    return found if isinstance(found, (dict, list)) and found else None


def _read_history(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # of any library
    found = _history_of(source)
    if isinstance(found, list):
        found = [{name: one for name, one in entry.items() if name != BATCHES} for entry in found]
    elif (epochs := _numbered(source, found)) is not None:
        found = {"epoch": epochs, **found}
    return runs_of_value(type_name(source), found, choices)


def _numbered(source: Any, history: dict[str, Any]) -> list[int] | None:  # noqa: ANN401  # of any library
    """Return the numbers of Keras' epochs where they do not begin at 0, as after `fit(initial_epoch=...)`."""
    epochs = getattr(source, "epoch", None) or getattr(getattr(source, "history", None), "epoch", None)
    if not isinstance(epochs, list) or epochs == list(range(len(epochs))) or "epoch" in history:
        return None
    return epochs if all(len(values) == len(epochs) for values in history.values()) else None


def _is_unfitted_keras(source: object) -> bool:
    return is_of_package(source, "keras", "tf_keras") and (
        hasattr(source, "history") or hasattr(source, "fit")
    )


def _refuse_keras(source: object, _: Choices) -> list[LoggedRun]:
    raise InputError(
        f"A model of Keras must have been trained in this process, for an epoch at least; this {type_name(source)} was not. "
        "Pass what `fit` returned, or the file that CSVLogger wrote."
    )


def _log_history(source: Any) -> Any:  # noqa: ANN401  # of any library
    state = getattr(source, "state", source)
    found = getattr(state, "log_history", None)
    return found if isinstance(found, list) else None


def _read_hugging_face(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # of transformers
    """Return the run as from the file in its folder, beside which its checkpoints are; a state alone has no folder."""
    name = type_name(source)
    folder = getattr(getattr(source, "args", None), "output_dir", name)
    runs = runs_of_value(
        name, {"log_history": _log_history(source)}, choices, path=Path(folder) / "trainer_state.json"
    )
    return [replace(run, name=name) for run in runs]


def _loggers(source: Any) -> list[Any]:  # noqa: ANN401  # of lightning
    return list(source.loggers) if hasattr(source, "loggers") else [source]


def _is_lightning(source: object) -> bool:
    return is_of_package(source, *LIGHTNING) and (hasattr(source, "loggers") or hasattr(source, "log_dir"))


def _read_lightning(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # of lightning
    for logger in _loggers(source):
        place = getattr(logger, "log_dir", None)
        if isinstance(place, str) and Path(place).is_dir():
            return runs_of_place(Path(place), choices)
    names = ", ".join(type_name(logger) for logger in _loggers(source)) or "no logger"
    raise InputError(
        f"Lightning must have kept its metrics in a file; found {names}, without a folder. Train with "
        "logger=CSVLogger('logs'), or with callbacks=[jr.callbacks.LightningDiagnose()]."
    )


def _is_fastai(source: object) -> bool:
    recorder = getattr(source, "recorder", source)
    return hasattr(recorder, "metric_names") and hasattr(recorder, "values")


def _read_fastai(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # of fastai
    """Return the run: `values` has a row per epoch, without the epoch and the time that `metric_names` begins and ends with."""
    recorder = getattr(source, "recorder", source)
    names = [name for name in recorder.metric_names if name not in ("epoch", "time")]
    columns = zip(*recorder.values, strict=True)
    return runs_of_value(type_name(source), dict(zip(names, columns, strict=False)), choices)


def _read_ray(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # of ray
    return read_frame(source.metrics_dataframe, choices)


HISTORY = ObjectKind(
    "Keras' History or fitted model", lambda source: _history_of(source) is not None, _read_history
)
HUGGING_FACE = ObjectKind(
    "Hugging Face's Trainer", lambda source: _log_history(source) is not None, _read_hugging_face
)
LIGHTNING_TRAINER = ObjectKind("Lightning's Trainer or logger", _is_lightning, _read_lightning)
FASTAI = ObjectKind("fastai's Learner", _is_fastai, _read_fastai)
RAY = ObjectKind(
    "Ray's Result", lambda source: getattr(source, "metrics_dataframe", None) is not None, _read_ray
)
UNFITTED_KERAS = ObjectKind("", _is_unfitted_keras, _refuse_keras)
