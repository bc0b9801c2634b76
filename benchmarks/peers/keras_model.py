"""The tutorial's networks and its recipe in Keras, on whichever backend the interpreter has chosen."""

from __future__ import annotations

import keras

from benchmarks.peers.case import BATCH_ROWS, DECAY_EPOCHS, FEATURES, LEARNING_RATE, Clock, Network


def compiled_model(network: Network, train_rows: int, **options: object) -> keras.Model:
    """Return the network compiled with the tutorial's optimizer, loss and metrics."""
    layers: list[keras.layers.Layer] = [keras.Input((FEATURES,))]
    for width in network.units:
        penalty = keras.regularizers.L2(network.l2) if network.l2 else None
        layers.append(keras.layers.Dense(width, activation="elu", kernel_regularizer=penalty))
        if network.dropout:
            layers.append(keras.layers.Dropout(network.dropout))
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    steps = train_rows // BATCH_ROWS
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.InverseTimeDecay(LEARNING_RATE, steps * DECAY_EPOCHS, 1)
        ),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[
            keras.metrics.BinaryCrossentropy(from_logits=True, name="binary_crossentropy"),
            "accuracy",
        ],
        **options,
    )
    return model


def use_bfloat16() -> None:
    """Let layers compute in bfloat16, with float32 variables."""
    keras.config.set_dtype_policy("mixed_bfloat16")


class Timer(keras.callbacks.Callback):
    """Gives each epoch's end, validation included, to the clock, and ends training when it has enough."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self.clock.epoch_done():
            self.model.stop_training = True
