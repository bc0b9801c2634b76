"""The tutorial as it stands: Keras on TensorFlow, rows through a tf.data pipeline, its callbacks included."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence

from benchmarks.peers.case import BATCH_ROWS, Clock, read_case

SHUFFLE_ROWS = 10_000
ENDLESS_EPOCHS = 1_000_000  # the measurement ends by the clock; the stopping rule only has its cost


def main() -> None:
    case = read_case()
    prepare(case.threads)
    import keras

    from benchmarks.peers.keras_model import Timer, compiled_model

    clock = Clock(case)
    model = compiled_model(case.network, len(case.arrays()[0]))
    history = fit(
        model, case.arrays(), epochs=ENDLESS_EPOCHS, patience=ENDLESS_EPOCHS, callbacks=[Timer(clock)]
    )
    import tensorflow as tf

    clock.report(min(history["val_binary_crossentropy"]), keras=keras.__version__, tensorflow=tf.__version__)


def prepare(threads: int) -> None:
    """Choose TensorFlow below Keras, with so many threads."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def fit(model, arrays, *, epochs: int, patience: int, callbacks: Sequence) -> dict[str, list[float]]:
    """Train as the tutorial does, `tf.data` pipeline and its callbacks included; return the history."""
    import keras
    import tensorflow as tf

    x, y, x_validation, y_validation = arrays
    train = tf.data.Dataset.from_tensor_slices((x, y[:, None])).cache().shuffle(SHUFFLE_ROWS).repeat()
    validation = tf.data.Dataset.from_tensor_slices((x_validation, y_validation[:, None])).cache()
    with tempfile.TemporaryDirectory() as folder:
        return model.fit(
            train.batch(BATCH_ROWS),
            steps_per_epoch=len(x) // BATCH_ROWS,
            epochs=epochs,
            validation_data=validation.batch(BATCH_ROWS),
            callbacks=[
                keras.callbacks.EarlyStopping(monitor="val_binary_crossentropy", patience=patience),
                keras.callbacks.TensorBoard(folder),
                *callbacks,
            ],
            verbose=0,
        ).history


if __name__ == "__main__":
    main()
