"""keras.fit on JAX, arrays in memory; the mode is the number of steps of one execution."""

from __future__ import annotations

import os

from benchmarks.peers.case import BATCH_ROWS, Clock, read_case, versions_of


def main() -> None:
    case = read_case()
    os.environ |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    if case.threads == 1:
        flags = [os.environ.get("XLA_FLAGS", ""), "--xla_cpu_multi_thread_eigen=false"]
        os.environ["XLA_FLAGS"] = " ".join(flags).strip()
    from benchmarks.peers.keras_model import Timer, compiled_model

    x, y, x_validation, y_validation = case.arrays()
    model = compiled_model(case.network, len(x), steps_per_execution=int(case.mode or 1))
    clock = Clock(case)
    history = model.fit(
        x,
        y[:, None],  # the shape of the model's output, on which Keras' metrics insist
        batch_size=BATCH_ROWS,
        epochs=1_000_000,  # the clock ends it
        validation_data=(x_validation, y_validation[:, None]),
        validation_batch_size=BATCH_ROWS,
        callbacks=[Timer(clock)],
        verbose=0,
    ).history
    clock.report(min(history["val_binary_crossentropy"]), **versions_of("keras", "jax"))


if __name__ == "__main__":
    main()
