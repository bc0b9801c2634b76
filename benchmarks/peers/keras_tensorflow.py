"""The tutorial as it stands: Keras on TensorFlow, rows through a tf.data pipeline, its callbacks included."""

from __future__ import annotations

import os
import tempfile

from benchmarks.peers.common import BATCH_ROWS, Clock, read_case

SHUFFLE_ROWS = 10_000
ENDLESS_EPOCHS = 1_000_000  # the measurement ends by the clock; the stopping rule only has its cost


def main() -> None:
    case = read_case()
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
    import keras
    import tensorflow as tf

    from benchmarks.peers.keras_model import Timer, compiled_model

    tf.config.threading.set_intra_op_parallelism_threads(case.threads)
    tf.config.threading.set_inter_op_parallelism_threads(case.threads)
    x, y, x_validation, y_validation = case.arrays()
    train = (
        tf.data.Dataset.from_tensor_slices((x, y[:, None]))
        .cache()
        .shuffle(SHUFFLE_ROWS)
        .repeat()
        .batch(BATCH_ROWS)
    )
    validation = (
        tf.data.Dataset.from_tensor_slices((x_validation, y_validation[:, None])).cache().batch(BATCH_ROWS)
    )
    model = compiled_model(case.network, len(x))
    clock = Clock(case)
    with tempfile.TemporaryDirectory() as folder:
        history = model.fit(
            train,
            steps_per_epoch=len(x) // BATCH_ROWS,
            epochs=ENDLESS_EPOCHS,
            validation_data=validation,
            callbacks=[
                keras.callbacks.EarlyStopping(monitor="val_binary_crossentropy", patience=ENDLESS_EPOCHS),
                keras.callbacks.TensorBoard(folder),
                Timer(clock),
            ],
            verbose=0,
        ).history
    clock.report(min(history["val_binary_crossentropy"]), keras=keras.__version__, tensorflow=tf.__version__)


if __name__ == "__main__":
    main()
