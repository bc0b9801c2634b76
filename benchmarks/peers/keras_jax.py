"""keras.fit on JAX, arrays in memory; the mode is the number of steps of one execution, and a precision where there is a choice.

Keras fetches losses once in an execution, and an execution ends with an epoch at the latest. For more steps than an
epoch has, Keras' epoch is therefore several of ours: it shuffles that many copies of the rows together, and validates
once for all of them. That is less work than the others do.

It keeps no best weights: `EarlyStopping(restore_best_weights=True)` would fetch them to the host whenever they improve.
"""

from __future__ import annotations

import os

import numpy as np

from benchmarks.peers.case import BATCH_ROWS, Clock, read_case, versions_of


def main() -> None:
    case = read_case()
    text, _, precision = case.mode.partition(":")
    steps = int(text or 1)
    os.environ |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": case.device}
    if case.threads == 1:
        flags = [os.environ.get("XLA_FLAGS", ""), "--xla_cpu_multi_thread_eigen=false"]
        os.environ["XLA_FLAGS"] = " ".join(flags).strip()
    if precision == "float32":
        os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"
    from benchmarks.peers.keras_model import Timer, compiled_model, use_bfloat16

    if precision == "bfloat16":
        use_bfloat16()
    x, y, x_validation, y_validation = case.arrays()
    model = compiled_model(case.network, len(x), steps_per_execution=steps)
    copies = max(1, steps * BATCH_ROWS // len(x))
    clock = Clock(case, epochs=copies)
    history = model.fit(
        np.tile(x, (copies, 1)),
        np.tile(y, copies)[:, None],  # the shape of the model's output, on which Keras' metrics insist
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
