"""Logs as each tool writes them, by hand: curves with a known course."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

TRAIN = (0.70, 0.60, 0.50)
VALIDATION = (0.72, 0.65, 0.66)


def write_lightning(path: Path) -> None:
    """Write metrics.csv as Lightning does: training and validation rows of an epoch are different lines."""
    lines = ["epoch,step,train_loss_epoch,train_loss_step,val_loss"]
    for epoch, (train, validation) in enumerate(zip(TRAIN, VALIDATION, strict=True)):
        lines += [f"{epoch},{epoch * 10 + 4},,0.9,", f"{epoch},{epoch * 10 + 9},,,{validation}"]
        lines += [f"{epoch},{epoch * 10 + 9},{train},,"]
    path.write_text("\n".join(lines) + "\n")


def write_keras_csv(path: Path) -> None:
    """Write what Keras' CSVLogger writes."""
    rows = [f"{epoch},{a},{b}" for epoch, (a, b) in enumerate(zip(TRAIN, VALIDATION, strict=True))]
    path.write_text("\r\n".join(["epoch,loss,val_loss", *rows]) + "\r\n")


def write_plain_csv(path: Path) -> None:
    """Write a German spreadsheet's idea of a log: semicolons, other words, a column of words."""
    rows = [f"{epoch};{a};{b};gpu" for epoch, (a, b) in enumerate(zip(TRAIN, VALIDATION, strict=True))]
    path.write_text("\ufeff" + "\n".join(["Epoch;train loss;valid loss;device", *rows]), encoding="utf-8")


def write_trainer_state(path: Path) -> None:
    """Write Hugging Face's trainer_state.json."""
    history = []
    for epoch, (train, validation) in enumerate(zip(TRAIN, VALIDATION, strict=True)):
        history.append({"epoch": float(epoch), "step": epoch, "loss": train, "learning_rate": 0.1})
        history.append({"epoch": float(epoch), "step": epoch, "eval_loss": validation, "eval_runtime": 2.0})
    history.append({"epoch": 2.0, "step": 2, "train_loss": 0.6, "total_flos": 1e9, "train_runtime": 3.0})
    path.write_text(json.dumps({"log_history": history, "best_metric": None}))


def write_evals_result(path: Path) -> None:
    """Write XGBoost's evals_result."""
    path.write_text(json.dumps({"train": {"logloss": list(TRAIN)}, "eval": {"logloss": list(VALIDATION)}}))


def write_history(path: Path) -> None:
    """Write Keras' History.history."""
    path.write_text(json.dumps({"loss": list(TRAIN), "val_loss": list(VALIDATION)}))


def write_json_lines(path: Path) -> None:
    """Write an object per epoch, as DETR does."""
    rows = zip(TRAIN, VALIDATION, strict=True)
    lines = [
        json.dumps({"train_loss": a, "val_loss": b, "epoch": epoch}) for epoch, (a, b) in enumerate(rows)
    ]
    path.write_text("\n".join(lines) + "\n")


def write_catboost(folder: Path) -> None:
    """Write the tables that CatBoost leaves in catboost_info."""
    folder.mkdir()
    for name, values in (("learn", TRAIN), ("test", VALIDATION)):
        rows = [f"{iteration}\t{value}" for iteration, value in enumerate(values)]
        (folder / f"{name}_error.tsv").write_text("\n".join(["iter\tloss", *rows]) + "\n")


def write_allennlp(folder: Path) -> None:
    """Write AllenNLP's file for each epoch."""
    folder.mkdir()
    for epoch, (train, validation) in enumerate(zip(TRAIN, VALIDATION, strict=True)):
        metrics = {"epoch": epoch, "training_loss": train, "validation_loss": validation, "best_epoch": 1}
        (folder / f"metrics_epoch_{epoch}.json").write_text(json.dumps(metrics))


def write_tensorboard(folder: Path) -> None:
    """Write event files as Keras' TensorBoard callback does: one folder a half, tensors instead of simple values."""
    for half, values in (("train", TRAIN), ("validation", VALIDATION)):
        write_events(folder / half, "epoch_loss", dict(enumerate(values)))


def write_events(folder: Path, tag: str, values: dict[int, float], *, old_style: bool = False) -> Path:
    """Write one event file with one scalar tag by TensorBoard's own writer, an oracle for our reader."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    for step, value in values.items():
        content = (
            {"simple_value": value} if old_style else {"tensor": TensorProto(dtype=1, float_val=[value])}
        )
        writer.add_event(Event(step=step, summary=Summary(value=[Summary.Value(tag=tag, **content)])))
    writer.close()
    return next(folder.iterdir())


def write_keras_tuner(path: Path) -> None:
    """Write what Keras Tuner keeps of a trial that told its tuner the losses of each epoch."""
    metrics = {
        name: {
            "direction": "min",
            "observations": [{"value": [value], "step": step} for step, value in enumerate(values)],
        }
        for name, values in (("loss", TRAIN), ("val_loss", VALIDATION))
    }
    trial = {
        "trial_id": "0",
        "hyperparameters": {"values": {}},
        "metrics": {"metrics": metrics},
        "best_step": 1,
    }
    path.write_text(json.dumps(trial | {"score": min(VALIDATION)}))


# Format name -> (file or folder name, what writes it).
EXAMPLES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "tensorboard": ("board", write_tensorboard),
    "lightning-csv": ("metrics.csv", write_lightning),
    "keras-csv": ("training.log", write_keras_csv),
    "csv": ("log.csv", write_plain_csv),
    "huggingface-trainer": ("trainer_state.json", write_trainer_state),
    "evals-result": ("evals.json", write_evals_result),
    "json": ("history.json", write_history),
    "json-lines": ("log.txt", write_json_lines),
    "catboost": ("catboost_info", write_catboost),
    "allennlp": ("allennlp", write_allennlp),
    "keras-tuner": ("trial.json", write_keras_tuner),
}


@pytest.fixture
def example_names() -> list[str]:
    """Return the names of all formats with an example."""
    return list(EXAMPLES)


@pytest.fixture
def write_example(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes the example log of a format and returns its path."""

    def write(format_name: str) -> Path:
        name, writer = EXAMPLES[format_name]
        writer(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def event_writer() -> Callable[..., Path]:
    """Return the function that writes one event file."""
    return write_events
