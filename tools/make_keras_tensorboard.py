"""Writes tests/records/fixtures/keras_tensorboard.json: what Keras' own TensorBoard callback logs in two epochs of a tiny model.

Run it where TensorFlow, Keras and TensorBoard are installed (made with tensorflow-cpu 2.21.0, keras 3.15.1,
tensorboard 2.21.0), outside the project's own environment:

    KERAS_BACKEND=tensorflow python tools/make_keras_tensorboard.py
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorboard
import tensorflow as tf
from tensorflow.core.util import event_pb2

BATCH_SIZE, TRAIN_ROWS, EPOCHS = 10, 30, 2


def main() -> None:
    """Train, read the event files, write the list."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(TRAIN_ROWS + 10, 4)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")
    hidden = keras.layers.Dense(3, "elu", kernel_regularizer=keras.regularizers.L2(0.01))
    model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(1)])
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.001, 1000, 1)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    metrics = [keras.metrics.BinaryCrossentropy(from_logits=True, name="binary_crossentropy"), "accuracy"]
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=metrics)
    rates = []
    with tempfile.TemporaryDirectory() as logs:
        note_rate = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, _: rates.append(float(model.optimizer.learning_rate))
        )
        history = model.fit(
            x[:TRAIN_ROWS],
            y[:TRAIN_ROWS],
            batch_size=BATCH_SIZE,
            epochs=EPOCHS,
            validation_data=(x[TRAIN_ROWS:], y[TRAIN_ROWS:]),
            callbacks=[keras.callbacks.TensorBoard(logs), note_rate],
            verbose=0,
        )
        logged = {part: events(Path(logs) / part) for part in ("train", "validation")}
    fixture = {
        "made_with": {
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "tensorboard": tensorboard.__version__,
        },
        "steps_per_epoch": TRAIN_ROWS // BATCH_SIZE,
        "config": model.to_json(),
        "curves": {name: [float(value) for value in values] for name, values in history.history.items()}
        | {"learning_rate": rates},
        "logged": logged,
    }
    path = Path(__file__).parents[1] / "tests/records/fixtures/keras_tensorboard.json"
    path.write_text(json.dumps(fixture, indent=1) + "\n")


def events(folder: Path) -> list[list[object]]:
    """Return [step, tag, plugin, plugin content, dtype, shape, content] of each value, and the file's version first."""
    (file,) = folder.glob("*tfevents*")
    found: list[list[object]] = []
    for record in tf.data.TFRecordDataset(str(file)):
        event = event_pb2.Event.FromString(record.numpy())
        if event.file_version:
            found.append([event.file_version])
        for value in event.summary.value:
            plugin, tensor = value.metadata.plugin_data, value.tensor
            content = tensor.string_val[0].decode() if tensor.string_val else tensor.tensor_content.hex()
            shape = [axis.size for axis in tensor.tensor_shape.dim]
            found.append(
                [
                    event.step,
                    value.tag,
                    plugin.plugin_name,
                    plugin.content.decode(),
                    tensor.dtype,
                    shape,
                    content,
                ]
            )
    return found


if __name__ == "__main__":
    main()
