"""Keras models of your own, with your own optimizer and schedule, and the tutorial's plot.

Run it: python examples/your_own_models.py
"""

import justright as jr
import keras


def residual() -> keras.Model:
    """Return a network with a skip connection: any Keras model will do."""
    inputs = keras.Input((28,))
    hidden = keras.layers.Dense(32, activation="relu")(inputs)
    deeper = keras.layers.Dense(32, activation="relu")(keras.layers.BatchNormalization()(hidden))
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.add([hidden, deeper])))


if __name__ == "__main__":
    split = jr.read_table("higgs-sim").split(validation=1_000, train=10_000, order="head")
    study = jr.Study(
        split,
        {"Residual": residual, "Plain": jr.mlp(32, 32, activation="relu")},
        jr.Recipe(
            batch_size=250,
            max_epochs=40,
            patience=10,
            optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.002, 40 * 40)),
        ),
        seeds=2,
    )
    result = study.run("runs/your-own-models")
    result.plot("binary_crossentropy", smoothing_std=2).set_xscale("log")
    model = result.best.load()
    model.summary()
